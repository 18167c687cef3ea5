//! Providers: made, changed, found and taken away.

use crate::common::{Folder, Hub};
use serde_json::{Value, json};

const PROVIDERS: &str = "/api/providers";

fn create(hub: &Hub, key: &str, name: &str) -> String {
    let made = hub.post(key, PROVIDERS, &json!({"name": name}).to_string());
    assert_eq!(made.status, 201, "{made:?}");
    format!("{PROVIDERS}/{}", made.json()["id"].as_str().unwrap())
}

fn without(mut record: Value, members: &[&str]) -> Value {
    for member in members {
        assert!(record.as_object_mut().unwrap().remove(*member).is_some(), "{member} is missing in {record}");
    }
    record
}

#[test]
fn a_provider_is_made_read_and_changed() {
    let folder = Folder::new();
    let (editor, reader) = (folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    let whole = json!({
        "name": " Acme ", "country": "de", "website": "https://acme.example", "panel_url": "https://panel.acme.example",
        "api_supported": true, "rating": 4, "notes": "pays\r\nmonthly"
    });
    let made = hub.post(&editor, PROVIDERS, &whole.to_string());
    assert_eq!((made.status, made.header("etag")), (201, Some("\"1\"")), "{made:?}");
    let golden = json!({
        "name": "Acme", "country": "DE", "website": "https://acme.example", "panel_url": "https://panel.acme.example",
        "api_supported": true, "rating": 4, "notes": "pays\nmonthly", "version": 1, "machines": 0
    });
    assert_eq!(without(made.json(), &["id", "created_at", "updated_at"]), golden);
    let path = format!("{PROVIDERS}/{}", made.json()["id"].as_str().unwrap());
    let read = hub.get(&reader, &path);
    assert_eq!((read.json(), read.header("etag")), (made.json(), Some("\"1\"")));

    let changed = hub.put(&editor, &path, &json!({"rating": null, "notes": "", "id": 7, "machines": 99}));
    assert_eq!((changed.status, changed.header("etag")), (200, Some("\"2\"")), "{changed:?}");
    let changed = changed.json();
    assert_eq!(
        (&changed["rating"], &changed["notes"], &changed["name"]),
        (&json!(null), &json!(""), &json!("Acme"))
    );
    let echo = hub.put(&editor, &path, &changed);
    assert_eq!(echo.json(), changed, "a record that is sent back as it was read changes nothing");
    assert_eq!(hub.get(&reader, &path).json(), changed);
}

#[test]
fn names_differ_by_more_than_case() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    create(&hub, &editor, "Acme");
    let other = create(&hub, &editor, "Bolt");
    let again = hub.post(&editor, PROVIDERS, &json!({"name": "ACME"}).to_string());
    assert_eq!(again.status, 409);
    assert!(again.error().contains("Acme"), "{again:?}");
    let renamed = hub.put(&editor, &other, &json!({"name": "aCme"}));
    assert_eq!(renamed.status, 409);
    assert!(renamed.error().contains("Acme"), "{renamed:?}");
    assert_eq!(hub.put(&editor, &other, &json!({"name": "BOLT"})).status, 200, "its own name is not taken");
}

#[test]
fn a_list_has_pages_and_a_filter() {
    let folder = Folder::new();
    let (editor, reader) = (folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    for name in ["delta", "Alpha", "Charlie 100%", "bravo_x"] {
        create(&hub, &editor, name);
    }
    for (query, names) in [
        ("", &["Alpha", "bravo_x", "Charlie 100%", "delta"][..]),
        ("?q=A&per_page=2", &["Alpha", "bravo_x"]),
        ("?q=alph", &["Alpha"]),
        ("?q=%25", &["Charlie 100%"]),
        ("?q=_", &["bravo_x"]),
        ("?per_page=3&page=2", &["delta"]),
    ] {
        let list = hub.get(&reader, &format!("{PROVIDERS}{query}")).json();
        let found: Vec<&Value> = list["data"].as_array().unwrap().iter().map(|p| &p["name"]).collect();
        assert_eq!(found, names, "{query}");
    }
    let page = without(hub.get(&reader, &format!("{PROVIDERS}?per_page=3&page=2")).json(), &["data"]);
    assert_eq!(page, json!({"total": 4, "page": 2, "per_page": 3}));
    assert!(hub.get(&reader, &format!("{PROVIDERS}?page=0")).error().starts_with("page: "));
}

#[test]
fn a_provider_with_machines_stays_until_they_are_gone() {
    let folder = Folder::new();
    let (editor, reader) = (folder.key("operator"), folder.key("readonly"));
    let hub = folder.start();
    let path = create(&hub, &editor, "Acme");
    let id = path.rsplit('/').next().unwrap();
    let machines: Vec<String> = ["a", "b"]
        .iter()
        .map(|name| {
            let made =
                hub.post(&editor, "/api/vps", &json!({"hostname": name, "provider_id": id}).to_string());
            format!("/api/vps/{}", made.json()["id"].as_str().unwrap())
        })
        .collect();
    assert_eq!(hub.get(&reader, &path).json()["machines"], 2);
    let refused = hub.delete(&editor, &path);
    assert_eq!(refused.status, 409);
    assert!(refused.error().contains("Acme has 2 machines"), "{refused:?}");
    hub.delete(&editor, &machines[0]);
    assert!(hub.delete(&editor, &path).error().contains("has 1 machine;"));
    hub.delete(&editor, &machines[1]);
    let gone = hub.delete(&editor, &path);
    assert_eq!((gone.status, &*gone.text), (204, ""), "deleted machines do not count");
    assert_eq!(hub.get(&reader, &path).status, 404);
    let line = hub.get(&reader, &format!("{}/audit", machines[0])).json()["data"][0].clone();
    assert_eq!(line["changes"], json!({"provider_id": [id, null]}), "a deleted machine has a log too");
    let restored = hub.post(&editor, &format!("{}/restore", machines[0]), "");
    assert_eq!((restored.status, &restored.json()["provider_id"]), (200, &Value::Null));
    assert_eq!(hub.delete(&editor, &path).status, 404);
}

#[test]
fn nobody_undoes_what_they_did_not_see() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let path = create(&hub, &editor, "Acme");
    let with = |tag: &str, body: Value| hub.send_json(&editor, ("PUT", &path), &[("if-match", tag)], &body);
    assert_eq!(with("\"1\"", json!({"rating": 5})).status, 200);
    let stale = with("\"1\"", json!({"rating": 1}));
    assert_eq!(stale.status, 412);
    assert!(stale.error().contains("test operator changed it last"), "{stale:?}");
    assert_eq!(hub.put(&editor, &path, &json!({"rating": 1, "version": 1})).status, 412);
    assert_eq!(with("W/\"2\"", json!({"rating": 1})).status, 400);
    let delete = |tag: &str| hub.send("DELETE", &path, &[("x-api-key", &*editor), ("if-match", tag)], b"");
    assert_eq!(delete("\"1\"").status, 412);
    assert_eq!(delete("\"2\"").status, 204);
}

#[test]
fn mistakes_are_named() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    let path = create(&hub, &editor, "Acme");
    for (body, named) in [
        (json!({"name": null}), "name: "),
        (json!({"name": ""}), "name: "),
        (json!({"rating": 6}), "rating: "),
        (json!({"rating": "good"}), "rating: "),
        (json!({"website": "javascript:alert(1)"}), "website: "),
        (json!({"country": "UK"}), "country: "),
        (json!({"api_supported": "yes"}), "api_supported: "),
    ] {
        let refused = hub.put(&editor, &path, &body);
        assert_eq!(refused.status, 400, "{body}: {refused:?}");
        assert!(refused.error().starts_with(named), "{body}: {refused:?}");
    }
    assert!(hub.post(&editor, PROVIDERS, "{}").error().starts_with("name: "));
    assert_eq!(hub.post(&folder.key("readonly"), PROVIDERS, "{\"name\":\"x\"}").status, 403);
}
