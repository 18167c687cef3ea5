//! A machine as the hub keeps and shows it.

use serde::{Deserialize, Serialize};
use sigma_protocol::{Address, AgentInfo, MachineEvidence, SystemInfo};
use utoipa::ToSchema;
use uuid::Uuid;

use super::delivery::{Bought, LESS_THAN_BOUGHT};
use super::mark::Mark;
use super::presence::Presence;
use super::report::{Facts, State};
use super::suggestion::{Knowledge, Suggestion, Traits};
use super::time::Timestamp;

/// Port of node_exporter unless somebody says another.
pub(crate) const NODE_EXPORTER_PORT: u16 = 9100;
/// Port of SSH unless somebody says another.
const SSH_PORT: u16 = 22;

/// Where a machine stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Status {
    Provisioning,
    Active,
    Retiring,
    Retired,
    Suspended,
    /// Deleted by a person: kept, hidden, refused when it reports.
    Deleted,
}

impl Status {
    pub(super) const ALL: [Self; 6] =
        [Self::Provisioning, Self::Active, Self::Retiring, Self::Retired, Self::Suspended, Self::Deleted];

    /// What a person may choose.
    pub(crate) const LIVING: [Self; 5] =
        [Self::Provisioning, Self::Active, Self::Retiring, Self::Retired, Self::Suspended];

    /// Its name in JSON, filters and the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Provisioning => "provisioning",
            Self::Active => "active",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
            Self::Suspended => "suspended",
            Self::Deleted => "deleted",
        }
    }

    /// The status of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// When a machine was last seen, and how it was then.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Seen {
    /// Hub's time of the report.
    pub(crate) at: Timestamp,
    /// What the report said.
    pub(crate) state: State,
}

/// A machine: inventory record, what it last reported, and whether it is there.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Vps {
    pub(crate) id: Uuid,
    pub(crate) hostname: String,
    pub(crate) alias: String,
    pub(crate) provider_id: Option<Uuid>,
    /// Present addresses, sorted. A label that a person set stands before the agent's.
    pub(crate) ip_addresses: Vec<Address>,
    pub(crate) ssh_port: u16,
    /// ISO 3166-1 alpha-2, or empty.
    pub(crate) country: String,
    pub(crate) city: String,
    pub(crate) dc_name: String,
    /// Cores that were bought; `reported` has what was measured.
    pub(crate) cpu_cores: Option<u32>,
    /// Memory that was bought, in MiB.
    pub(crate) ram_mb: Option<u64>,
    /// Disk that was bought, in GiB.
    pub(crate) disk_gb: Option<u64>,
    pub(crate) bandwidth_tb: Option<f64>,
    /// Decimal text.
    pub(crate) cost_monthly: Option<String>,
    /// ISO 4217, or empty.
    pub(crate) currency: String,
    pub(crate) status: Status,
    /// `YYYY-MM-DD`.
    pub(crate) purchase_date: Option<String>,
    /// `YYYY-MM-DD`.
    pub(crate) expire_date: Option<String>,
    pub(crate) purpose: String,
    pub(crate) vpn_protocol: String,
    pub(crate) tags: Vec<String>,
    pub(crate) monitoring_enabled: bool,
    pub(crate) node_exporter_port: u16,
    pub(crate) extra: Extra,
    pub(crate) notes: String,
    /// Who made the record, for example `agent`.
    pub(crate) source: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) updated_at: Timestamp,
    pub(crate) presence: Presence,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_seen_at: Option<Timestamp>,
    /// What was measured last; absent for a machine that has never reported.
    pub(crate) reported: Option<Reported>,
    /// Grows with every change of the record.
    pub(crate) version: i64,
    /// Who probably bills for it; absent for a machine that has a provider, and where there is no good guess.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggestion: Option<Suggestion>,
    /// What deserves a look, for example `conflict`.
    pub(crate) flags: Vec<String>,
    /// What the flags are about; absent when there is nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) marks: Vec<Mark>,
    /// Of a deleted record: reports of its machine that were refused since, some seconds to a minute ago at the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) refused_reports: Option<u64>,
    /// When the last of them came.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) refused_at: Option<Timestamp>,
    /// What the agent calls its machine, if that is not what the record is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reported_hostname: Option<String>,
}

/// Where clients of older hubs look for what an agent reported.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub(crate) struct Extra {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) system_info: Option<SystemInfo>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_heartbeat: Option<Timestamp>,
}

/// What was measured last.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Reported {
    #[serde(flatten)]
    pub(crate) system_info: SystemInfo,
    pub(crate) agent: AgentInfo,
    pub(crate) machine: MachineEvidence,
}

impl Vps {
    /// A machine of which nothing is known.
    pub(crate) fn blank(now: Timestamp, id: Uuid) -> Self {
        let empty = String::new;
        Self {
            id,
            hostname: empty(),
            alias: empty(),
            provider_id: None,
            ip_addresses: Vec::new(),
            ssh_port: SSH_PORT,
            country: empty(),
            city: empty(),
            dc_name: empty(),
            cpu_cores: None,
            ram_mb: None,
            disk_gb: None,
            bandwidth_tb: None,
            cost_monthly: None,
            currency: empty(),
            status: Status::Active,
            purchase_date: None,
            expire_date: None,
            purpose: empty(),
            vpn_protocol: empty(),
            tags: Vec::new(),
            monitoring_enabled: true,
            node_exporter_port: NODE_EXPORTER_PORT,
            extra: Extra::default(),
            notes: empty(),
            source: empty(),
            created_at: now,
            updated_at: now,
            presence: Presence::Never,
            last_seen_at: None,
            reported: None,
            version: 1,
            suggestion: None,
            flags: Vec::new(),
            marks: Vec::new(),
            refused_reports: None,
            refused_at: None,
            reported_hostname: None,
        }
    }

    /// Fills in what depends on the last report and the clock.
    pub(crate) fn with_report(mut self, now: Timestamp, facts: Option<Facts>, seen: Option<Seen>) -> Self {
        self.last_seen_at = seen.map(|seen| seen.at);
        self.presence = Presence::at(now, self.last_seen_at, facts.as_ref().and_then(Facts::interval));
        if facts.as_ref().is_some_and(|measured| Bought::of(&self).is_more_than(measured)) {
            self.flags.push(LESS_THAN_BOUGHT.to_owned());
        }
        self.reported = facts.map(|facts| Reported::new(facts, seen.map(|seen| seen.state)));
        self.extra = Extra {
            system_info: self.reported.as_ref().map(|reported| reported.system_info.clone()),
            last_heartbeat: self.last_seen_at,
        };
        self
    }

    /// Whether a provider may be suggested for it.
    pub(crate) fn wants_suggestion(&self) -> bool {
        self.provider_id.is_none() && self.status != Status::Deleted
    }

    /// Fills in which provider is suggested, if it has none. The report must be filled in already.
    pub(crate) fn with_suggestion(mut self, knowledge: &Knowledge) -> Self {
        self.suggestion = self.wants_suggestion().then(|| knowledge.suggest(&Traits::of(&self))).flatten();
        self
    }
}

impl Reported {
    fn new(facts: Facts, state: Option<State>) -> Self {
        let state = state.unwrap_or_default();
        Self {
            system_info: SystemInfo {
                cpu_cores: facts.cpu_cores,
                ram_mb: facts.ram_mb,
                disk_gb: facts.disk_gb,
                uptime_seconds: state.uptime_seconds,
                load_avg: state.load_avg,
                ram_used_mb: state.ram_used_mb,
                swap_mb: facts.swap_mb,
                swap_used_mb: state.swap_used_mb,
                disk_used_gb: state.disk_used_gb,
                kernel: facts.kernel,
                os: facts.os,
                arch: facts.arch,
                virtualization: facts.virtualization,
                cpu_model: facts.cpu_model,
                vendor: facts.vendor,
                product: facts.product,
                asset_tag: facts.asset_tag,
            },
            agent: AgentInfo { version: facts.agent_version, interval_seconds: facts.interval_seconds },
            machine: MachineEvidence { id: facts.machine_id, boot_id: facts.boot_id },
        }
    }
}
