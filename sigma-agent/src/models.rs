//! How a snapshot becomes a message, and what may come of it. What is sent and received is `sigma-protocol`'s.

use std::net::IpAddr;
use std::time::Duration;

pub use sigma_protocol::{
    Acknowledgement, Address, AgentInfo, ErrorAnswer, Heartbeat, MachineEvidence, Registration, SystemInfo,
};
use sigma_protocol::{LABEL_INTERNAL, MAX_ADDRESSES, MAX_CPU_CORES, MAX_LOAD, MAX_SIZE, MAX_UPTIME_SECONDS};

use crate::system::{Disk, Memory, Snapshot, is_global};

/// What an agent says of itself, the same in every message.
#[derive(Debug, Clone)]
pub struct About {
    /// Port of the machine's SSH server.
    pub ssh_port: u16,
    /// Seconds between heartbeats.
    pub interval_seconds: u32,
}

/// What came of a message.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 200: the hub has it.
    Acknowledged(Acknowledgement),
    /// 404.
    Unknown(String),
    /// 401, 403, 410: a person must do something. Status and the hub's sentence.
    Refused(u16, String),
    /// 429, 503: later. The hub's `Retry-After`, if it said one that can be read.
    Overloaded(u16, Option<Duration>),
    /// Any other answer that a repetition would not change. Status and the hub's sentence.
    Rejected(u16, String),
    /// No answer, or one that is not a hub's.
    Unreachable(String),
}

/// The registration of a machine. `public` is an address that the machine has but cannot see.
#[must_use]
pub fn registration(
    hostname: &str,
    snapshot: &Snapshot,
    public: Option<IpAddr>,
    about: &About,
) -> Registration {
    Registration {
        hostname: hostname.to_owned(),
        ip_addresses: addresses(snapshot, public),
        ssh_port: about.ssh_port,
        system_info: system_info(snapshot),
        alias: None,
        agent: Some(agent(about)),
        machine: machine(snapshot),
    }
}

/// The heartbeat of a machine. Addresses that could not be measured are absent, for that says "as before".
#[must_use]
pub fn heartbeat(hostname: &str, snapshot: &Snapshot, public: Option<IpAddr>, about: &About) -> Heartbeat {
    let addresses = snapshot.network.is_some().then(|| addresses(snapshot, public));
    Heartbeat {
        hostname: hostname.to_owned(),
        ip_addresses: addresses.filter(|list| !list.is_empty()),
        system_info: system_info(snapshot),
        agent: Some(agent(about)),
        machine: machine(snapshot),
    }
}

/// Sorted, without duplicates, at most as many as a hub takes; of more, the public ones come first.
fn addresses(snapshot: &Snapshot, public: Option<IpAddr>) -> Vec<Address> {
    let mut all = snapshot.network.as_ref().map(|network| network.addresses.clone()).unwrap_or_default();
    all.extend(public);
    all.sort_unstable_by_key(|ip| (!is_global(*ip), *ip));
    all.dedup();
    all.truncate(MAX_ADDRESSES);
    all.sort_unstable();
    let label = |ip: IpAddr| if is_global(ip) { String::new() } else { LABEL_INTERNAL.to_owned() };
    all.into_iter().map(|ip| Address { ip, label: label(ip) }).collect()
}

/// A container without a limit shows 2^63 bytes of memory, and an uptime that ran backwards 2^64 seconds. A hub refuses the
/// whole message for one number that no machine has, so it is left out.
fn system_info(snapshot: &Snapshot) -> SystemInfo {
    let facts = &snapshot.facts;
    let memory = snapshot.memory.as_ref();
    let disk = snapshot.disk.filter(|disk| whole_gib(*disk) <= MAX_SIZE);
    SystemInfo {
        cpu_cores: facts.cpu.cores.filter(|cores| *cores <= MAX_CPU_CORES),
        ram_mb: of(memory, |m| Some(m.total_kib)),
        disk_gb: disk.map(whole_gib),
        uptime_seconds: snapshot.uptime_seconds.filter(|seconds| *seconds <= MAX_UPTIME_SECONDS),
        load_avg: snapshot.load.filter(|averages| averages.iter().all(|load| *load <= MAX_LOAD)),
        ram_used_mb: of(memory, |m| m.used_kib),
        swap_mb: of(memory, |m| m.swap_kib),
        swap_used_mb: of(memory, |m| m.swap_used_kib),
        disk_used_gb: disk.map(|disk| gib_with_one_decimal(disk.used_bytes)),
        kernel: facts.kernel.clone(),
        os: facts.os.clone(),
        arch: facts.arch.clone(),
        virtualization: facts.virtualization.map(str::to_owned),
        cpu_model: facts.cpu.model.clone(),
        vendor: facts.dmi.vendor.clone(),
        product: facts.dmi.product.clone(),
        asset_tag: facts.dmi.asset_tag.clone(),
    }
}

fn of(memory: Option<&Memory>, kib: impl Fn(&Memory) -> Option<u64>) -> Option<u64> {
    memory.and_then(kib).map(mib).filter(|size| *size <= MAX_SIZE)
}

fn mib(kib: u64) -> u64 {
    kib / 1024
}

const GIB: u64 = 1 << 30;

/// The nearest whole number, and at least 1: a disk that is there has a size.
fn whole_gib(disk: Disk) -> u64 {
    (disk.total_bytes.saturating_add(GIB / 2) / GIB).max(1)
}

fn gib_with_one_decimal(bytes: u64) -> f64 {
    let tenths = (bytes / (GIB / 100)).saturating_add(5) / 10;
    // Exact up to 400 million GiB; more is not a disk.
    f64::from(u32::try_from(tenths).unwrap_or(u32::MAX)) / 10.0
}

fn agent(about: &About) -> AgentInfo {
    AgentInfo {
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        interval_seconds: Some(about.interval_seconds),
    }
}

fn machine(snapshot: &Snapshot) -> Option<MachineEvidence> {
    let evidence =
        MachineEvidence { id: snapshot.facts.machine_id.clone(), boot_id: snapshot.facts.boot_id.clone() };
    (evidence != MachineEvidence::default()).then_some(evidence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Network;

    const ABOUT: About = About { ssh_port: 22, interval_seconds: 60 };

    fn with_addresses(list: &[&str]) -> Snapshot {
        let addresses = list.iter().map(|a| a.parse().unwrap()).collect();
        Snapshot { network: Some(Network { addresses, has_ipv4_default_route: true }), ..Snapshot::default() }
    }

    #[test]
    fn the_public_address_joins_the_list_once() {
        let snapshot = with_addresses(&["10.0.0.5", "2a01:4f9::1"]);
        let sent = registration("a", &snapshot, Some("95.216.1.2".parse().unwrap()), &ABOUT).ip_addresses;
        let text: Vec<_> = sent.iter().map(|a| format!("{} {}", a.ip, a.label)).collect();
        assert_eq!(text, ["10.0.0.5 internal", "95.216.1.2 ", "2a01:4f9::1 "]);
        let known = with_addresses(&["95.216.1.2"]);
        assert_eq!(addresses(&known, Some("95.216.1.2".parse().unwrap())).len(), 1);
    }

    #[test]
    fn of_too_many_addresses_the_public_ones_stay() {
        let list: Vec<String> = (0..80).map(|n| format!("10.0.0.{n}")).collect();
        let mut list: Vec<&str> = list.iter().map(String::as_str).collect();
        list.push("95.216.1.2");
        let sent = addresses(&with_addresses(&list), None);
        assert_eq!(sent.len(), MAX_ADDRESSES);
        assert_eq!(sent.last().map(|a| a.ip.to_string()).as_deref(), Some("95.216.1.2"));
    }

    #[test]
    fn what_was_not_measured_is_absent() {
        let beat = heartbeat("a", &Snapshot::default(), None, &ABOUT);
        assert_eq!((beat.ip_addresses, beat.system_info, beat.machine), (None, SystemInfo::default(), None));
    }

    #[test]
    fn what_no_machine_has_is_absent() {
        let total_kib = i64::MAX.unsigned_abs() / 1024;
        let snapshot = Snapshot {
            uptime_seconds: Some(u64::MAX - 7),
            load: Some([0.0, 1e7, 0.0]),
            memory: Some(Memory { total_kib, used_kib: Some(1 << 20), ..Memory::default() }),
            disk: Some(Disk { total_bytes: u64::MAX, used_bytes: GIB }),
            ..Snapshot::default()
        };
        let sent = SystemInfo { ram_used_mb: Some(1024), ..SystemInfo::default() };
        assert_eq!(system_info(&snapshot), sent);
    }

    #[test]
    fn sizes_are_rounded() {
        let disk = |total_bytes| Disk { total_bytes, used_bytes: 0 };
        assert_eq!(
            [whole_gib(disk(39 * GIB + 1)), whole_gib(disk(GIB / 4)), whole_gib(disk(GIB * 3 / 2))],
            [39, 1, 2]
        );
        assert_eq!([gib_with_one_decimal(GIB * 74 / 10), gib_with_one_decimal(GIB / 100)], [7.4, 0.0]);
    }
}
