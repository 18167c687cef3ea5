//! The links that make accounts usable: one for the first administrator, one for each person who is invited.

use std::net::IpAddr;
use std::time::Duration;

use uuid::Uuid;

use super::sessions::subject;
use super::sign_in::{Opened, Visitor, actor, new_token};
use super::{Error, Hub, Result};
use crate::model::account::{Account, check_email, check_password};
use crate::model::audit::{Actor, Changes, Subject};
use crate::model::key::{KeyHash, Role};
use crate::model::site::PublicUrl;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::token::Token;
use crate::store::{Credentials, Link, Store, StoreError, Tx};

const SETUP_FOR: Duration = Duration::from_secs(3600);

/// Whether somebody can administrate the hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum FirstStart {
    /// Nobody: open this link.
    Link(String),
    /// Nobody; a link may have been made within the last hour.
    Nobody,
    /// Somebody can.
    Ready,
}

/// Whether somebody can administrate the hub; makes no link.
///
/// # Errors
/// When the database does not answer.
pub(crate) async fn stands(store: &Store) -> Result<FirstStart> {
    Ok(if store.count_administrators().await? == 0 { FirstStart::Nobody } else { FirstStart::Ready })
}

/// Makes a link for the first administrator, unless there is an administrator or such a link.
///
/// # Errors
/// A database that cannot be written.
pub(crate) async fn first_start(store: &Store, now: Timestamp, url: &PublicUrl) -> Result<FirstStart> {
    if stands(store).await? == FirstStart::Ready {
        return Ok(FirstStart::Ready);
    }
    // Not outside the transaction: somebody may make a link on the command line just now.
    let tx = store.begin().await?;
    if tx.count_administrators().await? > 0
        || tx.setup_link().await?.is_some_and(|link| link.expires_at > now)
    {
        return Ok(FirstStart::Nobody);
    }
    Ok(FirstStart::Link(put_link(tx, now, url).await?))
}

/// Makes a link for one more administrator, in the place of an earlier one. Whoever can call this owns the database.
///
/// # Errors
/// A database that cannot be written.
pub(crate) async fn make_link(store: &Store, now: Timestamp, url: &PublicUrl) -> Result<String> {
    put_link(store.begin().await?, now, url).await
}

async fn put_link(tx: Tx, now: Timestamp, url: &PublicUrl) -> Result<String> {
    let token = new_token()?;
    let subject = Subject { kind: "account".to_owned(), id: None, name: "a new administrator".to_owned() };
    tx.put_link(now, token.hash(), Link { account_id: None, expires_at: now.later(SETUP_FOR) }).await?;
    tx.audit(now, &Actor::hub(), "account.setup_link", subject, &Changes::default()).await?;
    tx.commit().await?;
    Ok(link_url(url, &token))
}

pub(super) fn link_url(url: &PublicUrl, token: &Token) -> String {
    format!("{}/setup?token={}", url.origin(), token.reveal())
}

impl Hub {
    /// Whom a link is for: the e-mail of who was invited, none where it makes an administrator.
    ///
    /// # Errors
    /// `Gone` when it was used or has expired.
    pub(crate) async fn link_for(&self, now: Timestamp, token: &str) -> Result<Option<String>> {
        let link = self.good_link(now, token).await?;
        let Some(id) = link.account_id else { return Ok(None) };
        let invited = self.store.credentials(id).await?.ok_or_else(gone)?;
        Ok(Some(invited.account.email))
    }

    /// Follows a link: makes the administrator, or gives who was invited a password. It is used up by this.
    ///
    /// # Errors
    /// `Gone` when it was used or has expired; `Invalid`; `Conflict` when the e-mail has an account.
    pub(crate) async fn follow_link(
        &self,
        now: Timestamp,
        client_ip: Option<IpAddr>,
        token: &str,
        email: Option<&str>,
        password: &str,
    ) -> Result<Account> {
        Ok(self.use_link(now, client_ip, token, email, password).await?.account)
    }

    async fn use_link(
        &self,
        now: Timestamp,
        client_ip: Option<IpAddr>,
        token: &str,
        email: Option<&str>,
        password: &str,
    ) -> Result<Credentials> {
        let _turn = self.entrance.links.lock().await;
        let link = self.good_link(now, token).await?;
        let account = match link.account_id {
            None => administrator(now, email)?,
            Some(id) => {
                let mut account = self.store.credentials(id).await?.ok_or_else(gone)?.account;
                account.invited = false;
                account
            }
        };
        check_password(&account.email, password)?;
        let hash = self.entrance.passwords.hash(password).await?;
        let tx = self.store.begin().await?;
        if !tx.use_link(now, KeyHash::of(token)).await? {
            return Err(gone());
        }
        make_usable(&tx, link, &account, hash).await?;
        let made = tx.credentials(account.id).await?.ok_or_else(gone)?;
        let mut changes = Changes::default();
        changes.note("role", &None, &Some(account.role));
        tx.audit(now, &actor(&account, client_ip), "account.create", subject(&account), &changes).await?;
        tx.commit().await?;
        log::info!("an account of the role {} was made with a link", account.role.name());
        Ok(made)
    }

    /// Follows a link and signs in.
    ///
    /// # Errors
    /// As [`Hub::follow_link`].
    pub(crate) async fn set_up(
        &self,
        now: Timestamp,
        visitor: &Visitor,
        token: &str,
        email: Option<&str>,
        password: &str,
    ) -> Result<Opened> {
        let made = self.use_link(now, visitor.client_ip, token, email, password).await?;
        self.open_session(now, visitor, made).await
    }

    async fn good_link(&self, now: Timestamp, token: &str) -> Result<Link> {
        let link = self.store.link(KeyHash::of(token)).await?;
        link.filter(|link| link.expires_at > now).ok_or_else(gone)
    }
}

async fn make_usable(tx: &Tx, link: Link, account: &Account, hash: String) -> Result<()> {
    if link.account_id.is_some() {
        return Ok(tx.set_password(account.id, hash).await?);
    }
    match tx.insert_account(account, Some(hash)).await {
        Err(StoreError::Conflict) => {
            let sentence = "email: has an account already; take another one here, and with it delete that account and \
                            invite its person again";
            Err(Error::Conflict(sentence.into()))
        }
        inserted => Ok(inserted?),
    }
}

fn administrator(now: Timestamp, email: Option<&str>) -> Result<Account> {
    let email = check_email(email.ok_or_else(|| Invalid::new("email", "is missing"))?)?;
    Ok(Account {
        id: Uuid::now_v7(),
        email,
        role: Role::Admin,
        created_at: now,
        last_sign_in_at: None,
        invited: false,
        totp: false,
    })
}

fn gone() -> Error {
    let sentence = "This link was used already, or it has expired. Ask an administrator for another one, or make one on \
                    the hub's machine with: sigma-api setup-link";
    Error::Gone(sentence.into())
}
