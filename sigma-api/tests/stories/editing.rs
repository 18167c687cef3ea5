//! Machines that persons make and change.

use crate::common::{Answer, Folder, Hub};
use serde_json::{Value, json};

const VPS: &str = "/api/vps";
const REGISTER: &str = "/api/agent/register";
const HEARTBEAT: &str = "/api/agent/heartbeat";

fn url(record: &Value) -> String {
    format!("{VPS}/{}", record["id"].as_str().unwrap())
}

fn made(hub: &Hub, key: &str, body: &Value) -> Value {
    let made = hub.post(key, VPS, &body.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

/// A machine whose agent has reported.
fn reported(hub: &Hub, agent: &str, editor: &str, body: &Value) -> Value {
    let id = hub.post(agent, REGISTER, &body.to_string()).json();
    hub.get(editor, &url(&id)).json()
}

#[test]
fn a_machine_is_made_by_hand() {
    let folder = Folder::new();
    let (editor, reader) = (folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    let whole = json!({
        "hostname": "hk-1", "alias": "Hong Kong", "ssh_port": 2222, "country": "hk", "city": "Hong Kong", "dc_name": "MEGA-i",
        "ip_addresses": [{"ip": "2001:db8::7", "label": ""}, {"ip": "203.0.113.7", "label": "china-telecom"}],
        "cpu_cores": 2, "ram_mb": 2048, "disk_gb": 40, "bandwidth_tb": 1.5, "cost_monthly": 4.90, "currency": "usd",
        "status": "provisioning", "purchase_date": "2026-01-31", "expire_date": "2027-01-31", "purpose": "relay",
        "vpn_protocol": "wireguard", "tags": ["edge", " asia ", "edge"], "monitoring_enabled": false,
        "node_exporter_port": 9101, "notes": "one\ntwo", "unknown": {"to": "us"}
    });
    let answer = hub.post(&editor, VPS, &whole.to_string().replace("4.9,", "4.90,"));
    assert_eq!((answer.status, answer.header("etag")), (201, Some("\"1\"")), "{answer:?}");
    let record = answer.json();
    let mut golden = whole;
    golden.as_object_mut().unwrap().remove("unknown");
    for (member, value) in [
        (
            "ip_addresses",
            json!([{"ip": "203.0.113.7", "label": "china-telecom"}, {"ip": "2001:db8::7", "label": ""}]),
        ),
        ("country", json!("HK")),
        ("currency", json!("USD")),
        ("cost_monthly", json!("4.90")),
        ("tags", json!(["asia", "edge"])),
        ("source", json!("manual")),
        ("presence", json!("never")),
        ("provider_id", Value::Null),
        ("version", json!(1)),
        ("flags", json!([])),
    ] {
        golden[member] = value;
    }
    for (member, value) in golden.as_object().unwrap() {
        assert_eq!(&record[member], value, "{member}");
    }
    let read = hub.get(&reader, &url(&record));
    assert_eq!((read.json(), read.header("etag")), (record, Some("\"1\"")));
    let bare = made(&hub, &editor, &json!({"hostname": "bare", "source": "import"}));
    assert_eq!(
        (&bare["ssh_port"], &bare["status"], &bare["source"]),
        (&json!(22), &json!("active"), &json!("import"))
    );
    let taken = hub.post(&editor, VPS, &json!({"hostname": "hk-1"}).to_string());
    assert_eq!(taken.status, 409);
    assert!(taken.error().contains("hk-1"), "{taken:?}");
}

#[test]
fn absent_stays_null_clears_and_an_echo_changes_nothing() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let provider = hub.post(&editor, "/api/providers", r#"{"name":"Acme"}"#).json()["id"].clone();
    let record = made(
        &hub,
        &editor,
        &json!({"hostname": "a", "provider_id": provider, "ram_mb": 512, "expire_date": "2027-01-31", "city": "Berlin",
            "ip_addresses": [{"ip": "203.0.113.7", "label": "x"}], "bandwidth_tb": 0.1, "cost_monthly": "0.0001"}),
    );
    let path = url(&record);
    assert_eq!(hub.put(&editor, &path, &record).json(), record, "nothing changed, not even the version");
    assert_eq!(hub.put(&editor, &path, &json!({})).json(), record);
    let changed = hub.put(&editor, &path, &json!({"ram_mb": null, "provider_id": null, "expire_date": null}));
    let changed = changed.json();
    for member in ["ram_mb", "provider_id", "expire_date"] {
        assert_eq!(changed[member], Value::Null, "{member}");
    }
    for member in ["city", "ip_addresses", "bandwidth_tb", "cost_monthly", "hostname"] {
        assert_eq!(changed[member], record[member], "{member}");
    }
    assert_eq!(changed["version"], 2);
    let list =
        hub.put(&editor, &path, &json!({"ip_addresses": [{"ip": "203.0.113.8"}], "tags": ["b"]})).json();
    assert_eq!(list["ip_addresses"], json!([{"ip": "203.0.113.8", "label": ""}]), "the list is the list");
    let tags = hub.put(&editor, &path, &json!({"add_tags": ["c", "a"], "remove_tags": ["b"]})).json();
    assert_eq!(tags["tags"], json!(["a", "c"]));
}

#[test]
fn mistakes_are_named() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let path = url(&made(&hub, &editor, &json!({"hostname": "a"})));
    for (body, named) in [
        (json!({"hostname": null}), "hostname: "),
        (json!({"hostname": "a b"}), "hostname: "),
        (json!({"notes": null}), "notes: "),
        (json!({"ssh_port": 65536}), "ssh_port: "),
        (json!({"ssh_port": 0}), "ssh_port: "),
        (json!({"country": "XX"}), "country: "),
        (json!({"currency": "EURO"}), "currency: "),
        (json!({"expire_date": "2026-02-29"}), "expire_date: "),
        (json!({"cost_monthly": 1e-7}), "cost_monthly: "),
        (json!({"cost_monthly": {"a": 1}}), "cost_monthly: "),
        (json!({"cpu_cores": "two"}), "cpu_cores: "),
        (json!({"cpu_cores": "two", "cost_monthly": 4.99}), "cpu_cores: "),
        (json!({"cost_monthly": 4.99, "cpu_cores": "two"}), "cpu_cores: "),
        (json!({"ram_mb": -1}), "ram_mb: "),
        (json!({"tags": ["a", "b,c"]}), "tags[1]: "),
        (json!({"tags": "a"}), "tags: "),
        (json!({"status": "deleted"}), "status: "),
        (json!({"status": "gone"}), "status: "),
        (json!({"monitoring_enabled": 1}), "monitoring_enabled: "),
        (json!({"provider_id": "7"}), "provider_id: "),
        (json!({"provider_id": "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"}), "provider_id: "),
        (json!({"ip_addresses": [{"ip": "203.0.113.256"}]}), "ip_addresses[0].ip: "),
        (json!({"ip_addresses": [["203.0.113.1", "x"]]}), "ip_addresses[0]: "),
        (json!({"version": "1"}), "version: "),
    ] {
        let refused = hub.put(&editor, &path, &body);
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(refused.error().starts_with(named), "{body}: {refused:?}");
    }
    assert!(hub.post(&editor, VPS, "{}").error().starts_with("hostname: "));
    assert_eq!(hub.get(&editor, &path).json()["version"], 1, "none of it was done");
    let nowhere = format!("{VPS}/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a");
    assert_eq!(hub.put(&editor, &nowhere, &json!({})).status, 404);
    for role in ["readonly", "agent"] {
        assert_eq!(hub.put(&folder.key(role), &path, &json!({})).status, 403, "{role}");
    }
}

#[test]
fn nobody_undoes_what_they_did_not_see() {
    let folder = Folder::new();
    let (editor, other) = (folder.key("operator"), folder.key("admin"));
    let hub = folder.start();
    let path = url(&made(&hub, &editor, &json!({"hostname": "a"})));
    let with = |key: &str, way: (&str, &str), tag: &str, body: Value| {
        hub.send_json(key, (way.0, &format!("{path}{}", way.1)), &[("if-match", tag)], &body)
    };
    let first = with(&other, ("PUT", ""), "\"1\"", json!({"notes": "mine"}));
    assert_eq!((first.status, first.header("etag")), (200, Some("\"2\"")));
    let second = with(&editor, ("PUT", ""), "\"1\"", json!({"notes": "no, mine"}));
    assert_eq!(second.status, 412);
    let sentence = second.error();
    assert!(
        sentence.contains("version 2") && sentence.contains("test admin changed it last, at 20"),
        "{sentence}"
    );
    assert_eq!(hub.put(&editor, &path, &json!({"version": 1, "notes": "x"})).status, 412);
    assert_eq!(hub.put(&editor, &path, &json!({"version": 2, "city": "x"})).status, 200);
    assert_eq!(with(&editor, ("PUT", ""), "\"1\", \"3\"", json!({"city": "y"})).status, 200);
    assert_eq!(with(&editor, ("PUT", ""), "*", json!({"city": "z"})).status, 200);
    for malformed in ["W/\"5\"", "5", "\"5"] {
        let refused = with(&editor, ("PUT", ""), malformed, json!({"city": "?"}));
        assert!(refused.status == 400 && refused.error().starts_with("If-Match: "), "{refused:?}");
    }
    for (method, end) in [("POST", "/retire"), ("DELETE", ""), ("POST", "/restore")] {
        assert_eq!(with(&editor, (method, end), "\"1\"", json!({})).status, 412, "{method} {end}");
    }
    assert_eq!(with(&editor, ("POST", "/retire"), "\"5\"", json!({})).status, 200);
    assert_eq!(with(&editor, ("DELETE", ""), "\"6\"", json!({})).status, 204);
    assert_eq!(with(&editor, ("POST", "/restore"), "\"7\"", json!({})).json()["version"], 8);
}

#[test]
fn two_editors_at_once_are_put_in_a_row() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let path = url(&made(&hub, &editor, &json!({"hostname": "a"})));
    let edit = |n: u32| {
        hub.send_json(&editor, ("PUT", &path), &[("if-match", "\"1\"")], &json!({"notes": n.to_string()}))
    };
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..20).map(|n| scope.spawn(move || edit(n).status)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert!(statuses.iter().all(|status| [200, 412].contains(status)), "{statuses:?}");
}

#[test]
fn of_those_who_take_a_name_at_once_one_gets_it() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    for (path, body) in [(VPS, r#"{"hostname":"a"}"#), ("/api/providers", r#"{"name":"Acme"}"#)] {
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..20).map(|_| scope.spawn(|| hub.post(&editor, path, body).status)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        assert_eq!(statuses.iter().filter(|status| **status == 409).count(), 19, "{statuses:?}");
    }
    assert_eq!(hub.post(&agent, REGISTER, r#"{"hostname":"a"}"#).status, 200, "its agent finds the record");
    assert_eq!(hub.get(&editor, VPS).json()["total"], 1);
}

#[test]
fn a_deleted_machine_is_hidden_refused_and_restored() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let body = json!({"hostname": "a", "system_info": {"cpu_cores": 2}});
    let record = reported(&hub, &agent, &editor, &body);
    let path = url(&record);
    assert_eq!(hub.put(&editor, &path, &json!({"status": "suspended", "tags": ["x"]})).status, 200);
    let beat = || hub.post(&agent, HEARTBEAT, &body.to_string());
    assert_eq!(beat().json()["status"], "suspended", "what the agent is told follows at once");
    let gone = hub.delete(&editor, &path);
    assert_eq!((gone.status, &*gone.text), (204, ""));
    assert_eq!(beat().status, 404, "at once, not after the next flush");
    assert_eq!(hub.post(&agent, REGISTER, &body.to_string()).status, 410);
    assert_eq!(hub.get(&editor, VPS).json()["total"], 0);
    assert_eq!(hub.get(&editor, &format!("{VPS}?status=deleted")).json()["total"], 1);
    assert_eq!(hub.get(&editor, &path).json()["status"], "deleted");
    for refused in [
        hub.delete(&editor, &path),
        hub.put(&editor, &path, &json!({"notes": "x"})),
        hub.post(&editor, &format!("{path}/retire"), ""),
    ] {
        assert_eq!(refused.status, 410);
        assert!(refused.error().contains("restore it"), "{refused:?}");
    }
    let back = hub.post(&editor, &format!("{path}/restore"), "");
    assert_eq!(
        (back.status, &back.json()["status"], &back.json()["tags"]),
        (200, &json!("suspended"), &json!(["x"]))
    );
    assert_eq!(beat().status, 200);
    let again = hub.post(&editor, &format!("{path}/restore"), "");
    assert_eq!(again.status, 409);
    assert!(again.error().contains("not deleted"), "{again:?}");
}

#[test]
fn a_deleted_machine_does_not_come_back_over_another() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let old = url(&made(&hub, &editor, &json!({"hostname": "a"})));
    hub.delete(&editor, &old);
    let new = url(&made(&hub, &editor, &json!({"hostname": "a"})));
    let refused = hub.post(&editor, &format!("{old}/restore"), "");
    assert_eq!(refused.status, 409);
    assert!(refused.error().contains("Another machine is called a"), "{refused:?}");
    assert_eq!(hub.put(&editor, &new, &json!({"hostname": "b"})).status, 200);
    assert_eq!(hub.post(&editor, &format!("{old}/restore"), "").status, 200);
    let taken = hub.put(&editor, &new, &json!({"hostname": "a"}));
    assert_eq!(taken.status, 409, "{taken:?}");
}

#[test]
fn a_machine_is_retired() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let path = url(&made(&hub, &editor, &json!({"hostname": "a"})));
    let retire = || hub.post(&editor, &format!("{path}/retire"), "");
    let (first, second): (Answer, Answer) = (retire(), retire());
    assert_eq!((first.status, &first.json()["status"]), (200, &json!("retired")));
    assert_eq!(second.json(), first.json(), "once is enough");
}

#[test]
fn what_was_acknowledged_is_on_disk() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let path = url(&made(&hub, &editor, &json!({"hostname": "a"})));
    let edited =
        hub.put(&editor, &path, &json!({"notes": "kept", "tags": ["x"], "cost_monthly": "1.10"})).json();
    hub.kill();
    let hub = folder.start();
    assert_eq!(hub.get(&editor, &path).json(), edited);
}

#[test]
fn a_deleted_machine_put_back_as_it_was_read_is_gone() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let record = made(&hub, &editor, &json!({"hostname": "a"}));
    let status = |body: &Value| hub.put(&editor, &url(&record), body);
    assert!(status(&json!({"status": "deleted"})).error().starts_with("status: "));
    hub.delete(&editor, &url(&record));
    let read = hub.get(&editor, &url(&record)).json();
    assert_eq!(read["status"], "deleted");
    let answer = status(&read);
    assert_eq!(answer.status, 410, "{answer:?}");
    assert!(answer.error().contains("restore it first"), "{answer:?}");
}
