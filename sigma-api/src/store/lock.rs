//! Lock files beside the database. The system releases a lock when its process ends, however it ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::open::{OpenError, with_suffix};

/// Others hold the database off only while they make or update it.
const TRIES: u32 = 50;
const TRY_EVERY: Duration = Duration::from_millis(100);

/// That this process alone does something with the database, until it is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    _file: File,
}

impl Claim {
    /// Claims the database for the one hub that serves it: what a hub remembers, another must not change.
    ///
    /// # Errors
    /// When another hub serves it; a folder that cannot be written.
    pub(crate) fn to_serve(path: &Path) -> Result<Self, OpenError> {
        let (lock, file) = lock_file(path, ".serving")?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::new(format!(
                "another hub serves the database {}; stop that one, or choose another folder with SIGMA_DATA_DIR",
                path.display()
            ))),
            Err(TryLockError::Error(error)) => Err(unusable(&lock, &error)),
        }
    }

    /// Claims the database for making, checking and updating it, after others that do so.
    ///
    /// # Errors
    /// When another process holds it for longer than that takes; a folder that cannot be written.
    pub(super) async fn to_open(path: &Path) -> Result<Self, OpenError> {
        let (lock, file) = lock_file(path, ".lock")?;
        for _ in 0..TRIES {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) => tokio::time::sleep(TRY_EVERY).await,
                Err(TryLockError::Error(error)) => return Err(unusable(&lock, &error)),
            }
        }
        let waited = (TRY_EVERY * TRIES).as_secs();
        Err(OpenError::new(format!(
            "cannot open the database {}: another process has held {} for more than {waited} s; end that one, or try again",
            path.display(),
            lock.display()
        )))
    }
}

fn lock_file(path: &Path, suffix: &str) -> Result<(PathBuf, File), OpenError> {
    // A database that is reached by a link is the same database.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let lock = with_suffix(&path, suffix);
    let file = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock);
    let file = file.map_err(|error| unusable(&lock, &error))?;
    Ok((lock, file))
}

fn unusable(lock: &Path, error: &std::io::Error) -> OpenError {
    OpenError::new(format!("cannot use the lock file {}: {error}", lock.display()))
}
