//! What is exported and imported: rows of named members, the same in CSV and JSON.
//!
//! A row has each member in one form, however it was written: what is equal is then seen by comparing. What was exported
//! imports again and is equal.

mod csv;
mod plan;
mod record;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::text::{Invalid, check_text};
use super::time::is_day;
use super::vps::{NODE_EXPORTER_PORT, Status};

pub(crate) use self::csv::{Format, Line, read, write};
pub(crate) use plan::{Action, Existing, ImportLine, Plan, Planned, plan};
pub(crate) use record::{ProviderRecord, VpsRecord, provider_row, vps_row};

/// The members of one machine or provider; those that a file does not have are absent.
pub(crate) type Row = Map<String, Value>;

/// A line of a file has at most so many characters of notes.
const MAX_NOTES_CHARS: usize = 10_000;
const MAX_TAGS: usize = 64;
const MAX_ADDRESSES: usize = 64;

/// What a member is, and so how it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Id,
    OptionalId,
    /// At most so many characters; empty is empty.
    Text(usize),
    /// Empty is absent.
    OptionalText,
    Notes,
    /// From, to; empty is absent.
    OptionalWhole(u64, u64),
    Whole(u64, u64),
    OptionalNumber,
    /// An amount as decimal text; empty is absent.
    Money,
    Flag,
    Day,
    Status,
    /// So many capital letters, or nothing.
    Code(usize),
    Tags,
    Addresses,
    /// Shown, and not imported.
    Info,
}

/// A table that can be exported and imported.
#[derive(Debug)]
pub(crate) struct Table {
    /// What its rows are about, in the name of the file and in the audit log.
    pub(crate) noun: &'static str,
    /// The member that a person knows a row by.
    pub(crate) name: &'static str,
    /// Whether names that differ in the case of ASCII letters alone are the same.
    folds_names: bool,
    columns: &'static [(&'static str, Kind)],
    /// Members of records that are shown elsewhere: not exported, and passed over when they are imported.
    passed_over: &'static [&'static str],
}

/// Machines.
pub(crate) static MACHINES: Table = Table {
    noun: "vps",
    name: "hostname",
    folds_names: false,
    columns: &[
        ("id", Kind::Id),
        ("hostname", Kind::Text(253)),
        ("alias", Kind::Text(256)),
        ("provider_id", Kind::OptionalId),
        ("provider", Kind::OptionalText),
        ("ip_addresses", Kind::Addresses),
        ("ssh_port", Kind::Whole(1, 65_535)),
        ("country", Kind::Code(2)),
        ("city", Kind::Text(256)),
        ("dc_name", Kind::Text(256)),
        ("cpu_cores", Kind::OptionalWhole(1, 65_536)),
        ("ram_mb", Kind::OptionalWhole(1, 1 << 31)),
        ("disk_gb", Kind::OptionalWhole(1, 1 << 31)),
        ("bandwidth_tb", Kind::OptionalNumber),
        ("cost_monthly", Kind::Money),
        ("currency", Kind::Code(3)),
        ("status", Kind::Status),
        ("purchase_date", Kind::Day),
        ("expire_date", Kind::Day),
        ("purpose", Kind::Text(256)),
        ("vpn_protocol", Kind::Text(256)),
        ("tags", Kind::Tags),
        ("monitoring_enabled", Kind::Flag),
        ("node_exporter_port", Kind::Whole(1, 65_535)),
        ("notes", Kind::Notes),
        ("source", Kind::Text(64)),
        ("created_at", Kind::Info),
    ],
    passed_over: &[
        "extra",
        "updated_at",
        "presence",
        "last_seen_at",
        "reported",
        "version",
        "flags",
        "suggestion",
    ],
};

/// Providers.
pub(crate) static PROVIDERS: Table = Table {
    noun: "provider",
    name: "name",
    folds_names: true,
    columns: &[
        ("id", Kind::Id),
        ("name", Kind::Text(256)),
        ("country", Kind::Code(2)),
        ("website", Kind::Text(1024)),
        ("panel_url", Kind::Text(1024)),
        ("api_supported", Kind::Flag),
        ("rating", Kind::OptionalWhole(1, 5)),
        ("notes", Kind::Notes),
        ("created_at", Kind::Info),
    ],
    passed_over: &["updated_at", "version"],
};

impl Table {
    fn kind(&self, name: &str) -> Option<Kind> {
        self.columns.iter().find(|(known, _)| *known == name).map(|(_, kind)| *kind)
    }

    /// What a record has that a file says nothing of.
    fn defaults(&self) -> Row {
        let default = |(name, kind): &(&str, Kind)| {
            let value = match (*name, kind) {
                (_, Kind::Info) => return None,
                ("ssh_port", _) => json!(22),
                ("node_exporter_port", _) => json!(NODE_EXPORTER_PORT),
                ("status", _) => json!(Status::Active.name()),
                ("monitoring_enabled", _) => json!(true),
                ("source", _) => json!("import"),
                (_, Kind::Text(_) | Kind::Notes | Kind::Code(_)) => json!(""),
                (_, Kind::Flag) => json!(false),
                (_, Kind::Tags | Kind::Addresses) => json!([]),
                _ => Value::Null,
            };
            Some(((*name).to_owned(), value))
        };
        self.columns.iter().filter_map(default).collect()
    }

    /// A name as it is compared.
    fn folded(&self, name: &str) -> String {
        if self.folds_names { name.to_ascii_lowercase() } else { name.to_owned() }
    }

    /// Whether a member may stand in a file.
    fn knows(&self, name: &str) -> bool {
        self.kind(name).is_some() || self.passed_over.contains(&name)
    }

    /// The members of a row in their one form, without those that are not imported.
    ///
    /// # Errors
    /// The first member that breaks a rule.
    pub(crate) fn check_row(&self, given: &Row) -> Result<Row, Invalid> {
        let mut row = Row::new();
        for (name, value) in given {
            match self.kind(name) {
                None | Some(Kind::Info) => {}
                Some(kind) => {
                    row.insert(name.clone(), checked(name, kind, value)?);
                }
            }
        }
        if row.get(self.name).is_some_and(|name| name == "") {
            return Err(Invalid::new(self.name, "is empty"));
        }
        Ok(row)
    }
}

/// One member in its one form. The rules of single members stand here and nowhere else in the exchange.
fn checked(name: &str, kind: Kind, value: &Value) -> Result<Value, Invalid> {
    let bad = |reason: String| Err(Invalid::new(name, reason));
    let text = value.as_str().unwrap_or_default();
    let is_empty = value.is_null() || value == "";
    match kind {
        Kind::OptionalId | Kind::OptionalText | Kind::Money | Kind::Day if is_empty => Ok(Value::Null),
        Kind::OptionalWhole(..) | Kind::OptionalNumber if is_empty => Ok(Value::Null),
        Kind::Text(_) | Kind::Notes | Kind::Code(_) if is_empty => Ok(json!("")),
        Kind::Tags | Kind::Addresses if is_empty => Ok(json!([])),
        // A file may be about machines that are yet to get one.
        Kind::Id if is_empty => Ok(Value::Null),
        Kind::Id | Kind::OptionalId => match text.parse::<uuid::Uuid>() {
            Ok(id) => Ok(json!(id)),
            Err(_) => bad("is a UUID, as 01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a".to_owned()),
        },
        Kind::Text(_) | Kind::OptionalText | Kind::Notes | Kind::Code(_) | Kind::Day | Kind::Status
            if !value.is_string() =>
        {
            bad("is a text".to_owned())
        }
        Kind::Text(most) => check_text(name, text, most).map(|()| json!(text)),
        Kind::OptionalText => check_text(name, text, 256).map(|()| json!(text)),
        Kind::Notes => check_notes(name, text).map(|()| json!(text)),
        Kind::Code(letters) => {
            let is_code = text.len() == letters && text.bytes().all(|byte| byte.is_ascii_alphabetic());
            if is_code {
                Ok(json!(text.to_ascii_uppercase()))
            } else {
                bad(format!("is {letters} letters, or empty"))
            }
        }
        Kind::OptionalWhole(from, to) | Kind::Whole(from, to) => {
            let number = value.as_u64().or_else(|| text.trim().parse().ok());
            match number.filter(|number| (from..=to).contains(number)) {
                Some(number) => Ok(json!(number)),
                None => bad(format!("is a number from {from} to {to}")),
            }
        }
        Kind::OptionalNumber => {
            let number = value.as_f64().or_else(|| text.trim().parse().ok());
            match number.filter(|number: &f64| number.is_finite() && (0.0..=1e9).contains(number)) {
                Some(number) => Ok(json!(number)),
                None => bad("is a number from 0 to 1000000000".to_owned()),
            }
        }
        Kind::Money => {
            let amount = if value.is_number() { value.to_string() } else { text.trim().to_owned() };
            if is_amount(&amount) { Ok(json!(amount)) } else { bad("is an amount, as 4.99".to_owned()) }
        }
        Kind::Flag => match value.as_bool().map(|flag| if flag { "true" } else { "false" }).unwrap_or(text) {
            flag if flag.eq_ignore_ascii_case("true") || flag == "1" => Ok(json!(true)),
            flag if flag.eq_ignore_ascii_case("false") || flag == "0" => Ok(json!(false)),
            _ => bad("is true or false".to_owned()),
        },
        Kind::Day if is_day(text) => Ok(json!(text)),
        Kind::Day => bad("is a day, as 2026-12-31".to_owned()),
        Kind::Status => match Status::from_name(&text.to_ascii_lowercase()) {
            Some(status) => Ok(json!(status.name())),
            None => bad("is provisioning, active, retiring, retired, suspended or deleted".to_owned()),
        },
        Kind::Tags => tags(name, value),
        Kind::Addresses => addresses(name, value),
        Kind::Info => Ok(Value::Null),
    }
}

/// Notes may have lines.
fn check_notes(name: &str, text: &str) -> Result<(), Invalid> {
    let without_lines: String = text.chars().filter(|c| !matches!(c, '\n' | '\r' | '\t')).collect();
    check_text(name, &without_lines, MAX_NOTES_CHARS)
}

fn is_amount(text: &str) -> bool {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str, most: usize| {
        (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    digits(whole, 12) && digits(fraction, 6)
}

fn tags(name: &str, value: &Value) -> Result<Value, Invalid> {
    let given = value.as_array().ok_or_else(|| Invalid::new(name, "is a list of texts"))?;
    let mut tags = Vec::with_capacity(given.len());
    for tag in given {
        let tag = tag.as_str().filter(|tag| !tag.trim().is_empty());
        let tag = tag.ok_or_else(|| Invalid::new(name, "has a tag that is empty or no text"))?;
        check_text(name, tag, 64)?;
        tags.push(tag);
    }
    tags.sort_unstable();
    tags.dedup();
    if tags.len() > MAX_TAGS {
        return Err(Invalid::new(name, format!("has more than {MAX_TAGS} tags")));
    }
    Ok(json!(tags))
}

fn addresses(name: &str, value: &Value) -> Result<Value, Invalid> {
    let given = value.as_array().ok_or_else(|| Invalid::new(name, "is a list of addresses"))?;
    let mut addresses = std::collections::BTreeMap::new();
    for address in given {
        let text = address.get("ip").unwrap_or(address).as_str().unwrap_or_default();
        let ip: std::net::IpAddr =
            text.parse().map_err(|_| Invalid::new(name, format!("{text:?} is no address")))?;
        let label = address.get("label").and_then(Value::as_str).unwrap_or_default();
        check_text(name, label, 64)?;
        if addresses.insert(ip, label).is_some() {
            return Err(Invalid::new(name, format!("has {ip} twice")));
        }
    }
    if addresses.len() > MAX_ADDRESSES {
        return Err(Invalid::new(name, format!("has more than {MAX_ADDRESSES} addresses")));
    }
    Ok(addresses.into_iter().map(|(ip, label)| json!({"ip": ip, "label": label})).collect())
}
