//! What the pages weigh and how soon they come, with a large fleet: sizes as they travel, and times to the first byte
//! beside that of an answer that does nothing, on loopback. And how long it takes to change all of the fleet.
#![expect(clippy::disallowed_methods, reason = "it starts the hub that it measures")]
#![expect(clippy::print_stdout, reason = "figures are printed")]

#[path = "../faults/browser.rs"]
#[expect(dead_code, reason = "the fault runs use all of it")]
mod browser;
mod bulk;
mod fetch;
mod fleet;
#[path = "../faults/hub.rs"]
#[expect(dead_code, reason = "the fault runs use all of it")]
mod hub;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use sigma_bench::http;

use bulk::Bulk;
use fetch::{Fetched, fetch};
use hub::Folder;

/// The first page with all that it needs, compressed.
const FIRST_PAGE_KIB: f64 = 60.0;
const SCRIPT_KIB: f64 = 15.0;

/// Measure the pages of the hub.
#[derive(Debug, Parser)]
struct Options {
    /// Machines of the fleet
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    machines: u32,
    /// How often each page is fetched
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// The hub [default: sigma-api beside this program]
    #[arg(long, env = "SIGMA_API_BIN")]
    program: Option<PathBuf>,
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
    let beside =
        || std::env::current_exe().map(|path| path.with_file_name("sigma-api")).map_err(at("program"));
    let program = options.program.clone().map_or_else(beside, Ok)?;
    let folder = Folder::new(&program)?;
    let hub = folder.start("warn")?;
    folder.wait_until_well()?;
    let (id, provider) = fleet::make(&folder, options.machines)?;
    let admin = browser::administrator(&folder)?;
    let cookie =
        admin.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
    let page = |path: &str| fetch(folder.address, path, &cookie, options.rounds);

    let nothing = page("/healthz")?;
    println!(
        "{} machines; {} fetches of each; an answer that does nothing: {}",
        options.machines,
        options.rounds,
        ms(nothing.first_byte)
    );
    println!("{:<44} {:>10} {:>12} {:>11} {:>8}", "page", "KiB", "KiB as sent", "first byte", "ratio");
    for path in paths(&id, &provider) {
        let fetched = page(&path)?;
        line(&path, &fetched, nothing.first_byte);
    }
    let first = page("/")?;
    let (mut sent, mut script) = (first.sent, 0);
    for asset in first.assets() {
        let fetched = page(&asset)?;
        sent += fetched.sent;
        script += if asset.ends_with(".js") { fetched.whole } else { 0 };
        line(&asset, &fetched, nothing.first_byte);
    }
    println!("first page with its files: {:.1} KiB as sent (wanted: under {FIRST_PAGE_KIB})", kib(sent));
    println!("own script: {:.1} KiB (wanted: under {SCRIPT_KIB})", kib(script));
    if options.machines <= bulk::MOST {
        change_all(&bulk::measure(&folder, &provider)?);
    }
    println!("most memory of the hub: {} KiB", hub.status_kib("VmHWM")?);
    Ok(())
}

fn change_all(took: &Bulk) {
    let Bulk { assign, undo, tag, undo_tag, slowest_report } = took;
    println!("all machines assigned to a provider: {}, and taken back: {}", ms(*assign), ms(*undo));
    println!("all machines given a tag and a date: {}, and taken back: {}", ms(*tag), ms(*undo_tag));
    println!("longest that a registration waited meanwhile: {}", ms(*slowest_report));
}

/// Pages that people open, the dear ones too.
fn paths(id: &str, provider: &str) -> Vec<String> {
    let mut paths: Vec<String> = [
        "/",
        "/?per_page=500",
        "/?per_page=50&page=150",
        "/?q=provider%3Anone",
        "/?q=seen%3A%3C1h+-tag%3Aedge",
        "/?q=web",
        "/?sort=-memory",
        "/?sort=address",
        "/?sort=hostname",
        "/inbox",
        "/providers",
        "/audit",
        "/settings",
        "/keys",
        "/accounts",
        "/add",
        "/import",
        "/account",
    ]
    .map(str::to_owned)
    .to_vec();
    paths.extend([format!("/vps/{id}"), format!("/vps/{id}/edit"), format!("/providers/{provider}")]);
    paths
}

fn line(path: &str, fetched: &Fetched, nothing: Duration) {
    let name: String = path.chars().take(44).collect();
    let ratio = fetched.first_byte.as_secs_f64() / nothing.as_secs_f64();
    let (whole, sent) = (kib(fetched.whole), kib(fetched.sent));
    println!("{name:<44} {whole:>10.1} {sent:>12.1} {:>11} {ratio:>7.0}×", ms(fetched.first_byte));
}

#[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
fn kib(bytes: usize) -> f64 {
    bytes as f64 / 1024.0
}

fn ms(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// An error with the place where it happened.
fn at<E: std::fmt::Display>(place: &str) -> impl Fn(E) -> String {
    let place = place.to_owned();
    move |error| format!("{place}: {error}")
}
