//! A simulated machine: what it is, what its agent says of it, and what becomes of it.

use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use sigma_protocol::{
    Address, AgentInfo, Heartbeat, LABEL_INTERNAL, MachineEvidence, Registration, SystemInfo,
};

use crate::chance::Chance;
use crate::offers::OFFERS;

/// What happens to a machine, again and again or once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    Steady,
    /// Goes silent now and then, and comes back.
    Flaky,
    /// Goes silent and stays so.
    Dying,
    /// Gets another address.
    Moving,
    Rebooting,
    /// Is silent for a while, and then another machine under the same name.
    Reinstalled,
    /// Gets another hostname while it runs.
    Renamed,
    /// Gets another kernel and agent.
    Upgraded,
}

/// A machine.
#[derive(Debug, Clone)]
pub(crate) struct Machine {
    pub(crate) hostname: String,
    pub(crate) addresses: Vec<Address>,
    pub(crate) ssh_port: u16,
    /// What was measured and does not move.
    pub(crate) facts: SystemInfo,
    pub(crate) interval_seconds: u32,
    /// Agents of the first days say neither who they are nor which machine it is, and name addresses only once.
    pub(crate) is_old: bool,
    pub(crate) agent_version: &'static str,
    pub(crate) machine_id: String,
    pub(crate) boot_id: String,
    pub(crate) booted: Instant,
    pub(crate) uptime_before: u64,
    load: f64,
    memory: f64,
    disk: f64,
    pub(crate) life: Life,
    /// Number of the provider and of one of its places.
    pub(crate) offer: usize,
    pub(crate) place: usize,
    /// What a person says of it, for `PUT /api/vps/{id}`.
    pub(crate) edit: Map<String, Value>,
    pub(crate) is_assigned: bool,
    /// What a person does to it afterwards: `retire` or `delete`.
    pub(crate) fate: Option<&'static str>,
    pub(crate) chance: Chance,
}

impl Machine {
    /// A machine that has run for a while.
    pub(crate) fn new(hostname: String, offer: usize, place: usize, mut chance: Chance) -> Self {
        Self {
            hostname,
            addresses: Vec::new(),
            ssh_port: 22,
            facts: SystemInfo::default(),
            interval_seconds: 60,
            is_old: false,
            agent_version: "0.1.0",
            machine_id: chance.hex(64),
            boot_id: chance.uuid(),
            booted: Instant::now(),
            uptime_before: u64::from(chance.between(3600, 200 * 86_400)),
            load: chance.fraction() * 0.8,
            memory: 0.2 + chance.fraction() * 0.5,
            disk: 0.1 + chance.fraction() * 0.7,
            life: Life::Steady,
            offer,
            place,
            edit: Map::new(),
            is_assigned: false,
            fate: None,
            chance,
        }
    }

    /// What its agent says when it starts.
    pub(crate) fn registration(&mut self) -> Registration {
        Registration {
            hostname: self.hostname.clone(),
            ip_addresses: self.sorted_addresses(),
            ssh_port: self.ssh_port,
            system_info: self.measured(),
            alias: None,
            agent: self.agent(),
            machine: self.evidence(),
        }
    }

    /// What its agent says every interval.
    pub(crate) fn heartbeat(&mut self) -> Heartbeat {
        Heartbeat {
            hostname: self.hostname.clone(),
            ip_addresses: (!self.is_old).then(|| self.sorted_addresses()),
            system_info: self.measured(),
            agent: self.agent(),
            machine: self.evidence(),
        }
    }

    fn sorted_addresses(&self) -> Vec<Address> {
        let mut addresses = self.addresses.clone();
        addresses.sort();
        addresses
    }

    fn agent(&self) -> Option<AgentInfo> {
        let version = Some(self.agent_version.to_owned());
        (!self.is_old).then_some(AgentInfo { version, interval_seconds: Some(self.interval_seconds) })
    }

    fn evidence(&self) -> Option<MachineEvidence> {
        let (id, boot_id) = (Some(self.machine_id.clone()), Some(self.boot_id.clone()));
        (!self.is_old).then_some(MachineEvidence { id, boot_id })
    }

    /// The facts with load, memory and disk as they are now: each goes a little up or down.
    fn measured(&mut self) -> SystemInfo {
        let chance = &mut self.chance;
        let mut step = |value: f64, by: f64, least: f64, most: f64| {
            (value + (chance.fraction() - 0.5) * by).clamp(least, most)
        };
        let cores = f64::from(self.facts.cpu_cores.unwrap_or(1));
        let before = self.load;
        self.load = step(self.load, 0.4 * cores, 0.0, 3.0 * cores);
        self.memory = step(self.memory, 0.04, 0.1, 0.98);
        self.disk = step(self.disk, 0.002, 0.05, 0.97);
        let two_digits = |value: f64| (value * 100.0).round() / 100.0;
        let mut info = self.facts.clone();
        info.uptime_seconds = Some(self.uptime_before + self.booted.elapsed().as_secs());
        info.load_avg = Some([self.load, (self.load + before) / 2.0, before].map(two_digits));
        if !self.is_old {
            info.ram_used_mb = info.ram_mb.map(|ram| part(ram, self.memory));
            info.swap_used_mb = info.swap_mb.map(|swap| part(swap, self.memory / 4.0));
            info.disk_used_gb = info.disk_gb.map(|disk| {
                let tenths = part(disk.saturating_mul(10), self.disk);
                f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
            });
        }
        info
    }

    /// It starts anew: another boot, and an agent that registers.
    pub(crate) fn reboot(&mut self) {
        self.boot_id = self.chance.uuid();
        self.booted = Instant::now();
        // Less than the shortest silence: it did not run before it was last seen.
        self.uptime_before = u64::from(self.chance.between(1, 4));
    }

    /// Another system is put on it: nothing but its name and addresses stays.
    pub(crate) fn reinstall(&mut self) {
        self.reboot();
        self.machine_id = self.chance.hex(64);
        self.facts.os = Some("Debian GNU/Linux 13 (trixie)".to_owned());
        self.facts.kernel = Some("6.12.9-amd64".to_owned());
    }

    /// The provider gives it another public address; what it has inside stays.
    pub(crate) fn renumber(&mut self) {
        let Some(offer) = OFFERS.get(self.offer) else { return };
        let Some(ip) = offer.ipv4(self.place, &mut self.chance) else { return };
        if let Some(address) =
            self.addresses.iter_mut().find(|address| address.ip.is_ipv4() && address.label != LABEL_INTERNAL)
        {
            address.ip = ip;
        }
    }

    /// How long it is silent when something happens to it.
    pub(crate) fn silence(&mut self) -> Duration {
        let seconds = match self.life {
            Life::Flaky => self.chance.between(30, 480),
            Life::Rebooting => self.chance.between(5, 40),
            // Longer than it takes until it counts as silent.
            Life::Reinstalled => 2 * self.interval_seconds + self.chance.between(20, 60),
            _ => 0,
        };
        Duration::from_secs(seconds.into())
    }
}

fn part(of: u64, share: f64) -> u64 {
    let share = Duration::from_secs(of).mul_f64(share);
    share.as_secs()
}
