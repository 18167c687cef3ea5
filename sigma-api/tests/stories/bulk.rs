//! Changing many machines at once.

use crate::common::{Answer, Folder, Hub};
use serde_json::{Value, json};

const BULK: &str = "/api/vps/bulk";

fn fleet(hub: &Hub, key: &str, names: &[&str]) -> Vec<Value> {
    let make =
        |name: &&str| hub.post(key, "/api/vps", &json!({"hostname": name, "country": "HK"}).to_string());
    names.iter().map(|name| make(name).json()["id"].clone()).collect()
}

fn bulk(hub: &Hub, key: &str, body: &Value) -> Answer {
    hub.post(key, BULK, &body.to_string())
}

#[test]
fn many_are_changed_by_id() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let ids = fleet(&hub, &editor, &["a", "b", "c"]);
    hub.put(&editor, &format!("/api/vps/{}", ids[1].as_str().unwrap()), &json!({"tags": ["edge"]}));
    let answer =
        bulk(&hub, &editor, &json!({"ids": ids, "change": {"add_tags": ["edge"], "remove_tags": ["none"]}}));
    assert_eq!(answer.status, 200, "{answer:?}");
    let said = answer.json();
    let expected = json!({"changed": 2, "unchanged": 1, "ids": [ids[0], ids[2]], "bulk": said["bulk"]});
    assert!(said == expected && said["bulk"].is_string(), "{answer:?}");
    assert_eq!(hub.get(&editor, "/api/vps?tag=edge").json()["total"], 3);
    let versions: Vec<Value> = hub.get(&editor, "/api/vps").json()["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v["version"].clone())
        .collect();
    assert_eq!(versions, [2, 2, 2]);
    let lines = hub.get(&editor, "/api/audit?action=vps.update").json();
    let bulks: Vec<&Value> = lines["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| &line["changes"]["bulk"][1])
        .filter(|id| id.is_string())
        .collect();
    assert!(bulks.len() == 2 && bulks[0] == bulks[1] && *bulks[0] == said["bulk"], "{lines}");
}

#[test]
fn many_are_changed_by_filter() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    fleet(&hub, &editor, &["a", "b", "c"]);
    hub.post(&editor, "/api/vps", &json!({"hostname": "d", "country": "DE"}).to_string());
    let provider = hub.post(&editor, "/api/providers", r#"{"name":"Acme"}"#).json()["id"].clone();
    let change = json!({"provider_id": provider, "cost_monthly": "4.90", "currency": "eur"});
    let answer = bulk(&hub, &editor, &json!({"filter": {"country": "hk"}, "change": change})).json();
    assert_eq!((&answer["changed"], &answer["unchanged"]), (&json!(3), &json!(0)));
    let retired =
        bulk(&hub, &editor, &json!({"filter": {"provider_id": provider}, "change": {"action": "retire"}}));
    assert_eq!(retired.json()["changed"], 3);
    assert_eq!(hub.get(&editor, "/api/vps?status=retired").json()["total"], 3);
    assert_eq!(hub.get(&editor, "/api/vps?status=active").json()["data"][0]["hostname"], "d");
    let none = bulk(&hub, &editor, &json!({"filter": {"country": "FR"}, "change": {"notes": "x"}}));
    assert_eq!(none.json(), json!({"changed": 0, "unchanged": 0, "ids": []}));
}

#[test]
fn many_are_deleted_and_restored() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    for name in ["a", "b"] {
        hub.post(&agent, "/api/agent/register", &json!({"hostname": name}).to_string());
    }
    let beat = || hub.post(&agent, "/api/agent/heartbeat", &json!({"hostname": "a"}).to_string()).status;
    assert_eq!(beat(), 200);
    let deleted =
        bulk(&hub, &editor, &json!({"filter": {"source": "agent"}, "change": {"action": "delete"}}));
    assert_eq!(deleted.json()["changed"], 2, "{deleted:?}");
    assert_eq!(beat(), 404, "at once");
    let ids = deleted.json()["ids"].clone();
    let again = bulk(&hub, &editor, &json!({"ids": ids, "change": {"action": "delete"}}));
    assert_eq!((&again.json()["changed"], &again.json()["unchanged"]), (&json!(0), &json!(2)));
    let edit = bulk(&hub, &editor, &json!({"ids": ids, "change": {"notes": "x"}}));
    assert_eq!(edit.status, 409);
    assert!(edit.error().contains("was deleted"), "{edit:?}");
    let back = json!({"filter": {"status": "deleted"}, "change": {"action": "restore", "notes": "back"}});
    assert_eq!(bulk(&hub, &editor, &back).json()["changed"], 2);
    assert_eq!(beat(), 200);
    assert_eq!(hub.get(&editor, "/api/vps").json()["data"][1]["notes"], "back");
}

#[test]
fn all_are_changed_or_none() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let mut ids = fleet(&hub, &editor, &["a", "b"]);
    hub.post(&agent, "/api/agent/register", &json!({"hostname": "z", "ssh_port": 2222}).to_string());
    let all_untouched = || {
        let list = hub.get(&editor, "/api/vps").json();
        list["data"].as_array().unwrap().iter().all(|vps| vps["version"] == 1 && vps["notes"] == "")
    };
    let agents = bulk(
        &hub,
        &editor,
        &json!({"filter": {"status": "active"}, "change": {"ssh_port": 22, "notes": "x"}}),
    );
    assert_eq!(agents.status, 400);
    assert!(agents.error().contains("change.ssh_port: ") && agents.error().contains("(for z)"), "{agents:?}");
    assert!(all_untouched());
    ids.push(json!("01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"));
    let unknown = bulk(&hub, &editor, &json!({"ids": ids, "change": {"notes": "x"}}));
    assert_eq!(unknown.status, 400);
    assert!(unknown.error().contains("01939c3e"), "{unknown:?}");
    assert!(all_untouched());
}

#[test]
fn what_might_mean_the_whole_fleet_is_refused() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    fleet(&hub, &editor, &["a"]);
    for (body, named) in [
        (json!({"change": {"notes": "x"}}), "ids: "),
        (json!({"filter": {}, "change": {"notes": "x"}}), "filter: "),
        (json!({"filter": {"tags": "edge"}, "change": {"notes": "x"}}), "filter.tags: "),
        (json!({"filter": {"tag": ""}, "change": {"notes": "x"}}), "filter.tag: "),
        (json!({"filter": {"tag": "a"}, "change": {}}), "change: "),
        (json!({"filter": {"tag": "a"}, "change": {"hostname": "b"}}), "change.hostname: "),
        (json!({"filter": {"tag": "a"}, "change": {"cpu_cores": "x"}}), "change.cpu_cores: "),
        (json!({"filter": {"tag": "a"}, "change": {"cost_monthly": "x"}}), "change.cost_monthly: "),
    ] {
        let refused = bulk(&hub, &editor, &body);
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(refused.error().starts_with(named), "{body}: {refused:?}");
    }
    assert_eq!(bulk(&hub, &folder.key("readonly"), &json!({})).status, 403);
}

#[test]
fn thousands_are_changed_at_once_and_ten_thousand_at_most() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    fleet(&hub, &editor, &["m"]);
    let columns = "hostname, alias, alias_edited, provider_id, ssh_port, country, city, dc_name, currency, status, purpose, \
        vpn_protocol, monitoring_enabled, node_exporter_port, notes, source, version, created_at, updated_at";
    let copies = |from: u32, to: u32| {
        let values = columns.replacen("hostname", "'m' || n", 1);
        folder.sql(&format!(
            "WITH RECURSIVE numbers (n) AS (SELECT {from} UNION ALL SELECT n + 1 FROM numbers WHERE n < {to}) \
             INSERT INTO vps (id, {columns}) SELECT randomblob(16), {values} FROM vps, numbers WHERE hostname = 'm'"
        ));
    };
    copies(1, 1_999);
    let ids = folder.sql("SELECT lower(hex(id)) FROM vps");
    let answer = bulk(&hub, &editor, &json!({"ids": ids, "change": {"add_tags": ["all"]}}));
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["changed"], 2_000);
    copies(2_000, 10_000);
    let refused = bulk(&hub, &editor, &json!({"filter": {"country": "HK"}, "change": {"notes": "x"}}));
    assert_eq!(refused.status, 400);
    assert!(refused.error().contains("10000"), "{refused:?}");
}
