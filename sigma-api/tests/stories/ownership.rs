//! What an agent says of a machine, and what a person says of it.

use crate::common::{Folder, Hub};
use serde_json::{Value, json};

const VPS: &str = "/api/vps";
const REGISTER: &str = "/api/agent/register";

fn url(record: &Value) -> String {
    format!("{VPS}/{}", record["id"].as_str().unwrap())
}

/// A machine whose agent has reported.
fn reported(hub: &Hub, agent: &str, editor: &str, body: &Value) -> Value {
    let id = hub.post(agent, REGISTER, &body.to_string()).json();
    hub.get(editor, &url(&id)).json()
}

#[test]
fn an_agent_says_what_it_measures_and_a_person_the_rest() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let body = json!({"hostname": "a", "ssh_port": 2222, "alias": "from the agent",
        "ip_addresses": [{"ip": "10.0.0.5", "label": "internal"}, {"ip": "203.0.113.7"}],
        "system_info": {"cpu_cores": 2, "ram_mb": 1900, "disk_gb": 39}});
    let record = reported(&hub, &agent, &editor, &body);
    let path = url(&record);
    assert_eq!(hub.put(&editor, &path, &record).json()["version"], record["version"], "an echo is no edit");
    let edit = json!({"alias": "mine", "cpu_cores": 4, "ram_mb": 2048, "city": "Berlin",
        "ip_addresses": [{"ip": "203.0.113.7", "label": "anycast"}]});
    let edited = hub.put(&editor, &path, &edit).json();
    let labelled =
        json!([{"ip": "10.0.0.5", "label": "internal"}, {"ip": "203.0.113.7", "label": "anycast"}]);
    assert_eq!(edited["ip_addresses"], labelled, "of the agent's addresses only labels are taken");
    assert_eq!(edited["flags"], json!(["less_than_bought"]));
    assert_eq!(hub.post(&agent, REGISTER, &body.to_string()).status, 200);
    let after = hub.get(&editor, &path).json();
    for (member, value) in [
        ("alias", json!("mine")),
        ("cpu_cores", json!(4)),
        ("ram_mb", json!(2048)),
        ("city", json!("Berlin")),
    ] {
        assert_eq!(after[member], value, "{member}");
    }
    assert_eq!(after["ip_addresses"], labelled);
    assert_eq!(after["reported"]["cpu_cores"], 2);
    let fits = hub.put(&editor, &path, &json!({"cpu_cores": 2})).json();
    assert_eq!(fits["flags"], json!([]), "1900 of 2048 MiB is what a machine of 2 GiB shows");
    for (body, named) in [
        (json!({"ip_addresses": [{"ip": "203.0.113.9"}]}), "ip_addresses: 203.0.113.9 "),
        (json!({"ssh_port": 22}), "ssh_port: "),
    ] {
        let refused = hub.put(&editor, &path, &body);
        assert_eq!(refused.status, 400);
        assert!(refused.error().starts_with(named) && refused.error().contains("agent"), "{refused:?}");
    }
}

#[test]
fn a_flag_is_in_the_list_too() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let record = reported(&hub, &agent, &editor, &json!({"hostname": "a", "system_info": {"disk_gb": 10}}));
    hub.put(&editor, &url(&record), &json!({"disk_gb": 20}));
    assert_eq!(hub.get(&editor, VPS).json()["data"][0]["flags"], json!(["less_than_bought"]));
}

#[test]
fn an_address_has_a_history() {
    let folder = Folder::new();
    let (agent, editor, reader) = (folder.key("agent"), folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    let report = |name: &str, ips: &[&str]| {
        let ips: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip})).collect();
        json!({"hostname": name, "ip_addresses": ips})
    };
    let old = reported(&hub, &agent, &editor, &report("old", &["203.0.113.7", "203.0.113.8"]));
    let history =
        |record: &Value| hub.get(&reader, &format!("{}/addresses", url(record))).json()["data"].clone();
    hub.put(&editor, &url(&old), &json!({"ip_addresses": [{"ip": "203.0.113.7", "label": "anycast"}]}));
    std::thread::sleep(std::time::Duration::from_millis(20));
    hub.post(&agent, REGISTER, &report("old", &["203.0.113.8"]).to_string());
    let new = reported(&hub, &agent, &editor, &report("new", &["203.0.113.7"]));

    let had = &history(&old)[0];
    assert_eq!(
        (&had["ip"], &had["label"], &had["present"]),
        (&json!("203.0.113.7"), &json!("anycast"), &json!(false))
    );
    assert_eq!(had["since"], had["last_seen"]);
    assert!(had["first_seen"].as_str() < had["since"].as_str(), "{had}");
    assert_eq!(had["previous_owners"], json!([]), "who has it now is none that had it before");
    let has = &history(&old)[1];
    assert_eq!((&has["present"], &has["since"]), (&json!(true), &has["first_seen"]));
    assert!(has["last_seen"].as_str() > has["since"].as_str(), "{has}");

    let owners = json!([{"vps_id": old["id"], "hostname": "old", "last_seen": had["last_seen"]}]);
    assert_eq!(history(&new)[0]["previous_owners"], owners);
    assert_eq!(history(&new)[0]["label"], "", "a label stays with the machine that it was given to");

    hub.post(&agent, REGISTER, &report("old", &["203.0.113.7"]).to_string());
    assert_eq!(hub.get(&reader, &url(&old)).json()["ip_addresses"][0]["label"], "anycast");
    hub.delete(&editor, &url(&new));
    assert_eq!(
        history(&old)[0]["previous_owners"][0]["hostname"],
        "new",
        "a deleted machine has nothing any more"
    );
    assert_eq!(
        hub.get(&reader, &format!("{VPS}/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a/addresses")).status,
        404
    );
}

#[test]
fn beats_do_not_stand_in_the_way_of_an_editor() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let record = reported(&hub, &agent, &editor, &json!({"hostname": "a"}));
    for ip in ["203.0.113.7", "203.0.113.8"] {
        let news = json!({"hostname": "a", "ip_addresses": [{"ip": ip}], "system_info": {"kernel": ip}});
        assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &news.to_string()).status, 200);
    }
    let edited = hub.put(&editor, &url(&record), &json!({"notes": "x", "version": record["version"]}));
    assert_eq!((edited.status, &edited.json()["notes"]), (200, &json!("x")));
}

#[test]
fn an_edit_that_cannot_be_stored_is_not_acknowledged() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let record = hub.post(&editor, VPS, r#"{"hostname":"a"}"#).json();
    let lock = folder.lock();
    let refused = hub.put(&editor, &url(&record), &json!({"notes": "x"}));
    assert_eq!(refused.status, 503, "{refused:?}");
    assert_eq!(hub.get(&editor, &url(&record)).json(), record);
    drop(lock);
    assert_eq!(hub.put(&editor, &url(&record), &json!({"notes": "x"})).status, 200);
}

#[test]
fn whoever_fell_silent_before_had_the_address_before() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let report = |name: &str| json!({"hostname": name, "ip_addresses": [{"ip": "203.0.113.7"}]});
    let hub = folder.start();
    let old = reported(&hub, &agent, &editor, &report("old"));
    hub.stop();
    folder.sql("UPDATE vps_state SET last_seen = last_seen - 86400000");
    let hub = folder.start();
    let new = reported(&hub, &agent, &editor, &report("new"));
    let history =
        |record: &Value| hub.get(&editor, &format!("{}/addresses", url(record))).json()["data"][0].clone();
    assert_eq!(history(&new)["previous_owners"][0]["hostname"], "old", "it never said that it lost it");
    assert_eq!(history(&old)["previous_owners"], json!([]));
    hub.post(&agent, REGISTER, &report("old").to_string());
    assert_eq!(history(&new)["previous_owners"], json!([]), "both say that they have it");
}

#[test]
fn what_an_agent_says_anew_of_itself_is_in_the_audit_log() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let record = reported(&hub, &agent, &editor, &json!({"hostname": "a", "alias": "one", "ssh_port": 22}));
    for _ in 0..2 {
        hub.post(&agent, REGISTER, &json!({"hostname": "a", "alias": "two", "ssh_port": 2222}).to_string());
    }
    let lines = hub.get(&editor, &format!("{}/audit?action=vps.enrol", url(&record))).json();
    assert_eq!(lines["total"], 1, "{lines}");
    assert_eq!(lines["data"][0]["changes"], json!({"alias": ["one", "two"], "ssh_port": [22, 2222]}));
}
