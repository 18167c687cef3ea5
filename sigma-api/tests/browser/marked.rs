//! Text that a person has marked, while machines report.

use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;

stories!(a_row_in_which_text_is_marked_waits_with_what_is_new);

fn a_row_in_which_text_is_marked_waits_with_what_is_new(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let mut alpha = Machine::new("alpha", 1, "b1", "203.0.113.1");
    let mut beta = Machine::new("beta", 2, "b2", "203.0.113.2");
    let id = alpha.live(&hub, &key);
    beta.live(&hub, &key);
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/");
    let its_address = format!("#m-{id} li.ip");
    browser.marks(&its_address);
    let marked = || browser.run("return getSelection().toString().trim()", Value::Null);
    assert_eq!(marked(), "203.0.113.1");

    for round in [1, 2] {
        alpha.ip = format!("198.51.100.{round}");
        alpha.live(&hub, &key);
        // What the hub says of this one it says after what it said of the other.
        beta.ip = format!("192.0.2.{round}");
        beta.live(&hub, &key);
        browser.sees(&beta.ip);
        assert_eq!((marked(), browser.text_of(&its_address)), (json!("203.0.113.1"), "203.0.113.1".into()));
    }
    browser.clicks_at("h1");
    browser.sees("198.51.100.2");
    browser.sees_no("203.0.113.1");
    assert_eq!(browser.count("#rows > tr"), 2);

    alpha.ip = "198.51.100.3".into();
    alpha.live(&hub, &key);
    browser.sees("198.51.100.3");
}
