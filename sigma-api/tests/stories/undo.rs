//! Taking bulk changes back.

use serde_json::{Value, json};

use crate::common::{Answer, Folder, Hub};

fn made(hub: &Hub, key: &str, body: &Value) -> String {
    let answer = hub.post(key, "/api/vps", &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()["id"].as_str().unwrap().to_owned()
}

/// Makes a bulk change and says by what it is taken back.
fn bulk(hub: &Hub, key: &str, body: &Value) -> String {
    let answer = hub.post(key, "/api/vps/bulk", &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["bulk"].as_str().unwrap_or_else(|| panic!("nothing changed: {answer:?}")).to_owned()
}

fn undo(hub: &Hub, key: &str, bulk: &str) -> Answer {
    hub.send_json(key, ("POST", &format!("/api/vps/bulk/{bulk}/undo")), &[], &json!({}))
}

fn counts(answer: &Answer) -> (u64, u64) {
    let json = answer.json();
    (json["undone"].as_u64().unwrap(), json["kept"].as_u64().unwrap())
}

/// What a person chose of each machine, by hostname.
fn fleet(hub: &Hub, key: &str) -> Vec<Value> {
    let list = hub.get(key, "/api/vps?include_deleted=true&sort=hostname").json();
    let members = ["hostname", "status", "provider_id", "tags", "expire_date", "notes"];
    let chosen = |vps: &Value| members.iter().map(|member| (*member, vps[*member].clone())).collect();
    list["data"].as_array().unwrap().iter().map(chosen).collect()
}

#[test]
fn everything_that_many_were_given_is_taken_back_and_given_again() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let acme = hub.post(&editor, "/api/providers", r#"{"name":"Acme"}"#).json()["id"].clone();
    let ids = [
        made(&hub, &editor, &json!({"hostname": "a", "tags": ["edge", "old"], "expire_date": "2026-01-02"})),
        made(&hub, &editor, &json!({"hostname": "b", "status": "suspended", "notes": "kept"})),
        made(&hub, &editor, &json!({"hostname": "c", "provider_id": acme})),
    ];
    for change in [
        json!({"provider_id": acme, "add_tags": ["new", "edge"], "remove_tags": ["old"]}),
        json!({"expire_date": "2027-03-04", "notes": "all"}),
        json!({"expire_date": null, "provider_id": null}),
        json!({"action": "retire"}),
        json!({"action": "delete"}),
    ] {
        let before = fleet(&hub, &editor);
        let changed = bulk(&hub, &editor, &json!({"ids": ids, "change": change}));
        let after = fleet(&hub, &editor);
        assert_ne!(before, after, "{change}");
        let undone = undo(&hub, &editor, &changed);
        assert_eq!((undone.status, counts(&undone).1), (200, 0), "{change}: {undone:?}");
        assert_eq!(fleet(&hub, &editor), before, "{change}");
        let again = undone.json()["bulk"].as_str().unwrap().to_owned();
        assert_eq!(undo(&hub, &editor, &again).status, 200, "taking back is taken back");
        assert_eq!(fleet(&hub, &editor), after, "{change}");
        let back = json!({"filter": {"status": "deleted"}, "change": {"action": "restore"}});
        hub.post(&editor, "/api/vps/bulk", &back.to_string());
    }
    let lines = hub.get(&editor, "/api/audit?action=vps.undo").json();
    assert!(lines["total"].as_u64().unwrap() >= 10, "{lines}");
    assert_eq!(lines["data"][0]["actor"]["name"], "test operator");
}

#[test]
fn what_was_changed_since_stays_and_is_counted() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let ids: Vec<String> =
        ["a", "b", "c", "d"].iter().map(|name| made(&hub, &editor, &json!({"hostname": name}))).collect();
    let change = json!({"notes": "bulk", "add_tags": ["x"]});
    let changed = bulk(&hub, &editor, &json!({"ids": ids, "change": change}));
    hub.put(&editor, &format!("/api/vps/{}", ids[1]), &json!({"notes": "mine", "add_tags": ["y"]}));
    hub.delete(&editor, &format!("/api/vps/{}", ids[2]));
    let undone = undo(&hub, &editor, &changed);
    assert_eq!(counts(&undone), (3, 2), "{undone:?}");
    let reasons = undone.json()["reasons"].to_string();
    assert!(reasons.contains("b: changed since: notes") && reasons.contains("c was deleted"), "{reasons}");
    let now = fleet(&hub, &editor);
    let notes: Vec<(&Value, &Value)> = now.iter().map(|vps| (&vps["notes"], &vps["tags"])).collect();
    let (none, x) = (json!([]), json!(["x"]));
    assert_eq!(notes[0], (&json!(""), &none));
    assert_eq!(notes[1], (&json!("mine"), &json!(["y"])));
    assert_eq!(notes[2], (&json!("bulk"), &x), "what is deleted stays as it was deleted");
    let twice = undo(&hub, &editor, &changed);
    assert_eq!(counts(&twice), (0, 4), "{twice:?}");
    assert!(twice.json().get("bulk").is_none());
}

#[test]
fn a_deleted_machine_whose_name_another_has_now_stays_deleted() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let ids = ["a", "b"].map(|name| made(&hub, &editor, &json!({"hostname": name})));
    let changed = bulk(&hub, &editor, &json!({"ids": ids, "change": {"action": "delete"}}));
    made(&hub, &editor, &json!({"hostname": "a"}));
    let undone = undo(&hub, &editor, &changed);
    assert_eq!(counts(&undone), (1, 1), "{undone:?}");
    assert!(undone.json()["reasons"][0].as_str().unwrap().contains("Another machine is called a"));
    assert_eq!(hub.get(&editor, "/api/vps").json()["total"], 2);
    assert_eq!(hub.post(&agent, "/api/agent/register", r#"{"hostname":"b"}"#).status, 200, "it may report");
}

#[test]
fn accepted_suggestions_are_taken_back_too() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let acme = hub.post(&editor, "/api/providers", r#"{"name":"Acme"}"#).json()["id"].clone();
    for number in 1..=6 {
        let ip = json!([{"ip": format!("198.51.100.{number}"), "label": "public"}]);
        let name = format!("acme-{number}");
        made(&hub, &editor, &json!({"hostname": name, "provider_id": acme, "ip_addresses": ip}));
    }
    let ip = json!([{"ip": "198.51.100.77", "label": "public"}]);
    let id = made(&hub, &editor, &json!({"hostname": "acme-77", "ip_addresses": ip}));
    let accepted = hub.post(&editor, "/api/suggestions/accept", &json!({"ids": [id]}).to_string()).json();
    assert_eq!(accepted["assigned"], 1, "{accepted}");
    let undone = undo(&hub, &editor, accepted["bulk"].as_str().unwrap());
    assert_eq!(counts(&undone), (1, 0), "{undone:?}");
    let vps = hub.get(&editor, &format!("/api/vps/{id}")).json();
    assert!(vps["provider_id"].is_null() && vps["suggestion"].is_object(), "{vps}");
    let none = hub.post(&editor, "/api/suggestions/accept", r#"{"provider":"nobody"}"#).json();
    assert!(none.get("bulk").is_none(), "{none}");
}

#[test]
fn only_what_is_there_and_no_older_than_a_day_is_taken_back() {
    let folder = Folder::new();
    let (editor, reader) = (folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    let id = made(&hub, &editor, &json!({"hostname": "a"}));
    let changed = bulk(&hub, &editor, &json!({"ids": [id], "change": {"notes": "x"}}));
    assert_eq!(undo(&hub, &reader, &changed).status, 403);
    let unknown = undo(&hub, &editor, "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a");
    assert_eq!(unknown.status, 404, "{unknown:?}");
    assert_eq!(undo(&hub, &editor, "x").status, 400);
    folder.sql("UPDATE audit SET at = at - 86400000 - 1 WHERE bulk_id IS NOT NULL");
    let late = undo(&hub, &editor, &changed);
    assert_eq!(late.status, 410);
    assert!(late.error().contains("older than 24 hours"), "{late:?}");
    assert_eq!(hub.get(&editor, &format!("/api/vps/{id}")).json()["notes"], "x");
}

#[test]
fn many_are_taken_back_piece_by_piece() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let ids: Vec<String> =
        (0..450).map(|number| made(&hub, &editor, &json!({"hostname": format!("m{number}")}))).collect();
    let changed = bulk(&hub, &editor, &json!({"ids": ids, "change": {"add_tags": ["all"]}}));
    assert_eq!(counts(&undo(&hub, &editor, &changed)), (450, 0), "in several pieces");
    let indexes =
        folder.sql("SELECT name FROM sqlite_master WHERE tbl_name = 'audit' AND name = 'audit_bulk'");
    assert_eq!(indexes, ["audit_bulk"]);
}

#[test]
fn newer_work_that_looks_the_same_stays() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let ids = ["a", "b"].map(|name| made(&hub, &editor, &json!({"hostname": name})));
    let delete = json!({"ids": ids, "change": {"action": "delete"}});
    let first = bulk(&hub, &editor, &delete);
    let back = bulk(&hub, &editor, &json!({"ids": [ids[0]], "change": {"action": "restore"}}));
    hub.delete(&editor, &format!("/api/vps/{}", ids[0]));
    let undone = undo(&hub, &editor, &first);
    assert_eq!(counts(&undone), (1, 1), "{undone:?}");
    assert!(undone.json()["reasons"].to_string().contains("a: changed since: status"), "{undone:?}");
    let now = fleet(&hub, &editor);
    assert_eq!((&now[0]["status"], &now[1]["status"]), (&json!("deleted"), &json!("active")));
    assert_eq!(counts(&undo(&hub, &editor, &back)), (0, 1), "a was deleted again after it");
}
