//! Two machines that look like one, and what a person says of them.

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::machine::Machine;

stories_also_without_javascript!(two_of_one_name_are_told_apart_renamed_or_merged);

fn two_of_one_name_are_told_apart_renamed_or_merged(script: Script) {
    let folder = Folder::new();
    let key = folder.key("agent");
    let hub = folder.start();
    let machine = |name: &str, number: u8| {
        Machine::new(name, number, &format!("b{number}"), &format!("203.0.113.{number}")).live(&hub, &key)
    };
    let browser = Browser::of_administrator(&folder, &hub, script);

    let ids = [machine("debian", 1), machine("debian", 2)];
    browser.open("/inbox");
    browser.sees("Two of one name 1");
    for seen in ["debian (2)", "203.0.113.1", "203.0.113.2", "01010101", "02020202"] {
        browser.sees(seen);
    }
    for id in &ids {
        browser.open(&format!("/vps/{id}"));
        browser.sees("The other is debian");
    }
    browser.open("/inbox");
    browser.press("These are two");
    browser.sees("They are two machines, and will not be marked again.");
    browser.sees_no("Two of one name");
    browser.open(&format!("/vps/{}", ids[0]));
    browser.sees_no("The other is");

    machine("ubuntu", 3);
    let renamed = machine("ubuntu", 4);
    browser.open("/inbox");
    browser.follow("Rename ubuntu (2)");
    browser.is_at(&format!("/vps/{renamed}/edit"));
    browser.fill("Name", "mail");
    browser.press("Save");
    browser.sees("The machine is saved.");
    browser.sees_no("The other is");
    browser.open("/inbox");
    browser.sees_no("Two of one name");

    let (stays, goes) = (machine("alpine", 5), machine("alpine", 6));
    browser.open(&format!("/vps/{stays}"));
    browser.press("They are one");
    browser.press("Merge alpine (2) into this one");
    browser.expects(409);
    browser.sees("Both ");
    browser.press("They are one");
    browser.click_only(&format!("form[action='/vps/{stays}/merge'] input[type=checkbox]"));
    browser.press("Merge alpine (2) into this one");
    browser.sees("The two records are one now.");
    browser.sees("203.0.113.6");
    browser.open(&format!("/vps/{goes}"));
    browser.sees("It was merged into alpine");
    browser.open("/inbox");
    browser.sees_no("Two of one name");
}
