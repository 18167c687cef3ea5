//! The fleet as an Ansible inventory.
//!
//! Ansible takes values of an inventory for templates and evaluates them on the machine of whoever runs it, with lookups
//! that run commands: `{{ lookup('pipe', …) }}` in an alias would be code from an agent. JSON has a mark for values that
//! are none (`__ansible_unsafe`), but it turns a text into an object for everybody else who reads this, and not every way
//! into Ansible honours it. So a template cannot be written at all here: what opens one (`{{`, `{%`, `{#`) gets a space
//! between its two characters. Names of hosts and groups have only characters that mean nothing in patterns.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::address::preferred;
use super::vps::Vps;

/// Names that mean something else to Ansible; `localhost` without an address would be the machine that runs it.
const TAKEN: [&str; 4] = ["all", "ungrouped", "localhost", "_meta"];
/// How the names of groups begin. A play for a group runs on a host of that name as well: agents choose their names, and
/// must not get into a play by them.
const KINDS: [&str; 5] = ["status_", "country_", "purpose_", "provider_", "tag_"];

/// What a dynamic inventory prints for `--list`.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inventory {
    #[serde(rename = "_meta")]
    meta: Meta,
    /// `all`, and `status_…`, `country_…`, `purpose_…`, `provider_…`, `tag_…`.
    #[serde(flatten)]
    groups: BTreeMap<String, Group>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Meta {
    /// Variables by host: `ansible_host`, `ansible_port`, `sigma_…`.
    #[schema(value_type = Object)]
    hostvars: BTreeMap<String, BTreeMap<&'static str, Value>>,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Group {
    hosts: BTreeSet<String>,
}

impl Inventory {
    /// Of these machines, each with the name of its provider.
    pub(crate) fn of(machines: &[(Vps, String)]) -> Self {
        let names = host_names(machines);
        let group_names = group_names(machines);
        let mut groups = BTreeMap::from([("all".to_owned(), Group::default())]);
        let mut hostvars = BTreeMap::new();
        for ((vps, provider), name) in machines.iter().zip(names) {
            let mine = memberships(vps, provider).filter_map(|key| group_names.get(&key).cloned());
            for group in mine.chain(["all".to_owned()]) {
                groups.entry(group).or_default().hosts.insert(name.clone());
            }
            hostvars.insert(name, variables(vps, provider));
        }
        Self { meta: Meta { hostvars }, groups }
    }
}

fn variables(vps: &Vps, provider: &str) -> BTreeMap<&'static str, Value> {
    let text = |text: &str| Value::from(no_template(text));
    let mut variables = BTreeMap::from([
        ("ansible_port", json!(vps.ssh_port)),
        ("sigma_id", json!(vps.id)),
        ("sigma_hostname", text(&vps.hostname)),
        ("sigma_alias", text(&vps.alias)),
        ("sigma_provider", text(provider)),
        ("sigma_country", text(&vps.country)),
        ("sigma_city", text(&vps.city)),
        ("sigma_dc", text(&vps.dc_name)),
        ("sigma_purpose", text(&vps.purpose)),
        ("sigma_vpn_protocol", text(&vps.vpn_protocol)),
        ("sigma_status", text(vps.status.name())),
        ("sigma_presence", text(vps.presence.name())),
        ("sigma_expire_date", vps.expire_date.as_deref().map_or(Value::Null, text)),
        ("sigma_tags", vps.tags.iter().map(|tag| text(tag)).collect()),
        ("sigma_ip_addresses", vps.ip_addresses.iter().map(|a| text(&a.ip.to_string())).collect()),
    ]);
    if let Some(address) = preferred(&vps.ip_addresses) {
        variables.insert("ansible_host", json!(address));
    }
    variables
}

/// `text` without anything that opens a template.
fn no_template(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if safe.ends_with('{') && matches!(c, '{' | '%' | '#') {
            safe.push(' ');
        }
        safe.push(c);
    }
    if safe.ends_with('{') {
        // Another value may be written right behind it.
        safe.push(' ');
    }
    safe
}

/// A name for each machine, in their order. Whoever has a name that can be used as it is keeps it; of the others, those
/// whose name is then taken get the end of their id.
fn host_names(machines: &[(Vps, String)]) -> Vec<String> {
    let mut taken = HashSet::new();
    let mut keeps =
        |vps: &Vps| safe_host(&vps.hostname) == vps.hostname && taken.insert(vps.hostname.clone());
    let kept: Vec<bool> = machines.iter().map(|(vps, _)| keeps(vps)).collect();
    let names = machines.iter().zip(kept).map(|((vps, _), is_kept)| {
        let name = safe_host(&vps.hostname);
        if is_kept || taken.insert(name.clone()) {
            return name;
        }
        // The beginning of an id is the time of its making, which machines share.
        let end: String = vps.id.simple().to_string().chars().skip(20).collect();
        let name = format!("{name}_{end}");
        if taken.insert(name.clone()) { name } else { format!("{name}_{}", vps.id.simple()) }
    });
    names.collect()
}

fn safe_host(hostname: &str) -> String {
    let safe = with_underscores(hostname, |c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'));
    // What begins otherwise may be taken for an option of a program.
    let begins_well = safe.starts_with(|c: char| c.is_ascii_alphanumeric());
    let is_taken = TAKEN.contains(&safe.as_str()) || KINDS.iter().any(|kind| safe.starts_with(kind));
    match safe.trim_start_matches(['.', '-', '_']) {
        "" => "host".to_owned(),
        rest if !begins_well || is_taken => format!("host_{rest}"),
        _ => safe,
    }
}

/// What is not allowed becomes an underscore, several in a row one, and none at the end.
fn with_underscores(text: &str, is_allowed: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut ends_replaced = false;
    for c in text.chars() {
        if is_allowed(c) {
            safe.push(c);
        } else if !ends_replaced {
            safe.push('_');
        }
        ends_replaced = !is_allowed(c);
    }
    if ends_replaced {
        safe.pop();
    }
    safe
}

/// The groups of a machine, as kind and value.
fn memberships<'a>(vps: &'a Vps, provider: &'a str) -> impl Iterator<Item = (&'static str, &'a str)> {
    let single = [
        ("status", vps.status.name()),
        ("country", vps.country.as_str()),
        ("purpose", vps.purpose.as_str()),
        ("provider", provider),
    ];
    let tags = vps.tags.iter().map(|tag| ("tag", tag.as_str()));
    single.into_iter().chain(tags).filter(|(_, value)| !value.is_empty())
}

/// A name for each group. Two values never share one, or a play for one would run on machines of the other.
fn group_names(machines: &[(Vps, String)]) -> HashMap<(&'static str, &str), String> {
    let all: BTreeSet<(&'static str, &str)> =
        machines.iter().flat_map(|(vps, provider)| memberships(vps, provider)).collect();
    let safe = |value: &str| with_underscores(value, |c| c.is_ascii_alphanumeric() || c == '_');
    let (kept, changed): (Vec<_>, Vec<_>) = all.into_iter().partition(|(_, value)| safe(value) == *value);
    let mut taken = HashSet::new();
    let mut names = HashMap::new();
    for (kind, value) in kept.into_iter().chain(changed) {
        let mut name = format!("{kind}_{}", safe(value));
        if !taken.insert(name.clone()) {
            let digest: String =
                Sha256::digest(value).iter().take(6).map(|byte| format!("{byte:02x}")).collect();
            name = format!("{name}_{digest}");
            taken.insert(name.clone());
        }
        names.insert((kind, value), name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_template_can_be_written() {
        for (text, safe) in [
            ("{{ lookup('pipe','id') }}", "{ { lookup('pipe','id') }}"),
            ("{{{{", "{ { { { "),
            ("{%raw%}{#x#}", "{ %raw%}{ #x#}"),
            ("{\"a\": {}}", "{\"a\": {}}"),
        ] {
            assert_eq!(no_template(text), safe);
        }
    }

    #[test]
    fn names_have_no_characters_of_patterns() {
        for (hostname, name) in [
            ("debian (2)", "debian_2"),
            ("hk-relay.01", "hk-relay.01"),
            ("-oProxy", "host_oProxy"),
            ("东京", "host"),
            ("a[1:3]", "a_1_3"),
            ("x!", "x"),
            ("localhost", "host_localhost"),
            ("tag_prod", "host_tag_prod"),
            ("tagged", "tagged"),
        ] {
            assert_eq!(safe_host(hostname), name);
        }
    }
}
