//! Hashing passwords: argon2id with the parameters that OWASP names, few at once, so that beats have their processor.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use super::{Error, Result};

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashings at once: each takes a processor and 19 MiB.
const MOST_AT_ONCE: usize = 2;
/// Hashings that may wait.
const MOST_WAITING: usize = 64;
/// The hash of no password, with the same parameters: an unknown e-mail takes as long as a wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    at_once: Semaphore,
    waiting: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let at_once = (processors / 2).clamp(1, MOST_AT_ONCE);
        Self { at_once: Semaphore::new(at_once), waiting: Semaphore::new(MOST_WAITING) }
    }
}

impl Passwords {
    /// What is stored of a password.
    ///
    /// # Errors
    /// `Overloaded` when too many wait.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let hashed =
            self.run(move || argon2()?.hash_password(password.as_bytes()).map(|hash| hash.to_string()));
        hashed.await?.map_err(|error| Error::Broken(format!("cannot hash a password: {error}")))
    }

    /// Whether `password` is the one that `stored` was made of; takes as long when nothing is stored.
    ///
    /// # Errors
    /// `Overloaded` when too many wait.
    pub(crate) async fn fits(&self, password: &str, stored: Option<&str>) -> Result<bool> {
        let is_somebody = stored.is_some();
        let (password, stored) = (password.to_owned(), stored.unwrap_or(NOBODY).to_owned());
        let fits = self.run(move || {
            let stored = PasswordHash::new(&stored).ok();
            stored.is_some_and(|stored| {
                argon2().is_ok_and(|argon2| argon2.verify_password(password.as_bytes(), &stored).is_ok())
            })
        });
        Ok(fits.await? && is_somebody)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let _waiting = self.waiting.try_acquire().map_err(|_| Error::Overloaded)?;
        let _turn = self.at_once.acquire().await.map_err(|_| Error::Overloaded)?;
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| Error::Broken(format!("hashing a password ended early: {error}")))
    }
}

fn argon2() -> argon2::password_hash::Result<Argon2<'static>> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_hash_and_no_other() {
        let passwords = Passwords::default();
        let stored = passwords.hash("a tiny blue whale").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.fits("a tiny blue whale", Some(&stored)).await.unwrap());
        assert!(!passwords.fits("a tiny red whale", Some(&stored)).await.unwrap());
        assert!(!passwords.fits("a tiny blue whale", None).await.unwrap());
        assert!(!passwords.fits("", Some("no hash")).await.unwrap());
    }

    #[test]
    fn the_hash_of_nobody_is_hashed_against() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(nobody.params.to_string(), "m=19456,t=2,p=1");
        assert!(nobody.salt.is_some() && nobody.hash.is_some());
    }
}
