//! The first administrator, by the one-time link.

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::people::{EMAIL, PASSWORD, printed_token};

stories_also_without_javascript!(the_link_makes_an_administrator_who_is_signed_in);

fn the_link_makes_an_administrator_who_is_signed_in(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let link = format!("/setup?token={}", printed_token(&hub));
    let browser = Browser::new(&hub, script);
    browser.open(&link);
    browser.sees("Make an administrator");
    browser.fill("E-mail", EMAIL);
    browser.fill("Password", "short");
    browser.expects(400);
    browser.press("Make the account and sign in");
    browser.sees("12 characters");
    assert_eq!(browser.value("E-mail"), EMAIL, "what was right is kept");
    browser.fill("Password", PASSWORD);
    browser.press("Make the account and sign in");
    browser.is_at("/add");
    browser.sees(EMAIL);

    let late = Browser::new(&hub, script);
    late.expects(410);
    late.open(&link);
    assert!(!late.text().contains("E-mail"), "the link is good once: {}", late.text());
}
