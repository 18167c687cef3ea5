//! Captured machines: what the agent would register, against goldens that were written by hand from the rules.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test runs the agent, and ends where it finds something else than it expects"
)]

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn machines() -> Vec<String> {
    let folders = std::fs::read_dir(fixtures()).unwrap().map(Result::unwrap).filter(|e| e.path().is_dir());
    let mut names: Vec<_> = folders.map(|e| e.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn registration(machine: &str) -> Value {
    let output = Command::new(env!("CARGO_BIN_EXE_sigma-agent"))
        .env_clear()
        .args(["--dry-run", "--log", "error", "--interval", "60", "--ssh-port", "22", "--host-root"])
        .arg(fixtures().join(machine))
        .output()
        .unwrap();
    assert!(output.status.success(), "{machine}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Takes out what the machine that runs the test, or the build, has a part in.
fn without_local_members(mut registration: Value, machine: &str) -> Value {
    let has_arch = fixtures().join(machine).join("proc/sys/kernel/arch").exists();
    let info = registration["system_info"].as_object_mut().unwrap();
    for member in ["disk_gb", "disk_used_gb"] {
        assert!(info.remove(member).is_some(), "{machine} has no {member}");
    }
    if !has_arch {
        assert!(info.remove("arch").is_some(), "{machine} has no arch of uname(2)");
    }
    assert!(registration["agent"].as_object_mut().unwrap().remove("version").is_some());
    registration
}

#[test]
fn every_captured_machine_registers_as_its_golden_says() {
    let machines = machines();
    assert!(machines.len() >= 12, "only {} machines", machines.len());
    let mut wrong = String::new();
    for machine in machines {
        let golden = std::fs::read_to_string(fixtures().join(format!("{machine}.json"))).unwrap();
        let golden: Value = serde_json::from_str(&golden).unwrap();
        let sent = without_local_members(registration(&machine), &machine);
        if sent != golden {
            wrong += &format!("\n{machine}\n  sent:   {sent}\n  golden: {golden}");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The goldens are read without regard to order elsewhere; the wire's order counts too: addresses are sorted.
#[test]
fn addresses_are_sorted_and_there_is_none_twice() {
    for machine in machines() {
        let registration = registration(&machine);
        let list: Vec<std::net::IpAddr> = registration["ip_addresses"]
            .as_array()
            .unwrap()
            .iter()
            .map(|a| a["ip"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(list.is_sorted_by(|a, b| a < b), "{machine}: {list:?}");
    }
}
