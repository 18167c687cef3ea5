//! The Sigma hub.
//!
//! A request goes one way: `http` extracts and authorizes, `service` decides, `store` keeps, and `model` has the nouns
//! and rules that all of them speak of. `config` has every option, `commands` what is done on the command line.

#![forbid(unsafe_code)]

mod commands;
mod config;
mod http;
mod logging;
mod model;
mod service;
mod store;

use std::fmt::Display;
use std::path::Path;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

pub use config::{Command, Config, Refusal};

use model::site::PublicUrl;
use service::Hub;
use service::entrance::Doors;
use service::keys::Rotation;
use store::{Claim, Store};

/// Connections that are open at once, at most, where the system allows as many.
const MAX_CONNECTIONS: u64 = 16_384;
/// Descriptors that are needed for other things than connections.
const OWN_DESCRIPTORS: u64 = 64;
/// The last flush waits for the database, but not for ever.
const STOP_WITHIN: Duration = Duration::from_secs(2);

/// Does what the configuration says, until it is done or told to stop.
///
/// # Errors
/// A sentence for the person who started the program.
pub async fn run(config: Config) -> Result<(), String> {
    logging::start(config.log);
    if let Command::ListRoutes = config.command {
        return commands::list_routes();
    }
    // A link to an empty database beside the one that was meant would be of no use, and hard to understand.
    if matches!(config.command, Command::MakeSetupLink) && !config.database.exists() {
        return Err(format!(
            "there is no database {}; start the hub first, or say where it has its data with SIGMA_DATA_DIR or --data-dir",
            config.database.display()
        ));
    }
    let folder = config.database.parent().filter(|folder| !folder.as_os_str().is_empty());
    make_folder(folder.unwrap_or(Path::new(".")))?;
    let _claim = match config.command {
        Command::Serve => Some(Claim::to_serve(&config.database).map_err(sentence)?),
        _ => None,
    };
    let store = Store::open(&config.database).await.map_err(sentence)?;
    match &config.command {
        Command::Serve => serve(store, &config).await,
        Command::MakeSetupLink => {
            let fallback = public_url(&config, config.listen);
            commands::setup_link(store, config.public_url.clone(), fallback).await
        }
        Command::ListRoutes => Ok(()),
        Command::CreateKey { name, role, terms } => {
            commands::create_key(store, name, *role, terms.0.clone()).await
        }
        Command::RotateKey { which, overlap_hours, force } => {
            let rotation = Rotation { overlap_hours: *overlap_hours, force: *force };
            commands::rotate_key(store, which, rotation).await
        }
        Command::ListKeys => commands::list_keys(store).await,
        Command::RevokeKey { which } => commands::revoke_key(store, which).await,
    }
}

async fn serve(store: Store, config: &Config) -> Result<(), String> {
    let listen = config.listen;
    let listener = TcpListener::bind(listen).await.map_err(|error| {
        format!("cannot listen on {listen}: {error}; choose another address with SIGMA_LISTEN or --listen")
    })?;
    let address = listener.local_addr().map_err(sentence)?;
    let mut signals = (signal_of(SignalKind::terminate())?, signal_of(SignalKind::interrupt())?);
    let doors = Doors {
        public_url: public_url(config, address),
        proxies: config.trusted_proxies.clone(),
        secret_key_file: config.secret_key_file.clone(),
    };
    let hub = Hub::start(store, doors).await.map_err(sentence)?;
    let (stop_flushing, stopped) = watch::channel(false);
    let flusher = tokio::spawn(service::flush::run(hub.clone(), stopped));
    log::info!("listening on http://{address}");
    let greeting = tokio::spawn(commands::say_first_start(hub.clone(), config.print_setup_link));
    notify(&[sd_notify::NotifyState::Ready]);
    let stop = async {
        tokio::select! { _ = signals.0.recv() => {}, _ = signals.1.recv() => {} }
        log::info!("stopping");
        hub.stop_soon();
        notify(&[sd_notify::NotifyState::Stopping]);
    };
    let router = http::router(hub.clone());
    http::server::serve(listener, router, http::Patience::default(), max_connections(), stop).await;
    greeting.abort();
    let _ = stop_flushing.send(true);
    let ended = async {
        let _ = flusher.await;
        hub.stop().await;
    };
    if tokio::time::timeout(STOP_WITHIN, ended).await.is_err() {
        log::error!("the database did not take the last beats in time");
    }
    log::info!("stopped");
    Ok(())
}

/// Where persons find the hub.
fn public_url(config: &Config, listen: std::net::SocketAddr) -> PublicUrl {
    let machine = rustix::system::uname();
    let machine = machine.nodename().to_str().unwrap_or_default();
    config.public_url.clone().unwrap_or_else(|| PublicUrl::of_listener(listen, machine))
}

/// Makes the data folder, for nobody else to read.
fn make_folder(folder: &Path) -> Result<(), String> {
    use std::os::unix::fs::DirBuilderExt;
    if folder.is_dir() {
        return Ok(());
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        format!("cannot make the folder {}: {error}; choose another with SIGMA_DATA_DIR", folder.display())
    })
}

/// As many connections as the system has descriptors for, after asking for as many as it gives.
fn max_connections() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    let descriptors = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let connections = descriptors.saturating_sub(OWN_DESCRIPTORS).clamp(16, MAX_CONNECTIONS);
    usize::try_from(connections).unwrap_or(usize::MAX)
}

fn notify(state: &[sd_notify::NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        log::warn!("cannot tell the service manager: {error}");
    }
}

fn signal_of(kind: SignalKind) -> Result<Signal, String> {
    signal(kind).map_err(sentence)
}

fn sentence(error: impl Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
