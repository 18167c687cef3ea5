//! The page of the audit log.

use serde_json::json;

use crate::common::Folder;
use crate::people::{EMAIL, administrator};

#[test]
fn lines_are_said_in_words_with_names_for_ids() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let provider = hub.post(&key, "/api/providers", &json!({"name": "Acme <b>"}).to_string()).json();
    let notes = format!("first line\n{}", "long ".repeat(40));
    let vps =
        hub.post(&key, "/api/vps", &json!({"hostname": "web-1", "tags": ["a", "b"]}).to_string()).json();
    let (id, provider_id) = (vps["id"].as_str().unwrap(), provider["id"].as_str().unwrap());
    let change = json!({"provider_id": provider_id, "tags": ["b", "c"], "notes": notes, "ram_mb": 512});
    assert_eq!(hub.put(&key, &format!("/api/vps/{id}"), &change).status, 200);
    let page = ana.get("/audit?action=vps.update");
    assert_eq!(page.status, 200, "{page:?}");
    for said in [
        "test operator",
        "changed the machine",
        &format!("href=\"/vps/{id}\""),
        "Acme &#60;b&#62;",
        "512 MiB",
        "first line…",
        "long long",
        "from 127.0.0.1",
    ] {
        assert!(page.text.contains(said), "{said}: {page:?}");
    }
    let words = page.text.split("<dt>tags</dt>").nth(1).unwrap();
    let words = words.split("</dd>").next().unwrap();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(words.contains("added <bdi>c</bdi>") && words.contains("removed <bdi>a</bdi>"), "{words}");
    assert!(!page.text.contains(provider_id), "a name stands for the id");
    let all = ana.get("/audit");
    assert!(all.text.contains("added the provider") && all.text.contains("signed in"), "{all:?}");
}

#[test]
fn the_log_is_sifted_by_who_what_and_to_what() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    for name in ["Acme", "Bolt"] {
        assert_eq!(hub.post(&key, "/api/providers", &json!({"name": name}).to_string()).status, 201);
    }
    let lines = |query: &str| {
        let page = ana.get(&format!("/audit?{query}"));
        assert_eq!(page.status, 200, "{page:?}");
        page.text.matches("class=\"audit\"").count()
    };
    assert_eq!(lines("action=provider.create"), 2);
    assert_eq!(lines("subject=ACME"), 1);
    assert_eq!(lines("actor=test+operator&subject=bolt&action="), 1);
    assert_eq!(lines("actor=nobody"), 0);
    assert!(lines(&format!("actor={}", EMAIL.replace('@', "%40"))) >= 1);
    assert!(ana.get("/audit?actor=nobody").text.contains("No line matches."));
    let wrong = ana.get("/audit?subject_id=7");
    assert!(wrong.status == 400 && wrong.text.contains("subject_id: is the id of a record"), "{wrong:?}");
    let page = ana.get("/audit?actor=%3Cscript%3E");
    assert!(page.text.contains("value=\"&#60;script&#62;\""), "{page:?}");
}

#[test]
fn a_long_log_has_pages_that_keep_what_was_asked() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let id = hub.post(&key, "/api/providers", &json!({"name": "Acme"}).to_string()).json();
    let path = format!("/api/providers/{}", id["id"].as_str().unwrap());
    for number in 0..60 {
        assert_eq!(hub.put(&key, &path, &json!({"notes": number.to_string()})).status, 200);
    }
    let first = ana.get("/audit?action=provider.update");
    assert!(first.text.contains("Page 1 of 2"), "{first:?}");
    assert!(first.text.contains("href=\"/audit?action=provider.update&#38;page=2\""), "{first:?}");
    let second = ana.get("/audit?action=provider.update&page=2");
    assert_eq!(second.text.matches("class=\"audit\"").count(), 10);
    let gone = path.rsplit('/').next().unwrap();
    assert!(first.text.contains(&format!("href=\"/providers/{gone}\"")));
    hub.delete(&key, &path);
    assert!(
        !ana.get("/audit").text.contains(&format!("href=\"/providers/{gone}\"")),
        "no link to what is no more"
    );
}
