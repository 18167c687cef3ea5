//! Pages that stay open and are told what changes: how many there may be, and when they end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;
use uuid::Uuid;

use super::sessions::oldest;
use super::{Hub, Result};
use crate::model::account::Account;
use crate::model::key::KeyHash;
use crate::model::time::Timestamp;

/// Pages that are told at once.
const MAX_WATCHERS: usize = 128;
/// Of one session. Browsers open no more than six connections to one place.
const MAX_OF_SESSION: usize = 8;

/// The pages that are told what changes, by session.
#[derive(Debug, Default)]
pub(crate) struct Watchers {
    open: Mutex<HashMap<Uuid, usize>>,
    stop: watch::Sender<bool>,
}

/// One of them; its place is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    watchers: Arc<Watchers>,
    session: Uuid,
}

impl Watchers {
    fn lock(&self) -> MutexGuard<'_, HashMap<Uuid, usize>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends all of them, now and later.
    pub(super) fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Watcher {
    /// Resolves when the hub stops.
    pub(crate) async fn stopped(&self) {
        // An error would mean that the hub is gone.
        let _ = self.watchers.stop.subscribe().wait_for(|stops| *stops).await;
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        let mut open = self.watchers.lock();
        match open.get_mut(&self.session) {
            Some(pages) if *pages > 1 => *pages -= 1,
            _ => {
                open.remove(&self.session);
            }
        }
    }
}

impl Hub {
    /// A place for one more page of that session; `None` when there are too many.
    pub(crate) fn watch(&self, session: Uuid) -> Option<Watcher> {
        let mut open = self.watchers.lock();
        let in_all: usize = open.values().sum();
        let pages = open.get(&session).copied().unwrap_or(0);
        if in_all >= MAX_WATCHERS || pages >= MAX_OF_SESSION {
            return None;
        }
        open.insert(session, pages.saturating_add(1));
        Some(Watcher { watchers: Arc::clone(&self.watchers), session })
    }

    /// A number that is another one after every change of the database by this hub and every beat.
    pub(crate) fn changes(&self) -> u64 {
        self.store.changes().wrapping_add(self.directory.changes())
    }

    /// Whose session that still is; looking so is no use of it, or a page that is left open would keep it forever.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn still_signed_in(&self, now: Timestamp, session: KeyHash) -> Result<Option<Account>> {
        Ok(self.store.session_by_hash(session, oldest(now)).await?.map(|(_, account)| account))
    }
}
