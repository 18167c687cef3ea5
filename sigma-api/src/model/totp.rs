//! Codes of an authenticator: RFC 6238 with SHA-1, six digits and 30 seconds, as every authenticator knows them.

use std::fmt;

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

use super::time::Timestamp;

const STEP_SECONDS: i64 = 30;
/// A clock may be wrong by so many steps.
const DRIFT_STEPS: i64 = 1;
const DIGITS: usize = 6;
const SEED_BYTES: usize = 20;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const RECOVERY_CODES: usize = 10;
/// 80 bits each: a fast hash is enough for them.
const RECOVERY_BYTES: usize = 10;

/// What the hub and the authenticator share. `Debug` shows none of it.
pub(crate) struct Seed([u8; SEED_BYTES]);

impl Seed {
    /// Makes a seed from the system's randomness.
    ///
    /// # Errors
    /// When the system has none.
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        let mut seed = [0; SEED_BYTES];
        getrandom::fill(&mut seed)?;
        Ok(Self(seed))
    }

    /// From what [`Seed::bytes`] gave.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// For being encrypted.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For being typed into an authenticator.
    pub(crate) fn base32(&self) -> String {
        base32(&self.0)
    }

    /// For being opened by an authenticator.
    pub(crate) fn otpauth(&self, email: &str) -> String {
        let email: String = email.bytes().map(escaped).collect();
        format!("otpauth://totp/Sigma:{email}?secret={}&issuer=Sigma", self.base32())
    }

    /// The step that `code` belongs to, if it is one around `now` and later than `last`: a code is good once.
    pub(crate) fn step_of(&self, code: &str, now: Timestamp, last: Option<i64>) -> Option<i64> {
        let code: String = code.chars().filter(|c| !c.is_whitespace()).collect();
        let this = now.ms().div_euclid(1000).div_euclid(STEP_SECONDS);
        (this - DRIFT_STEPS..=this + DRIFT_STEPS)
            .find(|step| last.is_none_or(|last| *step > last) && self.code(*step) == code)
    }

    fn code(&self, step: i64) -> String {
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = sign(&key, &step.to_be_bytes());
        let offset = tag.as_ref().last().map_or(0, |byte| usize::from(byte & 15));
        let word =
            tag.as_ref().iter().skip(offset).take(4).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        format!("{:0DIGITS$}", (word & 0x7fff_ffff) % 1_000_000)
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(…)")
    }
}

/// Codes for the day on which the authenticator is lost.
///
/// # Errors
/// When the system has no randomness.
pub(crate) fn recovery_codes() -> Result<Vec<String>, getrandom::Error> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let mut random = [0; RECOVERY_BYTES];
        getrandom::fill(&mut random)?;
        let letters: Vec<char> = base32(&random).to_lowercase().chars().collect();
        let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
        codes.push(groups.join("-"));
    }
    Ok(codes)
}

/// A recovery code as it was made, however it was typed.
pub(crate) fn plain_recovery_code(text: &str) -> String {
    let letters: Vec<char> = text.to_lowercase().chars().filter(char::is_ascii_alphanumeric).collect();
    let groups: Vec<String> = letters.chunks(4).map(|group| group.iter().collect()).collect();
    groups.join("-")
}

fn base32(bytes: &[u8]) -> String {
    let bits = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1));
    let bits: Vec<u8> = bits.collect();
    let letters = bits.chunks(5).map(|five| five.iter().fold(0, |value, bit| value << 1 | usize::from(*bit)));
    letters.filter_map(|value| BASE32.get(value)).map(|byte| char::from(*byte)).collect()
}

fn escaped(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
        return char::from(byte).to_string();
    }
    format!("%{byte:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> Seed {
        Seed::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_ms(seconds * 1000)
    }

    /// The table of RFC 6238, appendix B; its codes have eight digits, of which these are the last six.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().step_of(code, at(seconds), None), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_once_and_a_step_around() {
        let now = at(1_234_567_890);
        assert_eq!(rfc().step_of("005 924", at(1_234_567_890 + 30), None), Some(41_152_263));
        assert_eq!(rfc().step_of("005924", at(1_234_567_890 + 60), None), None);
        assert_eq!(rfc().step_of("005924", now, Some(41_152_263)), None);
        assert_eq!(rfc().step_of("005924", now, Some(41_152_262)), Some(41_152_263));
        assert_eq!(rfc().step_of("", now, None), None);
    }

    #[test]
    fn an_authenticator_understands_it() {
        assert_eq!(rfc().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        let url = rfc().otpauth("a b@example.org");
        assert!(url.starts_with("otpauth://totp/Sigma:a%20b@example.org?secret=GEZD"), "{url}");
    }

    #[test]
    fn recovery_codes_differ_and_are_read_as_typed() {
        let codes = recovery_codes().unwrap();
        assert_eq!(codes.iter().collect::<std::collections::BTreeSet<_>>().len(), 10);
        let code = codes.first().unwrap();
        assert_eq!(code.len(), 19);
        assert_eq!(&plain_recovery_code(&code.to_uppercase().replace('-', " ")), code);
    }
}
