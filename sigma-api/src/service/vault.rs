//! Secrets that the hub must be able to read again are encrypted with a key in a file of their own: whoever gets a copy of
//! the database alone gets none of them.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use uuid::Uuid;

use super::{Error, Result};
use crate::model::token::{hex, unhex};

const KEY_BYTES: usize = 32;

/// Encrypts and decrypts. `Debug` shows where the key is, not what.
pub(crate) struct Vault {
    file: PathBuf,
    key: Mutex<Option<LessSafeKey>>,
}

impl Vault {
    /// A vault whose key is in `file`, or will be once it is needed.
    pub(crate) fn new(file: PathBuf) -> Self {
        Self { file, key: Mutex::new(None) }
    }

    /// Encrypts `secret` of the account `of`; nobody else's place takes it. The key is made if there is none and it may be.
    ///
    /// # Errors
    /// `Conflict` when there is none and it may not be made; when the file can neither be read nor made.
    pub(crate) fn seal(&self, of: Uuid, secret: &[u8], may_make: bool) -> Result<String> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(broken)?;
        let mut sealed = secret.to_vec();
        self.with_key(may_make, |key| {
            let nonce = Nonce::assume_unique_for_key(nonce);
            key.seal_in_place_append_tag(nonce, Aad::from(of.as_bytes()), &mut sealed).map_err(broken)
        })?;
        Ok(hex(&nonce) + &hex(&sealed))
    }

    /// What [`Vault::seal`] encrypted.
    ///
    /// # Errors
    /// When the file is gone or another one, or the text is not of this vault.
    pub(crate) fn open(&self, of: Uuid, sealed: &str) -> Result<Vec<u8>> {
        let bytes = unhex(sealed).unwrap_or_default();
        let (nonce, sealed) =
            bytes.split_at_checked(NONCE_LEN).ok_or_else(|| broken("a sealed secret is too short"))?;
        let mut secret = sealed.to_vec();
        self.with_key(false, |key| {
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(broken)?;
            let opened = key.open_in_place(nonce, Aad::from(of.as_bytes()), &mut secret);
            let length = opened
                .map_err(|_| broken(format!("{} is not the key of this database", self.file.display())))?;
            Ok(length.len())
        })
        .map(|length| {
            secret.truncate(length);
            secret
        })
    }

    fn with_key<T>(&self, may_make: bool, work: impl FnOnce(&LessSafeKey) -> Result<T>) -> Result<T> {
        let mut key = self.key.lock().unwrap_or_else(PoisonError::into_inner);
        if key.is_none() {
            let bytes = match read(&self.file) {
                Err(error) if may_make && error.kind() == io::ErrorKind::NotFound => make(&self.file),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    let sentence = "The hub's key file is missing, and authenticators of others depend on it. Whoever has \
                                    the hub's machine should put it back; see SIGMA_SECRET_KEY_FILE.";
                    return Err(Error::Conflict(sentence.into()));
                }
                read => read,
            };
            let bytes = bytes.map_err(|error| broken(format!("{}: {error}", self.file.display())))?;
            *key = Some(LessSafeKey::new(UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(broken)?));
        }
        key.as_ref().map_or_else(|| Err(broken("there is no key")), work)
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.file.display())
    }
}

fn broken(error: impl std::fmt::Display) -> Error {
    Error::Broken(format!("secrets cannot be encrypted or read: {error}"))
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut text = String::new();
    File::open(file)?.take(1024).read_to_string(&mut text)?;
    let key = unhex(text.trim_end()).filter(|key| key.len() == KEY_BYTES);
    key.ok_or_else(|| io::Error::other("does not hold 64 hexadecimal digits"))
}

/// Makes the file, for nobody else to read, and durable before anything depends on it.
fn make(file: &Path) -> io::Result<Vec<u8>> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let beside = file.with_extension("key.new");
    let _ = std::fs::remove_file(&beside);
    let mut made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    made.write_all((hex(&key) + "\n").as_bytes())?;
    made.sync_all()?;
    // Never over one that appeared meanwhile.
    std::fs::hard_link(&beside, file)?;
    std::fs::remove_file(&beside)?;
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        File::open(folder)?.sync_all()?;
    }
    Ok(key.to_vec())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_secret_comes_back_for_its_account_and_its_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sigma.key");
        let (one, two) = (Uuid::now_v7(), Uuid::now_v7());
        let sealed = Vault::new(file.clone()).seal(one, b"secret", true).unwrap();
        assert!(!sealed.contains(&hex(b"secret")));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let vault = Vault::new(file.clone());
        assert_eq!(vault.open(one, &sealed).unwrap(), b"secret");
        assert!(vault.open(two, &sealed).is_err());
        assert!(vault.open(one, "00").is_err());
        assert_ne!(vault.seal(one, b"secret", true).unwrap(), sealed);
        std::fs::write(&file, hex(&[7; 32])).unwrap();
        assert!(Vault::new(file.clone()).open(one, &sealed).is_err());
        std::fs::remove_file(&file).unwrap();
        assert!(Vault::new(file.clone()).open(one, &sealed).is_err());
        assert!(Vault::new(file.clone()).seal(one, b"secret", false).is_err());
        assert!(!file.exists(), "reading makes no key");
    }

    #[test]
    fn a_file_that_holds_no_key_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("sigma.key");
        std::fs::write(&file, "precious").unwrap();
        assert!(Vault::new(file.clone()).seal(Uuid::now_v7(), b"secret", true).is_err());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "precious");
    }
}
