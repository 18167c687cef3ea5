//! What deserves a look by a person, until one says what it is.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time::Timestamp;

/// What kind of look it deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum MarkKind {
    /// Two living machines of one name.
    Conflict,
    /// Two living machines of one machine id.
    Clone,
    /// Another machine id under the name of a machine that was silent.
    Reinstalled,
    /// Another key speaks for the machine than before, and both are valid.
    Rekeyed,
}

impl MarkKind {
    const ALL: [Self; 4] = [Self::Conflict, Self::Clone, Self::Reinstalled, Self::Rekeyed];

    /// Its name in flags, JSON and the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Clone => "clone",
            Self::Reinstalled => "reinstalled",
            Self::Rekeyed => "rekeyed",
        }
    }

    /// The kind of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What is to be told about it.
    pub(crate) fn detail(self) -> &'static str {
        match self {
            Self::Conflict => "Two living machines report the same hostname.",
            Self::Clone => "Two living machines have the same machine id, as clones of one template do.",
            Self::Reinstalled => {
                "The machine id changed while the machine was silent: it was installed anew."
            }
            Self::Rekeyed => {
                "Another key speaks for this machine than before, and both are valid: it was moved, or a key was stolen."
            }
        }
    }
}

/// An open mark of a record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Mark {
    pub(crate) kind: MarkKind,
    /// The other record of a conflict or clone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) other_id: Option<Uuid>,
    /// What that one is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) other_hostname: Option<String>,
    /// A sentence.
    pub(crate) detail: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
}

/// How a mark was settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolution {
    /// A person gave one of them another name.
    Renamed,
    /// A person said that these are two.
    Distinct,
    /// A person said that these are one.
    Merged,
    /// A person has seen it.
    Acknowledged,
    /// The machine that was taken for gone came back.
    Returned,
}

impl Resolution {
    /// Its name in the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Renamed => "renamed",
            Self::Distinct => "distinct",
            Self::Merged => "merged",
            Self::Acknowledged => "acknowledged",
            Self::Returned => "returned",
        }
    }
}

/// The flags of a record: the kinds of its open marks, each once.
pub(crate) fn flags_of(marks: &[Mark]) -> Vec<String> {
    let mut kinds: Vec<MarkKind> = marks.iter().map(|mark| mark.kind).collect();
    kinds.sort();
    kinds.dedup();
    kinds.into_iter().map(|kind| kind.name().to_owned()).collect()
}
