//! Export and import. An import is planned and done in one transaction: what is shown is what happens, or nothing does.

use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::directory::Standing;
use super::{Error, Hub, Result};
use crate::model::audit::{Actor, Subject};
use crate::model::exchange::{
    Action, Existing, Format, ImportLine, Line, MACHINES, PROVIDERS, Plan, Planned, ProviderRecord, Row,
    Table, VpsRecord, plan, provider_row, read, vps_row, write,
};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::vps::{Status, VpsFilter};
use crate::store::Tx;

/// A file that is to be imported.
#[derive(Debug)]
pub(crate) struct Import {
    pub(crate) format: Format,
    pub(crate) data: Value,
    /// Whether it is only to be shown what would happen.
    pub(crate) dry_run: bool,
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
        let rows: Vec<Row> = self.store.provider_records().await?.iter().map(provider_row).collect();
        Ok(write(&PROVIDERS, format, &rows))
    }

    /// Imports machines.
    ///
    /// # Errors
    /// A file that cannot be read at all; a database that cannot be written. Nothing was imported then.
    pub(crate) async fn import_vps(
        &self,
        now: Timestamp,
        actor: &Actor,
        import: Import,
    ) -> Result<ImportReport> {
        let lines = read(&MACHINES, import.format, &import.data)?;
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let plan = plan_vps(&tx, lines).await?;
        let is_done = !import.dry_run && plan.count(Action::Refuse) == 0;
        if is_done && !plan.writes.is_empty() {
            write_vps(&tx, now, actor, &plan.writes).await?;
            tx.commit().await?;
            plan.writes.iter().for_each(|planned| self.remember_import(planned));
        }
        Ok(report(plan, import.dry_run))
    }

    /// Imports providers.
    ///
    /// # Errors
    /// As for machines.
    pub(crate) async fn import_providers(
        &self,
        now: Timestamp,
        actor: &Actor,
        import: Import,
    ) -> Result<ImportReport> {
        let lines = read(&PROVIDERS, import.format, &import.data)?;
        let tx = self.store.begin().await?;
        let known = tx.provider_records().await?;
        let existing: Vec<Existing> =
            known.iter().map(|provider| Existing { row: provider_row(provider), has_agent: false }).collect();
        let plan = plan(&PROVIDERS, lines, &existing, |_| Ok(()));
        let is_done = !import.dry_run && plan.count(Action::Refuse) == 0;
        if is_done && !plan.writes.is_empty() {
            write_providers(&tx, now, actor, &plan.writes).await?;
            tx.commit().await?;
        }
        Ok(report(plan, import.dry_run))
    }

    /// What is in memory of a machine becomes what the database says of it now.
    fn remember_import(&self, planned: &Planned) {
        let Some(before) = &planned.before else { return };
        let status = Status::from_name(&text(&planned.after, "status"));
        if let (Ok(id), Some(status)) = (text(before, "id").parse(), status) {
            self.follow(Standing { id, status });
        }
    }
}

async fn plan_vps(tx: &Tx, lines: Vec<Line>) -> Result<Plan> {
    let providers = tx.provider_records().await?;
    let names: HashMap<Uuid, &str> =
        providers.iter().map(|provider| (provider.id, provider.name.as_str())).collect();
    let existing: Vec<Existing> = tx
        .all_vps()
        .await?
        .iter()
        .map(|stored| {
            let provider = stored.vps.provider_id.and_then(|id| names.get(&id).copied());
            Existing { row: vps_row(&stored.vps, provider), has_agent: stored.seen.is_some() }
        })
        .collect();
    Ok(plan(&MACHINES, lines, &existing, |row| resolve_provider(row, &providers)))
}

/// Finds the provider that a row names by its id or, where that is not known here, by its name.
fn resolve_provider(row: &mut Row, providers: &[ProviderRecord]) -> std::result::Result<(), Invalid> {
    if !row.contains_key("provider_id") && !row.contains_key("provider") {
        return Ok(());
    }
    let named = row.get("provider").and_then(Value::as_str);
    let id: Option<Uuid> = row.get("provider_id").and_then(Value::as_str).and_then(|id| id.parse().ok());
    let by_id = providers.iter().find(|provider| Some(provider.id) == id);
    let by_name = || providers.iter().find(|p| named.is_some_and(|name| p.name.eq_ignore_ascii_case(name)));
    let found = match (by_id, named) {
        (Some(provider), Some(name)) if !provider.name.eq_ignore_ascii_case(name) => {
            let reason =
                format!("is {name}, but provider_id is that of {}; empty one of them", provider.name);
            return Err(Invalid::new("provider", reason));
        }
        (Some(_), None) if row.contains_key("provider") => {
            return Err(Invalid::new("provider", "is empty, but provider_id is not; empty both or none"));
        }
        (Some(provider), _) => Some(provider),
        (None, Some(name)) => Some(by_name().ok_or_else(|| {
            Invalid::new("provider", format!("there is no provider called {name}; make or import it first"))
        })?),
        (None, None) if id.is_some() => {
            return Err(Invalid::new(
                "provider_id",
                "there is no provider of this id; make or import it first",
            ));
        }
        (None, None) => None,
    };
    row.insert("provider_id".to_owned(), json!(found.map(|provider| provider.id)));
    row.insert("provider".to_owned(), json!(found.map(|provider| &provider.name)));
    Ok(())
}

async fn write_vps(tx: &Tx, now: Timestamp, actor: &Actor, writes: &[Planned]) -> Result<()> {
    for planned in writes.iter().filter(|planned| planned.before.is_some() && is_changed(planned, "hostname"))
    {
        tx.free_hostname(record::<VpsRecord>(planned)?.id).await?;
    }
    for planned in writes {
        let record: VpsRecord = record(planned)?;
        match &planned.before {
            None => tx.insert_record(now, &record).await?,
            Some(_) => {
                let edited = (is_changed(planned, "hostname"), is_changed(planned, "alias"));
                tx.update_record(now, &record, edited).await?;
                if is_changed(planned, "ip_addresses") {
                    tx.put_record_addresses(now, &record).await?;
                }
            }
        }
        let subject = Subject::vps(record.id, &record.hostname);
        tx.audit(now, actor, "vps.import", subject, &planned.changes).await?;
    }
    Ok(())
}

async fn write_providers(tx: &Tx, now: Timestamp, actor: &Actor, writes: &[Planned]) -> Result<()> {
    for planned in writes.iter().filter(|planned| planned.before.is_some() && is_changed(planned, "name")) {
        tx.free_provider_name(record::<ProviderRecord>(planned)?.id).await?;
    }
    for planned in writes {
        let record: ProviderRecord = record(planned)?;
        match &planned.before {
            None => tx.insert_provider_record(now, &record).await?,
            Some(_) => tx.update_provider_record(now, &record).await?,
        }
        let subject = Subject { kind: "provider".to_owned(), id: Some(record.id), name: record.name };
        tx.audit(now, actor, "provider.import", subject, &planned.changes).await?;
    }
    Ok(())
}

/// The record of a row. Rows that were checked have every member of a record.
fn record<T: DeserializeOwned>(planned: &Planned) -> Result<T> {
    serde_json::from_value(Value::Object(planned.after.clone()))
        .map_err(|error| Error::Broken(format!("a row that was checked is no record: {error}")))
}

fn is_changed(planned: &Planned, member: &str) -> bool {
    planned.before.as_ref().and_then(|before| before.get(member)) != planned.after.get(member)
}

fn text(row: &Row, name: &str) -> String {
    row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn report(plan: Plan, dry_run: bool) -> ImportReport {
    let count = |action| plan.count(action);
    let (created, updated, refused) = (count(Action::Create), count(Action::Change), count(Action::Refuse));
    let is_done = !dry_run && refused == 0;
    let refusal = |line: &ImportLine| line.error.as_ref().map(|error| format!("line {}: {error}", line.line));
    ImportReport {
        imported: if is_done { created + updated } else { 0 },
        errors: plan.lines.iter().filter_map(refusal).collect(),
        dry_run,
        created,
        updated,
        unchanged: count(Action::Same),
        refused,
        lines: plan.lines,
    }
}

/// The name of an exported file.
pub(crate) fn file_name(table: &Table, now: Timestamp, format: Format) -> String {
    format!("sigma-{}-{}.{}", table.noun, now.day_plus(0), format.name())
}
