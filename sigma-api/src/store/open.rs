//! Opening the database: made if it is not there, brought up to date, and refused in one sentence if it is not ours.

use std::fs::{File, OpenOptions, Permissions};
use std::io::Read;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::Connection;
use sea_orm::sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sea_orm::{ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::{MigratorTrait, SchemaManager};

use super::lock::Claim;
use super::migrations::{APPLICATION_ID, Migrator};
use super::{Store, StoreError};

/// How long a statement waits for another process that writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(4);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(8);
const READERS: u32 = 4;
/// Where the migrations note which steps were taken.
const STEPS_TABLE: &str = "seaql_migrations";
const FOREIGN: &str = "it is a database of another program";
const MAGIC: &[u8; 16] = b"SQLite format 3\0";
/// Where the header of an SQLite file has the mark of its program, and where the header ends.
const MARK_AT: usize = 68;
const HEADER_BYTES: usize = 100;
/// A whole check of a larger file would take longer than a start may.
const CHECK_UP_TO_BYTES: u64 = 64 * 1024 * 1024;

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Looking at a file that may not be ours: leaves every byte, and everything beside it, as it is.
    Look,
    Read,
    Write,
}

/// Why the database cannot be used, as a sentence for the person who starts the hub.
#[derive(Debug)]
pub(crate) struct OpenError(String);

impl OpenError {
    pub(super) fn new(sentence: String) -> Self {
        Self(sentence)
    }
}

impl std::fmt::Display for OpenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Store {
    /// Opens the SQLite database at `path`, after making or updating it.
    ///
    /// # Errors
    /// A file that is not a database of the hub, is damaged, or was written by a newer hub; a folder that cannot be
    /// written. Nothing is changed then.
    pub(crate) async fn open(path: &Path) -> Result<Self, OpenError> {
        let _one_at_a_time = Claim::to_open(path).await?;
        if !path.exists() {
            create(path).await?;
        }
        prepare(path).await?;
        let fail = |error: DbErr| refuse(path, &error.to_string());
        let read = connect(path, READERS, Access::Read).await.map_err(fail)?;
        let write = connect(path, 1, Access::Write).await.map_err(fail)?;
        Ok(Self { read, write, file: path.to_owned(), changes: Arc::default() })
    }
}

/// Makes a database under another name and moves it into place whole: an empty file is never one of ours.
async fn create(path: &Path) -> Result<(), OpenError> {
    for left in [with_suffix(path, "-wal"), with_suffix(path, "-journal")] {
        // SQLite would take it for a part of the new database.
        if std::fs::metadata(&left).is_ok_and(|file| file.len() > 0) {
            return Err(OpenError(format!(
                "cannot make {}: {} is left of a database that is gone; bring that back, or remove what is left of it",
                path.display(),
                left.display()
            )));
        }
    }
    let new = with_suffix(path, ".new");
    let fail = |error: &dyn std::fmt::Display| OpenError(format!("cannot make {}: {error}", path.display()));
    for left in [new.clone(), with_suffix(&new, "-wal"), with_suffix(&new, "-shm")] {
        match std::fs::remove_file(&left) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(fail(&error)),
            _ => {}
        }
    }
    OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new).map_err(|error| fail(&error))?;
    let database = connect(&new, 1, Access::Write).await.map_err(|error| fail(&error))?;
    migrate(&database).await.map_err(|error| fail(&error))?;
    database.close().await.map_err(|error| fail(&error))?;
    std::fs::rename(&new, path).map_err(|error| fail(&error))?;
    // The new name is durable once the folder is.
    File::open(folder_of(path)).and_then(|folder| folder.sync_all()).map_err(|error| fail(&error))
}

/// Checks that the file is ours and whole, and brings its schema up to date.
async fn prepare(path: &Path) -> Result<(), OpenError> {
    check_owner(path).await?;
    let database = connect(path, 1, Access::Write).await.map_err(|error| refuse(path, &error.to_string()))?;
    let result = prepare_connected(path, &database).await;
    database.close().await.map_err(|error| refuse(path, &error.to_string()))?;
    result
}

async fn prepare_connected(path: &Path, database: &DatabaseConnection) -> Result<(), OpenError> {
    let fail = |error: DbErr| refuse(path, &error.to_string());
    let small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECK_UP_TO_BYTES);
    if small {
        let verdict = text_of(database, "PRAGMA quick_check(1)").await.map_err(fail)?;
        if verdict.as_deref() != Some("ok") {
            return Err(refuse(path, &format!("it is damaged ({})", verdict.unwrap_or_default())));
        }
    }
    if !SchemaManager::new(database).has_table(STEPS_TABLE).await.map_err(fail)? {
        return Err(refuse(path, FOREIGN));
    }
    let applied = Migrator::get_migration_models(database).await.map_err(fail)?;
    let known = Migrator::migrations();
    let unknown = applied.iter().find(|step| !known.iter().any(|ours| ours.name() == step.version));
    if let Some(step) = unknown {
        let reason = format!("a newer hub wrote it (schema step {}); start that one", step.version);
        return Err(refuse(path, &reason));
    }
    if applied.len() < known.len() {
        migrate(database).await.map_err(|error| refuse(path, &error.to_string()))?;
    }
    Ok(())
}

/// All missing steps in one transaction: a hub that is killed meanwhile leaves the old schema.
async fn migrate(database: &DatabaseConnection) -> Result<(), StoreError> {
    let store = Store {
        read: database.clone(),
        write: database.clone(),
        file: PathBuf::new(),
        changes: Arc::default(),
    };
    let tx = store.begin().await?;
    Migrator::up(&tx.inner, None).await?;
    tx.commit().await
}

/// Checks that the file is ours before it is opened for writing, for that alone would change it.
async fn check_owner(path: &Path) -> Result<(), OpenError> {
    let fail = |error: std::io::Error| OpenError(format!("cannot read {}: {error}", path.display()));
    let mut file = File::open(path).map_err(fail)?;
    let mut header = [0_u8; HEADER_BYTES];
    if file.read_exact(&mut header).is_err() || !header.starts_with(MAGIC) {
        return Err(refuse(path, "it is empty, truncated or not an SQLite database"));
    }
    let mark = header.iter().skip(MARK_AT).take(4).fold(0, |mark, byte| (mark << 8) | u32::from(*byte));
    if mark != APPLICATION_ID && (mark != 0 || !has_our_first_step(path).await) {
        return Err(refuse(path, FOREIGN));
    }
    let mode = file.metadata().map_err(fail)?.permissions().mode();
    if mode & 0o077 != 0 {
        std::fs::set_permissions(path, Permissions::from_mode(0o600)).map_err(fail)?;
    }
    Ok(())
}

/// Whether a file without a mark was made by a hub that set none yet. It need not have what is only in its log: a
/// database is made whole before it gets its name.
async fn has_our_first_step(path: &Path) -> bool {
    let Some(first) = Migrator::migrations().into_iter().next() else { return false };
    let Ok(database) = connect(path, 1, Access::Look).await else { return false };
    let step = format!("SELECT version FROM {STEPS_TABLE} WHERE version = '{}'", first.name());
    let found = text_of(&database, &step).await;
    // Nothing was begun that closing could fail to end.
    let _ = database.close().await;
    found.is_ok_and(|found| found.is_some())
}

async fn connect(path: &Path, connections: u32, access: Access) -> Result<DatabaseConnection, DbErr> {
    // The URL only chooses the driver; the path is given as it is, so that any character may stand in it.
    let mut options = ConnectOptions::new("sqlite::memory:");
    let path = path.to_owned();
    options
        .max_connections(connections)
        .min_connections(1)
        .acquire_timeout(ACQUIRE_TIMEOUT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .sqlx_logging(false)
        // When the disk is full, SQLite undoes a transaction by itself, and the driver still counts it as begun: what
        // comes next would be nested in it and committed into the void. Such a connection is thrown away.
        .map_sqlx_sqlite_before_acquire(|connection, _| {
            Box::pin(async { Ok(!connection.is_in_transaction()) })
        })
        .map_sqlx_sqlite_opts(move |_| sqlite_options(&path, access));
    Database::connect(options).await
}

fn sqlite_options(path: &Path, access: Access) -> SqliteConnectOptions {
    let options = SqliteConnectOptions::new().filename(path).create_if_missing(false);
    if access == Access::Look {
        return options.read_only(true).immutable(true);
    }
    let options = options
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(BUSY_TIMEOUT)
        .pragma("journal_size_limit", "67108864");
    if access == Access::Read { options.pragma("query_only", "ON") } else { options }
}

async fn text_of(database: &DatabaseConnection, sql: &str) -> Result<Option<String>, DbErr> {
    let row = database.query_one_raw(Statement::from_string(database.get_database_backend(), sql)).await?;
    row.map(|row| row.try_get_by_index(0)).transpose()
}

/// The folder of a file; that of a bare name is the current one.
fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

pub(super) fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn refuse(path: &Path, reason: &str) -> OpenError {
    OpenError(format!("cannot use the database {}: {reason}; it is left as it is", path.display()))
}
