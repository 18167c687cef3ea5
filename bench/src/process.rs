//! What the kernel says of a process: memory, threads, processor time, context switches.

use std::collections::BTreeMap;
use std::fs;
use std::io;

/// One look at a process.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    /// Resident memory, `Rss` of smaps_rollup, KiB.
    pub rss_kib: u64,
    /// Memory of its own, `Anonymous` of smaps_rollup, KiB.
    pub anon_kib: u64,
    /// Threads.
    pub threads: u64,
    /// Voluntary and involuntary context switches of all threads.
    pub switches: u64,
    /// Time on a processor of all threads, ns (`schedstat`).
    pub cpu_ns: u64,
}

/// Reads `/proc/PID`.
///
/// # Errors
/// When the process has ended or a file is not as documented.
pub fn usage(pid: u32) -> io::Result<Usage> {
    let smaps = fs::read_to_string(format!("/proc/{pid}/smaps_rollup"))?;
    let mut usage = Usage {
        rss_kib: number(&smaps, "Rss:")?,
        anon_kib: number(&smaps, "Anonymous:")?,
        ..Usage::default()
    };
    for task in fs::read_dir(format!("/proc/{pid}/task"))? {
        let task = task?.path();
        let status = fs::read_to_string(task.join("status"))?;
        usage.threads += 1;
        usage.switches +=
            number(&status, "voluntary_ctxt_switches:")? + number(&status, "nonvoluntary_ctxt_switches:")?;
        let schedstat = fs::read_to_string(task.join("schedstat"))?;
        usage.cpu_ns += first_number(&schedstat)?;
    }
    Ok(usage)
}

/// Resident KiB by kind of mapping, all of it and the part that is anonymous.
///
/// # Errors
/// When the process has ended or the file is not as documented.
pub fn memory_by_mapping(pid: u32) -> io::Result<BTreeMap<String, (u64, u64)>> {
    let mut kinds: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut kind = String::new();
    for line in fs::read_to_string(format!("/proc/{pid}/smaps"))?.lines() {
        let words: Vec<&str> = line.split_ascii_whitespace().collect();
        match words.as_slice() {
            [range, flags, _offset, _device, _inode, rest @ ..] if range.contains('-') => {
                let name = rest.join(" ");
                let name = name.rsplit('/').next().unwrap_or_default();
                kind = format!("{} {flags}", if name.is_empty() { "unnamed" } else { name });
            }
            ["Rss:", kib, "kB"] => kinds.entry(kind.clone()).or_default().0 += kib.parse().unwrap_or(0),
            ["Anonymous:", kib, "kB"] => kinds.entry(kind.clone()).or_default().1 += kib.parse().unwrap_or(0),
            _ => {}
        }
    }
    Ok(kinds)
}

fn number(text: &str, key: &str) -> io::Result<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    first_number(line.ok_or_else(|| io::Error::other(format!("{key} is missing")))?)
}

fn first_number(text: &str) -> io::Result<u64> {
    text.split_ascii_whitespace().next().unwrap_or_default().parse().map_err(io::Error::other)
}
