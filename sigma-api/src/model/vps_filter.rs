//! Which machines a list shows, and in which order.

use uuid::Uuid;

use super::paging::{self, Paging};
use super::search::Query;
use super::text::{Invalid, check_text};
use super::vps::Status;

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
    /// Online, late, offline; of these each, those that were heard last.
    Presence,
    LastSeen,
    ExpireDate,
    CreatedAt,
    Country,
    Status,
    City,
    /// The first address, IPv4 before IPv6.
    Address,
    /// The first tag.
    Tag,
    /// Load of the last minute for each core.
    Load,
    /// Used memory as a part of all.
    Memory,
    /// Used disk as a part of all.
    Disk,
    Uptime,
    AgentVersion,
    Os,
    Cost,
}

impl Sort {
    const NAMES: [(&'static str, SortBy); 19] = [
        ("hostname", SortBy::Hostname),
        ("alias", SortBy::Alias),
        ("provider", SortBy::Provider),
        ("presence", SortBy::Presence),
        ("last_seen", SortBy::LastSeen),
        ("expire_date", SortBy::ExpireDate),
        ("created_at", SortBy::CreatedAt),
        ("country", SortBy::Country),
        ("status", SortBy::Status),
        ("city", SortBy::City),
        ("address", SortBy::Address),
        ("tag", SortBy::Tag),
        ("load", SortBy::Load),
        ("memory", SortBy::Memory),
        ("disk", SortBy::Disk),
        ("uptime", SortBy::Uptime),
        ("agent", SortBy::AgentVersion),
        ("os", SortBy::Os),
        ("cost", SortBy::Cost),
    ];

    /// Its name in queries: what is parsed to the same.
    pub(crate) fn name(self) -> String {
        let name = Self::NAMES.iter().find(|(_, by)| *by == self.by).map_or("hostname", |(name, _)| name);
        if self.is_descending { format!("-{name}") } else { name.to_owned() }
    }

    /// Whether what it sorts by changes with every beat.
    pub(crate) fn looks_at_beats(self) -> bool {
        let of_beats =
            [SortBy::Presence, SortBy::LastSeen, SortBy::Load, SortBy::Memory, SortBy::Disk, SortBy::Uptime];
        of_beats.contains(&self.by)
    }

    /// The order of that name, `-` before it for the reverse.
    ///
    /// # Errors
    /// A name that is none.
    pub(crate) fn named(text: &str) -> Result<Self, Invalid> {
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
    /// Machines that expire until then or have expired, and are not retired.
    pub(crate) expiring_within_days: Option<u32>,
    pub(crate) source: Option<String>,
    /// From 1.
    pub(crate) page: u64,
    /// 1 to 100.
    pub(crate) per_page: u64,
}

impl Default for VpsFilter {
    fn default() -> Self {
        let Paging { page, per_page } = Paging::default();
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
            page,
            per_page,
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
                let days = value.parse().ok().filter(|days| *days <= MAX_EXPIRING_DAYS);
                let rule = || Invalid::new(name, format!("is a number from 0 to {MAX_EXPIRING_DAYS}"));
                self.expiring_within_days = Some(days.ok_or_else(rule)?);
            }
            "page" if given => self.page = paging::page(name, value)?,
            "per_page" if given => self.per_page = paging::per_page(name, value)?,
            _ => {}
        }
        Ok(())
    }
}

fn status_named(value: &str) -> Result<Status, Invalid> {
    let names = Status::ALL.map(Status::name).join(", ");
    Status::from_name(value).ok_or_else(|| Invalid::new("status", format!("is one of {names}")))
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
