//! What must be true of every page: names for assistive technology, structure, contrast, sizes.

use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::{Browser, Theme};

/// A desk, and the narrowest telephone that WCAG 2.2 thinks of (1.4.10).
pub(crate) const WIDTHS: [u32; 2] = [1280, 320];
const HEIGHT: u32 = 900;

/// What must have a name, by role.
const NAMED: &[&str] = &[
    "button",
    "checkbox",
    "combobox",
    "dialog",
    "graphics-document",
    "image",
    "img",
    "link",
    "listbox",
    "menuitem",
    "meter",
    "navigation",
    "option",
    "progressbar",
    "radio",
    "region",
    "searchbox",
    "slider",
    "spinbutton",
    "switch",
    "tab",
    "table",
    "textbox",
];

/// All that is wrong with the page that the browser is at, with the theme and the width at which it is.
pub(crate) fn faults(browser: &Browser) -> Vec<String> {
    let mut found = names(browser);
    for theme in [Theme::Light, Theme::Dark] {
        browser.likes(theme);
        for width in WIDTHS {
            browser.resize(width, HEIGHT);
            // Tab: who uses the keyboard is shown where the focus is.
            browser.type_keys(&Key::Tab);
            let faults = browser.run(include_str!("checks.js"), Value::Null);
            let faults = faults.as_array().unwrap_or_else(|| panic!("{faults}"));
            let at = |fault: &Value| format!("{}, {width} px: {}", theme.name(), fault.as_str().unwrap());
            found.extend(faults.iter().map(at));
        }
    }
    browser.likes(Theme::Light);
    browser.resize(WIDTHS[0], HEIGHT);
    found.extend(browser.complaints());
    found
}

/// Asks the tree that assistive technology gets.
fn names(browser: &Browser) -> Vec<String> {
    let tree = browser.devtools("Accessibility.getFullAXTree", &json!({}));
    let nodes = tree["nodes"].as_array().unwrap();
    let unnamed = nodes.iter().filter(|node| {
        let role = node["role"]["value"].as_str().unwrap_or_default();
        let name = node["name"]["value"].as_str().unwrap_or_default();
        node["ignored"] != true && NAMED.contains(&role) && name.trim().is_empty()
    });
    let told = unnamed.map(|node| {
        let id = json!({"backendNodeId": node["backendDOMNodeId"]});
        let html = browser.devtools("DOM.getOuterHTML", &id);
        let html: String = html["outerHTML"].as_str().unwrap_or_default().chars().take(120).collect();
        format!("a {} has no name: {html}", node["role"]["value"].as_str().unwrap_or_default())
    });
    told.collect()
}
