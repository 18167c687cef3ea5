//! Places for connections, and who has to leave when they run short.
//!
//! Whoever has not yet shown a valid key is a stranger. While there are few places left, each new connection sends the
//! stranger away that has been here longest and is asking for nothing: a new connection can so be taken at once, however
//! many silent ones there are, and those of agents stay.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use super::connection::Phase;

/// One place of so many is kept free of strangers.
const SPARE: usize = 16;

/// All places.
#[derive(Debug)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    all: usize,
    strangers: Mutex<Strangers>,
}

#[derive(Debug, Default)]
struct Strangers {
    arrived: u64,
    waiting: BTreeMap<u64, (Phase, Arc<Notify>)>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    places: Arc<Places>,
    number: u64,
    sent_away: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

impl Places {
    /// So many places.
    pub(super) fn new(all: usize) -> Arc<Self> {
        let free = Arc::new(Semaphore::new(all));
        Arc::new(Self { free, all, strangers: Mutex::default() })
    }

    /// A free place, once there is one.
    pub(super) async fn wait(&self) -> io::Result<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.map_err(io::Error::other)
    }

    /// A free place, if there is one now.
    pub(super) fn try_now(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }

    /// Waits until all places are free.
    pub(super) async fn all_free(&self) {
        let all = u32::try_from(self.all).unwrap_or(u32::MAX);
        // It is never closed.
        let _ = self.free.acquire_many(all).await;
    }

    /// Gives the place to a new connection, whose `phase` says whether it asks for something.
    pub(super) fn give(self: &Arc<Self>, permit: OwnedSemaphorePermit, phase: Phase) -> Place {
        let sent_away = Arc::new(Notify::new());
        let mut strangers = self.strangers();
        if self.free.available_permits() < self.all.div_ceil(SPARE) {
            strangers.send_one_away();
        }
        let number = strangers.arrived;
        strangers.arrived += 1;
        strangers.waiting.insert(number, (phase, Arc::clone(&sent_away)));
        drop(strangers);
        Place { places: Arc::clone(self), number, sent_away, _permit: permit }
    }

    fn strangers(&self) -> MutexGuard<'_, Strangers> {
        self.strangers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Strangers {
    fn send_one_away(&mut self) {
        let first = self.waiting.iter().find(|(_, (phase, _))| !phase.is_busy()).map(|(number, _)| *number);
        if let Some((_, sent_away)) = first.and_then(|number| self.waiting.remove(&number)) {
            sent_away.notify_one();
        }
    }
}

impl Place {
    /// Whoever is here showed a valid key, and may stay.
    pub(super) fn is_known(&self) {
        self.places.strangers().waiting.remove(&self.number);
    }

    /// Resolves when the place is needed for somebody else.
    pub(super) async fn sent_away(&self) {
        self.sent_away.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.strangers().waiting.remove(&self.number);
    }
}
