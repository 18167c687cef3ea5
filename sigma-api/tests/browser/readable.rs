//! Everybody can read every page: by eye, on a telephone, by ear, by keyboard.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::browser::{Browser, Script};
use crate::checks::faults;
use crate::common::{Folder, Hub};
use crate::furnish::furnish;
use crate::pages::{PAGES, Page, Places, Who};

stories!(
    every_page_is_readable_after_something_was_done,
    every_page_is_readable_while_there_is_nothing,
    each_check_finds_its_fault,
);
stories_also_without_javascript!(every_page_is_readable);

/// Pages that are not the same where no script makes them better.
const WITHOUT_SCRIPTS: [&str; 11] = [
    "fleet",
    "fleet-of-a-reader",
    "inbox",
    "machine",
    "machine-edit-wrong",
    "add-made",
    "arrivals",
    "key-rotated",
    "import-ready",
    "account",
    "authenticator",
];

// Two stories of about the same length, as they are told side by side.
fn every_page_is_readable(script: Script) {
    let folder = Folder::new();
    let hub = furnish(&folder);
    walk(&folder, &hub, script, |page| match script {
        Script::On => page.then.is_none(),
        Script::Off => WITHOUT_SCRIPTS.contains(&page.name),
    });
}

fn every_page_is_readable_after_something_was_done(script: Script) {
    let folder = Folder::new();
    let hub = furnish(&folder);
    walk(&folder, &hub, script, |page| page.then.is_some());
}

fn every_page_is_readable_while_there_is_nothing(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    walk(&folder, &hub, script, |page| page.can_be_empty);
}

/// Looks at these pages, and tells all that is wrong with any.
fn walk(folder: &Folder, hub: &Hub, script: Script, is_looked_at: impl Fn(&Page) -> bool) {
    let places = Places::new(folder, hub, script);
    let (mut found, mut titles) = (Vec::new(), BTreeMap::new());
    // States of one page share its title, and strangers and persons never see each other's.
    let mut is_called = |page: &Page, title: String| {
        let own = page.path.split('?').next().unwrap();
        let path = *titles.entry((page.who == Who::Stranger, title)).or_insert(own);
        (path != own).then(|| format!("{}: has the title of {path}", page.name))
    };
    let (looked_at, others): (Vec<&Page>, Vec<&Page>) = PAGES.iter().partition(|page| is_looked_at(page));
    for page in others.into_iter().filter(|page| page.then.is_none()) {
        found.extend(places.title(page).and_then(|title| is_called(page, title)));
    }
    for page in looked_at {
        let Some(browser) = places.visit(page) else {
            found.push(format!("{}: there is nothing to look at", page.name));
            continue;
        };
        found.extend(faults(browser).into_iter().map(|fault| format!("{}: {fault}", page.name)));
        if !page.is_error() {
            found.extend(is_called(page, browser.title()));
        }
    }
    assert!(found.is_empty(), "{} faults:\n{}", found.len(), found.join("\n"));
}

/// A page without a fault, and what to put into it for each.
fn each_check_finds_its_fault(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::new(&hub, script);
    browser.open("/sign-in");
    assert_eq!(faults(&browser), Vec::<String>::new());
    let mut missed = Vec::new();
    for (html, fault) in [
        ("<input>", "a textbox has no name"),
        ("<button></button>", "a button has no name"),
        ("<a href='/'></a>", "a link has no name"),
        ("<nav><a href='/x'>there</a></nav>", "a navigation has no name"),
        ("<img src='data:,'>", "has no alt"),
        ("<svg width='20' height='20'></svg>", "has neither role"),
        ("<svg width='20' height='20' role='img'></svg>", "has no name"),
        ("<h1>Again</h1>", "2 headings of the first level"),
        ("<h3>Deep</h3>", "follows a heading of level 1"),
        ("<main>more</main>", "2 main landmarks"),
        ("<p id='main'>twice</p>", "the id main is there twice"),
        ("<p aria-describedby='gone'>text</p>", "names gone in aria-describedby"),
        ("<table aria-label='t'><tr><th>a</th><td>b</td></tr></table>", "has no scope"),
        ("<p data-style='width: 400px'>wide</p>", "320 px: the page is 4"),
        (
            "<button data-style='min-height: 0; height: 9px; width: 9px; padding: 0'>a</button><button>next</button>",
            "too near to",
        ),
        ("<p data-style='color: #888'>grey</p>", "light, 1280 px: <p> \"grey\": the contrast"),
        ("<p data-style='color: #666'>grey</p>", "dark, 1280 px: <p> \"grey\": the contrast"),
        ("<p data-style='color: oklab(0.6 0 0 / 0.6)'>pale</p>", "the contrast of \"pale\""),
        ("<p data-style='opacity: .5'>half</p>", "the contrast of \"half\""),
        (
            "<p data-style='background: linear-gradient(red, black); color: black'>dark</p>",
            "the contrast of \"dark\"",
        ),
        (
            "<input aria-label='x' placeholder='hint' data-style='color: #999; background: #aaa'>",
            "the contrast of \"hint\"",
        ),
        ("<button data-style='outline: none'>hidden</button>", "does not show the focus"),
        ("<button data-style='outline-color: #eee'>pale</button>", "the contrast of the focus"),
        ("<button tabindex='3'>first</button>", "a place of its own in the order of Tab"),
    ] {
        browser.open("/sign-in");
        browser.run(INJECT, html.into());
        let found = faults(&browser);
        if !found.iter().any(|line| line.contains(fault)) {
            missed.push(format!("{html} should give {fault:?}: {found:#?}"));
        }
    }
    for (script, fault) in [
        ("document.documentElement.lang = ''", "does not say its language"),
        ("document.title = 'Sigma'", "the title"),
    ] {
        browser.open("/sign-in");
        browser.run(script, Value::Null);
        let found = faults(&browser);
        if !found.iter().any(|line| line.contains(fault)) {
            missed.push(format!("{script} should give {fault:?}: {found:#?}"));
        }
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}

/// Puts something at the end of the content. Styles are set by the object model, which the policy lets pass.
const INJECT: &str = "
    document.querySelector('main').insertAdjacentHTML('beforeend', arguments[0]);
    for (const element of document.querySelectorAll('[data-style]')) element.style.cssText = element.dataset.style;
";
