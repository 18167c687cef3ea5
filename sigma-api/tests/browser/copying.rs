//! What a button copies, pasted elsewhere.

use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;

stories!(
    addresses_and_commands_are_copied_and_pasted,
    where_the_browser_refuses_the_text_is_shown_to_copy_by_hand,
);

/// Over plain http, from elsewhere, there is no such thing.
pub(crate) const NO_CLIPBOARD: &str = "Object.defineProperty(navigator, 'clipboard', { value: undefined })";
/// Nor is this of use where a policy forbids it.
pub(crate) const NO_COMMAND: &str = "document.execCommand = () => false";

fn addresses_and_commands_are_copied_and_pasted(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let machine = |number: u8| {
        Machine::new(&format!("web{number}"), number, "b", &format!("203.0.113.{number}")).live(&hub, &key)
    };
    let ids = [machine(1), machine(2)];
    let browser = Browser::of_administrator(&folder, &hub, script);
    let pasted = || {
        browser.fill("Search the fleet", "");
        browser.clicks_at("input[name=q]");
        browser.type_with_control('v');
        browser.value("Search the fleet")
    };
    browser.open("/");
    let of_row = |id: &str| browser.clicks_at(&format!("#m-{id} .copy"));
    of_row(&ids[1]);
    browser.until("getComputedStyle(document.querySelector('.copy:hover')).opacity === '1'");
    browser.hears("Copied");
    assert_eq!(pasted(), "203.0.113.2");
    browser.clicks_at("h1");
    browser.type_keys("jc");
    browser.waits_for("#rows > tr:first-child:focus", 1);
    assert_eq!(pasted(), "203.0.113.1", "the key c copies the first address of the row");
    browser.run(NO_CLIPBOARD, Value::Null);
    of_row(&ids[1]);
    browser.waits_for(".copied", 1);
    assert_eq!(pasted(), "203.0.113.2", "the old way serves as well");

    browser.open(&format!("/vps/{}", ids[0]));
    browser.click("button", "Copy 203.0.113.1");
    browser.waits_for(".copied", 1);
    browser.open("/");
    assert_eq!(pasted(), "203.0.113.1");

    browser.open("/add");
    browser.fill("Name of the key", "web servers");
    browser.press("Make the key");
    let command = browser.text_of("#shell");
    assert!(command.contains("sgm_") && command.contains('\n'), "{command}");
    browser.click_only("[data-copy='#shell']");
    browser.waits_for(".copied", 1);
    assert_eq!(browser.run("return document.activeElement.dataset.copy", Value::Null), "#shell");
    browser.open("/import");
    browser.clicks_at("#text");
    browser.type_with_control('v');
    assert_eq!(
        browser.value("or its text").trim_end(),
        command.trim_end(),
        "every line of the command, and no other"
    );
}

fn where_the_browser_refuses_the_text_is_shown_to_copy_by_hand(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let web = Machine::new("web1", 1, "b", "203.0.113.1");
    web.live(&hub, &key);
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/");
    browser.run(&format!("{NO_CLIPBOARD}; {NO_COMMAND}"), Value::Null);
    browser.type_keys("jc");
    browser.sees("The browser does not let this page copy.");
    assert_eq!(browser.count(".copied"), 0, "nothing says that it is copied");
    const MARKED: &str =
        "const at = document.activeElement; return at.value.slice(at.selectionStart, at.selectionEnd)";
    assert_eq!(browser.run(MARKED, Value::Null), json!("203.0.113.1"));
    browser.type_with_control('c');
    browser.type_keys(&Key::Escape);
    browser.waits_for("dialog", 0);
    browser.waits_for("#rows > tr:focus", 1);
    browser.clicks_at("input[name=q]");
    browser.type_with_control('v');
    assert_eq!(browser.value("Search the fleet"), "203.0.113.1");
    browser.clicks_at("#rows .copy");
    browser.press("Close");
    browser.waits_for("dialog", 0);
}
