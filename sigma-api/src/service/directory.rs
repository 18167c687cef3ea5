//! The machines that reported since the hub started, in memory: a beat that says nothing new needs no more.
//!
//! An entry is made only after the database confirmed the record, so that the directory is never larger than the fleet.
//! Reports are known by their faces: two machines of one name are two entries.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use uuid::Uuid;

use crate::model::binding::Speaker;
use crate::model::presence::Listening;
use crate::model::report::Report;
use crate::model::time::Timestamp;
use crate::model::vps::{Seen, Status};

/// Of reports that are refused because their machine was deleted, the database hears this often.
const REFUSALS_EVERY: Duration = Duration::from_secs(60);

/// Records of which it is told in one minute that a wrong key speaks for them; more would only fill the log.
const MAX_WARNED: usize = 100;

/// New machines that one key may register at once: a fleet of thousands that meets its hub for the first time. A stolen
/// key fills the database no further than a person can clear.
const NEWCOMERS_AT_ONCE: i64 = 6_000;
/// And after those: twice what the hub is measured with.
const NEWCOMERS_PER_SECOND: i64 = 10;

/// What a record is called and how it stands: what an agent is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) id: Uuid,
    pub(crate) status: Status,
}

/// A record as the database confirmed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Confirmed {
    pub(crate) standing: Standing,
    /// The key that speaks for it.
    pub(crate) key: Option<Uuid>,
    pub(crate) interval: Option<Duration>,
}

/// A beat that is only in memory.
#[derive(Debug, Clone)]
pub(crate) struct Unsaved {
    pub(crate) id: Uuid,
    pub(crate) seen: Seen,
}

/// A silence that a beat ended, which is only in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Silence {
    pub(crate) id: Uuid,
    pub(crate) from: Timestamp,
    pub(crate) until: Timestamp,
}

/// Reports for a deleted record that were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) id: Uuid,
    pub(crate) reports: u64,
    pub(crate) last: Timestamp,
}

/// Whose a report is, and what it says that seldom changes, as numbers: equal ones mean the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Said {
    face: FaceKey,
    digest: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct FaceKey(u64);

#[derive(Debug)]
struct Entry {
    confirmed: Confirmed,
    /// Of the last report whose news are in the database; `None` when a failure left that open.
    digest: Option<u64>,
    seen: Seen,
    saved: bool,
}

#[derive(Debug)]
struct Refusals {
    reports: u64,
    last: Timestamp,
    /// When the database heard of some.
    told: Option<Timestamp>,
}

#[derive(Debug, Default)]
struct Memory {
    entries: HashMap<FaceKey, Entry>,
    /// The one face under which a record is in `entries`.
    faces: HashMap<Uuid, FaceKey>,
    /// How many reports of a face wait for the writer, if any do.
    queued: HashMap<FaceKey, usize>,
    silences: Vec<Silence>,
    refusals: HashMap<Uuid, Refusals>,
    /// When it was told last that a wrong key speaks for a record.
    warned: HashMap<Uuid, Timestamp>,
    /// New machines that each key may still register, in thousandths, and when that was counted.
    allowances: HashMap<Uuid, (i64, Timestamp)>,
}

/// What the last beats said, by face.
#[derive(Debug)]
pub(crate) struct Directory {
    memory: Mutex<Memory>,
    listening: Listening,
    hasher: RandomState,
    /// How often a beat or a record was taken in.
    changes: AtomicU64,
}

/// That a report waits for the writer, or is being written; it ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Queued {
    directory: Arc<Directory>,
    face: FaceKey,
}

impl Queued {
    /// From now on no report of that face is answered from memory: it would overtake the one that waits, and what that
    /// one says would be the last on disk.
    pub(crate) fn new(directory: &Arc<Directory>, said: Said) -> Self {
        *directory.lock().queued.entry(said.face).or_default() += 1;
        Self { directory: Arc::clone(directory), face: said.face }
    }
}

impl Drop for Queued {
    fn drop(&mut self) {
        let queued = &mut self.directory.lock().queued;
        match queued.get_mut(&self.face) {
            Some(count) if *count > 1 => *count -= 1,
            _ => {
                queued.remove(&self.face);
            }
        }
    }
}

impl Directory {
    /// An empty one, of a hub that listens as it is said.
    pub(crate) fn new(listening: Listening) -> Self {
        Self { memory: Mutex::default(), listening, hasher: RandomState::new(), changes: AtomicU64::new(0) }
    }

    /// When the hub listened.
    pub(crate) fn listening(&self) -> Listening {
        self.listening
    }

    /// A number that is another one after every beat.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// What a report says, in short. Keyed by a secret of this process: nobody can make two reports alike.
    pub(crate) fn said(&self, report: &Report) -> Said {
        let Report { hostname, addresses, facts, .. } = report;
        let face = self.hasher.hash_one((hostname, &facts.machine_id, &facts.boot_id));
        let addresses: Option<Vec<(&IpAddr, &str)>> =
            addresses.as_ref().map(|all| all.iter().map(|a| (&a.ip, a.label.as_str())).collect());
        Said { face: FaceKey(face), digest: self.hasher.hash_one((hostname, addresses, facts)) }
    }

    /// Takes in a beat of a machine that is known, says nothing new and comes with the key that speaks for it. `None`: the
    /// database must be asked.
    pub(crate) fn beat(&self, said: Said, speaker: Speaker, seen: Seen) -> Option<Standing> {
        let mut memory = self.lock();
        if memory.queued.contains_key(&said.face) {
            return None;
        }
        let entry = memory.entries.get_mut(&said.face).filter(|entry| entry.digest == Some(said.digest))?;
        let Confirmed { standing, key, interval } = entry.confirmed;
        if speaker.key().is_some_and(|speaking| Some(speaking) != key) {
            return None;
        }
        let silent_since = self.listening.silent_since(seen.at, entry.seen.at, interval);
        entry.seen = seen;
        entry.saved = false;
        self.changes.fetch_add(1, Ordering::Relaxed);
        if let Some(from) = silent_since {
            memory.silences.push(Silence { id: standing.id, from, until: seen.at });
        }
        Some(standing)
    }

    /// Notes a report whose news the database now has; when it was seen is still to be saved. The face that the record had
    /// before is nobody's any more.
    pub(crate) fn remember(&self, said: Said, confirmed: Confirmed, seen: Seen) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let mut memory = self.lock();
        let id = confirmed.standing.id;
        if let Some(before) = memory.faces.insert(id, said.face).filter(|before| *before != said.face) {
            memory.entries.remove(&before);
        }
        let entry = Entry { confirmed, digest: Some(said.digest), seen, saved: false };
        let before = memory.entries.insert(said.face, entry).map(|before| before.confirmed.standing.id);
        if let Some(before) = before.filter(|before| *before != id) {
            memory.faces.remove(&before);
        }
    }

    /// Notes that a report could not be written, so that nobody knows what the database has: the next one is written.
    pub(crate) fn doubt(&self, said: Said) {
        if let Some(entry) = self.lock().entries.get_mut(&said.face) {
            entry.digest = None;
        }
    }

    /// Forgets whoever reports as that; the next report is looked up in the database.
    pub(crate) fn forget(&self, said: Said) {
        let mut memory = self.lock();
        if let Some(entry) = memory.entries.remove(&said.face) {
            memory.faces.remove(&entry.confirmed.standing.id);
        }
    }

    /// Forgets a record; the next report for it is looked up in the database.
    pub(crate) fn forget_record(&self, id: Uuid) {
        let mut memory = self.lock();
        if let Some(face) = memory.faces.remove(&id) {
            memory.entries.remove(&face);
        }
    }

    /// When the machine was last seen, if that was since the hub started.
    pub(crate) fn seen(&self, id: Uuid) -> Option<Seen> {
        let memory = self.lock();
        memory.faces.get(&id).and_then(|face| memory.entries.get(face)).map(|entry| entry.seen)
    }

    /// The beats that are only in memory, in id order. They count as saved from here on.
    pub(crate) fn take_unsaved(&self) -> Vec<Unsaved> {
        let mut unsaved: Vec<Unsaved> = Vec::new();
        for entry in self.lock().entries.values_mut().filter(|entry| !entry.saved) {
            entry.saved = true;
            unsaved.push(Unsaved { id: entry.confirmed.standing.id, seen: entry.seen });
        }
        unsaved.sort_by_key(|beat| beat.id);
        unsaved
    }

    /// Takes beats back that could not be saved.
    pub(crate) fn put_back(&self, unsaved: &[Unsaved]) {
        let mut memory = self.lock();
        let Memory { entries, faces, .. } = &mut *memory;
        for beat in unsaved {
            if let Some(entry) = faces.get(&beat.id).and_then(|face| entries.get_mut(face)) {
                entry.saved = false;
            }
        }
    }

    /// Takes over how a record stands in the database, where others may have changed it. `None`: it is gone.
    pub(crate) fn settle(&self, id: Uuid, status: Option<Status>) {
        let Some(status) = status else { return self.forget_record(id) };
        let mut memory = self.lock();
        let Memory { entries, faces, refusals, .. } = &mut *memory;
        // What lives is refused no more: reports that were count for nothing.
        refusals.remove(&id);
        if let Some(entry) = faces.get(&id).and_then(|face| entries.get_mut(face)) {
            entry.confirmed.standing.status = status;
        }
    }

    /// The silences that beats ended since the last call.
    pub(crate) fn take_silences(&self) -> Vec<Silence> {
        std::mem::take(&mut self.lock().silences)
    }

    /// Takes silences back that could not be saved.
    pub(crate) fn put_back_silences(&self, silences: Vec<Silence>) {
        self.lock().silences.extend(silences);
    }

    /// Counts a report for a record that a person deleted.
    pub(crate) fn refuse(&self, now: Timestamp, id: Uuid) {
        let mut memory = self.lock();
        let refusals = memory.refusals.entry(id).or_insert(Refusals { reports: 0, last: now, told: None });
        refusals.reports = refusals.reports.saturating_add(1);
        refusals.last = now;
    }

    /// Counts a new machine that a key registers; if it may not yet, the seconds after which it may.
    pub(crate) fn newcomer(&self, now: Timestamp, key: Uuid) -> Result<(), u64> {
        let mut memory = self.lock();
        let (left, counted) = memory.allowances.entry(key).or_insert((NEWCOMERS_AT_ONCE * 1000, now));
        let passed = i64::try_from(counted.age(now).as_millis()).unwrap_or(i64::MAX);
        let more = passed.saturating_mul(NEWCOMERS_PER_SECOND);
        *left = left.saturating_add(more).min(NEWCOMERS_AT_ONCE * 1000);
        *counted = now;
        if *left < 1000 {
            return Err(1);
        }
        *left -= 1000;
        Ok(())
    }

    /// Whether it is time to tell again that a wrong key speaks for a record.
    pub(crate) fn is_news(&self, now: Timestamp, id: Uuid) -> bool {
        let mut memory = self.lock();
        memory.warned.retain(|_, told| told.age(now) < REFUSALS_EVERY);
        if memory.warned.len() >= MAX_WARNED || memory.warned.contains_key(&id) {
            return false;
        }
        memory.warned.insert(id, now);
        true
    }

    /// The refused reports of a record that the database has not heard of.
    pub(crate) fn refused(&self, id: Uuid) -> Option<Refused> {
        let memory = self.lock();
        let refusals = memory.refusals.get(&id).filter(|refusals| refusals.reports > 0)?;
        Some(Refused { id, reports: refusals.reports, last: refusals.last })
    }

    /// The refused reports that it is time to write.
    pub(crate) fn take_refused(&self, now: Timestamp) -> Vec<Refused> {
        let mut memory = self.lock();
        let is_due = |told: Option<Timestamp>| told.is_none_or(|told| told.age(now) >= REFUSALS_EVERY);
        memory.refusals.retain(|_, refusals| refusals.reports > 0 || !is_due(refusals.told));
        let due = memory.refusals.iter_mut().filter(|(_, r)| r.reports > 0 && is_due(r.told));
        let taken = due.map(|(id, refusals)| {
            refusals.told = Some(now);
            Refused { id: *id, reports: std::mem::take(&mut refusals.reports), last: refusals.last }
        });
        taken.collect()
    }

    /// Takes refused reports back that could not be written.
    pub(crate) fn put_back_refused(&self, refused: &[Refused]) {
        let mut memory = self.lock();
        for back in refused {
            let refusals = memory.refusals.entry(back.id).or_insert(Refusals {
                reports: 0,
                last: back.last,
                told: None,
            });
            refusals.reports = refusals.reports.saturating_add(back.reports);
            refusals.told = None;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // Whatever is left half done if a thread dies holding the lock only costs a look into the database.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{Facts, State};

    fn directory() -> Directory {
        Directory::new(Listening { since: Timestamp::from_ms(0), until_before: None })
    }

    fn report(hostname: &str, boot: &str, kernel: &str) -> Report {
        let facts = Facts { kernel: Some(kernel.into()), boot_id: Some(boot.into()), ..Facts::default() };
        Report {
            hostname: hostname.into(),
            addresses: None,
            facts,
            state: State::default(),
            registration: None,
        }
    }

    fn seen(ms: i64) -> Seen {
        Seen { at: Timestamp::from_ms(ms), state: State::default() }
    }

    fn confirmed(id: u128) -> Confirmed {
        let standing = Standing { id: Uuid::from_u128(id), status: Status::Active };
        Confirmed { standing, key: None, interval: None }
    }

    fn is_known(directory: &Directory, said: Said, ms: i64) -> bool {
        directory.beat(said, Speaker::Anyone, seen(ms)).is_some()
    }

    #[test]
    fn only_a_confirmed_machine_that_says_the_same_is_answered_from_memory() {
        let directory = directory();
        let (one, two) =
            (directory.said(&report("a", "b1", "6.1")), directory.said(&report("a", "b1", "6.2")));
        assert!(!is_known(&directory, one, 1));
        assert!(directory.take_unsaved().is_empty(), "an unknown hostname leaves nothing behind");
        directory.remember(one, confirmed(7), seen(1));
        assert_eq!(directory.beat(one, Speaker::Anyone, seen(2)), Some(confirmed(7).standing));
        assert!(!is_known(&directory, two, 3));
        assert_eq!(directory.seen(Uuid::from_u128(7)), Some(seen(2)));
        assert_eq!(directory.seen(Uuid::nil()), None);
    }

    #[test]
    fn two_machines_of_one_name_are_two_and_a_record_has_one_face() {
        let directory = directory();
        let [one, two, three] = ["b1", "b2", "b3"].map(|boot| directory.said(&report("a", boot, "6.1")));
        directory.remember(one, confirmed(1), seen(1));
        directory.remember(two, confirmed(2), seen(1));
        assert!(is_known(&directory, one, 2) && is_known(&directory, two, 2));
        directory.remember(three, confirmed(1), seen(3));
        assert!(!is_known(&directory, one, 4), "the former face must be looked at");
        assert!(is_known(&directory, two, 4) && is_known(&directory, three, 4));
        directory.remember(three, confirmed(2), seen(5));
        assert_eq!(directory.seen(Uuid::from_u128(1)), None);
        let memory = directory.lock();
        assert_eq!((memory.entries.len(), memory.faces.len()), (1, 1));
    }

    #[test]
    fn another_key_is_not_answered_from_memory() {
        let directory = directory();
        let said = directory.said(&report("a", "b1", "6.1"));
        let key = Uuid::from_u128(3);
        directory.remember(said, Confirmed { key: Some(key), ..confirmed(1) }, seen(1));
        assert!(directory.beat(said, Speaker::Key(key), seen(2)).is_some());
        assert!(directory.beat(said, Speaker::Anyone, seen(3)).is_some());
        assert_eq!(directory.beat(said, Speaker::Key(Uuid::from_u128(4)), seen(4)), None);
        assert_eq!(directory.seen(Uuid::from_u128(1)), Some(seen(3)), "and counts for nothing");
    }

    #[test]
    fn while_a_report_waits_or_after_one_failed_nothing_is_answered_from_memory() {
        let directory = Arc::new(directory());
        let said = directory.said(&report("a", "b1", "6.1"));
        directory.remember(said, confirmed(7), seen(1));
        let (one, two) = (Queued::new(&directory, said), Queued::new(&directory, said));
        assert!(!is_known(&directory, said, 2));
        drop(one);
        assert!(!is_known(&directory, said, 3), "the second still waits");
        drop(two);
        assert!(is_known(&directory, said, 4));
        assert!(directory.lock().queued.is_empty());
        directory.doubt(said);
        assert!(!is_known(&directory, said, 5));
        assert_eq!(directory.seen(Uuid::from_u128(7)), Some(seen(4)), "when it was seen is still known");
    }

    #[test]
    fn a_key_registers_so_many_new_machines_at_once_and_more_with_time() {
        let directory = directory();
        let (one, two, at) = (Uuid::from_u128(1), Uuid::from_u128(2), Timestamp::from_ms);
        for _ in 0..NEWCOMERS_AT_ONCE {
            assert_eq!(directory.newcomer(at(1000), one), Ok(()));
        }
        assert_eq!(directory.newcomer(at(1000), one), Err(1));
        assert_eq!(directory.newcomer(at(1000), two), Ok(()), "another key has its own");
        assert_eq!((directory.newcomer(at(1100), one), directory.newcomer(at(1100), one)), (Ok(()), Err(1)));
    }

    #[test]
    fn a_beat_is_saved_once_and_again_when_it_was_put_back() {
        let directory = directory();
        directory.remember(directory.said(&report("a", "b1", "6.1")), confirmed(1), seen(1));
        let unsaved = directory.take_unsaved();
        assert_eq!(unsaved.len(), 1);
        assert!(directory.take_unsaved().is_empty());
        directory.put_back(&unsaved);
        assert_eq!(directory.take_unsaved().len(), 1);
    }

    #[test]
    fn a_record_that_is_gone_is_asked_for_again() {
        let directory = directory();
        let said = directory.said(&report("a", "b1", "6.1"));
        directory.remember(said, confirmed(1), seen(1));
        directory.settle(Uuid::from_u128(1), Some(Status::Retired));
        let standing = directory.beat(said, Speaker::Anyone, seen(2));
        assert_eq!(standing.map(|standing| standing.status), Some(Status::Retired));
        directory.settle(Uuid::from_u128(1), None);
        assert!(!is_known(&directory, said, 3));
    }

    #[test]
    fn beats_are_saved_in_id_order() {
        let directory = directory();
        for id in [5_u128, 1, 9, 3] {
            let said = directory.said(&report(&format!("m{id}"), "b1", "6.1"));
            directory.remember(said, confirmed(id), seen(1));
        }
        let ids: Vec<u128> = directory.take_unsaved().iter().map(|beat| beat.id.as_u128()).collect();
        assert_eq!(ids, [1, 3, 5, 9]);
    }

    #[test]
    fn a_beat_after_a_long_silence_tells_of_it_once() {
        let directory = directory();
        let said = directory.said(&report("a", "b1", "6.1"));
        directory.remember(said, confirmed(1), seen(1_000));
        assert!(is_known(&directory, said, 136_000) && is_known(&directory, said, 300_000));
        let silence = Silence {
            id: Uuid::from_u128(1),
            from: Timestamp::from_ms(136_000),
            until: Timestamp::from_ms(300_000),
        };
        assert_eq!(directory.take_silences(), [silence]);
        assert!(directory.take_silences().is_empty());
    }

    #[test]
    fn refused_reports_are_told_at_most_once_a_minute() {
        let directory = directory();
        let (id, at) = (Uuid::from_u128(1), |seconds: i64| Timestamp::from_ms(seconds * 1000));
        for second in [1, 2, 3] {
            directory.refuse(at(second), id);
        }
        let taken = directory.take_refused(at(5));
        assert_eq!(taken, [Refused { id, reports: 3, last: at(3) }]);
        directory.refuse(at(6), id);
        assert!(directory.take_refused(at(10)).is_empty());
        assert_eq!(directory.refused(id), Some(Refused { id, reports: 1, last: at(6) }));
        assert_eq!(directory.take_refused(at(65)).len(), 1);
        directory.put_back_refused(&taken);
        assert_eq!(directory.take_refused(at(66)).len(), 1);
        assert!(directory.take_refused(at(200)).is_empty());
        assert!(directory.lock().refusals.is_empty(), "nothing is kept of a machine that gave up");
    }
}
