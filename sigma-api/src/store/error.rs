//! What can go wrong with the database, in the two kinds that callers tell apart.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// SQLite's primary result codes for "not now": busy, locked, read-only, interrupted, I/O, full, cannot open.
const SQLITE_UNAVAILABLE: [u32; 7] = [5, 6, 8, 9, 10, 13, 14];

/// A failure of the database. The cause is for the log, never for a client.
#[derive(Debug, Clone)]
pub(crate) enum StoreError {
    /// Not now: full, read-only, locked or unreachable; the same may work in a while.
    Unavailable(String),
    /// Another writer was faster; trying again finds its work.
    Conflict,
    /// A mistake of the program or a damaged database.
    Broken(String),
}

impl StoreError {
    /// A row that holds what the program never writes there.
    pub(super) fn damaged(what: &str) -> Self {
        Self::Broken(format!("the database holds an impossible {what}"))
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unavailable(cause) | Self::Broken(cause) => f.write_str(cause),
            Self::Conflict => f.write_str("another writer was faster"),
        }
    }
}

impl From<DbErr> for StoreError {
    fn from(error: DbErr) -> Self {
        if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))) {
            return Self::Conflict;
        }
        if is_unavailable(&error) {
            Self::Unavailable(error.to_string())
        } else {
            Self::Broken(error.to_string())
        }
    }
}

fn is_unavailable(error: &DbErr) -> bool {
    match error {
        DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(cause)) | DbErr::Query(RuntimeErr::SqlxError(cause)) => {
            let code = cause.as_database_error().and_then(|error| error.code());
            // The low byte of an extended result code is the primary one.
            let primary = code.and_then(|code| code.parse::<u32>().ok()).map(|code| code & 0xff);
            primary.is_some_and(|code| SQLITE_UNAVAILABLE.contains(&code))
        }
        _ => false,
    }
}
