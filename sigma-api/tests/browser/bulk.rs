//! Many machines at once.

use crate::browser::{Browser, Script};
use crate::common::machine::Machine;
use crate::common::{Folder, Hub};

stories_also_without_javascript!(
    three_machines_get_a_tag_and_lose_it_again,
    all_that_a_search_finds_are_changed_and_no_other,
);

fn three_machines_get_a_tag_and_lose_it_again(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    fleet(&folder, &hub);
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/");
    browser.tick("Select web1");
    if script == Script::On {
        browser.sees("1 machine");
        browser.click_with_shift("input", "Select web3");
        browser.sees("3 machines");
    } else {
        browser.tick("Select web2");
        browser.tick("Select web3");
    }
    browser.press("Tags");
    browser.fill("Add", "canary, eu-west");
    browser.press("Add");
    browser.sees("3 machines changed.");
    assert_eq!(tagged(&browser), ["web1", "web2", "web3"]);
    browser.press("Undo");
    browser.sees("3 machines as before.");
    assert_eq!(tagged(&browser), Vec::<String>::new());
    browser.reload();
    browser.sees_no("3 machines as before.");
}

fn all_that_a_search_finds_are_changed_and_no_other(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    fleet(&folder, &hub);
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/");
    browser.fill("Search the fleet", "web");
    browser.press("Search");
    browser.is_at("/?q=web");
    if script == Script::On {
        browser.tick("Select web2");
    }
    browser.tick("All 4 machines that the search finds");
    browser.press("Tags");
    browser.press("Add");
    browser.expects(400);
    browser.sees("tag");
    browser.press("Tags");
    browser.fill("Add", "front");
    browser.press("Add");
    browser.sees("4 machines changed.");
    browser.open("/");
    assert_eq!(tagged(&browser), ["web1", "web2", "web3", "web4"]);
}

fn fleet(folder: &Folder, hub: &Hub) {
    let key = folder.key("agent");
    for (number, name) in (1..).zip(["web1", "web2", "web3", "web4", "db1", "db2"]) {
        Machine::new(name, number, &format!("b{number}"), &format!("203.0.113.{number}")).live(hub, &key);
    }
}

/// The machines of the list that have a tag, by name.
fn tagged(browser: &Browser) -> Vec<String> {
    const NAMES: &str = "return [...document.querySelectorAll('#rows > tr')].filter((row) => row.querySelector('td.tags .tag'))\
        .map((row) => row.querySelector('th a').textContent).sort()";
    serde_json::from_value(browser.run(NAMES, serde_json::Value::Null)).unwrap()
}
