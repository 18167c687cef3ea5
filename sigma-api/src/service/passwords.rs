//! Hashing passwords: argon2id with the parameters that OWASP names, few at once, so that beats have their processor.
//!
//! Strangers wait in a line of their own: however many they are, whoever is known gets a turn.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{Error, Result};

type Hashed<T> = argon2::password_hash::Result<T>;

const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Hashings of strangers at once: each takes a processor and 19 MiB. Whoever is known has one more turn.
const MOST_AT_ONCE: usize = 2;
/// Hashings that may wait in each line.
const MOST_WAITING: usize = 64;
/// The hash of no password, with the same parameters: an unknown e-mail takes as long as a wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Of hashings that are refused, a line is told this often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// Somebody whom nothing makes known.
    Strangers,
    /// A browser that signed in before, a person who signed in, or who has a link.
    Known,
}

/// Hashes passwords.
#[derive(Debug)]
pub(crate) struct Passwords {
    strangers: Places,
    known: Places,
    memory: Arc<Memory>,
}

/// What hashing is done in, kept for the next: allocators give so large blocks neither back nor, aligned as these are, to
/// the next one who asks for as much.
#[derive(Debug, Default)]
struct Memory(Mutex<Vec<Vec<Block>>>);

#[derive(Debug)]
struct Places {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// When it was told last that too many wait.
    told: Mutex<Option<Instant>>,
}

impl Places {
    fn new(at_once: usize) -> Self {
        let at_once = Arc::new(Semaphore::new(at_once));
        Self { at_once, waiting: Arc::new(Semaphore::new(MOST_WAITING)), told: Mutex::default() }
    }

    /// A place to wait in.
    fn wait(&self, line: Line) -> Result<OwnedSemaphorePermit> {
        Arc::clone(&self.waiting).try_acquire_owned().map_err(|_| {
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
                *told = Some(Instant::now());
                log::warn!("{MOST_WAITING} passwords of {line} wait to be judged; more are refused");
            }
            Error::Overloaded
        })
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Strangers => "strangers",
            Self::Known => "those who are known",
        })
    }
}

impl Default for Passwords {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let at_once = (processors / 2).clamp(1, MOST_AT_ONCE);
        Self { strangers: Places::new(at_once), known: Places::new(1), memory: Arc::default() }
    }
}

impl Passwords {
    /// What is stored of a password, which only somebody who is known chooses.
    ///
    /// # Errors
    /// `Overloaded` when too many wait.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        let hashed =
            self.run(Line::Known, move |memory| hash(memory, &password).map(|hash| hash.to_string()));
        hashed.await?.map_err(|error| Error::Broken(format!("cannot hash a password: {error}")))
    }

    /// Whether `password` is the one that `stored` was made of; takes as long when nothing is stored.
    ///
    /// # Errors
    /// `Overloaded` when too many wait.
    pub(crate) async fn fits(&self, line: Line, password: &str, stored: Option<&str>) -> Result<bool> {
        let is_somebody = stored.is_some();
        let (password, stored) = (password.to_owned(), stored.unwrap_or(NOBODY).to_owned());
        let fits = self.run(line, move |memory| {
            let stored = PasswordHash::new(&stored).ok();
            stored.is_some_and(|stored| is_hash_of(memory, &password, &stored).unwrap_or(false))
        });
        Ok(fits.await? && is_somebody)
    }

    async fn run<T: Send + 'static>(
        &self,
        line: Line,
        work: impl FnOnce(&mut Vec<Block>) -> T + Send + 'static,
    ) -> Result<T> {
        let places = if line == Line::Known { &self.known } else { &self.strangers };
        let waiting = places.wait(line)?;
        let turn = Arc::clone(&places.at_once).acquire_owned().await.map_err(|_| Error::Overloaded)?;
        let memory = Arc::clone(&self.memory);
        // Whoever asked may be gone before the end; the turn is not.
        let permits: [OwnedSemaphorePermit; 2] = [waiting, turn];
        let done = tokio::task::spawn_blocking(move || {
            let mut blocks = memory.take();
            let done = work(&mut blocks);
            memory.give_back(blocks);
            drop(permits);
            done
        });
        done.await.map_err(|error| Error::Broken(format!("hashing a password ended early: {error}")))
    }
}

impl Memory {
    fn take(&self) -> Vec<Block> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default()
    }

    fn give_back(&self, blocks: Vec<Block>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(blocks);
    }
}

fn hash(memory: &mut Vec<Block>, password: &str) -> Hashed<PasswordHash> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None)?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let mut salt = [0; Salt::RECOMMENDED_LENGTH];
    getrandom::fill(&mut salt).map_err(|_| argon2::password_hash::Error::Crypto)?;
    let salt = Salt::new(&salt)?;
    let output = output(memory, algorithm, version, &params, password, &salt)?;
    Ok(PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&params)?,
        salt: Some(salt),
        hash: Some(output),
    })
}

/// Compares in constant time.
fn is_hash_of(memory: &mut Vec<Block>, password: &str, stored: &PasswordHash) -> Hashed<bool> {
    let (Some(salt), Some(expected)) = (&stored.salt, &stored.hash) else { return Ok(false) };
    let algorithm = Algorithm::try_from(stored.algorithm.as_str())?;
    let version = stored.version.map(Version::try_from).transpose()?.unwrap_or_default();
    Ok(output(memory, algorithm, version, &Params::try_from(stored)?, password, salt)? == *expected)
}

fn output(
    memory: &mut Vec<Block>,
    algorithm: Algorithm,
    version: Version,
    params: &Params,
    password: &str,
    salt: &[u8],
) -> Hashed<Output> {
    memory.resize(params.block_count(), Block::default());
    let mut bytes = vec![0; params.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN)];
    Argon2::new(algorithm, version, params.clone()).hash_password_into_with_memory(
        password.as_bytes(),
        salt,
        &mut bytes,
        memory,
    )?;
    Ok(Output::new(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_hash_and_no_other() {
        let passwords = Passwords::default();
        let stored = passwords.hash("a tiny blue whale").await.unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(passwords.fits(Line::Strangers, "a tiny blue whale", Some(&stored)).await.unwrap());
        assert!(!passwords.fits(Line::Strangers, "a tiny red whale", Some(&stored)).await.unwrap());
        assert!(!passwords.fits(Line::Strangers, "a tiny blue whale", None).await.unwrap());
        assert!(!passwords.fits(Line::Strangers, "", Some("no hash")).await.unwrap());
    }

    #[tokio::test]
    async fn strangers_take_no_place_of_who_is_known() {
        let passwords = Passwords::default();
        let _all = passwords.strangers.waiting.try_acquire_many(64).unwrap();
        assert!(matches!(passwords.fits(Line::Strangers, "a", None).await, Err(Error::Overloaded)));
        assert!(matches!(passwords.fits(Line::Known, "a", None).await, Ok(false)));
        assert!(passwords.hash("a tiny blue whale").await.is_ok());
    }

    /// Otherwise whoever sends passwords and goes away has as many hashed at once as they like.
    #[tokio::test]
    async fn who_goes_away_leaves_no_room_before_the_work_is_done() {
        let passwords = Passwords::default();
        for _ in 0..3 {
            let gone = passwords.fits(Line::Strangers, "a tiny blue whale", None);
            let _ = tokio::time::timeout(Duration::ZERO, gone).await;
        }
        let most = passwords.strangers.at_once.available_permits();
        assert_eq!(most, 0, "the work of somebody who went goes on");
        assert!(!passwords.fits(Line::Strangers, "a tiny blue whale", None).await.unwrap());
        assert!(passwords.memory.0.lock().unwrap().len() <= MOST_AT_ONCE + 1);
    }

    #[test]
    fn the_hash_of_nobody_is_hashed_against() {
        let nobody = PasswordHash::new(NOBODY).unwrap();
        assert_eq!(nobody.params.to_string(), "m=19456,t=2,p=1");
        assert!(nobody.salt.is_some() && nobody.hash.is_some());
    }
}
