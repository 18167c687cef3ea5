//! A page of the fleet that stays open while things change.

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;

stories!(an_open_page_follows_what_happens_and_says_when_it_cannot);

fn an_open_page_follows_what_happens_and_says_when_it_cannot(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let alpha = Machine::new("alpha", 1, "b1", "203.0.113.1");
    alpha.live(&hub, &key);
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/");
    browser.sees("1 machine · 1 online");
    browser.tick("Select alpha");

    let beta = Machine::new("beta", 2, "b2", "203.0.113.2");
    beta.live(&hub, &key);
    browser.waits_for("#rows > tr", 2);
    browser.hears("beta has reported for the first time.");
    browser.sees("2 machines");
    browser.sees("No provider\n2");
    Machine { ip: "198.51.100.77".into(), ..beta }.live(&hub, &key);
    browser.sees("198.51.100.77");
    assert_eq!(browser.count("#rows input:checked"), 1, "what was chosen stays chosen");

    // It says that it beats every second, and is silent for longer than the hub bears.
    let presence = |word: &str| format!("tr:has([aria-label='Select alpha']) .p.{word}");
    browser.waits_for(&presence("late"), 1);
    alpha.live(&hub, &key);
    browser.waits_for(&presence("online"), 1);
    let seen = browser.text_of("tr:has([aria-label='Select alpha']) time");
    assert!(["0 s ago", "1 s ago", "2 s ago", "3 s ago", "4 s ago", "5 s ago"].contains(&&*seen), "{seen}");

    browser.expects_loss();
    let address = hub.address;
    assert_eq!(hub.stop().1, Some(0));
    browser.sees("Not live since");
    browser.sees("trying again");
    let hub = folder.start_at(address);
    Machine::new("gamma", 3, "b3", "203.0.113.3").live(&hub, &key);
    browser.waits_for("#rows > tr", 3);
    browser.sees_no("Not live since");
    browser.hears("gamma has reported for the first time.");

    browser.open("/?q=-tag:edge");
    browser.sees("This search\n3");
    Machine::new("delta", 4, "b4", "203.0.113.4").live(&hub, &key);
    browser.sees("This search\n4");
}
