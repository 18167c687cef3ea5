//! What many changes of one transaction know already, and what they are yet to write: asking and writing for each of
//! thousands by itself would keep everybody else from writing for many seconds.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::editing::Deed;
use super::{Error, Result};
use crate::model::audit::{Changes, Subject};
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::store::{Batch, Edited, Life, StoredAddress, Tx};

/// Of one transaction; whoever has it writes it before the end.
#[derive(Debug, Default)]
pub(super) struct Pending {
    batch: Batch,
    /// Names of records that are made or restored, and not written yet.
    named: HashMap<String, Uuid>,
    /// Whether a record that is deleted, and not written yet, gives up its name.
    frees_names: bool,
    /// Names that no living record had, and none of these took since.
    free: HashSet<String>,
    /// Providers that exist.
    providers: HashSet<Uuid>,
}

impl Pending {
    /// With names that no living record has.
    pub(super) fn with_free_names(free: HashSet<String>) -> Self {
        Self { free, ..Self::default() }
    }

    /// Makes a record that lives, with its tags and addresses.
    pub(super) fn make(&mut self, vps: &Vps, edited: Edited, addresses: &[StoredAddress]) {
        self.named.insert(vps.hostname.clone(), vps.id);
        self.batch.add_vps(vps, edited, addresses);
    }

    /// Changes a record, with its tags; its addresses are stored by themselves.
    pub(super) fn change(&mut self, before: &Vps, after: &Vps, edited: Edited, life: Option<Life>) {
        match life {
            Some(Life::Begins) => {
                self.named.insert(after.hostname.clone(), after.id);
            }
            Some(Life::Ends(_)) => self.frees_names = true,
            None => {}
        }
        self.batch.change_vps(before, after, edited, life);
    }

    /// Gives a record that has no provider one.
    pub(super) fn assign(&mut self, now: Timestamp, id: Uuid, provider: Uuid) {
        self.batch.assign(now, id, provider);
    }

    /// Notes who did what.
    pub(super) fn note(&mut self, deed: Deed<'_>, action: &str, subject: Subject, changes: &Changes) {
        self.batch.add_line(deed.now, deed.actor, action, subject, changes);
    }

    /// Refuses a name that another living record has, and else takes it.
    ///
    /// # Errors
    /// `Conflict`; a database that cannot be read.
    pub(super) async fn take_name(&mut self, tx: &Tx, id: Uuid, hostname: &str) -> Result<()> {
        if self.free.remove(hostname) {
            return Ok(());
        }
        if self.frees_names {
            self.write(tx).await?;
        }
        let taken = match self.named.get(hostname) {
            Some(other) => Some(*other),
            None => tx.living_named(hostname).await?,
        };
        match taken {
            Some(other) if other != id => Err(Error::Conflict(format!(
                "Another machine is called {hostname}: {other}. Rename or delete one of them."
            ))),
            _ => Ok(()),
        }
    }

    /// Whether a provider of that id exists.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub(super) async fn has_provider(&mut self, tx: &Tx, id: Uuid) -> Result<bool> {
        if self.providers.contains(&id) {
            return Ok(true);
        }
        let is_there = tx.has_provider(id).await?;
        if is_there {
            self.providers.insert(id);
        }
        Ok(is_there)
    }

    /// Writes what is to be written; more may come.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub(super) async fn write(&mut self, tx: &Tx) -> Result<()> {
        self.named.clear();
        self.frees_names = false;
        Ok(tx.write(std::mem::take(&mut self.batch)).await?)
    }
}
