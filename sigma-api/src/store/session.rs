//! Sessions, and the browsers that they were opened with.

use sea_orm::sea_query::Expr;
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity_account::session::{ActiveModel, Column, Entity};
use super::entity_account::{account, device};
use super::{Result, Store, Tx};
use crate::model::account::{Account, Session};
use crate::model::key::KeyHash;
use crate::model::time::Timestamp;

/// Sessions before these points are over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Oldest {
    pub(crate) created: Timestamp,
    pub(crate) used: Timestamp,
}

/// A session that is to be opened.
pub(crate) struct NewSession {
    pub(crate) id: Uuid,
    pub(crate) account_id: Uuid,
    pub(crate) token: KeyHash,
    pub(crate) client_ip: Option<String>,
    pub(crate) user_agent: Option<String>,
}

impl Store {
    /// The session of that hash and whose it is.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn session_by_hash(
        &self,
        hash: KeyHash,
        oldest: Oldest,
    ) -> Result<Option<(Uuid, Account)>> {
        let found = Entity::find()
            .filter(Column::TokenHash.eq(hash.to_hex()))
            .filter(Column::CreatedAt.gt(oldest.created.ms()))
            .filter(Column::LastUsedAt.gt(oldest.used.ms()))
            .one(&self.read)
            .await?;
        let Some(found) = found else { return Ok(None) };
        let owner = account::Entity::find_by_id(found.account_id).one(&self.read).await?;
        owner.map(|owner| Ok((found.id, super::account::from_row(&owner)?))).transpose()
    }

    /// Sessions of an account, the last used first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn sessions(&self, account_id: Uuid, oldest: Oldest) -> Result<Vec<Session>> {
        let rows = Entity::find()
            .filter(Column::AccountId.eq(account_id))
            .filter(Column::CreatedAt.gt(oldest.created.ms()))
            .filter(Column::LastUsedAt.gt(oldest.used.ms()))
            .order_by_desc(Column::LastUsedAt)
            .order_by_desc(Column::Id)
            .all(&self.read)
            .await?;
        let shown = rows.into_iter().map(|row| Session {
            id: row.id,
            created_at: Timestamp::from_ms(row.created_at),
            last_used_at: Timestamp::from_ms(row.last_used_at),
            client_ip: row.client_ip,
            user_agent: row.user_agent,
            current: false,
        });
        Ok(shown.collect())
    }

    /// Whether the browser with that token signed in to the account before.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn is_device_of(&self, account_id: Uuid, token: KeyHash) -> Result<bool> {
        let found = device::Entity::find_by_id(token.to_hex()).one(&self.read).await?;
        Ok(found.is_some_and(|device| device.account_id == account_id))
    }
}

impl Tx {
    /// Opens a session, and ends those that are over and the oldest of those beyond `most`.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn insert_session(
        &self,
        now: Timestamp,
        new: NewSession,
        oldest: Oldest,
        most: u64,
    ) -> Result<()> {
        let over = Condition::any()
            .add(Column::CreatedAt.lte(oldest.created.ms()))
            .add(Column::LastUsedAt.lte(oldest.used.ms()));
        Entity::delete_many().filter(over).exec(&self.inner).await?;
        let beyond: Vec<Uuid> = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::AccountId.eq(new.account_id))
            .order_by_desc(Column::LastUsedAt)
            .offset(most.saturating_sub(1))
            .limit(1000)
            .into_tuple()
            .all(&self.inner)
            .await?;
        Entity::delete_many().filter(Column::Id.is_in(beyond)).exec(&self.inner).await?;
        let row = ActiveModel {
            id: Set(new.id),
            account_id: Set(new.account_id),
            token_hash: Set(new.token.to_hex()),
            created_at: Set(now.ms()),
            last_used_at: Set(now.ms()),
            client_ip: Set(new.client_ip),
            user_agent: Set(new.user_agent),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Ends a session of that account; whether there was one.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn delete_session(&self, account_id: Uuid, id: Uuid) -> Result<bool> {
        let ended = Entity::delete_many()
            .filter(Column::Id.eq(id))
            .filter(Column::AccountId.eq(account_id))
            .exec(&self.inner)
            .await?;
        Ok(ended.rows_affected == 1)
    }

    /// Ends all sessions of an account but one.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn delete_sessions(&self, account_id: Uuid, but: Option<Uuid>) -> Result<()> {
        let mut all = Entity::delete_many().filter(Column::AccountId.eq(account_id));
        if let Some(but) = but {
            all = all.filter(Column::Id.ne(but));
        }
        all.exec(&self.inner).await?;
        Ok(())
    }

    /// Stores when sessions were last used.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_session_uses(&self, uses: &[(Uuid, Timestamp)]) -> Result<()> {
        for (id, at) in uses {
            Entity::update_many()
                .col_expr(Column::LastUsedAt, Expr::value(at.ms()))
                .filter(Column::Id.eq(*id))
                .exec(&self.inner)
                .await?;
        }
        Ok(())
    }

    /// Remembers a browser that signed in, in the place of `former`, and forgets the oldest beyond `most`.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_device(
        &self,
        now: Timestamp,
        account_id: Uuid,
        token: KeyHash,
        former: Option<KeyHash>,
        most: u64,
    ) -> Result<()> {
        if let Some(former) = former {
            // That of another account, whose person uses the same browser, stays.
            device::Entity::delete_by_id(former.to_hex())
                .filter(device::Column::AccountId.eq(account_id))
                .exec(&self.inner)
                .await?;
        }
        let beyond: Vec<String> = device::Entity::find()
            .select_only()
            .column(device::Column::TokenHash)
            .filter(device::Column::AccountId.eq(account_id))
            .order_by_desc(device::Column::LastUsedAt)
            .offset(most.saturating_sub(1))
            .limit(1000)
            .into_tuple()
            .all(&self.inner)
            .await?;
        device::Entity::delete_many()
            .filter(device::Column::TokenHash.is_in(beyond))
            .exec(&self.inner)
            .await?;
        let row = device::ActiveModel {
            token_hash: Set(token.to_hex()),
            account_id: Set(account_id),
            last_used_at: Set(now.ms()),
        };
        device::Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Forgets all browsers of an account but one.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn delete_devices(&self, account_id: Uuid, but: Option<KeyHash>) -> Result<()> {
        let mut all = device::Entity::delete_many().filter(device::Column::AccountId.eq(account_id));
        if let Some(but) = but {
            all = all.filter(device::Column::TokenHash.ne(but.to_hex()));
        }
        all.exec(&self.inner).await?;
        Ok(())
    }
}
