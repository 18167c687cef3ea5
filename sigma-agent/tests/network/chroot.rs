//! The agent that is shipped, where there is nothing else.

use std::fs;
use std::path::{Path, PathBuf};

use crate::hub::{ACKNOWLEDGED, Agent, Data, Hub, REGISTERED};
use crate::lab::{DNS_V4, Lab, seconds};
use crate::services::Dns;

const HUB: &str = "hub.sigma.test";

/// `target/dist/sigma-agent`, beside the folder of this build.
fn shipped() -> PathBuf {
    let built =
        Path::new(env!("CARGO_BIN_EXE_sigma-agent")).ancestors().nth(2).unwrap().join("dist/sigma-agent");
    let path = std::env::var_os("SIGMA_DIST_AGENT").map_or(built, PathBuf::from);
    assert!(path.exists(), "the agent that is shipped is not built: run `make dist` first");
    path
}

#[test]
fn the_shipped_agent_needs_nothing_but_a_name_server() {
    let Some(mut lab) = Lab::new("chroot") else { return };
    let binary = fs::read(shipped()).unwrap();
    assert!(is_static_pie(&binary), "{} is not a static-pie", shipped().display());
    assert!(
        !is_static_pie(&fs::read("/proc/self/exe").unwrap()),
        "this test is not static, and taken for it"
    );

    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["51.15.0.10"]);
    let root = lab.folder().join("root");
    fs::create_dir_all(root.join("etc")).unwrap();
    fs::copy(shipped(), root.join("sigma-agent")).unwrap();
    let data = Data::new(&lab);
    let hub = Hub::start(&lab, "hub", &data);

    let start = |hostname| {
        let agent = Agent::of(&lab, "host", hostname, HUB, &data, Path::new("chroot"));
        agent.argument(&root).argument("/sigma-agent").start()
    };
    // It finds a name server that is told to it while it runs, and one that was there before.
    let early = start("bare-1");
    early.says("could not be looked up", seconds(10));
    fs::write(root.join("etc/resolv.conf"), format!("nameserver {DNS_V4}\n")).unwrap();
    let agent = start("bare-2");
    let registered = agent.says(REGISTERED, seconds(10)) - agent.started;
    println!("registered after {registered:?}");
    assert!(registered < seconds(1), "{registered:?}");
    agent.says_again(ACKNOWLEDGED, 2, seconds(10));
    early.says(ACKNOWLEDGED, seconds(10));
    assert_eq!(dns.asked(), [HUB]);
    assert_eq!(hub.addresses("bare-2"), [""; 0], "there is no /proc to find any in");
    for file in ["proc", "sys", "dev"] {
        assert!(!root.join(file).exists());
    }
}

/// The C library of a static program would load what nsswitch.conf names from the machine, its own other copy with it.
#[test]
fn the_shipped_agent_loads_nothing_from_its_host() {
    let Some(mut lab) = Lab::new("nss") else { return };
    lab.attach("hub", &["51.15.0.10/24"]);
    lab.attach("host", &["95.216.1.2/24"]);
    fs::write(lab.folder().join("nsswitch.conf"), "hosts: hesiod compat files dns\n").unwrap();
    let dns = Dns::start(&lab);
    dns.tell(HUB, &["51.15.0.10"]);
    let data = Data::new(&lab);
    let _hub = Hub::start(&lab, "hub", &data);

    let loaded = |program: &Path, hostname| {
        let agent = Agent::of(&lab, "host", hostname, HUB, &data, program).start();
        agent.says(REGISTERED, seconds(10));
        agent.maps().contains("libnss_hesiod")
    };
    let dynamic = Path::new(env!("CARGO_BIN_EXE_sigma-agent"));
    assert!(
        loaded(dynamic, "dynamic"),
        "this system's C library has no such module: the story shows nothing"
    );
    assert!(!loaded(&shipped(), "static"));
}

/// Position-independent (type `ET_DYN`), and no program header names an interpreter (`PT_INTERP`): elf(5), ELF64.
fn is_static_pie(binary: &[u8]) -> bool {
    let number = |at: usize, bytes: usize| {
        binary[at..at + bytes].iter().rev().fold(0, |sum: usize, byte| (sum << 8) | usize::from(*byte))
    };
    assert_eq!(binary[..6], *b"\x7fELF\x02\x01", "a 64-bit little-endian program");
    let (offset, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let has_interpreter = (0..count).any(|n| number(offset + n * size, 4) == 3);
    number(16, 2) == 3 && !has_interpreter
}
