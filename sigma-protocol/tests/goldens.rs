//! Every message against its golden JSON, and every older form that must stay accepted.

#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test ends where it finds something else than it expects"
)]

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sigma_protocol::{
    Acknowledgement, ErrorAnswer, Heartbeat, Object, Registration, is_hostname, is_unprintable,
};

fn read<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).expect("the fixture is a message")
}

/// What the message is written as is what the golden says, member for member.
fn round_trip<T: Serialize + DeserializeOwned>(text: &str) {
    let golden: Value = read(text);
    let message: T = read(text);
    assert_eq!(serde_json::to_value(&message).unwrap(), golden);
}

#[test]
fn messages_of_today_are_written_as_the_goldens_say() {
    round_trip::<Registration>(include_str!("../fixtures/registration.json"));
    round_trip::<Heartbeat>(include_str!("../fixtures/heartbeat.json"));
    round_trip::<Acknowledgement>(include_str!("../fixtures/acknowledgement.json"));
    round_trip::<ErrorAnswer>(include_str!("../fixtures/error.json"));
}

#[test]
fn older_agents_are_understood() {
    let registration: Registration = read(include_str!("../fixtures/registration.older.json"));
    assert_eq!(registration.alias.as_deref(), Some("Hong Kong relay"));
    assert_eq!(registration.ip_addresses[1].ip.to_string(), "10.0.0.5");
    assert_eq!(registration.ip_addresses[1].label, "internal");
    assert_eq!((registration.agent, registration.machine), (None, None));

    let beat: Heartbeat = read(include_str!("../fixtures/heartbeat.older.json"));
    assert_eq!(beat.ip_addresses.map(|a| a.len()), Some(1));
    assert_eq!(beat.system_info.load_avg, Some([0.1, 0.2, 0.3]));

    let first: Heartbeat = read(include_str!("../fixtures/heartbeat.first.json"));
    assert_eq!(first.ip_addresses, None, "absent is not empty");
    assert_eq!(first.system_info.ram_used_mb, None, "absent is not 0");
}

#[test]
fn null_is_absent() {
    let registration: Registration = read(include_str!("../fixtures/registration.nulls.json"));
    let absent = r#"{"hostname":"hk-relay-01","ip_addresses":[{"ip":"203.0.113.7"}]}"#;
    assert_eq!(registration, read(absent));
    assert_eq!(registration.ssh_port, 22);
    let none: Registration = read(r#"{"hostname":"a","ip_addresses":null}"#);
    assert_eq!(none.ip_addresses, []);
    let beat: Heartbeat = read(r#"{"hostname":"a","ip_addresses":null,"system_info":null}"#);
    assert_eq!(beat, read(r#"{"hostname":"a"}"#));
}

#[test]
fn a_list_is_no_object() {
    for (member, list) in [
        ("system_info", "[]"),
        ("system_info", "[2]"),
        ("agent", "[]"),
        ("machine", "[]"),
        ("ip_addresses", r#"[["203.0.113.7","x"]]"#),
    ] {
        let text = format!(r#"{{"hostname":"a","{member}":{list}}}"#);
        assert!(serde_json::from_str::<Registration>(&text).is_err(), "{text}");
        assert!(serde_json::from_str::<Heartbeat>(&text).is_err(), "{text}");
    }
    assert!(serde_json::from_str::<Object<Heartbeat>>(r#"["a"]"#).is_err());
}

#[test]
fn newer_agents_are_understood() {
    let registration: Registration = read(include_str!("../fixtures/registration.newer.json"));
    assert_eq!(registration.system_info.cpu_cores, Some(2));
    assert_eq!(registration.agent.and_then(|a| a.version).as_deref(), Some("9.0.0"));
}

#[test]
fn the_whole_record_of_an_older_hub_is_an_acknowledgement() {
    let record: Acknowledgement = read(include_str!("../fixtures/acknowledgement.older.json"));
    assert_eq!((record.hostname.as_str(), record.status.as_str()), ("hk-relay-01", "active"));
    let error: ErrorAnswer = read(include_str!("../fixtures/error.rfc9457.json"));
    assert_eq!(error.error, "The machine was deleted in the hub by a person.");
}

#[test]
fn absent_members_are_omitted() {
    let beat: Heartbeat = read(r#"{"hostname":"a"}"#);
    assert_eq!(serde_json::to_string(&beat).unwrap(), r#"{"hostname":"a","system_info":{}}"#);
}

#[test]
fn hostnames_have_a_strict_alphabet() {
    for good in ["a", "hk-relay-01", "web_1.example.com", &"x".repeat(253)] {
        assert!(is_hostname(good), "{good}");
    }
    for bad in ["", "a b", "a/b", "münchen", "a\n", "<b>", &"x".repeat(254)] {
        assert!(!is_hostname(bad), "{bad}");
    }
}

#[test]
fn what_cannot_be_seen_or_turns_text_is_unprintable() {
    for c in "\0\n\u{1b}\u{7f}\u{85}\u{61c}\u{200b}\u{200f}\u{2028}\u{202e}\u{2060}\u{2066}\u{2069}\u{feff}"
        .chars()
    {
        assert!(is_unprintable(c), "{c:?}");
    }
    for c in "a é東Ω<\u{200a}\u{2010}\u{202f}\u{2070}".chars() {
        assert!(!is_unprintable(c), "{c:?}");
    }
}
