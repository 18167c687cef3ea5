//! Accounts of persons: an e-mail, a password that is worth its name, a role.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::key::Role;
use super::text::{Invalid, check_text};
use super::time::Timestamp;

const MAX_EMAIL_CHARS: usize = 254;
const MIN_PASSWORD_CHARS: usize = 12;
const MAX_PASSWORD_CHARS: usize = 256;

/// Passwords of twelve characters and more that everybody tries first; in lower case.
const COMMON: [&str; 28] = [
    "123123123123",
    "1234567890123",
    "123456789012",
    "12345678910",
    "1234567891011",
    "1q2w3e4r5t6y",
    "1qaz2wsx3edc",
    "abcdefghijkl",
    "administrator",
    "changeme1234",
    "changemeplease",
    "correcthorsebatterystaple",
    "iloveyou1234",
    "letmein12345",
    "letmeinplease",
    "p@ssw0rd1234",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "qazwsxedcrfv",
    "qwerty123456",
    "qwertyqwerty",
    "qwertyuiop12",
    "qwertyuiop123",
    "qwertyuiopasdfghjkl",
    "sigmasigmasigma",
    "welcome12345",
];

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) email: String,
    pub(crate) role: Role,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_sign_in_at: Option<Timestamp>,
    /// Whether the person has yet to choose a password.
    pub(crate) invited: bool,
    /// Whether a code of an authenticator is needed to sign in.
    pub(crate) totp: bool,
}

/// A browser or client that signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_used_at: Timestamp,
    /// Where it signed in from.
    pub(crate) client_ip: Option<String>,
    /// What the browser calls itself.
    pub(crate) user_agent: Option<String>,
    /// Whether it is the one that asks.
    pub(crate) current: bool,
}

/// An e-mail as the hub compares them: in lower case, without spaces around it.
///
/// # Errors
/// When it is none.
pub(crate) fn check_email(text: &str) -> Result<String, Invalid> {
    let email = text.trim().to_lowercase();
    check_text("email", &email, MAX_EMAIL_CHARS)?;
    let parts = email.split_once('@');
    let is_one = parts.is_some_and(|(person, place)| {
        !person.is_empty()
            && !place.is_empty()
            && !place.contains('@')
            && !email.contains(char::is_whitespace)
    });
    if is_one { Ok(email) } else { Err(Invalid::new("email", "is not an e-mail address as ops@example.org")) }
}

/// A password for `email`. Its length is what counts, so there is no rule about the kinds of its characters.
///
/// # Errors
/// Which rule it breaks, never the password.
pub(crate) fn check_password(email: &str, password: &str) -> Result<(), Invalid> {
    let invalid = |reason: &str| Err(Invalid::new("password", reason));
    let chars = password.chars().count();
    if chars < MIN_PASSWORD_CHARS {
        return invalid("is shorter than 12 characters; a few words are easy to remember");
    }
    if chars > MAX_PASSWORD_CHARS {
        return invalid("is longer than 256 characters");
    }
    let lower = password.to_lowercase();
    if lower.trim() == email {
        return invalid("is the e-mail address, which others know");
    }
    let mut all = lower.chars();
    let first = all.next();
    if COMMON.contains(&lower.trim()) || all.all(|c| Some(c) == first) {
        return invalid("is one that everybody tries first");
    }
    Ok(())
}

/// A role that a person may have.
///
/// # Errors
/// When it is none, or that of machines.
pub(crate) fn check_role(name: &str) -> Result<Role, Invalid> {
    let role = Role::from_name(name).filter(|role| *role != Role::Agent);
    role.ok_or_else(|| Invalid::new("role", "is none of admin, operator and readonly"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_kept_in_lower_case() {
        assert_eq!(check_email(" Ops@Example.ORG ").unwrap(), "ops@example.org");
        for wrong in ["", "ops", "@example.org", "ops@", "a b@example.org", "a@b@c", "a\u{202e}@b"] {
            assert!(check_email(wrong).is_err(), "{wrong:?}");
        }
        assert!(check_email(&format!("{}@example.org", "a".repeat(250))).is_err());
    }

    #[test]
    fn a_password_is_long_and_not_what_everybody_tries() {
        let check = |password: &str| check_password("ops@example.org", password);
        for wrong in [
            "",
            "elevenchars",
            "ops@example.org",
            "OPS@example.org",
            "aaaaaaaaaaaaaaaa",
            "Password1234",
            "correcthorsebatterystaple",
        ] {
            assert_eq!(check(wrong).unwrap_err().field, "password", "{wrong}");
        }
        for good in ["a tiny blue whale", "twelve chars", "ééééééééééée"] {
            assert!(check(good).is_ok(), "{good}");
        }
        assert!(check(&"ab".repeat(128)).is_ok());
        assert!(check(&"ab".repeat(129)).is_err());
    }

    #[test]
    fn a_person_is_no_machine() {
        assert_eq!(check_role("admin").unwrap(), Role::Admin);
        assert!(check_role("agent").is_err());
    }
}
