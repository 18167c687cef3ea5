//! From an empty hub to fifty machines with their providers.
#![expect(clippy::string_slice, reason = "keys are ASCII")]

use crate::browser::{Browser, Script};
use crate::common::machine::Machine;
use crate::common::{Folder, Hub};
use crate::people::{EMAIL, PASSWORD, printed_token};

stories_also_without_javascript!(fifty_machines_have_their_providers_after_a_dozen_clicks);

fn fifty_machines_have_their_providers_after_a_dozen_clicks(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::new(&hub, script);
    browser.open(&format!("/setup?token={}", printed_token(&hub)));
    browser.fill("E-mail", EMAIL);
    browser.fill("Password", PASSWORD);
    browser.press("Make the account and sign in");
    browser.is_at("/add");
    browser.sees("No machine has reported yet.");

    browser.presses.set(0);
    browser.fill("Name of the key", "the first fifty");
    browser.fill("New machines at most", "50");
    browser.press("Make the key");
    browser.sees("The key is made");
    let key = key_in(&browser.text_of("#shell"));
    browser.sees("0 of 50 have reported");
    browser.follow("a page of its own");
    browser.goes_to_the_new_window();
    browser.sees("0 of 50 have reported");

    fifty(&hub, &key);
    if script == Script::Off {
        browser.follow("Look again");
    }
    browser.sees("50 of 50 have reported");
    browser.follow(if script == Script::Off { "Inbox 50 to look at" } else { "Inbox" });
    browser.sees("50 machines wait.");
    browser.press("Assign all 24 to Hetzner Cloud");
    browser.sees("24 machines are assigned.");
    browser.press("Assign all 18 to DigitalOcean");
    browser.sees("18 machines are assigned.");
    browser.sees("For 8 no provider is suggested.");

    browser.follow("Fleet");
    browser.follow("No provider 8");
    let all =
        if script == Script::On { "Select all on this page" } else { "All 8 machines that the search finds" };
    browser.tick(all);
    browser.press("Provider");
    browser.fill("Or to a new one", "The friend with the rack");
    browser.press("Assign");
    browser.sees("8 machines changed.");
    browser.sees("No machine matches.");
    let presses = browser.presses.get();
    assert!(presses <= 12, "it took {presses} clicks");

    let admin = folder.key("admin");
    let assigned = |q: &str| hub.get(&admin, &format!("/api/vps?q={q}&per_page=1")).json()["total"].clone();
    assert_eq!(assigned("provider:none"), 0);
    assert_eq!(assigned("provider:%22The%20friend%20with%20the%20rack%22"), 8);
    browser.open("/inbox");
    browser.sees("Nothing waits.");
}

/// The key in the commands that a page shows.
pub(crate) fn key_in(commands: &str) -> String {
    let starts = commands.match_indices("sgm_").map(|(at, _)| &commands[at..]);
    let mut keys =
        starts.map(|text| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect());
    keys.find(|key: &String| key.len() == 44).unwrap_or_else(|| panic!("no key in {commands}"))
}

/// Fifty machines: most say by their firmware whose they are, of the others nothing is known.
fn fifty(hub: &Hub, key: &str) {
    const OTHERS: [&str; 8] = ["apple", "zebra", "kiwi", "quartz", "umbra", "lemon", "osprey", "violet"];
    for number in 1..=50_u8 {
        let boot = format!("{number:08}-0000-4000-8000-000000000000");
        let (name, ip, vendor, product) = match number {
            1..=24 => (format!("fsn{number}"), format!("192.0.2.{number}"), "Hetzner", "vServer"),
            25..=42 => (format!("ams{number}"), format!("198.51.100.{number}"), "DigitalOcean", "Droplet"),
            _ => {
                (OTHERS[usize::from(number - 43)].into(), format!("203.0.{number}.9"), "QEMU", "Standard PC")
            }
        };
        let machine = Machine {
            vendor: Some(vendor.into()),
            product: Some(product.into()),
            ..Machine::new(&name, number, &boot, &ip)
        };
        machine.live(hub, key);
        assert_eq!(machine.beat(hub, key).status, 200, "and goes on reporting");
    }
}
