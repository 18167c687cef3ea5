//! An agent's key that has expired goes on reporting for the machines that are bound to it, and registers no others.

use std::time::Duration;

use crate::common::machine::{Machine, id_of};
use crate::common::{Folder, Hub, eventually};
use serde_json::{Value, json};

const EXPIRED: &str = "2026-01-01T00:00:00Z";

fn web() -> Machine {
    Machine::new("web", 1, "b1", "203.0.113.1")
}

/// Lets the key expire behind the hub's back, and has the hub look at its keys anew. Where the key is.
fn expire(folder: &Folder, hub: &Hub, admin: &str, key: &str) -> String {
    let prefix = key.split_at(12).0;
    let keys = hub.get(admin, "/api/keys").json();
    let named = |key: &&Value| key["prefix"] == prefix || key["previous_prefix"] == prefix;
    let id = keys.as_array().unwrap().iter().find(named).unwrap()["id"].clone();
    let path = format!("/api/keys/{}", id.as_str().unwrap());
    folder.sql(&format!(
        "UPDATE api_key SET expires_at = 1767225600000 WHERE '{prefix}' IN (prefix, previous_prefix)"
    ));
    assert_eq!(hub.put(admin, &path, &json!({"name": "expired"})).status, 200);
    path
}

#[test]
fn an_expired_key_reports_for_its_machines_and_registers_no_others() {
    let folder = Folder::new();
    let (key, other, admin) = (folder.key("agent"), folder.key("agent"), folder.key("admin"));
    let hub = folder.start();
    let id = web().live(&hub, &key);
    let theirs = Machine::new("theirs", 2, "b2", "203.0.113.2");
    let of_other = theirs.live(&hub, &other);
    hub.post(&admin, "/api/vps", &json!({"hostname": "made-by-hand"}).to_string());
    expire(&folder, &hub, &admin, &key);

    assert_eq!(web().live(&hub, &key), id, "from memory");
    assert_eq!(id_of(&web().register(&hub, &key)), id);
    let rebooted = Machine { boot: "b9".into(), uptime: 1, ..web() };
    assert_eq!(id_of(&rebooted.beat(&hub, &key)), id, "and with news");
    assert_eq!(id_of(&rebooted.register(&hub, &key)), id);

    let by_hand = Machine::new("made-by-hand", 4, "b4", "203.0.113.4");
    for machine in [&Machine::new("new", 3, "b3", "203.0.113.3"), &by_hand, &theirs] {
        let refused = machine.register(&hub, &key);
        assert_eq!(refused.status, 403, "{refused:?}");
        let sentence = refused.error();
        assert!(
            sentence.contains(&format!("expired at {EXPIRED}")) && sentence.contains("another key"),
            "{sentence}"
        );
    }
    assert_eq!(Machine::new("new", 3, "b3", "203.0.113.3").beat(&hub, &key).status, 404);
    assert_eq!(hub.get(&admin, "/api/vps").json()["total"], 3);
    assert_eq!(theirs.beat(&hub, &key).status, 403);
    assert_eq!(theirs.live(&hub, &other), of_other);
    let refused = rebooted.beat(&hub, &other);
    assert!(refused.status == 403 && refused.error().contains("another key"), "it still speaks: {refused:?}");

    assert_eq!(hub.get(&key, "/api/vps").status, 403, "and may do nothing else");
    let revoked = folder.run(&["key", "revoke", &key]);
    assert!(revoked.status.success(), "{revoked:?}");
    assert!(eventually(Duration::from_secs(3), || rebooted.beat(&hub, &key).status == 401), "all at once");
    assert_eq!(rebooted.register(&hub, &key).status, 401);
}

#[test]
fn an_expired_key_does_not_take_back_what_went_to_another() {
    let folder = Folder::new();
    let (key, other, admin) = (folder.key("agent"), folder.key("agent"), folder.key("admin"));
    let hub = folder.start();
    let id = web().live(&hub, &key);
    folder.sql(&format!(
        "UPDATE vps SET agent_key_id = (SELECT id FROM api_key WHERE prefix = '{}')",
        other.split_at(12).0
    ));
    folder.sql(&format!(
        "INSERT INTO vps_previous_key (vps_id, key_id) SELECT vps.id, api_key.id FROM vps, api_key WHERE prefix = '{}'",
        key.split_at(12).0
    ));
    hub.stop();
    let hub = folder.start();
    expire(&folder, &hub, &admin, &key);
    assert_eq!(web().beat(&hub, &key).status, 403);
    assert_eq!(web().live(&hub, &other), id);
}

#[test]
fn both_secrets_of_a_rotated_key_go_on_for_as_long_as_was_said() {
    let folder = Folder::new();
    let (first, admin) = (folder.key("agent"), folder.key("admin"));
    let hub = folder.start();
    let id = web().live(&hub, &first);
    let keys = hub.get(&admin, "/api/keys").json();
    let path = format!("/api/keys/{}", keys[0]["id"].as_str().unwrap());
    folder.sql("UPDATE api_key SET expires_at = created_at + 3600000 WHERE role = 'agent'");
    let rotated = hub.post(&admin, &format!("{path}/rotate"), "{}").json();
    let second = rotated["key"].as_str().unwrap();
    assert!(rotated["previous_until"].as_str() > rotated["expires_at"].as_str(), "{rotated}");
    assert_eq!(expire(&folder, &hub, &admin, &first), path);
    assert_eq!(web().live(&hub, &first), id);
    assert_eq!(web().live(&hub, second), id);
    assert_eq!(Machine::new("new", 3, "b3", "203.0.113.3").register(&hub, second).status, 403);
    folder.sql("UPDATE api_key SET previous_until = 1 WHERE role = 'agent'");
    assert!(eventually(Duration::from_secs(3), || web().beat(&hub, &first).status == 401));
    assert_eq!(web().live(&hub, second), id);
    let late = hub.post(&admin, &format!("{path}/rotate"), r#"{"force":true}"#);
    assert_eq!(late.status, 200, "a secret that leaked is changed without a longer life: {late:?}");
    assert_eq!(web().live(&hub, late.json()["key"].as_str().unwrap()), id);
}
