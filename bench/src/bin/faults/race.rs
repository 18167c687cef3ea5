//! Fault 24: many registrations of one hostname at the same moment make one record, and all are told so.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::http::Connection;
use crate::hub::Folder;
use crate::{Verdict, at};

const ROUNDS: usize = 3;

pub(crate) fn run(program: &Path, parallel: usize) -> Verdict {
    let folder = Folder::new(program)?;
    let (agent, reader) = (folder.key("agent")?, folder.key("readonly")?);
    let _hub = folder.start("info")?;
    folder.wait_until_well()?;
    let mut slowest = Duration::ZERO;
    for round in 0..ROUNDS {
        slowest = slowest.max(one_round(&folder, &agent, parallel, &format!("race-{round}"))?);
    }
    let list = Connection::open(folder.address, Some(&reader)).and_then(|mut to| to.get("/api/vps"));
    let list: Value = serde_json::from_str(&list.map_err(at("list"))?.body).map_err(at("list"))?;
    if list.get("total") != Some(&json!(ROUNDS)) {
        return Err(format!("{ROUNDS} hostnames made {:?} records", list.get("total")));
    }
    let ms = slowest.as_millis();
    Ok(format!("{ROUNDS} rounds of {parallel} registrations, 1 record each, no 5xx; slowest round {ms} ms"))
}

fn one_round(folder: &Folder, key: &str, parallel: usize, hostname: &str) -> Result<Duration, String> {
    let barrier = Barrier::new(parallel);
    let body =
        json!({"hostname": hostname, "ip_addresses": [{"ip": "203.0.113.7", "label": ""}]}).to_string();
    let one = || -> Result<(String, Duration), String> {
        let connection = Connection::open(folder.address, Some(key));
        barrier.wait();
        let started = Instant::now();
        let mut connection = connection.map_err(at("connect"))?;
        let answer = connection.post("/api/agent/register", body.as_bytes()).map_err(at("register"))?;
        if answer.status != 200 {
            return Err(format!("answered {}: {}", answer.status, answer.body));
        }
        Ok((answer.text("id"), started.elapsed()))
    };
    let results: Vec<Result<(String, Duration), String>> = std::thread::scope(|scope| {
        let small = || std::thread::Builder::new().stack_size(256 * 1024);
        let threads: Vec<_> = (0..parallel).map(|_| small().spawn_scoped(scope, one)).collect();
        let join = |thread: std::io::Result<std::thread::ScopedJoinHandle<'_, _>>| {
            thread.map_err(at("thread"))?.join().map_err(|_| "a thread died".to_owned())?
        };
        threads.into_iter().map(join).collect()
    });
    let results: Vec<(String, Duration)> = results.into_iter().collect::<Result<_, _>>()?;
    let ids: BTreeSet<&String> = results.iter().map(|(id, _)| id).collect();
    if ids.len() != 1 || ids.iter().any(|id| id.len() != 36) {
        return Err(format!("{} ids for one hostname", ids.len()));
    }
    Ok(results.iter().map(|(_, took)| *took).max().unwrap_or_default())
}
