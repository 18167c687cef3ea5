//! Changing many machines at once.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::text::Invalid;
use super::vps_change::VpsChange;
use super::vps_filter::{KNOWN, VpsFilter};

/// So many machines are changed at once, at most.
pub(crate) const MAX_MACHINES: usize = 10_000;

/// Which machines are changed, and how.
#[derive(Debug, Clone, PartialEq, Deserialize, ToSchema)]
pub(crate) struct BulkRequest {
    /// These machines; or else those of `filter`.
    #[serde(default)]
    ids: Option<Vec<Uuid>>,
    /// The parameters of the list of machines, without those of its pages.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    filter: Option<Map<String, Value>>,
    change: VpsChange,
    /// As our own page says it: a list as it is shown, even if that is of all machines.
    #[serde(skip)]
    list: Option<Box<VpsFilter>>,
    /// So many machines that list had when it was shown.
    #[serde(skip)]
    found: Option<u64>,
    /// As our own page says it: the name of a provider, which is made if there is none.
    #[serde(skip)]
    provider: Option<String>,
}

/// What became of a bulk change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct BulkResult {
    /// Machines that are other than before.
    pub(crate) changed: usize,
    /// Machines that were so already.
    pub(crate) unchanged: usize,
    /// Those that changed.
    pub(crate) ids: Vec<Uuid>,
    /// By what the change can be taken back for a day; absent when nothing changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) bulk: Option<Uuid>,
}

/// Which machines are meant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Selection {
    /// These, each once, in the order in which they were named.
    Ids(Vec<Uuid>),
    /// Those that a list would show.
    Filter(Box<VpsFilter>),
}

impl BulkRequest {
    /// To change these machines; `provider` is the name of one that they are assigned to.
    pub(crate) fn of_ids(ids: Vec<Uuid>, change: VpsChange, provider: Option<String>) -> Self {
        Self { ids: Some(ids), filter: None, change, list: None, found: None, provider }
    }

    /// To change all machines of a list, which had so many of them when it was shown.
    pub(crate) fn of_list(list: VpsFilter, found: u64, change: VpsChange, provider: Option<String>) -> Self {
        Self { ids: None, filter: None, change, list: Some(Box::new(list)), found: Some(found), provider }
    }

    /// How many machines the caller means, if that was said.
    pub(crate) fn found(&self) -> Option<u64> {
        self.found
    }

    /// The name of a provider that the machines are assigned to, and that is made if there is none.
    pub(crate) fn provider(&self) -> Option<&str> {
        self.provider.as_deref()
    }

    /// Which machines are meant and what is changed of them.
    ///
    /// # Errors
    /// The first member that breaks a rule; a filter that is not understood whole, for it would mean more machines than
    /// the caller does.
    pub(crate) fn checked(self) -> Result<(Selection, VpsChange), Invalid> {
        let selection = match (self.ids, self.filter, self.list) {
            (Some(ids), None, None) => Selection::Ids(checked_ids(ids)?),
            (None, Some(filter), None) => Selection::Filter(Box::new(checked_filter(&filter)?)),
            (None, None, Some(list)) => Selection::Filter(list),
            _ => return Err(Invalid::new("ids", "or else filter says which machines: one of them")),
        };
        let named = |member: &str| format!("change.{member}");
        let own = [
            ("hostname", self.change.hostname.is_some()),
            ("ip_addresses", self.change.ip_addresses.is_some()),
            ("source", self.change.source.is_some()),
            ("version", self.change.version.is_some()),
        ];
        if let Some((member, _)) = own.into_iter().find(|(_, given)| *given) {
            return Err(Invalid::new(named(member), "is each machine's own; change it one by one"));
        }
        if self.change == VpsChange::default() && self.provider.is_none() {
            return Err(Invalid::new("change", "names nothing to be changed"));
        }
        let change = self.change.checked();
        Ok((selection, change.map_err(|invalid| Invalid { field: named(&invalid.field), ..invalid })?))
    }
}

fn checked_ids(mut ids: Vec<Uuid>) -> Result<Vec<Uuid>, Invalid> {
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Err(Invalid::new("ids", "names no machine"));
    }
    check_count("ids", ids.len())?;
    Ok(ids)
}

/// Refuses more machines than are changed at once.
pub(crate) fn check_count(field: &str, machines: usize) -> Result<(), Invalid> {
    if machines <= MAX_MACHINES {
        return Ok(());
    }
    Err(Invalid::new(field, format!("means more than {MAX_MACHINES} machines; change fewer at once")))
}

fn checked_filter(filter: &Map<String, Value>) -> Result<VpsFilter, Invalid> {
    let mut parameters = Vec::with_capacity(filter.len());
    for (name, value) in filter {
        let field = || format!("filter.{name}");
        if !KNOWN.contains(&name.as_str()) || name == "page" || name == "per_page" {
            return Err(Invalid::new(field(), "is not something to choose machines by"));
        }
        let text = match value {
            Value::String(text) if !text.is_empty() => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(yes) => yes.to_string(),
            _ => return Err(Invalid::new(field(), "is no text, number or truth value, or empty")),
        };
        parameters.push((name.clone(), text));
    }
    let filter = VpsFilter::from_parameters(&parameters)
        .map_err(|invalid| Invalid { field: format!("filter.{}", invalid.field), ..invalid })?;
    // What only says in which order, or that deleted ones count too, chooses nothing.
    let all =
        VpsFilter { sort: filter.sort, include_deleted: filter.include_deleted, ..VpsFilter::default() };
    if filter == all {
        return Err(Invalid::new("filter", "is empty, and would mean every machine"));
    }
    Ok(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<(Selection, VpsChange), String> {
        let request: BulkRequest = serde_json::from_str(json).map_err(|error| error.to_string())?;
        request.checked().map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn ids_are_taken_once() {
        let id = "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a";
        let json = format!(r#"{{"ids":["{id}","{id}"],"change":{{"add_tags":["x"]}}}}"#);
        assert_eq!(read(&json).unwrap().0, Selection::Ids(vec![id.parse().unwrap()]));
    }

    #[test]
    fn a_filter_is_that_of_the_list() {
        let (selection, _) =
            read(r#"{"filter":{"tag":"edge","expiring_within_days":14},"change":{"notes":""}}"#).unwrap();
        let filter =
            VpsFilter { tag: Some("edge".into()), expiring_within_days: Some(14), ..VpsFilter::default() };
        assert_eq!(selection, Selection::Filter(Box::new(filter)));
    }

    #[test]
    fn what_could_mean_more_machines_than_the_caller_does_is_refused() {
        for (which, named) in [
            (r#""filter":{}"#, "filter: "),
            (r#""filter":{"q":" "}"#, "filter: "),
            (r#""filter":{"sort":"hostname","include_deleted":true}"#, "filter: "),
            (r#""filter":{"tags":"edge"}"#, "filter.tags: "),
            (r#""filter":{"tag":""}"#, "filter.tag: "),
            (r#""filter":{"provider_id":null}"#, "filter.provider_id: "),
            (r#""filter":{"status":"gone"}"#, "filter.status: "),
            (r#""filter":{"page":1}"#, "filter.page: "),
            (r#""ids":[]"#, "ids: "),
            (r#""ids":[],"filter":{"tag":"a"}"#, "ids: "),
            (r#""x":1"#, "ids: "),
        ] {
            let refused = read(&format!(r#"{{{which},"change":{{"notes":""}}}}"#)).unwrap_err();
            assert!(refused.starts_with(named), "{which}: {refused}");
        }
    }

    #[test]
    fn a_change_is_one_for_many() {
        let with = |change: &str| read(&format!(r#"{{"filter":{{"tag":"a"}},"change":{change}}}"#));
        for (change, named) in [
            ("{}", "change: "),
            (r#"{"hostname":"a"}"#, "change.hostname: "),
            (r#"{"ip_addresses":[]}"#, "change.ip_addresses: "),
            (r#"{"version":2}"#, "change.version: "),
            (r#"{"country":"UK"}"#, "change.country: "),
            (r#"{"action":"burn"}"#, "unknown variant"),
        ] {
            let refused = with(change).unwrap_err();
            assert!(refused.starts_with(named), "{change}: {refused}");
        }
        assert!(with(r#"{"action":"retire"}"#).is_ok());
    }
}
