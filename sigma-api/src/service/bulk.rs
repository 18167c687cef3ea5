//! Changing many machines at once: all of them, or none.

use uuid::Uuid;

use super::directory::Standing;
use super::editing::{Deed, action_name, edit};
use super::pending::Pending;
use super::providers::called;
use super::{Error, Hub, Result};
use crate::model::audit::Actor;
use crate::model::bulk::{BulkRequest, BulkResult, MAX_MACHINES, Selection, check_count};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::store::Tx;

/// Records that are held in memory at once.
pub(super) const AT_ONCE: usize = 200;

impl Hub {
    /// Changes all machines that are meant, in one transaction.
    ///
    /// # Errors
    /// `Invalid` and `Conflict`, about the first machine that cannot be changed so, or when a list has not as many machines
    /// as the caller saw; then none is changed.
    pub(crate) async fn change_many(
        &self,
        now: Timestamp,
        actor: &Actor,
        request: BulkRequest,
    ) -> Result<BulkResult> {
        let provider = request.provider().map(str::to_owned);
        let found = request.found();
        let (selection, mut change) = request.checked()?;
        let bulk = Uuid::now_v7();
        let deed = Deed { now, actor, bulk: Some(bulk) };
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let ids = meant(&tx, now, selection).await?;
        as_many(found, ids.len())?;
        if let Some(name) = provider {
            change.provider_id = Some(Some(called(&tx, deed, &name).await?.0));
        }
        let mut changed: Vec<Standing> = Vec::new();
        let mut pending = Pending::default();
        for some in ids.chunks(AT_ONCE) {
            let mut records = tx.records(some).await?;
            for id in some {
                let stored = records.remove(id);
                let stored = stored
                    .ok_or_else(|| Invalid::new("ids", format!("there is no machine with the id {id}")))?;
                let after = edit(&tx, &mut pending, deed, action_name(change.action), &stored, &change).await;
                let after = after.map_err(|error| about(error, &stored.vps.hostname))?;
                changed.extend(after.map(|(Vps { id, status, .. }, _)| Standing { id, status }));
            }
            pending.write(&tx).await?;
        }
        tx.commit().await?;
        changed.iter().for_each(|standing| self.follow(*standing));
        if change.provider_id.is_some() || change.action.is_some() {
            self.suggestions.forget().await;
        }
        let unchanged = ids.len().saturating_sub(changed.len());
        let changed: Vec<Uuid> = changed.into_iter().map(|standing| standing.id).collect();
        let bulk = (!changed.is_empty()).then_some(bulk);
        Ok(BulkResult { changed: changed.len(), unchanged, ids: changed, bulk })
    }
}

async fn meant(tx: &Tx, now: Timestamp, selection: Selection) -> Result<Vec<Uuid>> {
    match selection {
        Selection::Ids(ids) => Ok(ids),
        Selection::Filter(filter) => {
            let one_more = u64::try_from(MAX_MACHINES).unwrap_or(u64::MAX).saturating_add(1);
            let ids = tx.matching_ids(now, &filter, one_more).await?;
            check_count("filter", ids.len())?;
            Ok(ids)
        }
    }
}

/// Refuses a list that has more or fewer machines than the caller saw.
fn as_many(seen: Option<u64>, machines: usize) -> Result<()> {
    match seen {
        Some(seen) if u64::try_from(machines) != Ok(seen) => Err(Error::Conflict(format!(
            "Nothing was changed. The list was another when you chose all of its machines: {seen} then, {machines} now."
        ))),
        _ => Ok(()),
    }
}

/// Which machine it was that a rule kept from being changed.
fn about(error: Error, hostname: &str) -> Error {
    match error {
        Error::Invalid(Invalid { field, reason }) => {
            Invalid::new(format!("change.{field}"), format!("{reason} (for {hostname})")).into()
        }
        // Whoever changes many hears of what contradicts it, not that a URL is gone.
        Error::Gone(sentence) => Error::Conflict(sentence),
        other => other,
    }
}
