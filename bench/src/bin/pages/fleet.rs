//! A large fleet, made quickly: imported as an administrator's list is, and then reported by its agents.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use serde_json::{Value, json};
use sigma_protocol::{Address, AgentInfo, MachineEvidence, Registration, SystemInfo};

use crate::at;
use crate::http::{Answer, Connection};
use crate::hub::Folder;

const PROVIDERS: u32 = 20;
/// Lines of one import.
const LINES: u32 = 2_000;
/// Connections that report at once.
const REPORTERS: u32 = 4;

/// Makes it; answers the ids of a machine and of a provider.
pub(crate) fn make(folder: &Folder, machines: u32) -> Result<(String, String), String> {
    let (operator, agent) = (folder.key("operator")?, folder.key("agent")?);
    let mut desk = Connection::open(folder.address, Some(&operator)).map_err(at("operator"))?;
    let mut provider = String::new();
    for number in 0..PROVIDERS {
        let body = json!({"name": format!("Provider {number}"), "rating": number % 5 + 1}).to_string();
        provider = taken(&desk.post("/api/providers", body.as_bytes()), 201)?.text("id");
    }
    for first in (0..machines).step_by(LINES as usize) {
        let lines: Vec<Value> = (first..machines.min(first + LINES)).map(line).collect();
        let body = json!({"format": "json", "data": lines}).to_string();
        let mut desk = Connection::open(folder.address, Some(&operator)).map_err(at("operator"))?;
        taken(&desk.post("/api/vps/import", body.as_bytes()), 200)?;
    }
    std::thread::scope(|scope| {
        let all = (0..REPORTERS).map(|which| {
            let agent = &agent;
            scope.spawn(move || report(folder, agent, (which..machines).step_by(REPORTERS as usize)))
        });
        let all: Vec<_> = all.collect();
        all.into_iter().try_for_each(|one| one.join().map_err(|_| "a reporter fell over".to_owned())?)
    })?;
    // The hub closes connections that are not used.
    let mut desk = Connection::open(folder.address, Some(&operator)).map_err(at("operator"))?;
    let list = desk.get("/api/vps?per_page=1").map_err(at("list"))?.json();
    let id = list.pointer("/data/0/id").and_then(Value::as_str).unwrap_or_default().to_owned();
    Ok((id, provider))
}

fn report(folder: &Folder, key: &str, machines: impl Iterator<Item = u32>) -> Result<(), String> {
    let mut hub = Connection::open(folder.address, Some(key)).map_err(at("agent"))?;
    for number in machines {
        let body = serde_json::to_vec(&registration(number)).map_err(at("registration"))?;
        taken(&hub.post("/api/agent/register", &body), 200)?;
    }
    Ok(())
}

/// The answer, if it has that status.
pub(crate) fn taken(answer: &std::io::Result<Answer>, status: u16) -> Result<&Answer, String> {
    match answer {
        Ok(answer) if answer.status == status => Ok(answer),
        Ok(answer) => Err(format!("{}: {}", answer.status, answer.body)),
        Err(error) => Err(error.to_string()),
    }
}

/// Every third machine has no provider yet.
fn line(number: u32) -> Value {
    let tags: Vec<String> = (0..number % 4).map(|tag| format!("tag-{}", (number + tag) % 30)).collect();
    let mut line = json!({
        "hostname": hostname(number), "tags": tags, "country": "DE", "currency": "EUR", "cost_monthly": "4.50",
        "expire_date": format!("2031-{:02}-{:02}", number % 12 + 1, number % 28 + 1), "alias": format!("machine {number}"),
    });
    if !number.is_multiple_of(3)
        && let Some(members) = line.as_object_mut()
    {
        members.insert("provider".to_owned(), json!(format!("Provider {}", number % PROVIDERS)));
    }
    line
}

fn hostname(number: u32) -> String {
    let kind = ["web", "db", "relay", "edge", "game"].get(number as usize % 5).copied().unwrap_or_default();
    format!("{kind}-{number:05}.example.net")
}

/// What the agent of that machine says of it.
pub(crate) fn registration(number: u32) -> Registration {
    let block = number % PROVIDERS;
    let v4 = Ipv4Addr::from(0x5F00_0000 + (block << 18) + number);
    let v6 = Ipv6Addr::from((0x2A01_04F8_u128 << 96) + (u128::from(block) << 80) + u128::from(number));
    let address = |ip: IpAddr| Address { ip, label: "public".to_owned() };
    Registration {
        hostname: hostname(number),
        ip_addresses: vec![address(v4.into()), address(v6.into())],
        ssh_port: 22,
        system_info: SystemInfo {
            cpu_cores: Some(number % 4 + 1),
            ram_mb: Some(512 << (number % 5)),
            ram_used_mb: Some(100 + u64::from(number % 300)),
            disk_gb: Some(20),
            disk_used_gb: Some(f64::from(number % 19) + 0.5),
            uptime_seconds: Some(u64::from(number) * 977),
            load_avg: Some([f64::from(number % 100) / 50.0; 3]),
            os: Some("Debian GNU/Linux 13 (trixie)".to_owned()),
            kernel: Some("6.12.48+deb13-amd64".to_owned()),
            ..SystemInfo::default()
        },
        alias: None,
        agent: Some(AgentInfo { version: Some("0.1.0".to_owned()), interval_seconds: Some(60) }),
        machine: Some(MachineEvidence { id: Some(format!("{number:064x}")), boot_id: None }),
    }
}
