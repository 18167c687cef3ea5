//! What is done on the command line: stdout has the result alone, stderr everything else.

use std::io::Write;

use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::access;
use crate::store::Store;

/// Makes a key and prints it.
///
/// # Errors
/// A sentence.
pub(crate) async fn create_key(store: Store, name: &str, role: Role) -> Result<(), String> {
    let key =
        access::create_key(&store, Timestamp::now(), name, role).await.map_err(|error| error.to_string())?;
    store.close().await;
    log::info!("made the key {}… of the role {}; it is shown this once", key.prefix(), role.name());
    print(key.reveal())
}

/// Prints a line per key.
///
/// # Errors
/// A sentence.
pub(crate) async fn list_keys(store: Store) -> Result<(), String> {
    let keys = access::list_keys(&store).await.map_err(|error| error.to_string())?;
    store.close().await;
    for key in keys {
        let used = key.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let state = key.revoked_at.map_or_else(|| "valid".to_owned(), |at| format!("revoked {at}"));
        let (role, made) = (key.role.name(), key.created_at);
        print(&format!(
            "{}  {role:<8}  made {made}  used {used}  {state}  {}  {}",
            key.prefix, key.id, key.name
        ))?;
    }
    Ok(())
}

/// Revokes a key.
///
/// # Errors
/// A sentence.
pub(crate) async fn revoke_key(store: Store, which: &str) -> Result<(), String> {
    let key = access::revoke_key(&store, Timestamp::now(), which).await.map_err(|error| error.to_string())?;
    store.close().await;
    log::info!("revoked the key {} ({}, {})", key.prefix, key.role.name(), key.name);
    Ok(())
}

fn print(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(|error| format!("cannot print: {error}"))
}
