//! Reading the fleet: one machine, a page of them, and its numbers.

use uuid::Uuid;

use super::{Error, Hub, Result};
use crate::model::stats::Stats;
use crate::model::time::Timestamp;
use crate::model::vps::{Status, Vps, VpsFilter};
use crate::store::Stored;

const EXPIRING_SOON_DAYS: u32 = 30;
const EXPIRING_SOON_SHOWN: u64 = 100;

/// One page of a list.
#[derive(Debug)]
pub(crate) struct Page<T> {
    pub(crate) data: Vec<T>,
    /// Entries on all pages.
    pub(crate) total: u64,
}

impl Hub {
    /// The machine of that id, deleted or not.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(crate) async fn vps(&self, now: Timestamp, id: Uuid) -> Result<Vps> {
        let stored = self.store.vps(id).await?;
        let stored =
            stored.ok_or_else(|| Error::NotFound(format!("There is no machine with the id {id}.")))?;
        Ok(self.current(now, stored))
    }

    /// One page of the machines that `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn list_vps(&self, now: Timestamp, filter: &VpsFilter) -> Result<Page<Vps>> {
        let (stored, total) = self.store.list_vps(now, filter).await?;
        Ok(Page { data: stored.into_iter().map(|stored| self.current(now, stored)).collect(), total })
    }

    /// The fleet in numbers.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn stats(&self, now: Timestamp) -> Result<Stats> {
        let by_status = self.store.count_by_status().await?;
        let count =
            |status: Status| by_status.iter().find(|c| c.label == status.name()).map_or(0, |c| c.count);
        let expiring = self.store.expiring(now, EXPIRING_SOON_DAYS, EXPIRING_SOON_SHOWN).await?;
        Ok(Stats {
            total_vps: by_status.iter().map(|c| c.count).sum::<u64>().saturating_sub(count(Status::Deleted)),
            active_vps: count(Status::Active),
            total_providers: self.store.count_providers().await?,
            by_country: self.store.count_by_country().await?,
            by_provider: self.store.count_by_provider().await?,
            expiring_soon: expiring.into_iter().map(|stored| self.current(now, stored)).collect(),
            by_status,
        })
    }

    /// A stored record as it is now: beats that are only in memory count.
    fn current(&self, now: Timestamp, stored: Stored) -> Vps {
        let seen = self.directory.seen(&stored.vps.hostname, stored.vps.id).or(stored.seen);
        stored.vps.with_report(now, stored.facts, seen)
    }
}
