//! Processors, from `/proc/cpuinfo`, which every architecture writes in its own way (arch/*/kernel/cpu).

use std::io;
use std::path::Path;

use super::read::{self, Buffer, clean};

/// What is known of the processors.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Logical processors.
    pub cores: Option<u32>,
    /// Name of the model, where the file has one for people.
    pub model: Option<String>,
    /// On x86, whether the processor says that a hypervisor is below (CPUID leaf 1, ECX bit 31).
    pub(super) hypervisor: Option<bool>,
}

pub(super) fn read(root: &Path, buffer: &mut Buffer) -> io::Result<Cpu> {
    let mut info = CpuInfo::default();
    read::lines(root, "proc/cpuinfo", buffer, |line| info.line(line))?;
    Ok(info.cpu())
}

/// The lines of `cpuinfo` that count here.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct CpuInfo {
    processors: u32,
    /// s390x says the number in a line of its own.
    stated: Option<u32>,
    /// Names found, by how good a name each key gives: the lowest wins.
    model: Option<(u8, String)>,
    hypervisor: Option<bool>,
}

impl CpuInfo {
    pub(super) fn line(&mut self, line: &str) {
        let Some((key, value)) = line.split_once(':') else { return };
        let (key, value) = (key.trim(), value.trim());
        match key {
            "# processors" => self.stated = value.parse().ok(),
            "flags" => {
                let hypervisor = value.split_ascii_whitespace().any(|flag| flag == "hypervisor");
                self.hypervisor = Some(self.hypervisor.unwrap_or(false) || hypervisor);
            }
            "processor" if value.bytes().all(|b| b.is_ascii_digit()) => {
                self.processors = self.processors.saturating_add(1);
            }
            _ => {}
        }
        // "Processor" is 32-bit ARM's, "cpu" is POWER's, "uarch" RISC-V's.
        let keys = ["model name", "cpu model", "uarch", "Processor", "cpu"];
        let Some(rank) = (0u8..).zip(keys).find_map(|(rank, known)| (known == key).then_some(rank)) else {
            return;
        };
        if self.model.as_ref().is_none_or(|(best, _)| rank < *best) {
            self.model = clean(value).map(|name| (rank, name)).or(self.model.take());
        }
    }

    fn cpu(self) -> Cpu {
        // A kernel for a single old ARM core names the processor and does not number it.
        let named = u32::from(self.model.as_ref().is_some_and(|(rank, _)| *rank == 3));
        let cores = self.stated.unwrap_or(self.processors.max(named));
        Cpu {
            cores: (cores > 0).then_some(cores),
            model: self.model.map(|(_, name)| name),
            hypervisor: self.hypervisor,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Option<u32>, Option<String>, Option<bool>) {
        let mut info = CpuInfo::default();
        text.lines().for_each(|line| info.line(line));
        let cpu = info.cpu();
        (cpu.cores, cpu.model, cpu.hypervisor)
    }

    #[test]
    fn every_architecture_is_understood() {
        let x86 = "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t: fpu hypervisor\n\nprocessor\t: 1\nmodel name\t: X\n";
        assert_eq!(parse(x86), (Some(2), Some("AMD EPYC".into()), Some(true)));
        assert_eq!(parse("processor : 0\nflags : fpu vme\n"), (Some(1), None, Some(false)));
        let arm64 = "processor\t: 0\nBogoMIPS\t: 50.00\nCPU part\t: 0xd0c\n\nprocessor\t: 1\n";
        assert_eq!(parse(arm64), (Some(2), None, None));
        let arm5 = "Processor\t: ARM926EJ-S rev 5 (v5l)\nBogoMIPS\t: 1\n";
        assert_eq!(parse(arm5), (Some(1), Some("ARM926EJ-S rev 5 (v5l)".into()), None));
        let s390 =
            "vendor_id : IBM/S390\n# processors : 2\nprocessor 0: version = FF\nprocessor 1: version = FF\n";
        assert_eq!(parse(s390), (Some(2), None, None));
        let power = "processor\t: 0\ncpu\t\t: POWER9 (architected), altivec supported\n";
        assert_eq!(parse(power), (Some(1), Some("POWER9 (architected), altivec supported".into()), None));
        let riscv = "processor\t: 0\nhart\t\t: 1\nuarch\t\t: sifive,u74-mc\n\nprocessor\t: 1\n";
        assert_eq!(parse(riscv), (Some(2), Some("sifive,u74-mc".into()), None));
    }

    #[test]
    fn unknown_is_absent() {
        assert_eq!(parse(""), (None, None, None));
        assert_eq!(parse("model name :  \nprocessor : many"), (None, None, None));
    }
}
