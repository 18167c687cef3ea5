//! Keys that do something by themselves can be switched off (WCAG 2.1.4).

use fantoccini::key::Key;
use serde_json::Value;

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;
use crate::keyboard::row;

stories!(shortcuts_are_switched_off_and_on_again);

const HERE: &str = "These keys work here. Without them this list is on the page of your account.";

fn shortcuts_are_switched_off_and_on_again(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    for number in [1, 2] {
        Machine::new(&format!("web{number}"), number, "b", &format!("203.0.113.{number}")).live(&hub, &key);
    }
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/");
    browser.type_keys("jx");
    browser.sees("1 machine");
    assert_eq!(row(&browser), "web1");
    browser.type_keys("x?");
    browser.tick(HERE);
    browser.press("Close");
    browser.waits_for("dialog[open]", 0);

    let nothing_happens = || {
        browser.clicks_at("h1");
        browser.type_keys("jx/?c");
        // Keys come one after the other: once this one has done its work, those before have done theirs.
        browser.type_keys(&Key::Tab);
        assert_eq!(browser.count("dialog[open]"), 0);
        assert_eq!(browser.count("#rows input:checked"), 0);
        assert_eq!(browser.run("return document.activeElement.matches('a, button')", Value::Null), true);
        assert_ne!(browser.focused(), "Search the fleet");
    };
    nothing_happens();
    browser.reload();
    nothing_happens();
    browser.press("Columns");
    browser.type_keys(&Key::Escape);
    browser.waits_for("details.menu[open]", 0);

    browser.open("/account");
    browser.type_keys("?");
    browser.press("Keyboard shortcuts");
    browser.waits_for("dialog[open]", 1);
    browser.tick(HERE);
    browser.type_keys(&Key::Escape);
    browser.waits_for("dialog[open]", 0);
    browser.open("/");
    browser.type_keys("jjx");
    browser.sees("1 machine");
    assert_eq!(row(&browser), "web2");
    browser.type_keys("/");
    assert_eq!(browser.focused(), "Search the fleet");
    browser.type_keys("j?x");
    assert_eq!(browser.value("Search the fleet"), "j?x", "who types, types");
}
