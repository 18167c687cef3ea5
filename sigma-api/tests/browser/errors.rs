//! What a person sees where there is nothing to see.

use crate::browser::{Browser, Script};
use crate::common::Folder;

stories_also_without_javascript!(a_page_that_is_not_there_says_so_and_leads_back);

fn a_page_that_is_not_there_says_so_and_leads_back(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.expects(404);
    browser.open("/nowhere");
    browser.sees("There is nothing here");
    browser.follow("To the fleet");
    browser.is_at("/add");
    browser.expects(410);
    browser.open("/setup?token=none");
    browser.sees("link");
}
