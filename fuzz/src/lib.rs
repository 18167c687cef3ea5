//! What several targets need: a tree of files that an input describes, and what text may look like.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// The files that an input may describe; no other is ever written.
pub const FILES: [&str; 29] = [
    ".dockerenv",
    "etc/hostname",
    "etc/machine-id",
    "etc/os-release",
    "proc/1/cgroup",
    "proc/1/environ",
    "proc/1/mounts",
    "proc/bc",
    "proc/cpuinfo",
    "proc/device-tree/hypervisor/compatible",
    "proc/loadavg",
    "proc/meminfo",
    "proc/mounts",
    "proc/net/fib_trie",
    "proc/net/if_inet6",
    "proc/net/route",
    "proc/sys/kernel/arch",
    "proc/sys/kernel/hostname",
    "proc/sys/kernel/osrelease",
    "proc/sys/kernel/random/boot_id",
    "proc/uptime",
    "proc/vz",
    "proc/xen/capabilities",
    "run/systemd/container",
    "sys/class/dmi/id/chassis_asset_tag",
    "sys/class/dmi/id/product_name",
    "sys/class/dmi/id/sys_vendor",
    "sys/devices/system/clocksource/clocksource0/available_clocksource",
    "sys/hypervisor/type",
];

/// The files of an input: each begins with a line `== path`. What no file of `FILES` begins belongs to none.
pub fn files(input: &[u8]) -> HashMap<&'static str, Vec<u8>> {
    let mut files: HashMap<&'static str, Vec<u8>> = HashMap::new();
    let mut current = None;
    for line in input.split_inclusive(|&b| b == b'\n') {
        if let Some(name) = line.strip_prefix(b"== ") {
            current = FILES.into_iter().find(|file| file.as_bytes() == name.trim_ascii_end());
            files.extend(current.map(|file| (file, Vec::new())));
        } else if let Some(file) = current {
            files.entry(file).or_default().extend_from_slice(line);
        }
    }
    files
}

/// A root folder whose files follow the inputs. The script that runs the targets removes it.
pub struct Tree {
    root: PathBuf,
    written: HashMap<&'static str, Vec<u8>>,
}

impl Tree {
    /// A new folder for `target` where temporary files belong.
    pub fn new(target: &str) -> Self {
        let root = std::env::temp_dir().join(format!("sigma-fuzz-{target}-{}", std::process::id()));
        for file in FILES {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
        }
        Self { root, written: HashMap::new() }
    }

    /// Where the tree is.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Makes the tree hold `files` and nothing else. What stays as it is, is not touched.
    pub fn hold(&mut self, files: HashMap<&'static str, Vec<u8>>) {
        for gone in self.written.keys().filter(|file| !files.contains_key(*file)) {
            fs::remove_file(self.root.join(gone)).unwrap();
        }
        for (file, text) in files.iter().filter(|(file, text)| self.written.get(*file) != Some(*text)) {
            let path = self.root.join(file);
            let file = fs::File::options().write(true).create(true).truncate(true).open(path).unwrap();
            file.write_all_at(text, 0).unwrap();
        }
        self.written = files;
    }
}

/// Whether text is what may be sent: not empty, not longer than `max_chars`, nothing that breaks a line.
pub fn is_plain(text: &str, max_chars: usize) -> bool {
    !text.is_empty() && text.chars().count() <= max_chars && !text.chars().any(char::is_control)
}
