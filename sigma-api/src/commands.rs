//! What is done on the command line: stdout has the result alone, stderr everything else.

use std::io::Write;

use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::{self, access};
use crate::store::Store;

/// Makes a key and prints it. One that nobody saw is revoked again.
///
/// # Errors
/// A sentence.
pub(crate) async fn create_key(store: Store, name: &str, role: Role) -> Result<(), String> {
    let key = access::create_key(&store, Timestamp::now(), name, role).await.map_err(sentence)?;
    let printed = match print(key.reveal()) {
        Ok(()) => Ok(()),
        Err(unseen) => Err(match access::revoke_key(&store, Timestamp::now(), &key.prefix()).await {
            Ok(_) => format!("{unseen}; the key {}… is revoked again", key.prefix()),
            Err(error) => format!("{unseen}; revoke the key {}… yourself: {}", key.prefix(), sentence(error)),
        }),
    };
    store.close().await;
    printed?;
    log::info!("made the key {}… of the role {}; it is shown this once", key.prefix(), role.name());
    Ok(())
}

/// Prints a line per key.
///
/// # Errors
/// A sentence.
pub(crate) async fn list_keys(store: Store) -> Result<(), String> {
    let keys = access::list_keys(&store).await.map_err(sentence)?;
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
    let key = access::revoke_key(&store, Timestamp::now(), which).await.map_err(sentence)?;
    store.close().await;
    log::info!("revoked the key {} ({}, {})", key.prefix, key.role.name(), key.name);
    Ok(())
}

/// What a person can do something with; what the driver says is for those who look for mistakes.
fn sentence(error: service::Error) -> String {
    if let service::Error::Unavailable(cause) = error {
        log::debug!("the database cannot be used: {cause}");
        return "the database is locked, full or read-only at the moment; nothing was changed, try again soon"
            .to_owned();
    }
    error.to_string()
}

fn print(line: &str) -> Result<(), String> {
    writeln!(std::io::stdout().lock(), "{line}").map_err(|error| format!("cannot print: {error}"))
}
