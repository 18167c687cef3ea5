//! `sigma-agent`: finds out what this machine is, registers with a hub, and says "still here" until told to stop.

mod agent;
mod client;
mod config;
mod journal;
mod life;
mod models;
mod nat;
mod notify;
mod system;
mod url;

use std::env;
use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use agent::Agent;
use config::{Command, Config};
use models::Outcome;
use signal_hook::consts::{SIGINT, SIGTERM};

/// A setting is wrong.
const EXIT_USAGE: u8 = 2;
/// With `--once`: why the hub does not have both messages.
const EXIT_UNREACHABLE: u8 = 3;
const EXIT_REFUSED: u8 = 4;
const EXIT_REJECTED: u8 = 5;

fn main() -> ExitCode {
    let command = config::read(env::args_os().skip(1), &config::environment);
    let done = command.and_then(|command| match command {
        Command::Print(text) => print(&text),
        Command::Run(config) => run(*config),
    });
    done.unwrap_or_else(|sentence| {
        writeln!(io::stderr(), "sigma-agent: {}", sentence.replace(char::is_control, " "))
            .unwrap_or_default();
        ExitCode::from(EXIT_USAGE)
    })
}

fn run(config: Config) -> Result<ExitCode, String> {
    journal::start(config.log);
    end_on_signal().map_err(|error| format!("signals cannot be handled: {error}"))?;
    let (is_once, is_dry_run) = (config.is_once, config.is_dry_run);
    let mut agent = Agent::new(config)?;
    if is_dry_run {
        let body = serde_json::to_string(&agent.registration()).map_err(|error| error.to_string())?;
        return print(&format!("{body}\n"));
    }
    if is_once {
        let registered = agent.send();
        let is_registered = matches!(registered, Outcome::Acknowledged(_));
        return Ok(exit_code(&if is_registered { agent.send() } else { registered }));
    }
    notify::notify("READY=1");
    loop {
        agent.send();
        agent.wait();
    }
}

/// The agent holds nothing that must be put in order first, so a signal ends it on the spot: in a request that hangs
/// and in a look-up that cannot be interrupted, too.
fn end_on_signal() -> io::Result<()> {
    let always = Arc::new(AtomicBool::new(true));
    for signal in [SIGTERM, SIGINT] {
        signal_hook::flag::register_conditional_shutdown(signal, 0, Arc::clone(&always))?;
    }
    Ok(())
}

fn exit_code(outcome: &Outcome) -> ExitCode {
    match outcome {
        Outcome::Acknowledged(_) => ExitCode::SUCCESS,
        Outcome::Unreachable(_) => ExitCode::from(EXIT_UNREACHABLE),
        Outcome::Refused(..) => ExitCode::from(EXIT_REFUSED),
        Outcome::Unknown(_) | Outcome::Overloaded(..) | Outcome::Rejected(..) => {
            ExitCode::from(EXIT_REJECTED)
        }
    }
}

fn print(text: &str) -> Result<ExitCode, String> {
    io::stdout().write_all(text.as_bytes()).map_err(|error| format!("stdout: {error}"))?;
    Ok(ExitCode::SUCCESS)
}
