//! Accounts: who there is, who may do what, and choosing another password.

use std::time::{Duration, Instant};

use uuid::Uuid;

use super::access::Identity;
use super::passwords::Line;
use super::sessions::{Signed, subject};
use super::setup::link_url;
use super::sign_in::{Visitor, new_token};
use super::throttle::Bucket;
use super::{Error, Hub, Result};
use crate::model::account::{Account, check_email, check_password};
use crate::model::audit::Changes;
use crate::model::key::{KeyHash, Role};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::store::{Credentials, Link, StoreError, Tx};

const INVITED_FOR: Duration = Duration::from_secs(3 * 86_400);

/// Somebody who was invited.
pub(crate) struct Invited {
    pub(crate) account: Account,
    /// What to send to the person: whoever opens it chooses the password.
    pub(crate) link: String,
    pub(crate) expires_at: Timestamp,
}

impl Hub {
    /// All accounts by e-mail.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn accounts(&self) -> Result<Vec<Account>> {
        Ok(self.store.accounts().await?)
    }

    /// Makes an account whose person chooses the password by a link. Inviting again makes another link.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when the e-mail has an account; a database that cannot be written.
    pub(crate) async fn invite(
        &self,
        now: Timestamp,
        by: &Identity,
        email: &str,
        role: Role,
    ) -> Result<Invited> {
        let email = check_email(email)?;
        let taken = || Error::Conflict(format!("email: {email} has an account already."));
        let (token, expires_at) = (new_token()?, now.later(INVITED_FOR));
        let tx = self.store.begin().await?;
        let former = tx.account_by_email(&email).await?;
        if former.as_ref().is_some_and(|account| !account.invited) {
            return Err(taken());
        }
        let account = Account {
            id: former.as_ref().map_or_else(Uuid::now_v7, |account| account.id),
            email: email.clone(),
            role,
            created_at: former.as_ref().map_or(now, |account| account.created_at),
            last_sign_in_at: None,
            invited: true,
            totp: false,
        };
        let mut changes = Changes::default();
        changes.note("role", &former.as_ref().map(|account| account.role), &Some(role));
        match former {
            Some(_) => tx.set_role(account.id, role).await?,
            None => match tx.insert_account(&account, None).await {
                Err(StoreError::Conflict) => return Err(taken()),
                inserted => inserted?,
            },
        }
        tx.put_link(now, token.hash(), Link { account_id: Some(account.id), expires_at }).await?;
        tx.audit(now, &by.actor, "account.invite", subject(&account), &changes).await?;
        tx.commit().await?;
        Ok(Invited { account, link: link_url(&self.entrance.public_url, &token), expires_at })
    }

    /// Gives an account another role and ends its sessions.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for the last administrator; a database that cannot be written.
    pub(crate) async fn change_role(
        &self,
        now: Timestamp,
        by: &Identity,
        id: Uuid,
        role: Role,
    ) -> Result<Account> {
        let tx = self.store.begin().await?;
        let mut account = existing(&tx, id).await?;
        if account.role == role {
            return Ok(account);
        }
        keep_an_administrator(&tx, &account).await?;
        let mut changes = Changes::default();
        changes.note("role", &account.role, &role);
        tx.set_role(id, role).await?;
        tx.delete_sessions(id, None).await?;
        tx.audit(now, &by.actor, "account.update", subject(&account), &changes).await?;
        tx.commit().await?;
        self.entrance.sessions.forget();
        account.role = role;
        Ok(account)
    }

    /// Deletes an account with all that it signed in with.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` for the last administrator; a database that cannot be written.
    pub(crate) async fn delete_account(&self, now: Timestamp, by: &Identity, id: Uuid) -> Result<()> {
        let tx = self.store.begin().await?;
        let account = existing(&tx, id).await?;
        keep_an_administrator(&tx, &account).await?;
        tx.delete_account(id).await?;
        tx.audit(now, &by.actor, "account.delete", subject(&account), &Changes::default()).await?;
        tx.commit().await?;
        self.entrance.sessions.forget();
        Ok(())
    }

    /// Gives the caller another password, and ends all other sessions. Of all browsers only the caller's stays known.
    ///
    /// # Errors
    /// `Invalid` for a wrong current password and for a new one that breaks a rule; `TooMany`.
    pub(crate) async fn change_password(
        &self,
        now: Timestamp,
        signed: &Signed,
        visitor: &Visitor,
        current: &str,
        new: &str,
    ) -> Result<()> {
        check_password(&signed.account.email, new).map_err(|invalid| Invalid::new("new", invalid.reason))?;
        let found = self.check_own_password(signed, "current", current).await?;
        let hash = self.entrance.passwords.hash(new).await?;
        let here = visitor.device.as_deref().map(KeyHash::of);
        let tx = self.store.begin().await?;
        still(&tx, &found).await?;
        tx.set_password(signed.account.id, hash).await?;
        tx.delete_sessions(signed.account.id, Some(signed.session_id)).await?;
        tx.delete_devices(signed.account.id, here).await?;
        let subject = subject(&signed.account);
        tx.audit(now, &signed.identity.actor, "account.password", subject, &Changes::default()).await?;
        tx.commit().await?;
        self.entrance.sessions.forget();
        Ok(())
    }

    /// Asks a person who signed in for the password once more: a session that was left open does not prove who sits there.
    pub(super) async fn check_own_password(
        &self,
        signed: &Signed,
        field: &str,
        password: &str,
    ) -> Result<Credentials> {
        let bucket = [Bucket::Session(signed.session_id)];
        let found = self.credentials_of(signed).await?;
        self.take(&bucket, signed.identity.actor.client_ip, Some(signed.account.id))?;
        let judged = self.entrance.passwords.fits(Line::Known, password, found.password.as_deref()).await;
        if !matches!(judged, Ok(false)) {
            self.entrance.throttle.give_back(Instant::now(), &bucket);
        }
        if judged? { Ok(found) } else { Err(Invalid::new(field, "is not your password").into()) }
    }

    pub(super) async fn credentials_of(&self, signed: &Signed) -> Result<Credentials> {
        let found = self.store.credentials(signed.account.id).await?;
        found.ok_or_else(|| Error::Unauthorized("Your account was deleted.".into()))
    }
}

/// Refuses what was asked by somebody whose password or authenticator is another one meanwhile.
pub(super) async fn still(tx: &Tx, judged: &Credentials) -> Result<()> {
    if tx.credentials(judged.account.id).await?.is_some_and(|found| found.are_those_of(judged)) {
        return Ok(());
    }
    Err(Error::Conflict("Your password or authenticator was changed meanwhile; try again.".into()))
}

async fn existing(tx: &Tx, id: Uuid) -> Result<Account> {
    let account = tx.account(id).await?;
    account.ok_or_else(|| Error::NotFound(format!("There is no account with the id {id}.")))
}

/// Refuses to take the rights of the last administrator who can sign in.
async fn keep_an_administrator(tx: &Tx, account: &Account) -> Result<()> {
    let is_one = account.role == Role::Admin && !account.invited;
    if is_one && tx.count_administrators().await? <= 1 {
        return Err(Error::Conflict("This is the last administrator; make another one first.".into()));
    }
    Ok(())
}
