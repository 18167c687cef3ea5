//! Lists, their filters, numbers, and the description of the API.

use crate::common::{Folder, Hub};
use serde_json::{Value, json};

fn fleet(folder: &Folder, hub: &Hub) -> String {
    let agent = folder.key("agent");
    for n in 1..=7 {
        let body = json!({"hostname": format!("m{n}")}).to_string();
        assert_eq!(hub.post(&agent, "/api/agent/register", &body).status, 200);
    }
    for sql in [
        "INSERT INTO provider VALUES (x'00000000000000000000000000000001', 'Acme', 'DE', '', '', 0, NULL, '', 0, 0, 1)",
        "UPDATE vps SET provider_id = x'00000000000000000000000000000001' WHERE hostname IN ('m1', 'm2')",
        "UPDATE vps SET country = 'HK', purpose = 'relay' WHERE hostname IN ('m2', 'm3')",
        "UPDATE vps SET status = 'retired' WHERE hostname = 'm4'",
        "UPDATE vps SET status = 'deleted' WHERE hostname = 'm5'",
        "UPDATE vps SET source = 'import' WHERE hostname = 'm6'",
        "UPDATE vps SET expire_date = date('now', '+3 days') WHERE hostname = 'm1'",
        "UPDATE vps SET expire_date = date('now', '+40 days') WHERE hostname = 'm2'",
        "UPDATE vps SET expire_date = date('now', '-3 days') WHERE hostname = 'm3'",
        "INSERT INTO vps_tag SELECT id, 'edge' FROM vps WHERE hostname IN ('m1', 'm7')",
        "INSERT INTO vps_tag SELECT id, 'asia' FROM vps WHERE hostname IN ('m1')",
    ] {
        folder.sql(sql);
    }
    folder.key("readonly")
}

fn names(answer: &Value) -> Vec<&str> {
    answer["data"].as_array().unwrap().iter().map(|vps| vps["hostname"].as_str().unwrap()).collect()
}

#[test]
fn each_filter_does_what_it_says() {
    let folder = Folder::new();
    let hub = folder.start();
    let reader = fleet(&folder, &hub);
    for (query, expected) in [
        ("", &["m1", "m2", "m3", "m4", "m6", "m7"][..]),
        ("?status=", &["m1", "m2", "m3", "m4", "m6", "m7"]),
        ("?status=active", &["m1", "m2", "m3", "m6", "m7"]),
        ("?status=deleted", &["m5"]),
        ("?country=HK", &["m2", "m3"]),
        ("?purpose=relay&provider_id=00000000-0000-0000-0000-000000000001", &["m2"]),
        ("?provider_id=00000000-0000-0000-0000-000000000001", &["m1", "m2"]),
        ("?tag=edge", &["m1", "m7"]),
        ("?tag=e%", &[]),
        ("?source=import", &["m6"]),
        ("?expiring_within_days=30", &["m1", "m3"]),
        ("?expiring_within_days=60", &["m1", "m2", "m3"]),
        ("?per_page=2", &["m1", "m2"]),
        ("?per_page=2&page=3", &["m6", "m7"]),
        ("?per_page=2&page=4", &[]),
    ] {
        let answer = hub.get(&reader, &format!("/api/vps{query}"));
        assert_eq!(answer.status, 200, "{query}: {answer:?}");
        assert_eq!(names(&answer.json()), expected, "{query}");
    }
    let page = hub.get(&reader, "/api/vps?per_page=2&page=3").json();
    assert_eq!((&page["total"], &page["page"], &page["per_page"]), (&json!(6), &json!(3), &json!(2)));
    let first = &hub.get(&reader, "/api/vps").json()["data"][0];
    assert_eq!(first["tags"], json!(["asia", "edge"]));
}

#[test]
fn a_mistake_in_a_filter_is_named() {
    let folder = Folder::new();
    let reader = folder.key("readonly");
    let hub = folder.start();
    for (query, named) in [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("status=gone", "status"),
        ("provider_id=7", "provider_id"),
        ("expiring_within_days=soon", "expiring_within_days"),
        ("per_page=many", "per_page"),
        ("page=1&page=2", "page"),
        ("tag=a%0Ab", "tag"),
    ] {
        let answer = hub.get(&reader, &format!("/api/vps?{query}"));
        assert_eq!(answer.status, 400, "{query}: {answer:?}");
        assert!(answer.error().starts_with(&format!("{named}: ")), "{query}: {}", answer.error());
    }
}

#[test]
fn the_numbers_add_up() {
    let folder = Folder::new();
    let hub = folder.start();
    let reader = fleet(&folder, &hub);
    let stats = hub.get(&reader, "/api/stats").json();
    assert_eq!(
        (&stats["total_vps"], &stats["active_vps"], &stats["total_providers"]),
        (&json!(6), &json!(5), &json!(1))
    );
    assert_eq!(stats["by_country"], json!([{"label": "", "count": 4}, {"label": "HK", "count": 2}]));
    assert_eq!(stats["by_provider"], json!([{"label": "", "count": 4}, {"label": "Acme", "count": 2}]));
    let by_status = json!([
        {"label": "active", "count": 5}, {"label": "deleted", "count": 1}, {"label": "retired", "count": 1}
    ]);
    assert_eq!(stats["by_status"], by_status);
    let soon: Vec<&Value> =
        stats["expiring_soon"].as_array().unwrap().iter().map(|vps| &vps["hostname"]).collect();
    assert_eq!(soon, ["m3", "m1"], "the first first");
}

/// Has every member that clients of older hubs know, and ours.
#[test]
fn a_record_has_all_its_members() {
    let folder = Folder::new();
    let hub = folder.start();
    let reader = fleet(&folder, &hub);
    let record = hub.get(&reader, "/api/vps").json()["data"][0].clone();
    let members: Vec<&str> = record.as_object().unwrap().keys().map(String::as_str).collect();
    for member in "id hostname alias provider_id ip_addresses ssh_port country city dc_name cpu_cores ram_mb disk_gb \
        bandwidth_tb cost_monthly currency status purchase_date expire_date purpose vpn_protocol tags monitoring_enabled \
        node_exporter_port extra notes source created_at updated_at presence last_seen_at reported version flags"
        .split_whitespace()
    {
        assert!(members.contains(&member), "{member} is missing in {record}");
    }
    let id = record["id"].as_str().unwrap();
    let alone = hub.get(&reader, &format!("/api/vps/{id}")).json();
    assert_eq!(alone["hostname"], record["hostname"]);
}

#[test]
fn silence_becomes_late_and_offline() {
    let folder = Folder::new();
    let hub = folder.start();
    let reader = fleet(&folder, &hub);
    hub.stop();
    for (hostname, age_s) in [("m1", 100), ("m2", 200), ("m3", 1000)] {
        folder.sql(&format!(
            "UPDATE vps_state SET last_seen = last_seen - {age_s}000 \
             WHERE vps_id = (SELECT id FROM vps WHERE hostname = '{hostname}')"
        ));
    }
    folder.sql("DELETE FROM vps_state WHERE vps_id = (SELECT id FROM vps WHERE hostname = 'm4')");
    let hub = folder.start();
    let list = hub.get(&reader, "/api/vps").json();
    let presence: Vec<&Value> =
        list["data"].as_array().unwrap().iter().map(|vps| &vps["presence"]).take(4).collect();
    assert_eq!(presence, ["online", "late", "offline", "never"]);
}

#[test]
fn the_order_by_presence_is_that_of_states_and_not_of_times() {
    let folder = Folder::new();
    let hub = folder.start();
    let reader = fleet(&folder, &hub);
    hub.stop();
    // The first is heard from once an hour, and is online though others were heard later.
    for (hostname, age_s, every) in
        [("m6", 3600, 3600), ("m1", 10, 60), ("m2", 200, 60), ("m3", 1000, 60), ("m7", 2000, 60)]
    {
        let this = format!("WHERE vps_id = (SELECT id FROM vps WHERE hostname = '{hostname}')");
        folder.sql(&format!("UPDATE vps_state SET last_seen = last_seen - {age_s}000 {this}"));
        folder.sql(&format!("UPDATE vps_report SET interval_seconds = {every} {this}"));
    }
    folder.sql("DELETE FROM vps_state WHERE vps_id = (SELECT id FROM vps WHERE hostname = 'm4')");
    let hub = folder.start();
    let order = |sort: &str| {
        let list = hub.get(&reader, &format!("/api/vps?sort={sort}&per_page=100")).json();
        let of = |vps: &Value| {
            format!("{} {}", vps["hostname"].as_str().unwrap(), vps["presence"].as_str().unwrap())
        };
        let wanted = |said: &String| {
            ["m1 ", "m2 ", "m3 ", "m4 ", "m6 ", "m7 "].iter().any(|name| said.starts_with(name))
        };
        list["data"].as_array().unwrap().iter().map(of).filter(wanted).collect::<Vec<_>>()
    };
    let (online, offline) = (["m1 online", "m6 online"], ["m3 offline", "m7 offline"]);
    assert_eq!(order("presence"), [&online[..], &["m2 late"], &offline, &["m4 never"]].concat());
    let (online, offline) = (["m6 online", "m1 online"], ["m7 offline", "m3 offline"]);
    assert_eq!(order("-presence"), [&offline[..], &["m2 late"], &online, &["m4 never"]].concat());
}

/// `UPDATE_GOLDENS=1 cargo test` writes the committed copy anew.
#[test]
fn the_committed_description_is_the_one_that_is_served() {
    let folder = Folder::new();
    let hub = folder.start();
    let answer = hub.send("GET", "/api/openapi.json", &[], b"");
    assert_eq!(answer.status, 200);
    assert!(answer.json()["openapi"].as_str().unwrap().starts_with("3.1"));
    let served = serde_json::to_string_pretty(&answer.json()).unwrap() + "\n";
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.json");
    if std::env::var_os("UPDATE_GOLDENS").is_some() {
        std::fs::write(&path, &served).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(served == committed, "openapi.json is not what the code says; see the comment of this test");
}
