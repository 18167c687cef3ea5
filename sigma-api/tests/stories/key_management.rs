//! Keys over the API and on the command line: made, listed, changed, rotated, revoked, expired.
#![expect(clippy::string_slice, reason = "keys are ASCII")]

use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Folder, Hub, eventually, fixture};

fn make(hub: &Hub, admin: &str, order: &Value) -> Value {
    let made = hub.post(admin, "/api/keys", &order.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

fn change(hub: &Hub, admin: &str, id: &str, edit: &Value) -> crate::common::Answer {
    let headers = [("x-api-key", admin), ("content-type", "application/json")];
    hub.send("PUT", &format!("/api/keys/{id}"), &headers, edit.to_string().as_bytes())
}

#[test]
fn a_key_is_made_shown_once_listed_and_changed() {
    let folder = Folder::new();
    let admin = folder.key("admin");
    let hub = folder.start();
    folder.sql(
        "INSERT INTO provider (id, name, country, website, panel_url, api_supported, notes, created_at, updated_at, version) \
         VALUES (x'01939c3e7b1a7c3d9a513f6f0b1d2e4a', 'Acme', '', '', '', 0, '', 0, 0, 1)",
    );
    let provider = "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a";
    let order = json!({"name": "50 machines, until tomorrow", "role": "agent", "expires_at": "2199-01-31T10:00:00+02:00",
        "max_machines": 50, "provider_id": provider, "tags": ["edge"]});
    let made = make(&hub, &admin, &order);
    let (key, id) = (made["key"].as_str().unwrap(), made["id"].as_str().unwrap());
    assert!(key.starts_with(made["prefix"].as_str().unwrap()) && key.len() == 44);
    let record = hub.get(&admin, &format!("/api/keys/{id}")).json();
    for (member, value) in [
        ("expires_at", json!("2199-01-31T08:00:00Z")),
        ("max_machines", json!(50)),
        ("enrolled", json!(0)),
        ("provider_id", json!(provider)),
        ("tags", json!(["edge"])),
        ("machines", json!(0)),
        ("last_used_at", json!(null)),
        ("revoked_at", json!(null)),
        ("role", json!("agent")),
    ] {
        assert_eq!(record[member], value, "{member}");
    }
    let list = hub.get(&admin, "/api/keys");
    assert!(list.text.contains(id) && !list.text.contains(&key[12..]), "{list:?}");
    assert_eq!(hub.post(key, "/api/agent/register", &fixture("registration.json")).status, 200);

    let changed = change(&hub, &admin, id, &json!({"name": "fleet", "expires_at": null, "tags": []}));
    let changed = changed.json();
    assert_eq!((&changed["name"], &changed["expires_at"]), (&json!("fleet"), &json!(null)));
    assert_eq!(changed["max_machines"], 50, "what is absent stays");
    let noted = folder.sql("SELECT changes FROM audit WHERE action = 'key.update'");
    assert_eq!(
        noted,
        [
            r#"{"expires_at":["2199-01-31T08:00:00Z",null],"name":["50 machines, until tomorrow","fleet"],"tags":[["edge"],[]]}"#
        ]
    );
}

#[test]
fn an_order_that_breaks_a_rule_is_refused_by_name() {
    let folder = Folder::new();
    let admin = folder.key("admin");
    let hub = folder.start();
    for (order, named) in [
        (json!({"name": " ", "role": "agent"}), "name: "),
        (json!({"name": "a", "role": "root"}), "role: "),
        (json!({"name": "a", "role": "agent", "expires_at": "tomorrow"}), "expires_at: "),
        (
            json!({"name": "a", "role": "agent", "expires_at": "2020-01-01T00:00:00Z"}),
            "expires_at: is in the past",
        ),
        (json!({"name": "a", "role": "agent", "max_machines": 0}), "max_machines: "),
        (
            json!({"name": "a", "role": "readonly", "max_machines": 5}),
            "max_machines: is for keys of the role agent",
        ),
        (
            json!({"name": "a", "role": "agent", "provider_id": "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"}),
            "provider_id: ",
        ),
        (json!({"name": "a", "role": "agent", "tags": ["\n"]}), "tags[0]: "),
    ] {
        let refused = hub.post(&admin, "/api/keys", &order.to_string());
        assert_eq!(refused.status, 400, "{order}: {refused:?}");
        assert!(refused.error().starts_with(named), "{order}: {refused:?}");
    }
    let nobody = "/api/keys/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a";
    assert_eq!(hub.get(&admin, nobody).status, 404);
    assert_eq!(hub.post(&admin, &format!("{nobody}/rotate"), "{}").status, 404);
}

#[test]
fn a_rotated_key_has_two_secrets_for_a_while() {
    let folder = Folder::new();
    let admin = folder.key("admin");
    let hub = folder.start();
    let made = make(&hub, &admin, &json!({"name": "reader", "role": "readonly"}));
    let (first, path) =
        (made["key"].as_str().unwrap(), format!("/api/keys/{}", made["id"].as_str().unwrap()));
    let works = |key: &str| hub.get(key, "/api/vps").status == 200;
    assert!(works(first));
    let rotated = hub.post(&admin, &format!("{path}/rotate"), "{}");
    let second = rotated.json()["key"].as_str().unwrap().to_owned();
    assert_eq!(rotated.json()["id"], made["id"]);
    assert!(rotated.json()["previous_until"].is_string(), "{rotated:?}");
    assert!(works(first) && works(&second));
    assert_eq!(rotated.json()["previous_prefix"], made["prefix"]);
    let early = hub.post(&admin, &format!("{path}/rotate"), r#"{"overlap_hours":1}"#);
    assert!(early.status == 409 && early.error().contains("valid until"), "{early:?}");
    assert!(works(first) && works(&second), "nobody was shut out");
    let third =
        hub.post(&admin, &format!("{path}/rotate"), r#"{"overlap_hours":1,"force":true}"#).json()["key"]
            .as_str()
            .unwrap()
            .to_owned();
    assert!(!works(first) && works(&second) && works(&third), "there are two at most");
    folder.sql("UPDATE api_key SET previous_until = 1 WHERE name = 'reader'");
    assert!(eventually(Duration::from_secs(3), || !works(&second)) && works(&third));
    let fourth = hub.post(&admin, &format!("{path}/rotate"), r#"{"overlap_hours":0}"#).json()["key"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(!works(&third) && works(&fourth), "an overlap of none ends the former at once");
    assert_eq!(hub.post(&admin, &format!("{path}/rotate"), r#"{"overlap_hours":9999}"#).status, 400);
    assert_eq!(hub.send("DELETE", &path, &[("x-api-key", &admin)], b"").status, 204);
    assert!(!works(&fourth), "revoking ends all of it at once");
    assert_eq!(hub.post(&admin, &format!("{path}/rotate"), "{}").status, 409);
    assert_eq!(hub.send("DELETE", &path, &[("x-api-key", &admin)], b"").status, 204);
}

#[test]
fn a_key_expires() {
    let folder = Folder::new();
    let admin = folder.key("admin");
    let hub = folder.start();
    let made = make(
        &hub,
        &admin,
        &json!({"name": "reader", "role": "readonly", "expires_at": "2199-01-01T00:00:00Z"}),
    );
    let key = made["key"].as_str().unwrap();
    assert_eq!(hub.get(key, "/api/vps").status, 200);
    folder.sql("UPDATE api_key SET expires_at = 1 WHERE name = 'reader'");
    assert!(eventually(Duration::from_secs(3), || hub.get(key, "/api/vps").status == 401));
    assert!(hub.get(key, "/api/vps").error().contains("expired"));
    let edit = json!({"expires_at": null});
    assert_eq!(change(&hub, &admin, made["id"].as_str().unwrap(), &edit).status, 200);
    assert!(eventually(Duration::from_secs(3), || hub.get(key, "/api/vps").status == 200));
}

#[test]
fn a_rotation_lengthens_no_life() {
    let folder = Folder::new();
    let admin = folder.key("admin");
    let hub = folder.start();
    let order = json!({"name": "reader", "role": "readonly", "expires_at": "2199-01-01T00:00:00Z"});
    let made = make(&hub, &admin, &order);
    let path = format!("/api/keys/{}", made["id"].as_str().unwrap());
    folder.sql("UPDATE api_key SET expires_at = created_at + 3600000 WHERE name = 'reader'");
    let rotated = hub.post(&admin, &format!("{path}/rotate"), "{}").json();
    assert_eq!(rotated["previous_until"], rotated["expires_at"], "{rotated}");
    folder.sql("UPDATE api_key SET expires_at = 1 WHERE name = 'reader'");
    let late = hub.post(&admin, &format!("{path}/rotate"), r#"{"force":true}"#);
    assert!(late.status == 409 && late.error().contains("expired"), "{late:?}");
    let noted =
        folder.sql("SELECT changes FROM audit WHERE action IN ('key.create', 'key.rotate') ORDER BY id");
    assert!(noted.iter().skip(1).all(|changes| changes.contains("expires_at")), "{noted:?}");
}

#[test]
fn a_secret_before_a_rotation_is_found_listed_and_ended() {
    let folder = Folder::new();
    let first = folder.key("readonly");
    let unseen = crate::common::program()
        .env("SIGMA_DATA_DIR", folder.path())
        .args(["key", "rotate", &first[..12]])
        .stdout(std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap())
        .output()
        .unwrap();
    let said = String::from_utf8(unseen.stderr).unwrap();
    assert!(!unseen.status.success() && said.contains("stays the key"), "{said}");
    let hub = folder.start();
    assert_eq!(hub.get(&first, "/api/vps").status, 200);
    let rotated = folder.run(&["key", "rotate", &first[..12]]);
    let second = String::from_utf8(rotated.stdout).unwrap();
    assert_eq!(hub.get(second.trim_end(), "/api/vps").status, 200, "{second}");
    let list = String::from_utf8(folder.run(&["key", "list"]).stdout).unwrap();
    assert!(list.contains(&format!("{} valid until", &first[..12])), "{list}");
    assert!(!folder.run(&["key", "rotate", &first[..12]]).status.success());
    assert!(folder.run(&["key", "rotate", "--force", &second[..12]]).status.success());
    assert!(folder.run(&["key", "revoke", &second[..12]]).status.success(), "by the secret before");
    assert!(eventually(Duration::from_secs(5), || hub.get(second.trim_end(), "/api/vps").status == 401));
}

#[test]
fn the_command_line_knows_terms_and_rotates() {
    let folder = Folder::new();
    let made = folder.run(&[
        "key",
        "create",
        "--name",
        "fleet",
        "--role",
        "agent",
        "--expires",
        "2d",
        "--machines",
        "50",
    ]);
    assert!(made.status.success(), "{made:?}");
    let key = String::from_utf8(made.stdout).unwrap();
    assert_eq!(
        folder.sql("SELECT CAST((expires_at - created_at + 60000) / 3600000 AS TEXT) FROM api_key"),
        ["48"]
    );
    assert_eq!(folder.sql("SELECT CAST(max_machines AS TEXT) FROM api_key"), ["50"]);
    let list = String::from_utf8(folder.run(&["key", "list"]).stdout).unwrap();
    assert!(list.contains("valid until"), "{list}");
    let rotated = folder.run(&["key", "rotate", &key[..12], "--overlap-hours", "2"]);
    assert!(rotated.status.success(), "{rotated:?}");
    let second = String::from_utf8(rotated.stdout).unwrap();
    assert!(second.starts_with("sgm_") && second != key && second.lines().count() == 1);
    assert!(!String::from_utf8(rotated.stderr).unwrap().contains(&second.trim_end()[12..]));
    let hub = folder.start();
    for key in [&key, &second] {
        assert_eq!(
            hub.post(key.trim_end(), "/api/agent/register", &fixture("registration.json")).status,
            200
        );
    }
    for (arguments, named) in [(["--expires", "soon"], "--expires"), (["--machines", "0"], "--machines")] {
        let arguments = [&["key", "create", "--name", "a", "--role", "agent"][..], &arguments].concat();
        let refused = folder.run(&arguments);
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8(refused.stderr).unwrap().starts_with(&format!("sigma-api: {named}")));
    }
}
