//! Import with its preview.

use crate::browser::{Browser, Script};
use crate::common::Folder;

stories_also_without_javascript!(a_list_is_previewed_mended_and_imported);

fn a_list_is_previewed_mended_and_imported(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/import");
    browser.fill("or its text", "hostname,country\nfine,NO\nbad,Norway\n");
    browser.press("Preview");
    browser.sees("1 refused");
    browser.sees("Nothing can be imported as long as a line is refused.");
    browser.sees("country: is a code of ISO 3166-1");
    assert_eq!(browser.count("form[action='/import/apply']"), 0, "nothing can be applied");
    assert!(browser.value("or its text").contains("bad,Norway"), "the text stands where it can be mended");

    browser.fill("or its text", "hostname,country\nfine,NO\nbad,SE\n");
    browser.press("Preview");
    browser.sees("2 new");
    browser.sees("none refused");
    browser.press("Import 2 lines");
    browser.is_at("/");
    browser.sees("2 records are imported.");
    for name in ["fine", "bad"] {
        browser.sees(name);
    }
    browser.open("/import");
    browser.fill("or its text", "hostname,country\nfine,NO\nbad,FI\n");
    browser.press("Preview");
    browser.sees("1 changed");
    browser.follow("Cancel");
    browser.is_at("/import");
    browser.sees("Import and export");
}
