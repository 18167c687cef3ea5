//! What waits for a person, and assigning the machines that nothing is known of.

use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::editing::{Deed, edit};
use super::pending::Pending;
use super::providers::called;
use super::suggestion::Accepted;
use super::{Error, Hub, Result};
use crate::model::audit::Actor;
use crate::model::inbox::{Inbox, InboxPair, InboxPart, LISTED, Moment, Unassigned, Why};
use crate::model::mark::MarkKind;
use crate::model::suggestion::groups;
use crate::model::time::Timestamp;
use crate::model::vps::{Status, Vps};
use crate::model::vps_change::VpsChange;
use crate::store::Tx;

/// Who is to bill for machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Biller {
    /// The provider of that id.
    Known(Uuid),
    /// The provider of that name, which gets a record if it has none.
    Named(String),
}

impl Hub {
    /// How many machines wait for a person, each counted once: those in use that have no provider, an open mark, or less
    /// than was bought; active ones that are silent though they are paid for; those that live after their expiry; and
    /// deleted ones that still report. Beats of the last seconds may be missing.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn waiting(&self, now: Timestamp) -> Result<u64> {
        Ok(self.store.count_waiting(self.moment(now)).await?)
    }

    /// Everything that waits for a person, the first of each kind.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn inbox(&self, now: Timestamp) -> Result<Inbox> {
        self.save_beats().await;
        Ok(Inbox {
            waiting: self.waiting(now).await?,
            unassigned: self.unassigned().await?,
            conflicts: self.waiting_pairs(now, MarkKind::Conflict).await?,
            clones: self.waiting_pairs(now, MarkKind::Clone).await?,
            reinstalled: self.waiting_for(now, Why::Reinstalled).await?,
            rekeyed: self.waiting_for(now, Why::Rekeyed).await?,
            less_than_bought: self.waiting_for(now, Why::LessThanBought).await?,
            silent_but_paid: self.waiting_for(now, Why::SilentButPaid).await?,
            alive_after_expiry: self.waiting_for(now, Why::AliveAfterExpiry).await?,
            deleted_but_reporting: self.waiting_for(now, Why::DeletedButReporting).await?,
        })
    }

    /// Gives machines that have no provider one. Those that got one meanwhile stay as they are.
    ///
    /// # Errors
    /// `Invalid` for a name that a provider cannot have; `NotFound` when there is no such provider; a database that cannot
    /// be written. Then nothing was assigned.
    pub(crate) async fn assign_unassigned(
        &self,
        now: Timestamp,
        actor: &Actor,
        ids: &[Uuid],
        biller: &Biller,
    ) -> Result<Accepted> {
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let deed = Deed { now, actor, bulk: Some(Uuid::now_v7()) };
        let mut done = Accepted::default();
        let provider = record_of(&tx, deed, biller, &mut done).await?;
        let change = VpsChange { provider_id: Some(Some(provider)), ..VpsChange::default() };
        let records = tx.records(ids).await?;
        let mut pending = Pending::default();
        for id in ids {
            match records.get(id) {
                None => done.skipped.push((*id, format!("There is no machine with the id {id}."))),
                Some(stored) if stored.vps.status == Status::Deleted => {
                    let sentence =
                        format!("The machine {} is deleted; restore it first.", stored.vps.hostname);
                    done.skipped.push((*id, sentence));
                }
                Some(stored) if stored.vps.provider_id.is_some() => {
                    let sentence = format!("The machine {} has a provider already.", stored.vps.hostname);
                    done.skipped.push((*id, sentence));
                }
                Some(stored) => {
                    edit(&tx, &mut pending, deed, "vps.update", stored, &change).await?;
                    done.assigned += 1;
                    done.bulk = deed.bulk;
                }
            }
        }
        if done.assigned == 0 {
            // Nobody needs the provider that would have been made.
            return Ok(Accepted { created_providers: Vec::new(), ..done });
        }
        pending.write(&tx).await?;
        tx.commit().await?;
        self.suggestions.forget().await;
        Ok(done)
    }

    fn moment(&self, now: Timestamp) -> Moment {
        Moment::at(now, self.directory.listening())
    }

    async fn unassigned(&self) -> Result<Unassigned> {
        let knowledge = self.knowledge().await?;
        let machines = self.store.unassigned_machines().await?;
        let grouping =
            spawn_blocking(move || Unassigned::of(groups(&knowledge, &machines), &machines, &knowledge));
        grouping.await.map_err(|error| Error::Broken(format!("grouping: {error}")))
    }

    async fn waiting_for(&self, now: Timestamp, why: Why) -> Result<InboxPart<Vps>> {
        let (stored, total) = self.store.waiting(self.moment(now), why, listed()).await?;
        let current = stored.into_iter().map(|stored| self.current(now, stored)).collect();
        Ok(InboxPart::of(why, (self.with_suggestions(current).await?, total)))
    }

    async fn waiting_pairs(&self, now: Timestamp, kind: MarkKind) -> Result<InboxPart<InboxPair>> {
        let (pairs, total) = self.store.waiting_pairs(kind, listed()).await?;
        let mut ids: Vec<Uuid> =
            pairs.iter().flat_map(|(one, other, _)| other.iter().chain([one])).copied().collect();
        ids.sort_unstable();
        ids.dedup();
        let records = self.store.records(&ids).await?.into_values();
        let current = records.map(|stored| self.current(now, stored)).collect();
        let records = self.with_suggestions(current).await?;
        let record = |id: Uuid| records.iter().find(|vps| vps.id == id).cloned();
        let pair = |(one, other, since): (Uuid, Option<Uuid>, Timestamp)| {
            Some(InboxPair { since, one: record(one)?, other: other.and_then(record) })
        };
        Ok(InboxPart::of_pairs(kind, pairs.into_iter().filter_map(pair).collect(), total))
    }
}

fn listed() -> u64 {
    u64::try_from(LISTED).unwrap_or(u64::MAX)
}

/// The record of whoever is to bill.
async fn record_of(tx: &Tx, deed: Deed<'_>, biller: &Biller, done: &mut Accepted) -> Result<Uuid> {
    match biller {
        Biller::Known(id) if tx.has_provider(*id).await? => Ok(*id),
        Biller::Known(id) => Err(Error::NotFound(format!("There is no provider with the id {id}."))),
        Biller::Named(name) => {
            let (id, made) = called(tx, deed, name).await?;
            done.created_providers.extend(made.map(|provider| (provider.id, provider.name)));
            Ok(id)
        }
    }
}
