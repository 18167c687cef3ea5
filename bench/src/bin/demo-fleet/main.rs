//! A simulated fleet on a real hub: `make demo-fleet`, which starts the hub and makes the keys.
//!
//! Every machine registers and beats over HTTP with the messages of the protocol, as an agent does; a person's edits go
//! over the API of the hub. The same seed makes the same fleet.
#![expect(clippy::print_stdout, reason = "it says what happens")]

mod chance;
mod edits;
mod fleet;
mod life;
mod machine;
mod offers;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use clap::Parser;

use edits::Desk;
use fleet::Maker;
use life::{Agents, Counts};
use machine::{Life, Machine};
use offers::OFFERS;

/// Machines of one thread: a beat takes a few milliseconds.
const MACHINES_PER_THREAD: usize = 250;
const SUMMARY_EVERY: Duration = Duration::from_secs(30);

/// Simulate a fleet on a running hub.
#[derive(Debug, Parser)]
struct Options {
    /// Address of the hub
    #[arg(long, env = "SIGMA_LISTEN", default_value = "127.0.0.1:3000")]
    hub: SocketAddr,
    /// Machines in all
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(20..=100_000))]
    machines: u32,
    /// Seconds between two beats of a machine
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    interval: u32,
    /// End after so many minutes [default: only when it is told to]
    #[arg(long)]
    minutes: Option<u32>,
    /// Register the fleet, do all edits, and end
    #[arg(long)]
    setup_only: bool,
    /// Another fleet for another number
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Do not say what happens to machines
    #[arg(long)]
    quiet: bool,
    /// File with a key of the role agent
    #[arg(long, env = "SIGMA_AGENT_KEY_FILE")]
    agent_key_file: PathBuf,
    /// File with a key of the role operator or admin
    #[arg(long, env = "SIGMA_EDITOR_KEY_FILE")]
    editor_key_file: PathBuf,
}

fn main() -> ExitCode {
    match run(&Options::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            println!("{reason}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<(), String> {
    let (agent_key, editor_key) = (key(&options.agent_key_file)?, key(&options.editor_key_file)?);
    let count = usize::try_from(options.machines).map_err(at("machines"))?;
    let (mut machines, mut twins) = Maker::new(options.seed, options.interval).make(count);
    let counts = Counts::default();
    let agents = Agents { hub: options.hub, key: &agent_key, counts: &counts, is_quiet: options.quiet };

    let started = Instant::now();
    let mut ids = register(&agents, &mut machines);
    ids.extend(register(&agents, &mut twins));
    machines.extend(twins);
    let known = ids.iter().flatten().count();
    println!("{known} of {count} machines are registered, after {:.1} s", started.elapsed().as_secs_f64());

    let mut desk = Desk::open(options.hub, &editor_key)?;
    let providers = desk.providers()?;
    for (machine, id) in machines.iter().zip(&ids) {
        if let Some(id) = id {
            desk.edit(id, machine, &providers)?;
        }
    }
    for line in desk.account() {
        println!("  {line}");
    }
    println!("{}", census(&machines));
    let until = match (options.setup_only, options.minutes) {
        (true, _) => Some(Instant::now()),
        (false, minutes) => {
            minutes.map(|minutes| Instant::now() + Duration::from_secs(u64::from(minutes) * 60))
        }
    };
    live(&agents, &mut machines, until);
    Ok(())
}

fn register(agents: &Agents<'_>, machines: &mut [Machine]) -> Vec<Option<String>> {
    std::thread::scope(|scope| {
        let shards = machines.chunks_mut(MACHINES_PER_THREAD);
        let threads: Vec<_> = shards.map(|shard| scope.spawn(|| agents.register(shard))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default()).collect()
    })
}

/// All machines beat until then, or until the program is told to end.
fn live(agents: &Agents<'_>, machines: &mut [Machine], until: Option<Instant>) {
    std::thread::scope(|scope| {
        for shard in machines.chunks_mut(MACHINES_PER_THREAD) {
            scope.spawn(move || agents.live(shard, until));
        }
        while until.is_none_or(|until| Instant::now() + SUMMARY_EVERY < until) {
            std::thread::sleep(SUMMARY_EVERY);
            let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
            println!(
                "{} beats, {} registrations, {} refused as deleted, {} failures",
                count(&agents.counts.beats),
                count(&agents.counts.registrations),
                count(&agents.counts.gone),
                count(&agents.counts.failures)
            );
        }
    });
}

/// What is in the fleet, in numbers.
fn census(machines: &[Machine]) -> String {
    let mut providers: BTreeMap<&str, u32> = BTreeMap::new();
    for machine in machines {
        let name = OFFERS.get(machine.offer).map_or("", |offer| offer.name);
        *providers.entry(name).or_default() += 1;
    }
    let lives = |life: Life| machines.iter().filter(|machine| machine.life == life).count();
    format!(
        "{} machines at {} providers, {} of them for a person to assign; of the others {} go silent now and then, {} for \
         good, {} get other addresses, {} reboot, {} are reinstalled, {} renamed",
        machines.len(),
        providers.len(),
        machines.iter().filter(|machine| !machine.is_assigned).count(),
        lives(Life::Flaky),
        lives(Life::Dying),
        lives(Life::Moving),
        lives(Life::Rebooting),
        lives(Life::Reinstalled),
        lives(Life::Renamed),
    )
}

fn key(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(text.trim().to_owned())
}

/// An error with the place where it happened.
fn at<E: std::fmt::Display>(place: &str) -> impl Fn(E) -> String {
    let place = place.to_owned();
    move |error| format!("{place}: {error}")
}
