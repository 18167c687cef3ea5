//! Pages: a key for machines, the commands that bring it to them, and the count of who came.
#![expect(clippy::string_slice, reason = "keys are ASCII")]

use crate::common::machine::Machine;
use crate::common::{Answer, Folder};
use crate::people::{administrator, invite, signed_in};

const PLACE: (&str, &str) = ("SIGMA_PUBLIC_URL", "https://sigma.example.org");

/// The key that a page shows.
pub(crate) fn key_in(page: &Answer) -> String {
    let at = page.text.match_indices("sgm_").find(|(at, _)| {
        page.text[at + 4..].chars().take(40).filter(char::is_ascii_alphanumeric).count() == 40
    });
    let (at, _) = at.unwrap_or_else(|| panic!("no key: {page:?}"));
    page.text[at..].chars().take(44).collect()
}

/// The id in the first link that begins so.
pub(crate) fn id_in(page: &Answer, link: &str) -> String {
    let (_, rest) = page.text.split_once(link).unwrap_or_else(|| panic!("no {link}: {page:?}"));
    rest.chars().take(36).collect()
}

fn made(answer: &Answer) -> (String, String) {
    assert_eq!(answer.status, 200, "{answer:?}");
    (key_in(answer), id_in(answer, "href=\"/add/"))
}

#[test]
fn an_empty_fleet_leads_to_the_first_key_and_a_machine_is_counted() {
    let folder = Folder::new();
    let hub = folder.start_with(&[PLACE]);
    let admin = administrator(&folder, &hub);
    let first = admin.get("/");
    assert_eq!((first.status, first.header("location")), (303, Some("/add")), "{first:?}");
    assert_eq!(admin.get("/?q=web").status, 200, "a search stays where it is");
    let page = admin.get("/add");
    assert!(page.status == 200 && page.text.contains("No machine has reported yet"), "{page:?}");
    for other in ["href=\"/vps/new\"", "href=\"/import\""] {
        assert!(page.text.contains(other), "{other}: {page:?}");
    }

    let fields = [
        ("name", "Batch <1>"),
        ("max_machines", "2"),
        ("expires_at", "7"),
        ("tags", "edge, eu"),
        ("provider_id", ""),
    ];
    let answer = admin.form("/add", &fields);
    let (key, id) = made(&answer);
    assert!(answer.head.contains("cache-control: no-store"), "{answer:?}");
    assert!(answer.text.contains("Batch &#60;1&#62;"), "names are text");
    for part in
        ["id=\"shell\"", "id=\"docker\"", "id=\"ansible\"", "id=\"cloud-init\"", "sigma.example.org/api"]
    {
        assert!(answer.text.contains(part), "{part}");
    }
    assert!(!answer.text.contains("SIGMA_PUBLIC_URL to"), "this address is one that machines reach");
    assert!(answer.text.contains("<strong>0</strong> of 2 have reported"), "{answer:?}");

    let web = Machine::new("web", 1, "b1", "203.0.113.1");
    web.live(&hub, &key);
    for path in ["", "/count"] {
        let counted = admin.get(&format!("/add/{id}{path}"));
        assert!(counted.text.contains("<strong>1</strong> of 2 have reported"), "{counted:?}");
    }
    let machines = admin.get(&format!("/add/{id}/machines"));
    assert!(
        machines.text.contains("<bdi>web</bdi>") && machines.text.contains("203.0.113.1"),
        "{machines:?}"
    );
    assert!(!machines.text.contains("<html"), "a part of a page");
    assert_eq!(admin.get("/").status, 200, "the fleet is not empty any more");
    let list = hub.get(&folder.key("admin"), "/api/vps").json();
    assert_eq!(list["data"][0]["tags"], serde_json::json!(["edge", "eu"]));

    Machine::new("db", 2, "b2", "203.0.113.2").live(&hub, &key);
    let full = admin.get(&format!("/add/{id}"));
    assert!(full.text.contains("reached its limit of new machines"), "{full:?}");
    let secret = key.split_at(12).1;
    for path in ["/add", &format!("/add/{id}"), "/keys", &format!("/keys/{id}"), "/"] {
        assert!(!admin.get(path).text.contains(secret), "{path} shows the key again");
    }
    assert!(!hub.log().contains(secret), "and the log does not");
}

#[test]
fn wrong_input_comes_back_with_the_reason_at_its_field() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let long = "t".repeat(65);
    for (field, value, reason) in [
        ("name", " ", "This is empty"),
        ("max_machines", "many", "no number from 1 to 1000000"),
        ("max_machines", "0", "a number from 1 to 1000000"),
        ("expires_at", "8", "none of those to choose from"),
        ("provider_id", "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a", "of no provider"),
        ("tags", &long, "an entry that is longer than 64 characters"),
    ] {
        let mut fields =
            vec![("name", "batch"), ("max_machines", "50"), ("expires_at", "7"), ("tags", "kept")];
        fields.retain(|(name, _)| *name != field);
        fields.push((field, value));
        let page = admin.form("/add", &fields);
        assert_eq!(page.status, 400, "{page:?}");
        let (_, wrong) = page.text.split_once(&format!("id=\"{field}-wrong\"")).expect(field);
        assert!(wrong.split("</p>").next().unwrap().contains(reason), "{field}: {wrong}");
        assert!(field == "tags" || page.text.contains("value=\"kept\""), "what was typed stays");
    }
    assert_eq!(folder.sql("SELECT name FROM api_key"), Vec::<String>::new());
    assert!(admin.get("/add").text.contains("own machine reaches"), "127.0.0.1 is said to be no use");
}

#[test]
fn nothing_for_a_minute_says_what_to_check() {
    let folder = Folder::new();
    let hub = folder.start_with(&[PLACE]);
    let admin = administrator(&folder, &hub);
    let (key, id) = made(&admin.form("/add", &[("name", "batch"), ("expires_at", "never")]));
    let page = admin.get(&format!("/add/{id}"));
    assert!(!page.text.contains("Nothing has come") && page.text.contains("<details><summary>"), "{page:?}");
    folder.sql("UPDATE api_key SET created_at = created_at - 61000");
    let page = admin.get(&format!("/add/{id}"));
    assert!(
        page.text.contains("No machine has reported for 61 s")
            || page.text.contains("No machine has reported for 62 s")
    );
    let checks = page.text.split_once("<details open>").expect("the list is open").1;
    for check in ["curl -sS https://sigma.example.org/healthz", key.split_at(12).0, "journalctl", "date -u"] {
        assert!(checks.contains(check), "{check}");
    }
}

#[test]
fn whoever_is_no_administrator_is_told_who_may() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    for role in ["operator", "readonly"] {
        let email = format!("{role}@example.org");
        invite(&admin, &hub, &email, role);
        let person = signed_in(&hub, &email);
        for path in ["/add", "/keys", "/accounts"] {
            let page = person.get(path);
            assert_eq!(page.status, 403, "{page:?}");
            let said = format!("This takes an administrator. Your role is {role}");
            assert!(page.text.contains(&said) && page.text.contains("href=\"/providers\""), "{page:?}");
        }
        for path in ["/add", "/keys", "/accounts"] {
            let fields =
                [("name", "mine"), ("role", "admin"), ("email", "x@example.org"), ("expires_at", "7")];
            assert_eq!(person.form(path, &fields).status, 403);
        }
        let fleet = person.get("/");
        assert!(fleet.status == 200 && fleet.text.contains("No machine has reported yet"), "{fleet:?}");
    }
    assert_eq!(folder.sql("SELECT name FROM api_key"), Vec::<String>::new());
    assert_eq!(folder.sql("SELECT email FROM account WHERE email = 'x@example.org'"), Vec::<String>::new());
}
