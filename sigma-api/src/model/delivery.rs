//! Whether a provider delivered what was bought.

use super::report::Facts;
use super::vps::Vps;

/// The flag of a machine that has less than was bought.
pub(crate) const LESS_THAN_BOUGHT: &str = "less_than_bought";

/// Less than so many tenths of the cores that were bought is less: all of them are to be there.
pub(crate) const TENTHS_OF_CORES: u32 = 10;
/// Firmware, kernel and file system take some of memory and disk, and many who sell gigabytes mean 10^9 bytes: only less
/// than nine tenths of those is less.
pub(crate) const TENTHS_OF_SIZES: u32 = 9;

/// A part of which less was measured than was bought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shortfall {
    Cores {
        bought: u64,
        measured: u64,
    },
    /// In MiB.
    Memory {
        bought: u64,
        measured: u64,
    },
    /// In GiB.
    Disk {
        bought: u64,
        measured: u64,
    },
}

/// What was bought, as far as a person said so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Bought {
    pub(crate) cpu_cores: Option<u32>,
    pub(crate) ram_mb: Option<u64>,
    pub(crate) disk_gb: Option<u64>,
}

impl Bought {
    /// What was bought of that machine.
    pub(crate) fn of(vps: &Vps) -> Self {
        Self { cpu_cores: vps.cpu_cores, ram_mb: vps.ram_mb, disk_gb: vps.disk_gb }
    }

    /// Whether less was measured than was bought. What is not known is not less.
    pub(crate) fn is_more_than(self, measured: &Facts) -> bool {
        let measured =
            Self { cpu_cores: measured.cpu_cores, ram_mb: measured.ram_mb, disk_gb: measured.disk_gb };
        !self.shortfalls(measured).is_empty()
    }

    /// Of what less was measured than was bought.
    pub(crate) fn shortfalls(self, measured: Self) -> Vec<Shortfall> {
        let less = |bought: Option<u64>, measured: Option<u64>, tenths: u32| {
            let (bought, measured) = (bought?, measured?);
            (measured.saturating_mul(10) < bought.saturating_mul(tenths.into())).then_some((bought, measured))
        };
        let cores = less(self.cpu_cores.map(u64::from), measured.cpu_cores.map(u64::from), TENTHS_OF_CORES)
            .map(|(bought, measured)| Shortfall::Cores { bought, measured });
        let memory = less(self.ram_mb, measured.ram_mb, TENTHS_OF_SIZES)
            .map(|(bought, measured)| Shortfall::Memory { bought, measured });
        let disk = less(self.disk_gb, measured.disk_gb, TENTHS_OF_SIZES)
            .map(|(bought, measured)| Shortfall::Disk { bought, measured });
        [cores, memory, disk].into_iter().flatten().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Size = (Option<u32>, Option<u64>, Option<u64>);

    #[test]
    fn less_is_what_no_overhead_explains() {
        let nothing: Size = (None, None, None);
        let small: Size = (Some(2), Some(2048), Some(40));
        let table: [(Size, Size, bool); 14] = [
            (nothing, small, false),
            (small, nothing, false),
            (small, small, false),
            (small, (Some(4), Some(4096), Some(80)), false),
            (small, (Some(1), Some(2048), Some(40)), true),
            (small, (Some(2), Some(1844), Some(40)), false),
            (small, (Some(2), Some(1843), Some(40)), true),
            (small, (Some(2), Some(2048), Some(36)), false),
            (small, (Some(2), Some(2048), Some(35)), true),
            (small, (None, None, Some(20)), true),
            (small, (None, Some(1987), None), false),
            ((Some(2), None, None), (Some(1), Some(1), Some(1)), true),
            ((None, Some(0), Some(0)), (Some(1), Some(0), Some(0)), false),
            ((None, Some(u64::MAX), None), (None, Some(1), None), true),
        ];
        for (bought, measured, less) in table {
            let (cpu_cores, ram_mb, disk_gb) = bought;
            let facts =
                Facts { cpu_cores: measured.0, ram_mb: measured.1, disk_gb: measured.2, ..Facts::default() };
            assert_eq!(
                Bought { cpu_cores, ram_mb, disk_gb }.is_more_than(&facts),
                less,
                "{bought:?} {measured:?}"
            );
        }
    }
}
