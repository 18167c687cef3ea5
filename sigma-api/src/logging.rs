//! Log lines on stderr: one event, one line, whatever is in it.

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::model::text::one_line;
use crate::model::time::Timestamp;

const MAX_LINE_CHARS: usize = 2000;

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Libraries speak only of what they could not handle.
        metadata.level() <= log::max_level()
            && (metadata.target().starts_with("sigma_api") || metadata.level() <= Level::Error)
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let message = one_line(&record.args().to_string(), MAX_LINE_CHARS);
            let line = format!("{} {:<5} {message}\n", Timestamp::now(), record.level());
            // Nobody can be told that stderr is closed.
            let _ = std::io::stderr().lock().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}

/// Starts logging events of `level` and above. The second call of a process changes nothing.
pub(crate) fn start(level: LevelFilter) {
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(level);
    }
}
