//! What a running hub keeps about those who come in: its address, open sessions, guesses, tickets.

use std::path::PathBuf;

use tokio::sync::Mutex;

use super::passwords::Passwords;
use super::sessions::SessionCache;
use super::throttle::Throttle;
use super::tickets::Tickets;
use super::vault::Vault;
use crate::model::site::{Networks, PublicUrl};

/// What the configuration says about it.
#[derive(Debug, Clone)]
pub(crate) struct Doors {
    /// Where persons find the hub.
    pub(crate) public_url: PublicUrl,
    /// Proxies that say truly for whom they speak.
    pub(crate) proxies: Networks,
    /// Where the key of the vault is.
    pub(crate) secret_key_file: PathBuf,
}

/// Everything about coming in.
#[derive(Debug)]
pub(crate) struct Entrance {
    pub(crate) public_url: PublicUrl,
    pub(crate) proxies: Networks,
    pub(crate) sessions: SessionCache,
    pub(crate) throttle: Throttle,
    pub(crate) passwords: Passwords,
    pub(crate) tickets: Tickets,
    pub(crate) vault: Vault,
    /// Links are followed one after the other: only the first of a crowd costs a hashing.
    pub(crate) links: Mutex<()>,
}

impl Entrance {
    /// As the configuration says.
    pub(crate) fn new(doors: Doors) -> Self {
        Self {
            public_url: doors.public_url,
            proxies: doors.proxies,
            sessions: SessionCache::default(),
            throttle: Throttle::default(),
            passwords: Passwords::default(),
            tickets: Tickets::default(),
            vault: Vault::new(doors.secret_key_file),
            links: Mutex::default(),
        }
    }
}
