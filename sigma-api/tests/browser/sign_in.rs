//! Signing in and out, as a person does it.

use fantoccini::key::Key;

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::common::authenticator::{code, wait_for_a_step};
use crate::people::{Browser as Client, EMAIL, PASSWORD, make_administrator};

stories_also_without_javascript!(
    a_person_signs_in_where_it_wanted_to_go_and_out_again,
    who_guesses_has_to_wait_and_is_told,
    an_authenticator_is_added_and_asked_for,
    a_keyboard_is_enough,
);

fn a_keyboard_is_enough(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let browser = Browser::new(&hub, script);
    browser.open("/account");
    browser.tabs_to("E-mail");
    browser.type_keys(EMAIL);
    browser.tabs_to("Password");
    browser.type_keys(&(PASSWORD.to_owned() + &Key::Enter));
    browser.is_at("/account");
    browser.type_keys(&Key::Tab);
    assert_eq!(browser.focused(), "Skip to the content", "the first thing that Tab comes to");
    browser.tabs_to("Sign out");
    browser.type_keys(&Key::Enter);
    browser.is_at("/sign-in");
}

fn a_person_signs_in_where_it_wanted_to_go_and_out_again(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let browser = Browser::new(&hub, script);
    browser.open("/account");
    browser.expects(401);
    browser.signs_in(EMAIL, "a tiny red whale");
    browser.sees("The e-mail or the password is wrong.");
    assert_eq!((browser.value("E-mail"), browser.value("Password")), (EMAIL.into(), String::new()));
    browser.signs_in(EMAIL, PASSWORD);
    browser.is_at("/account");
    browser.sees(EMAIL);
    browser.press("Sign out");
    browser.is_at("/sign-in");
    browser.open("/");
    browser.sees("Password");
}

fn who_guesses_has_to_wait_and_is_told(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let stranger = Client::new(&hub);
    while stranger.sign_in(EMAIL, "not the password at all").status != 429 {}
    let browser = Browser::new(&hub, script);
    browser.open("/sign-in");
    browser.expects(429);
    browser.signs_in(EMAIL, PASSWORD);
    browser.sees("Too many");
    assert_eq!(browser.value("E-mail"), EMAIL, "nothing is to be typed twice");
}

fn an_authenticator_is_added_and_asked_for(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::of_administrator(&folder, &hub, script);
    browser.open("/account");
    browser.press("Add an authenticator");
    let secret = browser.text_of("code.secret");
    wait_for_a_step();
    browser.fill("Code", &code(&secret, -1));
    browser.fill("Password", PASSWORD);
    browser.press("Confirm");
    browser.sees("Keep these codes");
    assert_eq!(browser.count(".codes code"), 10);
    browser.follow("I have kept them");
    browser.press("Sign out");
    browser.signs_in(EMAIL, PASSWORD);
    browser.sees("One more step");
    browser.expects(401);
    browser.fill("Code", "000000");
    browser.press("Sign in");
    browser.sees("The code is wrong");
    wait_for_a_step();
    browser.fill("Code", &code(&secret, 0));
    browser.press("Sign in");
    browser.is_at("/add");
}
