//! What a person changes of a machine. What only the hub or an agent says (`id`, `presence`, `reported`, …) is ignored, so
//! that a record that was read can be sent back whole.

use serde::{Deserialize, Deserializer};
use sigma_protocol::{Address, MAX_ADDRESSES, MAX_CPU_CORES, MAX_SIZE, Object, is_hostname};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::Changes;
use super::member::{
    check_date, check_line, check_money, check_tag_count, checked_country, checked_currency, checked_notes,
    checked_tags, given, is_same_amount, money, named, named_or_none, nullable,
};
use super::text::{Invalid, check_text};
use super::vps::{Status, Vps};

const MAX_LABEL_CHARS: usize = 64;
const MAX_SOURCE_CHARS: usize = 64;
const MAX_BANDWIDTH_TB: f64 = 1e6;

/// What is done to a machine beside changing its members.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    /// Keeps the record, hidden, until it is restored.
    Delete,
    /// Brings a deleted record back as it was.
    Restore,
    /// Gives it the status `retired`.
    Retire,
}

/// Members of a machine to be changed. An absent one stays; `null` clears one that may be unknown.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, ToSchema)]
pub(crate) struct VpsChange {
    #[serde(default, deserialize_with = "given")]
    pub(crate) hostname: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) alias: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<Uuid>)]
    pub(crate) provider_id: Option<Option<Uuid>>,
    /// All addresses of a machine without an agent; labels for those of a machine with one.
    #[serde(default, deserialize_with = "addresses")]
    pub(crate) ip_addresses: Option<Vec<Address>>,
    /// Once the machine's agent reports, it says the port.
    #[serde(default, deserialize_with = "given")]
    pub(crate) ssh_port: Option<u16>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) country: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) city: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) dc_name: Option<String>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u32>)]
    pub(crate) cpu_cores: Option<Option<u32>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u64>)]
    pub(crate) ram_mb: Option<Option<u64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u64>)]
    pub(crate) disk_gb: Option<Option<u64>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<f64>)]
    pub(crate) bandwidth_tb: Option<Option<f64>>,
    /// Decimal text or a number.
    #[serde(default, deserialize_with = "money")]
    #[schema(value_type = Option<String>, example = "4.99")]
    pub(crate) cost_monthly: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) currency: Option<String>,
    #[serde(default, deserialize_with = "named")]
    pub(crate) status: Option<Status>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) purchase_date: Option<Option<String>>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>, format = Date)]
    pub(crate) expire_date: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) purpose: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) vpn_protocol: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) tags: Option<Vec<String>>,
    /// Tags to be added to those that it has.
    #[serde(default, deserialize_with = "given")]
    pub(crate) add_tags: Option<Vec<String>>,
    /// Tags to be taken away.
    #[serde(default, deserialize_with = "given")]
    pub(crate) remove_tags: Option<Vec<String>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) monitoring_enabled: Option<bool>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) node_exporter_port: Option<u16>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) notes: Option<String>,
    /// Who makes the record; taken only when it is made.
    #[serde(default, deserialize_with = "given")]
    pub(crate) source: Option<String>,
    /// What its agent calls it, as an import says it of a machine whose agent is yet to report.
    #[serde(skip)]
    pub(crate) reported_hostname: Option<String>,
    /// The version that the caller saw: as `If-Match`.
    #[serde(default)]
    pub(crate) version: Option<i64>,
    /// Taken only where many are changed at once; one machine has URLs for these.
    #[serde(default, deserialize_with = "named_or_none")]
    pub(crate) action: Option<Action>,
}

fn addresses<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Vec<Address>>, D::Error> {
    let list = Vec::<Object<Address>>::deserialize(from)?;
    Ok(Some(list.into_iter().map(|object| object.0).collect()))
}

impl VpsChange {
    /// These members as they are stored: codes in capitals, tags sorted.
    ///
    /// # Errors
    /// The first member that breaks a rule.
    pub(crate) fn checked(mut self) -> Result<Self, Invalid> {
        self.check_lines()?;
        self.check_numbers()?;
        if let Some(hostname) = &self.hostname {
            check_record_name(hostname)?;
        }
        if let Some(hostname) = &self.reported_hostname {
            check_hostname("reported_hostname", hostname)?;
        }
        for (field, date) in [("purchase_date", &self.purchase_date), ("expire_date", &self.expire_date)] {
            date.iter().flatten().try_for_each(|date| check_date(field, date))?;
        }
        self.cost_monthly.iter().flatten().try_for_each(|cost| check_money("cost_monthly", cost))?;
        self.country = self.country.map(|code| checked_country("country", &code)).transpose()?;
        self.currency = self.currency.map(|code| checked_currency("currency", &code)).transpose()?;
        self.notes = self.notes.map(|notes| checked_notes("notes", &notes)).transpose()?;
        self.tags = self.tags.map(|tags| checked_tags("tags", &tags)).transpose()?;
        self.add_tags = self.add_tags.map(|tags| checked_tags("add_tags", &tags)).transpose()?;
        self.remove_tags = self.remove_tags.map(|tags| checked_tags("remove_tags", &tags)).transpose()?;
        self.ip_addresses = self.ip_addresses.map(checked_addresses).transpose()?;
        Ok(self)
    }

    /// Refuses a new name with a number in parentheses: the hub alone gives these, and takes them back.
    ///
    /// # Errors
    /// A hostname that is neither one nor `before`.
    pub(crate) fn check_new_name(&self, before: Option<&str>) -> Result<(), Invalid> {
        match self.hostname.as_deref() {
            Some(hostname) if before != Some(hostname) => check_hostname("hostname", hostname),
            _ => Ok(()),
        }
    }

    fn check_lines(&self) -> Result<(), Invalid> {
        for (field, text) in [
            ("alias", &self.alias),
            ("city", &self.city),
            ("dc_name", &self.dc_name),
            ("purpose", &self.purpose),
            ("vpn_protocol", &self.vpn_protocol),
        ] {
            text.iter().try_for_each(|text| check_line(field, text))?;
        }
        let Some(source) = &self.source else { return Ok(()) };
        if source.is_empty() {
            return Err(Invalid::new("source", "is empty; leave it out"));
        }
        check_text("source", source, MAX_SOURCE_CHARS)
    }

    fn check_numbers(&self) -> Result<(), Invalid> {
        for (field, port) in [("ssh_port", self.ssh_port), ("node_exporter_port", self.node_exporter_port)] {
            if port == Some(0) {
                return Err(Invalid::new(field, "is 1 to 65535"));
            }
        }
        if self.cpu_cores.flatten().is_some_and(|cores| !(1..=MAX_CPU_CORES).contains(&cores)) {
            return Err(Invalid::new("cpu_cores", format!("is 1 to {MAX_CPU_CORES}, or null")));
        }
        for (field, size) in [("ram_mb", self.ram_mb), ("disk_gb", self.disk_gb)] {
            if size.flatten().is_some_and(|size| size > MAX_SIZE) {
                return Err(Invalid::new(field, format!("is 0 to {MAX_SIZE}, or null")));
            }
        }
        if self.bandwidth_tb.flatten().is_some_and(|tb| !(0.0..=MAX_BANDWIDTH_TB).contains(&tb)) {
            return Err(Invalid::new("bandwidth_tb", format!("is 0 to {MAX_BANDWIDTH_TB}, or null")));
        }
        if self.version.is_some_and(|version| version < 1) {
            return Err(Invalid::new("version", "is the version of the record that you saw, from 1 on"));
        }
        Ok(())
    }

    /// Changes those members of `vps` that this names. Addresses are the business of whoever knows their history.
    ///
    /// # Errors
    /// More tags than a machine may have.
    pub(crate) fn apply(&self, vps: &mut Vps) -> Result<(), Invalid> {
        if self.status == Some(Status::Deleted) {
            return Err(Invalid::new("status", "becomes deleted by DELETE, not by a change"));
        }
        set(&mut vps.hostname, self.hostname.as_ref());
        set(&mut vps.alias, self.alias.as_ref());
        set(&mut vps.provider_id, self.provider_id.as_ref());
        set(&mut vps.ssh_port, self.ssh_port.as_ref());
        set(&mut vps.country, self.country.as_ref());
        set(&mut vps.city, self.city.as_ref());
        set(&mut vps.dc_name, self.dc_name.as_ref());
        set(&mut vps.cpu_cores, self.cpu_cores.as_ref());
        set(&mut vps.ram_mb, self.ram_mb.as_ref());
        set(&mut vps.disk_gb, self.disk_gb.as_ref());
        set(&mut vps.bandwidth_tb, self.bandwidth_tb.as_ref());
        if let Some(cost) = &self.cost_monthly
            && !is_same_amount(cost.as_deref(), vps.cost_monthly.as_deref())
        {
            vps.cost_monthly.clone_from(cost);
        }
        set(&mut vps.currency, self.currency.as_ref());
        set(&mut vps.status, self.status.as_ref());
        set(&mut vps.purchase_date, self.purchase_date.as_ref());
        set(&mut vps.expire_date, self.expire_date.as_ref());
        set(&mut vps.purpose, self.purpose.as_ref());
        set(&mut vps.vpn_protocol, self.vpn_protocol.as_ref());
        set(&mut vps.tags, self.tags.as_ref());
        set(&mut vps.monitoring_enabled, self.monitoring_enabled.as_ref());
        set(&mut vps.node_exporter_port, self.node_exporter_port.as_ref());
        set(&mut vps.notes, self.notes.as_ref());
        if self.reported_hostname.is_some() {
            vps.reported_hostname = self.reported_hostname.clone().filter(|name| *name != vps.hostname);
        }
        vps.tags.extend(self.add_tags.iter().flatten().cloned());
        vps.tags.retain(|tag| !self.remove_tags.as_ref().is_some_and(|gone| gone.contains(tag)));
        vps.tags.sort();
        vps.tags.dedup();
        check_tag_count("tags", vps.tags.len())
    }
}

fn set<T: Clone>(member: &mut T, value: Option<&T>) {
    if let Some(value) = value {
        member.clone_from(value);
    }
}

impl Vps {
    /// From which to which value each member changed that a person may change.
    pub(crate) fn changes_since(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        changes.note("hostname", &before.hostname, &self.hostname);
        changes.note("alias", &before.alias, &self.alias);
        changes.note("provider_id", &before.provider_id, &self.provider_id);
        changes.note("ip_addresses", &before.ip_addresses, &self.ip_addresses);
        changes.note("ssh_port", &before.ssh_port, &self.ssh_port);
        changes.note("country", &before.country, &self.country);
        changes.note("city", &before.city, &self.city);
        changes.note("dc_name", &before.dc_name, &self.dc_name);
        changes.note("cpu_cores", &before.cpu_cores, &self.cpu_cores);
        changes.note("ram_mb", &before.ram_mb, &self.ram_mb);
        changes.note("disk_gb", &before.disk_gb, &self.disk_gb);
        changes.note("bandwidth_tb", &before.bandwidth_tb, &self.bandwidth_tb);
        changes.note("cost_monthly", &before.cost_monthly, &self.cost_monthly);
        changes.note("currency", &before.currency, &self.currency);
        changes.note("status", &before.status, &self.status);
        changes.note("purchase_date", &before.purchase_date, &self.purchase_date);
        changes.note("expire_date", &before.expire_date, &self.expire_date);
        changes.note("purpose", &before.purpose, &self.purpose);
        changes.note("vpn_protocol", &before.vpn_protocol, &self.vpn_protocol);
        changes.note("tags", &before.tags, &self.tags);
        changes.note("monitoring_enabled", &before.monitoring_enabled, &self.monitoring_enabled);
        changes.note("node_exporter_port", &before.node_exporter_port, &self.node_exporter_port);
        changes.note("notes", &before.notes, &self.notes);
        changes.note("reported_hostname", &before.reported_hostname, &self.reported_hostname);
        changes
    }
}

/// A name for a record: a hostname, and a number in parentheses where the hub had to tell two machines apart.
fn check_record_name(name: &str) -> Result<(), Invalid> {
    let numbered = name.strip_suffix(')').and_then(|name| name.rsplit_once(" ("));
    let base = match numbered {
        Some((base, number)) if number.len() <= 9 && number.parse::<u32>().is_ok_and(|n| n > 1) => base,
        _ => name,
    };
    check_hostname("hostname", base)
}

fn check_hostname(field: &str, name: &str) -> Result<(), Invalid> {
    if is_hostname(name) {
        return Ok(());
    }
    let rule = "has 1 to 253 characters, each a letter or digit of ASCII, a dot, a hyphen or an underscore";
    Err(Invalid::new(field, rule))
}

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
        check_text(&format!("ip_addresses[{index}].label"), &address.label, MAX_LABEL_CHARS)?;
        if addresses.iter().take(index).any(|earlier| earlier.ip == address.ip) {
            return Err(Invalid::new(format!("ip_addresses[{index}].ip"), "is there twice"));
        }
    }
    addresses.sort();
    Ok(addresses)
}

#[cfg(test)]
mod tests;
