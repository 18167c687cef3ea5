//! Where log lines go: stderr, one line per event. Under systemd each has its priority in front (sd-daemon(3)).

use std::env;
use std::io::{self, Write as _};

use log::{Level, LevelFilter, Log, Metadata, Record};

struct Stderr {
    is_journal: bool,
}

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        // Libraries speak at debug of every byte; the agent's own lines are what an operator asked for.
        if !self.enabled(record.metadata()) || !record.target().starts_with("sigma_agent") {
            return;
        }
        let prefix = match (self.is_journal, record.level()) {
            (true, Level::Error) => "<3>",
            (true, Level::Warn) => "<4>",
            (true, Level::Info) => "<6>",
            (true, _) => "<7>",
            (false, Level::Error) => "error: ",
            (false, Level::Warn) => "warn: ",
            (false, Level::Info) => "info: ",
            (false, _) => "debug: ",
        };
        let text = record.args().to_string().replace(char::is_control, " ");
        // One write, so that lines of several programs do not run into each other. Nobody is left to tell when stderr is
        // closed.
        io::stderr().write_all(format!("{prefix}{text}\n").as_bytes()).unwrap_or_default();
    }

    fn flush(&self) {}
}

/// Sends log lines of at least this importance to stderr.
pub fn start(level: LevelFilter) {
    let sink = Box::new(Stderr { is_journal: is_journal() });
    // Fails only when there is a sink already.
    log::set_boxed_logger(sink).unwrap_or_default();
    log::set_max_level(level);
}

/// Whether stderr is the journal's. The variable alone does not say so: whatever is started in a session inherits it
/// (systemd.exec(5)).
fn is_journal() -> bool {
    let stderr = rustix::fs::fstat(io::stderr()).map(|stat| format!("{}:{}", stat.st_dev, stat.st_ino));
    matches!((env::var("JOURNAL_STREAM"), stderr), (Ok(stream), Ok(stderr)) if stream == stderr)
}
