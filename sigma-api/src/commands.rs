//! What is done on the command line: stdout has the result alone, stderr everything else.

use std::fs::File;
use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

use crate::model::audit::Actor;
use crate::model::key::Role;
use crate::model::key_terms::Terms;
use crate::model::site::PublicUrl;
use crate::model::time::Timestamp;
use crate::service::keys::Rotation;
use crate::service::setup::{self, FirstStart};
use crate::service::{self, Hub, keys};
use crate::store::Store;

/// The fact where the hub that runs is found.
const ORIGIN: &str = "origin";

/// Makes a key and prints it. One that nobody saw is revoked again.
///
/// # Errors
/// A sentence.
pub(crate) async fn create_key(store: Store, name: &str, role: Role, terms: Terms) -> Result<(), String> {
    let made = keys::create_key(&store, Timestamp::now(), &Actor::hub(), name, role, terms).await;
    let (record, key) = made.map_err(sentence)?;
    let printed = match print(key.reveal()) {
        Ok(()) => Ok(()),
        Err(unseen) => Err(match keys::revoke(&store, Timestamp::now(), &Actor::hub(), record.id).await {
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
    let keys = keys::list_keys(&store).await.map_err(sentence)?;
    store.close().await;
    for key in keys {
        let used = key.last_used_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
        let state = match (key.revoked_at, key.terms.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) if at <= Timestamp::now() => format!("expired {at}"),
            (None, Some(at)) => format!("valid until {at}"),
            (None, None) => "valid".to_owned(),
        };
        let (role, made) = (key.role.name(), key.created_at);
        let former = key.previous_prefix.as_ref().zip(key.overlaps_until(Timestamp::now()));
        let former =
            former.map(|(prefix, until)| format!("  {prefix} valid until {until}")).unwrap_or_default();
        print(&format!(
            "{}  {role:<8}  made {made}  used {used}  {state}{former}  {}  {}",
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
    let found = keys::find_key(&store, which).await.map_err(sentence)?;
    let key = keys::revoke(&store, Timestamp::now(), &Actor::hub(), found.id).await.map_err(sentence)?;
    store.close().await;
    log::info!("revoked the key {} ({}, {})", key.prefix, key.role.name(), key.name);
    Ok(())
}

/// Gives a key another secret and prints it. One that nobody saw is taken back.
///
/// # Errors
/// A sentence.
pub(crate) async fn rotate_key(store: Store, which: &str, rotation: Rotation) -> Result<(), String> {
    let found = keys::find_key(&store, which).await.map_err(sentence)?;
    let (now, hub) = (Timestamp::now(), Actor::hub());
    let rotated = keys::rotate_key(&store, now, &hub, found.id, rotation).await;
    let (until, key) = rotated.map_err(sentence)?;
    let printed = match print(key.reveal()) {
        Ok(()) => Ok(()),
        Err(unseen) => Err(match keys::undo_rotation(&store, Timestamp::now(), &hub, found.id, &key).await {
            Ok(()) => format!("{unseen}; {}… stays the key", found.prefix),
            Err(error) => format!("{unseen}; rotate the key {}… again: {}", key.prefix(), sentence(error)),
        }),
    };
    store.close().await;
    printed?;
    log::info!("{}… takes the place of {}…, which is valid until {until}", key.prefix(), found.prefix);
    Ok(())
}

/// Prints a link that makes an administrator: to `url`, or to where the hub that runs says it is found.
///
/// # Errors
/// A sentence.
pub(crate) async fn setup_link(
    store: Store,
    configured: Option<PublicUrl>,
    fallback: PublicUrl,
) -> Result<(), String> {
    let served = store.fact(ORIGIN).await.map_err(|error| sentence(error.into()))?;
    let served = served.and_then(|origin| PublicUrl::parse(&origin));
    let url = &configured.or(served).unwrap_or(fallback);
    let link = setup::make_link(&store, Timestamp::now(), url).await.map_err(sentence)?;
    store.close().await;
    print(&link)?;
    log::info!("whoever opens this link first becomes an administrator; it is good once, for an hour");
    Ok(())
}

/// Says on the terminal how the first administrator is made, while there is none. Not in the log, which many can read.
/// What is no terminal may be kept: there the link is printed only if the configuration says so, and never for systemd.
pub(crate) async fn say_first_start(hub: Hub, to_pipes: bool) {
    let again = "make a link for one with: sigma-api setup-link";
    let (store, url) = (&hub.store, &hub.entrance.public_url);
    if let Err(error) = store.put_fact(ORIGIN, url.origin()).await {
        log::warn!("sigma-api setup-link may print another address: {error}");
    }
    let stdout = std::io::stdout();
    let is_kept = is_journal(&stdout) || !(to_pipes || stdout.is_terminal());
    let stands = if is_kept {
        setup::stands(store).await
    } else {
        setup::first_start(store, Timestamp::now(), url).await
    };
    let said = match stands {
        Ok(FirstStart::Link(link)) => print(&format!("Make the first administrator: {link}")),
        Ok(FirstStart::Nobody) if !is_kept => print(&format!("There is no administrator yet; {again}")),
        Ok(FirstStart::Nobody) => Err("there is no administrator yet".to_owned()),
        Ok(FirstStart::Ready) => Ok(()),
        Err(error) => Err(sentence(error)),
    };
    if let Err(unsaid) = said {
        log::info!("{unsaid}; while there is no administrator, {again}");
    }
}

/// Whether what is printed there goes to systemd's journal, which names its end in `JOURNAL_STREAM`. The variable alone
/// says nothing: terminals of a desktop session inherit it.
fn is_journal(output: &impl AsFd) -> bool {
    let Some(journal) = std::env::var("JOURNAL_STREAM").ok() else { return false };
    let end = output.as_fd().try_clone_to_owned().and_then(|end| File::from(end).metadata());
    end.is_ok_and(|end| journal == format!("{}:{}", end.dev(), end.ino()))
}

/// Prints every URL and who may call it.
///
/// # Errors
/// A sentence.
pub(crate) fn list_routes() -> Result<(), String> {
    crate::http::list_routes().iter().try_for_each(|line| print(line))
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
