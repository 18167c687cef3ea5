//! Checks of addresses from outside.

use crate::common::{Folder, Hub};
use serde_json::{Value, json};

const CHECKS: &str = "/api/ip-checks";

fn check(hub: &Hub, key: &str, more: &Value) -> Value {
    let mut body = json!({"ip": "203.0.113.7", "check_type": "icmp", "source": "hk", "success": true});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let answer = hub.post(key, CHECKS, &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

#[test]
fn a_check_is_kept_with_its_machine() {
    let folder = Folder::new();
    let (editor, reader) = (folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    let make = |name: &str| {
        let body = json!({"hostname": name, "ip_addresses": [{"ip": "203.0.113.7"}]});
        hub.post(&editor, "/api/vps", &body.to_string()).json()["id"].clone()
    };
    assert_eq!(check(&hub, &editor, &json!({}))["vps_id"], Value::Null, "nobody has it");
    let vps = make("a");
    let mut kept = check(
        &hub,
        &editor,
        &json!({"latency_ms": 12.5, "checked_at": "2026-01-01T08:00:00+08:00", "message": "ok", "unknown": 1}),
    );
    assert!(kept.as_object_mut().unwrap().remove("id").is_some_and(|id| id.is_string()));
    let golden = json!({"ip": "203.0.113.7", "vps_id": vps, "check_type": "icmp", "source": "hk", "success": true,
        "latency_ms": 12.5, "checked_at": "2026-01-01T00:00:00Z", "message": "ok"});
    assert_eq!(kept, golden);
    let other = make("b");
    assert_eq!(check(&hub, &editor, &json!({}))["vps_id"], Value::Null, "two have it");
    assert_eq!(check(&hub, &editor, &json!({"vps_id": other}))["vps_id"], other);
    hub.delete(&editor, &format!("/api/vps/{}", other.as_str().unwrap()));
    assert_eq!(check(&hub, &editor, &json!({"ip": "::ffff", "success": false}))["ip"], "::ffff");

    for (query, count) in [
        ("", 5),
        ("?ip=203.0.113.7", 4),
        (&*format!("?vps_id={}", vps.as_str().unwrap()), 1),
        ("?success=false", 1),
        ("?source=hk&per_page=2", 5),
        ("?source=de", 0),
    ] {
        assert_eq!(hub.get(&reader, &format!("{CHECKS}{query}")).json()["total"], count, "{query}");
    }
    let list = hub.get(&reader, CHECKS).json();
    assert_eq!(list["data"][0]["ip"], "::ffff", "the newest first");
    assert_eq!(list["data"][4]["message"], "ok", "the oldest last");
}

#[test]
fn the_newest_200_of_a_series_are_kept() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    for more in [json!({"source": "de"}), json!({"check_type": "tcp"}), json!({"ip": "203.0.113.8"})] {
        check(&hub, &editor, &more);
    }
    for n in 0..205 {
        let at = format!("2026-01-01T00:{:02}:{:02}Z", n / 60, n % 60);
        check(&hub, &editor, &json!({"checked_at": at, "latency_ms": n}));
    }
    let list = hub.get(&editor, CHECKS).json();
    assert_eq!(list["total"], 203, "other series are others");
    let latencies = folder.sql("SELECT CAST(MIN(latency_ms) AS TEXT) FROM ip_check");
    assert_eq!(latencies, ["5.0"]);
    check(&hub, &editor, &json!({"checked_at": "2025-01-01T00:00:00Z", "latency_ms": 0}));
    assert_eq!(hub.get(&editor, CHECKS).json()["total"], 203, "one that is older than all is not kept");
}

#[test]
fn mistakes_are_named() {
    let folder = Folder::new();
    let (editor, reader) = (folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    for (member, value) in [
        ("ip", json!("203.0.113.256")),
        ("vps_id", json!("01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a")),
        ("vps_id", json!("7")),
        ("check_type", json!("")),
        ("source", json!("a\nb")),
        ("success", json!("yes")),
        ("latency_ms", json!(-1)),
        ("checked_at", json!("yesterday")),
    ] {
        let mut body = json!({"ip": "203.0.113.7", "check_type": "icmp", "source": "hk", "success": true});
        body[member] = value;
        let refused = hub.post(&editor, CHECKS, &body.to_string());
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(refused.error().starts_with(&format!("{member}: ")), "{body}: {refused:?}");
    }
    assert!(hub.get(&reader, &format!("{CHECKS}?success=perhaps")).error().starts_with("success: "));
    assert_eq!(hub.post(&reader, CHECKS, "{}").status, 403);
    assert_eq!(hub.get(&folder.key("agent"), CHECKS).status, 403);
}
