//! Stories of machines, told step by step to a small store that does with each decision what the hub does.

use std::collections::BTreeSet;

use super::*;
use crate::model::binding::Bound;
use crate::model::mark::MarkKind;

const MINUTE: i64 = 60_000;
const OWNER: Speaker = Speaker::Key(Uuid::from_u128(1));
const THIEF: Speaker = Speaker::Key(Uuid::from_u128(2));
/// As many former faces as the database keeps.
const FORMER: usize = 16;

/// A machine, as it really is.
#[derive(Clone)]
struct Machine {
    hostname: String,
    id: Option<&'static str>,
    boot: Option<String>,
    booted: Option<i64>,
    addresses: Vec<IpAddr>,
    speaker: Speaker,
}

/// All that a hub knows, and its clock.
struct World {
    now: i64,
    /// When the hub began to listen.
    since: i64,
    boots: usize,
    records: Vec<Candidate>,
    marks: BTreeSet<(MarkKind, u128, u128)>,
    decisions: Vec<Decision>,
}

/// The number of a record, from 1, or why there is none.
type Told = Result<u128, Decision>;

impl Machine {
    fn at(&self, addresses: &str) -> Self {
        Self {
            addresses: addresses.split_whitespace().map(|ip| ip.parse().unwrap()).collect(),
            ..self.clone()
        }
    }

    /// As it reports with another key.
    fn with_key(&self, speaker: Speaker) -> Self {
        Self { speaker, ..self.clone() }
    }

    fn called(&self, hostname: &str) -> Self {
        Self { hostname: hostname.to_owned(), ..self.clone() }
    }

    fn with_id(&self, id: Option<&'static str>) -> Self {
        Self { id, ..self.clone() }
    }

    /// As an agent of old reports for it.
    fn bare(&self) -> Self {
        Self { id: None, boot: None, ..self.clone() }
    }

    fn face(&self) -> Face {
        Face {
            hostname: self.hostname.clone(),
            machine_id: self.id.map(str::to_owned),
            boot_id: self.boot.clone(),
        }
    }
}

impl World {
    fn new() -> Self {
        Self {
            now: 1_000_000 * MINUTE,
            since: 0,
            boots: 0,
            records: Vec::new(),
            marks: BTreeSet::new(),
            decisions: Vec::new(),
        }
    }

    fn wait(&mut self, minutes: i64) {
        self.now += minutes * MINUTE;
    }

    /// A machine that booted this minute.
    fn machine(&mut self, hostname: &str, id: &'static str, addresses: &str) -> Machine {
        let new = Machine {
            hostname: hostname.to_owned(),
            id: Some(id),
            boot: None,
            booted: None,
            addresses: Vec::new(),
            speaker: OWNER,
        };
        self.boot(&new.at(addresses))
    }

    /// The machine after a boot that begins now.
    fn boot(&mut self, machine: &Machine) -> Machine {
        self.boots += 1;
        self.now += 1_000;
        let booted = Some(self.now);
        self.now += 19_000;
        Machine { boot: Some(format!("boot {}", self.boots)), booted, ..machine.clone() }
    }

    fn decide(&mut self, machine: &Machine, is_registration: bool) -> Ruling {
        let (face, now) = (machine.face(), Timestamp::from_ms(self.now));
        let sighting = Sighting {
            face: &face,
            is_registration,
            booted: machine.booted.map(Timestamp::from_ms),
            addresses: &machine.addresses,
            speaker: machine.speaker,
            listening: Listening { since: Timestamp::from_ms(self.since), until_before: None },
        };
        let ruling = decide(&sighting, &self.records, now);
        self.decisions.push(ruling.decision.clone());
        ruling
    }

    fn tell(&mut self, machine: &Machine, is_registration: bool) -> Told {
        let Ruling { decision, binding } = self.decide(machine, is_registration);
        if let Some(id) = decision.record() {
            self.bind(id, binding);
            self.take(id, &decision, machine);
            return Ok(id.as_u128());
        }
        let Decision::New { conflicts, clones } = &decision else { return Err(decision) };
        let id = self.add(machine);
        let conflicts = conflicts.iter().map(|other| (MarkKind::Conflict, other));
        for (kind, other) in conflicts.chain(clones.iter().map(|other| (MarkKind::Clone, other))) {
            self.marks.insert((kind, other.as_u128(), id));
        }
        Ok(id)
    }

    fn add(&mut self, machine: &Machine) -> u128 {
        let now = Timestamp::from_ms(self.now);
        let taken = self.records.iter().filter(|c| !c.deleted).map(|c| c.hostname.clone()).collect();
        let id = self.records.len() as u128 + 1;
        self.records.push(Candidate {
            id: Uuid::from_u128(id),
            hostname: free_name(&machine.hostname, &taken),
            reported_hostname: None,
            deleted: false,
            current: Some(KnownFace { face: machine.face(), first_seen: now }),
            former: Vec::new(),
            last_seen: Some(now),
            interval: None,
            addresses: machine.addresses.clone(),
            keys: Keys { bound: bound(machine.speaker), previous: None },
        });
        id
    }

    fn bind(&mut self, id: Uuid, binding: Binding) {
        assert_ne!(binding, Binding::Refused);
        let Binding::Moves(key) = binding else { return };
        let keys = &mut self.records.iter_mut().find(|c| c.id == id).unwrap().keys;
        let before = keys.bound.filter(|_| keys.previous != Some(key)).map(|bound| bound.key);
        *keys = Keys { bound: bound(Speaker::Key(key)), previous: before };
    }

    fn take(&mut self, id: Uuid, decision: &Decision, machine: &Machine) {
        let now = Timestamp::from_ms(self.now);
        let others = self.records.iter().filter(|c| !c.deleted && c.id != id);
        let taken = others.map(|c| c.hostname.clone()).collect();
        let record = self.records.iter_mut().find(|c| c.id == id).unwrap();
        let face = face_after(decision, &machine.face(), record.current.as_ref().map(|known| &known.face));
        if record.current.as_ref().is_none_or(|known| known.face != face) {
            if record.current.as_ref().is_some_and(|known| known.face.hostname != face.hostname) {
                record.hostname = free_name(&face.hostname, &taken);
            }
            let known = record.former.iter().position(|known| known.face == face);
            let known = known.map(|at| record.former.remove(at));
            record.former.extend(record.current.take());
            let drop = record.former.len().saturating_sub(FORMER);
            record.former.drain(..drop);
            record.current = Some(known.unwrap_or(KnownFace { face, first_seen: now }));
        }
        record.last_seen = Some(now);
        if !machine.addresses.is_empty() {
            record.addresses = machine.addresses.clone();
        }
    }

    fn register(&mut self, machine: &Machine) -> Told {
        self.tell(machine, true)
    }

    /// A beat, as an agent does it: who is not known registers.
    fn beat(&mut self, machine: &Machine) -> Told {
        match self.tell(machine, false) {
            Err(Decision::Unknown) => self.register(machine),
            told => told,
        }
    }

    /// Everybody beats once a minute, for so many minutes; who was whose at the end.
    fn live(&mut self, machines: &[&Machine], minutes: i64) -> Vec<Told> {
        let mut told = Vec::new();
        for _ in 0..minutes {
            told = machines.iter().map(|machine| self.beat(machine)).collect();
            self.wait(1);
        }
        told
    }

    fn delete(&mut self, record: u128) {
        self.records[record as usize - 1].deleted = true;
    }

    fn names(&self) -> Vec<&str> {
        self.records.iter().filter(|c| !c.deleted).map(|c| c.hostname.as_str()).collect()
    }

    fn last(&self) -> &Decision {
        self.decisions.last().unwrap()
    }

    fn is_marked(&self, kind: MarkKind, one: u128, other: u128) -> bool {
        self.marks.contains(&(kind, one, other))
    }

    /// Every machine beats for some minutes, and each has a record of its own to itself.
    fn is_stable(&mut self, machines: &[&Machine]) -> Vec<u128> {
        let first = self.live(machines, 3);
        let decided = self.decisions.len();
        assert_eq!(self.live(machines, 5), first, "nothing changes any more");
        let same = |decision: &Decision| matches!(decision, Decision::Same(_));
        assert!(self.decisions[decided..].iter().all(same), "{:?}", &self.decisions[decided..]);
        let records: Vec<u128> = first.into_iter().map(|told| told.unwrap()).collect();
        assert_eq!(records.iter().collect::<BTreeSet<_>>().len(), machines.len(), "{records:?}");
        records
    }
}

fn bound(speaker: Speaker) -> Option<Bound> {
    match speaker {
        Speaker::Key(key) | Speaker::Expired(key) => Some(Bound { key, is_valid: true }),
        Speaker::Anyone => None,
    }
}

fn id(record: u128) -> Uuid {
    Uuid::from_u128(record)
}

#[path = "stories_of_chance.rs"]
mod chance;
#[path = "stories_of_clones.rs"]
mod clones;
#[path = "stories_of_keys.rs"]
mod keys;
#[path = "stories_of_names.rs"]
mod names;
#[path = "stories_of_one.rs"]
mod one;
