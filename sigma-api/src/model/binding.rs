//! Which key speaks for a machine. The one that registered it does, as long as both are alive: whoever stole another key
//! cannot speak for it.

use std::time::Duration;

use uuid::Uuid;

use super::presence::online_for;
use super::time::Timestamp;

/// Whose key a report came with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speaker {
    /// An administrator's: speaks for every machine, and none is bound to it.
    Anyone,
    /// An agent's.
    Key(Uuid),
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
    /// Neither revoked nor expired.
    pub(crate) is_valid: bool,
}

/// Whether `speaker` may speak for a record that was last heard at `heard` and that beats every `interval`. What the hub
/// could not hear, because it listens only since `listening_since`, is not held against the machine.
pub(crate) fn binding(
    now: Timestamp,
    speaker: Speaker,
    bound: Option<Bound>,
    heard: Option<Timestamp>,
    interval: Option<Duration>,
    listening_since: Timestamp,
) -> Binding {
    match (speaker, bound) {
        (Speaker::Anyone, _) => Binding::Stays,
        (Speaker::Key(key), None) => Binding::Moves(key),
        (Speaker::Key(key), Some(bound)) if bound.key == key => Binding::Stays,
        (Speaker::Key(key), Some(bound)) => {
            let is_alive = heard.is_some_and(|at| at.max(listening_since).age(now) <= online_for(interval));
            if bound.is_valid && is_alive { Binding::Refused } else { Binding::Moves(key) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_does_not_speak_for_a_living_machine_of_another() {
        let at = |seconds: i64| Timestamp::from_ms(seconds * 1000);
        let (one, two) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let bound = |is_valid: bool| Some(Bound { key: one, is_valid });
        for (speaker, bound, heard, expected) in [
            (Speaker::Anyone, bound(true), Some(1000), Binding::Stays),
            (Speaker::Anyone, None, None, Binding::Stays),
            (Speaker::Key(one), bound(true), Some(1000), Binding::Stays),
            (Speaker::Key(one), bound(false), Some(1), Binding::Stays),
            (Speaker::Key(two), None, Some(1000), Binding::Moves(two)),
            (Speaker::Key(two), bound(true), Some(1000), Binding::Refused),
            (Speaker::Key(two), bound(true), Some(865), Binding::Refused),
            (Speaker::Key(two), bound(true), Some(864), Binding::Moves(two)),
            (Speaker::Key(two), bound(true), None, Binding::Moves(two)),
            (Speaker::Key(two), bound(false), Some(1000), Binding::Moves(two)),
        ] {
            let found = binding(at(1000), speaker, bound, heard.map(at), None, at(0));
            assert_eq!(found, expected, "{speaker:?} {bound:?} {heard:?}");
        }
        let just_started = binding(at(1000), Speaker::Key(two), bound(true), Some(at(1)), None, at(990));
        assert_eq!(just_started, Binding::Refused, "nobody could be heard before the hub listened");
    }
}
