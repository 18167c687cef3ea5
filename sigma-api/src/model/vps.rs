//! A machine as the hub keeps and shows it.

use serde::{Deserialize, Serialize};
use sigma_protocol::{Address, AgentInfo, MachineEvidence, SystemInfo};
use utoipa::ToSchema;
use uuid::Uuid;

use super::delivery::{Bought, LESS_THAN_BOUGHT};
use super::mark::Mark;
use super::presence::Presence;
use super::report::{Facts, State};
use super::search::Query;
use super::suggestion::{Knowledge, Suggestion, Traits};
use super::text::{Invalid, check_text};
use super::time::Timestamp;

/// Port of node_exporter unless somebody says another.
pub(crate) const NODE_EXPORTER_PORT: u16 = 9100;
/// Port of SSH unless somebody says another.
const SSH_PORT: u16 = 22;
/// Entries of a list unless the client asks for another number.
const DEFAULT_PER_PAGE: u64 = 25;
const MAX_PER_PAGE: u64 = 100;
const MAX_EXPIRING_DAYS: u32 = 36_500;
/// Parameters of a list.
pub(super) const KNOWN: [&str; 12] = [
    "q",
    "sort",
    "include_deleted",
    "status",
    "country",
    "provider_id",
    "purpose",
    "tag",
    "expiring_within_days",
    "source",
    "page",
    "per_page",
];

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
    const ALL: [Self; 6] =
        [Self::Provisioning, Self::Active, Self::Retiring, Self::Retired, Self::Suspended, Self::Deleted];

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

/// By what a list is sorted. Machines that do not have it come last, either way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) by: SortBy,
    pub(crate) is_descending: bool,
}

/// A member that lists can be sorted by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum SortBy {
    #[default]
    Hostname,
    Alias,
    Provider,
    LastSeen,
    ExpireDate,
    CreatedAt,
    Country,
    Status,
}

impl Sort {
    const NAMES: [(&'static str, SortBy); 8] = [
        ("hostname", SortBy::Hostname),
        ("alias", SortBy::Alias),
        ("provider", SortBy::Provider),
        ("last_seen", SortBy::LastSeen),
        ("expire_date", SortBy::ExpireDate),
        ("created_at", SortBy::CreatedAt),
        ("country", SortBy::Country),
        ("status", SortBy::Status),
    ];

    fn named(text: &str) -> Result<Self, Invalid> {
        let name = text.strip_prefix('-');
        let found = Self::NAMES.iter().find(|(known, _)| *known == name.unwrap_or(text));
        found.map(|(_, by)| Self { by: *by, is_descending: name.is_some() }).ok_or_else(|| {
            let known = Self::NAMES.map(|(known, _)| known).join(", ");
            Invalid::new("sort", format!("is one of {known}, with a - before it for the reverse"))
        })
    }
}

/// Which machines a list shows, and which page of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct VpsFilter {
    /// What a person typed.
    pub(crate) q: Option<Query>,
    pub(crate) sort: Sort,
    pub(crate) include_deleted: bool,
    /// `None` is every status; `deleted` only if that is asked for.
    pub(crate) status: Option<Status>,
    pub(crate) country: Option<String>,
    pub(crate) provider_id: Option<Uuid>,
    pub(crate) purpose: Option<String>,
    pub(crate) tag: Option<String>,
    pub(crate) expiring_within_days: Option<u32>,
    pub(crate) source: Option<String>,
    /// From 1.
    pub(crate) page: u64,
    /// 1 to 100.
    pub(crate) per_page: u64,
}

impl Default for VpsFilter {
    fn default() -> Self {
        Self {
            q: None,
            sort: Sort::default(),
            include_deleted: false,
            status: None,
            country: None,
            provider_id: None,
            purpose: None,
            tag: None,
            expiring_within_days: None,
            source: None,
            page: 1,
            per_page: DEFAULT_PER_PAGE,
        }
    }
}

impl VpsFilter {
    /// Reads the parameters of a query. An empty value asks for nothing, as if it were absent, and what is unknown is
    /// ignored: clients of older hubs send more.
    ///
    /// # Errors
    /// The first parameter that is given twice or not understood.
    pub(crate) fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Invalid> {
        let mut filter = Self::default();
        for (index, (name, value)) in parameters.iter().enumerate() {
            if !KNOWN.contains(&name.as_str()) {
                continue;
            }
            if parameters.iter().take(index).any(|(earlier, _)| earlier == name) {
                return Err(Invalid::new(name, "is given twice"));
            }
            filter.set(name, value)?;
        }
        Ok(filter)
    }

    /// Whether deleted machines are shown.
    pub(crate) fn shows_deleted(&self) -> bool {
        self.include_deleted
            || self.status == Some(Status::Deleted)
            || self.q.as_ref().is_some_and(Query::wants_deleted)
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), Invalid> {
        if name == "q" {
            // It says itself where it is wrong.
            let query = Query::parse(value).map_err(|mistake| Invalid::new(name, mistake.to_string()))?;
            self.q = Some(query).filter(|query| !query.terms.is_empty());
            return Ok(());
        }
        check_text(name, value, 256)?;
        let text = Some(value.to_owned()).filter(|value| !value.is_empty());
        let given = text.is_some();
        match name {
            "country" => self.country = text.map(|country| country.to_ascii_uppercase()),
            "purpose" => self.purpose = text,
            "tag" => self.tag = text,
            "source" => self.source = text,
            "sort" if given => self.sort = Sort::named(value)?,
            "include_deleted" if given => {
                self.include_deleted = value.parse().map_err(|_| Invalid::new(name, "is true or false"))?;
            }
            "status" if given => self.status = Some(status_named(value)?),
            "provider_id" if given => {
                self.provider_id =
                    Some(value.parse().map_err(|_| Invalid::new(name, "is the id of a provider"))?);
            }
            "expiring_within_days" if given => {
                self.expiring_within_days = Some(number(name, value, 0, MAX_EXPIRING_DAYS.into())?)
                    .and_then(|days| u32::try_from(days).ok());
            }
            "page" if given => self.page = number(name, value, 1, u32::MAX.into())?,
            "per_page" if given => self.per_page = number(name, value, 0, u64::MAX)?.clamp(1, MAX_PER_PAGE),
            _ => {}
        }
        Ok(())
    }
}

fn status_named(value: &str) -> Result<Status, Invalid> {
    let names = Status::ALL.map(Status::name).join(", ");
    Status::from_name(value).ok_or_else(|| Invalid::new("status", format!("is one of {names}")))
}

fn number(name: &str, value: &str, min: u64, max: u64) -> Result<u64, Invalid> {
    let number = value.parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or_else(|| Invalid::new(name, format!("is a number from {min} to {max}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &[(&str, &str)]) -> Result<VpsFilter, Invalid> {
        let pairs: Vec<_> = query.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        VpsFilter::from_parameters(&pairs)
    }

    #[test]
    fn parameters_become_a_filter() {
        let filter =
            parse(&[("status", "deleted"), ("tag", "edge"), ("page", "3"), ("per_page", "100")]).unwrap();
        assert_eq!(filter.status, Some(Status::Deleted));
        assert_eq!((filter.page, filter.per_page, filter.tag.as_deref()), (3, 100, Some("edge")));
    }

    #[test]
    fn empty_values_ask_for_nothing() {
        let names = [
            "status",
            "country",
            "provider_id",
            "purpose",
            "tag",
            "expiring_within_days",
            "source",
            "page",
            "q",
            "sort",
            "include_deleted",
        ];
        assert_eq!(parse(&names.map(|name| (name, ""))), Ok(VpsFilter::default()));
    }

    #[test]
    fn clients_of_older_hubs_are_understood() {
        assert_eq!(parse(&[("_", "123"), ("_", "a\nb")]), Ok(VpsFilter::default()));
        for (asked, given) in [("200", 100), ("0", 1), ("7", 7)] {
            assert_eq!(parse(&[("per_page", asked)]).unwrap().per_page, given);
        }
        assert_eq!(parse(&[("country", "hk")]).unwrap().country.as_deref(), Some("HK"));
    }

    #[test]
    fn mistakes_are_named() {
        for (name, value) in [
            ("status", "gone"),
            ("provider_id", "7"),
            ("page", "0"),
            ("page", "-1"),
            ("per_page", "many"),
            ("expiring_within_days", "soon"),
            ("tag", "a\nb"),
            ("q", "stat:us"),
            ("sort", "age"),
            ("sort", "--alias"),
            ("include_deleted", "maybe"),
        ] {
            assert_eq!(parse(&[(name, value)]).unwrap_err().field, name);
        }
        assert_eq!(parse(&[("page", "1"), ("page", "2")]).unwrap_err().field, "page");
    }

    #[test]
    fn deleted_machines_are_shown_to_those_who_ask_for_them() {
        for (query, shown) in [
            (("q", "status:deleted"), true),
            (("q", "-status:deleted"), false),
            (("q", "a"), false),
            (("status", "deleted"), true),
            (("status", "active"), false),
            (("include_deleted", "true"), true),
            (("include_deleted", "false"), false),
        ] {
            assert_eq!(parse(&[query]).unwrap().shows_deleted(), shown, "{query:?}");
        }
        let sort = parse(&[("sort", "-last_seen")]).unwrap().sort;
        assert_eq!(sort, Sort { by: SortBy::LastSeen, is_descending: true });
    }

    #[test]
    fn every_status_has_its_name() {
        for status in Status::ALL {
            assert_eq!(Status::from_name(status.name()), Some(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{}\"", status.name()));
        }
    }
}
