//! That the browser of the stories sees what goes wrong.

use std::panic::AssertUnwindSafe;

use crate::browser::{Browser, Script};
use crate::common::Folder;

stories!(
    an_error_of_a_script_fails_the_story,
    what_the_policy_refuses_fails_the_story,
    keys_and_shift_come_to_the_page,
);
stories_also_without_javascript!(scripts_run_only_where_they_may);

fn scripts_run_only_where_they_may(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::new(&hub, script);
    browser.open("data:text/html,<p>waiting<script>document.querySelector('p').textContent = 'run'</script>");
    browser.sees(if script == Script::On { "run" } else { "waiting" });
    assert_eq!(browser.run("return arguments[0] + 1", 1.into()), 2, "stories look with scripts of their own");
}

fn an_error_of_a_script_fails_the_story(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::new(&hub, script);
    browser.open("/sign-in");
    assert_eq!(browser.complaints(), Vec::<String>::new());
    browser.run("setTimeout(() => { throw new Error('of the page') })", serde_json::Value::Null);
    browser.run("return new Promise(done => setTimeout(done, 50))", serde_json::Value::Null);
    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| drop(browser)));
    let sentence = ended.unwrap_err().downcast::<String>().unwrap();
    assert!(sentence.contains("the console complained") && sentence.contains("of the page"), "{sentence}");
}

fn what_the_policy_refuses_fails_the_story(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::new(&hub, script);
    browser.open("/sign-in");
    browser.run("document.body.setAttribute('style', 'color: red')", serde_json::Value::Null);
    let complaints = browser.complaints();
    assert!(complaints.iter().any(|line| line.contains("Content Security Policy")), "{complaints:?}");
}

fn keys_and_shift_come_to_the_page(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::new(&hub, script);
    browser.open(
        "data:text/html,<button onclick='document.title = event.shiftKey'>it</button><script>\
         onkeydown = event => { document.body.append('[' + event.key + ']') }</script>",
    );
    browser.type_keys("/x?");
    browser.sees("[/][x][?]");
    browser.press("it");
    assert_eq!(browser.title(), "false");
    browser.click_with_shift("button", "it");
    assert_eq!(browser.title(), "true");
}
