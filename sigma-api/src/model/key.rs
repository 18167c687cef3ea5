//! Keys of agents and clients: `sgm_`, eight characters that lists show, and a secret.

use std::fmt;

use serde::Serialize;
use sha2::{Digest, Sha256};
use utoipa::ToSchema;
use uuid::Uuid;

use super::key_terms::Terms;
use super::text::{Invalid, check_text};
use super::time::Timestamp;
use super::token::hex;

const MARK: &str = "sgm_";
const SHOWN_CHARS: usize = 8;
/// 32 characters of 62 carry 190 bits.
const SECRET_CHARS: usize = 32;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const MAX_NAME_CHARS: usize = 64;

/// What the bearer of a key may do; the table of routes says what that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reports for machines: registers and beats, and nothing else.
    Agent,
    /// Everything.
    Admin,
    /// Reads and edits the inventory.
    Operator,
    /// Reads.
    Readonly,
}

impl Role {
    /// Its name in options, lists and the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Admin => "admin",
            Self::Operator => "operator",
            Self::Readonly => "readonly",
        }
    }

    /// The role of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        [Self::Agent, Self::Admin, Self::Operator, Self::Readonly]
            .into_iter()
            .find(|role| role.name() == name)
    }
}

/// SHA-256 of a whole key: all that the hub keeps of it. The secret has 190 bits, so no salt and no slow hash is needed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct KeyHash([u8; 32]);

impl KeyHash {
    /// Hash of `key`, whatever it looks like.
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// The bytes, for the database.
    pub(crate) fn to_vec(self) -> Vec<u8> {
        self.0.to_vec()
    }

    /// As hexadecimal digits, for the database.
    pub(crate) fn to_hex(self) -> String {
        hex(&self.0)
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(…)")
    }
}

/// A key as it was made: printed once, then only its hash remains. `Debug` shows the public part.
pub(crate) struct NewKey {
    text: String,
}

impl NewKey {
    /// Makes a key from the system's randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut text = String::with_capacity(MARK.len() + SHOWN_CHARS + SECRET_CHARS);
        text.push_str(MARK);
        let mut random = [0_u8; 64];
        while text.len() < MARK.len() + SHOWN_CHARS + SECRET_CHARS {
            getrandom::fill(&mut random)?;
            // Six bits each; the two values beyond the alphabet are thrown away, so every character is as likely.
            let chars = random.iter().filter_map(|byte| ALPHABET.get(usize::from(byte & 63)));
            let missing = MARK.len() + SHOWN_CHARS + SECRET_CHARS - text.len();
            text.extend(chars.take(missing).map(|byte| char::from(*byte)));
        }
        Ok(Self { text })
    }

    /// The whole key, to be shown once.
    pub(crate) fn reveal(&self) -> &str {
        &self.text
    }

    /// The part that lists show: `sgm_` and eight characters.
    pub(crate) fn prefix(&self) -> String {
        self.text.chars().take(MARK.len() + SHOWN_CHARS).collect()
    }

    /// What is stored.
    pub(crate) fn hash(&self) -> KeyHash {
        KeyHash::of(&self.text)
    }
}

impl fmt::Debug for NewKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NewKey({}…)", self.prefix())
    }
}

/// What the hub knows about a key.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    /// Its id.
    pub(crate) id: Uuid,
    /// The part that lists show.
    pub(crate) prefix: String,
    /// What it is for, in the words of who made it.
    pub(crate) name: String,
    /// What it may do.
    pub(crate) role: Role,
    /// When it was made.
    pub(crate) created_at: Timestamp,
    /// When it was last used, to some seconds.
    pub(crate) last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub(crate) revoked_at: Option<Timestamp>,
    /// What it may do beyond its role.
    pub(crate) terms: Terms,
    /// New machines that it registered.
    pub(crate) enrolled: u64,
    /// The part that lists showed before the last rotation.
    pub(crate) previous_prefix: Option<String>,
    /// Until when its secret before the last rotation is valid.
    pub(crate) previous_until: Option<Timestamp>,
}

impl ApiKey {
    /// Since when it has expired, if it has.
    pub(crate) fn expired_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.terms.expires_at.filter(|at| *at <= now)
    }

    /// Whether it is taken at `now`, shown as its current secret or as the one before. An agent's is when it has expired as
    /// well: it goes on reporting for its machines.
    pub(crate) fn is_taken(&self, now: Timestamp, is_previous: bool) -> bool {
        self.revoked_at.is_none()
            && (self.role == Role::Agent || self.expired_at(now).is_none())
            && (!is_previous || self.previous_until.is_some_and(|until| now < until))
    }

    /// Until when its secret before the last rotation is taken, if it still is.
    pub(crate) fn overlaps_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.previous_until.filter(|_| self.is_taken(now, true))
    }
}

/// A key's name: 1 to 64 characters, without control characters.
///
/// # Errors
/// Names the member.
pub(crate) fn check_name(name: &str) -> Result<(), Invalid> {
    if name.trim().is_empty() {
        return Err(Invalid::new("name", "is empty; say what the key is for"));
    }
    check_text("name", name, MAX_NAME_CHARS)
}

/// The prefix that `text` means: with or without `sgm_`, or a whole key pasted.
pub(crate) fn prefix_of(text: &str) -> String {
    let rest = text.strip_prefix(MARK).unwrap_or(text);
    MARK.chars().chain(rest.chars().take(SHOWN_CHARS)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_form_and_is_new_each_time() {
        let (one, two) = (NewKey::generate().unwrap(), NewKey::generate().unwrap());
        assert_ne!(one.reveal(), two.reveal());
        assert_ne!(one.prefix(), two.prefix());
        assert!(one.reveal().starts_with(&one.prefix()));
        assert_eq!(one.reveal().len(), 4 + 8 + 32);
        assert!(one.reveal().strip_prefix("sgm_").unwrap().bytes().all(|b| b.is_ascii_alphanumeric()));
    }

    #[test]
    fn every_character_of_the_alphabet_occurs() {
        let mut text = String::new();
        for _ in 0..200 {
            text.push_str(NewKey::generate().unwrap().reveal());
        }
        assert!(ALPHABET.iter().all(|byte| text.contains(char::from(*byte))));
    }

    #[test]
    fn debug_hides_the_secret() {
        let key = NewKey::generate().unwrap();
        let secret: String = key.reveal().chars().skip(12).collect();
        assert!(!format!("{key:?}").contains(&secret));
    }

    #[test]
    fn the_hash_is_sha_256_of_the_whole_key() {
        let hex: String = KeyHash::of("abc").to_vec().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn roles_are_read_as_they_are_written() {
        for role in [Role::Agent, Role::Admin, Role::Operator, Role::Readonly] {
            assert_eq!(Role::from_name(role.name()), Some(role));
        }
        assert_eq!(Role::from_name("root"), None);
    }

    #[test]
    fn a_prefix_is_understood_in_each_form() {
        for text in ["sgm_abcd1234", "abcd1234", "sgm_abcd1234zzzzzzzzzzzz"] {
            assert_eq!(prefix_of(text), "sgm_abcd1234");
        }
    }
}
