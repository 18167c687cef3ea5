//! What the parts of the inbox are called, and what a person is to do there.

/// Over a part.
#[derive(Debug, Clone, Copy)]
pub(super) struct Title {
    /// What programs call it.
    pub(super) key: &'static str,
    pub(super) words: &'static str,
    pub(super) hint: &'static str,
}

pub(super) const CONFLICTS: Title = Title {
    key: "conflict",
    words: "Two of one name",
    hint: "Two living machines report the same hostname. Say whether they are two machines or one.",
};

pub(super) const CLONES: Title = Title {
    key: "clone",
    words: "Clones",
    hint: "Two living machines have the same machine id, as clones of one template do. Say whether they are two \
           machines or one.",
};

pub(super) const DELETED: Title = Title {
    key: "deleted",
    words: "Deleted, and still reporting",
    hint: "Their reports are refused. Restore the record, or stop the agent on the machine.",
};

pub(super) const ALIVE: Title = Title {
    key: "alive",
    words: "Alive after their expiry",
    hint: "They still report, but their expiry date is past. If they were renewed, enter the new date.",
};

pub(super) const SILENT: Title = Title {
    key: "silent",
    words: "Silent, and still paid for",
    hint: "Nothing has been heard from them for a day or more. Find out why, or retire them.",
};

pub(super) const LESS: Title = Title {
    key: "less",
    words: "Less than bought",
    hint: "They measure less than the record says was bought.",
};

pub(super) const REKEYED: Title = Title {
    key: "rekeyed",
    words: "Another key",
    hint: "They report with another key than before, and both keys are valid: either somebody moved them, or a key was \
           stolen.",
};

pub(super) const REINSTALLED: Title = Title {
    key: "reinstalled",
    words: "Reinstalled",
    hint: "Their machine id changed while they were silent.",
};
