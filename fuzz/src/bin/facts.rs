//! Every other text of the kernel, the distribution and the firmware. Each input is read as each of them.

#![no_main]

#[path = "../../../sigma-agent/src"]
mod agent {
    pub mod system {
        pub mod cpu;
        pub mod dmi;
        pub mod hostname;
        pub mod identity;
        pub mod load;
        pub mod memory;
        pub mod os;
        pub mod read;
        pub mod virtualization;

        pub use targets::look_at;

        mod targets {
            use std::path::Path;

            use sigma_fuzz::is_plain;

            use super::dmi::Dmi;
            use super::read::{Buffer, Kind, ProcFile, clean};
            use super::{cpu, dmi, hostname, identity, load, memory, os, virtualization};

            /// `root` has `text` as `proc/cpuinfo` and `proc/meminfo`.
            pub fn look_at(text: &str, root: &Path) {
                files_of_lines(root);
                single_values(text);
                text.lines().for_each(line);
                let mut strings = text.lines().map(str::to_owned);
                let dmi = Dmi { vendor: strings.next(), product: strings.next(), asset_tag: strings.next() };
                let _ = virtualization::of_dmi(&dmi);
            }

            fn files_of_lines(root: &Path) {
                let mut buffer = Buffer::new();
                let cpu = cpu::read(root, &mut buffer).unwrap();
                assert_ne!(cpu.cores, Some(0));
                assert!(cpu.model.is_none_or(|model| is_plain(&model, 256)));
                let mut file = ProcFile::new(root.join("proc/meminfo"), Kind::Single);
                if let Ok(memory) = memory::read(&mut file, &mut buffer) {
                    assert!(memory.used_kib.is_none_or(|used| used <= memory.total_kib));
                    assert!(memory.swap_used_kib.is_none_or(|used| used <= memory.swap_kib.unwrap()));
                }
            }

            fn single_values(text: &str) {
                if let Some(seconds) = load::parse_uptime(text) {
                    let stated: f64 = text.split(' ').next().unwrap().parse().unwrap_or(seconds as f64);
                    assert!(
                        (seconds as f64 - stated).abs() <= 1.0_f64.max(stated * 1e-9),
                        "{seconds} of {text}"
                    );
                }
                if let Some(averages) = load::parse_load(text) {
                    assert!(averages.iter().all(|load| load.is_finite() && *load >= 0.0));
                }
                if let Some(name) = hostname::parse_hostname(text) {
                    assert!(!name.is_empty() && name.trim() == name && name != "(none)");
                    let _ = hostname::is_container_id(&name);
                }
                if let Some(id) = identity::parse_machine_id(text) {
                    assert_eq!(format!("{:032x}", u128::from_be_bytes(id)), text.to_ascii_lowercase());
                }
            }

            fn line(line: &str) {
                if let Some(name) = os::parse_pretty_name(line) {
                    assert!(is_plain(&name, 256), "{name:?}");
                }
                let kind = virtualization::of_cgroup(line);
                assert!(matches!(kind, None | Some("lxc" | "container")));
                assert!(matches!(virtualization::of_mount(line), None | Some("lxc")));
                if let Some(text) = clean(line) {
                    assert!(is_plain(&text, 256), "{text:?}");
                    assert_eq!(text.trim(), text);
                    assert_eq!(clean(&text), Some(text), "what is clean stays as it is");
                }
                if let Some(name) = dmi::meaningful(line) {
                    assert_eq!(clean(line).as_deref(), Some(name.as_str()));
                }
            }
        }
    }
}

use std::cell::RefCell;

use libfuzzer_sys::fuzz_target;
use sigma_fuzz::Tree;

thread_local! {
    static TREE: RefCell<Tree> = RefCell::new(Tree::new("facts"));
}

fuzz_target!(|input: &[u8]| TREE.with_borrow_mut(|tree| {
    tree.hold(["proc/cpuinfo", "proc/meminfo"].into_iter().map(|file| (file, input.to_vec())).collect());
    agent::system::look_at(&String::from_utf8_lossy(input), tree.root());
}));
