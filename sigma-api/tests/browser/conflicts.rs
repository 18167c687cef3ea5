//! Two machines that look like one, and what a person says of them.

use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;

stories_also_without_javascript!(
    two_of_one_name_are_told_apart_renamed_or_merged,
    two_records_become_one_with_what_people_said_of_both,
);

fn two_of_one_name_are_told_apart_renamed_or_merged(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let machine = |name: &str, number: u8| {
        Machine::new(name, number, &format!("b{number}"), &format!("203.0.113.{number}")).live(&hub, &key)
    };
    let browser = Browser::of_administrator(&folder, &hub, script);

    let ids = [machine("debian", 1), machine("debian", 2)];
    browser.open("/inbox");
    browser.sees("Two of one name 1");
    for seen in ["debian (2)", "203.0.113.1", "203.0.113.2", "01010101", "02020202"] {
        browser.sees(seen);
    }
    for id in &ids {
        browser.open(&format!("/vps/{id}"));
        browser.sees("The other is debian");
    }
    browser.open("/inbox");
    browser.press("These are two");
    browser.sees("They are two machines, and will not be marked again.");
    browser.sees_no("Two of one name");
    browser.open(&format!("/vps/{}", ids[0]));
    browser.sees_no("The other is");

    machine("ubuntu", 3);
    let renamed = machine("ubuntu", 4);
    browser.open("/inbox");
    browser.follow("Rename ubuntu (2)");
    browser.is_at(&format!("/vps/{renamed}/edit"));
    browser.fill("Name", "mail");
    browser.press("Save");
    browser.sees("The machine is saved.");
    browser.sees_no("The other is");
    browser.open("/inbox");
    browser.sees_no("Two of one name");

    let (stays, goes) = (machine("alpine", 5), machine("alpine", 6));
    browser.open(&format!("/vps/{stays}"));
    browser.press("They are one");
    browser.press("Merge alpine (2) into this one");
    browser.expects(409);
    browser.sees("Both ");
    browser.press("They are one");
    browser.click_only(&format!("form[action='/vps/{stays}/merge'] input[type=checkbox]"));
    browser.press("Merge alpine (2) into this one");
    browser.sees("The two records are one now.");
    browser.sees("203.0.113.6");
    browser.open(&format!("/vps/{goes}"));
    browser.sees("It was merged into alpine");
    browser.open("/inbox");
    browser.sees_no("Two of one name");
}

fn two_records_become_one_with_what_people_said_of_both(script: Script) {
    let folder = Folder::new();
    let (key, operator) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let machine = |number: u8| {
        Machine::new("debian", number, &format!("b{number}"), &format!("203.0.113.{number}")).live(&hub, &key)
    };
    let (goes, stays) = (machine(1), machine(2));
    let acme = hub.post(&operator, "/api/providers", r#"{"name": "Acme"}"#).json()["id"].clone();
    let said_of = |id: &str, what: Value| {
        let answer = hub.put(&operator, &format!("/api/vps/{id}"), &what);
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    said_of(
        &goes,
        json!({"notes": "of the first", "purpose": "mail", "tags": ["edge", "old"], "provider_id": acme}),
    );
    said_of(&stays, json!({"notes": "of the second", "city": "Oslo", "tags": ["edge", "new"]}));

    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/inbox");
    browser.sees("Two of one name 1");
    browser.press("They are one: merge");
    browser.sees("Both report at this moment, as two machines do.");
    browser.press("Keep debian (2)");
    browser.sees("Two of one name 1");
    browser.sees_no("The two records are one now.");
    let form = format!("form[action='/inbox/merge']:has([name=id][value='{stays}'])");
    browser.click_only(&format!("{form} input[name=force]"));
    browser.press("Keep debian (2)");
    browser.sees("The two records are one now.");
    browser.sees_no("Two of one name");

    browser.open("/");
    browser.sees("1 machine · 1 online");
    browser.follow("debian (2)");
    browser.is_at(&format!("/vps/{stays}"));
    for seen in ["Acme", "mail", "Oslo", "of the second", "edge", "old", "new", "203.0.113.1", "203.0.113.2"]
    {
        browser.sees(seen);
    }
    assert_eq!(browser.text_of(".notes"), "of the second");
    assert_eq!(browser.count(".all-tags .tag"), 3, "a tag of both is there once");
    let record = hub.get(&operator, &format!("/api/vps/{stays}")).json();
    assert_eq!(
        [&record["provider_id"], &record["notes"], &record["purpose"], &record["city"]],
        [&acme, &json!("of the second"), &json!("mail"), &json!("Oslo")]
    );
    browser.open(&format!("/vps/{goes}"));
    browser.follow("debian (2)");
    browser.is_at(&format!("/vps/{stays}"));

    assert_eq!(machine(1), stays, "who reported for the other reports for this one");
}
