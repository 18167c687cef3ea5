//! Text that a person has marked, while machines report.

use serde_json::{Value, json};

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::id_of;

stories!(a_row_in_which_text_is_marked_waits_with_what_is_new);

fn a_row_in_which_text_is_marked_waits_with_what_is_new(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    // They beat so rarely that nothing is new but their addresses.
    let has_address = |name: &str, ip: &str| {
        let message = json!({"hostname": name, "ip_addresses": [{"ip": ip, "label": ""}],
            "system_info": {"uptime_seconds": 1000}, "agent": {"version": "0.1.0", "interval_seconds": 3600}});
        id_of(&hub.post(&key, "/api/agent/register", &message.to_string()))
    };
    let id = has_address("alpha", "203.0.113.1");
    has_address("beta", "203.0.113.2");
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/");
    let its_address = format!("#m-{id} li.ip");
    browser.marks(&its_address);
    let marked = || browser.run("return getSelection().toString().trim()", Value::Null);
    assert_eq!(marked(), "203.0.113.1");

    for round in [1, 2] {
        has_address("alpha", &format!("198.51.100.{round}"));
        // What the hub says of this one it says after what it said of the other.
        let of_other = format!("192.0.2.{round}");
        has_address("beta", &of_other);
        browser.sees(&of_other);
        assert_eq!((marked(), browser.text_of(&its_address)), (json!("203.0.113.1"), "203.0.113.1".into()));
    }
    browser.clicks_at("h1");
    browser.sees("198.51.100.2");
    browser.sees_no("203.0.113.1");
    assert_eq!(browser.count("#rows > tr"), 2);

    has_address("alpha", "198.51.100.3");
    browser.sees("198.51.100.3");
}
