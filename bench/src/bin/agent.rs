//! What one agent costs its machine: `make bench-agent`.
//!
//! The static release binary reports over https with an interval of 1 s; it is looked at after 60 beats. Arguments: the
//! binary, and optionally the number of beats.

#![expect(clippy::disallowed_methods, reason = "a benchmark starts what it measures")]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use std::env;
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sigma_bench::https_hub::{Event, HttpsHub};
use sigma_bench::process;

/// The first beats fill caches and are not counted.
const WARM_UP_BEATS: u64 = 5;
/// System calls are counted over so many beats, after everything else, since counting slows the agent down.
const TRACED_BEATS: u64 = 10;
/// Starts of which the median counts.
const STARTS: usize = 11;

struct Agent(Child);

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.0.kill().unwrap_or_default();
        self.0.wait().map(drop).unwrap_or_default();
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args_os().skip(1);
    let binary = PathBuf::from(arguments.next().ok_or("usage: agent BINARY [BEATS]")?);
    let beats = arguments.next().map_or(Ok(60), |n| n.to_string_lossy().parse())?;
    let hub = HttpsHub::start()?;
    let folder = tempfile::tempdir()?;
    let ca_file = folder.path().join("ca.pem");
    fs::write(&ca_file, &hub.ca_pem)?;

    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let started = Instant::now();
        let _agent = start(&binary, &hub, &ca_file)?;
        starts.push(registered_at(&hub)?.duration_since(started));
    }
    starts.sort_unstable();
    let start_to_registered = starts.get(STARTS / 2).copied().unwrap_or_default();

    let mut agent = start(&binary, &hub, &ca_file)?;
    let pid = agent.0.id();
    registered_at(&hub)?;
    wait_for_beats(&hub, WARM_UP_BEATS)?;
    let before = process::usage(pid)?;
    wait_for_beats(&hub, beats - WARM_UP_BEATS)?;
    // The beat ends a moment after its answer was sent.
    std::thread::sleep(Duration::from_millis(200));
    let after = process::usage(pid)?;
    let mappings = process::memory_by_mapping(pid)?;
    let counted = beats - WARM_UP_BEATS;
    let syscalls = count_syscalls(pid, &hub, &folder.path().join("calls"))?;

    let told_to_end = Instant::now();
    signal("-TERM", pid)?;
    let ended = agent.0.wait()?;
    println!("SIGTERM to end: {:.1} ms, {ended}", told_to_end.elapsed().as_secs_f64() * 1000.0);
    println!("memory by mapping (resident KiB, of it anonymous):");
    for (mapping, (rss, anonymous)) in mappings.iter().filter(|(_, (rss, _))| *rss > 0) {
        println!("  {mapping:<28} {rss:>6} {anonymous:>6}");
    }
    println!("system calls of {TRACED_BEATS} beats:\n{}", syscalls.table);
    println!(
        "sigma-agent: binary_kib={} rss_kib={} anon_kib={} threads={} syscalls_per_beat={} switches_per_beat={} \
         cpu_us_per_beat={} start_to_registered_ms={}.{}",
        fs::metadata(&binary)?.len().div_ceil(1024),
        after.rss_kib,
        after.anon_kib,
        after.threads,
        per_beat(syscalls.total, TRACED_BEATS),
        per_beat(after.switches - before.switches, counted),
        (after.cpu_ns - before.cpu_ns) / counted / 1000,
        start_to_registered.as_millis(),
        start_to_registered.as_micros() % 1000 / 100,
    );
    Ok(())
}

fn start(binary: &Path, hub: &HttpsHub, ca_file: &Path) -> Result<Agent, Box<dyn Error>> {
    let agent = Command::new(binary)
        .env_clear()
        .env("SIGMA_API_URL", format!("https://{}/api", hub.address))
        .env("SIGMA_API_KEY", "sgm_benchmark")
        .env("SIGMA_CA_FILE", ca_file)
        .env("AGENT_INTERVAL", "1")
        .env("AGENT_HOSTNAME", "bench")
        .env("AGENT_IP_LOOKUP", "off")
        .env("SIGMA_LOG", "error")
        .stderr(Stdio::inherit())
        .spawn()?;
    Ok(Agent(agent))
}

fn registered_at(hub: &HttpsHub) -> Result<Instant, Box<dyn Error>> {
    loop {
        if let Event::Registered(at) = hub.events.recv_timeout(Duration::from_secs(10))? {
            return Ok(at);
        }
    }
}

fn wait_for_beats(hub: &HttpsHub, beats: u64) -> Result<(), Box<dyn Error>> {
    for _ in 0..beats {
        hub.events.recv_timeout(Duration::from_secs(10))?;
    }
    Ok(())
}

/// Also starts a program, which takes a millisecond or two of what is measured around it.
fn signal(name: &str, pid: u32) -> Result<(), Box<dyn Error>> {
    let done = Command::new("kill").args([name, &pid.to_string()]).status()?;
    if done.success() { Ok(()) } else { Err(format!("kill {name} {pid} failed").into()) }
}

/// One decimal.
fn per_beat(count: u64, beats: u64) -> String {
    format!("{}.{}", count / beats, count * 10 / beats % 10)
}

struct Syscalls {
    total: u64,
    table: String,
}

fn count_syscalls(pid: u32, hub: &HttpsHub, file: &Path) -> Result<Syscalls, Box<dyn Error>> {
    // A beat is attached to and left in the middle of its wait.
    wait_for_beats(hub, 1)?;
    std::thread::sleep(Duration::from_millis(300));
    let mut strace = Command::new("strace")
        .args(["-f", "-qq", "-o"])
        .arg(file)
        .args(["-p", &pid.to_string()])
        .spawn()
        .map_err(|error| format!("strace cannot be started ({error}); apt-get install strace"))?;
    wait_for_beats(hub, TRACED_BEATS)?;
    std::thread::sleep(Duration::from_millis(300));
    signal("-INT", strace.id())?;
    strace.wait()?;
    let mut counts = std::collections::BTreeMap::<String, u64>::new();
    for line in fs::read_to_string(file)?.lines() {
        // "1234 read(5, …) = 10"; a call under way when it was attached to is "… resumed".
        let call = line.split_ascii_whitespace().nth(1).and_then(|text| text.split_once('('));
        if let Some((name, _)) = call.filter(|(name, _)| !name.is_empty() && !line.contains("resumed>")) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    let table = counts.iter().map(|(name, count)| format!("  {name:<28} {count:>6}\n")).collect();
    Ok(Syscalls { total: counts.values().sum(), table })
}
