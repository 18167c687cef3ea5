//! Keys: who calls, and making, listing and revoking them.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::{Error, Hub, Result};
use crate::model::audit::{Actor, ActorKind};
use crate::model::key::{ApiKey, KeyHash, NewKey, Role, check_name, prefix_of};
use crate::model::time::Timestamp;
use crate::store::Store;

/// A revoked key works for at most this long; meanwhile a beat needs no read.
const CACHED_FOR: Duration = Duration::from_secs(2);

/// Who calls, and what that caller may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) actor: Actor,
    pub(crate) role: Role,
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
    /// Who has that key; `None` when nobody has, or it was revoked.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn identify(&self, now: Timestamp, key: &str) -> Result<Option<Identity>> {
        let hash = KeyHash::of(key);
        let mut identity = self.keys.fresh(hash);
        if identity.is_none() {
            let stored = self.store.key_by_hash(hash).await?;
            identity = stored
                .filter(|key| key.revoked_at.is_none())
                .map(|key| Identity { actor: actor(&key), role: key.role });
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

/// Makes a key of that role. The whole key is in what is returned and nowhere else.
///
/// # Errors
/// A name that is empty or has control characters; a database that cannot be written.
pub(crate) async fn create_key(store: &Store, now: Timestamp, name: &str, role: Role) -> Result<NewKey> {
    check_name(name)?;
    let key = NewKey::generate().map_err(|error| Error::Broken(format!("no randomness: {error}")))?;
    let record = ApiKey {
        id: Uuid::now_v7(),
        prefix: key.prefix(),
        name: name.to_owned(),
        role,
        created_at: now,
        last_used_at: None,
        revoked_at: None,
    };
    let tx = store.begin().await?;
    tx.insert_key(&record, key.hash()).await?;
    tx.commit().await?;
    Ok(key)
}

/// All keys, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn list_keys(store: &Store) -> Result<Vec<ApiKey>> {
    Ok(store.keys().await?)
}

/// Revokes the key with that prefix or id; a hub that runs refuses it within 2 s. Revoking twice changes nothing.
///
/// # Errors
/// `NotFound` when there is none; a database that cannot be written.
pub(crate) async fn revoke_key(store: &Store, now: Timestamp, which: &str) -> Result<ApiKey> {
    let (id, prefix) = (which.parse::<Uuid>().ok(), prefix_of(which));
    let mut keys = store.keys().await?.into_iter();
    let key = keys.find(|key| id.map_or(key.prefix == prefix, |id| key.id == id));
    let key =
        key.ok_or_else(|| Error::NotFound("There is no key with that prefix or id; see: key list".into()))?;
    if key.revoked_at.is_none() {
        let tx = store.begin().await?;
        tx.revoke_key(now, key.id).await?;
        tx.commit().await?;
    }
    Ok(key)
}
