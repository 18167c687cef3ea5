//! Which record a report belongs to. The hostname is the key; the hash of the machine id and the boot id are evidence that
//! tells two machines of one name apart, and one machine of two names together.
//!
//! Nothing here is final: a wrong guess is one that a living machine corrects with its next beat (`returned`), and what
//! no machine can correct makes a record of its own and a mark for a person. See docs/decisions/0006-identity.md.

mod court;

use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;

use sigma_protocol::MAX_HOSTNAME_CHARS;
use uuid::Uuid;

use super::binding::{Binding, Keys, Speaker};
use super::presence::Listening;
use super::time::Timestamp;

pub(crate) use court::decide;

/// What a machine is known by: the name that its agent says, and the evidence that it sends, if any.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Face {
    pub(crate) hostname: String,
    /// Hash of the machine id: the same until the machine is installed anew, and in clones of a template.
    pub(crate) machine_id: Option<String>,
    /// Random with each boot; containers have that of their host.
    pub(crate) boot_id: Option<String>,
}

/// A face under which a machine reported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KnownFace {
    pub(crate) face: Face,
    pub(crate) first_seen: Timestamp,
}

/// A record that a report may belong to.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) id: Uuid,
    /// What the record is called, which may not be what its machine is called.
    pub(crate) hostname: String,
    /// What is said that its agent calls it, if that is another name.
    pub(crate) reported_hostname: Option<String>,
    pub(crate) deleted: bool,
    /// Absent until an agent reported.
    pub(crate) current: Option<KnownFace>,
    pub(crate) former: Vec<KnownFace>,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) interval: Option<Duration>,
    /// Those that it has now.
    pub(crate) addresses: Vec<IpAddr>,
    /// Those that speak for it.
    pub(crate) keys: Keys,
}

/// A report, as far as it says whose it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sighting<'a> {
    pub(crate) face: &'a Face,
    /// A heartbeat makes no record, and gives none to another machine.
    pub(crate) is_registration: bool,
    /// When the machine booted, by the hub's clock.
    pub(crate) booted: Option<Timestamp>,
    /// Empty when it says none.
    pub(crate) addresses: &'a [IpAddr],
    /// Whose key it came with.
    pub(crate) speaker: Speaker,
    /// When the hub could hear anybody.
    pub(crate) listening: Listening,
}

/// Whose a report is, and what becomes of the key that speaks for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ruling {
    pub(crate) decision: Decision,
    pub(crate) binding: Binding,
}

/// Whose a report is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    /// The record of this machine, as it is known.
    Same(Uuid),
    /// The same machine after a boot.
    Rebooted(Uuid),
    /// Another machine id under the name of a machine that is silent: it was installed anew.
    Reinstalled(Uuid),
    /// The same machine under another name.
    Renamed(Uuid),
    /// A record without evidence, or of a person's making, whose machine this is.
    Adopted(Uuid),
    /// The machine that the record was of before another took its place, which needs a record of its own.
    Returned(Uuid),
    /// A machine that is not known; living machines have its name, or its machine id.
    New { conflicts: Vec<Uuid>, clones: Vec<Uuid> },
    /// A heartbeat of a machine that is to register first.
    Unknown,
    /// A person deleted the record of this machine.
    Gone(Uuid),
    /// Another key speaks for the machine.
    Refused(Uuid),
}

impl Decision {
    /// The living record that the report changes.
    pub(crate) fn record(&self) -> Option<Uuid> {
        match self {
            Self::Same(id)
            | Self::Rebooted(id)
            | Self::Reinstalled(id)
            | Self::Renamed(id)
            | Self::Adopted(id)
            | Self::Returned(id) => Some(*id),
            Self::New { .. } | Self::Unknown | Self::Gone(_) | Self::Refused(_) => None,
        }
    }
}

/// The face that a record has after a decision for it. Evidence that the report does not bring stays where the machine is
/// the same.
pub(crate) fn face_after(decision: &Decision, reported: &Face, current: Option<&Face>) -> Face {
    match (decision, current) {
        (Decision::Same(_), Some(known)) => reported.or(known),
        (Decision::Adopted(_), Some(known)) => {
            Face { machine_id: reported.or(known).machine_id, ..reported.clone() }
        }
        _ => reported.clone(),
    }
}

/// So much of a hostname stands before a number: with one of nine digits it is still no longer than a hostname may be.
const MAX_NUMBERED_CHARS: usize = MAX_HOSTNAME_CHARS - " (123456789)".len();

/// What stands before the number of a record that has the name of another.
pub(crate) fn before_number(hostname: &str) -> String {
    hostname.chars().take(MAX_NUMBERED_CHARS).collect::<String>() + " ("
}

/// `hostname`, or with the first number from 2 on that makes it a name that is not taken.
pub(crate) fn free_name(hostname: &str, taken: &HashSet<String>) -> String {
    let before = before_number(hostname);
    let numbered = (2_u32..).map(|number| format!("{before}{number})"));
    let mut names = std::iter::once(hostname.to_owned()).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_else(|| hostname.to_owned())
}

impl Face {
    /// Whether it has nothing but a name.
    pub(crate) fn is_bare(&self) -> bool {
        self.machine_id.is_none() && self.boot_id.is_none()
    }

    /// This face, with what `known` has where it says nothing: evidence that could not be read once is not lost.
    pub(crate) fn or(&self, known: &Self) -> Self {
        Self {
            hostname: self.hostname.clone(),
            machine_id: self.machine_id.clone().or_else(|| known.machine_id.clone()),
            boot_id: self.boot_id.clone().or_else(|| known.boot_id.clone()),
        }
    }

    /// Whether it has evidence of a kind that `known` lacks.
    fn has_more_than(&self, known: &Self) -> bool {
        self.machine_id.is_some() && known.machine_id.is_none()
            || self.boot_id.is_some() && known.boot_id.is_none()
    }

    fn same_machine(&self, other: &Self) -> bool {
        self.machine_id.is_some() && self.machine_id == other.machine_id
    }

    fn same_boot(&self, other: &Self) -> bool {
        self.boot_id.is_some() && self.boot_id == other.boot_id
    }
}

impl Candidate {
    fn face(&self) -> Option<&Face> {
        self.current.as_ref().map(|known| &known.face)
    }

    fn reports_as(&self, hostname: &str) -> bool {
        let said = || self.reported_hostname.as_ref().unwrap_or(&self.hostname);
        self.face().map_or_else(said, |face| &face.hostname) == hostname
    }

    fn machine_id(&self) -> Option<&str> {
        self.face().and_then(|face| face.machine_id.as_deref())
    }

    fn faces(&self) -> impl Iterator<Item = &KnownFace> {
        self.current.iter().chain(&self.former)
    }
}

#[cfg(test)]
mod tests;
