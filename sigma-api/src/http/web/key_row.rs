//! A key as pages show it.

use std::collections::HashMap;

use uuid::Uuid;

use super::words::{Moment, ago, left};
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::keys::KeyRecord;

/// What the row of a key shows.
pub(super) struct KeyRow {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) role: Role,
    pub(super) prefix: String,
    pub(super) state: KeyState,
    pub(super) provider: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) came: String,
    pub(super) machines: u64,
    pub(super) created: Moment,
    pub(super) expires: Option<Moment>,
    pub(super) used: Option<Moment>,
}

/// Whether a key is taken.
pub(super) struct KeyState {
    /// The shape that it is shown with.
    pub(super) shape: &'static str,
    pub(super) word: &'static str,
    /// What else there is to know.
    pub(super) more: String,
    pub(super) is_revoked: bool,
    /// Whether the secret before the last rotation is still taken.
    pub(super) overlaps: bool,
}

impl KeyRow {
    pub(super) fn new(now: Timestamp, key: KeyRecord, providers: &HashMap<Uuid, String>) -> Self {
        Self {
            id: key.id,
            state: KeyState::of(now, &key),
            provider: key.provider_id.and_then(|id| providers.get(&id).cloned()),
            came: came(&key),
            machines: key.machines,
            created: Moment::new(now, key.created_at),
            expires: key.expires_at.map(|at| Moment::new(now, at)),
            used: key.last_used_at.map(|at| Moment::new(now, at)),
            name: key.name,
            role: key.role,
            prefix: key.prefix,
            tags: key.tags,
        }
    }

    /// Whether machines come with it.
    pub(super) fn is_of_agents(&self) -> bool {
        self.role == Role::Agent
    }

    /// What the key may do.
    pub(super) fn may(&self) -> &'static str {
        may(self.role)
    }
}

impl KeyState {
    fn of(now: Timestamp, key: &KeyRecord) -> Self {
        let overlap = key.previous_until.filter(|until| *until > now);
        let (shape, word, more) = if let Some(at) = key.revoked_at {
            ("offline", "revoked", ago(now, at))
        } else if key.expires_at.is_some_and(|at| at <= now) {
            ("late", "expired", String::new())
        } else if let Some(until) = overlap {
            ("online", "rotating", format!("the previous secret works for {} more", left(now.age(until))))
        } else {
            ("online", "valid", String::new())
        };
        let is_revoked = key.revoked_at.is_some();
        Self { shape, word, more, is_revoked, overlaps: overlap.is_some() && !is_revoked }
    }
}

/// How many new machines came of how many that may.
pub(super) fn came(key: &KeyRecord) -> String {
    match key.max_machines {
        Some(most) => format!("{} of {most}", key.enrolled),
        None => key.enrolled.to_string(),
    }
}

/// What a key of that role may do, in plain words.
pub(super) const fn may(role: Role) -> &'static str {
    match role {
        Role::Agent => "Adds machines and reports for them. Reads nothing.",
        Role::Readonly => {
            "Reads all of the fleet and changes nothing: for dashboards, Prometheus and Ansible."
        }
        Role::Operator => "Reads and changes machines and providers. Neither keys nor accounts.",
        Role::Admin => "May do everything, keys and accounts included.",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn key() -> KeyRecord {
        KeyRecord {
            id: Uuid::nil(),
            prefix: "sgm_01234567".to_owned(),
            name: "batch".to_owned(),
            role: Role::Agent,
            expires_at: None,
            max_machines: Some(50),
            enrolled: 37,
            provider_id: None,
            tags: Vec::new(),
            created_at: Timestamp::from_ms(0),
            last_used_at: None,
            revoked_at: None,
            previous_prefix: None,
            previous_until: None,
            machines: 36,
        }
    }

    #[test]
    fn the_state_of_a_key_is_said() {
        let (now, past) = (Timestamp::from_ms(10_000_000), Timestamp::from_ms(9_000_000));
        let soon = now.later(Duration::from_secs(3600));
        for (key, word) in [
            (key(), "valid"),
            (KeyRecord { expires_at: Some(past), ..key() }, "expired"),
            (KeyRecord { expires_at: Some(soon), ..key() }, "valid"),
            (KeyRecord { previous_until: Some(soon), ..key() }, "rotating"),
            (KeyRecord { previous_until: Some(past), ..key() }, "valid"),
            (KeyRecord { revoked_at: Some(past), expires_at: Some(past), ..key() }, "revoked"),
        ] {
            assert_eq!(KeyState::of(now, &key).word, word, "{key:?}");
        }
        assert_eq!(came(&key()), "37 of 50");
        assert_eq!(came(&KeyRecord { max_machines: None, ..key() }), "37");
        assert_eq!(
            (Moment::new(now, soon).words, Moment::new(now, past).words),
            ("in 60 min".into(), "16 min ago".into())
        );
    }
}
