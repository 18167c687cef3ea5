//! Without a mouse.

use fantoccini::key::Key;
use serde_json::Value;

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;
use crate::people::{EMAIL, PASSWORD, make_administrator};

stories!(a_fleet_is_searched_walked_and_changed_by_keys);

fn a_fleet_is_searched_walked_and_changed_by_keys(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let names = ["db1", "web1", "web2", "web3", "web4"];
    for (number, name) in (1..).zip(names) {
        Machine::new(name, number, &format!("b{number}"), &format!("203.0.113.{number}")).live(&hub, &key);
    }
    make_administrator(&folder, &hub, EMAIL);
    let browser = Browser::new(&hub, script);
    browser.open("/");
    browser.tabs_to("E-mail");
    browser.type_keys(EMAIL);
    browser.tabs_to("Password");
    browser.type_keys(&(PASSWORD.to_owned() + &Key::Enter));
    browser.is_at("/");

    browser.type_keys(&Key::Tab);
    assert_eq!(browser.focused(), "Skip to the content", "the first thing that Tab comes to");
    browser.type_keys(&Key::Enter);
    browser.type_keys(&Key::Tab);
    assert_eq!(browser.focused(), "Add a machine", "and then the content");

    browser.type_keys("?");
    browser.waits_for("dialog[open]", 1);
    assert!(browser.text_of("dialog").contains("Next machine"), "{}", browser.text_of("dialog"));
    browser.type_keys(&Key::Escape);
    browser.waits_for("dialog[open]", 0);
    assert_eq!(browser.focused(), "Add a machine", "where one was");

    browser.type_keys("/");
    assert_eq!(browser.focused(), "Search the fleet");
    browser.type_keys(&("web".to_owned() + &Key::Enter));
    browser.is_at("/?q=web");
    browser.waits_for("#rows > tr", 4);
    browser.type_keys("jj");
    assert_eq!(row(&browser), "web2");
    browser.type_keys("k");
    assert_eq!(row(&browser), "web1");
    browser.type_keys("x");
    browser.sees("1 machine");
    browser.type_keys("x");
    browser.waits_for("#bulk[hidden]", 1);
    browser.type_keys("jx");
    browser.type_keys("jj");
    browser.type_keys("X");
    browser.sees("3 machines");

    browser.tabs_to("Tags");
    browser.type_keys(&Key::Enter);
    browser.tabs_to("Add");
    browser.type_keys(&("front".to_owned() + &Key::Enter));
    browser.sees("3 machines changed.");
    assert_eq!(browser.count("td.tags .tag"), 3);
    browser.tabs_to("Undo");
    browser.type_keys(&Key::Enter);
    browser.sees("3 machines as before.");

    browser.type_keys("jo");
    browser.soon("page of the machine", async |client| {
        Ok(client.current_url().await?.path().starts_with("/vps/").then_some(()))
    });
    browser.sees("What it is");
    assert_eq!(browser.title(), "web1 · Sigma");
}

/// The machine whose row has the focus.
pub(crate) fn row(browser: &Browser) -> String {
    let name = browser.run(
        "return document.activeElement.matches('#rows > tr') && document.activeElement.querySelector('th a').textContent",
        Value::Null,
    );
    name.as_str().unwrap_or_else(|| panic!("no row has the focus, but {:?}", browser.focused())).to_owned()
}
