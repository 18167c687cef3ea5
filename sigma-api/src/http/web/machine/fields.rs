//! What stands in the fields of the form of a machine, and what it says of the machine.
//!
//! Each field comes with what stood in it when the form was made (`was.…`). What a person did not touch is not sent to
//! the service; and where somebody else saved meanwhile, it becomes what that one made of it.

use std::net::IpAddr;
use std::str::FromStr;

use sigma_protocol::Address;

use crate::http::form::Form;
use crate::model::address_history::KnownAddress;
use crate::model::text::Invalid;
use crate::model::vps::{Status, Vps};
use crate::model::vps_change::VpsChange;

/// The names of all fields, which are those of the members.
pub(super) const NAMES: [&str; 22] = [
    "hostname",
    "alias",
    "status",
    "provider_id",
    "country",
    "city",
    "dc_name",
    "purpose",
    "vpn_protocol",
    "tags",
    "cpu_cores",
    "ram_mb",
    "disk_gb",
    "bandwidth_tb",
    "cost_monthly",
    "currency",
    "purchase_date",
    "expire_date",
    "ssh_port",
    "node_exporter_port",
    "monitoring_enabled",
    "notes",
];
/// The addresses of a machine without an agent: one in a line, with its label.
pub(super) const ADDRESSES: &str = "ip_addresses";
/// What a checked box says.
const ON: &str = "on";

/// A field.
#[derive(Clone)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) was: String,
    /// What somebody else made of it while the person wrote something else.
    pub(super) theirs: Option<String>,
}

/// The label of an address.
#[derive(Clone)]
pub(super) struct Label {
    pub(super) ip: IpAddr,
    pub(super) value: String,
    pub(super) was: String,
    pub(super) is_present: bool,
}

/// All fields.
pub(super) struct Fields {
    fields: Vec<Field>,
    /// Of a machine with an agent.
    pub(super) labels: Vec<Label>,
}

impl Fields {
    /// What is known of a machine.
    pub(super) fn of(vps: &Vps, known: &[KnownAddress]) -> Self {
        let field = |name| {
            let value = text(vps, name);
            Field { name, was: value.clone(), value, theirs: None }
        };
        let label = |address: &KnownAddress| Label {
            ip: address.ip,
            value: address.label.clone(),
            was: address.label.clone(),
            is_present: address.present,
        };
        let mut labels: Vec<Label> =
            if vps.reported.is_some() { known.iter().map(label).collect() } else { Vec::new() };
        labels.sort_by_key(|label| !label.is_present);
        Self { fields: NAMES.into_iter().chain([ADDRESSES]).map(field).collect(), labels }
    }

    /// These fields, in which a person wrote what `form` says.
    pub(super) fn filled(mut self, form: &Form) -> Self {
        for field in &mut self.fields {
            let written = unix(form.get(field.name));
            let was = unix(form.get(&format!("was.{}", field.name)));
            if written != was && written != field.value {
                if was != field.value {
                    field.theirs = Some(field.value.clone());
                }
                field.value = written;
            }
        }
        for label in &mut self.labels {
            let written = form.get(&format!("label.{}", label.ip));
            if written != form.get(&format!("was.label.{}", label.ip)) {
                written.clone_into(&mut label.value);
            }
        }
        self
    }

    /// Each field as if it were the only one.
    pub(super) fn alone(&self) -> impl Iterator<Item = Self> {
        let fields = self.fields.iter().map(|field| Self { fields: vec![field.clone()], labels: Vec::new() });
        fields.chain([Self { fields: Vec::new(), labels: self.labels.clone() }])
    }

    pub(super) fn get(&self, name: &str) -> &str {
        self.field(name).map_or("", |field| &field.value)
    }

    pub(super) fn was(&self, name: &str) -> &str {
        self.field(name).map_or("", |field| &field.was)
    }

    /// What somebody else made of a field meanwhile.
    pub(super) fn theirs(&self, name: &str) -> Option<&str> {
        self.field(name).and_then(|field| field.theirs.as_deref())
    }

    fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    fn changed(&self, name: &str) -> Option<&str> {
        self.field(name).filter(|field| field.value != field.was).map(|field| &*field.value)
    }

    /// What a person changed.
    ///
    /// # Errors
    /// The first field that is nothing of its kind.
    pub(super) fn change(&self) -> Result<VpsChange, Invalid> {
        let line = |name| self.changed(name).map(|text| text.trim().to_owned());
        let optional = |name| line(name).map(|text| Some(text).filter(|text| !text.is_empty()));
        Ok(VpsChange {
            hostname: line("hostname"),
            alias: line("alias"),
            provider_id: self.number("provider_id", "is no provider")?,
            ip_addresses: self.addresses()?,
            ssh_port: self.port("ssh_port")?,
            country: line("country"),
            city: line("city"),
            dc_name: line("dc_name"),
            cpu_cores: self.number("cpu_cores", "is a whole number, or empty")?,
            ram_mb: self.number("ram_mb", "is a whole number of MiB, or empty")?,
            disk_gb: self.number("disk_gb", "is a whole number of GiB, or empty")?,
            bandwidth_tb: self.number("bandwidth_tb", "is a number as 1.5, or empty")?,
            cost_monthly: optional("cost_monthly"),
            currency: line("currency"),
            status: self.status()?,
            purchase_date: optional("purchase_date"),
            expire_date: optional("expire_date"),
            purpose: line("purpose"),
            vpn_protocol: line("vpn_protocol"),
            tags: self.changed("tags").map(tags),
            monitoring_enabled: self.changed("monitoring_enabled").map(|text| text == ON),
            node_exporter_port: self.port("node_exporter_port")?,
            notes: self.changed("notes").map(str::to_owned),
            ..VpsChange::default()
        })
    }

    fn number<T: FromStr>(&self, name: &str, rule: &str) -> Result<Option<Option<T>>, Invalid> {
        match self.changed(name).map(str::trim) {
            None => Ok(None),
            Some("") => Ok(Some(None)),
            Some(text) => text.parse().map(|value| Some(Some(value))).map_err(|_| Invalid::new(name, rule)),
        }
    }

    fn port(&self, name: &str) -> Result<Option<u16>, Invalid> {
        let Some(text) = self.changed(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| Invalid::new(name, "is 1 to 65535"))
    }

    fn status(&self) -> Result<Option<Status>, Invalid> {
        let Some(name) = self.changed("status") else { return Ok(None) };
        let chosen = Status::from_name(name).filter(|status| Status::LIVING.contains(status));
        chosen.map(Some).ok_or_else(|| Invalid::new("status", "is one of those in the list"))
    }

    fn addresses(&self) -> Result<Option<Vec<Address>>, Invalid> {
        let labelled = self.labels.iter().filter(|label| label.value != label.was);
        let labelled: Vec<Address> =
            labelled.map(|label| Address { ip: label.ip, label: label.value.trim().to_owned() }).collect();
        if !labelled.is_empty() {
            return Ok(Some(labelled));
        }
        let Some(text) = self.changed(ADDRESSES) else { return Ok(None) };
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let address = |(index, line): (usize, &str)| {
            let (ip, label) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
            let rule = || format!("has no address at the beginning of line {}", index.saturating_add(1));
            let ip = ip.parse().map_err(|_| Invalid::new(ADDRESSES, rule()))?;
            Ok(Address { ip, label: label.trim().to_owned() })
        };
        lines.map(address).collect::<Result<_, _>>().map(Some)
    }
}

/// Tags are parted by commas or ends of lines.
fn tags(text: &str) -> Vec<String> {
    let tags = text.split([',', '\n']).map(str::trim).filter(|tag| !tag.is_empty());
    tags.map(str::to_owned).collect()
}

/// Browsers send the ends of lines as the network has them.
fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

fn text(vps: &Vps, name: &str) -> String {
    fn optional<T: ToString>(value: Option<&T>) -> String {
        value.map(ToString::to_string).unwrap_or_default()
    }
    match name {
        "hostname" => vps.hostname.clone(),
        "alias" => vps.alias.clone(),
        "status" => vps.status.name().to_owned(),
        "provider_id" => optional(vps.provider_id.as_ref()),
        "country" => vps.country.clone(),
        "city" => vps.city.clone(),
        "dc_name" => vps.dc_name.clone(),
        "purpose" => vps.purpose.clone(),
        "vpn_protocol" => vps.vpn_protocol.clone(),
        "tags" => vps.tags.join(", "),
        "cpu_cores" => optional(vps.cpu_cores.as_ref()),
        "ram_mb" => optional(vps.ram_mb.as_ref()),
        "disk_gb" => optional(vps.disk_gb.as_ref()),
        "bandwidth_tb" => optional(vps.bandwidth_tb.as_ref()),
        "cost_monthly" => optional(vps.cost_monthly.as_ref()),
        "currency" => vps.currency.clone(),
        "purchase_date" => optional(vps.purchase_date.as_ref()),
        "expire_date" => optional(vps.expire_date.as_ref()),
        "ssh_port" => vps.ssh_port.to_string(),
        "node_exporter_port" => vps.node_exporter_port.to_string(),
        "monitoring_enabled" => if vps.monitoring_enabled { ON } else { "" }.to_owned(),
        "notes" => vps.notes.clone(),
        ADDRESSES if vps.reported.is_none() => lines(&vps.ip_addresses),
        _ => String::new(),
    }
}

fn lines(addresses: &[Address]) -> String {
    let line = |address: &Address| format!("{} {}", address.ip, address.label).trim_end().to_owned();
    addresses.iter().map(line).collect::<Vec<_>>().join("\n")
}
