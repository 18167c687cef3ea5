//! Fault 23: clones of one template and machines of one name never overwrite each other, a machine that moves or is
//! installed anew keeps its record, and whoever looks sees the conflict within three beats.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use crate::http::Connection;
use crate::hub::Folder;
use crate::{Verdict, at};

const LOCALHOSTS: u8 = 50;
const BEATS: usize = 3;
/// Two intervals of a second, and the grace of the hub.
const SILENCE: Duration = Duration::from_millis(17_500);

#[derive(Clone)]
struct Machine {
    hostname: String,
    id: u8,
    boot: String,
    ip: String,
    uptime: u32,
}

struct Lab {
    agent: Connection,
    reader: Connection,
}

impl Machine {
    fn new(hostname: &str, id: u8) -> Self {
        let (boot, ip) = (format!("boot of {id}"), format!("203.0.113.{id}"));
        Self { hostname: hostname.to_owned(), id, boot, ip, uptime: 3600 }
    }

    fn message(&self) -> Vec<u8> {
        let id = format!("{:02x}", self.id).repeat(32);
        json!({"hostname": self.hostname, "ip_addresses": [{"ip": self.ip, "label": ""}],
            "system_info": {"uptime_seconds": self.uptime}, "agent": {"interval_seconds": 1},
            "machine": {"id": id, "boot_id": self.boot}})
        .to_string()
        .into_bytes()
    }
}

impl Lab {
    /// A beat, as an agent does it: who is not known registers. The id of its record.
    fn beat(&mut self, machine: &Machine) -> Result<String, String> {
        let body = machine.message();
        let mut answer = self.agent.post("/api/agent/heartbeat", &body).map_err(at("beat"))?;
        if answer.status == 404 {
            answer = self.agent.post("/api/agent/register", &body).map_err(at("register"))?;
        }
        if answer.status == 200 {
            return Ok(answer.text("id"));
        }
        Err(format!("{} was answered {}: {}", machine.hostname, answer.status, answer.body))
    }

    /// Everybody beats three times; the records at the end, if each machine has one to itself, with its own address.
    fn settle(&mut self, machines: &[Machine]) -> Result<Vec<String>, String> {
        let mut records = Vec::new();
        for _ in 0..BEATS {
            records = machines.iter().map(|machine| self.beat(machine)).collect::<Result<_, _>>()?;
        }
        let different: BTreeSet<&String> = records.iter().collect();
        if different.len() != machines.len() {
            return Err(format!("{} machines have {} records", machines.len(), different.len()));
        }
        for (machine, id) in machines.iter().zip(&records) {
            let ip = self.record(id)?.pointer("/ip_addresses/0/ip").cloned();
            if ip != Some(json!(machine.ip)) {
                return Err(format!("the record of {} has the address {ip:?}", machine.ip));
            }
        }
        Ok(records)
    }

    fn record(&mut self, id: &str) -> Result<Value, String> {
        let answer = self.reader.get(&format!("/api/vps/{id}")).map_err(at("read"))?;
        serde_json::from_str(&answer.body).map_err(at("read"))
    }

    fn expect_flag(&mut self, records: &[String], flag: &str) -> Result<(), String> {
        for id in records {
            let record = self.record(id)?;
            let flags = record.get("flags").cloned().unwrap_or_default();
            if flags != json!([flag]) {
                return Err(format!("{id} should be marked {flag}, and is {flags}"));
            }
        }
        Ok(())
    }
}

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let (agent, reader) = (folder.key("agent")?, folder.key("readonly")?);
    let _hub = folder.start("warn")?;
    folder.wait_until_well()?;
    let open = |key: &str| Connection::open(folder.address, Some(key)).map_err(at("connect"));
    let mut lab = Lab { agent: open(&agent)?, reader: open(&reader)? };

    let first = Machine::new("debian", 201);
    lab.beat(&first)?;
    // One that booted before the first was heard, and one that looks like a reboot of it.
    let early = Machine { boot: "early".to_owned(), ip: "203.0.113.202".to_owned(), ..first.clone() };
    let late =
        Machine { boot: "late".to_owned(), ip: "203.0.113.203".to_owned(), uptime: 0, ..first.clone() };
    let clones = lab.settle(&[first, early, late])?;
    lab.expect_flag(&clones, "clone")?;

    let localhosts: Vec<Machine> = (1..=LOCALHOSTS).map(|id| Machine::new("localhost", id)).collect();
    let records = lab.settle(&localhosts)?;
    lab.expect_flag(&records, "conflict")?;

    let one = Machine::new("web", 210);
    let record = lab.beat(&one)?;
    let renamed = Machine { hostname: "www".to_owned(), ..one };
    let moved = Machine { ip: "198.51.100.1".to_owned(), ..renamed.clone() };
    for (what, machine) in [("renamed", &renamed), ("re-addressed", &moved)] {
        if lab.beat(machine)? != record {
            return Err(format!("what was {what} has another record"));
        }
    }
    std::thread::sleep(SILENCE);
    let anew = Machine { id: 211, boot: "anew".to_owned(), uptime: 1, ..moved };
    if lab.beat(&anew)? != record {
        return Err("what was installed anew has another record".to_owned());
    }
    lab.expect_flag(&[record], "reinstalled")?;
    let list = lab.reader.get("/api/vps").map_err(at("list"))?;
    let list: Value = serde_json::from_str(&list.body).map_err(at("list"))?;
    let expected = usize::from(LOCALHOSTS) + clones.len() + 1;
    if list.get("total") != Some(&json!(expected)) {
        return Err(format!("{expected} machines have {:?} records", list.get("total")));
    }
    Ok(format!(
        "3 clones, {LOCALHOSTS} localhosts, 1 renamed, re-addressed and reinstalled: {expected} records"
    ))
}
