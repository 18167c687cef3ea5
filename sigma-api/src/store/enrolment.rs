//! What keys say about the machines that they register.

use std::collections::{HashMap, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::api_key::{Column, Entity};
use super::entity::{provider, vps};
use super::vps::CHUNK;
use super::{Result, Store, Tx};
use crate::model::time::Timestamp;

/// What a new machine of a key is given, and how many more there may be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeyTerms {
    pub(crate) name: String,
    pub(crate) max_machines: Option<i64>,
    pub(crate) enrolled: i64,
    pub(crate) provider_id: Option<Uuid>,
    pub(crate) tags: Vec<String>,
}

/// How a record stands to agents and their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AgentStanding {
    pub(crate) key: Option<Uuid>,
    pub(crate) refused_reports: u64,
    pub(crate) refused_at: Option<Timestamp>,
    pub(crate) merged_into: Option<Uuid>,
}

impl Store {
    /// How a record stands to agents and their keys.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn identity(&self, id: Uuid) -> Result<AgentStanding> {
        let row = vps::Entity::find_by_id(id).one(&self.read).await?;
        let standing = row.map(|row| AgentStanding {
            key: row.agent_key_id,
            refused_reports: u64::try_from(row.refused_reports).unwrap_or_default(),
            refused_at: row.refused_at.map(Timestamp::from_ms),
            merged_into: row.merged_into,
        });
        Ok(standing.unwrap_or_default())
    }
}

impl Tx {
    /// What that key says about machines that it registers.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn key_terms(&self, id: Uuid) -> Result<KeyTerms> {
        let Some(row) = Entity::find_by_id(id).one(&self.inner).await? else {
            return Ok(KeyTerms::default());
        };
        // A provider may have been deleted since.
        let provider = match row.provider_id {
            Some(id) => provider::Entity::find_by_id(id).one(&self.inner).await?,
            None => None,
        };
        Ok(KeyTerms {
            name: row.name,
            max_machines: row.max_machines,
            enrolled: row.enrolled,
            provider_id: provider.map(|provider| provider.id),
            tags: serde_json::from_str(&row.tags).unwrap_or_default(),
        })
    }

    /// Counts a machine that the key registered.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn count_enrolled(&self, id: Uuid) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::Enrolled, Expr::col(Column::Enrolled).add(1))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Stores which key spoke for a machine before, if that may come back.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_previous_key(&self, id: Uuid, key: Option<Uuid>) -> Result<()> {
        use super::entity::vps_previous_key::{ActiveModel, Entity};
        Entity::delete_by_id(id).exec(&self.inner).await?;
        if let Some(key) = key {
            let row = ActiveModel { vps_id: Set(id), key_id: Set(key) };
            Entity::insert(row).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }
}

/// The keys that spoke for those machines before, and may come back.
pub(super) async fn previous_keys(
    database: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Uuid>> {
    use super::entity::vps_previous_key::{Column, Entity};
    let mut found = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::VpsId.is_in(chunk.iter().copied())).all(database).await?;
        found.extend(rows.into_iter().map(|row| (row.vps_id, row.key_id)));
    }
    Ok(found)
}

/// Those of the keys that are not revoked.
pub(super) async fn valid_keys(
    database: &impl ConnectionTrait,
    keys: HashSet<Uuid>,
) -> Result<HashSet<Uuid>> {
    let mut valid = HashSet::with_capacity(keys.len());
    for chunk in keys.into_iter().collect::<Vec<_>>().chunks(CHUNK) {
        let rows = Entity::find().filter(Column::Id.is_in(chunk.iter().copied())).all(database).await?;
        valid.extend(rows.into_iter().filter(|row| row.revoked_at.is_none()).map(|row| row.id));
    }
    Ok(valid)
}
