//! What comes in from outside: in one form, and refused in words that a person understands.

use crate::common::{Folder, Hub};
use serde_json::{Value, json};

const MAPPED: &str = "::ffff:203.0.113.7";
const PLAIN: &str = "203.0.113.7";

fn addresses(hub: &Hub, key: &str, hostname: &str) -> Value {
    hub.get(key, &format!("/api/vps?q=host:{hostname}")).json()["data"][0]["ip_addresses"].clone()
}

#[test]
fn an_ipv4_address_in_the_form_of_ipv6_is_kept_as_what_it_is() {
    let folder = Folder::new();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let report =
        json!({"hostname": "a", "ip_addresses": [{"ip": MAPPED}, {"ip": PLAIN, "label": "internal"}]});
    assert_eq!(hub.post(&agent, "/api/agent/register", &report.to_string()).status, 200);
    assert_eq!(addresses(&hub, &key, "a"), json!([{"ip": PLAIN, "label": ""}]));
    let beat = json!({"hostname": "a", "ip_addresses": [{"ip": MAPPED}]});
    assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &beat.to_string()).status, 200);
    assert_eq!(folder.sql("SELECT ip FROM vps_address"), [PLAIN]);
    let nowhere = json!({"hostname": "b", "ip_addresses": [{"ip": "::ffff:0.0.0.0"}]});
    assert_eq!(hub.post(&agent, "/api/agent/register", &nowhere.to_string()).status, 400);

    let by_hand = json!({"hostname": "c", "ip_addresses": [{"ip": MAPPED, "label": "x"}]});
    assert_eq!(hub.post(&key, "/api/vps", &by_hand.to_string()).status, 201);
    assert_eq!(addresses(&hub, &key, "c"), json!([{"ip": PLAIN, "label": "x"}]));
    let twice = json!({"hostname": "d", "ip_addresses": [{"ip": MAPPED}, {"ip": PLAIN}]});
    assert!(hub.post(&key, "/api/vps", &twice.to_string()).error().contains("is there twice"));
    let file = format!("hostname,ip_addresses\nc,{MAPPED} x\ne,{MAPPED}\n");
    let body = json!({"format": "csv", "data": file}).to_string();
    let imported = hub.post(&key, "/api/vps/import", &body).json();
    assert_eq!((&imported["created"], &imported["unchanged"]), (&json!(1), &json!(1)), "{imported}");
    assert_eq!(addresses(&hub, &key, "e"), json!([{"ip": PLAIN, "label": ""}]));

    for address in [PLAIN, MAPPED, "::ffff:203.0.113.0/120", "203.0.113.0/24"] {
        assert_eq!(hub.get(&key, &format!("/api/vps?q=ip:{address}")).json()["total"], 3, "{address}");
        assert_eq!(hub.get(&key, &format!("/api/vps?q=-ip:{address}")).json()["total"], 0, "{address}");
    }
    for word in [PLAIN, MAPPED] {
        assert_eq!(hub.get(&key, &format!("/api/vps?q={word}")).json()["total"], 3, "{word}");
    }
    let check = json!({"ip": MAPPED, "check_type": "icmp", "source": "hk", "success": true});
    let made = hub.post(&key, "/api/ip-checks", &check.to_string());
    assert_eq!((made.status, &made.json()["ip"]), (201, &json!(PLAIN)));
    for address in [PLAIN, MAPPED] {
        assert_eq!(hub.get(&key, &format!("/api/ip-checks?ip={address}")).json()["total"], 1, "{address}");
    }
}

#[test]
fn pages_that_there_cannot_be_are_refused_with_their_range() {
    let folder = Folder::new();
    let key = folder.key("admin");
    let hub = folder.start();
    let (page, per_page) = ("page: is a number from 1 to 4294967295", "per_page: is a number from 1 to 100");
    for list in ["/api/vps", "/api/providers", "/api/ip-checks", "/api/audit"] {
        for (query, sentence) in [
            ("per_page=-1", per_page),
            ("per_page=abc", per_page),
            ("per_page=1.5", per_page),
            ("page=0", page),
            ("page=-1", page),
            ("page=x", page),
            ("page=4294967296", page),
        ] {
            let answer = hub.get(&key, &format!("{list}?{query}"));
            assert_eq!(answer.status, 400, "{list}?{query}: {answer:?}");
            assert_eq!(answer.error(), sentence, "{list}?{query}");
        }
        assert_eq!(hub.get(&key, &format!("{list}?per_page=1000&page=4294967295")).json()["per_page"], 100);
    }
}

#[test]
fn what_is_past_its_date_is_shown_until_it_is_retired() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    for (name, status, date) in [
        ("past", "active", "2020-01-01"),
        ("suspended", "suspended", "2020-01-02"),
        ("retired", "retired", "2020-01-03"),
        ("deleted", "active", "2020-01-04"),
        ("later", "active", "2999-01-01"),
    ] {
        let record = json!({"hostname": name, "status": status, "expire_date": date}).to_string();
        let made = hub.post(&key, "/api/vps", &record);
        assert_eq!(made.status, 201, "{made:?}");
        if name == "deleted" {
            let url = format!("/api/vps/{}", made.json()["id"].as_str().unwrap());
            assert_eq!(hub.delete(&key, &url).status, 204);
        }
    }
    assert_eq!(hub.post(&key, "/api/vps", &json!({"hostname": "never"}).to_string()).status, 201);
    let names = |list: &Value| -> Vec<Value> {
        list.as_array().unwrap().iter().map(|vps| vps["hostname"].clone()).collect()
    };
    assert_eq!(names(&hub.get(&key, "/api/stats").json()["expiring_soon"]), ["past", "suspended"]);
    for (query, expected) in [
        ("", &["past", "suspended"][..]),
        ("&include_deleted=true", &["past", "suspended"]),
        ("&status=retired", &["retired"]),
        ("&status=deleted", &["deleted"]),
        ("&q=status:retired", &[]),
    ] {
        let list = hub.get(&key, &format!("/api/vps?expiring_within_days=30{query}")).json();
        assert_eq!(names(&list["data"]), expected, "{query}");
    }
}

#[test]
fn a_value_that_is_not_taken_is_named_with_what_is() {
    let folder = Folder::new();
    let key = folder.key("admin");
    let hub = folder.start();
    let text = "is a text, not 5";
    for (path, body, sentence) in [
        ("/api/vps", r#"{"hostname":5}"#, format!("hostname: {text}")),
        ("/api/vps", r#"{"hostname":null}"#, "hostname: is a text, not null".into()),
        (
            "/api/vps",
            r#"{"hostname":"a","cpu_cores":"two"}"#,
            "cpu_cores: is a whole number from 0 to 4294967295, not \"two\"".into(),
        ),
        (
            "/api/vps",
            r#"{"hostname":"a","cpu_cores":-1}"#,
            "cpu_cores: is a whole number from 0 to 4294967295, not -1".into(),
        ),
        (
            "/api/vps",
            r#"{"hostname":"a","cpu_cores":1.5}"#,
            "cpu_cores: is a whole number from 0 to 4294967295, not 1.5".into(),
        ),
        (
            "/api/vps",
            r#"{"hostname":"a","ssh_port":70000}"#,
            "ssh_port: is a whole number from 0 to 65535, not 70000".into(),
        ),
        ("/api/vps", r#"{"hostname":"a","bandwidth_tb":"x"}"#, "bandwidth_tb: is a number, not \"x\"".into()),
        (
            "/api/vps",
            r#"{"hostname":"a","monitoring_enabled":"yes"}"#,
            "monitoring_enabled: is true or false, not \"yes\"".into(),
        ),
        ("/api/vps", r#"{"hostname":"a","tags":"x"}"#, "tags: is a list, not \"x\"".into()),
        ("/api/vps", r#"{"hostname":"a","tags":[["x"]]}"#, "tags[0]: is a text, not a list".into()),
        (
            "/api/vps",
            r#"{"hostname":"a","ip_addresses":["x"]}"#,
            "ip_addresses[0]: is a JSON object, not \"x\"".into(),
        ),
        (
            "/api/vps",
            r#"{"hostname":"a","ip_addresses":[{"ip":"x"}]}"#,
            "ip_addresses[0].ip: is an address, as 203.0.113.7 or 2001:db8::1".into(),
        ),
        ("/api/vps", r#"{"hostname":"a","ip_addresses":[{}]}"#, "ip_addresses[0].ip: is missing".into()),
        (
            "/api/vps",
            r#"{"hostname":"a","status":"gone"}"#,
            "status: is one of provisioning, active, retiring, retired, suspended, deleted, not gone".into(),
        ),
        ("/api/vps", r#"{"hostname":"a","status":{}}"#, "status: is a text, not an object".into()),
        (
            "/api/vps",
            r#"{"hostname":"a","provider_id":"x"}"#,
            "provider_id: is a UUID, as 01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a".into(),
        ),
        (
            "/api/vps",
            r#"{"hostname":"a","provider_id":7}"#,
            "provider_id: is a UUID, as 01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a, not 7".into(),
        ),
        ("/api/vps", r#"{"hostname":"a","hostname":"b"}"#, "hostname: is there twice".into()),
        (
            "/api/vps/bulk",
            r#"{"ids":[],"change":{"action":"burn"}}"#,
            "change.action: is one of delete, restore, retire, not burn".into(),
        ),
        ("/api/vps/import", r#"{"format":"csv"}"#, "data: is missing".into()),
        (
            "/api/keys",
            r#"{"name":"a","role":"agent","max_machines":-5}"#,
            "max_machines: is a whole number from 0 to 4294967295, not -5".into(),
        ),
        (
            "/api/agent/register",
            r#"{"hostname":"a","system_info":{"load_avg":[1]}}"#,
            "system_info.load_avg: is a list of 3, not of 1".into(),
        ),
        (
            "/api/vps",
            "nonsense",
            "The body is to be a JSON object, and is none: see line 1, character 2.".into(),
        ),
        ("/api/vps", "[]", "The body is to be a JSON object, not a list.".into()),
        ("/api/vps", "", "The body is to be a JSON object, and ends too early.".into()),
        ("/api/vps", r#"{"hostname":"a""#, "The body is to be a JSON object, and ends too early.".into()),
        ("/api/vps", "{\n\"hostname\": a}", "hostname: is no JSON: see line 2, character 13".into()),
    ] {
        let answer = hub.post(&key, path, body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert_eq!(answer.error(), sentence, "{body}");
    }
    for (data, sentence) in [
        (
            json!([{"hostname": "a", "cpu_cores": "two"}]),
            "line 1: cpu_cores: is a whole number from 0 to 4294967295, not \"two\"",
        ),
        (
            json!([{"hostname": "a", "status": "gone"}]),
            "line 1: status: is one of provisioning, active, retiring, retired, suspended, deleted, not gone",
        ),
    ] {
        let body = json!({"format": "json", "data": data}).to_string();
        assert_eq!(hub.post(&key, "/api/vps/import", &body).json()["errors"], json!([sentence]));
    }
}
