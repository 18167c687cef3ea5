//! Memory and swap, from `/proc/meminfo` (proc(5), Documentation/filesystems/proc.rst).

use std::io;

use super::read::{Buffer, ProcFile};

/// Memory and swap, in KiB as the kernel counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// `MemTotal`.
    pub total_kib: u64,
    /// What is not available to new programs.
    pub used_kib: Option<u64>,
    /// `SwapTotal`.
    pub swap_kib: Option<u64>,
    /// `SwapTotal` − `SwapFree`.
    pub swap_used_kib: Option<u64>,
}

pub(super) fn read(file: &mut ProcFile, buffer: &mut Buffer) -> io::Result<Memory> {
    let mut info = MemInfo::default();
    file.lines(buffer, |line| info.line(line))?;
    info.memory().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "MemTotal is missing"))
}

/// The lines of `meminfo` that count here, in KiB.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct MemInfo {
    total: Option<u64>,
    free: Option<u64>,
    available: Option<u64>,
    buffers: Option<u64>,
    cached: Option<u64>,
    active_file: Option<u64>,
    inactive_file: Option<u64>,
    shmem: Option<u64>,
    reclaimable: Option<u64>,
    swap_total: Option<u64>,
    swap_free: Option<u64>,
}

impl MemInfo {
    /// `MemTotal:        2035048 kB`
    pub(super) fn line(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else { return };
        let member = match key {
            "MemTotal" => &mut self.total,
            "MemFree" => &mut self.free,
            "MemAvailable" => &mut self.available,
            "Buffers" => &mut self.buffers,
            "Cached" => &mut self.cached,
            "Active(file)" => &mut self.active_file,
            "Inactive(file)" => &mut self.inactive_file,
            "Shmem" => &mut self.shmem,
            "SReclaimable" => &mut self.reclaimable,
            "SwapTotal" => &mut self.swap_total,
            "SwapFree" => &mut self.swap_free,
            _ => return,
        };
        *member = value.split_ascii_whitespace().next().and_then(|kib| kib.parse().ok());
    }

    fn memory(&self) -> Option<Memory> {
        let total_kib = self.total?;
        Some(Memory {
            total_kib,
            used_kib: self.available().map(|available| total_kib.saturating_sub(available)),
            swap_kib: self.swap_total,
            swap_used_kib: self
                .swap_total
                .zip(self.swap_free)
                .map(|(total, free)| total.saturating_sub(free)),
        })
    }

    /// `MemAvailable` is there since Linux 3.14. Before, what the documentation says it is made of, without the
    /// watermarks: free memory, the file pages of the LRU lists, reclaimable slabs. A kernel or container that does
    /// not list file pages has buffers and cache, of which shared memory cannot be freed.
    fn available(&self) -> Option<u64> {
        self.available.or_else(|| {
            let file_pages = match (self.active_file, self.inactive_file) {
                (Some(active), Some(inactive)) => active.saturating_add(inactive),
                _ => {
                    let cache = self.buffers.unwrap_or(0).saturating_add(self.cached?);
                    cache.saturating_sub(self.shmem.unwrap_or(0))
                }
            };
            Some(self.free?.saturating_add(file_pages).saturating_add(self.reclaimable.unwrap_or(0)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Option<Memory> {
        let mut info = MemInfo::default();
        text.lines().for_each(|line| info.line(line));
        info.memory()
    }

    #[test]
    fn used_is_what_is_not_available() {
        let text =
            "MemTotal: 2000 kB\nMemFree: 100 kB\nMemAvailable: 1500 kB\nSwapTotal: 64 kB\nSwapFree: 60 kB\n";
        let memory =
            Memory { total_kib: 2000, used_kib: Some(500), swap_kib: Some(64), swap_used_kib: Some(4) };
        assert_eq!(parse(text), Some(memory));
    }

    #[test]
    fn older_kernels_are_estimated() {
        let file_lru = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 7 kB\nCached: 300 kB\nActive(file): 150 kB\n\
                        Inactive(file): 50 kB\nSReclaimable: 20 kB\n";
        assert_eq!(parse(file_lru).and_then(|m| m.used_kib), Some(680));
        let cache_only = "MemTotal: 1000 kB\nMemFree: 100 kB\nBuffers: 50 kB\nCached: 300 kB\nShmem: 40 kB\n";
        assert_eq!(parse(cache_only).and_then(|m| m.used_kib), Some(590));
    }

    #[test]
    fn unknown_is_absent() {
        assert_eq!(parse("MemFree: 1 kB"), None);
        let only_total = parse("MemTotal: 1000 kB").unwrap();
        assert_eq!((only_total.used_kib, only_total.swap_kib, only_total.swap_used_kib), (None, None, None));
    }

    #[test]
    fn absurd_numbers_do_no_harm() {
        let memory = parse("MemTotal: 1 kB\nMemAvailable: 18446744073709551615 kB\nSwapTotal: x\n").unwrap();
        assert_eq!((memory.used_kib, memory.swap_kib), (Some(0), None));
    }
}
