//! Who came with a key: a count, and the machines that came last.

use std::time::Duration;

use uuid::Uuid;

use super::row::Row;
use super::words::{Moment, exact, long};
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::keys::KeyRecord;
use crate::service::{Error, Hub, Result};

/// Machines that are shown; the fleet shows all.
const SHOWN: u64 = 60;
/// After so long a person wonders where they are.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who came with a key.
pub(super) struct Arrivals {
    pub(super) key: KeyRecord,
    pub(super) list: Vec<Arrival>,
    /// Machines of the key that are not shown.
    pub(super) more: u64,
    /// For how long nobody came, where somebody still may and it has been long.
    pub(super) silence: Option<String>,
    /// What hinders machines that are yet to come.
    pub(super) hindrance: Option<&'static str>,
    /// Where the hub is.
    pub(super) origin: String,
    pub(super) is_https: bool,
    /// The hub's clock.
    pub(super) clock: String,
}

/// A machine that came.
pub(super) struct Arrival {
    pub(super) row: Row,
    pub(super) came: Moment,
}

impl Arrivals {
    /// Of the agents' key of that id.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(super) async fn of(hub: &Hub, now: Timestamp, id: Uuid) -> Result<Self> {
        let key = hub.key(id).await?;
        if key.role != Role::Agent {
            return Err(Error::NotFound("This key is not for agents: no machine reports with it.".into()));
        }
        let machines = hub.machines_of_key(now, id, SHOWN).await?;
        let providers = hub.provider_names().await?;
        let last = machines.iter().map(|vps| vps.created_at).max();
        let since = last.map_or(key.created_at, |last| last.max(key.created_at)).age(now);
        let list: Vec<Arrival> = machines
            .into_iter()
            .map(|vps| {
                let came = Moment::new(now, vps.created_at);
                Arrival { row: Row::new(now, vps, &providers), came }
            })
            .collect();
        let shown = u64::try_from(list.len()).unwrap_or(u64::MAX);
        let hindrance = hindrance(now, &key);
        let url = &hub.entrance.public_url;
        Ok(Self {
            more: key.machines.saturating_sub(shown),
            silence: (since >= PATIENCE && hindrance.is_none()).then(|| long(since)),
            hindrance,
            origin: url.origin().to_owned(),
            is_https: url.is_https(),
            clock: exact(now),
            list,
            key,
        })
    }

    /// Whether nobody came at all, and it has been long.
    pub(super) fn is_worrying(&self) -> bool {
        self.silence.is_some() && self.list.is_empty()
    }
}

/// Why no more machines come with a key.
fn hindrance(now: Timestamp, key: &KeyRecord) -> Option<&'static str> {
    if key.revoked_at.is_some() {
        return Some("This key is revoked: the hub refuses it.");
    }
    if key.expires_at.is_some_and(|at| at <= now) {
        return Some("This key has expired: it takes no new machines. Those that have reported go on.");
    }
    let is_full = key.max_machines.is_some_and(|most| key.enrolled >= u64::from(most));
    is_full.then_some("This key has reached its limit of new machines.")
}
