//! What many changes of one transaction know already, and what they are yet to write: asking and writing for each of
//! thousands by itself would keep everybody else from writing for many seconds.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::editing::Deed;
use super::{Error, Result};
use crate::model::audit::{Changes, Subject};
use crate::model::vps::Vps;
use crate::store::{Batch, Edited, StoredAddress, Tx};

/// Of one transaction; whoever has it writes it before the end.
#[derive(Debug, Default)]
pub(super) struct Pending {
    batch: Batch,
    /// Records that are not written yet.
    made: HashMap<String, Uuid>,
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
        self.made.insert(vps.hostname.clone(), vps.id);
        self.batch.add_vps(vps, edited, addresses);
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
        let taken = match self.made.get(hostname) {
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
        self.made.clear();
        Ok(tx.write(std::mem::take(&mut self.batch)).await?)
    }
}
