//! Why a service did not do what it was asked: a sentence for the caller, and a cause for the log.

use crate::model::text::Invalid;
use crate::store::StoreError;

/// What every service answers.
pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Why a service did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Error {
    /// A member of the input breaks a rule.
    Invalid(Invalid),
    /// There is no such thing; a sentence.
    NotFound(String),
    /// There was, until a person deleted it; a sentence.
    Gone(String),
    /// It contradicts what is there; a sentence.
    Conflict(String),
    /// Somebody else changed it since the caller looked; a sentence.
    Stale(String),
    /// The caller did not show who it is; a sentence.
    Unauthorized(String),
    /// The caller may not do this; a sentence.
    Forbidden(String),
    /// The caller tried too often, and may again after so many seconds; a sentence.
    TooMany(String, u64),
    /// Not now; the cause is for the log.
    Unavailable(String),
    /// More at once than the hub takes in.
    Overloaded,
    /// A mistake of the program or a damaged database; the cause is for the log.
    Broken(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Invalid(invalid) => invalid.fmt(f),
            Self::NotFound(text)
            | Self::Gone(text)
            | Self::Conflict(text)
            | Self::Stale(text)
            | Self::Unauthorized(text)
            | Self::Forbidden(text)
            | Self::TooMany(text, _)
            | Self::Unavailable(text)
            | Self::Broken(text) => f.write_str(text),
            Self::Overloaded => f.write_str("more reports than can be written"),
        }
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(cause) => Self::Unavailable(cause),
            StoreError::Conflict => Self::Unavailable(error.to_string()),
            StoreError::Broken(cause) => Self::Broken(cause),
        }
    }
}
