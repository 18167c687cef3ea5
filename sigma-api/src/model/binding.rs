//! Which key speaks for a machine. The one that registered it does, as long as both are alive: whoever stole another key
//! cannot speak for it, and what was taken while it was silent goes back as soon as it shows itself.

use std::time::Duration;

use uuid::Uuid;

use super::presence::{Listening, online_for};
use super::time::Timestamp;

/// An agent chooses its interval: nobody keeps a record to himself for days by saying a long one.
const MAX_INTERVAL: Duration = Duration::from_secs(600);

/// Whose key a report came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// An administrator's: speaks for every machine, and none is bound to it.
    Anyone,
    /// An agent's.
    Key(Uuid),
    /// An agent's that has expired: speaks for the machines that are bound to it, and for no others.
    Expired(Uuid),
}

impl Speaker {
    /// The key that a machine may be bound to.
    pub(crate) const fn key(self) -> Option<Uuid> {
        match self {
            Self::Anyone => None,
            Self::Key(key) | Self::Expired(key) => Some(key),
        }
    }
}

/// What a report does with the binding of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binding {
    /// It stays.
    Stays,
    /// From now on this key speaks for the machine.
    Moves(Uuid),
    /// Another key speaks for it: the report is refused.
    Refused,
}

/// The key that speaks for a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    pub(crate) key: Uuid,
    /// Not revoked: one that has expired goes on speaking for its machines.
    pub(crate) is_valid: bool,
}

/// The keys of a record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) bound: Option<Bound>,
    /// The one that spoke for it before, as long as that may come back.
    pub(crate) previous: Option<Uuid>,
}

/// What a report shows of the machine whose record it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shown {
    /// Less than is known of it.
    Less,
    /// Evidence of each kind that is known of it.
    AsMuch,
    /// Just what is known of it: the same evidence, or one of its addresses where there is none.
    Exact,
}

/// A report that asks for a record.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claim {
    pub(crate) speaker: Speaker,
    pub(crate) shown: Shown,
    pub(crate) is_registration: bool,
    /// Whether the record has any evidence.
    pub(crate) has_evidence: bool,
    /// Whether its machine is alive.
    pub(crate) is_alive: bool,
}

impl Keys {
    /// Whether a valid key other than the speaker's speaks for the record, and did before.
    pub(crate) fn are_of_another(self, speaker: Speaker) -> bool {
        match (speaker.key(), self.bound) {
            (Some(key), Some(bound)) => bound.key != key && bound.is_valid && self.previous != Some(key),
            _ => false,
        }
    }

    /// Whether the record was taken from the speaker by another key that is valid.
    pub(crate) fn were_of(self, speaker: Speaker) -> bool {
        match (speaker.key(), self.bound) {
            (Some(key), Some(bound)) => bound.key != key && self.previous == Some(key),
            _ => false,
        }
    }

    /// Whether the speaker's key speaks for the record.
    pub(crate) fn are_of(self, speaker: Speaker) -> bool {
        matches!((speaker.key(), self.bound), (Some(key), Some(bound)) if bound.key == key)
    }
}

/// Whether a machine that was last heard at `heard` and beats every `interval` is alive, as far as its key is concerned.
/// What the hub could not hear, because it did not listen, is not held against it.
pub(crate) fn is_alive(
    now: Timestamp,
    heard: Option<Timestamp>,
    interval: Option<Duration>,
    listening: Listening,
) -> bool {
    let interval = interval.map(|interval| interval.min(MAX_INTERVAL));
    heard.is_some_and(|at| at.max(listening.since).age(now) <= online_for(interval))
}

/// What the report does with the keys of the record that it is found to belong to.
pub(crate) fn binding(claim: Claim, keys: Keys) -> Binding {
    let Claim { speaker, shown, is_registration, has_evidence, is_alive } = claim;
    let Some(key) = speaker.key() else { return Binding::Stays };
    let is_proper = shown == Shown::Exact || is_registration && shown == Shown::AsMuch;
    let may = match keys.bound {
        Some(bound) if bound.key == key => return Binding::Stays,
        _ if matches!(speaker, Speaker::Expired(_)) => return Binding::Refused,
        // Older agents say no addresses with a heartbeat: it is taken, and binds nothing.
        None if !is_proper && !has_evidence && !is_alive => return Binding::Stays,
        None => shown == Shown::Exact || is_proper && !is_alive,
        Some(_) if keys.previous == Some(key) => shown >= Shown::AsMuch,
        Some(bound) if bound.is_valid => is_registration && is_proper && !is_alive,
        Some(_) => is_proper,
    };
    if may { Binding::Moves(key) } else { Binding::Refused }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Uuid = Uuid::from_u128(1);
    const TWO: Uuid = Uuid::from_u128(2);

    fn keys(is_valid: bool) -> Keys {
        Keys { bound: Some(Bound { key: ONE, is_valid }), previous: None }
    }

    fn claim(speaker: Speaker, shown: Shown, is_registration: bool, is_alive: bool) -> Claim {
        Claim { speaker, shown, is_registration, has_evidence: true, is_alive }
    }

    #[test]
    fn a_key_does_not_speak_for_a_living_machine_of_another() {
        let free = Keys::default();
        for (speaker, keys, shown, is_registration, is_alive, expected) in [
            (Speaker::Anyone, keys(true), Shown::Less, false, true, Binding::Stays),
            (Speaker::Key(ONE), keys(true), Shown::Less, false, true, Binding::Stays),
            (Speaker::Key(ONE), keys(false), Shown::Less, false, false, Binding::Stays),
            (Speaker::Key(TWO), keys(true), Shown::Exact, true, true, Binding::Refused),
            (Speaker::Key(TWO), keys(true), Shown::Exact, false, false, Binding::Refused),
            (Speaker::Key(TWO), keys(true), Shown::Less, true, false, Binding::Refused),
            (Speaker::Key(TWO), keys(true), Shown::AsMuch, true, false, Binding::Moves(TWO)),
            (Speaker::Key(TWO), keys(false), Shown::Exact, false, true, Binding::Moves(TWO)),
            (Speaker::Key(TWO), keys(false), Shown::Less, false, true, Binding::Refused),
            (Speaker::Key(TWO), free, Shown::Exact, false, true, Binding::Moves(TWO)),
            (Speaker::Key(TWO), free, Shown::AsMuch, true, true, Binding::Refused),
            (Speaker::Key(TWO), free, Shown::AsMuch, true, false, Binding::Moves(TWO)),
            (Speaker::Key(TWO), free, Shown::Less, false, false, Binding::Refused),
            (Speaker::Expired(ONE), keys(true), Shown::Less, false, true, Binding::Stays),
            (Speaker::Expired(TWO), keys(true), Shown::Exact, true, false, Binding::Refused),
            (Speaker::Expired(TWO), keys(false), Shown::Exact, true, false, Binding::Refused),
            (Speaker::Expired(TWO), free, Shown::Exact, true, false, Binding::Refused),
        ] {
            let found = binding(claim(speaker, shown, is_registration, is_alive), keys);
            assert_eq!(found, expected, "{speaker:?} {keys:?} {shown:?} {is_registration} {is_alive}");
        }
    }

    #[test]
    fn the_key_before_takes_back_what_is_its_own() {
        let taken = Keys { previous: Some(TWO), ..keys(true) };
        let back = |shown: Shown| binding(claim(Speaker::Key(TWO), shown, false, true), taken);
        assert_eq!((back(Shown::AsMuch), back(Shown::Less)), (Binding::Moves(TWO), Binding::Refused));
        let late = binding(claim(Speaker::Expired(TWO), Shown::Exact, true, true), taken);
        assert_eq!(late, Binding::Refused, "but not once it has expired");
    }

    #[test]
    fn an_interval_of_a_day_makes_nobody_alive_for_days() {
        let at = |seconds: i64| Timestamp::from_ms(seconds * 1000);
        let listening = |since: i64| Listening { since: at(since), until_before: None };
        let day = Some(Duration::from_secs(86_400));
        for (now, interval, since, expected) in [
            (1135, None, 0, true),
            (1136, None, 0, false),
            (2215, day, 0, true),
            (2216, day, 0, false),
            (5000, None, 4990, true),
        ] {
            assert_eq!(is_alive(at(now), Some(at(1000)), interval, listening(since)), expected, "{now}");
        }
        assert!(!is_alive(at(1000), None, None, listening(0)));
    }
}
