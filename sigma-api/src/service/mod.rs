//! What the hub does, as functions of the hub, the time and an input. No HTTP, no SQL.

pub(crate) mod access;
pub(crate) mod accounts;
pub(crate) mod bills;
mod bulk;
mod change;
mod checks;
pub(crate) mod directory;
pub(crate) mod discovery;
mod editing;
pub(crate) mod entrance;
pub(crate) mod error;
pub(crate) mod exchange;
pub(crate) mod flush;
mod history;
pub(crate) mod identity;
pub(crate) mod inbox;
pub(crate) mod intake;
pub(crate) mod inventory;
pub(crate) mod keys;
mod labels;
pub(crate) mod metrics;
pub(crate) mod names;
mod passwords;
mod pending;
mod providers;
pub(crate) mod report;
mod second_factor;
pub(crate) mod sessions;
pub(crate) mod setup;
pub(crate) mod sign_in;
pub(crate) mod suggestion;
mod throttle;
mod tickets;
mod undo;
mod vault;
pub(crate) mod watching;

use std::sync::Arc;

use access::KeyCache;
use directory::Directory;
use entrance::{Doors, Entrance};
use intake::Intake;
use suggestion::Suggestions;

use tokio::sync::{Mutex, MutexGuard};

use crate::model::presence::Listening;
use crate::model::time::Timestamp;
use crate::store::Store;

pub(crate) use error::{Error, Result};
pub(crate) use inventory::Page;

/// Everything a running hub has: the database, and what it keeps in memory beside it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
    pub(crate) store: Store,
    /// What the last beats said; not all of it is in the database yet.
    pub(crate) directory: Arc<Directory>,
    pub(crate) keys: Arc<KeyCache>,
    pub(crate) reports: Arc<metrics::Reports>,
    pub(crate) suggestions: Arc<Suggestions>,
    pub(crate) entrance: Arc<Entrance>,
    watchers: Arc<watching::Watchers>,
    intake: Intake,
    turn: Arc<Mutex<()>>,
}

impl Hub {
    /// A hub over that database, with its writer running.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn start(store: Store, doors: Doors) -> Result<Self> {
        let until_before = store.last_heard().await?;
        let directory = Arc::new(Directory::new(Listening { since: Timestamp::now(), until_before }));
        let turn = Arc::default();
        let intake = Intake::start(store.clone(), Arc::clone(&directory), Arc::clone(&turn));
        Ok(Self {
            store,
            directory,
            keys: Arc::default(),
            reports: Arc::default(),
            suggestions: Arc::default(),
            entrance: Arc::new(Entrance::new(doors)),
            watchers: Arc::default(),
            intake,
            turn,
        })
    }

    /// Waits until nobody else changes the database and then the memory beside it. Whoever does both holds this from the
    /// beginning of the transaction until memory says what the database says.
    pub(crate) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    /// Reports that wait for the writer, and how many may.
    pub(crate) fn queued(&self) -> (usize, usize) {
        self.intake.queued()
    }

    /// Prepares for the end: whoever waits for a database that cannot be written is told so soon,
    /// and pages are told of changes no more.
    pub(crate) fn stop_soon(&self) {
        self.intake.stop_soon();
        self.watchers.stop();
    }

    /// Writes what is only in memory and closes the database. No request may be running any more.
    pub(crate) async fn stop(self) {
        if let Err(error) = flush::flush(&self).await {
            log::error!("last beats are not saved: {error}");
        }
        self.store.close().await;
    }
}
