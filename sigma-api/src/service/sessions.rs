//! Sessions of persons: in the database, so that they can be ended; looked up again every two seconds, as keys are.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::access::Identity;
use super::{Error, Hub, Result};
use crate::model::account::{Account, Session};
use crate::model::audit::{Actor, ActorKind, Changes, Subject};
use crate::model::key::KeyHash;
use crate::model::time::Timestamp;
use crate::store::Oldest;

/// A session that ended elsewhere works for at most this long.
const CACHED_FOR: Duration = Duration::from_secs(2);
const DAY: Duration = Duration::from_secs(86_400);
/// A session that was not used for so long is over.
const IDLE_DAYS: u32 = 7;
/// No session lasts longer.
pub(crate) const MAX_DAYS: u32 = 30;

/// A person who signed in.
#[derive(Debug, Clone)]
pub(crate) struct Signed {
    pub(crate) identity: Identity,
    pub(crate) session_id: Uuid,
    pub(crate) account: Account,
}

/// Sessions that were open a moment ago, and when sessions were used. Only open ones get in.
#[derive(Debug, Default)]
pub(crate) struct SessionCache {
    open: Mutex<HashMap<KeyHash, (Signed, Instant)>>,
    uses: Mutex<HashMap<Uuid, Timestamp>>,
}

impl SessionCache {
    fn fresh(&self, hash: KeyHash) -> Option<Signed> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.get(&hash)
            .filter(|(_, checked)| checked.elapsed() < CACHED_FOR)
            .map(|(signed, _)| signed.clone())
    }

    fn learn(&self, hash: KeyHash, signed: Signed) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, (_, checked)| checked.elapsed() < CACHED_FOR);
        open.insert(hash, (signed, Instant::now()));
    }

    /// Sessions or accounts changed: all are looked up again.
    pub(crate) fn forget(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// When sessions were used since the last call, in id order.
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

/// Since when a session must have been opened and used.
pub(super) fn oldest(now: Timestamp) -> Oldest {
    Oldest { created: now.earlier(DAY * MAX_DAYS), used: now.earlier(DAY * IDLE_DAYS) }
}

impl Hub {
    /// Whose session that is; `None` when it is over.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn session(&self, now: Timestamp, token: &str) -> Result<Option<Signed>> {
        let (hash, cache) = (KeyHash::of(token), &self.entrance.sessions);
        let mut signed = cache.fresh(hash);
        if signed.is_none()
            && let Some((session_id, account)) = self.store.session_by_hash(hash, oldest(now)).await?
        {
            let found = Signed { identity: identity(&account), session_id, account };
            cache.learn(hash, found.clone());
            signed = Some(found);
        }
        if let Some(signed) = &signed {
            cache.uses.lock().unwrap_or_else(PoisonError::into_inner).insert(signed.session_id, now);
        }
        Ok(signed)
    }

    /// The open sessions of the person who asks.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn sessions(&self, now: Timestamp, signed: &Signed) -> Result<Vec<Session>> {
        let mut sessions = self.store.sessions(signed.account.id, oldest(now)).await?;
        for session in &mut sessions {
            session.current = session.id == signed.session_id;
        }
        Ok(sessions)
    }

    /// Ends one of the caller's sessions.
    ///
    /// # Errors
    /// `NotFound` when the caller has none of that id; a database that cannot be written.
    pub(crate) async fn end_session(&self, now: Timestamp, signed: &Signed, id: Uuid) -> Result<()> {
        let tx = self.store.begin().await?;
        if !tx.delete_session(signed.account.id, id).await? {
            return Err(Error::NotFound("You have no session of that id; it may have ended.".into()));
        }
        let subject = subject(&signed.account);
        tx.audit(now, &signed.identity.actor, "session.end", subject, &Changes::default()).await?;
        tx.commit().await?;
        self.entrance.sessions.forget();
        Ok(())
    }
}

impl Hub {
    /// Ends all of the caller's sessions but the one that asks.
    ///
    /// # Errors
    /// A database that cannot be written.
    pub(crate) async fn end_other_sessions(&self, now: Timestamp, signed: &Signed) -> Result<()> {
        let tx = self.store.begin().await?;
        tx.delete_sessions(signed.account.id, Some(signed.session_id)).await?;
        let mut changes = Changes::default();
        changes.note("sessions", &None, &Some("all others"));
        tx.audit(now, &signed.identity.actor, "session.end", subject(&signed.account), &changes).await?;
        tx.commit().await?;
        self.entrance.sessions.forget();
        Ok(())
    }
}

fn identity(account: &Account) -> Identity {
    let actor = Actor {
        kind: ActorKind::Account,
        id: Some(account.id),
        name: account.email.clone(),
        client_ip: None,
    };
    Identity { actor, role: account.role, expired_at: None }
}

/// An account as the subject of a change.
pub(super) fn subject(account: &Account) -> Subject {
    Subject { kind: "account".to_owned(), id: Some(account.id), name: account.email.clone() }
}
