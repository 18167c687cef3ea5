//! What the hub acknowledged, kept outside its database, and the comparison of the two.

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::Path;

use sea_orm::{ConnectionTrait, Database, DbErr, Statement};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::at;
use crate::http::Connection;
use crate::hub::Folder;

/// A machine of the simulated fleet, with all that was acknowledged about it.
pub(crate) struct Machine {
    pub(crate) hostname: String,
    /// Of the acknowledged registration; `None` when the hub was killed before it answered.
    pub(crate) id: Option<String>,
    /// Number of the address that was acknowledged last.
    pub(crate) address: u32,
    /// Number of an address that was sent, but not acknowledged.
    pub(crate) pending_address: Option<u32>,
    /// Beats that were sent.
    pub(crate) beats: u32,
    /// When beats of this life of the hub were sent and acknowledged, in ms since 1970.
    pub(crate) acknowledged: Vec<(i64, i64)>,
}

impl Machine {
    pub(crate) fn new(hostname: String) -> Self {
        Self { hostname, id: None, address: 0, pending_address: None, beats: 0, acknowledged: Vec::new() }
    }

    /// The address of that number.
    pub(crate) fn ip(number: u32) -> String {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(100, 64, 0, 1)) + number).to_string()
    }
}

/// Compares the hub's records with the ledger, and takes over what was sent but not acknowledged. Returns how many
/// machines had a beat before `flushed_before` whose time must be known.
pub(crate) fn compare(
    folder: &Folder,
    key: &str,
    fleet: &mut Vec<Machine>,
    flushed_before: i64,
) -> Result<usize, String> {
    let mut records = records(folder, key)?;
    let mut checked = 0;
    let mut lost = Vec::new();
    for machine in fleet.iter_mut() {
        let Some(record) = records.remove(&machine.hostname) else {
            if machine.id.is_some() {
                lost.push(format!("{} is gone", machine.hostname));
            }
            continue;
        };
        let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
        if machine.id.get_or_insert_with(|| id.to_owned()) != id {
            lost.push(format!("{} has another id", machine.hostname));
        }
        let ips: Vec<&str> = record
            .get("ip_addresses")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|address| address.get("ip")?.as_str())
            .collect();
        let pending = machine.pending_address.take();
        if pending.is_some_and(|pending| ips == [Machine::ip(pending)]) {
            machine.address = pending.unwrap_or(machine.address);
        } else if ips != [Machine::ip(machine.address)] {
            lost.push(format!("{} has {ips:?}, not {}", machine.hostname, Machine::ip(machine.address)));
        }
        let due =
            machine.acknowledged.drain(..).filter(|(_, at)| *at < flushed_before).map(|(sent, _)| sent).max();
        if let Some(due) = due {
            checked += 1;
            if last_seen_ms(&record)? < due {
                lost.push(format!("{} was last seen before a beat that was to be flushed", machine.hostname));
            }
        }
    }
    lost.extend(records.keys().map(|hostname| format!("{hostname} was never registered")));
    fleet.retain(|machine| machine.id.is_some());
    if let Some(first) = lost.first() {
        Err(format!("{} differences, as: {first}", lost.len()))
    } else {
        Ok(checked)
    }
}

/// All records of the hub by hostname.
fn records(folder: &Folder, key: &str) -> Result<HashMap<String, Value>, String> {
    let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
    let mut found = HashMap::new();
    for page in 1_u32.. {
        let answer = connection.get(&format!("/api/vps?per_page=100&page={page}")).map_err(at("list"))?;
        let list: Value = serde_json::from_str(&answer.body).map_err(at("list"))?;
        let Some(data) = list.get("data").and_then(Value::as_array) else { return Err(answer.body) };
        if data.is_empty() {
            break;
        }
        for record in data {
            let hostname = record.get("hostname").and_then(Value::as_str).unwrap_or_default().to_owned();
            if found.insert(hostname.clone(), record.clone()).is_some() {
                return Err(format!("{hostname} is there twice"));
            }
        }
    }
    Ok(found)
}

fn last_seen_ms(record: &Value) -> Result<i64, String> {
    let text = record.get("last_seen_at").and_then(Value::as_str).ok_or("no last_seen_at")?;
    let at_time = OffsetDateTime::parse(text, &Rfc3339).map_err(at("last_seen_at"))?;
    i64::try_from(at_time.unix_timestamp_nanos() / 1_000_000).map_err(at("last_seen_at"))
}

/// What SQLite says of the whole database.
pub(crate) fn integrity(database: &Path) -> Result<String, String> {
    text(database, "PRAGMA integrity_check")
}

/// How many records there are.
pub(crate) fn count_rows(database: &Path) -> Result<usize, String> {
    text(database, "SELECT CAST(COUNT(*) AS TEXT) FROM vps")?.parse().map_err(at("count"))
}

fn text(database: &Path, sql: &str) -> Result<String, String> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(at("runtime"))?;
    let ask = async {
        let connection = Database::connect(format!("sqlite://{}?mode=rw", database.display())).await?;
        let statement = Statement::from_string(connection.get_database_backend(), sql);
        let row = connection.query_one_raw(statement).await?;
        let row = row.ok_or_else(|| DbErr::RecordNotFound(sql.to_owned()))?;
        row.try_get_by_index::<String>(0)
    };
    runtime.block_on(ask).map_err(at(sql))
}
