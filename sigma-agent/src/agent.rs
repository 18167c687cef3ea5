//! The agent at work: what is due is measured, said and remembered; then it waits.

use std::net::IpAddr;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::client::{MAX_IDLE, Settings, SigmaClient};
use crate::config::{Config, KeySource, read_key_file};
use crate::life::{Life, Pace, State};
use crate::models::{self, About, Outcome, Registration};
use crate::nat::{Found, PublicAddress};
use crate::notify::{notify, watchdog_period};
use crate::system::{Snapshot, System, is_container_id, is_global};

/// How often a refused agent looks whether its key file has changed.
const KEY_LOOK: Duration = Duration::from_secs(5);
/// So many different complaints are remembered; an older one would be logged again.
const MAX_COMPLAINTS: usize = 8;

/// Everything that lives between two beats.
pub struct Agent {
    config: Config,
    about: About,
    system: System,
    client: SigmaClient,
    key: Option<String>,
    life: Life,
    /// Name under which the machine was last registered.
    hostname: String,
    /// Addresses of the last measurement.
    addresses: Vec<IpAddr>,
    /// What was measured at the start, for the first message.
    first: Option<Snapshot>,
    public: PublicAddress,
    found: Receiver<Found>,
    finder: Sender<Found>,
    watchdog: Option<Duration>,
    complaints: Vec<String>,
    unwell_since: Option<Instant>,
    /// What systemd was told last.
    status: String,
    has_warned_of_plain_http: bool,
}

impl Agent {
    /// An agent that has not sent anything yet.
    ///
    /// # Errors
    /// One sentence that names the setting.
    pub fn new(config: Config) -> Result<Self, String> {
        let key = match &config.key {
            KeySource::None => None,
            KeySource::Given(key) => Some(key.clone()),
            KeySource::File(path) => Some(read_key_file(path)?),
        };
        let proxy = if config.api_url.is_https { &config.proxy.https } else { &config.proxy.http };
        let client = SigmaClient::new(Settings {
            api_url: config.api_url.clone(),
            key: key.clone(),
            ca_file: config.ca_file.as_deref(),
            proxy: proxy.clone(),
            no_proxy: &config.proxy.no_proxy,
            keeps_connection: config.interval < MAX_IDLE,
        })
        .map_err(|reason| format!("SIGMA_CA_FILE (--ca-file) {reason}"))?;
        let mut system = System::new(&config.host_root);
        let snapshot = system.snapshot();
        let Some(hostname) = config.hostname.clone().or_else(|| snapshot.hostname.clone()) else {
            return Err(
                "AGENT_HOSTNAME (--hostname) is not set, and the machine has no name either".to_owned()
            );
        };
        warn_of_container(&config, &hostname, &snapshot);
        let interval_seconds = u32::try_from(config.interval.as_secs()).unwrap_or(u32::MAX);
        let (finder, found) = channel();
        Ok(Self {
            about: About { ssh_port: config.ssh_port, interval_seconds },
            system,
            client,
            key,
            life: Life::new(config.interval, Instant::now()),
            hostname,
            addresses: Vec::new(),
            first: Some(snapshot),
            public: PublicAddress::default(),
            found,
            finder,
            watchdog: watchdog_period(),
            complaints: Vec::new(),
            unwell_since: None,
            status: String::new(),
            has_warned_of_plain_http: false,
            config,
        })
    }

    /// The registration as it would be sent now.
    pub fn registration(&mut self) -> Registration {
        let snapshot = self.first.take().unwrap_or_else(|| self.system.snapshot());
        models::registration(&self.hostname, &snapshot, self.public.known(), &self.about)
    }

    /// Sends what is due and takes what came of it.
    pub fn send(&mut self) -> Outcome {
        let snapshot = self.first.take().unwrap_or_else(|| self.system.snapshot());
        self.follow_rename(&snapshot);
        self.follow_addresses(&snapshot);
        let public = self.public.known();
        let state = self.life.state();
        let outcome = if state == State::Unregistered {
            self.client.register(&models::registration(&self.hostname, &snapshot, public, &self.about))
        } else {
            self.client.heartbeat(&models::heartbeat(&self.hostname, &snapshot, public, &self.about))
        };
        let now = Instant::now();
        self.life.after(&outcome, now, chance);
        self.tell(state, &outcome, now);
        if let (Some(network), false) = (&snapshot.network, self.config.is_once) {
            self.public.consider(network, &self.config.ip_lookup, &self.finder, now);
        }
        outcome
    }

    /// Waits until the next message is due.
    pub fn wait(&mut self) {
        loop {
            let now = Instant::now();
            let mut left = self.life.due().saturating_duration_since(now);
            if let Some(period) = self.watchdog {
                // Before a message too: sending it may take longer than what is left of the period.
                notify("WATCHDOG=1");
                left = left.min(period);
            }
            if left.is_zero() {
                return;
            }
            if self.life.pace() == Pace::Refused && matches!(self.config.key, KeySource::File(_)) {
                if self.has_new_key() {
                    return self.life.retry_now(now);
                }
                left = left.min(KEY_LOOK);
            }
            match self.found.recv_timeout(left) {
                Ok(found) => {
                    if self.public.found(found) {
                        log::info!(
                            "the public address is {}",
                            found.map(|ip| ip.to_string()).unwrap_or_default()
                        );
                        self.life.register_now(Instant::now());
                    }
                }
                // We hold a sender ourselves: there is no other end to be lost.
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// A machine with another name is another record; it registers anew.
    fn follow_rename(&mut self, snapshot: &Snapshot) {
        if let (None, Some(name)) = (&self.config.hostname, &snapshot.hostname)
            && *name != self.hostname
        {
            log::info!("the machine is called {name} now, no longer {}", self.hostname);
            self.hostname.clone_from(name);
            self.life.register_now(Instant::now());
        }
    }

    /// A connection from an address that the machine had may be dead without our knowing; another is made.
    fn follow_addresses(&mut self, snapshot: &Snapshot) {
        let addresses = snapshot.network.as_ref().map(|network| &network.addresses);
        if let Some(addresses) = addresses.filter(|now| **now != self.addresses) {
            self.addresses.clone_from(addresses);
            self.client.disconnect();
        }
    }

    /// Reads the key file again. Whether there is another key in it.
    fn has_new_key(&mut self) -> bool {
        let KeySource::File(path) = &self.config.key else { return false };
        match read_key_file(path) {
            Ok(key) if self.key.as_ref() != Some(&key) => {
                log::info!("there is another key in {}; trying it", path.display());
                self.client.set_key(Some(&key));
                self.key = Some(key);
                true
            }
            Ok(_) => false,
            Err(reason) => {
                log::debug!("the key file {reason}");
                false
            }
        }
    }

    /// Says what an operator cares about, once.
    fn tell(&mut self, state: State, outcome: &Outcome, now: Instant) {
        self.warn_of_plain_http();
        let hub = &self.config.api_url;
        let again = if self.config.is_once { "" } else { "; trying again" };
        let complaint = match outcome {
            Outcome::Acknowledged(record) => {
                return self.tell_success(state, &record.id, now);
            }
            Outcome::Unknown(_) if state != State::Unregistered => {
                let again = if self.config.is_once { "" } else { "; registering again" };
                return log::info!("the hub does not know {} any more{again}", self.hostname);
            }
            Outcome::Unknown(reason) => {
                format!("{hub} does not take registrations (404: {reason}); is SIGMA_API_URL right?")
            }
            Outcome::Refused(401, _) if self.key.is_none() => {
                "the hub wants a key (401), and none is set; put one into SIGMA_API_KEY or a file that \
                 SIGMA_API_KEY_FILE names"
                    .to_owned()
            }
            Outcome::Refused(401, reason) => format!(
                "the hub refuses the key (401: {reason}); create another in the hub and put it into {}",
                match &self.config.key {
                    KeySource::File(path) => path.display().to_string(),
                    _ => "SIGMA_API_KEY, and start the agent again".to_owned(),
                }
            ),
            Outcome::Refused(410, reason) => {
                format!(
                    "the machine was deleted in the hub (410: {reason}); restore it there, or stop this agent"
                )
            }
            Outcome::Refused(status, reason) => {
                format!(
                    "the hub does not let this key report ({status}: {reason}); use a key of the role agent"
                )
            }
            Outcome::Overloaded(status, _) => format!("the hub is overloaded ({status}){again}"),
            Outcome::Rejected(status, reason) => {
                format!("the hub does not accept the report ({status}: {reason})")
            }
            Outcome::Unreachable(reason) => format!("reporting to {hub} failed: {reason}{again}"),
        };
        if matches!(outcome, Outcome::Unreachable(_)) {
            self.public.doubt();
        }
        self.complain(complaint, matches!(outcome, Outcome::Refused(..)), now);
    }

    fn tell_success(&mut self, state: State, id: &str, now: Instant) {
        if state == State::Unregistered {
            log::info!("registered as {} ({id}) at {}", self.hostname, self.config.api_url);
        } else {
            log::debug!("heartbeat acknowledged");
        }
        if let Some(since) = self.unwell_since.take() {
            log::info!("the hub takes reports again after {} s", now.duration_since(since).as_secs());
        } else if state != State::Unregistered {
            return;
        }
        self.complaints.clear();
        self.set_status(format!("{} reports to {}", self.hostname, self.config.api_url));
    }

    /// A complaint is logged once, until the hub is well again.
    fn complain(&mut self, complaint: String, is_error: bool, now: Instant) {
        self.unwell_since.get_or_insert(now);
        if self.complaints.contains(&complaint) {
            log::debug!("{complaint}");
        } else {
            log::log!(if is_error { log::Level::Error } else { log::Level::Warn }, "{complaint}");
            if self.complaints.len() >= MAX_COMPLAINTS {
                self.complaints.remove(0);
            }
            self.complaints.push(complaint.clone());
        }
        self.set_status(complaint);
    }

    fn set_status(&mut self, status: String) {
        if status != self.status {
            notify(&format!("STATUS={status}"));
            self.status = status;
        }
    }

    fn warn_of_plain_http(&mut self) {
        let Some(peer) = self.client.plain_peer().filter(|_| !self.has_warned_of_plain_http) else { return };
        // Behind a proxy the way goes on to wherever the hub is; only an address tells that it stays near.
        let hub = self.config.api_url.host.parse::<IpAddr>();
        let leaves = if self.client.is_proxied() { hub.map_or(true, is_global) } else { is_global(peer) };
        if leaves {
            self.has_warned_of_plain_http = true;
            log::warn!(
                "the key goes to {} over http, where everybody on the way can read it; use https",
                self.config.api_url.host
            );
        }
    }
}

/// A container reports itself instead of its host unless it is told otherwise; that is seldom what was meant.
fn warn_of_container(config: &Config, hostname: &str, snapshot: &Snapshot) {
    let has_host_root = config.host_root != Path::new("/");
    let is_container = snapshot.facts.virtualization == Some("container") && !has_host_root;
    let is_nameless =
        config.hostname.is_none() && is_container_id(hostname) && (is_container || has_host_root);
    let is_bridged = is_container
        && snapshot.network.as_ref().is_some_and(|network| {
            !network.addresses.is_empty() && network.addresses.iter().all(is_of_engine)
        });
    if is_nameless || is_bridged {
        log::warn!(
            "this is a container that reports {} instead of its host's; to report the host, start it with \
             --network host --uts host -v /:/host:ro -e AGENT_HOST_ROOT=/host{}",
            match (is_nameless, is_bridged) {
                (true, true) => format!("its own name {hostname} and its own addresses"),
                (true, false) => format!("its own name {hostname}"),
                _ => "its own addresses".to_owned(),
            },
            if is_nameless { ", or set AGENT_HOSTNAME" } else { "" }
        );
    }
}

/// Whether an address is of the networks that Docker (172.17/16 to 172.31/16) and Podman (10.88/16) give to containers
/// by default. Only asked inside a container: elsewhere these are networks like any other.
fn is_of_engine(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => matches!(v4.octets(), [172, 17..=31, ..] | [10, 88, ..]),
        IpAddr::V6(_) => !is_global(*address),
    }
}

/// Evenly spread over 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 4];
    // The kernel has randomness or does not start programs; without, there is just no spread.
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).unwrap_or_default();
    f64::from(u32::from_ne_bytes(bytes)) / f64::from(u32::MAX)
}
