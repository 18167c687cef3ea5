//! Faults that the hub must survive, done to the release binary on loopback. One line per fault: figures, PASS or FAIL.
//!
//! The numbers are those of the project's list of faults: 1 kill -9 under load, 23 machines that look alike, 24 a race of
//! registrations, 26 hostile bodies, 27 hostile text, 28 other sites and other roles, 29 guessed passwords, 30 a race of first
//! set-ups, 31 secrets that must not leak. 27 to 31 look at the pages in Chromium as well; without it those parts are left
//! out, and fail where `CI` is set.
#![expect(clippy::disallowed_methods, reason = "the fault runs start the hub that they try")]
#![expect(clippy::print_stdout, reason = "figures are printed")]

mod access;
mod bodies;
mod browser;
mod chromium;
mod door;
mod foreign;
mod guesses;
mod hostile;
mod hub;
mod kills;
mod ledger;
mod marker;
mod origins;
mod places;
mod poison;
mod race;
mod secrets;
mod setups;
mod sheets;
mod site;
mod traces;
mod twins;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use chromium::with_browser;
use clap::Parser;
use sigma_bench::http;

/// What a fault run answers: its figures, or what did not hold.
type Verdict = Result<String, String>;

/// All of them, in their order.
const FAULTS: [(&str, &str); 14] = [
    ("1", "kill -9 under load"),
    ("23", "machines that look alike"),
    ("24", "one hostname, many registrations at once"),
    ("26", "hostile bodies"),
    ("27", "hostile text"),
    ("28", "other sites"),
    ("28", "other sites, in a browser"),
    ("28", "other roles"),
    ("29", "guessed passwords"),
    ("29", "guessed passwords, in a browser"),
    ("30", "one link, many set-ups at once"),
    ("30", "one link, two browsers"),
    ("31", "secrets"),
    ("31", "secrets, in a browser"),
];

/// Do faults to the hub and say what held.
#[derive(Debug, Parser)]
struct Options {
    /// Faults to run (all when none is named)
    #[arg(value_parser = ["1", "23", "24", "26", "27", "28", "29", "30", "31"])]
    faults: Vec<String>,
    /// Kills of fault 1
    #[arg(long, default_value_t = 100)]
    kills: u32,
    /// Heartbeats per second of fault 1
    #[arg(long, default_value_t = 500)]
    beats: u32,
    /// Registrations per second of fault 1
    #[arg(long, default_value_t = 5)]
    registrations: u32,
    /// Parallel registrations of fault 24, and set-ups of fault 30
    #[arg(long, default_value_t = 1000)]
    parallel: usize,
    /// Guesses of fault 29
    #[arg(long, default_value_t = 10_000)]
    guesses: usize,
    /// Rounds of fault 30, each on its own database
    #[arg(long, default_value_t = 3)]
    rounds: u32,
    /// The program to try [default: sigma-api beside this one]
    #[arg(long, env = "SIGMA_API_BIN")]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let Some(program) = options.program.clone().or_else(beside) else {
        println!("sigma-api is not beside this program; build it, or name it with --program");
        return ExitCode::from(2);
    };
    let mut failed = false;
    let run = |what: &str| match what {
        "kill -9 under load" => kills::run(&program, options.kills, options.beats, options.registrations),
        "machines that look alike" => twins::run(&program),
        "one hostname, many registrations at once" => race::run(&program, options.parallel),
        "hostile bodies" => bodies::run(&program),
        "hostile text" => hostile::run(&program),
        "other sites" => origins::run(&program),
        "other sites, in a browser" => with_browser(|| foreign::run(&program)),
        "other roles" => access::run(&program),
        "guessed passwords" => guesses::run(&program, options.guesses),
        "guessed passwords, in a browser" => with_browser(|| door::guess(&program)),
        "one link, many set-ups at once" => setups::run(&program, options.parallel, options.rounds),
        "one link, two browsers" => with_browser(|| door::race(&program, options.rounds)),
        "secrets, in a browser" => with_browser(|| traces::run(&program)),
        _ => secrets::run(&program),
    };
    for (number, what) in FAULTS {
        if !options.faults.is_empty() && !options.faults.iter().any(|fault| fault == number) {
            continue;
        }
        let started = Instant::now();
        let verdict = run(what);
        let (word, text) = match &verdict {
            Ok(figures) => ("PASS", figures),
            Err(reason) => ("FAIL", reason),
        };
        println!("fault {number:>2} {word} ({what}, {:.0} s): {text}", started.elapsed().as_secs_f64());
        failed |= verdict.is_err();
    }
    ExitCode::from(u8::from(failed))
}

fn beside() -> Option<PathBuf> {
    let path = std::env::current_exe().ok()?.parent()?.join("sigma-api");
    path.is_file().then_some(path)
}

/// An error with the place where it happened.
fn at<E: std::fmt::Display>(place: &str) -> impl Fn(E) -> String {
    let place = place.to_owned();
    move |error| format!("{place}: {error}")
}
