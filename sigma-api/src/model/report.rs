//! What an agent says, once it has been checked. A value that breaks a rule is refused by name; of those
//! that keep them only addresses of IPv4 in the form of IPv6 are altered, to what they are.

use std::time::Duration;

use sigma_protocol::{
    Address, AgentInfo, Heartbeat, MAX_ADDRESSES, MAX_CPU_CORES, MAX_HOSTNAME_CHARS, MAX_INTERVAL_SECONDS,
    MAX_LOAD, MAX_SIZE, MAX_TEXT_CHARS, MAX_UPTIME_SECONDS, MachineEvidence, Registration, SystemInfo,
    is_hostname,
};

use super::audit::Changes;
use super::identity::Face;
use super::text::{Invalid, check_text};
use super::time::Timestamp;

const MAX_LABEL_CHARS: usize = 64;

/// A registration or a heartbeat that keeps every rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Report {
    /// Name of the machine.
    pub(crate) hostname: String,
    /// All its addresses, sorted, each once; `None` leaves those that are known.
    pub(crate) addresses: Option<Vec<Address>>,
    /// What seldom changes.
    pub(crate) facts: Facts,
    /// What changes with every beat.
    pub(crate) state: State,
    /// What only a registration says.
    pub(crate) registration: Option<Enrolment>,
}

/// What only a registration says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Enrolment {
    /// Port of the SSH server.
    pub(crate) ssh_port: u16,
    /// Alias that an older agent gave, if it is not empty.
    pub(crate) alias: Option<String>,
}

/// What was measured and seldom changes. Sizes in MiB (memory) and GiB (disk).
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Facts {
    pub(crate) cpu_cores: Option<u32>,
    pub(crate) ram_mb: Option<u64>,
    pub(crate) disk_gb: Option<u64>,
    pub(crate) swap_mb: Option<u64>,
    pub(crate) kernel: Option<String>,
    pub(crate) os: Option<String>,
    pub(crate) arch: Option<String>,
    pub(crate) virtualization: Option<String>,
    pub(crate) cpu_model: Option<String>,
    pub(crate) vendor: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) asset_tag: Option<String>,
    pub(crate) agent_version: Option<String>,
    pub(crate) interval_seconds: Option<u32>,
    pub(crate) machine_id: Option<String>,
    pub(crate) boot_id: Option<String>,
}

/// What was measured and changes with every beat. Memory in MiB, disk in GiB.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) load_avg: Option<[f64; 3]>,
    pub(crate) uptime_seconds: Option<u64>,
    pub(crate) ram_used_mb: Option<u64>,
    pub(crate) swap_used_mb: Option<u64>,
    pub(crate) disk_used_gb: Option<f64>,
}

impl Report {
    /// Checks a registration.
    ///
    /// # Errors
    /// The first member that breaks a rule.
    pub(crate) fn from_registration(message: Registration) -> Result<Self, Invalid> {
        if message.ssh_port == 0 {
            return Err(Invalid::new("ssh_port", "is 1 to 65535"));
        }
        if let Some(alias) = &message.alias {
            check_text("alias", alias, MAX_TEXT_CHARS)?;
        }
        let alias = message.alias.filter(|alias| !alias.trim().is_empty());
        Ok(Self {
            hostname: checked_hostname(message.hostname)?,
            addresses: Some(checked_addresses(message.ip_addresses)?).filter(|a| !a.is_empty()),
            state: checked_state(&message.system_info)?,
            facts: checked_facts(message.system_info, message.agent, message.machine)?,
            registration: Some(Enrolment { ssh_port: message.ssh_port, alias }),
        })
    }

    /// Checks a heartbeat.
    ///
    /// # Errors
    /// The first member that breaks a rule.
    pub(crate) fn from_heartbeat(message: Heartbeat) -> Result<Self, Invalid> {
        Ok(Self {
            hostname: checked_hostname(message.hostname)?,
            addresses: message.ip_addresses.map(checked_addresses).transpose()?.filter(|a| !a.is_empty()),
            state: checked_state(&message.system_info)?,
            facts: checked_facts(message.system_info, message.agent, message.machine)?,
            registration: None,
        })
    }
}

impl Report {
    /// What the machine is known by.
    pub(crate) fn face(&self) -> Face {
        Face {
            hostname: self.hostname.clone(),
            machine_id: self.facts.machine_id.clone(),
            boot_id: self.facts.boot_id.clone(),
        }
    }

    /// When the machine booted, by the hub's clock; a report takes a while, so that it was rather earlier than later.
    pub(crate) fn booted(&self, now: Timestamp) -> Option<Timestamp> {
        let uptime = self.state.uptime_seconds.and_then(|seconds| i64::try_from(seconds).ok())?;
        Some(Timestamp::from_ms(now.ms().saturating_sub(uptime.saturating_mul(1000))))
    }
}

impl Facts {
    /// Notes which of them are others in `now`. What tells boots apart is not noted: every boot would be a line.
    pub(crate) fn note_changes(&self, now: &Self, changes: &mut Changes) {
        changes.note("cpu_cores", &self.cpu_cores, &now.cpu_cores);
        changes.note("ram_mb", &self.ram_mb, &now.ram_mb);
        changes.note("disk_gb", &self.disk_gb, &now.disk_gb);
        changes.note("swap_mb", &self.swap_mb, &now.swap_mb);
        changes.note("kernel", &self.kernel, &now.kernel);
        changes.note("os", &self.os, &now.os);
        changes.note("arch", &self.arch, &now.arch);
        changes.note("virtualization", &self.virtualization, &now.virtualization);
        changes.note("cpu_model", &self.cpu_model, &now.cpu_model);
        changes.note("vendor", &self.vendor, &now.vendor);
        changes.note("product", &self.product, &now.product);
        changes.note("asset_tag", &self.asset_tag, &now.asset_tag);
        changes.note("agent_version", &self.agent_version, &now.agent_version);
        changes.note("interval_seconds", &self.interval_seconds, &now.interval_seconds);
    }

    /// These facts, with `earlier` ones where these say nothing: a measurement that failed takes nothing away.
    pub(crate) fn or(self, earlier: Self) -> Self {
        Self {
            cpu_cores: self.cpu_cores.or(earlier.cpu_cores),
            ram_mb: self.ram_mb.or(earlier.ram_mb),
            disk_gb: self.disk_gb.or(earlier.disk_gb),
            swap_mb: self.swap_mb.or(earlier.swap_mb),
            kernel: self.kernel.or(earlier.kernel),
            os: self.os.or(earlier.os),
            arch: self.arch.or(earlier.arch),
            virtualization: self.virtualization.or(earlier.virtualization),
            cpu_model: self.cpu_model.or(earlier.cpu_model),
            vendor: self.vendor.or(earlier.vendor),
            product: self.product.or(earlier.product),
            asset_tag: self.asset_tag.or(earlier.asset_tag),
            agent_version: self.agent_version.or(earlier.agent_version),
            interval_seconds: self.interval_seconds.or(earlier.interval_seconds),
            machine_id: self.machine_id.or(earlier.machine_id),
            boot_id: self.boot_id.or(earlier.boot_id),
        }
    }

    /// The interval that the agent keeps, if it says so.
    pub(crate) fn interval(&self) -> Option<Duration> {
        self.interval_seconds.map(|seconds| Duration::from_secs(u64::from(seconds)))
    }
}

fn checked_hostname(hostname: String) -> Result<String, Invalid> {
    if is_hostname(&hostname) {
        return Ok(hostname);
    }
    let rule = format!(
        "has 1 to {MAX_HOSTNAME_CHARS} characters, each a letter or digit of ASCII, a dot, a hyphen or an underscore"
    );
    Err(Invalid::new("hostname", rule))
}

/// Sorted, each address once: two interfaces may carry the same one, and an agent that says so twice is not wrong.
fn checked_addresses(mut addresses: Vec<Address>) -> Result<Vec<Address>, Invalid> {
    if addresses.len() > MAX_ADDRESSES {
        let rule = format!("has {} entries; at most {MAX_ADDRESSES} are accepted", addresses.len());
        return Err(Invalid::new("ip_addresses", rule));
    }
    addresses.iter_mut().for_each(|address| address.ip = address.ip.to_canonical());
    for (index, address) in addresses.iter().enumerate() {
        if address.ip.is_unspecified() || address.ip.is_multicast() {
            return Err(Invalid::new(format!("ip_addresses[{index}].ip"), "is not the address of a machine"));
        }
        // Agents of today say nothing or "internal"; to older ones a label is any text.
        check_text(&format!("ip_addresses[{index}].label"), &address.label, MAX_LABEL_CHARS)?;
    }
    addresses.sort();
    addresses.dedup_by(|a, b| a.ip == b.ip);
    Ok(addresses)
}

fn checked_state(info: &SystemInfo) -> Result<State, Invalid> {
    for (index, load) in info.load_avg.iter().flatten().enumerate() {
        within_f64(&format!("system_info.load_avg[{index}]"), *load, MAX_LOAD)?;
    }
    at_most("system_info.uptime_seconds", info.uptime_seconds, MAX_UPTIME_SECONDS)?;
    at_most("system_info.ram_used_mb", info.ram_used_mb, MAX_SIZE)?;
    at_most("system_info.swap_used_mb", info.swap_used_mb, MAX_SIZE)?;
    if let Some(used) = info.disk_used_gb {
        #[expect(clippy::cast_precision_loss, reason = "2^31 is exact in a double")]
        within_f64("system_info.disk_used_gb", used, MAX_SIZE as f64)?;
    }
    Ok(State {
        load_avg: info.load_avg,
        uptime_seconds: info.uptime_seconds,
        ram_used_mb: info.ram_used_mb,
        swap_used_mb: info.swap_used_mb,
        disk_used_gb: info.disk_used_gb,
    })
}

fn checked_facts(
    info: SystemInfo,
    agent: Option<AgentInfo>,
    machine: Option<MachineEvidence>,
) -> Result<Facts, Invalid> {
    let (agent, machine) = (agent.unwrap_or_default(), machine.unwrap_or_default());
    if info.cpu_cores.is_some_and(|cores| !(1..=MAX_CPU_CORES).contains(&cores)) {
        return Err(Invalid::new("system_info.cpu_cores", format!("is 1 to {MAX_CPU_CORES}")));
    }
    at_most("system_info.ram_mb", info.ram_mb, MAX_SIZE)?;
    at_most("system_info.disk_gb", info.disk_gb, MAX_SIZE)?;
    at_most("system_info.swap_mb", info.swap_mb, MAX_SIZE)?;
    if agent.interval_seconds.is_some_and(|seconds| !(1..=MAX_INTERVAL_SECONDS).contains(&seconds)) {
        return Err(Invalid::new("agent.interval_seconds", format!("is 1 to {MAX_INTERVAL_SECONDS}")));
    }
    if machine.id.as_ref().is_some_and(|id| id.len() != 64 || !id.bytes().all(|b| b.is_ascii_hexdigit())) {
        return Err(Invalid::new("machine.id", "has 64 hexadecimal digits"));
    }
    Ok(Facts {
        cpu_cores: info.cpu_cores,
        ram_mb: info.ram_mb,
        disk_gb: info.disk_gb,
        swap_mb: info.swap_mb,
        kernel: checked_text("system_info.kernel", info.kernel)?,
        os: checked_text("system_info.os", info.os)?,
        arch: checked_text("system_info.arch", info.arch)?,
        virtualization: checked_text("system_info.virtualization", info.virtualization)?,
        cpu_model: checked_text("system_info.cpu_model", info.cpu_model)?,
        vendor: checked_text("system_info.vendor", info.vendor)?,
        product: checked_text("system_info.product", info.product)?,
        asset_tag: checked_text("system_info.asset_tag", info.asset_tag)?,
        agent_version: checked_text("agent.version", agent.version)?,
        interval_seconds: agent.interval_seconds,
        machine_id: machine.id,
        boot_id: checked_text("machine.boot_id", machine.boot_id)?,
    })
}

/// Text within its bounds; an empty one says nothing and is absent.
fn checked_text(field: &str, text: Option<String>) -> Result<Option<String>, Invalid> {
    let text = text.filter(|text| !text.is_empty());
    if let Some(text) = &text {
        check_text(field, text, MAX_TEXT_CHARS)?;
    }
    Ok(text)
}

fn at_most(field: &str, value: Option<u64>, max: u64) -> Result<(), Invalid> {
    match value {
        Some(value) if value > max => Err(Invalid::new(field, format!("is 0 to {max}"))),
        _ => Ok(()),
    }
}

fn within_f64(field: &str, value: f64, max: f64) -> Result<(), Invalid> {
    if (0.0..=max).contains(&value) {
        return Ok(());
    }
    Err(Invalid::new(field, format!("is 0 to {max}")))
}

#[cfg(test)]
mod tests;
