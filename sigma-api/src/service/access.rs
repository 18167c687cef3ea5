//! Who calls with a key, and what that key may do.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Hub, Result};
use crate::model::audit::{Actor, ActorKind};
use crate::model::key::{ApiKey, KeyHash, Role};
use crate::model::time::Timestamp;

/// A revoked or expired key works as before for at most this long; meanwhile a beat needs no read.
const CACHED_FOR: Duration = Duration::from_secs(2);

/// Who calls, and what that caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) actor: Actor,
    pub(crate) role: Role,
    /// Since when an agent's key has expired.
    pub(crate) expired_at: Option<Timestamp>,
}

/// Keys that were valid a moment ago, and when keys were used. Only valid keys get in: it is bounded by their number.
#[derive(Debug, Default)]
pub(crate) struct KeyCache {
    valid: Mutex<HashMap<KeyHash, (Identity, Instant)>>,
    uses: Mutex<HashMap<Uuid, Timestamp>>,
}

impl KeyCache {
    fn fresh(&self, hash: KeyHash) -> Option<Identity> {
        let valid = self.valid.lock().unwrap_or_else(PoisonError::into_inner);
        valid
            .get(&hash)
            .filter(|(_, checked)| checked.elapsed() < CACHED_FOR)
            .map(|(identity, _)| identity.clone())
    }

    fn learn(&self, hash: KeyHash, identity: Option<Identity>) {
        let mut valid = self.valid.lock().unwrap_or_else(PoisonError::into_inner);
        match identity {
            Some(identity) => valid.insert(hash, (identity, Instant::now())),
            None => valid.remove(&hash),
        };
    }

    /// Keys changed: all are looked up again.
    pub(crate) fn forget(&self) {
        self.valid.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn used(&self, now: Timestamp, id: Uuid) {
        self.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(id, now);
    }

    /// When keys were used since the last call, in id order.
    pub(crate) fn take_uses(&self) -> Vec<(Uuid, Timestamp)> {
        let mut uses: Vec<_> = self.uses.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        uses.sort_by_key(|(id, _)| *id);
        uses
    }

    /// Takes uses back that could not be saved, unless there are newer ones.
    pub(crate) fn put_back(&self, uses: Vec<(Uuid, Timestamp)>) {
        let mut all = self.uses.lock().unwrap_or_else(PoisonError::into_inner);
        for (id, at) in uses {
            all.entry(id).or_insert(at);
        }
    }
}

impl Hub {
    /// Who has that key; `None` when nobody has, it was revoked, or has expired and is no agent's.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn identify(&self, now: Timestamp, key: &str) -> Result<Option<Identity>> {
        let hash = KeyHash::of(key);
        let mut identity = self.keys.fresh(hash);
        if identity.is_none() {
            let stored = self.store.key_by_hash(hash).await?;
            identity = stored.filter(|(key, is_previous)| key.is_taken(now, *is_previous)).map(|(key, _)| {
                Identity { actor: actor(&key), role: key.role, expired_at: key.expired_at(now) }
            });
            self.keys.learn(hash, identity.clone());
        }
        if let Some(id) = identity.as_ref().and_then(|identity| identity.actor.id) {
            self.keys.used(now, id);
        }
        Ok(identity)
    }
}

fn actor(key: &ApiKey) -> Actor {
    let kind = if key.role == Role::Agent { ActorKind::Agent } else { ActorKind::Key };
    Actor { kind, id: Some(key.id), name: key.name.clone(), client_ip: None }
}
