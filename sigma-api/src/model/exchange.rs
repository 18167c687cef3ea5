//! What is exported and imported: rows of named members, the same in CSV and JSON.
//!
//! A file only says how members are written. What they may be is for the rules of changes to say, of machines and of
//! providers: what those refuse, an import refuses with the same sentence.

mod csv;
mod record;
mod row;
mod sheet;
#[cfg(test)]
mod tests;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use super::audit::Changes;

pub(crate) use self::csv::{Format, Line, read, write};
pub(crate) use record::{provider_row, vps_row};
pub(crate) use row::{change_of, id_of, name_of, says_deleted, take_id, take_text, take_version};

/// The members of one machine or provider; those that a file does not have are absent.
pub(crate) type Row = Map<String, Value>;

/// How the cells of a column are written. One that is not written so is left as it is, for the rules to refuse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    /// Empty is absent.
    OptionalText,
    /// Empty is absent.
    Number,
    Flag,
    Tags,
    Addresses,
    /// Shown, and not imported.
    Info,
}

/// Which version of its record a line was made of: read, and not exported.
const VERSION: &str = "version";

/// A table that can be exported and imported.
#[derive(Debug)]
pub(crate) struct Table {
    /// What its rows are about, in the name of the file and in the audit log.
    pub(crate) noun: &'static str,
    /// The member that a person knows a row by.
    pub(crate) name: &'static str,
    columns: &'static [(&'static str, Kind)],
    /// Members of records that are shown elsewhere: not exported, and passed over when they are imported.
    passed_over: &'static [&'static str],
}

/// Machines.
pub(crate) static MACHINES: Table = Table {
    noun: "vps",
    name: "hostname",
    columns: &[
        ("id", Kind::OptionalText),
        ("hostname", Kind::Text),
        ("alias", Kind::Text),
        ("provider_id", Kind::OptionalText),
        ("provider", Kind::OptionalText),
        ("ip_addresses", Kind::Addresses),
        ("ssh_port", Kind::Number),
        ("country", Kind::Text),
        ("city", Kind::Text),
        ("dc_name", Kind::Text),
        ("cpu_cores", Kind::Number),
        ("ram_mb", Kind::Number),
        ("disk_gb", Kind::Number),
        ("bandwidth_tb", Kind::Number),
        ("cost_monthly", Kind::OptionalText),
        ("currency", Kind::Text),
        ("status", Kind::Text),
        ("purchase_date", Kind::OptionalText),
        ("expire_date", Kind::OptionalText),
        ("purpose", Kind::Text),
        ("vpn_protocol", Kind::Text),
        ("tags", Kind::Tags),
        ("monitoring_enabled", Kind::Flag),
        ("node_exporter_port", Kind::Number),
        ("notes", Kind::Text),
        ("source", Kind::OptionalText),
        ("reported_hostname", Kind::OptionalText),
        ("created_at", Kind::Info),
    ],
    passed_over: &[
        "extra",
        "updated_at",
        "presence",
        "last_seen_at",
        "reported",
        "flags",
        "marks",
        "suggestion",
        "refused_reports",
        "refused_at",
    ],
};

/// Providers.
pub(crate) static PROVIDERS: Table = Table {
    noun: "provider",
    name: "name",
    columns: &[
        ("id", Kind::OptionalText),
        ("name", Kind::Text),
        ("country", Kind::Text),
        ("website", Kind::Text),
        ("panel_url", Kind::Text),
        ("api_supported", Kind::Flag),
        ("rating", Kind::Number),
        ("notes", Kind::Text),
        ("created_at", Kind::Info),
    ],
    passed_over: &["updated_at", "machines"],
};

impl Table {
    fn kind(&self, name: &str) -> Option<Kind> {
        if name == VERSION {
            return Some(Kind::Number);
        }
        self.columns.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// Whether a member may stand in a file.
    fn knows(&self, name: &str) -> bool {
        self.kind(name).is_some() || self.passed_over.contains(&name)
    }

    /// The member that a heading means, in any case.
    fn named(&self, heading: &str) -> Option<&'static str> {
        let mut all = self.columns.iter().map(|(name, _)| name).chain(self.passed_over).chain(&[VERSION]);
        all.find(|name| name.eq_ignore_ascii_case(heading)).copied()
    }

    /// Whether a member is read.
    fn reads(&self, name: &str) -> bool {
        self.kind(name).is_some_and(|kind| kind != Kind::Info)
    }
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Create,
    Change,
    Same,
    Refuse,
}

/// What becomes of a line, for the person who imports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct ImportLine {
    /// Line of the file (CSV), or place in the list (JSON), from 1.
    pub(crate) line: u64,
    pub(crate) action: Action,
    /// What the record is called.
    pub(crate) name: String,
    /// Member to `[from, to]`.
    pub(crate) changes: Changes,
    /// Why it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}
