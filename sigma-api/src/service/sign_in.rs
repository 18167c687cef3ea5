//! Signing in: throttled before anything is judged, and the same answer in the same time for whoever is not known.

use std::net::IpAddr;
use std::time::Instant;

use uuid::Uuid;

use super::passwords::Line;
use super::sessions::{oldest, subject};
use super::throttle::{Bucket, Refused};
use super::{Error, Hub, Result};
use crate::model::account::{Account, check_email};
use crate::model::audit::{Actor, ActorKind, Changes};
use crate::model::key::KeyHash;
use crate::model::site::network_of;
use crate::model::text::one_line;
use crate::model::time::Timestamp;
use crate::model::token::Token;
use crate::store::{Credentials, NewSession};

/// Sessions and browsers of an account that are remembered.
const MOST_SESSIONS: u64 = 100;
const MOST_DEVICES: u64 = 20;
const MAX_USER_AGENT_CHARS: usize = 200;
/// Longer passwords cannot have been chosen; they are not hashed.
const MAX_PASSWORD_BYTES: usize = 1024;

/// Who stands at the door.
#[derive(Debug, Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) client_ip: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
    /// What the browser was given when it signed in before.
    pub(crate) device: Option<String>,
}

/// How far a visitor came.
pub(crate) enum SignIn {
    /// In.
    Open(Box<Opened>),
    /// The password is right; the code of the authenticator is still to come, with this ticket.
    CodeNeeded(Token),
}

/// A session that was opened.
pub(crate) struct Opened {
    pub(crate) account: Account,
    pub(crate) token: Token,
    /// For the browser to keep beyond the session.
    pub(crate) device: Token,
}

impl Hub {
    /// Opens a session for whoever knows the password, and the code where there is an authenticator.
    ///
    /// # Errors
    /// `Unauthorized` in one sentence for a wrong e-mail and a wrong password; `TooMany`; `Overloaded`.
    pub(crate) async fn sign_in(
        &self,
        now: Timestamp,
        visitor: &Visitor,
        email: &str,
        password: &str,
        code: Option<&str>,
    ) -> Result<SignIn> {
        let email = check_email(email).unwrap_or_default();
        let found = self.store.credentials_by_email(&email).await?;
        let device = self.known_device(visitor, found.as_ref()).await?;
        let buckets = buckets(visitor, &email, device);
        let id = found.as_ref().map(|found| found.account.id);
        self.take(&buckets, visitor.client_ip, id)?;
        let line = if device.is_some() { Line::Known } else { Line::Strangers };
        let stored = found.as_ref().and_then(|found| found.password.as_deref());
        let judged = match password.len() <= MAX_PASSWORD_BYTES {
            true => self.entrance.passwords.fits(line, password, stored).await,
            false => Ok(false),
        };
        // What was not judged since too many wait is not given back: who sends as many is no person.
        if matches!(judged, Ok(true)) {
            self.entrance.throttle.give_back(Instant::now(), &buckets);
        }
        let Some(found) = found.filter(|_| matches!(judged, Ok(true))) else {
            judged?;
            log::info!("a sign-in with a wrong e-mail or password was refused");
            return Err(wrong());
        };
        match code {
            _ if found.totp_seed.is_none() => {}
            Some(code) => self.check_code(now, visitor, &found, code).await?,
            None => {
                let ticket = new_token()?;
                self.entrance.tickets.give(Instant::now(), ticket.hash(), found);
                return Ok(SignIn::CodeNeeded(ticket));
            }
        }
        self.open_session(now, visitor, found).await.map(|opened| SignIn::Open(Box::new(opened)))
    }

    /// Opens a session for whoever has a ticket and the code.
    ///
    /// # Errors
    /// `Gone` when the ticket is no longer good; `Unauthorized` for a wrong code; `TooMany`.
    pub(crate) async fn sign_in_with_code(
        &self,
        now: Timestamp,
        visitor: &Visitor,
        ticket: &str,
        code: &str,
    ) -> Result<Opened> {
        let gone = || Error::Gone("This took too long, or too many tries; sign in anew.".into());
        let hash = KeyHash::of(ticket);
        let judged = self.entrance.tickets.try_with(Instant::now(), hash).ok_or_else(gone)?;
        let found = self.store.credentials(judged.account.id).await?;
        // A ticket says that a password was right: another password, or no authenticator, and it says nothing.
        let is_good = |found: &Credentials| found.totp_seed.is_some() && found.are_those_of(&judged);
        let found = found.filter(is_good).ok_or_else(gone)?;
        self.check_code(now, visitor, &found, code).await?;
        self.entrance.tickets.done(hash);
        self.open_session(now, visitor, found).await
    }

    /// Opens a session for somebody who has shown to be that account's person, unless meanwhile it takes something else
    /// to show that: another password ends all sessions, and one must not slip in behind it.
    pub(super) async fn open_session(
        &self,
        now: Timestamp,
        visitor: &Visitor,
        judged: Credentials,
    ) -> Result<Opened> {
        let account = judged.account.clone();
        let (token, device) = (new_token()?, new_token()?);
        let session = NewSession {
            id: Uuid::now_v7(),
            account_id: account.id,
            token: token.hash(),
            client_ip: visitor.client_ip.map(|ip| ip.to_string()),
            user_agent: visitor.user_agent.as_deref().map(|name| one_line(name, MAX_USER_AGENT_CHARS)),
        };
        let actor = actor(&account, visitor.client_ip);
        let former = visitor.device.as_deref().map(KeyHash::of);
        let tx = self.store.begin().await?;
        if !tx.credentials(account.id).await?.is_some_and(|found| found.are_those_of(&judged)) {
            return Err(wrong());
        }
        tx.insert_session(now, session, oldest(now), MOST_SESSIONS).await?;
        tx.put_device(now, account.id, device.hash(), former, MOST_DEVICES).await?;
        tx.set_last_sign_in(account.id, now).await?;
        tx.audit(now, &actor, "session.create", subject(&account), &Changes::default()).await?;
        tx.commit().await?;
        Ok(Opened { account, token, device })
    }

    /// Takes one guess from each of `buckets`.
    ///
    /// # Errors
    /// `TooMany`.
    pub(super) fn take(
        &self,
        buckets: &[Bucket],
        client_ip: Option<IpAddr>,
        account_id: Option<Uuid>,
    ) -> Result<()> {
        self.entrance.throttle.take(Instant::now(), buckets).map_err(|Refused { seconds, begins }| {
            if let Some(bucket) = begins {
                warn_of_guesses(bucket, client_ip, account_id);
            }
            let sentence = format!("Too many tries in a row; wait {seconds} s before the next.");
            Error::TooMany(sentence, seconds)
        })
    }

    /// The browser of `visitor`, if it signed in to that account before.
    pub(super) async fn known_device(
        &self,
        visitor: &Visitor,
        found: Option<&Credentials>,
    ) -> Result<Option<KeyHash>> {
        let (Some(device), Some(found)) = (visitor.device.as_deref().map(KeyHash::of), found) else {
            return Ok(None);
        };
        let is_known = self.store.is_device_of(found.account.id, device).await?;
        Ok(is_known.then_some(device))
    }
}

/// One sentence for all that may be wrong: it tells nobody who has an account.
fn wrong() -> Error {
    Error::Unauthorized("The e-mail or the password is wrong.".into())
}

/// Says that guesses have to wait from now on. Not for which e-mail: a person may have typed the password there.
fn warn_of_guesses(bucket: Bucket, client_ip: Option<IpAddr>, account_id: Option<Uuid>) {
    let whose = match bucket {
        Bucket::Address(_) => "this address",
        Bucket::Email(_) => "all strangers who try this e-mail",
        Bucket::Device(_) => "this browser, which signed in before",
        Bucket::Codes(_) => "all strangers who know this account's password",
        Bucket::Session(_) => "this session",
    };
    let from = client_ip.map_or_else(|| "an unknown address".to_owned(), |ip| ip.to_string());
    let of = account_id.map_or_else(|| "no account".to_owned(), |id| format!("the account {id}"));
    log::warn!("too many wrong tries, the last from {from} for {of}: {whose} must wait from now on");
}

fn buckets(visitor: &Visitor, email: &str, device: Option<KeyHash>) -> Vec<Bucket> {
    match device {
        Some(device) => vec![Bucket::Device(device)],
        None => {
            let address = visitor.client_ip.map(|ip| Bucket::Address(network_of(ip)));
            address.into_iter().chain([Bucket::Email(KeyHash::of(email))]).collect()
        }
    }
}

/// The person of an account, as who acts.
pub(super) fn actor(account: &Account, client_ip: Option<IpAddr>) -> Actor {
    Actor { kind: ActorKind::Account, id: Some(account.id), name: account.email.clone(), client_ip }
}

/// A token of the system's randomness.
pub(super) fn new_token() -> Result<Token> {
    Token::generate().map_err(|error| Error::Broken(format!("no randomness: {error}")))
}
