use super::*;

fn registration() -> Registration {
    let text = include_str!("../../../../sigma-protocol/fixtures/registration.json");
    serde_json::from_str(text).unwrap()
}

fn refused(change: impl FnOnce(&mut Registration)) -> String {
    let mut message = registration();
    change(&mut message);
    Report::from_registration(message).unwrap_err().to_string()
}

fn address(ip: &str, label: &str) -> Address {
    Address { ip: ip.parse().unwrap(), label: label.to_owned() }
}

#[test]
fn the_golden_registration_passes_whole() {
    let report = Report::from_registration(registration()).unwrap();
    assert_eq!(report.hostname, "hk-relay-01");
    assert_eq!(report.addresses.as_ref().map(Vec::len), Some(3));
    assert_eq!(report.facts.asset_tag.as_deref(), Some("OracleCloud.com"));
    assert_eq!(report.facts.interval(), Some(Duration::from_secs(60)));
    assert_eq!(report.state.disk_used_gb, Some(7.4));
    assert_eq!(report.registration, Some(Enrolment { ssh_port: 22, alias: None }));
}

#[test]
fn each_rule_names_its_member() {
    for (sentence, field) in [
        (refused(|m| m.hostname = String::new()), "hostname: "),
        (refused(|m| m.hostname = "a b".into()), "hostname: "),
        (refused(|m| m.hostname = "a".repeat(254)), "hostname: "),
        (refused(|m| m.ssh_port = 0), "ssh_port: "),
        (refused(|m| m.alias = Some("a\nb".into())), "alias: "),
        (refused(|m| m.ip_addresses = vec![address("::1", ""); 65]), "ip_addresses: "),
        (refused(|m| m.ip_addresses.push(address("0.0.0.0", ""))), "ip_addresses[3].ip: "),
        (refused(|m| m.ip_addresses.push(address("ff02::1", ""))), "ip_addresses[3].ip: "),
        (refused(|m| m.ip_addresses.push(address("::1", &"x".repeat(65)))), "ip_addresses[3].label: "),
        (refused(|m| m.system_info.cpu_cores = Some(0)), "system_info.cpu_cores: "),
        (refused(|m| m.system_info.cpu_cores = Some(65_537)), "system_info.cpu_cores: "),
        (refused(|m| m.system_info.ram_mb = Some(u64::MAX)), "system_info.ram_mb: "),
        (refused(|m| m.system_info.load_avg = Some([0.0, -1.0, 0.0])), "system_info.load_avg[1]: "),
        (refused(|m| m.system_info.load_avg = Some([0.0, 0.0, 1e7])), "system_info.load_avg[2]: "),
        (refused(|m| m.system_info.disk_used_gb = Some(f64::NAN)), "system_info.disk_used_gb: "),
        (refused(|m| m.system_info.disk_used_gb = Some(f64::INFINITY)), "system_info.disk_used_gb: "),
        (refused(|m| m.system_info.uptime_seconds = Some(u64::MAX)), "system_info.uptime_seconds: "),
        (refused(|m| m.system_info.kernel = Some("x".repeat(257))), "system_info.kernel: "),
        (refused(|m| m.system_info.os = Some("\u{202e}txt".into())), "system_info.os: "),
        (refused(|m| m.agent.as_mut().unwrap().interval_seconds = Some(0)), "agent.interval_seconds: "),
        (refused(|m| m.agent.as_mut().unwrap().interval_seconds = Some(86_401)), "agent.interval_seconds: "),
        (refused(|m| m.machine.as_mut().unwrap().id = Some("g".repeat(64))), "machine.id: "),
        (refused(|m| m.machine.as_mut().unwrap().id = Some("a".repeat(63))), "machine.id: "),
        (refused(|m| m.machine.as_mut().unwrap().boot_id = Some("\0".into())), "machine.boot_id: "),
    ] {
        assert!(sentence.starts_with(field), "{sentence:?} should name {field:?}");
    }
}

#[test]
fn addresses_are_sorted_and_each_stands_once() {
    let mut message = registration();
    message.ip_addresses =
        vec![address("2001:db8::7", ""), address("10.0.0.5", "internal"), address("10.0.0.5", "")];
    let addresses = Report::from_registration(message).unwrap().addresses.unwrap();
    assert_eq!(addresses, [address("10.0.0.5", ""), address("2001:db8::7", "")]);
}

#[test]
fn no_addresses_leave_the_known_ones() {
    let first = include_str!("../../../../sigma-protocol/fixtures/heartbeat.first.json");
    let absent: Heartbeat = serde_json::from_str(first).unwrap();
    let empty = Heartbeat { ip_addresses: Some(Vec::new()), ..absent.clone() };
    assert_eq!(Report::from_heartbeat(absent).unwrap().addresses, None);
    assert_eq!(Report::from_heartbeat(empty).unwrap().addresses, None);
}

#[test]
fn facts_that_are_not_said_stay() {
    let earlier = Facts { kernel: Some("6.1".into()), cpu_cores: Some(2), ..Facts::default() };
    let now = Facts { cpu_cores: Some(4), ..Facts::default() };
    let both = now.or(earlier);
    assert_eq!((both.cpu_cores, both.kernel.as_deref()), (Some(4), Some("6.1")));
}
