//! The own account: password and sessions.

use crate::browser::{Browser, Script};
use crate::common::Folder;
use crate::people::{EMAIL, PASSWORD, make_administrator};

stories_also_without_javascript!(
    another_password_ends_the_sessions_elsewhere,
    a_session_elsewhere_is_ended_from_the_list,
);

fn another_password_ends_the_sessions_elsewhere(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    let here = Browser::of_administrator(&folder, &hub, script);
    let there = Browser::new(&hub, script);
    there.comes_in(&hub, EMAIL);
    there.open("/account");
    there.sees("Your account");
    here.open("/account");
    here.expects(400);
    here.fill("Current password", "not my password");
    here.fill("New password", "another blue whale");
    here.press("Change the password");
    here.sees("This is not your password.");
    here.fill("Current password", PASSWORD);
    here.fill("New password", "another blue whale");
    here.press("Change the password");
    here.sees("The password is changed");
    there.reload();
    there.sees("Sign in");
    there.signs_in(EMAIL, "another blue whale");
    there.is_at("/account");
}

fn a_session_elsewhere_is_ended_from_the_list(script: Script) {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    folder.sql("DELETE FROM account_session");
    let (here, there) = (Browser::new(&hub, script), Browser::new(&hub, script));
    here.comes_in(&hub, EMAIL);
    there.comes_in(&hub, EMAIL);
    there.open("/inbox");
    there.sees(EMAIL);
    here.open("/account");
    here.click_only(".rows button");
    here.sees("The session has ended.");
    here.waits_for(".rows button", 0);
    there.reload();
    there.is_at("/sign-in?next=%2Finbox");
}
