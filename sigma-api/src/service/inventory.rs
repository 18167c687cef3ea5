//! Reading the fleet: one machine, a page of them, and its numbers.

use std::time::Duration;

use uuid::Uuid;

use super::{Error, Hub, Result, flush};
use crate::model::presence::Presences;
use crate::model::search::Query;
use crate::model::stats::Stats;
use crate::model::time::Timestamp;
use crate::model::vps::{Status, Vps};
use crate::model::vps_filter::VpsFilter;
use crate::store::Stored;

/// A list waits no longer for the last beats to be saved.
const SAVE_WITHIN: Duration = Duration::from_millis(500);
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
        let vps = self.current(now, stored);
        if vps.wants_suggestion() { Ok(vps.with_suggestion(&*self.knowledge().await?)) } else { Ok(vps) }
    }

    /// One page of the machines that `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn list_vps(&self, now: Timestamp, filter: &VpsFilter) -> Result<Page<Vps>> {
        self.save_beats_for(filter).await;
        let (stored, total) = self.store.list_vps(now, filter).await?;
        let current = stored.into_iter().map(|stored| self.current(now, stored)).collect();
        Ok(Page { data: self.with_suggestions(current).await?, total })
    }

    /// How many machines `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn count_vps(&self, now: Timestamp, filter: &VpsFilter) -> Result<u64> {
        self.save_beats_for(filter).await;
        Ok(self.store.count_vps(now, filter).await?)
    }

    /// How many living machines there are of each presence, by whether they are retired: of a provider, or of all.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn count_by_presence(
        &self,
        now: Timestamp,
        provider: Option<Uuid>,
    ) -> Result<Presences> {
        self.save_beats().await;
        Ok(self.store.count_by_presence(now, provider).await?)
    }

    /// The machines that a key speaks for, those that came last first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn machines_of_key(&self, now: Timestamp, key: Uuid, most: u64) -> Result<Vec<Vps>> {
        let stored = self.store.vps_of_key(key, most).await?;
        self.with_suggestions(stored.into_iter().map(|stored| self.current(now, stored)).collect()).await
    }

    /// All machines that `filter` lets through, whatever page it says.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn all_vps(&self, now: Timestamp, filter: &VpsFilter) -> Result<Vec<Vps>> {
        self.save_beats_for(filter).await;
        let stored = self.store.all_vps(now, filter).await?;
        Ok(stored.into_iter().map(|stored| self.current(now, stored)).collect())
    }

    /// Saves the last beats if `filter` looks at them, so that it finds what is shown. A database that cannot be written
    /// just now is not waited for: what it has is at most some seconds old, which is better than no list.
    async fn save_beats_for(&self, filter: &VpsFilter) {
        let by_query = filter.q.as_ref().is_some_and(Query::looks_at_beats);
        if by_query || filter.sort.looks_at_beats() {
            self.save_beats().await;
        }
    }

    /// Saves the last beats, if that takes no long time.
    pub(super) async fn save_beats(&self) {
        let hub = self.clone();
        // A task of its own: a flush that is dropped half-way loses the beats that it took.
        let saved = tokio::spawn(async move { flush::flush(&hub).await });
        let _ = tokio::time::timeout(SAVE_WITHIN, saved).await;
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
        let (monthly_costs, without_cost) = self.monthly_costs().await?;
        Ok(Stats {
            monthly_costs,
            without_cost,
            total_vps: by_status.iter().map(|c| c.count).sum::<u64>().saturating_sub(count(Status::Deleted)),
            active_vps: count(Status::Active),
            total_providers: self.store.count_providers().await?,
            by_country: self.store.count_by_country().await?,
            by_provider: self.store.count_by_provider().await?,
            expiring_soon: self
                .with_suggestions(expiring.into_iter().map(|stored| self.current(now, stored)).collect())
                .await?,
            by_status,
        })
    }

    /// The machines, with the provider that is suggested for those that have none.
    pub(super) async fn with_suggestions(&self, machines: Vec<Vps>) -> Result<Vec<Vps>> {
        if !machines.iter().any(Vps::wants_suggestion) {
            return Ok(machines);
        }
        let knowledge = self.knowledge().await?;
        Ok(machines.into_iter().map(|vps| vps.with_suggestion(&knowledge)).collect())
    }

    /// A stored record as it is now: beats that are only in memory count.
    pub(super) fn current(&self, now: Timestamp, stored: Stored) -> Vps {
        let seen = self.directory.seen(stored.vps.id).or(stored.seen);
        stored.vps.with_report(now, stored.facts, seen)
    }
}
