//! Authenticators: begun, confirmed with a first code, asked for at every sign-in, and recovery codes for the day one is lost.

use super::sessions::{Signed, subject};
use super::throttle::Bucket;
use super::{Error, Hub, Result};
use crate::model::audit::Changes;
use crate::model::key::KeyHash;
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
        let sealed = self.entrance.vault.seal(signed.account.id, seed.bytes())?;
        let tx = self.store.begin().await?;
        tx.set_pending_totp(signed.account.id, Some(sealed)).await?;
        tx.commit().await?;
        Ok(seed)
    }

    /// The seed that waits for its first code.
    ///
    /// # Errors
    /// A database or key file that cannot be read.
    pub(crate) async fn pending_totp(&self, signed: &Signed) -> Result<Option<Seed>> {
        let found = self.credentials_of(signed).await?;
        found.totp_pending.map(|sealed| self.unseal(&found.account.id, &sealed)).transpose()
    }

    /// Begins to ask for codes; the answer is the recovery codes, which are shown this once.
    ///
    /// # Errors
    /// `Conflict` when nothing was begun; `Invalid` for a wrong code; `TooMany`.
    pub(crate) async fn confirm_totp(
        &self,
        now: Timestamp,
        signed: &Signed,
        code: &str,
    ) -> Result<Vec<String>> {
        let found = self.credentials_of(signed).await?;
        let nothing = || Error::Conflict("No authenticator waits for its first code; begin anew.".into());
        let sealed = found.totp_pending.ok_or_else(nothing)?;
        self.take(&[Bucket::Codes(signed.account.id)])?;
        let step = self.unseal(&signed.account.id, &sealed)?.step_of(code, now, None);
        let step = step.ok_or_else(|| Invalid::new("code", "is not what the authenticator shows now"))?;
        self.entrance.throttle.give_back(std::time::Instant::now(), &[Bucket::Codes(signed.account.id)]);
        let codes = recovery_codes().map_err(|error| Error::Broken(format!("no randomness: {error}")))?;
        let hashes: Vec<KeyHash> = codes.iter().map(|code| KeyHash::of(code)).collect();
        let mut changes = Changes::default();
        changes.note("totp", &false, &true);
        let tx = self.store.begin().await?;
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
        self.check_own_password(signed, "password", password).await?;
        let mut changes = Changes::default();
        changes.note("totp", &signed.account.totp, &false);
        let tx = self.store.begin().await?;
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
        found: &Credentials,
        code: &str,
        device: Option<KeyHash>,
    ) -> Result<()> {
        let id = found.account.id;
        let bucket = [device.map_or(Bucket::Codes(id), Bucket::Device)];
        self.take(&bucket)?;
        if self.is_code(now, found, code).await? {
            self.entrance.throttle.give_back(std::time::Instant::now(), &bucket);
            return Ok(());
        }
        log::info!("a sign-in with a wrong code was refused");
        Err(Error::Unauthorized("The code is wrong, or it was used already.".into()))
    }

    async fn is_code(&self, now: Timestamp, found: &Credentials, code: &str) -> Result<bool> {
        let id = found.account.id;
        let Some(sealed) = &found.totp_seed else { return Ok(true) };
        if code.trim().len() > LONGEST_CODE {
            let tx = self.store.begin().await?;
            let was_one = tx.use_recovery_code(id, KeyHash::of(&plain_recovery_code(code))).await?;
            tx.commit().await?;
            return Ok(was_one);
        }
        let seed = self.unseal(&id, sealed)?;
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
