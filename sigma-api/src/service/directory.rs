//! The machines that reported since the hub started, in memory: a beat that says nothing new needs no more.
//!
//! An entry is made only after the database confirmed the record, so that the directory is never larger than the fleet.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sigma_protocol::Address;
use uuid::Uuid;

use crate::model::report::{Facts, Report};
use crate::model::vps::{Seen, Status};

/// What a record is called and how it stands: what an agent is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: Uuid,
    pub(crate) status: Status,
}

/// A beat that is only in memory.
#[derive(Debug, Clone)]
pub(crate) struct Unsaved {
    pub(crate) id: Uuid,
    pub(crate) hostname: String,
    pub(crate) seen: Seen,
}

/// What an agent said that seldom changes, as a number; equal numbers mean that it said the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Digest(u64);

#[derive(Debug)]
struct Entry {
    standing: Standing,
    /// Of the last report whose news are in the database; `None` when a failure left that open.
    digest: Option<Digest>,
    seen: Seen,
    saved: bool,
}

/// What the last beats said, by hostname.
#[derive(Debug, Default)]
pub(crate) struct Directory {
    entries: Mutex<HashMap<String, Entry>>,
    /// How many reports of a hostname wait for the writer, if any do.
    queued: Mutex<HashMap<String, usize>>,
    hasher: RandomState,
}

/// That a report waits for the writer, or is being written; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Queued {
    directory: Arc<Directory>,
    hostname: String,
}

impl Queued {
    /// From now on no report of that hostname is answered from memory: it would overtake the one that waits, and what
    /// that one says would be the last on disk.
    pub(crate) fn new(directory: &Arc<Directory>, hostname: &str) -> Self {
        *directory.queued().entry(hostname.to_owned()).or_default() += 1;
        Self { directory: Arc::clone(directory), hostname: hostname.to_owned() }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let mut queued = self.directory.queued();
        match queued.get_mut(&self.hostname) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                queued.remove(&self.hostname);
            }
        }
    }
}

impl Directory {
    /// The digest of a report. Keyed by a secret of this process: nobody can make two reports alike.
    pub(crate) fn digest(&self, report: &Report) -> Digest {
        let said: (&Option<Vec<Address>>, &Facts) = (&report.addresses, &report.facts);
        let addresses: Option<Vec<(&std::net::IpAddr, &str)>> =
            said.0.as_ref().map(|all| all.iter().map(|a| (&a.ip, a.label.as_str())).collect());
        Digest(self.hasher.hash_one((addresses, said.1)))
    }

    /// Takes in a beat of a machine that is known and says nothing new. `None`: the database must be asked.
    pub(crate) fn beat(&self, hostname: &str, digest: Digest, seen: Seen) -> Option<Standing> {
        if self.queued().contains_key(hostname) {
            return None;
        }
        let mut entries = self.lock();
        let entry = entries.get_mut(hostname).filter(|entry| entry.digest == Some(digest))?;
        entry.seen = seen;
        entry.saved = false;
        Some(entry.standing)
    }

    /// Notes a report whose news the database now has; when it was seen is still to be saved.
    pub(crate) fn remember(&self, hostname: &str, standing: Standing, digest: Digest, seen: Seen) {
        let entry = Entry { standing, digest: Some(digest), seen, saved: false };
        self.lock().insert(hostname.to_owned(), entry);
    }

    /// Notes that a report could not be written, so that nobody knows what the database has: the next one is written.
    pub(crate) fn doubt(&self, hostname: &str) {
        if let Some(entry) = self.lock().get_mut(hostname) {
            entry.digest = None;
        }
    }

    /// Forgets a machine; its next report is looked up in the database.
    pub(crate) fn forget(&self, hostname: &str) {
        self.lock().remove(hostname);
    }

    /// When the machine was last seen, if that was since the hub started.
    pub(crate) fn seen(&self, hostname: &str, id: Uuid) -> Option<Seen> {
        self.lock().get(hostname).filter(|entry| entry.standing.id == id).map(|entry| entry.seen)
    }

    /// The beats that are only in memory, in id order. They count as saved from here on.
    pub(crate) fn take_unsaved(&self) -> Vec<Unsaved> {
        let mut unsaved: Vec<Unsaved> = Vec::new();
        for (hostname, entry) in self.lock().iter_mut().filter(|(_, entry)| !entry.saved) {
            entry.saved = true;
            unsaved.push(Unsaved { id: entry.standing.id, hostname: hostname.clone(), seen: entry.seen });
        }
        unsaved.sort_by_key(|beat| beat.id);
        unsaved
    }

    /// Takes beats back that could not be saved.
    pub(crate) fn put_back(&self, unsaved: &[Unsaved]) {
        let mut entries = self.lock();
        for beat in unsaved {
            if let Some(entry) = entries.get_mut(&beat.hostname) {
                entry.saved = false;
            }
        }
    }

    /// Takes over how a record stands in the database, where others may have changed it. `None`: it is gone.
    pub(crate) fn settle(&self, hostname: &str, id: Uuid, status: Option<Status>) {
        let mut entries = self.lock();
        let Some(entry) = entries.get_mut(hostname).filter(|entry| entry.standing.id == id) else { return };
        match status {
            Some(status) => entry.standing.status = status,
            None => {
                entries.remove(hostname);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Entry>> {
        // Every change is one assignment: an entry is whole even if a thread died holding the lock.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queued(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.queued.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::State;
    use crate::model::time::Timestamp;

    fn report(kernel: &str) -> Report {
        Report {
            hostname: "a".into(),
            addresses: None,
            facts: Facts { kernel: Some(kernel.into()), ..Facts::default() },
            state: State::default(),
            registration: None,
        }
    }

    fn seen(ms: i64) -> Seen {
        Seen { at: Timestamp::from_ms(ms), state: State::default() }
    }

    fn standing() -> Standing {
        Standing { id: Uuid::from_u128(7), status: Status::Active }
    }

    #[test]
    fn only_a_confirmed_machine_that_says_the_same_is_answered_from_memory() {
        let directory = Directory::default();
        let (one, two) = (directory.digest(&report("6.1")), directory.digest(&report("6.2")));
        assert_eq!(directory.beat("a", one, seen(1)), None);
        assert!(directory.take_unsaved().is_empty(), "an unknown hostname leaves nothing behind");
        directory.remember("a", standing(), one, seen(1));
        assert_eq!(directory.beat("a", one, seen(2)), Some(standing()));
        assert_eq!(directory.beat("a", two, seen(3)), None);
        assert_eq!(directory.seen("a", standing().id), Some(seen(2)));
        assert_eq!(directory.seen("a", Uuid::nil()), None, "another record of the same name");
    }

    #[test]
    fn while_a_report_waits_or_after_one_failed_nothing_is_answered_from_memory() {
        let directory = Arc::new(Directory::default());
        let digest = directory.digest(&report("6.1"));
        directory.remember("a", standing(), digest, seen(1));
        let (one, two) = (Queued::new(&directory, "a"), Queued::new(&directory, "a"));
        assert_eq!(directory.beat("a", digest, seen(2)), None);
        drop(one);
        assert_eq!(directory.beat("a", digest, seen(3)), None, "the second still waits");
        drop(two);
        assert_eq!(directory.beat("a", digest, seen(4)), Some(standing()));
        assert!(directory.queued().is_empty());
        directory.doubt("a");
        assert_eq!(directory.beat("a", digest, seen(5)), None);
        assert_eq!(directory.seen("a", standing().id), Some(seen(4)), "when it was seen is still known");
    }

    #[test]
    fn a_beat_is_saved_once_and_again_when_it_was_put_back() {
        let directory = Directory::default();
        directory.remember("a", standing(), directory.digest(&report("6.1")), seen(1));
        let unsaved = directory.take_unsaved();
        assert_eq!(unsaved.len(), 1);
        assert!(directory.take_unsaved().is_empty());
        directory.put_back(&unsaved);
        assert_eq!(directory.take_unsaved().len(), 1);
    }

    #[test]
    fn a_record_that_is_gone_is_asked_for_again() {
        let directory = Directory::default();
        let digest = directory.digest(&report("6.1"));
        directory.remember("a", standing(), digest, seen(1));
        directory.settle("a", standing().id, Some(Status::Retired));
        assert_eq!(directory.beat("a", digest, seen(2)).map(|s| s.status), Some(Status::Retired));
        directory.settle("a", standing().id, None);
        assert_eq!(directory.beat("a", digest, seen(3)), None);
    }

    #[test]
    fn beats_are_saved_in_id_order() {
        let directory = Directory::default();
        let digest = directory.digest(&report("6.1"));
        for id in [5_u128, 1, 9, 3] {
            let standing = Standing { id: Uuid::from_u128(id), status: Status::Active };
            directory.remember(&format!("m{id}"), standing, digest, seen(1));
        }
        let ids: Vec<u128> = directory.take_unsaved().iter().map(|beat| beat.id.as_u128()).collect();
        assert_eq!(ids, [1, 3, 5, 9]);
    }
}
