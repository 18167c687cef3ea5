//! The agent protocol: every message once, with its paths and header names.
//!
//! Both sides stay compatible with older ones: unknown members are ignored, members that are new are optional
//! and omitted when absent, and `fixtures/` holds one golden JSON per message and per older form.

#![forbid(unsafe_code)]

mod lenient;

use std::net::IpAddr;

use serde::{Deserialize, Deserializer, Serialize};

pub use lenient::Object;

/// Header that carries the key of an agent or of a client.
pub const API_KEY_HEADER: &str = "X-Api-Key";
/// Path of the registration below the base URL (`SIGMA_API_URL`, which ends in `/api`).
pub const REGISTER_PATH: &str = "/agent/register";
/// Path of the heartbeat below the base URL.
pub const HEARTBEAT_PATH: &str = "/agent/heartbeat";
/// Label of an address that is not globally reachable.
pub const LABEL_INTERNAL: &str = "internal";
/// A registration or heartbeat carries at most so many addresses.
pub const MAX_ADDRESSES: usize = 64;
/// A request body is at most so many bytes.
pub const MAX_BODY_BYTES: usize = 64 * 1024;
/// A hostname has 1 to this many characters.
pub const MAX_HOSTNAME_CHARS: usize = 253;

/// A text member has at most this many characters, none of them a control character.
pub const MAX_TEXT_CHARS: usize = 256;
/// A machine has at most so many logical processors.
pub const MAX_CPU_CORES: u32 = 65_536;
/// Memory and swap in MiB, and disks in GiB, are at most this much: 2 EiB of disk, within every number type of a client.
pub const MAX_SIZE: u64 = 1 << 31;
/// Uptime in seconds is at most a hundred years.
pub const MAX_UPTIME_SECONDS: u64 = 100 * 366 * 86_400;
/// A load average is at most this much.
pub const MAX_LOAD: f64 = 1e6;
/// The longest time between two heartbeats, in seconds.
pub const MAX_INTERVAL_SECONDS: u32 = 86_400;

/// Whether `hostname` is one that a hub accepts: 1 to 253 letters, digits, dots, hyphens and underscores of ASCII.
#[must_use]
pub fn is_hostname(hostname: &str) -> bool {
    (1..=MAX_HOSTNAME_CHARS).contains(&hostname.len())
        && hostname.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
}

/// Whether `c` may break a line, a terminal or the reading direction of what stands beside it, or cannot be seen: control
/// characters, marks of direction and characters without width.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// `POST {base}/agent/register`: sent at start, and whenever the hub does not know the machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Registration {
    /// Name of the machine; the hub matches by it, compared exactly.
    pub hostname: String,
    /// All addresses of the machine, sorted, without duplicates.
    #[serde(default, deserialize_with = "lenient::objects_or_none")]
    pub ip_addresses: Vec<Address>,
    /// Port where the machine's SSH server listens.
    #[serde(default = "default_ssh_port", deserialize_with = "ssh_port")]
    pub ssh_port: u16,
    /// What was measured; a measurement that failed is absent.
    #[serde(default, deserialize_with = "lenient::object_or_default")]
    pub system_info: SystemInfo,
    /// Older agents may name an alias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Who reports.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::object")]
    pub agent: Option<AgentInfo>,
    /// Evidence of identity.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::object")]
    pub machine: Option<MachineEvidence>,
}

fn default_ssh_port() -> u16 {
    22
}

fn ssh_port<'de, D: Deserializer<'de>>(from: D) -> Result<u16, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_else(default_ssh_port))
}

/// `POST {base}/agent/heartbeat`: sent every interval. It never creates a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Heartbeat {
    /// Name of the machine, as it was registered.
    pub hostname: String,
    /// All addresses of the machine. Absent (as the first agents send it) or empty: they stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::objects")]
    pub ip_addresses: Option<Vec<Address>>,
    /// What was measured; a measurement that failed is absent.
    #[serde(default, deserialize_with = "lenient::object_or_default")]
    pub system_info: SystemInfo,
    /// Who reports.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::object")]
    pub agent: Option<AgentInfo>,
    /// Evidence of identity.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "lenient::object")]
    pub machine: Option<MachineEvidence>,
}

/// One address of a machine. Text form of RFC 5952.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Address {
    /// IPv4 or IPv6 address.
    #[cfg_attr(feature = "openapi", schema(value_type = String, example = "203.0.113.7"))]
    pub ip: IpAddr,
    /// `internal` for an address that is not globally reachable, else empty; operators set others in the hub.
    #[serde(default, deserialize_with = "lenient::or_default")]
    pub label: String,
}

/// What an agent measured. The first five members are known to every hub; the others are optional.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct SystemInfo {
    /// Logical processors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_cores: Option<u32>,
    /// Memory in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram_mb: Option<u64>,
    /// Size of the root file system in GiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_gb: Option<u64>,
    /// Seconds since boot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uptime_seconds: Option<u64>,
    /// Load average of 1, 5 and 15 minutes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(min_items = 3, max_items = 3))]
    pub load_avg: Option<[f64; 3]>,
    /// Memory in use (not available to new programs) in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ram_used_mb: Option<u64>,
    /// Swap space in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap_mb: Option<u64>,
    /// Swap space in use in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub swap_used_mb: Option<u64>,
    /// Space in use on the root file system in GiB, one decimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk_used_gb: Option<f64>,
    /// Release of the kernel.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// `PRETTY_NAME` of os-release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub os: Option<String>,
    /// Machine type as `uname -m` says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arch: Option<String>,
    /// kvm, lxc, openvz, xen, vmware, hyper-v, container or none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub virtualization: Option<String>,
    /// Model name of the first processor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_model: Option<String>,
    /// DMI system vendor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// DMI product name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// DMI chassis asset tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asset_tag: Option<String>,
}

/// Who reports.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgentInfo {
    /// Version of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Seconds between its heartbeats.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval_seconds: Option<u32>,
}

/// Evidence of identity: tells two machines of one name apart, without giving the machine id away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct MachineEvidence {
    /// HMAC-SHA-256 keyed by the machine id (machine-id(5)), 64 hexadecimal digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The kernel's boot id (random(4)).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub boot_id: Option<String>,
}

/// What an agent needs of the hub's answer; hubs send more, up to the whole record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Acknowledgement {
    /// UUID of the VPS record.
    pub id: String,
    /// Name under which the record is kept.
    pub hostname: String,
    /// Status of the record, for example `active`.
    pub status: String,
}

/// Body of every error answer; RFC 9457 members may stand beside it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ErrorAnswer {
    /// One sentence a person understands.
    pub error: String,
}
