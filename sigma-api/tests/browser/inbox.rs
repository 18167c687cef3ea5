//! Enter where one chooses does what is meant for the chosen, and nothing else.

use fantoccini::key::Key;
use serde_json::Value;

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;

stories_also_without_javascript!(enter_on_a_tick_is_for_the_chosen);

fn enter_on_a_tick_is_for_the_chosen(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let machine = |name: &str, number: u8| Machine::new(name, number, "b", &format!("203.0.{number}.1"));
    for number in [1, 2, 3] {
        let known = Machine {
            vendor: Some("Hetzner".into()),
            product: Some("vServer".into()),
            ..machine(&format!("fsn{number}"), number)
        };
        known.live(&hub, &key);
    }
    // Not among the addresses of the others.
    Machine { ip: "198.51.100.4".into(), ..machine("apple", 4) }.live(&hub, &key);
    Machine { ip: "192.0.2.5".into(), ..machine("zebra", 5) }.live(&hub, &key);
    let browser = Browser::of_administrator(&folder, &hub, script);
    let has = |q: &str| {
        let key = folder.key("readonly");
        let found = hub.get(&key, &format!("/api/vps?q={q}")).json();
        let names = found["data"].as_array().unwrap().iter().map(|vps| vps["hostname"].as_str().unwrap());
        names.map(str::to_owned).collect::<Vec<_>>()
    };

    browser.open("/inbox");
    browser.press("The machines");
    browser.tabs_to("fsn2");
    browser.type_keys(" ");
    browser.type_keys(&Key::Enter);
    browser.sees("2 machines are assigned.");
    assert_eq!(has("provider:%22Hetzner%20Cloud%22&sort=hostname"), ["fsn1", "fsn3"]);
    browser.sees("1 looks like Hetzner");

    browser.tabs_to("zebra");
    browser.type_keys(" ");
    browser.expects(400);
    browser.type_keys(&Key::Enter);
    browser.waits_for("#provider-wrong, #name-wrong, [role=alert]", 1);
    assert_eq!(ticked(&browser), ["zebra"], "what was chosen stays chosen");
    browser.fill("Or a new one, called", "The friend with the rack");
    browser.type_keys(&Key::Enter);
    browser.sees("1 machine is assigned.");
    assert_eq!(has("provider:%22The%20friend%20with%20the%20rack%22"), ["zebra"]);

    // In the fleet many things could be meant: it asks which.
    browser.open("/");
    browser.tabs_to("Select apple");
    browser.type_keys(" ");
    browser.expects(400);
    browser.type_keys(&Key::Enter);
    browser.sees("Press one of the buttons.");
    assert_eq!(
        browser.run("return document.querySelector('#rows input:checked')?.ariaLabel", Value::Null),
        "Select apple"
    );
    assert_eq!(has("provider:none&sort=hostname"), ["apple", "fsn2"]);
}

/// The machines without a suggestion that are ticked.
fn ticked(browser: &Browser) -> Vec<String> {
    const TICKED: &str = "return [...document.querySelectorAll('form:has(#name) .picks input:checked')].map((box) => box.ariaLabel)";
    serde_json::from_value(browser.run(TICKED, Value::Null)).unwrap()
}
