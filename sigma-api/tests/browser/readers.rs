//! Somebody who may look and not touch.

use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;
use crate::people::{administrator, invite, signed_in};

stories_also_without_javascript!(a_reader_is_offered_nothing_that_is_refused_and_told_who_may);

const READER: &str = "reader@example.org";
/// What everybody may send.
const OWN: [&str; 3] = ["/sign-out", "/fleet/view", "/account/"];

fn a_reader_is_offered_nothing_that_is_refused_and_told_who_may(script: Script) {
    let folder = Folder::new();
    let (key, operator) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let machine = |name: &str, number: u8| {
        Machine::new(name, number, &format!("b{number}"), &format!("203.0.113.{number}")).live(&hub, &key)
    };
    let ids = [machine("debian", 1), machine("debian", 2), machine("gone", 3)];
    assert_eq!(hub.delete(&operator, &format!("/api/vps/{}", ids[2])).status, 204);
    let made = hub.post(&operator, "/api/providers", &json!({"name": "Acme"}).to_string()).json();
    invite(&administrator(&folder, &hub), &hub, READER, "readonly");
    let browser = Browser::new(&hub, script);
    browser.comes_in(&hub, READER);
    let client = signed_in(&hub, READER);

    let takes_one = "takes an operator or an administrator.";
    let (machine, gone) = (format!("/vps/{}", ids[0]), format!("/vps/{}", ids[2]));
    let provider = format!("/providers/{}", made["id"].as_str().unwrap());
    for (path, sentence) in [
        ("/", "2 machines"),
        (&machine, takes_one),
        (&gone, "This machine was deleted."),
        ("/inbox", takes_one),
        ("/providers", takes_one),
        (&provider, "Acme"),
        ("/settings", "An administrator makes keys and invites others."),
        ("/import", takes_one),
        ("/account", READER),
    ] {
        browser.open(path);
        browser.sees(sentence);
        for action in strings(&browser, "form[method=post]", "action") {
            assert!(OWN.iter().any(|own| action.starts_with(own)), "{path} offers {action}");
        }
        for href in strings(&browser, "a[href^='/']", "href") {
            let answer = client.get(&href);
            assert!(answer.status < 400, "{path} leads to {href}, which answers {}", answer.status);
        }
    }
    browser.expects(403);
    browser.open("/add");
    browser.sees("This takes an administrator. Your role is readonly");
    browser.follow("Fleet");
    browser.sees("debian (2)");
}

/// An attribute of all that the selector finds.
fn strings(browser: &Browser, selector: &str, attribute: &str) -> Vec<String> {
    const READ: &str = "const [selector, name] = arguments[0];\
        return [...document.querySelectorAll(selector)].map((element) => element.getAttribute(name))";
    let found: Value = browser.run(READ, json!([selector, attribute]));
    serde_json::from_value(found).unwrap()
}
