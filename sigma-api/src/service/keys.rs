//! Keys of agents and clients: making, listing, changing, rotating and revoking them.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Hub, Result};
use crate::model::audit::{Actor, Changes, Subject};
use crate::model::key::{ApiKey, NewKey, Role, check_name, prefix_of};
use crate::model::key_terms::Terms;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::store::{Store, Tx};

/// How long the secret before a rotation stays valid unless somebody says otherwise, and at most.
pub(crate) const OVERLAP_HOURS: u32 = 24;
const MAX_OVERLAP_HOURS: u32 = 24 * 90;

/// A key as lists show it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct KeyRecord {
    pub(crate) id: Uuid,
    /// The first characters of the key.
    pub(crate) prefix: String,
    pub(crate) name: String,
    pub(crate) role: Role,
    /// When it ends. An agent's registers no new machine from then on, and goes on reporting for those that are bound to it
    /// until it is revoked.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) expires_at: Option<Timestamp>,
    /// New machines that it may register in all.
    pub(crate) max_machines: Option<u32>,
    /// New machines that it registered.
    pub(crate) enrolled: u64,
    /// Provider of the machines that it registers.
    pub(crate) provider_id: Option<Uuid>,
    /// Tags of the machines that it registers.
    pub(crate) tags: Vec<String>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_used_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) revoked_at: Option<Timestamp>,
    /// The first characters of the key before the last rotation.
    pub(crate) previous_prefix: Option<String>,
    /// Until when the secret before the last rotation is valid.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) previous_until: Option<Timestamp>,
    /// Living records that it speaks for.
    pub(crate) machines: u64,
}

/// What a person changes of a key; what is absent stays.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyChange {
    pub(crate) name: Option<String>,
    pub(crate) expires_at: Option<Option<Timestamp>>,
    pub(crate) max_machines: Option<Option<u32>>,
    pub(crate) provider_id: Option<Option<Uuid>>,
    pub(crate) tags: Option<Vec<String>>,
}

/// How to rotate a key.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rotation {
    /// For how long the former secret stays valid; a day unless said.
    pub(crate) overlap_hours: Option<u32>,
    /// Whether the secret before the former may end with this.
    pub(crate) force: bool,
}

impl Hub {
    /// All keys, the oldest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn keys(&self) -> Result<Vec<KeyRecord>> {
        let machines = self.store.machines_of_keys().await?;
        let keys = self.store.keys().await?.into_iter();
        Ok(keys.map(|key| record(&key, machines.get(&key.id).copied().unwrap_or(0))).collect())
    }

    /// The key of that id.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(crate) async fn key(&self, id: Uuid) -> Result<KeyRecord> {
        let key = self.store.key(id).await?.ok_or_else(|| not_found(id))?;
        let machines = self.store.machines_of_keys().await?;
        Ok(record(&key, machines.get(&id).copied().unwrap_or(0)))
    }

    /// Makes a key for somebody who asked over HTTP.
    ///
    /// # Errors
    /// As [`create_key`].
    pub(crate) async fn make_key(
        &self,
        now: Timestamp,
        by: &Actor,
        name: &str,
        role: Role,
        terms: Terms,
    ) -> Result<(KeyRecord, NewKey)> {
        let (record_of, key) = create_key(&self.store, now, by, name, role, terms).await?;
        Ok((record(&record_of, 0), key))
    }

    /// Changes name and terms of a key.
    ///
    /// # Errors
    /// `NotFound`; `Invalid`; a database that cannot be written.
    pub(crate) async fn change_key(
        &self,
        now: Timestamp,
        by: &Actor,
        id: Uuid,
        change: KeyChange,
    ) -> Result<KeyRecord> {
        let tx = self.store.begin().await?;
        let before = tx.key(id).await?.ok_or_else(|| not_found(id))?;
        let mut after = before.clone();
        let terms = &mut after.terms;
        if let Some(name) = change.name {
            check_name(&name)?;
            after.name = name;
        }
        terms.expires_at = change.expires_at.unwrap_or(terms.expires_at);
        terms.max_machines = change.max_machines.unwrap_or(terms.max_machines);
        terms.provider_id = change.provider_id.unwrap_or(terms.provider_id);
        if let Some(tags) = change.tags {
            terms.tags = tags;
        }
        // An expiry that has passed meanwhile may stay.
        let checked = Terms {
            expires_at: terms.expires_at.filter(|_| after.terms.expires_at != before.terms.expires_at),
            ..after.terms.clone()
        };
        checked.check(now)?;
        check_for_role(&tx, &after).await?;
        let changes = difference(&before, &after);
        if !changes.is_empty() {
            tx.update_key(&after).await?;
            tx.audit(now, by, "key.update", subject(&after), &changes).await?;
            tx.commit().await?;
            self.keys.forget();
        }
        self.key(id).await
    }

    /// Gives a key another secret; the one that it had stays valid for some hours.
    ///
    /// # Errors
    /// As [`rotate_key`].
    pub(crate) async fn rotate_key(
        &self,
        now: Timestamp,
        by: &Actor,
        id: Uuid,
        rotation: Rotation,
    ) -> Result<(KeyRecord, NewKey)> {
        let (_, key) = rotate_key(&self.store, now, by, id, rotation).await?;
        self.keys.forget();
        Ok((self.key(id).await?, key))
    }

    /// Revokes a key at once.
    ///
    /// # Errors
    /// `NotFound`; a database that cannot be written.
    pub(crate) async fn revoke_key(&self, now: Timestamp, by: &Actor, id: Uuid) -> Result<()> {
        revoke(&self.store, now, by, id).await?;
        self.keys.forget();
        Ok(())
    }
}

/// Makes a key of that role. The whole key is in what is returned and nowhere else.
///
/// # Errors
/// A name or terms that break a rule; a database that cannot be written.
pub(crate) async fn create_key(
    store: &Store,
    now: Timestamp,
    by: &Actor,
    name: &str,
    role: Role,
    terms: Terms,
) -> Result<(ApiKey, NewKey)> {
    check_name(name)?;
    terms.check(now)?;
    let key = new_key()?;
    let record = ApiKey {
        id: Uuid::now_v7(),
        prefix: key.prefix(),
        name: name.to_owned(),
        role,
        created_at: now,
        last_used_at: None,
        revoked_at: None,
        terms,
        enrolled: 0,
        previous_prefix: None,
        previous_until: None,
    };
    let mut changes = Changes::default();
    changes.note("prefix", &None, &Some(&record.prefix));
    changes.note("role", &None, &Some(role));
    note_terms(&mut changes, &record.terms);
    let tx = store.begin().await?;
    check_for_role(&tx, &record).await?;
    tx.insert_key(&record, key.hash()).await?;
    tx.audit(now, by, "key.create", subject(&record), &changes).await?;
    tx.commit().await?;
    Ok((record, key))
}

/// All keys, the oldest first.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn list_keys(store: &Store) -> Result<Vec<ApiKey>> {
    Ok(store.keys().await?)
}

/// The key with that prefix or id.
///
/// # Errors
/// `NotFound` when there is none.
pub(crate) async fn find_key(store: &Store, which: &str) -> Result<ApiKey> {
    let (id, prefix) = (which.parse::<Uuid>().ok(), prefix_of(which));
    let mut keys = store.keys().await?.into_iter();
    let key = keys.find(|key| match id {
        Some(id) => key.id == id,
        // Who looks for a key that leaked may have the secret that it had before.
        None => key.prefix == prefix || key.previous_prefix.as_ref() == Some(&prefix),
    });
    key.ok_or_else(|| Error::NotFound("There is no key with that prefix or id; see: key list".into()))
}

/// Gives a key another secret; a hub that runs takes both until the overlap is over, or the key expires and is no agent's.
///
/// # Errors
/// `NotFound`; `Conflict` when it is revoked, has expired and is no agent's, or when the secret before is still valid and would end with
/// this, unless that is forced; `Invalid`; a database that cannot be written.
pub(crate) async fn rotate_key(
    store: &Store,
    now: Timestamp,
    by: &Actor,
    id: Uuid,
    rotation: Rotation,
) -> Result<(Timestamp, NewKey)> {
    let hours = rotation.overlap_hours.unwrap_or(OVERLAP_HOURS);
    if hours > MAX_OVERLAP_HOURS {
        return Err(Invalid::new("overlap_hours", format!("is more than {MAX_OVERLAP_HOURS}")).into());
    }
    let secret = new_key()?;
    let tx = store.begin().await?;
    let key = tx.key(id).await?.ok_or_else(|| not_found(id))?;
    check_rotation(now, &key, rotation.force)?;
    let until = now.later(Duration::from_secs(u64::from(hours) * 3600));
    // The end of an agent's key ends no secret: its machines go on with both.
    let end = key.terms.expires_at.filter(|_| key.role != Role::Agent);
    let until = end.map_or(until, |end| end.min(until));
    let mut changes = Changes::default();
    changes.note("prefix", &key.prefix, &secret.prefix());
    changes.note("previous_until", &key.previous_until, &Some(until));
    note_terms(&mut changes, &key.terms);
    tx.rotate_key(id, &secret.prefix(), secret.hash(), until).await?;
    tx.audit(now, by, "key.rotate", subject(&key), &changes).await?;
    tx.commit().await?;
    Ok((until, secret))
}

fn check_rotation(now: Timestamp, key: &ApiKey, force: bool) -> Result<()> {
    if key.revoked_at.is_some() {
        return Err(Error::Conflict("This key is revoked; make another one.".into()));
    }
    if key.role != Role::Agent && key.expired_at(now).is_some() {
        return Err(Error::Conflict(
            "This key has expired; give it another end first, or make another key.".into(),
        ));
    }
    match key.overlaps_until(now) {
        Some(until) if !force => Err(Error::Conflict(format!(
            "The secret before this one is valid until {until}, and who still uses it would be shut out at once; wait, \
             or say that it is to end now (force)."
        ))),
        _ => Ok(()),
    }
}

/// Takes a rotation back whose secret nobody saw: the former secret is the key's again.
///
/// # Errors
/// `Conflict` when the key was rotated again; a database that cannot be written.
pub(crate) async fn undo_rotation(
    store: &Store,
    now: Timestamp,
    by: &Actor,
    id: Uuid,
    unseen: &NewKey,
) -> Result<()> {
    let tx = store.begin().await?;
    let key = tx.key(id).await?.ok_or_else(|| not_found(id))?;
    if !tx.undo_rotation(id, unseen.hash()).await? {
        return Err(Error::Conflict("it was rotated again".into()));
    }
    let mut changes = Changes::default();
    changes.note("prefix", &Some(&key.prefix), &key.previous_prefix.as_ref());
    tx.audit(now, by, "key.rotate_undone", subject(&key), &changes).await?;
    tx.commit().await?;
    Ok(())
}

/// Revokes the key of that id; a hub that runs refuses it within 2 s. Revoking twice changes nothing.
///
/// # Errors
/// `NotFound` when there is none; a database that cannot be written.
pub(crate) async fn revoke(store: &Store, now: Timestamp, by: &Actor, id: Uuid) -> Result<ApiKey> {
    let tx = store.begin().await?;
    let key = tx.key(id).await?.ok_or_else(|| not_found(id))?;
    if key.revoked_at.is_none() {
        let mut changes = Changes::default();
        changes.note("revoked_at", &None, &Some(now));
        tx.revoke_key(now, id).await?;
        tx.audit(now, by, "key.revoke", subject(&key), &changes).await?;
        tx.commit().await?;
    }
    Ok(key)
}

/// Only agents bring machines, and only those of a provider that there is.
async fn check_for_role(tx: &Tx, key: &ApiKey) -> Result<()> {
    let Terms { max_machines, provider_id, tags, .. } = &key.terms;
    let of_machines = [
        ("max_machines", max_machines.is_some()),
        ("provider_id", provider_id.is_some()),
        ("tags", !tags.is_empty()),
    ];
    if key.role != Role::Agent
        && let Some((field, _)) = of_machines.iter().find(|(_, is_set)| *is_set)
    {
        return Err(Invalid::new(*field, "is for keys of the role agent alone").into());
    }
    if let Some(id) = provider_id
        && !tx.has_provider(*id).await?
    {
        return Err(Invalid::new("provider_id", "is of no provider").into());
    }
    Ok(())
}

fn difference(before: &ApiKey, after: &ApiKey) -> Changes {
    let mut changes = Changes::default();
    changes.note("name", &before.name, &after.name);
    changes.note("expires_at", &before.terms.expires_at, &after.terms.expires_at);
    changes.note("max_machines", &before.terms.max_machines, &after.terms.max_machines);
    changes.note("provider_id", &before.terms.provider_id, &after.terms.provider_id);
    changes.note("tags", &before.terms.tags, &after.terms.tags);
    changes
}

/// What a key may do, in the words that its changes are noted in.
fn note_terms(changes: &mut Changes, terms: &Terms) {
    let none = Terms::default();
    changes.note("expires_at", &none.expires_at, &terms.expires_at);
    changes.note("max_machines", &none.max_machines, &terms.max_machines);
    changes.note("provider_id", &none.provider_id, &terms.provider_id);
    changes.note("tags", &none.tags, &terms.tags);
}

fn record(key: &ApiKey, machines: u64) -> KeyRecord {
    KeyRecord {
        id: key.id,
        prefix: key.prefix.clone(),
        name: key.name.clone(),
        role: key.role,
        expires_at: key.terms.expires_at,
        max_machines: key.terms.max_machines,
        enrolled: key.enrolled,
        provider_id: key.terms.provider_id,
        tags: key.terms.tags.clone(),
        created_at: key.created_at,
        last_used_at: key.last_used_at,
        revoked_at: key.revoked_at,
        previous_prefix: key.previous_prefix.clone(),
        previous_until: key.previous_until,
        machines,
    }
}

fn subject(key: &ApiKey) -> Subject {
    Subject { kind: "key".to_owned(), id: Some(key.id), name: key.name.clone() }
}

fn new_key() -> Result<NewKey> {
    NewKey::generate().map_err(|error| Error::Broken(format!("no randomness: {error}")))
}

fn not_found(id: Uuid) -> Error {
    Error::NotFound(format!("There is no key with the id {id}."))
}
