//! The pages on which one waits for machines to come.

use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;
use crate::first_machines::key_in;

stories!(who_waits_for_machines_loses_neither_place_nor_what_was_opened_or_marked);

fn who_waits_for_machines_loses_neither_place_nor_what_was_opened_or_marked(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/add");
    browser.fill("Name of the key", "web servers");
    browser.fill("New machines at most", "50");
    browser.press("Make the key");
    browser.sees("0 of 50 have reported");
    let key = key_in(&browser.text_of("#shell"));
    let comes = |number: u8| {
        let name = format!("web{number}");
        Machine::new(&name, number, &format!("b{number}"), &format!("203.0.113.{number}")).live(&hub, &key);
    };

    browser.press("Docker");
    browser.click_only("[data-copy='#docker']");
    comes(1);
    browser.sees("1 of 50 have reported");
    browser.sees("web1");
    assert_eq!(browser.run("return document.activeElement.dataset.copy", Value::Null), "#docker");
    assert_eq!(browser.count("details.way[open] #docker"), 1, "the way that was opened");

    browser.follow("a page of its own");
    browser.goes_to_the_new_window();
    browser.press("A machine is missing: what to check");
    browser.marks("th:has(a) ~ td li.ip");
    let marked = || browser.run("return getSelection().toString().trim()", Value::Null);
    assert_eq!(marked(), "203.0.113.1");
    let before = asked(&browser);
    comes(2);
    browser.sees("2 of 50 have reported");
    browser.until(&format!("{ASKED} >= {before} + 1"));
    assert_eq!((marked(), browser.count("th a")), (json!("203.0.113.1"), 1), "what is marked stays");
    browser.clicks_at("h1");
    browser.waits_for("th a", 2);

    browser.tabs_to("web1");
    let before = asked(&browser);
    comes(3);
    browser.sees("3 of 50 have reported");
    browser.until(&format!("{ASKED} >= {before} + 1"));
    assert_eq!((&*browser.focused(), browser.count("th a")), ("web1", 2), "where one is stays");
    browser.type_keys(&Key::Tab);
    browser.type_keys(&Key::Tab);
    browser.waits_for("th a", 3);
    assert_eq!(browser.count("details[open] #check"), 1, "what was opened stays open");
}

/// How often the page asked for the list of machines, and got it.
const ASKED: &str =
    "performance.getEntriesByType('resource').filter((asked) => asked.name.endsWith('/machines')).length";

fn asked(browser: &Browser) -> u64 {
    browser.run(&format!("return {ASKED}"), Value::Null).as_u64().unwrap()
}
