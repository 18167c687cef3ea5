//! Suggesting the provider of machines that appeared by themselves, and accepting what is suggested.

use std::time::Duration;

use crate::common::{Folder, Hub, eventually};
use serde_json::{Value, json};

const ACME: &str = "00000000-0000-0000-0000-000000000001";
const BEE: &str = "00000000-0000-0000-0000-000000000002";

/// A hub with a dozen machines at Acme (198.51.100.0/24) and as many at Bee (203.0.113.0/24).
struct Fleet {
    folder: Folder,
    hub: Hub,
    agent: String,
    editor: String,
}

impl Fleet {
    fn new() -> Self {
        let folder = Folder::new();
        let (agent, editor) = (folder.key("agent"), folder.key("operator"));
        let hub = folder.start();
        let fleet = Self { folder, hub, agent, editor };
        for n in 1..=12 {
            fleet.register(&format!("ac-{n}"), &format!("198.51.100.{n}"), json!({}));
            fleet.register(&format!("be-{n}"), &format!("203.0.113.{n}"), json!({}));
        }
        fleet.provider(1, "Acme");
        fleet.provider(2, "Bee");
        fleet.assign("ac-%", 1);
        fleet.assign("be-%", 2);
        fleet
    }

    fn register(&self, hostname: &str, address: &str, system_info: Value) -> String {
        let body = json!({
            "hostname": hostname,
            "ip_addresses": [{"ip": address, "label": ""}],
            "system_info": system_info,
        });
        let answer = self.hub.post(&self.agent, "/api/agent/register", &body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    fn provider(&self, number: u8, name: &str) {
        self.folder.sql(&format!(
            "INSERT INTO provider VALUES (x'{number:032x}', '{name}', '', '', '', 0, NULL, '', 0, 0, 1)"
        ));
    }

    fn assign(&self, like: &str, provider: u8) {
        self.folder.sql(&format!(
            "UPDATE vps SET provider_id = x'{provider:032x}', version = version + 1, updated_at = updated_at + 1 \
             WHERE hostname LIKE '{like}'"
        ));
    }

    fn read(&self, id: &str) -> Value {
        self.hub.get(&self.editor, &format!("/api/vps/{id}")).json()
    }

    fn groups(&self) -> Vec<Value> {
        self.hub.get(&self.editor, "/api/suggestions").json().as_array().unwrap().clone()
    }

    fn accept(&self, body: &Value) -> Value {
        let answer = self.hub.post(&self.editor, "/api/suggestions/accept", &body.to_string());
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    fn audit(&self, action: &str) -> Vec<Value> {
        let lines = self.folder.sql(&format!(
            "SELECT json_object('subject', subject_name, 'actor', actor_name, 'changes', json(changes)) \
             FROM audit WHERE action = '{action}' ORDER BY subject_name"
        ));
        lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[test]
fn the_record_and_the_list_say_who_it_probably_is_and_why() {
    let fleet = Fleet::new();
    let id = fleet.register("debian", "198.51.100.77", json!({"vendor": "QEMU"}));
    let suggestion = &fleet.read(&id)["suggestion"];
    assert_eq!((&suggestion["provider_id"], &suggestion["provider"]), (&json!(ACME), &json!("Acme")));
    let score = suggestion["score"].as_f64().unwrap();
    assert!((0.5..1.0).contains(&score) && (score * 100.0).fract().abs() < 1e-9, "{score}");
    assert_eq!(
        suggestion["reasons"],
        json!([
            "its address 198.51.100.77 lies between those of 12 machines there (longest common prefix /25)"
        ])
    );
    let list = fleet.hub.get(&fleet.editor, "/api/vps?per_page=100").json();
    for vps in list["data"].as_array().unwrap() {
        let expected = if vps["id"] == json!(id) { Some(suggestion) } else { None };
        assert_eq!(vps.get("suggestion"), expected, "{}", vps["hostname"]);
    }
    let stranger = fleet.register("ubuntu", "192.0.2.1", json!({}));
    assert_eq!(fleet.read(&stranger).get("suggestion"), None);
    assert_eq!(fleet.read(&id)["provider_id"], json!(null), "a guess is never an assignment");
}

#[test]
fn one_call_accepts_for_one_machine() {
    let fleet = Fleet::new();
    let id = fleet.register("debian", "203.0.113.77", json!({}));
    let before = fleet.read(&id);
    let answer = fleet.hub.post(&fleet.editor, &format!("/api/vps/{id}/suggestion/accept"), "");
    assert_eq!(answer.status, 200, "{answer:?}");
    let after = answer.json();
    assert_eq!((&after["provider_id"], after.get("suggestion")), (&json!(BEE), None));
    assert_eq!(after["version"].as_i64().unwrap(), before["version"].as_i64().unwrap() + 1);
    let lines = fleet.audit("vps.assign");
    assert_eq!(lines.len(), 1);
    assert_eq!((&lines[0]["subject"], &lines[0]["actor"]), (&json!("debian"), &json!("test operator")));
    assert_eq!(lines[0]["changes"]["provider_id"], json!([null, BEE]));
    assert_eq!(lines[0]["changes"]["suggestion"][1]["reasons"], before["suggestion"]["reasons"]);
    for (id, status, said) in [
        (id.as_str(), 409, "has a provider already"),
        (&fleet.register("ubuntu", "192.0.2.1", json!({})), 409, "No provider is suggested"),
        (ACME, 404, "no machine"),
        ("7", 400, "id"),
    ] {
        let refused = fleet.hub.post(&fleet.editor, &format!("/api/vps/{id}/suggestion/accept"), "");
        assert_eq!(refused.status, status, "{refused:?}");
        assert!(refused.error().contains(said), "{refused:?}");
    }
    fleet.folder.sql("UPDATE vps SET status = 'deleted', provider_id = NULL WHERE hostname = 'debian'");
    let refused = fleet.hub.post(&fleet.editor, &format!("/api/vps/{id}/suggestion/accept"), "");
    assert!(refused.status == 409 && refused.error().contains("deleted"), "{refused:?}");
}

#[test]
fn machines_are_grouped_and_a_group_is_accepted_by_one_call() {
    let fleet = Fleet::new();
    let near: Vec<String> = (0..5)
        .map(|n| fleet.register(&format!("new{n}"), &format!("198.51.100.{}", 100 + n), json!({})))
        .collect();
    let cloud: Vec<String> = (0..3)
        .map(|n| {
            fleet.register(&format!("cloud{n}"), "10.0.0.1", json!({"vendor": "Vultr", "product": "VC2"}))
        })
        .collect();
    let stranger = fleet.register("stranger", "192.0.2.1", json!({}));
    let groups = fleet.groups();
    let shown: Vec<_> = groups.iter().map(|group| (&group["provider"], &group["machines"])).collect();
    assert_eq!(shown, [(&json!("Acme"), &json!(5)), (&json!("Vultr"), &json!(3)), (&json!(null), &json!(1))]);
    assert_eq!(groups[0]["reasons"], json!(["their addresses lie between those of 12 machines there"]));
    assert_eq!(groups[0]["ids"], json!(near));
    assert_eq!((&groups[0]["provider_id"], &groups[1]["provider_id"]), (&json!(ACME), &json!(null)));
    assert_eq!(groups[1]["reasons"], json!(["their DMI vendor is Vultr"]));
    assert_eq!((&groups[1]["min_score"], &groups[1]["max_score"]), (&json!(0.97), &json!(0.97)));
    assert_eq!(groups[2]["ids"], json!([stranger]));

    let answer = fleet.accept(&json!({"provider_id": ACME}));
    let expected = json!({"assigned": 5, "created_providers": [], "skipped": [], "bulk": answer["bulk"]});
    assert_eq!(answer, expected);
    let answer = fleet.accept(&json!({"provider": "VULTR"}));
    assert_eq!((&answer["assigned"], &answer["skipped"]), (&json!(3), &json!([])));
    let made = &answer["created_providers"][0];
    assert_eq!(made["name"], json!("Vultr"));
    for id in &cloud {
        assert_eq!(fleet.read(id)["provider_id"], made["id"]);
    }
    assert_eq!(fleet.audit("provider.create").len(), 1);
    assert_eq!(fleet.audit("vps.assign").len(), 8);
    // What was accepted is learnt at once, and there is one record of each provider.
    let another = fleet.register("another", "10.0.0.2", json!({"vendor": "Vultr"}));
    assert_eq!(fleet.read(&another)["suggestion"]["provider_id"], made["id"]);
    let answer = fleet.accept(&json!({"provider": "Vultr"}));
    assert_eq!((&answer["assigned"], &answer["created_providers"]), (&json!(1), &json!([])));
    assert_eq!(fleet.groups().len(), 1);
}

#[test]
fn what_cannot_be_accepted_is_left_and_said() {
    let fleet = Fleet::new();
    let good = fleet.register("good", "198.51.100.77", json!({}));
    let other = fleet.register("other", "203.0.113.77", json!({}));
    let stranger = fleet.register("stranger", "192.0.2.1", json!({}));
    let assigned = fleet.hub.get(&fleet.editor, "/api/vps?per_page=1").json()["data"][0]["id"].clone();
    let unknown = "00000000-0000-0000-0000-0000000000ff";
    let ids = json!([good, other, stranger, assigned, unknown]);
    let answer = fleet.accept(&json!({"ids": ids, "provider_id": ACME}));
    assert_eq!(answer["assigned"], json!(1));
    let skipped = answer["skipped"].as_array().unwrap();
    for (id, said) in [
        (json!(other), "is Bee"),
        (json!(stranger), "No provider"),
        (assigned, "has a provider"),
        (json!(unknown), "no machine"),
    ] {
        let reason = skipped.iter().find(|skip| skip["id"] == id).map(|skip| skip["reason"].to_string());
        assert!(reason.as_ref().is_some_and(|reason| reason.contains(said)), "{id}: {reason:?}");
    }
    let answer = fleet.accept(&json!({"provider": "Bee", "min_score": 0.99}));
    assert_eq!(answer["assigned"], json!(0));
    assert!(answer["skipped"][0]["reason"].as_str().unwrap().contains("less than 0.99"), "{answer}");
    for (body, status, named) in [
        (json!({}), 400, "ids"),
        (json!({"provider": "Bee", "min_score": 2}), 400, "min_score"),
        (json!({"ids": ["7"]}), 400, "ids[0]"),
        (json!({"provider_id": unknown}), 404, "no provider"),
    ] {
        let refused = fleet.hub.post(&fleet.editor, "/api/suggestions/accept", &body.to_string());
        assert_eq!(refused.status, status, "{refused:?}");
        assert!(refused.error().contains(named), "{refused:?}");
    }
    assert_eq!(fleet.audit("vps.assign").len(), 1);
}

#[test]
fn only_editors_accept_and_agents_see_nothing() {
    let fleet = Fleet::new();
    let id = fleet.register("debian", "198.51.100.77", json!({}));
    let reader = fleet.folder.key("readonly");
    assert_eq!(fleet.hub.get(&reader, "/api/suggestions").status, 200);
    assert_eq!(fleet.hub.get(&fleet.agent, "/api/suggestions").status, 403);
    for key in [&reader, &fleet.agent] {
        assert_eq!(fleet.hub.post(key, &format!("/api/vps/{id}/suggestion/accept"), "").status, 403);
        assert_eq!(fleet.hub.post(key, "/api/suggestions/accept", r#"{"provider":"Acme"}"#).status, 403);
    }
}

#[test]
fn what_others_change_is_learnt_soon() {
    let fleet = Fleet::new();
    let id = fleet.register("debian", "198.51.100.77", json!({}));
    assert_eq!(fleet.read(&id)["suggestion"]["provider"], json!("Acme"));
    fleet.assign("ac-%", 2);
    let bee = || fleet.read(&id)["suggestion"]["provider"] == json!("Bee");
    assert!(eventually(Duration::from_secs(5), bee));
}

#[test]
fn two_who_accept_at_once_make_one_record() {
    let fleet = Fleet::new();
    for n in 0..20 {
        fleet.register(&format!("cloud{n}"), "10.0.0.1", json!({"vendor": "Vultr"}));
    }
    let answers: Vec<Value> = std::thread::scope(|scope| {
        let calls: Vec<_> =
            (0..4).map(|_| scope.spawn(|| fleet.accept(&json!({"provider": "Vultr"})))).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let assigned: i64 = answers.iter().map(|answer| answer["assigned"].as_i64().unwrap()).sum();
    assert_eq!(assigned, 20);
    assert_eq!(fleet.folder.sql("SELECT name FROM provider WHERE name = 'Vultr'").len(), 1);
}
