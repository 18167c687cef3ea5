//! Accounts, and the links that make them.

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
};
use uuid::Uuid;

use super::entity_account::account::{ActiveModel, Column, Entity, Model};
use super::entity_account::{device, link, recovery, session};
use super::{Result, Store, StoreError, Tx};
use crate::model::account::Account;
use crate::model::key::{KeyHash, Role};
use crate::model::time::Timestamp;

/// An account with what it takes to sign in.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) account: Account,
    /// The hash of the password; none until an invitation was followed.
    pub(crate) password: Option<String>,
    /// Encrypted.
    pub(crate) totp_seed: Option<String>,
    pub(crate) totp_pending: Option<String>,
    pub(crate) totp_step: Option<i64>,
}

impl Credentials {
    /// Whether it still takes the same password and the same authenticator to sign in.
    pub(crate) fn are_those_of(&self, judged: &Self) -> bool {
        (self.account.id, &self.password, &self.totp_seed)
            == (judged.account.id, &judged.password, &judged.totp_seed)
    }
}

/// What a link is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Link {
    /// Who was invited; none where it makes an administrator.
    pub(crate) account_id: Option<Uuid>,
    pub(crate) expires_at: Timestamp,
}

impl Store {
    /// All accounts by e-mail.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn accounts(&self) -> Result<Vec<Account>> {
        let rows = Entity::find().order_by_asc(Column::Email).all(&self.read).await?;
        rows.iter().map(from_row).collect()
    }

    /// The account of that e-mail.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn credentials_by_email(&self, email: &str) -> Result<Option<Credentials>> {
        let row = Entity::find().filter(Column::Email.eq(email)).one(&self.read).await?;
        row.map(credentials).transpose()
    }

    /// The account of that id.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn credentials(&self, id: Uuid) -> Result<Option<Credentials>> {
        Entity::find_by_id(id).one(&self.read).await?.map(credentials).transpose()
    }

    /// How many administrators can sign in.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_administrators(&self) -> Result<u64> {
        Ok(Entity::find().filter(administrators()).count(&self.read).await?)
    }

    /// How many have an authenticator, whose seed is encrypted.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_authenticators(&self) -> Result<u64> {
        Ok(Entity::find().filter(Column::TotpSeed.is_not_null()).count(&self.read).await?)
    }

    /// The link of that hash, expired or not.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn link(&self, hash: KeyHash) -> Result<Option<Link>> {
        let row = link::Entity::find_by_id(hash.to_hex()).one(&self.read).await?;
        Ok(row.map(|row| from_link(&row)))
    }
}

fn from_link(row: &link::Model) -> Link {
    Link { account_id: row.account_id, expires_at: Timestamp::from_ms(row.expires_at) }
}

fn administrators() -> Condition {
    Condition::all().add(Column::Role.eq(Role::Admin.name())).add(Column::Password.is_not_null())
}

impl Tx {
    /// Stores a new account; without a password for somebody who is invited.
    ///
    /// # Errors
    /// `Conflict` when the e-mail has one.
    pub(crate) async fn insert_account(&self, account: &Account, password: Option<String>) -> Result<()> {
        let row = ActiveModel {
            id: Set(account.id),
            email: Set(account.email.clone()),
            password: Set(password),
            role: Set(account.role.name().to_owned()),
            created_at: Set(account.created_at.ms()),
            last_sign_in_at: Set(None),
            totp_seed: Set(None),
            totp_pending: Set(None),
            totp_step: Set(None),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// The account of that id, as this transaction sees it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn account(&self, id: Uuid) -> Result<Option<Account>> {
        let row = Entity::find_by_id(id).one(&self.inner).await?;
        row.as_ref().map(from_row).transpose()
    }

    /// The account of that e-mail, as this transaction sees it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn account_by_email(&self, email: &str) -> Result<Option<Account>> {
        let row = Entity::find().filter(Column::Email.eq(email)).one(&self.inner).await?;
        row.as_ref().map(from_row).transpose()
    }

    /// The account of that id with what it takes to sign in, as this transaction sees it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn credentials(&self, id: Uuid) -> Result<Option<Credentials>> {
        Entity::find_by_id(id).one(&self.inner).await?.map(credentials).transpose()
    }

    /// How many administrators can sign in, as this transaction sees it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_administrators(&self) -> Result<u64> {
        Ok(Entity::find().filter(administrators()).count(&self.inner).await?)
    }

    /// Gives an account that role.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn set_role(&self, id: Uuid, role: Role) -> Result<()> {
        self.set(id, &[(Column::Role, Expr::value(role.name()))]).await
    }

    /// Gives an account that password, by its hash.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn set_password(&self, id: Uuid, hash: String) -> Result<()> {
        self.set(id, &[(Column::Password, Expr::value(hash))]).await
    }

    /// Notes that somebody signed in.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn set_last_sign_in(&self, id: Uuid, now: Timestamp) -> Result<()> {
        self.set(id, &[(Column::LastSignInAt, Expr::value(now.ms()))]).await
    }

    /// Stores the encrypted seed of an authenticator that is to be confirmed.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn set_pending_totp(&self, id: Uuid, seed: Option<String>) -> Result<()> {
        self.set(id, &[(Column::TotpPending, Expr::value(seed))]).await
    }

    /// Stores the encrypted seed of the authenticator, or forgets it and the recovery codes.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn set_totp(&self, id: Uuid, seed: Option<String>, codes: &[KeyHash]) -> Result<()> {
        let nothing = || Expr::value(None::<String>);
        let set = [
            (Column::TotpSeed, Expr::value(seed)),
            (Column::TotpPending, nothing()),
            (Column::TotpStep, Expr::value(None::<i64>)),
        ];
        self.set(id, &set).await?;
        recovery::Entity::delete_many().filter(recovery::Column::AccountId.eq(id)).exec(&self.inner).await?;
        for code in codes {
            let row = recovery::ActiveModel { account_id: Set(id), code_hash: Set(code.to_hex()) };
            recovery::Entity::insert(row).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }

    /// Uses up the codes of all steps up to `step`; whether they were not before.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn use_totp_step(&self, id: Uuid, step: i64) -> Result<bool> {
        let unused = Condition::any().add(Column::TotpStep.is_null()).add(Column::TotpStep.lt(step));
        let done = Entity::update_many()
            .col_expr(Column::TotpStep, Expr::value(step))
            .filter(Column::Id.eq(id))
            .filter(unused)
            .exec(&self.inner)
            .await?;
        Ok(done.rows_affected == 1)
    }

    /// Uses up a recovery code; whether there was one.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn use_recovery_code(&self, id: Uuid, code: KeyHash) -> Result<bool> {
        let done = recovery::Entity::delete_by_id((id, code.to_hex())).exec(&self.inner).await?;
        Ok(done.rows_affected == 1)
    }

    /// Deletes an account with its sessions, links, devices and codes.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn delete_account(&self, id: Uuid) -> Result<()> {
        session::Entity::delete_many().filter(session::Column::AccountId.eq(id)).exec(&self.inner).await?;
        link::Entity::delete_many().filter(link::Column::AccountId.eq(id)).exec(&self.inner).await?;
        recovery::Entity::delete_many().filter(recovery::Column::AccountId.eq(id)).exec(&self.inner).await?;
        device::Entity::delete_many().filter(device::Column::AccountId.eq(id)).exec(&self.inner).await?;
        Entity::delete_by_id(id).exec(&self.inner).await?;
        Ok(())
    }

    /// The link that makes an administrator, expired or not.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn setup_link(&self) -> Result<Option<Link>> {
        let row = link::Entity::find().filter(link::Column::AccountId.is_null()).one(&self.inner).await?;
        Ok(row.map(|row| from_link(&row)))
    }

    /// Stores a link in the place of an earlier one for the same.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_link(&self, now: Timestamp, hash: KeyHash, link: Link) -> Result<()> {
        let same = match link.account_id {
            Some(id) => link::Column::AccountId.eq(id),
            None => link::Column::AccountId.is_null(),
        };
        link::Entity::delete_many().filter(same).exec(&self.inner).await?;
        let row = link::ActiveModel {
            token_hash: Set(hash.to_hex()),
            account_id: Set(link.account_id),
            created_at: Set(now.ms()),
            expires_at: Set(link.expires_at.ms()),
        };
        link::Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Uses up a link; whether there was one that had not expired.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn use_link(&self, now: Timestamp, hash: KeyHash) -> Result<bool> {
        let done = link::Entity::delete_many()
            .filter(link::Column::TokenHash.eq(hash.to_hex()))
            .filter(link::Column::ExpiresAt.gt(now.ms()))
            .exec(&self.inner)
            .await?;
        Ok(done.rows_affected == 1)
    }

    async fn set(&self, id: Uuid, columns: &[(Column, Expr)]) -> Result<()> {
        let mut update = Entity::update_many().filter(Column::Id.eq(id));
        for (column, value) in columns {
            update = update.col_expr(*column, value.clone());
        }
        update.exec(&self.inner).await?;
        Ok(())
    }
}

pub(super) fn from_row(row: &Model) -> Result<Account> {
    Ok(Account {
        id: row.id,
        email: row.email.clone(),
        role: Role::from_name(&row.role).ok_or_else(|| StoreError::damaged("role"))?,
        created_at: Timestamp::from_ms(row.created_at),
        last_sign_in_at: row.last_sign_in_at.map(Timestamp::from_ms),
        invited: row.password.is_none(),
        totp: row.totp_seed.is_some(),
    })
}

fn credentials(row: Model) -> Result<Credentials> {
    Ok(Credentials {
        account: from_row(&row)?,
        password: row.password,
        totp_seed: row.totp_seed,
        totp_pending: row.totp_pending,
        totp_step: row.totp_step,
    })
}
