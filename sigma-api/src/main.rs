//! The hub's program: read the configuration, do what it says, say in one sentence why it could not.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use sigma_api::{Config, Refusal};

#[tokio::main]
async fn main() -> ExitCode {
    let config = match Config::read() {
        Ok(config) => config,
        Err(Refusal::Asked(text)) => return say(&mut std::io::stdout(), &text, 0),
        Err(Refusal::Wrong(sentence)) => {
            return say(&mut std::io::stderr(), &format!("sigma-api: {sentence}\n"), 2);
        }
    };
    match sigma_api::run(config).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => say(&mut std::io::stderr(), &format!("sigma-api: {sentence}\n"), 1),
    }
}

fn say(to: &mut impl Write, text: &str, code: u8) -> ExitCode {
    // Nobody can be told that the terminal is gone.
    let _ = to.write_all(text.as_bytes());
    ExitCode::from(code)
}
