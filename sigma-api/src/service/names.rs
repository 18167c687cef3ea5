//! What the ids in lines of the audit log are called today, for those who read them.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use super::{Hub, Result};
use crate::model::audit::AuditEntry;

/// Names of what still exists, by id.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// Records of machines, deleted ones too: they are kept.
    pub(crate) machines: HashMap<Uuid, String>,
    pub(crate) providers: HashMap<Uuid, String>,
    pub(crate) keys: HashMap<Uuid, String>,
}

impl Names {
    /// What that id is called.
    pub(crate) fn of(&self, id: Uuid) -> Option<&str> {
        let found = self.providers.get(&id).or_else(|| self.machines.get(&id)).or_else(|| self.keys.get(&id));
        found.map(String::as_str)
    }
}

impl Hub {
    /// The names of all providers, by id.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn provider_names(&self) -> Result<HashMap<Uuid, String>> {
        Ok(self.store.provider_names().await?)
    }

    /// Names of the machines, providers and keys that these lines are about or that they mention.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn names_in(&self, lines: &[AuditEntry]) -> Result<Names> {
        let mut ids = BTreeSet::new();
        for line in lines {
            ids.extend(line.subject.id);
            ids.extend(line.changes.ids());
        }
        let ids: Vec<Uuid> = ids.into_iter().collect();
        Ok(Names {
            machines: self.store.vps_names(&ids).await?,
            providers: self.store.provider_names_of(&ids).await?,
            keys: self.store.key_names(&ids).await?,
        })
    }
}
