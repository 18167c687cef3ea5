//! Export and import. An import does to each record what a person could do to it, in one transaction: to show what it
//! would do is to do it, and to undo all of it.

mod machines;
mod providers;

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Hub, Result};
use crate::model::audit::Changes;
use crate::model::exchange::{
    Action, Format, ImportLine, MACHINES, PROVIDERS, Row, Table, provider_row, vps_row, write,
};
use crate::model::time::Timestamp;
use crate::model::vps_filter::VpsFilter;

/// A file that is to be imported.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) format: Format,
    pub(crate) data: Value,
    /// Whether it is only to be shown what would happen.
    pub(crate) dry_run: bool,
    /// The digest of what was shown: if something else would happen now, nothing does.
    pub(crate) only_as: Option<String>,
}

/// What an import did, or would do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportReport {
    /// Records that were made or changed: none if it was a dry run, or a line was refused.
    pub(crate) imported: usize,
    /// A sentence for each line that was refused.
    pub(crate) errors: Vec<String>,
    pub(crate) dry_run: bool,
    /// Lines that make a record.
    pub(crate) created: usize,
    /// Lines that change one.
    pub(crate) updated: usize,
    /// Lines that say what is there already.
    pub(crate) unchanged: usize,
    /// Lines that cannot be imported; one is enough, and nothing is.
    pub(crate) refused: usize,
    pub(crate) lines: Vec<ImportLine>,
    /// Of what happens to each line.
    #[serde(skip)]
    pub(crate) digest: String,
    /// Whether it is something else than what was shown, and was not done.
    #[serde(skip)]
    pub(crate) is_other: bool,
}

impl Hub {
    /// The machines that `filter` lets through, as a file.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn export_vps(
        &self,
        now: Timestamp,
        filter: &VpsFilter,
        format: Format,
    ) -> Result<String> {
        let machines = self.with_providers(now, filter).await?;
        let rows: Vec<Row> = machines
            .iter()
            .map(|(vps, provider)| vps_row(vps, vps.provider_id.is_some().then_some(provider)))
            .collect();
        Ok(write(&MACHINES, format, &rows))
    }

    /// All providers, as a file.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn export_providers(&self, format: Format) -> Result<String> {
        let rows: Vec<Row> = self.store.all_providers().await?.iter().map(provider_row).collect();
        Ok(write(&PROVIDERS, format, &rows))
    }
}

/// What became of a line that was not refused.
struct Done {
    action: Action,
    /// What the record is called now.
    name: String,
    changes: Changes,
}

impl Done {
    fn made(id: Uuid, name: String, mut changes: Changes) -> Self {
        changes.note("id", &None, &Some(id));
        Self { action: Action::Create, name, changes }
    }

    fn changed(name: String, changes: Changes) -> Self {
        Self { action: Action::Change, name, changes }
    }

    fn same(name: String) -> Self {
        Self { action: Action::Same, name, changes: Changes::default() }
    }
}

/// What became of the line of that number. `name` is what it calls its record.
///
/// # Errors
/// When that does not lie in the line.
fn told(number: u64, name: String, done: Result<Done>) -> Result<ImportLine> {
    let refused = |error| ImportLine {
        line: number,
        action: Action::Refuse,
        name,
        changes: Changes::default(),
        error: Some(error),
    };
    match done {
        Ok(Done { action, name, changes }) => {
            Ok(ImportLine { line: number, action, name, changes, error: None })
        }
        Err(Error::Invalid(invalid)) => Ok(refused(invalid.to_string())),
        Err(
            Error::NotFound(sentence)
            | Error::Gone(sentence)
            | Error::Conflict(sentence)
            | Error::Stale(sentence),
        ) => Ok(refused(sentence)),
        Err(error) => Err(error),
    }
}

/// Takes those members out of a row that say what is there already: it was taken once, whatever the rules are now.
fn take_what_is_there(row: &mut Row, there: &Row) {
    row.retain(|name, value| there.get(name) != Some(value));
}

impl ImportReport {
    fn new(lines: Vec<ImportLine>, dry_run: bool, only_as: Option<&str>) -> Self {
        let digest = digest(&lines);
        let is_other = only_as.is_some_and(|shown| shown != digest);
        let count = |action| lines.iter().filter(|line| line.action == action).count();
        let (created, updated, refused) =
            (count(Action::Create), count(Action::Change), count(Action::Refuse));
        let refusal =
            |line: &ImportLine| line.error.as_ref().map(|error| format!("line {}: {error}", line.line));
        Self {
            imported: if dry_run || refused > 0 || is_other { 0 } else { created + updated },
            errors: lines.iter().filter_map(refusal).collect(),
            dry_run,
            created,
            updated,
            unchanged: count(Action::Same),
            refused,
            lines,
            digest,
            is_other,
        }
    }
}

/// What happens to the lines, told from all else that could. A new record has another id each time.
fn digest(lines: &[ImportLine]) -> String {
    let mut sha = Sha256::new();
    for line in lines {
        let is_new = line.action == Action::Create;
        let members: Vec<_> =
            line.changes.members().filter(|(member, ..)| !(is_new && *member == "id")).collect();
        sha.update(json!([line.line, line.action, line.name, members, line.error]).to_string());
    }
    sha.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The name of an exported file.
pub(crate) fn file_name(table: &Table, now: Timestamp, format: Format) -> String {
    format!("sigma-{}-{}.{}", table.noun, now.day_plus(0), format.name())
}
