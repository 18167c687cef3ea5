//! API keys.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::api_key::{ActiveModel, Column, Entity, Model};
use super::entity::vps;
use super::{Result, Store, StoreError, Tx, to_i64};
use crate::model::key::{ApiKey, KeyHash, Role};
use crate::model::key_terms::Terms;
use crate::model::time::Timestamp;
use crate::model::vps::Status;

impl Store {
    /// The key of that hash, valid or not, and whether the hash is that of its secret before the last rotation.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn key_by_hash(&self, hash: KeyHash) -> Result<Option<(ApiKey, bool)>> {
        let bytes = hash.to_vec();
        let either =
            Condition::any().add(Column::Hash.eq(bytes.clone())).add(Column::PreviousHash.eq(bytes.clone()));
        let row = Entity::find().filter(either).one(&self.read).await?;
        row.map(|row| {
            let is_previous = row.hash != bytes;
            Ok((from_row(row)?, is_previous))
        })
        .transpose()
    }

    /// The key of that id, valid or not.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn key(&self, id: Uuid) -> Result<Option<ApiKey>> {
        Entity::find_by_id(id).one(&self.read).await?.map(from_row).transpose()
    }

    /// How many records are bound to each key.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn machines_of_keys(&self) -> Result<HashMap<Uuid, u64>> {
        let query = vps::Entity::find()
            .select_only()
            .column(vps::Column::AgentKeyId)
            .column_as(vps::Column::Id.count(), "machines")
            .filter(vps::Column::AgentKeyId.is_not_null())
            .filter(vps::Column::Status.ne(Status::Deleted.name()))
            .group_by(vps::Column::AgentKeyId);
        let rows: Vec<(Uuid, i64)> = query.into_tuple().all(&self.read).await?;
        Ok(rows.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))).collect())
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
            expires_at: Set(key.terms.expires_at.map(Timestamp::ms)),
            max_machines: Set(key.terms.max_machines.map(i64::from)),
            enrolled: Set(to_i64(key.enrolled)),
            provider_id: Set(key.terms.provider_id),
            tags: Set(tags_text(&key.terms)),
            previous_hash: Set(None),
            previous_until: Set(None),
            previous_prefix: Set(None),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// The key of that id, as this transaction sees it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn key(&self, id: Uuid) -> Result<Option<ApiKey>> {
        Entity::find_by_id(id).one(&self.inner).await?.map(from_row).transpose()
    }

    /// Stores name and terms of a key.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn update_key(&self, key: &ApiKey) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::Name, Expr::value(key.name.clone()))
            .col_expr(Column::ExpiresAt, Expr::value(key.terms.expires_at.map(Timestamp::ms)))
            .col_expr(Column::MaxMachines, Expr::value(key.terms.max_machines.map(i64::from)))
            .col_expr(Column::ProviderId, Expr::value(key.terms.provider_id))
            .col_expr(Column::Tags, Expr::value(tags_text(&key.terms)))
            .filter(Column::Id.eq(key.id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Gives a key another secret; the one that it had stays valid until `until`.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn rotate_key(
        &self,
        id: Uuid,
        prefix: &str,
        hash: KeyHash,
        until: Timestamp,
    ) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::PreviousHash, Expr::col(Column::Hash))
            .col_expr(Column::PreviousPrefix, Expr::col(Column::Prefix))
            .col_expr(Column::PreviousUntil, Expr::value(until.ms()))
            .col_expr(Column::Hash, Expr::value(hash.to_vec()))
            .col_expr(Column::Prefix, Expr::value(prefix))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Gives a key back the secret before the last rotation, if `hash` is still the one that was given then; whether it
    /// was. What the rotation before that left is gone.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn undo_rotation(&self, id: Uuid, hash: KeyHash) -> Result<bool> {
        let undone = Entity::update_many()
            .col_expr(Column::Hash, Expr::col(Column::PreviousHash))
            .col_expr(Column::Prefix, Expr::col(Column::PreviousPrefix))
            .col_expr(Column::PreviousHash, Expr::value(None::<Vec<u8>>))
            .col_expr(Column::PreviousPrefix, Expr::value(None::<String>))
            .col_expr(Column::PreviousUntil, Expr::value(None::<i64>))
            .filter(Column::Id.eq(id))
            .filter(Column::Hash.eq(hash.to_vec()))
            .filter(Column::PreviousPrefix.is_not_null())
            .exec(&self.inner)
            .await?;
        Ok(undone.rows_affected == 1)
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
        terms: Terms {
            expires_at: row.expires_at.map(Timestamp::from_ms),
            max_machines: row.max_machines.map(|most| u32::try_from(most).unwrap_or(u32::MAX)),
            provider_id: row.provider_id,
            tags: serde_json::from_str(&row.tags).map_err(|_| StoreError::damaged("list of tags"))?,
        },
        enrolled: u64::try_from(row.enrolled).map_err(|_| StoreError::damaged("number of machines"))?,
        previous_prefix: row.previous_prefix,
        previous_until: row.previous_until.map(Timestamp::from_ms),
    })
}

fn tags_text(terms: &Terms) -> String {
    serde_json::Value::from(terms.tags.clone()).to_string()
}
