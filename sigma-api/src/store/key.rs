//! API keys.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;

use super::entity::api_key::{ActiveModel, Column, Entity, Model};
use super::{Result, Store, StoreError, Tx};
use crate::model::key::{ApiKey, KeyHash, Role};
use crate::model::time::Timestamp;

impl Store {
    /// The key of that hash, revoked or not.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn key_by_hash(&self, hash: KeyHash) -> Result<Option<ApiKey>> {
        let row = Entity::find().filter(Column::Hash.eq(hash.to_vec())).one(&self.read).await?;
        row.map(from_row).transpose()
    }

    /// All keys, the oldest first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn keys(&self) -> Result<Vec<ApiKey>> {
        let rows = Entity::find().order_by_asc(Column::Id).all(&self.read).await?;
        rows.into_iter().map(from_row).collect()
    }
}

impl Tx {
    /// Stores a new key by its hash.
    ///
    /// # Errors
    /// `Conflict` when the public part exists already.
    pub(crate) async fn insert_key(&self, key: &ApiKey, hash: KeyHash) -> Result<()> {
        let row = ActiveModel {
            id: Set(key.id),
            prefix: Set(key.prefix.clone()),
            hash: Set(hash.to_vec()),
            name: Set(key.name.clone()),
            role: Set(key.role.name().to_owned()),
            created_at: Set(key.created_at.ms()),
            last_used_at: Set(None),
            revoked_at: Set(None),
            expires_at: Set(None),
            max_machines: Set(None),
            enrolled: Set(0),
            provider_id: Set(None),
            tags: Set("[]".to_owned()),
            previous_hash: Set(None),
            previous_until: Set(None),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Revokes the key of that id.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn revoke_key(&self, now: Timestamp, id: Uuid) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::RevokedAt, Expr::value(now.ms()))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Stores when keys were last used.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_key_uses(&self, uses: &[(Uuid, Timestamp)]) -> Result<()> {
        for (id, at) in uses {
            Entity::update_many()
                .col_expr(Column::LastUsedAt, Expr::value(at.ms()))
                .filter(Column::Id.eq(*id))
                .exec(&self.inner)
                .await?;
        }
        Ok(())
    }
}

fn from_row(row: Model) -> Result<ApiKey> {
    Ok(ApiKey {
        id: row.id,
        prefix: row.prefix,
        name: row.name,
        role: Role::from_name(&row.role).ok_or_else(|| StoreError::damaged("role"))?,
        created_at: Timestamp::from_ms(row.created_at),
        last_used_at: row.last_used_at.map(Timestamp::from_ms),
        revoked_at: row.revoked_at.map(Timestamp::from_ms),
    })
}
