//! A small machine: the files that the agent reads, with a name and addresses that can be changed.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tempfile::TempDir;

pub struct Root(TempDir);

impl Root {
    /// A machine called web-01 with the public address 95.216.1.2.
    pub fn public() -> Self {
        Self::with(&["95.216.1.2"])
    }

    /// The same behind NAT, where it is 10.0.0.5.
    pub fn nat() -> Self {
        Self::with(&["10.0.0.5"])
    }

    fn with(addresses: &[&str]) -> Self {
        let root = Self(tempfile::tempdir().unwrap());
        root.rename("web-01");
        root.address(addresses);
        root.write("proc/uptime", "86400.50 170000.00\n");
        root.write("proc/loadavg", "0.10 0.20 0.30 1/100 4242\n");
        root.write("proc/meminfo", "MemTotal: 2035000 kB\nMemFree: 100000 kB\nMemAvailable: 1000000 kB\n");
        root.write(
            "proc/cpuinfo",
            "processor\t: 0\nmodel name\t: Test\n\nprocessor\t: 1\nmodel name\t: Test\n",
        );
        root.write("proc/sys/kernel/osrelease", "6.1.0-18-amd64\n");
        root.write("proc/sys/kernel/random/boot_id", "0f8e2a64-6d1c-4b3a-9d55-0d7b8a3f4c21\n");
        root.write("etc/machine-id", "4f1d2c3b5a69788796a5b4c3d2e1f001\n");
        root.write("etc/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\n");
        root
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Writes in place, as the kernel's files change: the agent may hold them open.
    pub fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn rename(&self, name: &str) {
        // The agent may look between emptying and filling the second file, and then reads the first.
        self.write("etc/hostname", &format!("{name}\n"));
        self.write("proc/sys/kernel/hostname", &format!("{name}\n"));
    }

    /// IPv4 addresses as /32 without connected networks, and an IPv4 default route.
    pub fn address(&self, addresses: &[&str]) {
        let mut trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n".to_owned();
        for address in addresses {
            writeln!(trie, "     |-- {address}\n        /32 host LOCAL").unwrap();
        }
        self.write(
            "proc/net/route",
            "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n\
             eth0\t00000000\t0101A8C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n",
        );
        self.write("proc/net/fib_trie", &trie);
    }
}
