//! Taking bulk changes back.

use std::collections::HashMap;

use uuid::Uuid;

use super::bulk::AT_ONCE;
use super::directory::Standing;
use super::editing::{Deed, edit};
use super::pending::Pending;
use super::providers::{create, remove};
use super::{Error, Hub, Result};
use crate::model::audit::{Actor, AuditEntry, Changes};
use crate::model::provider::ProviderChange;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::undo::{TakingBack, UndoResult, can_be_undone, taking_back};
use crate::model::vps::Vps;
use crate::model::vps_change::VpsChange;
use crate::store::{Editable, Tx};

const MAX_REASONS: usize = 20;

impl Hub {
    /// Takes a bulk change back where nothing was changed since; in one transaction, and as a bulk change itself. Whoever
    /// may change machines may take back what others changed.
    ///
    /// # Errors
    /// `NotFound`; `Gone` when it is too long ago.
    pub(crate) async fn undo(&self, now: Timestamp, actor: &Actor, bulk: Uuid) -> Result<UndoResult> {
        let own = Uuid::now_v7();
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let deed = Deed { now, actor, bulk: Some(own) };
        let pending = Pending::default();
        let mut undoing =
            Undoing { tx: &tx, pending, deed, done: UndoResult::default(), standings: Vec::new() };
        let limit = u64::try_from(AT_ONCE).unwrap_or(u64::MAX);
        let providers = tx.bulk_lines_of_providers(bulk).await?;
        let mut last = None;
        undoing.bring_back(&providers).await?;
        loop {
            let lines = tx.bulk_lines(bulk, last, limit).await?;
            let Some(newest) = lines.last() else { break };
            if !can_be_undone(now, newest.at) {
                let sentence = "This change is older than 24 hours; what it did is changed by hand now.";
                return Err(Error::Gone(sentence.to_owned()));
            }
            last = Some(newest.id);
            undoing.take_back(bulk, &lines).await?;
        }
        undoing.take_away(&providers).await?;
        let Undoing { done, standings, .. } = undoing;
        if last.is_none() {
            return Err(Error::NotFound(format!("There is no bulk change with the id {bulk}.")));
        }
        tx.commit().await?;
        if standings.is_empty() && done.deleted_providers.is_empty() {
            return Ok(done);
        }
        standings.iter().for_each(|standing| self.follow(*standing));
        self.suggestions.forget().await;
        Ok(UndoResult { bulk: Some(own), ..done })
    }
}

struct Undoing<'a> {
    tx: &'a Tx,
    pending: Pending,
    deed: Deed<'a>,
    done: UndoResult,
    standings: Vec<Standing>,
}

impl Undoing<'_> {
    async fn take_back(&mut self, bulk: Uuid, lines: &[AuditEntry]) -> Result<()> {
        let ids: Vec<Uuid> = lines.iter().filter_map(|line| line.subject.id).collect();
        let records = self.tx.records(&ids).await?;
        let own = self.deed.bulk.unwrap_or(bulk);
        let first = lines.first().map_or(bulk, |line| line.id);
        let mut later: HashMap<Uuid, Vec<AuditEntry>> = HashMap::new();
        for line in self.tx.later_lines(&ids, first, [bulk, own]).await? {
            if let Some(id) = line.subject.id {
                later.entry(id).or_default().push(line);
            }
        }
        for line in lines {
            if let Some(stored) = line.subject.id.and_then(|id| records.get(&id)) {
                let later = later.get(&stored.vps.id).map(Vec::as_slice).unwrap_or_default();
                let later: Vec<&Changes> =
                    later.iter().filter(|other| other.id > line.id).map(|other| &other.changes).collect();
                self.take_back_one(stored, line, &later).await?;
            }
        }
        self.pending.write(self.tx).await
    }

    /// Makes the providers again that the change deleted, which had but their names: machines are to have them again. One
    /// whose name another has now stays away, and the machines are told so.
    async fn bring_back(&self, lines: &[AuditEntry]) -> Result<()> {
        for line in lines.iter().filter(|line| line.action == "provider.delete") {
            let Some(id) = line.subject.id else { continue };
            let name = Some(line.subject.name.clone());
            let change = ProviderChange { name, ..ProviderChange::default() };
            let is_free = self.tx.provider_named(&line.subject.name).await?.is_none();
            if is_free && !self.tx.has_provider(id).await? {
                create(self.tx, self.deed, "provider.create", id, &change).await?;
            }
        }
        Ok(())
    }

    /// Deletes the providers that the change made, if nothing uses them and nobody changed them since.
    async fn take_away(&mut self, lines: &[AuditEntry]) -> Result<()> {
        for line in lines.iter().filter(|line| line.action == "provider.create") {
            let Some(id) = line.subject.id else { continue };
            let Some(provider) = self.tx.provider(id).await? else { continue };
            let newest = self.tx.last_audit(id).await?;
            let is_as_made = newest.is_some_and(|newest| newest.id == line.id);
            if !is_as_made || self.tx.is_provider_used(id).await? {
                self.done.kept_providers.push(provider.name);
                continue;
            }
            remove(self.tx, self.deed, &provider).await?;
            self.done.deleted_providers.push(provider.name);
        }
        Ok(())
    }

    async fn take_back_one(
        &mut self,
        stored: &Editable,
        line: &AuditEntry,
        later: &[&Changes],
    ) -> Result<()> {
        let TakingBack { change, kept } = taking_back(&stored.vps, &line.changes, later);
        let mut reasons = Vec::new();
        if !kept.is_empty() {
            reasons.push(format!("changed since: {}", kept.join(", ")));
        }
        if change != VpsChange::default() {
            match edit(self.tx, &mut self.pending, self.deed, "vps.undo", stored, &change).await {
                Ok(Some((Vps { id, status, .. }, _))) => {
                    self.done.undone = self.done.undone.saturating_add(1);
                    self.done.ids.push(id);
                    self.standings.push(Standing { id, status });
                }
                Ok(None) => {}
                // Nothing of it was written.
                Err(Error::Invalid(Invalid { field, reason })) => reasons.push(format!("{field} {reason}")),
                Err(Error::Conflict(sentence) | Error::Gone(sentence)) => reasons.push(sentence),
                Err(other) => return Err(other),
            }
        }
        if !reasons.is_empty() {
            self.done.kept = self.done.kept.saturating_add(1);
            if self.done.reasons.len() < MAX_REASONS {
                self.done.reasons.push(format!("{}: {}", stored.vps.hostname, reasons.join("; ")));
            }
        }
        Ok(())
    }
}
