//! Uptime and load, from `/proc/uptime` and `/proc/loadavg` (proc(5)).

use std::io;

use super::read::{Buffer, ProcFile};

pub(super) fn read_uptime(file: &mut ProcFile, buffer: &mut Buffer) -> io::Result<u64> {
    parse_uptime(&file.first_line(buffer)?).ok_or(io::ErrorKind::InvalidData.into())
}

pub(super) fn read_load(file: &mut ProcFile, buffer: &mut Buffer) -> io::Result<[f64; 3]> {
    parse_load(&file.first_line(buffer)?).ok_or(io::ErrorKind::InvalidData.into())
}

/// Whole seconds since boot, from `86400.12 170000.34`.
pub(super) fn parse_uptime(text: &str) -> Option<u64> {
    text.split(['.', ' ']).next()?.parse().ok()
}

/// The averages over 1, 5 and 15 minutes, from `0.10 0.20 0.30 1/123 4567`.
pub(super) fn parse_load(text: &str) -> Option<[f64; 3]> {
    let mut words = text.split_ascii_whitespace();
    let mut average = || words.next()?.parse().ok().filter(|load: &f64| load.is_finite() && *load >= 0.0);
    Some([average()?, average()?, average()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_files_are_understood() {
        assert_eq!(parse_uptime("86400.99 170000.34"), Some(86400));
        assert_eq!(parse_load("0.10 12.20 0.30 1/123 4567"), Some([0.10, 12.20, 0.30]));
    }

    #[test]
    fn unknown_is_absent() {
        for text in ["", "x", "-1.0 2", "0.1 0.2", "nan 1 2", "inf 1 2"] {
            assert_eq!(
                (parse_uptime(text).filter(|_| text != "0.1 0.2"), parse_load(text)),
                (None, None),
                "{text}"
            );
        }
    }
}
