//! Kernel, distribution and architecture.

use std::path::Path;

use super::read::{self, Buffer, clean};

/// `PRETTY_NAME` of os-release(5), from `/etc`, else from `/usr/lib`.
pub(super) fn read_name(root: &Path, buffer: &mut Buffer) -> Option<String> {
    ["etc/os-release", "usr/lib/os-release"].into_iter().find_map(|file| {
        let mut name = None;
        read::lines(root, file, buffer, |line| name = name.take().or_else(|| parse_pretty_name(line)))
            .ok()?;
        name
    })
}

/// Release of the running kernel.
pub(super) fn read_kernel(root: &Path, buffer: &mut Buffer) -> Option<String> {
    read::first_line(root, "proc/sys/kernel/osrelease", buffer).and_then(|text| clean(&text))
}

/// Machine type. The kernel has it as a file since 6.1; uname(2) knows it everywhere.
pub(super) fn read_arch(root: &Path, buffer: &mut Buffer) -> Option<String> {
    read::first_line(root, "proc/sys/kernel/arch", buffer)
        .and_then(|text| clean(&text))
        .or_else(|| clean(&rustix::system::uname().machine().to_string_lossy()))
}

/// The value of a line `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"`, quoted as a shell does.
pub(super) fn parse_pretty_name(line: &str) -> Option<String> {
    let value = line.trim().strip_prefix("PRETTY_NAME=")?;
    if let Some(literal) = value.strip_prefix('\'').and_then(|v| v.strip_suffix('\'')) {
        return clean(literal);
    }
    let value = value.strip_prefix('"').and_then(|v| v.strip_suffix('"')).unwrap_or(value);
    let mut escaped = false;
    let unescaped: String = value
        .chars()
        .filter(|&c| {
            escaped = c == '\\' && !escaped;
            !escaped
        })
        .collect();
    clean(&unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_understood() {
        assert_eq!(parse_pretty_name(r#"PRETTY_NAME="Debian 12""#).as_deref(), Some("Debian 12"));
        assert_eq!(parse_pretty_name("PRETTY_NAME='Arch $HOME'").as_deref(), Some("Arch $HOME"));
        assert_eq!(parse_pretty_name("PRETTY_NAME=Alpine").as_deref(), Some("Alpine"));
        assert_eq!(parse_pretty_name(r#"PRETTY_NAME="a \"b\" \\ \$c""#).as_deref(), Some(r#"a "b" \ $c"#));
    }

    #[test]
    fn other_lines_are_passed_over() {
        for line in ["", "NAME=Debian", "PRETTY_NAME=", "PRETTY_NAME=\"\"", "#PRETTY_NAME=x"] {
            assert_eq!(parse_pretty_name(line), None, "{line}");
        }
    }
}
