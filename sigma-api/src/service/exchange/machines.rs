//! Importing machines.

use std::collections::{HashMap, HashSet};

use serde_json::json;
use uuid::Uuid;

use super::super::directory::Standing;
use super::super::editing::{Deed, check_version, create, edit};
use super::super::pending::Pending;
use super::super::{Hub, Result};
use super::{Done, Import, ImportReport, take_what_is_there, told};
use crate::model::audit::{Actor, Changes};
use crate::model::exchange::{
    ImportLine, Line, MACHINES, Row, change_of, id_of, name_of, read, says_deleted, take_id, take_text,
    take_version, vps_row,
};
use crate::model::provider::Provider;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::model::vps::Vps;
use crate::model::vps_change::{Action, VpsChange};
use crate::store::{Editable, Tx};

const ACTION: &str = "vps.import";
/// Who makes a record, unless the file says so.
const SOURCE: &str = "import";
/// Records that are held in memory at once.
const AT_ONCE: usize = 200;

impl Hub {
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
        let lines = read(&MACHINES, import.format, import.data)?;
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let deed = Deed { now, actor, bulk: None };
        let providers = tx.all_providers().await?;
        let targets = Targets::of(&tx, &lines).await?;
        let pending = Pending::with_free_names(targets.free_names(&lines));
        let mut importing = Importing { tx: &tx, pending, deed, providers, targets, changed: Vec::new() };
        let lines = importing.take_all(lines).await?;
        let changed = importing.changed;
        let report = ImportReport::new(lines, import.dry_run, import.only_as.as_deref());
        if report.imported > 0 {
            tx.commit().await?;
            changed.into_iter().for_each(|standing| self.follow(standing));
            self.suggestions.forget().await;
        }
        Ok(report)
    }
}

/// Which records the lines are about.
struct Targets {
    /// What those are called that exist.
    names: HashMap<Uuid, String>,
    living: HashMap<String, Uuid>,
    /// The line that was about each record.
    taken: HashMap<Uuid, u64>,
}

impl Targets {
    /// Finds them. Those that are to be called otherwise give up their names, which may be for others of them.
    async fn of(tx: &Tx, lines: &[Line]) -> Result<Self> {
        let rows = || lines.iter().filter_map(|line| line.row.as_ref().ok());
        let ids: Vec<Uuid> = rows().filter_map(id_of).collect();
        let named: Vec<&str> = rows().filter_map(|row| name_of(row, MACHINES.name)).collect();
        let living = tx.all_named(&named).await?;
        let mut names = tx.hostnames(&ids).await?;
        names.extend(living.iter().map(|(name, id)| (*id, name.clone())));
        let targets = Self { names, living, taken: HashMap::new() };
        for row in rows() {
            let renamed = targets.of_row(row).filter(|(_, called)| {
                name_of(row, MACHINES.name).is_some_and(|name| name != called.as_str())
            });
            if let Some((id, _)) = renamed {
                tx.free_hostname(id).await?;
            }
        }
        Ok(targets)
    }

    /// The record that a row is about, and what it is called: that of its id, or else the living one of its name.
    fn of_row(&self, row: &Row) -> Option<(Uuid, &String)> {
        let by_id = id_of(row).filter(|id| self.names.contains_key(id));
        let by_name = || {
            // A deleted record of that id may have the name of a living one.
            let may_live = !says_deleted(row) || id_of(row).is_none();
            name_of(row, MACHINES.name).filter(|_| may_live).and_then(|name| self.living.get(name).copied())
        };
        let id = by_id.or_else(by_name)?;
        self.names.get(&id).map(|name| (id, name))
    }

    /// Names of the lines that no living record has.
    fn free_names(&self, lines: &[Line]) -> HashSet<String> {
        let rows = lines.iter().filter_map(|line| line.row.as_ref().ok());
        let names = rows.filter_map(|row| name_of(row, MACHINES.name));
        names.filter(|name| !self.living.contains_key(*name)).map(str::to_owned).collect()
    }

    fn take(&mut self, id: Uuid, line: u64) -> Result<()> {
        match self.taken.insert(id, line) {
            None => Ok(()),
            Some(earlier) => {
                let rule = format!("line {earlier} is about the same record");
                Err(Invalid::new(MACHINES.name, rule).into())
            }
        }
    }
}

struct Importing<'a> {
    tx: &'a Tx,
    pending: Pending,
    deed: Deed<'a>,
    providers: Vec<Provider>,
    targets: Targets,
    changed: Vec<Standing>,
}

impl Importing<'_> {
    async fn take_all(&mut self, lines: Vec<Line>) -> Result<Vec<ImportLine>> {
        let mut told_lines = Vec::with_capacity(lines.len());
        let mut lines = lines.into_iter();
        loop {
            let some: Vec<Line> = lines.by_ref().take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok(told_lines);
            }
            let target = |line: &Line| Some(self.targets.of_row(line.row.as_ref().ok()?)?.0);
            let ids: Vec<Uuid> = some.iter().filter_map(target).collect();
            let mut records = self.tx.records_with_addresses(&ids).await?;
            for Line { number, row } in some {
                let name = row.as_ref().ok().and_then(|row| name_of(row, MACHINES.name)).map(str::to_owned);
                let done = match row {
                    Ok(row) => self.take(number, row, &mut records).await,
                    Err(invalid) => Err(invalid.into()),
                };
                told_lines.push(told(number, name.unwrap_or_default(), done)?);
            }
            self.pending.write(self.tx).await?;
        }
    }

    async fn take(&mut self, line: u64, mut row: Row, records: &mut HashMap<Uuid, Editable>) -> Result<Done> {
        let target = self.targets.of_row(&row).map(|(id, name)| (id, name.clone()));
        let (given, version) = (take_id(&mut row, "id")?, take_version(&mut row)?);
        // A record that was found by its name keeps its id.
        let id = target.as_ref().map(|(id, _)| *id);
        if let Some(id) = id.or(given) {
            self.targets.take(id, line)?;
        }
        let stored = id.and_then(|id| records.remove(&id));
        match target.zip(stored) {
            Some(((_, name), mut stored)) => {
                // It may have given up its name for the time being.
                stored.vps.reported_hostname.take_if(|reported| *reported == name);
                let expected = Expected::default().and(version);
                let known = (stored.vps.id, stored.vps.version);
                check_version(self.tx, &format!("The machine {name}"), known, &expected).await?;
                stored.vps.hostname = name;
                self.change(row, &stored).await
            }
            None => self.make(given.unwrap_or_else(Uuid::now_v7), row).await,
        }
    }

    async fn make(&mut self, id: Uuid, mut row: Row) -> Result<Done> {
        let is_deleted = says_deleted(&row);
        if is_deleted {
            row.remove("status");
        }
        self.resolve_provider(&mut row)?;
        let mut change = checked(row)?;
        change.source.get_or_insert_with(|| SOURCE.to_owned());
        change.action = is_deleted.then_some(Action::Delete);
        match create(self.tx, &mut self.pending, self.deed, ACTION, id, &change).await? {
            Some((vps, changes)) => {
                Ok(Done::made(vps.id, vps.hostname.clone(), self.shown(changes, None, &vps)))
            }
            None => Ok(Done::same(String::new())),
        }
    }

    async fn change(&mut self, mut row: Row, stored: &Editable) -> Result<Done> {
        let vps = &stored.vps;
        self.resolve_provider(&mut row)?;
        take_what_is_there(&mut row, &vps_row(vps, None));
        if stored.has_reported {
            row.remove("reported_hostname");
        }
        if row.is_empty() {
            return Ok(Done::same(vps.hostname.clone()));
        }
        let mut change = checked(row)?;
        if stored.has_reported
            && let Some(addresses) = &mut change.ip_addresses
        {
            // Its agent says which there are; others of the file are history.
            addresses.retain(|address| vps.ip_addresses.iter().any(|here| here.ip == address.ip));
        }
        let edited = edit(self.tx, &mut self.pending, self.deed, ACTION, stored, &change).await?;
        let Some((after, changes)) = edited else {
            return Ok(Done::same(vps.hostname.clone()));
        };
        self.changed.push(Standing { id: after.id, status: after.status });
        let changes = self.shown(changes, vps.provider_id, &after);
        Ok(Done::changed(after.hostname, changes))
    }

    /// What changed, with the name of a provider beside its id.
    fn shown(&self, mut changes: Changes, before: Option<Uuid>, after: &Vps) -> Changes {
        let name = |id: Option<Uuid>| {
            self.providers.iter().find(|provider| Some(provider.id) == id).map(|provider| &provider.name)
        };
        changes.note("provider", &name(before), &name(after.provider_id));
        changes
    }

    /// Finds the provider that a row names by its id or, where that is not known here, by its name.
    fn resolve_provider(&self, row: &mut Row) -> std::result::Result<(), Invalid> {
        if !row.contains_key("provider_id") && !row.contains_key("provider") {
            return Ok(());
        }
        let says_name = row.contains_key("provider");
        let (id, named) = (take_id(row, "provider_id")?, take_text(row, "provider")?);
        let is_called = |provider: &Provider, name: &str| provider.name.eq_ignore_ascii_case(name);
        let by_id = self.providers.iter().find(|provider| Some(provider.id) == id);
        let found = match (by_id, named) {
            (Some(provider), Some(name)) if !is_called(provider, &name) => {
                let rule =
                    format!("is {name}, but provider_id is that of {}; empty one of them", provider.name);
                return Err(Invalid::new("provider", rule));
            }
            (Some(_), None) if says_name => {
                return Err(Invalid::new("provider", "is empty, but provider_id is not; empty both or none"));
            }
            (Some(provider), _) => Some(provider),
            (None, Some(name)) => {
                let found = self.providers.iter().find(|provider| is_called(provider, &name));
                let rule = || format!("there is no provider called {name}; make or import it first");
                Some(found.ok_or_else(|| Invalid::new("provider", rule()))?)
            }
            (None, None) if id.is_some() => {
                let rule = "there is no provider of this id; make or import it first";
                return Err(Invalid::new("provider_id", rule));
            }
            (None, None) => None,
        };
        row.insert("provider_id".to_owned(), json!(found.map(|provider| provider.id)));
        Ok(())
    }
}

/// The members of a row as a change that keeps the rules.
fn checked(mut row: Row) -> std::result::Result<VpsChange, Invalid> {
    let reported_hostname = take_text(&mut row, "reported_hostname")?;
    if row.get("source").is_some_and(|source| source.is_null() || source == "") {
        row.remove("source");
    }
    change_of(row, |change| VpsChange { reported_hostname: reported_hostname.clone(), ..change }.checked())
}
