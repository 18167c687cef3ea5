//! The only place that knows SQL. One file per aggregate; one text of each query for every database.
//!
//! Writes go through one [`Tx`] at a time, begun IMMEDIATE: SQLite has one writer, and a transaction that finds this
//! out late fails at once instead of waiting. Reads have connections of their own and never wait for a writer.

mod account;
mod address;
mod audit;
mod batch;
mod bill;
mod candidate;
mod edit;
mod enrolment;
mod entity;
mod entity_account;
mod error;
mod exchange;
mod face;
mod fact;
mod gap;
mod history;
mod inbox;
mod ip_check;
mod key;
mod list;
mod lock;
mod mark;
mod merge;
mod migrations;
mod names;
mod open;
mod presence;
mod provider;
mod report;
mod search;
mod session;
mod sort;
mod state;
mod stats;
mod suggestion;
mod vps;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, SqliteTransactionMode, TransactionOptions,
    TransactionTrait,
};

pub(crate) use account::{Credentials, Link};
pub(crate) use address::StoredAddress;
pub(crate) use batch::Batch;
pub(crate) use bill::Expiring;
pub(crate) use candidate::Known;
pub(crate) use edit::{Editable, Edited, Life};
pub(crate) use enrolment::KeyTerms;
pub(crate) use error::StoreError;
pub(crate) use face::StoredFace;
pub(crate) use history::OtherOwner;
pub(crate) use list::Stored;
pub(crate) use lock::Claim;
pub(crate) use mark::Marked;
pub(crate) use merge::Merge;
pub(crate) use session::{NewSession, Oldest};
pub(crate) use suggestion::{Assignable, AssignedState};

/// What every operation on the database answers.
pub(crate) type Result<T> = std::result::Result<T, StoreError>;

/// The database: connections for reading, and one for writing.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    read: DatabaseConnection,
    write: DatabaseConnection,
    file: PathBuf,
    /// How many transactions were committed.
    changes: Arc<AtomicU64>,
}

/// A write transaction; it is undone unless it is committed.
#[derive(Debug)]
pub(crate) struct Tx {
    inner: DatabaseTransaction,
    changes: Arc<AtomicU64>,
}

impl Store {
    /// Begins a write transaction, after the one before it.
    ///
    /// # Errors
    /// `Unavailable` when the database stays locked for some seconds, or cannot be written.
    pub(crate) async fn begin(&self) -> Result<Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let inner = self.write.begin_with_options(options).await?;
        Ok(Tx { inner, changes: Arc::clone(&self.changes) })
    }

    /// A number that is another one after every transaction that was committed here.
    pub(crate) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Asks the database for something small.
    ///
    /// # Errors
    /// When it does not answer.
    pub(crate) async fn check(&self) -> Result<()> {
        self.read.execute_unprepared("SELECT 1 FROM api_key LIMIT 1").await?;
        Ok(())
    }

    /// Bytes of the database on disk, with what was written last and stands beside it. `None` when that cannot be told.
    pub(crate) fn size_bytes(&self) -> Option<u64> {
        let mut log = self.file.clone().into_os_string();
        log.push("-wal");
        let log_bytes = std::fs::metadata(log).map_or(0, |file| file.len());
        std::fs::metadata(&self.file).ok().map(|file| file.len().saturating_add(log_bytes))
    }

    /// Closes all connections; SQLite folds its write-ahead log into the database file.
    pub(crate) async fn close(self) {
        for connection in [self.read, self.write] {
            if let Err(error) = connection.close().await {
                log::warn!("closing the database: {error}");
            }
        }
    }
}

impl Tx {
    /// Makes everything that was done durable.
    ///
    /// # Errors
    /// When it is not; then nothing of it was done.
    pub(crate) async fn commit(self) -> Result<()> {
        self.inner.commit().await?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A number for the database. What the rules of the model let through always fits.
fn to_i64(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
