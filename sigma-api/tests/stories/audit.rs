//! Who did what.

use std::time::Duration;

use crate::common::{Folder, eventually};
use serde_json::{Value, json};

fn lines(answer: &Value) -> Vec<(&str, &str)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned().leak() as &str;
    answer["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|line| (text(&line["action"]), text(&line["subject"]["name"])))
        .collect()
}

/// What is told elsewhere.
fn forget_keys_and_first_link(folder: &Folder) {
    let made = || folder.sql("SELECT action FROM audit WHERE action = 'account.setup_link'").len() == 1;
    assert!(eventually(Duration::from_secs(5), made));
    folder.sql("DELETE FROM audit");
}

#[test]
fn every_change_leaves_a_line_that_says_from_what_to_what() {
    let folder = Folder::new();
    let (editor, admin, reader) = (folder.key("operator"), folder.key("admin"), folder.key("readonly"));
    let hub = folder.start();
    forget_keys_and_first_link(&folder);
    let provider = hub.post(&editor, "/api/providers", r#"{"name":"Acme","rating":3}"#).json();
    let vps = hub.post(&editor, "/api/vps", r#"{"hostname":"a"}"#).json();
    let (at, of) = (format!("/api/vps/{}", vps["id"].as_str().unwrap()), provider["id"].as_str().unwrap());
    let edit = json!({"provider_id": of, "tags": ["x"], "city": "", "ip_addresses": [{"ip": "203.0.113.7"}]});
    hub.put(&admin, &at, &edit);
    hub.put(&admin, &at, &edit);
    hub.post(&editor, &format!("{at}/retire"), "");
    hub.delete(&editor, &at);
    hub.post(&editor, &format!("{at}/restore"), "");
    hub.put(&editor, &format!("/api/providers/{of}"), &json!({"name": "Bolt"}));
    hub.put(&editor, &at, &json!({"provider_id": null, "hostname": "b"}));
    hub.delete(&editor, &format!("/api/providers/{of}"));

    let all = hub.get(&editor, "/api/audit").json();
    let golden = [
        ("provider.delete", "Bolt"),
        ("vps.update", "b"),
        ("provider.update", "Bolt"),
        ("vps.restore", "a"),
        ("vps.delete", "a"),
        ("vps.retire", "a"),
        ("vps.update", "a"),
        ("vps.create", "a"),
        ("provider.create", "Acme"),
    ];
    assert_eq!(lines(&all), golden);
    assert_eq!((&all["total"], &all["page"], &all["per_page"]), (&json!(9), &json!(1), &json!(25)));
    let line = &all["data"][6];
    assert_eq!((&line["actor"]["kind"], &line["actor"]["name"]), (&json!("key"), &json!("test admin")));
    assert_eq!(line["subject"], json!({"kind": "vps", "id": vps["id"], "name": "a"}));
    assert!(line["at"].as_str().unwrap().starts_with("20"));
    let changes = json!({
        "provider_id": [null, of], "tags": [[], ["x"]], "ip_addresses": [[], [{"ip": "203.0.113.7", "label": ""}]]
    });
    assert_eq!(line["changes"], changes);
    assert_eq!(all["data"][4]["changes"], json!({"status": ["retired", "deleted"]}));
    assert_eq!(all["data"][3]["changes"], json!({"status": ["deleted", "retired"]}));
    assert_eq!(all["data"][2]["changes"], json!({"name": ["Acme", "Bolt"]}));
    assert_eq!(all["data"][8]["changes"], json!({"name": ["", "Acme"], "rating": [null, 3]}));

    for (query, count) in [
        ("?actor=test%20admin", 1),
        (&*format!("?actor={}", line["actor"]["id"].as_str().unwrap()), 1),
        ("?action=vps.update", 2),
        (&*format!("?subject_id={of}"), 3),
        ("?actor=nobody", 0),
    ] {
        assert_eq!(hub.get(&editor, &format!("/api/audit{query}")).json()["total"], count, "{query}");
    }
    assert_eq!(lines(&hub.get(&editor, "/api/audit?per_page=2&page=2").json()), golden[2..4]);
    let own = hub.get(&reader, &format!("{at}/audit")).json();
    assert_eq!(own["total"], 6);
    assert_eq!(hub.get(&reader, &format!("{at}/audit?action=vps.retire")).json()["total"], 1);
    assert_eq!(hub.get(&reader, "/api/audit").status, 403);
    assert_eq!(hub.get(&reader, &format!("/api/vps/{of}/audit")).status, 404);
    assert!(hub.get(&editor, "/api/audit?subject_id=7").error().starts_with("subject_id: "));
}

#[test]
fn what_was_refused_leaves_no_line() {
    let folder = Folder::new();
    let editor = folder.key("operator");
    let hub = folder.start();
    forget_keys_and_first_link(&folder);
    let vps = hub.post(&editor, "/api/vps", r#"{"hostname":"a"}"#).json();
    let at = format!("/api/vps/{}", vps["id"].as_str().unwrap());
    hub.post(&editor, "/api/vps", r#"{"hostname":"a"}"#);
    hub.put(&editor, &at, &json!({"country": "UK"}));
    hub.put(&editor, &at, &json!({"version": 7, "notes": "x"}));
    hub.put(&editor, &at, &json!({"provider_id": at.rsplit('/').next()}));
    assert_eq!(lines(&hub.get(&editor, "/api/audit").json()), [("vps.create", "a")]);
}
