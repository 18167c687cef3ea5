//! Registering and beating, as agents of every age do it.

use std::time::Duration;

use crate::common::{Folder, eventually, fixture};
use serde_json::{Value, json};

const REGISTER: &str = "/api/agent/register";
const HEARTBEAT: &str = "/api/agent/heartbeat";

fn registration(hostname: &str, ips: &[&str]) -> String {
    let addresses: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip, "label": ""})).collect();
    json!({"hostname": hostname, "ip_addresses": addresses, "system_info": {"cpu_cores": 2}}).to_string()
}

#[test]
fn a_machine_appears_by_itself() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let answer = hub.post(&agent, REGISTER, &fixture("registration.json"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let id = answer.json()["id"].as_str().unwrap().to_owned();
    assert_eq!(answer.json()["hostname"], "hk-relay-01");
    assert_eq!(answer.json()["status"], "active");

    let vps = hub.get(&reader, &format!("/api/vps/{id}")).json();
    assert_eq!(vps["provider_id"], Value::Null);
    assert_eq!(vps["source"], "agent");
    assert_eq!(vps["presence"], "online");
    assert_eq!(vps["ssh_port"], 22);
    assert_eq!(vps["cpu_cores"], Value::Null, "what was bought is not what was measured");
    let addresses = json!([
        {"ip": "10.0.0.5", "label": "internal"}, {"ip": "203.0.113.7", "label": ""}, {"ip": "2001:db8::7", "label": ""}
    ]);
    assert_eq!(vps["ip_addresses"], addresses);
    let sent: Value = serde_json::from_str(&fixture("registration.json")).unwrap();
    assert_eq!(vps["extra"]["system_info"], sent["system_info"]);
    assert_eq!(vps["extra"]["last_heartbeat"], vps["last_seen_at"]);
    assert_eq!(vps["reported"]["agent"], sent["agent"]);
    assert_eq!(vps["reported"]["machine"], sent["machine"]);
}

#[test]
fn registering_again_finds_the_same_record() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let ids: Vec<Value> = ["registration.json", "registration.older.json", "registration.newer.json"]
        .map(|name| hub.post(&agent, REGISTER, &fixture(name)).json()["id"].clone())
        .into();
    assert!(ids.iter().all(|id| id == &ids[0] && id.is_string()), "{ids:?}");
    let list = hub.get(&reader, "/api/vps").json();
    assert_eq!(list["total"], 1);
    assert_eq!(list["data"][0]["alias"], "Hong Kong relay", "an older agent's alias stays");
}

#[test]
fn heartbeats_of_every_age_are_understood() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    hub.post(&agent, REGISTER, &fixture("registration.json"));
    let addresses = || hub.get(&reader, "/api/vps").json()["data"][0]["ip_addresses"].clone();
    for (name, count) in [("heartbeat.first.json", 3), ("heartbeat.json", 1), ("heartbeat.older.json", 1)] {
        let answer = hub.post(&agent, HEARTBEAT, &fixture(name));
        assert_eq!(answer.status, 200, "{name}: {answer:?}");
        assert_eq!(addresses().as_array().map(Vec::len), Some(count), "after {name}");
    }
    let empty = json!({"hostname": "hk-relay-01", "ip_addresses": []}).to_string();
    assert_eq!(hub.post(&agent, HEARTBEAT, &empty).status, 200);
    assert_eq!(addresses().as_array().map(Vec::len), Some(1), "an empty list leaves the addresses");
    let vps = hub.get(&reader, "/api/vps").json()["data"][0].clone();
    assert_eq!(vps["reported"]["kernel"], "6.1.0-28-amd64", "what a heartbeat does not say stays");
    assert_eq!(vps["reported"]["uptime_seconds"], Value::Null, "but what was measured then is over");
}

#[test]
fn a_beat_is_seen_at_once_and_news_are_stored_at_once() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    hub.post(&agent, REGISTER, &registration("a", &["203.0.113.7"]));
    let beat = json!({"hostname": "a", "system_info": {"cpu_cores": 2, "load_avg": [1.5, 0.0, 0.0]}});
    hub.post(&agent, HEARTBEAT, &beat.to_string());
    let vps = hub.get(&reader, "/api/vps").json()["data"][0].clone();
    assert_eq!(vps["reported"]["load_avg"], json!([1.5, 0.0, 0.0]));
    let news = json!({"hostname": "a", "ip_addresses": [{"ip": "203.0.113.8", "label": ""}],
        "system_info": {"cpu_cores": 4}, "agent": {"interval_seconds": 5}});
    hub.post(&agent, HEARTBEAT, &news.to_string());
    hub.kill();
    let hub = folder.start();
    let vps = hub.get(&reader, "/api/vps").json()["data"][0].clone();
    assert_eq!(vps["ip_addresses"], json!([{"ip": "203.0.113.8", "label": ""}]));
    assert_eq!(vps["reported"]["cpu_cores"], 4);
    assert_eq!(vps["reported"]["agent"]["interval_seconds"], 5);
}

#[test]
fn an_older_agents_own_label_is_kept() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let addresses = json!([{"ip": "203.0.113.7", "label": "overseas"}]);
    let old = json!({"hostname": "a", "ip_addresses": addresses});
    assert_eq!(hub.post(&agent, REGISTER, &old.to_string()).status, 200);
    assert_eq!(hub.get(&reader, "/api/vps").json()["data"][0]["ip_addresses"], addresses);
}

#[test]
fn an_operators_label_survives_absence() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    hub.post(&agent, REGISTER, &registration("a", &["203.0.113.7", "203.0.113.8"]));
    folder.sql("UPDATE vps_address SET operator_label = 'china-telecom' WHERE ip = '203.0.113.7'");
    let addresses = || hub.get(&reader, "/api/vps").json()["data"][0]["ip_addresses"].clone();
    assert_eq!(addresses()[0]["label"], "china-telecom");
    hub.post(&agent, REGISTER, &registration("a", &["203.0.113.8"]));
    assert_eq!(addresses(), json!([{"ip": "203.0.113.8", "label": ""}]));
    let internal = json!({"hostname": "a", "ip_addresses": [{"ip": "203.0.113.7", "label": "internal"}]});
    hub.post(&agent, HEARTBEAT, &internal.to_string());
    assert_eq!(addresses(), json!([{"ip": "203.0.113.7", "label": "china-telecom"}]));
    assert_eq!(folder.sql("SELECT CAST(COUNT(*) AS TEXT) FROM vps_address"), ["2"], "history is kept");
}

#[test]
fn a_person_s_alias_stays() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    hub.post(&agent, REGISTER, &fixture("registration.json"));
    folder.sql("UPDATE vps SET alias = 'mine', alias_edited = 1");
    hub.post(&agent, REGISTER, &fixture("registration.older.json"));
    assert_eq!(hub.get(&reader, "/api/vps").json()["data"][0]["alias"], "mine");
}

#[test]
fn a_heartbeat_never_makes_a_record() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let answer = hub.post(&agent, HEARTBEAT, &fixture("heartbeat.json"));
    assert_eq!(answer.status, 404);
    assert!(answer.error().contains("hk-relay-01"), "{answer:?}");
    assert_eq!(hub.get(&reader, "/api/vps").json()["total"], 0);
}

#[test]
fn hostnames_are_compared_exactly() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    for hostname in ["debian", "Debian", "debian."] {
        assert_eq!(hub.post(&agent, REGISTER, &registration(hostname, &[])).status, 200);
    }
    assert_eq!(hub.get(&reader, "/api/vps").json()["total"], 3);
}

#[test]
fn a_deleted_machine_is_refused_within_a_flush() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    hub.post(&agent, REGISTER, &registration("a", &[]));
    let beat = json!({"hostname": "a", "system_info": {"cpu_cores": 2}}).to_string();
    assert_eq!(hub.post(&agent, HEARTBEAT, &beat).status, 200);
    folder.sql("UPDATE vps SET status = 'deleted'");
    let refused = eventually(Duration::from_secs(12), || hub.post(&agent, HEARTBEAT, &beat).status == 404);
    assert!(refused, "a deleted machine was still taken for one that lives");
    let answer = hub.post(&agent, REGISTER, &registration("a", &[]));
    assert_eq!(answer.status, 410);
    assert!(answer.error().contains("deleted"), "{answer:?}");
    assert_eq!(hub.get(&reader, "/api/vps").json()["total"], 0);
    assert_eq!(hub.get(&reader, "/api/vps?status=deleted").json()["total"], 1);
    folder.sql("UPDATE vps SET status = 'retired'");
    let answer = hub.post(&agent, HEARTBEAT, &beat);
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("retired")));
}

#[test]
fn beats_are_on_disk_after_some_seconds_and_after_sigterm() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    hub.post(&agent, REGISTER, &registration("a", &[]));
    let beat = |uptime: u32| {
        json!({"hostname": "a", "system_info": {"cpu_cores": 2, "uptime_seconds": uptime}}).to_string()
    };
    hub.post(&agent, HEARTBEAT, &beat(100));
    let stored = || folder.sql("SELECT CAST(uptime_seconds AS TEXT) FROM vps_state");
    assert_ne!(stored(), ["100"], "a beat without news is not written at once");
    assert!(eventually(Duration::from_secs(8), || stored() == ["100"]));
    hub.post(&agent, HEARTBEAT, &beat(160));
    let seen = hub.get(&reader, "/api/vps").json()["data"][0]["last_seen_at"].clone();
    let (took, code, log) = hub.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(took < Duration::from_secs(3), "{took:?}");
    let hub = folder.start();
    let vps = hub.get(&reader, "/api/vps").json()["data"][0].clone();
    assert_eq!(vps["last_seen_at"], seen);
    assert_eq!(vps["extra"]["system_info"]["uptime_seconds"], 160);
    assert_eq!(hub.post(&agent, HEARTBEAT, &beat(170)).status, 200, "it is known after the restart");
}

#[test]
fn parallel_registrations_of_one_hostname_make_one_record() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let ids: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..100)
            .map(|_| scope.spawn(|| hub.post(&agent, REGISTER, &registration("one", &["203.0.113.7"]))))
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap().json()["id"].to_string()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0] && id.len() > 30), "{ids:?}");
    assert_eq!(hub.get(&reader, "/api/vps").json()["total"], 1);
}
