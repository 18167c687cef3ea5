//! Lines of the audit log as a person reads them: who did what, when, from which value to which, and from where.

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::words::Moment;
use crate::model::audit::{ActorKind, AuditEntry};
use crate::model::text::one_line;
use crate::model::time::Timestamp;

/// A value is shown up to so many characters.
const MAX_CHARS: usize = 160;
/// Of a hash or an id so many characters tell it from others.
const SHORT_CHARS: usize = 8;

/// One line.
pub(super) struct Deed {
    pub(super) when: Moment,
    pub(super) who: String,
    /// What kind of caller that is, unless a person.
    pub(super) kind: &'static str,
    /// What was done, as the rest of a sentence that begins with who.
    pub(super) what: String,
    pub(super) details: Vec<Detail>,
    /// Where the request came from.
    pub(super) place: String,
}

/// A member that changed.
pub(super) struct Detail {
    pub(super) member: String,
    /// What it was, or what was taken away of a list. Empty if nothing.
    pub(super) from: String,
    /// What it became, or what was added to a list.
    pub(super) to: String,
    pub(super) is_list: bool,
}

impl Deed {
    /// The line `entry`, in which providers are called by their names.
    pub(super) fn new(now: Timestamp, entry: AuditEntry, providers: &HashMap<Uuid, String>) -> Self {
        let details = entry.changes.members().map(|(member, from, to)| detail(member, from, to, providers));
        Self {
            when: Moment::new(now, entry.at),
            kind: match entry.actor.kind {
                ActorKind::Account => "",
                ActorKind::Key => "key",
                ActorKind::Agent => "agent",
                ActorKind::Hub => "hub",
            },
            details: details.collect(),
            what: done(&entry.action).map_or_else(|| entry.action.replace(['.', '_'], " "), str::to_owned),
            who: entry.actor.name,
            place: entry.actor.client_ip.map(|ip| ip.to_string()).unwrap_or_default(),
        }
    }
}

/// What was done to a machine.
fn done(action: &str) -> Option<&'static str> {
    Some(match action {
        "vps.create" => "made the record",
        "vps.update" => "changed it",
        "vps.delete" => "deleted it",
        "vps.restore" => "restored it",
        "vps.retire" => "retired it",
        "vps.import" => "imported it",
        "vps.assign" => "accepted the suggested provider",
        "vps.merge" => "merged another record into it",
        "vps.distinct" => "said that these are two machines",
        "vps.acknowledge" => "has seen it",
        "vps.register" => "reported for the first time",
        "vps.enrol" => "registered again",
        "vps.key" => "reported with another key",
        "vps.rename" => "reported another name",
        "vps.reinstall" => "was installed anew",
        "vps.return" => "came back",
        "vps.conflict" => "reported a name that another machine has",
        "vps.clone" => "reported a machine id that another machine has",
        "vps.rekeyed" => "reported with another key while the one before was valid",
        "vps.addresses" => "reported other addresses",
        "vps.facts" => "measured something else than before",
        "vps.refuse" => "reported and was refused",
        _ => return None,
    })
}

fn detail(member: &str, from: &Value, to: &Value, providers: &HashMap<Uuid, String>) -> Detail {
    let called =
        |value: &Value| one_line(&text(member, value, providers).replace(['\n', '\t'], " "), MAX_CHARS);
    let member = name(member).to_owned();
    if let (Some(before), Some(after)) = (from.as_array(), to.as_array()) {
        let only = |these: &[Value], those: &[Value]| {
            let only: Vec<String> = these.iter().filter(|value| !those.contains(value)).map(called).collect();
            one_line(&only.join(", "), MAX_CHARS)
        };
        return Detail { member, from: only(before, after), to: only(after, before), is_list: true };
    }
    Detail { from: called(from), to: called(to), member, is_list: false }
}

fn text(member: &str, value: &Value, providers: &HashMap<Uuid, String>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => match member {
            "provider_id" => {
                let known = text.parse().ok().and_then(|id: Uuid| providers.get(&id));
                known.map_or_else(|| "a provider that was deleted".to_owned(), String::clone)
            }
            "machine_id" | "agent_key_id" | "bulk" | "merged" => text.chars().take(SHORT_CHARS).collect(),
            _ => text.clone(),
        },
        Value::Array(values) => {
            values.iter().map(|value| text_of_one(member, value, providers)).collect::<Vec<_>>().join(", ")
        }
        Value::Object(address) => {
            let part = |name: &str| address.get(name).and_then(Value::as_str).unwrap_or_default();
            match (part("ip"), part("label")) {
                ("", _) => value.to_string(),
                (ip, "") => ip.to_owned(),
                (ip, label) => format!("{ip} ({label})"),
            }
        }
    }
}

/// What is in a list is no list.
fn text_of_one(member: &str, value: &Value, providers: &HashMap<Uuid, String>) -> String {
    if value.is_array() { value.to_string() } else { text(member, value, providers) }
}

/// What a person calls a member.
pub(super) fn name(member: &str) -> &str {
    match member {
        "hostname" => "name",
        "provider_id" => "provider",
        "ip_addresses" => "addresses",
        "ssh_port" => "SSH port",
        "dc_name" => "data centre",
        "cpu_cores" => "cores",
        "ram_mb" => "memory in MiB",
        "swap_mb" => "swap in MiB",
        "disk_gb" => "disk in GiB",
        "bandwidth_tb" => "traffic in TB",
        "cost_monthly" => "monthly cost",
        "purchase_date" => "bought on",
        "expire_date" => "expires on",
        "vpn_protocol" => "VPN protocol",
        "monitoring_enabled" => "monitoring",
        "node_exporter_port" => "node_exporter port",
        "reported_hostname" => "name that the agent says",
        "machine_id" => "machine id",
        "agent_key_id" => "key",
        "agent_version" => "agent version",
        "interval_seconds" => "interval in seconds",
        "cpu_model" => "CPU",
        "asset_tag" => "asset tag",
        "not_marked" => "not marked",
        "merged" => "record",
        "bulk" => "part of the bulk change",
        member => member,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(member: &str, from: &Value, to: &Value) -> (String, String, String) {
        let hetzner = Uuid::from_u128(7);
        let detail = detail(member, from, to, &HashMap::from([(hetzner, "Hetzner".to_owned())]));
        (detail.member, detail.from, detail.to)
    }

    #[test]
    fn changes_are_said_in_words() {
        let table = [
            ("city", json!("Kiel"), json!(""), ("city", "Kiel", "")),
            ("provider_id", json!(null), json!(Uuid::from_u128(7)), ("provider", "", "Hetzner")),
            (
                "provider_id",
                json!(Uuid::from_u128(8)),
                json!(null),
                ("provider", "a provider that was deleted", ""),
            ),
            ("tags", json!(["a", "b"]), json!(["b", "c"]), ("tags", "a", "c")),
            ("monitoring_enabled", json!(true), json!(false), ("monitoring", "yes", "no")),
            (
                "ip_addresses",
                json!([{"ip": "10.0.0.1", "label": ""}]),
                json!([{"ip": "10.0.0.1", "label": "core"}]),
                ("addresses", "10.0.0.1", "10.0.0.1 (core)"),
            ),
        ];
        for (member, from, to, (name, was, is)) in table {
            assert_eq!(said(member, &from, &to), (name.into(), was.into(), is.into()), "{member}");
        }
        assert_eq!(said("notes", &json!("a\nb"), &json!("")).1, "a b");
        assert_eq!(said("notes", &json!(""), &json!("x".repeat(9000))).2.chars().count(), MAX_CHARS + 1);
    }
}
