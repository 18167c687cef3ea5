//! Fault 1: the hub is killed again and again under load. What it acknowledged is compared with a ledger kept here.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::json;

use crate::http::Connection;
use crate::hub::{Folder, Hub};
use crate::ledger::{Machine, compare, count_rows, integrity};
use crate::{Verdict, at};

const FLEET: usize = 500;
const WORKERS: usize = 10;
/// Every so many beats of a machine, its address changes.
const NEWS_EVERY: u32 = 20;
const READY_WITHIN: Duration = Duration::from_secs(2);
/// The hub flushes every 5 s; a flush takes a moment.
const FLUSHED_AFTER_MS: i64 = 6_000;

/// What one life of the hub saw.
#[derive(Default)]
struct Life {
    beats: u64,
    news: u64,
    registrations: u64,
    load: Duration,
}

pub(crate) fn run(program: &Path, kills: u32, beats_per_s: u32, registrations_per_s: u32) -> Verdict {
    let folder = Folder::new(program)?;
    let (agent, reader) = (folder.key("agent")?, folder.key("readonly")?);
    let mut total = Life::default();
    let mut slowest_start = Duration::ZERO;
    let mut checked_seen = 0;
    let mut hub = started(&folder, &mut slowest_start)?;
    let mut fleet = first_fleet(&folder, &agent)?;
    for life in 0..kills {
        let stop = AtomicBool::new(false);
        let uptime = uptime(life)?;
        let (result, killed_at) = std::thread::scope(|scope| {
            let load = scope
                .spawn(|| load(&folder, &agent, &mut fleet, life, beats_per_s, registrations_per_s, &stop));
            std::thread::sleep(uptime);
            let killed_at = now_ms();
            let killed = hub.kill();
            stop.store(true, Ordering::Relaxed);
            let result = load.join().map_err(|_| "a thread died".to_owned()).and_then(|result| result);
            (killed.and(result), killed_at)
        });
        let saw = result?;
        total.beats += saw.beats;
        total.news += saw.news;
        total.registrations += saw.registrations;
        total.load += uptime;
        hub = started(&folder, &mut slowest_start)?;
        checked_seen += compare(&folder, &reader, &mut fleet, killed_at - FLUSHED_AFTER_MS)
            .map_err(at(&format!("after kill {}", life + 1)))?;
    }
    if slowest_start > READY_WITHIN {
        return Err(format!("ready after {} ms", slowest_start.as_millis()));
    }
    hub.kill()?;
    let verdict = integrity(&folder.database())?;
    if verdict != "ok" {
        return Err(format!("integrity check: {verdict}"));
    }
    let rows = count_rows(&folder.database())?;
    if rows != fleet.len() {
        return Err(format!("{rows} records for {} machines", fleet.len()));
    }
    let seconds = total.load.as_secs_f64();
    let per_second =
        |count: u64| format!("{:.0}/s", f64::from(u32::try_from(count).unwrap_or(u32::MAX)) / seconds);
    Ok(format!(
        "{} kills in {seconds:.0} s of load; acknowledged: {} beats ({}), {} address changes, {} registrations ({}); none lost, none doubled; {checked_seen} last-seen times checked; integrity ok; slowest start {} ms",
        kills,
        total.beats,
        per_second(total.beats),
        total.news,
        total.registrations,
        per_second(total.registrations),
        slowest_start.as_millis(),
    ))
}

/// Starts the hub and waits until it is well; remembers the slowest.
fn started(folder: &Folder, slowest: &mut Duration) -> Result<Hub, String> {
    let begun = Instant::now();
    let hub = folder.start("info")?;
    folder.wait_until_well()?;
    *slowest = begun.elapsed().max(*slowest);
    Ok(hub)
}

/// How long a life lasts: mostly about a second, now and then long enough for a flush.
fn uptime(life: u32) -> Result<Duration, String> {
    let chance = u64::from(getrandom::u32().map_err(at("chance"))?);
    let ms = if life % 10 == 9 { 6_500 + chance % 1_500 } else { 200 + chance % 1_000 };
    Ok(Duration::from_millis(ms))
}

fn first_fleet(folder: &Folder, key: &str) -> Result<Vec<Machine>, String> {
    let mut connection = Connection::open(folder.address, Some(key)).map_err(at("connect"))?;
    let mut fleet = Vec::with_capacity(FLEET);
    for index in 0..FLEET {
        let mut machine = Machine::new(format!("first-{index}"));
        // Changes of address are spread over all beats.
        machine.beats = u32::try_from(index).unwrap_or(0) % NEWS_EVERY;
        if !register(&mut connection, &mut machine)? {
            return Err("the first registrations were not answered".to_owned());
        }
        fleet.push(machine);
    }
    Ok(fleet)
}

fn load(
    folder: &Folder,
    key: &str,
    fleet: &mut Vec<Machine>,
    life: u32,
    beats_per_s: u32,
    registrations_per_s: u32,
    stop: &AtomicBool,
) -> Result<Life, String> {
    let share = fleet.len().div_ceil(WORKERS).max(1);
    let beat_every = Duration::from_secs(u64::try_from(WORKERS).unwrap_or(1)) / beats_per_s.max(1);
    let register_every = Duration::from_secs(1) / registrations_per_s.max(1);
    let (lives, newcomers) = std::thread::scope(|scope| {
        let workers: Vec<_> = fleet
            .chunks_mut(share)
            .map(|machines| scope.spawn(move || beat_all(folder, key, machines, beat_every, stop)))
            .collect();
        let newcomers = scope.spawn(|| register_all(folder, key, life, register_every, stop));
        let lives: Vec<_> = workers.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
        (lives, newcomers.join())
    });
    let died = |_| "a thread died".to_owned();
    let newcomers = newcomers.map_err(died)??;
    let mut total = Life::default();
    for life in lives {
        let life = life.map_err(died)??;
        total.beats += life.beats;
        total.news += life.news;
    }
    total.registrations =
        newcomers.iter().filter(|machine| machine.id.is_some()).count().try_into().unwrap_or(0);
    fleet.extend(newcomers);
    Ok(total)
}

/// Waits for the next turn; false once the hub was killed.
fn turn(next: &mut Instant, every: Duration, stop: &AtomicBool) -> bool {
    std::thread::sleep(next.saturating_duration_since(Instant::now()));
    *next += every;
    !stop.load(Ordering::Relaxed)
}

fn beat_all(
    folder: &Folder,
    key: &str,
    machines: &mut [Machine],
    every: Duration,
    stop: &AtomicBool,
) -> Result<Life, String> {
    let mut life = Life::default();
    let Ok(mut connection) = Connection::open(folder.address, Some(key)) else { return Ok(life) };
    let mut next = Instant::now();
    let count = machines.len();
    let mut index = 0;
    while turn(&mut next, every, stop) {
        let Some(machine) = machines.get_mut(index % count.max(1)) else { break };
        index += 1;
        machine.beats += 1;
        let has_news = machine.beats % NEWS_EVERY == 0;
        if has_news {
            machine.pending_address = Some(machine.address + 1);
        }
        let said = machine.pending_address.unwrap_or(machine.address);
        let body = json!({"hostname": machine.hostname, "ip_addresses": [{"ip": Machine::ip(said), "label": ""}],
            "system_info": {"cpu_cores": 2, "ram_mb": 987, "load_avg": [0.1, 0.2, 0.3], "uptime_seconds": machine.beats},
            "agent": {"version": "0.1.0", "interval_seconds": 60}});
        let sent_at = now_ms();
        let Ok(answer) = connection.post("/api/agent/heartbeat", body.to_string().as_bytes()) else {
            // What was sent may have been stored or not.
            return expect_killed(stop).map(|()| life);
        };
        if answer.status != 200 {
            return Err(format!("a heartbeat was answered {} {}", answer.status, answer.body));
        }
        machine.address = said;
        machine.pending_address = None;
        machine.acknowledged.push((sent_at, now_ms()));
        life.beats += 1;
        life.news += u64::from(has_news);
    }
    Ok(life)
}

fn register_all(
    folder: &Folder,
    key: &str,
    life: u32,
    every: Duration,
    stop: &AtomicBool,
) -> Result<Vec<Machine>, String> {
    let mut machines = Vec::new();
    let Ok(mut connection) = Connection::open(folder.address, Some(key)) else { return Ok(machines) };
    let mut next = Instant::now();
    while turn(&mut next, every, stop) {
        let mut machine = Machine::new(format!("life-{life}-{}", machines.len()));
        let registered = register(&mut connection, &mut machine)?;
        machines.push(machine);
        if !registered {
            return expect_killed(stop).map(|()| machines);
        }
    }
    Ok(machines)
}

/// A connection that ended is right only if the hub was killed just now.
fn expect_killed(stop: &AtomicBool) -> Result<(), String> {
    let since = Instant::now();
    while !stop.load(Ordering::Relaxed) {
        if since.elapsed() > Duration::from_secs(2) {
            return Err("a connection ended although the hub was not killed".to_owned());
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// Registers a machine; false when there was no answer, so that it may be registered or not.
fn register(connection: &mut Connection, machine: &mut Machine) -> Result<bool, String> {
    let body = json!({"hostname": machine.hostname, "ip_addresses": [{"ip": Machine::ip(machine.address), "label": ""}],
        "system_info": {"cpu_cores": 2, "ram_mb": 987}, "agent": {"version": "0.1.0", "interval_seconds": 60}});
    let Ok(answer) = connection.post("/api/agent/register", body.to_string().as_bytes()) else {
        return Ok(false);
    };
    if answer.status != 200 {
        return Err(format!("a registration was answered {} {}", answer.status, answer.body));
    }
    machine.id = Some(answer.text("id"));
    Ok(true)
}

fn now_ms() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
}
