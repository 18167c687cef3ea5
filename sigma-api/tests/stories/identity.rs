//! Two machines never share a record unnoticed, and one machine keeps its own.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::machine::{Machine, id_of};
use crate::common::{Folder, Hub, eventually};
use serde_json::{Value, json};

fn record(hub: &Hub, key: &str, id: &str) -> Value {
    hub.get(key, &format!("/api/vps/{id}")).json()
}

fn say(hub: &Hub, key: &str, id: &str, what: &str, body: &Value) -> Value {
    let answer = hub.post(key, &format!("/api/vps/{id}/{what}"), &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// The actions in the audit log about a record, the oldest first.
fn actions(folder: &Folder, id: &str) -> Vec<String> {
    let hex = id.replace('-', "");
    folder.sql(&format!("SELECT action FROM audit WHERE hex(subject_id) = upper('{hex}') ORDER BY id"))
}

/// Everybody was last seen an hour ago; the hub must not run.
fn an_hour_later(folder: &Folder) {
    folder.sql("UPDATE vps_state SET last_seen = last_seen - 3600000");
}

/// Waits until the hub has listened for so long that who did not report is silent: two intervals of a second, and the
/// grace.
fn nobody_was_heard() {
    std::thread::sleep(Duration::from_millis(17_500));
}

#[test]
fn two_clones_of_a_template_are_two_records() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let one = Machine::new("debian", 1, "b1", "203.0.113.1");
    let two = Machine { boot: "b2".into(), ip: "203.0.113.2".into(), uptime: 3600, ..one.clone() };
    let first = one.live(&hub, &agent);
    let second = two.live(&hub, &agent);
    assert_ne!(first, second);
    for _ in 0..3 {
        assert_eq!((one.live(&hub, &agent), two.live(&hub, &agent)), (first.clone(), second.clone()));
    }
    let (a, b) = (record(&hub, &editor, &first), record(&hub, &editor, &second));
    assert_eq!((&a["hostname"], &b["hostname"]), (&json!("debian"), &json!("debian (2)")));
    assert_eq!((&a["flags"], &b["flags"]), (&json!(["clone"]), &json!(["clone"])));
    assert_eq!((&a["marks"][0]["other_id"], &b["marks"][0]["other_id"]), (&json!(second), &json!(first)));
    assert_eq!(b["reported_hostname"], "debian");
    assert_eq!(a["ip_addresses"], json!([{"ip": "203.0.113.1", "label": ""}]));
    assert_eq!(b["ip_addresses"], json!([{"ip": "203.0.113.2", "label": ""}]));
    assert_eq!(actions(&folder, &second), ["vps.register", "vps.clone"]);
}

#[test]
fn a_clone_that_looks_like_a_reboot_is_found_out_within_three_beats() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let one = Machine::new("debian", 1, "b1", "203.0.113.1");
    let first = one.live(&hub, &agent);
    let two = Machine { boot: "b2".into(), ip: "203.0.113.2".into(), uptime: 0, ..one.clone() };
    assert_eq!(two.live(&hub, &agent), first, "it booted after the first was heard");
    assert_eq!(one.live(&hub, &agent), first);
    assert_eq!(two.beat(&hub, &agent).status, 404, "it is to register");
    let second = two.live(&hub, &agent);
    assert_ne!(second, first);
    for _ in 0..3 {
        assert_eq!((one.live(&hub, &agent), two.live(&hub, &agent)), (first.clone(), second.clone()));
    }
    let list = hub.get(&editor, "/api/vps").json();
    assert_eq!(list["total"], 2);
    assert!(list["data"].as_array().unwrap().iter().all(|vps| vps["flags"] == json!(["clone"])), "{list}");
    assert_eq!(record(&hub, &editor, &first)["ip_addresses"][0]["ip"], "203.0.113.1");
    let faces = hub.get(&editor, &format!("/api/vps/{first}/identity")).json()["faces"].clone();
    assert_eq!((&faces[0]["boot_id"], &faces[0]["current"]), (&json!("b1"), &json!(true)));
    assert_eq!((&faces[1]["boot_id"], &faces[1]["current"]), (&json!("b2"), &json!(false)));
}

#[test]
fn fifty_machines_called_localhost_are_fifty_records() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let machines: Vec<Machine> =
        (1..=50).map(|n| Machine::new("localhost", n, &format!("b{n}"), &format!("203.0.113.{n}"))).collect();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            machines.iter().map(|machine| scope.spawn(|| id_of(&machine.register(&hub, &agent)))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 50);
    for _ in 0..2 {
        let again: Vec<String> = machines.iter().map(|machine| machine.live(&hub, &agent)).collect();
        assert_eq!(again, ids);
    }
    let list = hub.get(&editor, "/api/vps?per_page=100").json();
    let names: BTreeSet<&str> =
        list["data"].as_array().unwrap().iter().map(|vps| vps["hostname"].as_str().unwrap()).collect();
    assert_eq!(names.len(), 50);
    assert!(names.contains("localhost") && names.contains("localhost (50)"), "{names:?}");
    for (machine, id) in machines.iter().zip(&ids) {
        let vps = record(&hub, &editor, id);
        assert_eq!(vps["ip_addresses"][0]["ip"], json!(machine.ip));
        assert_eq!(vps["flags"], json!(["conflict"]));
    }
}

#[test]
fn a_conflict_ends_when_a_person_says_that_these_are_two() {
    let folder = Folder::new();
    let (agent, editor, reader) = (folder.key("agent"), folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    let one = Machine::new("debian", 1, "b1", "203.0.113.1");
    let two = Machine::new("debian", 2, "b2", "203.0.113.2");
    let (first, second) = (one.live(&hub, &agent), two.live(&hub, &agent));
    assert_eq!(record(&hub, &editor, &first)["flags"], json!(["conflict"]));
    let refused = hub.post(&reader, &format!("/api/vps/{first}/distinct"), "{}");
    assert_eq!(refused.status, 403);
    let said = say(&hub, &editor, &first, "distinct", &json!({"other": second}));
    assert_eq!((&said["flags"], said.get("marks")), (&json!([]), None));
    assert_eq!(record(&hub, &editor, &second)["flags"], json!([]));
    say(&hub, &editor, &second, "distinct", &json!({"other": first}));
    one.live(&hub, &agent);
    two.live(&hub, &agent);
    assert_eq!(record(&hub, &editor, &first)["flags"], json!([]), "it is not marked again");
    assert_eq!(actions(&folder, &first), ["vps.register", "vps.conflict", "vps.distinct"]);
    let third = Machine::new("other", 3, "b3", "203.0.113.3").live(&hub, &agent);
    let never = json!({"other": third}).to_string();
    assert_eq!(hub.post(&editor, &format!("/api/vps/{first}/distinct"), &never).status, 409);
    let itself = json!({"other": first}).to_string();
    assert_eq!(hub.post(&editor, &format!("/api/vps/{first}/merge"), &itself).status, 400);
    let seen = json!({"flag": "conflict"}).to_string();
    let answer = hub.post(&editor, &format!("/api/vps/{first}/acknowledge"), &seen);
    assert_eq!(answer.status, 400);
    assert!(answer.error().starts_with("flag: "), "{answer:?}");
}

#[test]
fn a_reinstalled_machine_keeps_its_record() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let one = Machine::new("web", 1, "b1", "203.0.113.1");
    let id = one.live(&hub, &agent);
    hub.stop();
    an_hour_later(&folder);
    folder.sql("UPDATE vps SET notes = 'the important one'");
    let hub = folder.start();
    nobody_was_heard();
    let anew = Machine { id: 2, boot: "b2".into(), uptime: 60, ..one };
    assert_eq!(anew.beat(&hub, &agent).status, 404, "a heartbeat gives no record to another machine");
    assert_eq!(id_of(&anew.register(&hub, &agent)), id);
    let vps = record(&hub, &editor, &id);
    assert_eq!((&vps["flags"], &vps["hostname"]), (&json!(["reinstalled"]), &json!("web")));
    assert_eq!(vps["notes"], "the important one");
    assert_eq!(vps["reported"]["machine"]["boot_id"], "b2");
    assert_eq!(hub.get(&editor, "/api/vps").json()["total"], 1);
    assert_eq!(actions(&folder, &id), ["vps.register", "vps.reinstall"]);
    let seen = say(&hub, &editor, &id, "acknowledge", &json!({"flag": "reinstalled"}));
    assert_eq!(seen["flags"], json!([]));
    assert_eq!(anew.live(&hub, &agent), id);
    assert_eq!(actions(&folder, &id), ["vps.register", "vps.reinstall", "vps.acknowledge"]);
}

#[test]
fn a_machine_that_was_only_silent_gets_its_record_back() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let one = Machine::new("debian", 1, "b1", "203.0.113.1");
    let first = one.live(&hub, &agent);
    hub.stop();
    an_hour_later(&folder);
    let hub = folder.start();
    nobody_was_heard();
    let two = Machine::new("debian", 2, "b2", "203.0.113.2");
    let two = Machine { product: Some("Droplet".into()), ..two };
    assert_eq!(two.live(&hub, &agent), first, "taken for a reinstallation");
    assert_eq!(one.live(&hub, &agent), first, "until the first one speaks");
    let second = two.live(&hub, &agent);
    assert_ne!(second, first);
    for _ in 0..3 {
        assert_eq!((one.live(&hub, &agent), two.live(&hub, &agent)), (first.clone(), second.clone()));
    }
    let (a, b) = (record(&hub, &editor, &first), record(&hub, &editor, &second));
    assert_eq!((&a["flags"], &b["flags"]), (&json!(["conflict"]), &json!(["conflict"])));
    let products = (a["reported"].get("product"), b["reported"].get("product"));
    assert_eq!(products, (None, Some(&json!("Droplet"))), "what the other one measured is its own");
    assert_eq!((&a["ip_addresses"][0]["ip"], &b["ip_addresses"][0]["ip"]), (&json!(one.ip), &json!(two.ip)));
    assert_eq!(
        (&a["reported"]["machine"]["boot_id"], &b["reported"]["machine"]["boot_id"]),
        (&json!("b1"), &json!("b2"))
    );
}

#[test]
fn renamed_rebooted_and_readdressed_it_stays_one_record() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let one = Machine::new("debian", 1, "b1", "203.0.113.1");
    let id = one.live(&hub, &agent);
    let one = Machine { hostname: "web".into(), ..one };
    assert_eq!(one.beat(&hub, &agent).status, 200, "a heartbeat tells of a new name");
    let one = Machine { ip: "198.51.100.1".into(), ..one };
    assert_eq!(one.live(&hub, &agent), id);
    let one = Machine { boot: "b2".into(), uptime: 0, ..one };
    assert_eq!(one.live(&hub, &agent), id);
    let list = hub.get(&editor, "/api/vps").json();
    assert_eq!((&list["total"], &list["data"][0]["hostname"]), (&json!(1), &json!("web")));
    assert_eq!(list["data"][0]["flags"], json!([]));
    assert_eq!(actions(&folder, &id), ["vps.register", "vps.rename", "vps.addresses"]);
    let changes = folder.sql("SELECT changes FROM audit WHERE action = 'vps.addresses'");
    let changes: Value = serde_json::from_str(&changes[0]).unwrap();
    assert_eq!(changes, json!({"ip_addresses": [["203.0.113.1"], ["198.51.100.1"]]}));
    // A name that a person chose stays.
    folder.sql("UPDATE vps SET hostname = 'front', hostname_edited = 1");
    let one = Machine { hostname: "www".into(), ..one };
    assert_eq!(one.live(&hub, &agent), id);
    let vps = record(&hub, &editor, &id);
    assert_eq!((&vps["hostname"], &vps["reported_hostname"]), (&json!("front"), &json!("www")));
}

#[test]
fn a_deleted_machine_is_refused_by_its_evidence_and_counted() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let one = Machine::new("web", 1, "b1", "203.0.113.1");
    let id = one.live(&hub, &agent);
    hub.stop();
    folder.sql("UPDATE vps SET status = 'deleted'");
    let hub = folder.start();
    assert_eq!(one.beat(&hub, &agent).status, 404);
    let answer = one.register(&hub, &agent);
    assert_eq!(answer.status, 410);
    assert!(answer.error().contains("deleted"), "{answer:?}");
    assert_eq!(Machine { boot: "b2".into(), ..one.clone() }.register(&hub, &agent).status, 410);
    assert_eq!(Machine { hostname: "www".into(), ..one.clone() }.register(&hub, &agent).status, 410);
    let refused = || hub.get(&editor, &format!("/api/vps/{id}/identity")).json()["refused_reports"].clone();
    assert_eq!(refused(), 4, "those that are not written yet count");
    let stored = || folder.sql("SELECT CAST(refused_reports AS TEXT) FROM vps");
    assert!(eventually(Duration::from_secs(8), || stored() == ["4"]), "{:?}", stored());
    assert_eq!(refused(), 4);
    let deleted = hub.get(&editor, "/api/vps?status=deleted").json()["data"][0].clone();
    assert_eq!((&deleted["refused_reports"], deleted["refused_at"].is_string()), (&json!(4), true));
    assert_eq!(actions(&folder, &id), ["vps.register", "vps.refuse"]);
    let two = Machine::new("web", 2, "b9", "203.0.113.9");
    let new = two.live(&hub, &agent);
    assert_ne!(new, id, "another machine of that name is another machine");
    let vps = record(&hub, &editor, &new);
    assert_eq!((&vps["hostname"], &vps["flags"]), (&json!("web"), &json!([])));
    assert_eq!(one.register(&hub, &agent).status, 410, "and the deleted one stays refused");
}

#[test]
fn two_records_of_one_machine_are_made_one() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let old = Machine::new("debian", 1, "b1", "203.0.113.1");
    let stays = old.live(&hub, &agent);
    let new = Machine::new("web", 2, "b2", "203.0.113.2");
    let goes = new.live(&hub, &agent);
    folder.sql("UPDATE vps SET notes = 'mine', country = 'HK', version = 7 WHERE hostname = 'debian'");
    folder.sql("UPDATE vps SET notes = 'other', city = 'Tokyo' WHERE hostname = 'web'");
    folder.sql("INSERT INTO vps_tag SELECT id, 'edge' FROM vps WHERE hostname = 'web'");
    let both_live = json!({"other": goes}).to_string();
    assert_eq!(hub.post(&editor, &format!("/api/vps/{stays}/merge"), &both_live).status, 409);
    let vps = say(&hub, &editor, &stays, "merge", &json!({"other": goes, "force": true}));
    let line = folder.sql("SELECT changes FROM audit WHERE action = 'vps.merge'");
    assert!(line[0].contains("Tokyo"), "what was completed: {line:?}");
    assert_eq!(
        (&vps["hostname"], &vps["notes"], &vps["city"]),
        (&json!("debian"), &json!("mine"), &json!("Tokyo"))
    );
    assert_eq!((&vps["tags"], &vps["version"], &vps["country"]), (&json!(["edge"]), &json!(8), &json!("HK")));
    assert_eq!(vps["ip_addresses"], json!([{"ip": "203.0.113.2", "label": ""}]));
    assert_eq!(folder.sql("SELECT ip FROM vps_address ORDER BY ip"), ["203.0.113.1", "203.0.113.2"]);
    assert_eq!(new.live(&hub, &agent), stays, "the machine goes on as that record");
    let list = hub.get(&editor, "/api/vps").json();
    assert_eq!(list["total"], 1);
    let merged = hub.get(&editor, &format!("/api/vps/{goes}/identity")).json();
    assert_eq!((&merged["merged_into"], &merged["faces"]), (&json!(stays), &json!([])));
    assert_eq!(actions(&folder, &stays), ["vps.register", "vps.register", "vps.merge"]);
    let again = json!({"other": goes, "force": true}).to_string();
    assert_eq!(hub.post(&editor, &format!("/api/vps/{stays}/merge"), &again).status, 409);
    let restored = hub.post(&editor, &format!("/api/vps/{goes}/restore"), "");
    assert_eq!(restored.status, 409, "{restored:?}");
    assert!(restored.error().contains("was merged into another record"), "{restored:?}");
    // It was a mistake: the other machine lives too.
    assert_eq!(old.live(&hub, &agent), stays);
    let split = new.live(&hub, &agent);
    assert_ne!(split, stays);
    for _ in 0..3 {
        assert_eq!((old.live(&hub, &agent), new.live(&hub, &agent)), (stays.clone(), split.clone()));
    }
}

#[test]
fn machines_of_a_database_from_before_faces_are_known_by_what_they_reported() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let one = Machine::new("web", 1, "b1", "203.0.113.1");
    let id = one.live(&hub, &agent);
    hub.stop();
    for step in [
        "DELETE FROM vps_face",
        "DELETE FROM seaql_migrations WHERE version = 'm0006_identity'",
        "DROP INDEX vps_face_exact",
        "DROP INDEX vps_mark_other",
        "DROP INDEX vps_key",
        "ALTER TABLE vps DROP COLUMN merged_into",
    ] {
        folder.sql(step);
    }
    let hub = folder.start();
    assert_eq!(folder.sql("SELECT boot_id FROM vps_face WHERE is_current"), ["b1"]);
    let two = Machine::new("web", 2, "b2", "203.0.113.2");
    assert_eq!(one.live(&hub, &agent), id);
    assert_ne!(two.live(&hub, &agent), id);
}
