//! The rules, in their order.

use std::cmp::Reverse;
use std::time::Duration;

use super::{Candidate, Decision, Face, KnownFace, Ruling, Sighting};
use crate::model::binding::{Binding, Claim, Shown, Speaker, binding, is_alive};
use crate::model::presence::Presence;
use crate::model::time::Timestamp;
use crate::model::whereabouts::{apart, shared};

/// The clock of the hub may be set a little while a machine boots.
const MARGIN: Duration = Duration::from_secs(5);
/// A newcomer is marked with at most so many others of its name or machine id.
const MAX_MARKED: usize = 16;
/// A machine that comes back after its place was taken gets it back within this time, if it was rebooted meanwhile. Later
/// it is taken for a machine that was made from an old image.
const RETURNS_WITHIN: Duration = Duration::from_secs(7 * 86_400);

/// Whose report this is. `candidates` are the records, living and deleted, that a face of this name or of this machine
/// id ever reported for, or that have this name; those that were merged into others are none.
pub(crate) fn decide(sighting: &Sighting<'_>, candidates: &[Candidate], now: Timestamp) -> Ruling {
    let court = Court::new(sighting, candidates.iter(), now);
    let decision = court.decision();
    let chosen = decision.record().and_then(|id| candidates.iter().find(|c| c.id == id));
    let Some(chosen) = chosen else { return Ruling { decision, binding: Binding::Stays } };
    let binding = court.binding(chosen);
    let is_of_another = chosen.keys.are_of_another(sighting.speaker);
    // Whoever took a name first does not get what the machine of that name says later.
    let is_squatted = is_of_another && matches!(decision, Decision::Adopted(_));
    if binding != Binding::Refused && !is_squatted {
        return Ruling { decision, binding };
    }
    let others = candidates.iter().filter(|c| c.deleted || !c.keys.are_of_another(sighting.speaker));
    let others = Court::new(sighting, others.filter(|c| c.id != chosen.id), now);
    let second = others.decision();
    let own = second.record().and_then(|id| candidates.iter().find(|c| c.id == id));
    if own.is_some_and(|own| own.keys.are_of(sighting.speaker)) {
        return Ruling { decision: second, binding: Binding::Stays };
    }
    if chosen.face().is_some_and(|known| sighting.face.has_more_than(known)) {
        return Ruling { decision: court.newcomer(), binding: Binding::Stays };
    }
    Ruling { decision: Decision::Refused(chosen.id), binding: Binding::Refused }
}

/// One question with all that is known about it.
struct Court<'a> {
    sighting: &'a Sighting<'a>,
    face: &'a Face,
    living: Vec<&'a Candidate>,
    deleted: Vec<&'a Candidate>,
    now: Timestamp,
}

impl<'a> Court<'a> {
    fn new(
        sighting: &'a Sighting<'a>,
        candidates: impl Iterator<Item = &'a Candidate>,
        now: Timestamp,
    ) -> Self {
        let (mut deleted, mut living): (Vec<_>, Vec<_>) = candidates.partition(|c| c.deleted);
        // Ids grow with time: the oldest record first, and of those that were deleted the latest.
        living.sort_by_key(|candidate| candidate.id);
        deleted.sort_by_key(|candidate| Reverse(candidate.id));
        Self { sighting, face: sighting.face, living, deleted, now }
    }

    fn decision(&self) -> Decision {
        let found = if self.face.is_bare() { self.by_name() } else { self.by_evidence() };
        found.unwrap_or_else(|| self.newcomer())
    }

    /// What the report does with the keys of that record.
    fn binding(&self, candidate: &Candidate) -> Binding {
        let Sighting { speaker, is_registration, listening, .. } = *self.sighting;
        let claim = Claim {
            speaker,
            shown: self.shown(candidate),
            is_registration,
            has_evidence: candidate.face().is_some_and(|known| !known.is_bare()),
            is_alive: is_alive(self.now, candidate.last_seen, candidate.interval, listening),
        };
        binding(claim, candidate.keys)
    }

    fn shown(&self, candidate: &Candidate) -> Shown {
        match candidate.face() {
            // Nothing is known of it yet.
            None => Shown::Exact,
            Some(known) if known.has_more_than(self.face) => Shown::Less,
            Some(known) if known.is_bare() && self.shared_with(candidate) > 0 => Shown::Exact,
            Some(known) if !known.is_bare() && known == self.face => Shown::Exact,
            Some(_) => Shown::AsMuch,
        }
    }

    /// Records of the speaker's own key come first, those of another valid one last.
    fn strangeness(&self, candidate: &Candidate) -> u8 {
        let (speaker, keys) = (self.sighting.speaker, candidate.keys);
        if keys.are_of_another(speaker) {
            2
        } else {
            u8::from(speaker != Speaker::Anyone && !keys.are_of(speaker))
        }
    }

    /// Agents without evidence, as of old: by hostname alone.
    fn by_name(&self) -> Option<Decision> {
        let named: Vec<_> = self.named().collect();
        let bare: Vec<_> = named.iter().copied().filter(|c| c.face().is_none_or(Face::is_bare)).collect();
        let best = self.nearest(&bare).or_else(|| self.nearest(&named));
        let buried = || self.deleted.iter().find(|c| c.face().is_some() && c.reports_as(&self.face.hostname));
        best.map(|c| Decision::Same(c.id)).or_else(|| buried().map(|c| Decision::Gone(c.id)))
    }

    fn by_evidence(&self) -> Option<Decision> {
        self.exact()
            .or_else(|| self.former())
            .or_else(|| self.rebooted())
            .or_else(|| self.buried_under_this_name())
            .or_else(|| self.under_another_name())
            .or_else(|| self.adopted())
            .or_else(|| self.reinstalled())
    }

    /// The face of a living machine, or of a deleted one.
    fn exact(&self) -> Option<Decision> {
        let same = |c: &Candidate| {
            c.face().is_some_and(|known| {
                known.hostname == self.face.hostname
                    && (known == self.face
                        // One of the two is missing on one side: the other one tells.
                        || self.face.same_boot(known) && one_missing(&self.face.machine_id, &known.machine_id)
                        || self.face.same_machine(known) && one_missing(&self.face.boot_id, &known.boot_id))
            })
        };
        let living: Vec<_> = self.living.iter().copied().filter(|c| same(c)).collect();
        let buried = || self.deleted.iter().find(|c| c.face() == Some(self.face));
        self.nearest(&living).map(|c| Decision::Same(c.id)).or_else(|| buried().map(|c| Decision::Gone(c.id)))
    }

    /// A boot id never comes back: two machines took turns on this record. It is of the one that was there first.
    fn former(&self) -> Option<Decision> {
        self.face.boot_id.as_ref()?;
        let had = |c: &Candidate| c.former.iter().any(|known| known.face == *self.face);
        let candidate = self.living.iter().copied().find(|c| had(c))?;
        let current = candidate.face();
        let here = current.is_some_and(|now| now.same_machine(self.face) && now.same_boot(self.face));
        Some(if here && !self.is_apart(candidate) {
            Decision::Renamed(candidate.id)
        } else if self.was_first(candidate) {
            Decision::Returned(candidate.id)
        } else {
            self.newcomer()
        })
    }

    /// Whether the machine of this report had the record before the one that has it now. Clones are told apart by their
    /// boots, others by their machine ids.
    fn was_first(&self, candidate: &Candidate) -> bool {
        let Some(current) = candidate.face() else { return true };
        let are_clones = current.machine_id == self.face.machine_id;
        let since = |of: &Face| {
            let same = |face: &Face| if are_clones { face == of } else { face.machine_id == of.machine_id };
            candidate.faces().filter(|known| same(&known.face)).map(|known| known.first_seen).min()
        };
        // Which of two that came in the same moment was first does not matter, as long as it is always the same one.
        let order = |of: &Face| (since(of), of.machine_id.clone(), of.boot_id.clone());
        order(self.face) < order(current)
    }

    /// The name and the machine id of a living machine, and another boot.
    fn rebooted(&self) -> Option<Decision> {
        let same: Vec<&Candidate> = self
            .living
            .iter()
            .copied()
            .filter(|c| {
                c.face().is_some_and(|known| {
                    known.hostname == self.face.hostname
                        && known.machine_id == self.face.machine_id
                        && known.boot_id.is_some()
                })
            })
            .collect();
        if same.is_empty() || self.face.boot_id.is_none() {
            return None;
        }
        // Whoever took the record from this key may go on reporting for it.
        let may_be = |c: &Candidate| self.silent_since_boot(c) || c.keys.were_of(self.sighting.speaker);
        // Of several clones, one that is elsewhere is another one; those that were deleted count.
        let is_only = same.len() == 1 && !self.deleted.iter().any(|c| self.had_machine_id(c));
        let mut likely: Vec<_> =
            same.iter().copied().filter(|c| may_be(c) && (is_only || !self.is_apart(c))).collect();
        likely.sort_by_key(|c| (self.strangeness(c), Reverse(self.shared_with(c)), c.last_seen));
        let best = likely.first();
        let buried =
            self.deleted.iter().find(|c| self.is_buried_here(c)).filter(|deleted| {
                best.is_none_or(|living| self.shared_with(deleted) > self.shared_with(living))
            });
        if let Some(deleted) = buried {
            return Some(Decision::Gone(deleted.id));
        }
        Some(best.map_or_else(|| self.newcomer(), |c| Decision::Rebooted(c.id)))
    }

    fn had_machine_id(&self, candidate: &Candidate) -> bool {
        candidate.faces().any(|known| known.face.same_machine(self.face))
    }

    fn had_name_and_machine_id(&self, candidate: &Candidate) -> bool {
        let had = |known: &KnownFace| {
            known.face.hostname == self.face.hostname && known.face.same_machine(self.face)
        };
        candidate.faces().any(had)
    }

    /// Whether a deleted record is of this machine, and not of another clone of its template: where no address says, one
    /// that ran already while that machine was heard is another.
    fn is_buried_here(&self, deleted: &Candidate) -> bool {
        let may_be = self.shared_with(deleted) > 0 || self.silent_since_boot(deleted);
        self.had_name_and_machine_id(deleted)
            && (deleted.faces().any(|known| known.face.same_boot(self.face))
                || !self.is_apart(deleted) && may_be)
    }

    /// A person deleted this machine of this name and machine id.
    fn buried_under_this_name(&self) -> Option<Decision> {
        self.deleted.iter().find(|c| self.is_buried_here(c)).map(|c| Decision::Gone(c.id))
    }

    /// The machine id of a machine of another name: renamed, or a clone of it.
    fn under_another_name(&self) -> Option<Decision> {
        let follows = |c: &&Candidate| {
            let online = self.is_online(c);
            match c.face() {
                // Containers share the boot id of their host, and clones the machine id.
                Some(known) if known.same_boot(self.face) => !(online && self.is_apart(c)),
                // When name, boot and address are others, the machine is another one.
                Some(_) => self.silent_since_boot(c) && !self.is_apart(c),
                None => false,
            }
        };
        let same: Vec<&Candidate> = self
            .living
            .iter()
            .copied()
            .filter(|c| c.face().is_some_and(|known| known.same_machine(self.face)))
            .filter(|c| !c.reports_as(&self.face.hostname))
            .collect();
        let renamed: Vec<_> = same.iter().copied().filter(follows).collect();
        let same_boot: Vec<_> = renamed
            .iter()
            .copied()
            .filter(|c| c.face().is_some_and(|known| known.same_boot(self.face)))
            .collect();
        let best = self.nearest(&same_boot).or_else(|| self.nearest(&renamed));
        // A template that was deleted has clones that were not.
        let buried = || {
            self.deleted.iter().find(|c| {
                c.faces().any(|known| known.face.same_machine(self.face))
                    && (c.faces().any(|known| known.face.same_boot(self.face)) && !self.is_apart(c)
                        || self.shared_with(c) > 0)
            })
        };
        match (best, buried()) {
            (Some(c), _) => Some(Decision::Renamed(c.id)),
            (None, Some(c)) => Some(Decision::Gone(c.id)),
            (None, None) if !same.is_empty() && !self.name_is_taken() => Some(self.newcomer()),
            (None, None) => None,
        }
    }

    /// A record of this name where one of the two has no machine id: of a person's making, of an agent of old that says
    /// more now, or of a machine whose id cannot be read after this boot.
    fn adopted(&self) -> Option<Decision> {
        let lost = |c: &Candidate| self.silent_since_boot(c) && self.shared_with(c) > 0;
        let may_be = |c: &Candidate| match (c.machine_id(), &self.face.machine_id) {
            (None, Some(_)) => c.face().is_none() || !self.is_apart(c),
            (None, None) => c.face().is_none_or(Face::is_bare),
            (Some(_), None) => lost(c),
            (Some(_), Some(_)) => false,
        };
        let named: Vec<_> = self.named().filter(|c| may_be(c)).collect();
        self.nearest(&named).map(|c| Decision::Adopted(c.id))
    }

    /// The name of a living machine, and another machine id.
    fn reinstalled(&self) -> Option<Decision> {
        if !self.sighting.is_registration {
            return None;
        }
        let named: Vec<&Candidate> = self.named().collect();
        if let Some(candidate) = named.iter().find(|c| self.had_it_lately(c)) {
            return Some(Decision::Returned(candidate.id));
        }
        // Of several machines of one name, an address tells which of them it was.
        // Where it had no machine id, another place is another machine.
        let is_elsewhere = |c: &Candidate| c.machine_id().is_none() && self.is_apart(c);
        let silent = named.iter().copied().filter(|c| !self.is_online(c) && !is_elsewhere(c));
        let likely: Vec<_> = silent.filter(|c| named.len() == 1 || self.shared_with(c) > 0).collect();
        if let Some(candidate) = self.nearest(&likely) {
            // One that was deleted does not take the record of its successor.
            let buried = self.deleted.iter().find(|c| self.had_name_and_machine_id(c));
            return Some(buried.map_or(Decision::Reinstalled(candidate.id), |c| Decision::Gone(c.id)));
        }
        // Without evidence on both sides the name decides, as of old.
        let no_evidence = |c: &Candidate| c.machine_id().is_none() || self.face.machine_id.is_none();
        let buried = || {
            self.deleted
                .iter()
                .find(|c| c.face().is_some() && c.reports_as(&self.face.hostname) && no_evidence(c))
        };
        if named.is_empty() { buried().map(|c| Decision::Gone(c.id)) } else { None }
    }

    /// Whether the record was of this machine id until another took its place not long ago: it was silent, not gone.
    fn had_it_lately(&self, candidate: &Candidate) -> bool {
        let had = |known: &KnownFace| {
            known.face.hostname == self.face.hostname && known.face.same_machine(self.face)
        };
        let lately = |current: &KnownFace| current.first_seen.age(self.now) <= RETURNS_WITHIN;
        candidate.former.iter().any(had)
            && candidate.current.as_ref().is_none_or(lately)
            && self.was_first(candidate)
    }

    /// The living records whose machines report this name.
    fn named(&self) -> impl Iterator<Item = &'a Candidate> {
        self.living.iter().copied().filter(|c| c.reports_as(&self.face.hostname))
    }

    fn newcomer(&self) -> Decision {
        if !self.sighting.is_registration {
            return Decision::Unknown;
        }
        let is_clone = |c: &Candidate| c.face().is_some_and(|known| known.same_machine(self.face));
        let has_name = |c: &Candidate| c.reports_as(&self.face.hostname) || c.hostname == self.face.hostname;
        // The latest of them: each is marked with some, however many there are.
        let (clones, others): (Vec<&Candidate>, Vec<&Candidate>) =
            self.living.iter().rev().copied().partition(|c| is_clone(c));
        let ids = |of: &mut dyn Iterator<Item = &Candidate>| of.take(MAX_MARKED).map(|c| c.id).collect();
        Decision::New {
            conflicts: ids(&mut others.into_iter().filter(|c| has_name(c))),
            clones: ids(&mut clones.into_iter()),
        }
    }

    fn name_is_taken(&self) -> bool {
        self.named().next().is_some()
    }

    /// Of the key's own the one with most addresses of the report, or else the oldest.
    fn nearest(&self, of: &[&'a Candidate]) -> Option<&'a Candidate> {
        of.iter().copied().min_by_key(|c| (self.strangeness(c), Reverse(self.shared_with(c)), c.id))
    }

    fn is_online(&self, candidate: &Candidate) -> bool {
        // Nobody could be heard before the hub listened.
        let heard = candidate.last_seen.map(|at| at.max(self.sighting.listening.since));
        Presence::at(self.now, heard, candidate.interval) == Presence::Online
    }

    fn is_apart(&self, candidate: &Candidate) -> bool {
        apart(self.sighting.addresses, &candidate.addresses)
    }

    fn shared_with(&self, candidate: &Candidate) -> usize {
        shared(self.sighting.addresses, &candidate.addresses)
    }

    /// Whether nobody reported for the record since the machine of this report booted. If that is not known, it is taken
    /// for so: a machine that lives corrects it with its next beat.
    fn silent_since_boot(&self, candidate: &Candidate) -> bool {
        let (Some(booted), Some(last_seen)) = (self.sighting.booted, candidate.last_seen) else {
            return true;
        };
        // What lies in the future was seen before the clock was set back.
        self.now.age(last_seen) > MARGIN || booted.age(last_seen) <= MARGIN
    }
}

fn one_missing(one: &Option<String>, other: &Option<String>) -> bool {
    one.is_none() != other.is_none()
}
