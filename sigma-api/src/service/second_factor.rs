//! Authenticators: begun, confirmed with a first code, asked for at every sign-in, and recovery codes for the day one is lost.

use std::time::Instant;

use super::accounts::still;
use super::sessions::{Signed, subject};
use super::sign_in::{Visitor, actor};
use super::throttle::Bucket;
use super::{Error, Hub, Result};
use crate::model::audit::Changes;
use crate::model::key::KeyHash;
use crate::model::site::network_of;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::totp::{Seed, plain_recovery_code, recovery_codes};
use crate::store::Credentials;

/// Codes of authenticators have six digits; longer ones are recovery codes.
const LONGEST_CODE: usize = 10;

impl Hub {
    /// Makes a seed for the caller's authenticator; it counts once a code of it was shown.
    ///
    /// # Errors
    /// `Conflict` when there is an authenticator; a database or key file that cannot be written.
    pub(crate) async fn begin_totp(&self, signed: &Signed) -> Result<Seed> {
        let found = self.credentials_of(signed).await?;
        if found.totp_seed.is_some() {
            return Err(Error::Conflict("There is an authenticator already; remove it first.".into()));
        }
        let seed = Seed::generate().map_err(|error| Error::Broken(format!("no randomness: {error}")))?;
        // A new key would open none of those that are there: then somebody should look for the lost one.
        let may_make = self.store.count_authenticators().await? == 0;
        let sealed = self.entrance.vault.seal(signed.account.id, seed.bytes(), may_make)?;
        let tx = self.store.begin().await?;
        tx.set_pending_totp(signed.account.id, Some(sealed)).await?;
        tx.commit().await?;
        Ok(seed)
    }

    /// The seed that waits for its first code.
    ///
    /// # Errors
    /// A database that cannot be read.
    pub(crate) async fn pending_totp(&self, signed: &Signed) -> Result<Option<Seed>> {
        Ok(self.pending_of(signed).await?.map(|(seed, _)| seed))
    }

    /// One that cannot be read, since the key file was lost, is none: beginning anew replaces it.
    async fn pending_of(&self, signed: &Signed) -> Result<Option<(Seed, String)>> {
        let found = self.credentials_of(signed).await?;
        let pending = found.totp_pending.filter(|_| found.totp_seed.is_none());
        Ok(pending.and_then(|sealed| Some((self.unseal(&found.account.id, &sealed).ok()?, sealed))))
    }

    /// Begins to ask for codes; the answer is the recovery codes, which are shown this once. The password is needed once
    /// more: whoever finds a session open must not lock its person out.
    ///
    /// # Errors
    /// `Conflict` when nothing was begun; `Invalid` for a wrong code or password; `TooMany`.
    pub(crate) async fn confirm_totp(
        &self,
        now: Timestamp,
        signed: &Signed,
        code: &str,
        password: &str,
    ) -> Result<Vec<String>> {
        let nothing = || Error::Conflict("No authenticator waits for its first code; begin anew.".into());
        let (seed, sealed) = self.pending_of(signed).await?.ok_or_else(nothing)?;
        let found = self.check_own_password(signed, "password", password).await?;
        let bucket = [Bucket::Session(signed.session_id)];
        self.take(&bucket, signed.identity.actor.client_ip, Some(signed.account.id))?;
        let step = seed.step_of(code, now, None);
        let step = step.ok_or_else(|| Invalid::new("code", "is not what the authenticator shows now"))?;
        self.entrance.throttle.give_back(Instant::now(), &bucket);
        let codes = recovery_codes().map_err(|error| Error::Broken(format!("no randomness: {error}")))?;
        let hashes: Vec<KeyHash> = codes.iter().map(|code| KeyHash::of(code)).collect();
        let mut changes = Changes::default();
        changes.note("totp", &false, &true);
        let tx = self.store.begin().await?;
        still(&tx, &found).await?;
        tx.set_totp(signed.account.id, Some(sealed), &hashes).await?;
        tx.use_totp_step(signed.account.id, step).await?;
        tx.audit(now, &signed.identity.actor, "account.update", subject(&signed.account), &changes).await?;
        tx.commit().await?;
        self.entrance.sessions.forget();
        Ok(codes)
    }

    /// Stops asking for codes; the password is needed once more.
    ///
    /// # Errors
    /// `Invalid` for a wrong password; `TooMany`.
    pub(crate) async fn remove_totp(&self, now: Timestamp, signed: &Signed, password: &str) -> Result<()> {
        let found = self.check_own_password(signed, "password", password).await?;
        let mut changes = Changes::default();
        changes.note("totp", &signed.account.totp, &false);
        let tx = self.store.begin().await?;
        still(&tx, &found).await?;
        tx.set_totp(signed.account.id, None, &[]).await?;
        tx.audit(now, &signed.identity.actor, "account.update", subject(&signed.account), &changes).await?;
        tx.commit().await?;
        self.entrance.sessions.forget();
        Ok(())
    }

    /// Uses up a code of the authenticator, or a recovery code.
    pub(super) async fn check_code(
        &self,
        now: Timestamp,
        visitor: &Visitor,
        found: &Credentials,
        code: &str,
    ) -> Result<()> {
        let id = found.account.id;
        let buckets = match self.known_device(visitor, Some(found)).await? {
            Some(device) => vec![Bucket::Device(device)],
            None => {
                let address = visitor.client_ip.map(|ip| Bucket::Address(network_of(ip)));
                address.into_iter().chain([Bucket::Codes(id)]).collect()
            }
        };
        self.take(&buckets, visitor.client_ip, Some(id))?;
        if self.is_code(now, visitor, found, code).await? {
            self.entrance.throttle.give_back(Instant::now(), &buckets);
            return Ok(());
        }
        log::info!("a sign-in with a wrong code was refused");
        Err(Error::Unauthorized("The code is wrong, or it was used already.".into()))
    }

    async fn is_code(
        &self,
        now: Timestamp,
        visitor: &Visitor,
        found: &Credentials,
        code: &str,
    ) -> Result<bool> {
        let id = found.account.id;
        let Some(sealed) = &found.totp_seed else { return Ok(true) };
        if code.trim().len() > LONGEST_CODE {
            let tx = self.store.begin().await?;
            let was_one = tx.use_recovery_code(id, KeyHash::of(&plain_recovery_code(code))).await?;
            if was_one {
                let by = actor(&found.account, visitor.client_ip);
                tx.audit(now, &by, "account.recovery_code", subject(&found.account), &Changes::default())
                    .await?;
            }
            tx.commit().await?;
            return Ok(was_one);
        }
        let seed = self.unseal(&id, sealed).map_err(|error| {
            log::error!("no code of an authenticator can be checked: {error}");
            let sentence = "The hub cannot read what it shares with your authenticator, since its key file is missing or \
                            another one. Sign in with one of your recovery codes.";
            Error::Unauthorized(sentence.into())
        })?;
        let Some(step) = seed.step_of(code, now, found.totp_step) else { return Ok(false) };
        let tx = self.store.begin().await?;
        let was_unused = tx.use_totp_step(id, step).await?;
        tx.commit().await?;
        Ok(was_unused)
    }

    fn unseal(&self, id: &uuid::Uuid, sealed: &str) -> Result<Seed> {
        let bytes = self.entrance.vault.open(*id, sealed)?;
        Seed::from_bytes(&bytes).ok_or_else(|| Error::Broken("a sealed seed has another length".into()))
    }
}
