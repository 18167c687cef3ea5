//! One snapshot of the machine below a root folder. Every measurement is a file of `system/`: read, then parse.
//!
//! What fails is absent and logged once; the rest is told.

mod address;
mod cpu;
mod disk;
mod dmi;
mod hostname;
mod identity;
mod load;
mod memory;
mod os;
mod read;
mod virtualization;

use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, Instant};

pub use address::{Network, is_global};
pub use cpu::Cpu;
pub use disk::Disk;
pub use dmi::Dmi;
pub use hostname::is_container_id;
pub use memory::Memory;
use read::{Buffer, Kind, ProcFile};

/// Facts change with a resize, an upgrade or a reboot; reading `cpuinfo` wakes every processor on some kernels.
const FACTS_AGE: Duration = Duration::from_secs(3600);

/// What changes from beat to beat.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Name of the machine.
    pub hostname: Option<String>,
    /// Addresses and the way out.
    pub network: Option<Network>,
    /// Whole seconds since boot.
    pub uptime_seconds: Option<u64>,
    /// Load averages of 1, 5 and 15 minutes.
    pub load: Option<[f64; 3]>,
    /// Memory and swap.
    pub memory: Option<Memory>,
    /// The root file system.
    pub disk: Option<Disk>,
    /// What seldom changes.
    pub facts: Rc<Facts>,
}

/// What seldom changes; read at start and then every hour.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Processors.
    pub cpu: Cpu,
    /// Release of the kernel.
    pub kernel: Option<String>,
    /// Name of the distribution.
    pub os: Option<String>,
    /// Machine type.
    pub arch: Option<String>,
    /// What the machine runs in.
    pub virtualization: Option<&'static str>,
    /// What the firmware says.
    pub dmi: Dmi,
    /// Hash of the machine id, 64 hexadecimal digits.
    pub machine_id: Option<String>,
    /// Id of this boot.
    pub boot_id: Option<String>,
}

/// The machine below a root folder.
pub struct System {
    root: PathBuf,
    buffer: Buffer,
    hostname: hostname::HostnameFiles,
    network: address::NetworkFiles,
    uptime: ProcFile,
    load: ProcFile,
    memory: ProcFile,
    facts: Option<(Instant, Rc<Facts>)>,
    failed: Failed,
}

impl System {
    /// `root` is `/`, or where the root file system of the machine is mounted.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let single = |file: &str| ProcFile::new(root.join("proc").join(file), Kind::Single);
        Self {
            root: root.to_owned(),
            buffer: Buffer::new(),
            hostname: hostname::HostnameFiles::new(root),
            network: address::NetworkFiles::new(root),
            uptime: single("uptime"),
            load: single("loadavg"),
            memory: single("meminfo"),
            facts: None,
            failed: Failed::default(),
        }
    }

    /// Measures everything now.
    pub fn snapshot(&mut self) -> Snapshot {
        let facts = self.facts();
        let (buffer, failed) = (&mut self.buffer, &mut self.failed);
        Snapshot {
            hostname: failed.note("hostname", self.hostname.read(buffer)),
            network: failed.note("addresses", self.network.read(buffer)),
            uptime_seconds: failed.note("uptime", load::read_uptime(&mut self.uptime, buffer)),
            load: failed.note("load", load::read_load(&mut self.load, buffer)),
            memory: failed.note("memory", memory::read(&mut self.memory, buffer)),
            disk: failed.note("disk", disk::read(&self.root)),
            facts,
        }
    }

    fn facts(&mut self) -> Rc<Facts> {
        match &self.facts {
            Some((read_at, facts)) if read_at.elapsed() < FACTS_AGE => Rc::clone(facts),
            _ => {
                let facts = Rc::new(self.read_facts());
                self.facts = Some((Instant::now(), Rc::clone(&facts)));
                facts
            }
        }
    }

    fn read_facts(&mut self) -> Facts {
        let (root, buffer) = (self.root.as_path(), &mut self.buffer);
        let cpu = self.failed.note("processors", cpu::read(root, buffer)).unwrap_or_default();
        let dmi = dmi::read(root, buffer);
        Facts {
            kernel: os::read_kernel(root, buffer),
            os: os::read_name(root, buffer),
            arch: os::read_arch(root, buffer),
            virtualization: virtualization::read(root, &cpu, &dmi, buffer),
            machine_id: identity::read_machine_id(root, buffer),
            boot_id: identity::read_boot_id(root, buffer),
            cpu,
            dmi,
        }
    }
}

/// The measurements that failed and were told of.
#[derive(Default)]
struct Failed(Vec<&'static str>);

impl Failed {
    fn note<T>(&mut self, what: &'static str, measured: io::Result<T>) -> Option<T> {
        match measured {
            Ok(value) => Some(value),
            Err(error) => {
                if !self.0.contains(&what) {
                    self.0.push(what);
                    log::warn!("{what} could not be measured and is left out: {error}");
                }
                None
            }
        }
    }
}
