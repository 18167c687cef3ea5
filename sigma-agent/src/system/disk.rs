//! The root file system, by statvfs(3).

use std::io;
use std::path::Path;

/// Size and use of a file system in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disk {
    /// All blocks.
    pub total_bytes: u64,
    /// Blocks that are not free, those kept for root counted as free.
    pub used_bytes: u64,
}

pub(super) fn read(root: &Path) -> io::Result<Disk> {
    let stat = rustix::fs::statvfs(root)?;
    if stat.f_blocks == 0 {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "it has no size; it may lie in memory"));
    }
    Ok(Disk {
        total_bytes: stat.f_blocks.saturating_mul(stat.f_frsize),
        used_bytes: stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize),
    })
}
