//! Importing providers.

use std::collections::HashMap;

use uuid::Uuid;

use super::super::editing::{Deed, check_version};
use super::super::providers::{create, edit};
use super::super::{Hub, Result};
use super::{Done, Import, ImportReport, take_what_is_there, told};
use crate::model::audit::Actor;
use crate::model::exchange::{
    Line, PROVIDERS, Row, change_of, id_of, name_of, provider_row, read, take_id, take_version,
};
use crate::model::provider::{Provider, ProviderChange};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::store::Tx;

const ACTION: &str = "provider.import";

impl Hub {
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
        let lines = read(&PROVIDERS, import.format, import.data)?;
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let mut targets = Targets::of(&tx, &lines).await?;
        let deed = Deed { now, actor, bulk: None };
        let mut told_lines = Vec::with_capacity(lines.len());
        for Line { number, row } in lines {
            let name = row.as_ref().ok().and_then(|row| name_of(row, PROVIDERS.name)).map(str::to_owned);
            let done = match row {
                Ok(row) => take(&tx, deed, &mut targets, number, row).await,
                Err(invalid) => Err(invalid.into()),
            };
            told_lines.push(told(number, name.unwrap_or_default(), done)?);
        }
        let report = ImportReport::new(told_lines, import.dry_run, import.only_as.as_deref());
        if report.imported > 0 {
            tx.commit().await?;
            self.suggestions.forget().await;
        }
        Ok(report)
    }
}

/// Which providers the lines are about.
struct Targets {
    there: HashMap<Uuid, Provider>,
    /// By names in small letters.
    named: HashMap<String, Uuid>,
    /// The line that was about each of them.
    taken: HashMap<Uuid, u64>,
}

impl Targets {
    /// Finds them. Those that are to be called otherwise give up their names, which may be for others of them.
    async fn of(tx: &Tx, lines: &[Line]) -> Result<Self> {
        let all = tx.all_providers().await?;
        let named = all.iter().map(|provider| (provider.name.to_ascii_lowercase(), provider.id)).collect();
        let there = all.into_iter().map(|provider| (provider.id, provider)).collect();
        let targets = Self { there, named, taken: HashMap::new() };
        for row in lines.iter().filter_map(|line| line.row.as_ref().ok()) {
            let renamed = targets
                .of_row(row)
                .filter(|provider| name_of(row, PROVIDERS.name).is_some_and(|name| name != provider.name));
            if let Some(provider) = renamed {
                tx.free_provider_name(provider.id).await?;
            }
        }
        Ok(targets)
    }

    /// The provider that a row is about: that of its id, or else of its name.
    fn of_row(&self, row: &Row) -> Option<&Provider> {
        let by_id = id_of(row).and_then(|id| self.there.get(&id));
        let by_name = || {
            let id = self.named.get(&name_of(row, PROVIDERS.name)?.to_ascii_lowercase())?;
            self.there.get(id)
        };
        by_id.or_else(by_name)
    }
}

async fn take(tx: &Tx, deed: Deed<'_>, targets: &mut Targets, line: u64, mut row: Row) -> Result<Done> {
    let target = targets.of_row(&row).cloned();
    let (id, version) = (take_id(&mut row, "id")?, take_version(&mut row)?);
    let about = target.as_ref().map(|provider| provider.id).or(id);
    if let Some(earlier) = about.and_then(|id| targets.taken.insert(id, line)) {
        let rule = format!("line {earlier} is about the same record");
        return Err(Invalid::new(PROVIDERS.name, rule).into());
    }
    let Some(before) = target else {
        let change = change_of(row, ProviderChange::checked)?;
        let id = id.unwrap_or_else(Uuid::now_v7);
        let (provider, changes) = create(tx, deed, ACTION, id, &change).await?;
        return Ok(Done::made(provider.id, provider.name, changes));
    };
    let expected = Expected::default().and(version);
    let name = format!("The provider {}", before.name);
    check_version(tx, &name, (before.id, before.version), &expected).await?;
    take_what_is_there(&mut row, &provider_row(&before));
    let change = change_of(row, ProviderChange::checked)?;
    match edit(tx, deed, ACTION, &before, &change).await? {
        Some((after, changes)) => Ok(Done::changed(after.name, changes)),
        None => Ok(Done::same(before.name)),
    }
}
