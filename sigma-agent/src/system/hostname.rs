//! The machine's name, as its kernel has it.

use std::io;
use std::path::{Path, PathBuf};

use super::read::{Buffer, Kind, ProcFile, first_line};

/// Where the name is found: the kernel's, which follows a rename at once, else the one of the next boot.
pub(super) struct HostnameFiles {
    kernel: ProcFile,
    root: PathBuf,
}

impl HostnameFiles {
    pub(super) fn new(root: &Path) -> Self {
        let kernel = ProcFile::new(root.join("proc/sys/kernel/hostname"), Kind::Single);
        Self { kernel, root: root.to_owned() }
    }

    /// # Errors
    /// When neither file has a name.
    pub(super) fn read(&mut self, buffer: &mut Buffer) -> io::Result<String> {
        let kernel = self.kernel.first_line(buffer).ok().and_then(|line| parse_hostname(&line));
        kernel
            .or_else(|| parse_hostname(&first_line(&self.root, "etc/hostname", buffer)?))
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the machine has no hostname"))
    }
}

/// A kernel that was never told a name calls itself "(none)".
pub(super) fn parse_hostname(line: &str) -> Option<String> {
    let name = line.trim();
    (!name.is_empty() && name != "(none)").then(|| name.to_owned())
}

/// Whether a name looks like one that a container engine made up: the first 12 hexadecimal digits of an id, or all 64.
#[must_use]
pub fn is_container_id(hostname: &str) -> bool {
    matches!(hostname.len(), 12 | 64) && hostname.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_nothing_is_no_name() {
        assert_eq!(parse_hostname(" hk-relay-01\n").as_deref(), Some("hk-relay-01"));
        assert_eq!((parse_hostname("\n"), parse_hostname("(none)")), (None, None));
    }

    #[test]
    fn container_ids_are_known() {
        assert!(is_container_id("3f2a9c0b1d4e"));
        for name in ["3f2a9c0b1d4", "3f2a9c0b1d4z", "deadbeef", "hk-relay-012"] {
            assert!(!is_container_id(name), "{name}");
        }
    }
}
