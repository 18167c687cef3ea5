//! Sessions: what ends them, and what remains of them.

use std::time::Duration;

use serde_json::json;

use crate::common::{Folder, eventually};
use crate::people::{Browser, EMAIL, PASSWORD, administrator, invite, make_administrator, signed_in};

const NEW: &str = "another blue whale";

#[test]
fn another_password_ends_all_other_sessions() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let (here, there) = (signed_in(&hub, EMAIL), signed_in(&hub, EMAIL));
    let change = |current: &str, new: &str| {
        here.json("POST", "/api/account/password", &json!({"current": current, "new": new}))
    };
    assert!(change("not my password", NEW).error().starts_with("current: is not your password"));
    assert!(change(PASSWORD, "short").error().starts_with("new: is shorter"));
    assert!(here.is_in() && there.is_in());
    assert_eq!(change(PASSWORD, NEW).status, 204);
    assert!(here.is_in() && !there.is_in());
    let devices = folder.sql("SELECT token_hash FROM account_device");
    assert_eq!(devices.len(), 1, "the browser that did it stays known, and no other");
    let stranger = Browser::new(&hub);
    assert_eq!(stranger.sign_in(EMAIL, PASSWORD).status, 401);
    assert_eq!(stranger.sign_in(EMAIL, NEW).status, 200);
}

#[test]
fn another_password_is_chosen_on_the_page_too() {
    let folder = Folder::new();
    let hub = folder.start();
    let person = administrator(&folder, &hub);
    let wrong = person.form("/account/password", &[("current", "not my password"), ("new", NEW)]);
    assert!(wrong.status == 400 && wrong.text.contains("This is not your password."), "{wrong:?}");
    let done = person.form("/account/password", &[("current", PASSWORD), ("new", NEW)]);
    assert_eq!(done.status, 303, "{done:?}");
    assert!(person.get("/account").text.contains("The password is changed"));
    let again = person.get("/account?done=password");
    assert!(again.status == 200 && !again.text.contains("The password is changed"), "a link says nothing");
    while person.form("/account/password", &[("current", "not my password"), ("new", NEW)]).status != 429 {}
    let late = person.form("/account/password", &[("current", NEW), ("new", PASSWORD)]);
    assert!(late.status == 429 && late.head.contains("retry-after: "), "{late:?}");
}

#[test]
fn another_role_and_deletion_end_sessions_at_once() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let id = invite(&admin, &hub, "two@example.org", "operator");
    let other = signed_in(&hub, "two@example.org");
    assert!(other.is_in());
    let path = format!("/api/accounts/{id}");
    assert_eq!(admin.json("PUT", &path, &json!({"role": "operator"})).status, 200);
    assert!(other.is_in(), "nothing changed");
    assert_eq!(admin.json("PUT", &path, &json!({"role": "readonly"})).json()["role"], "readonly");
    assert!(!other.is_in());
    let other = signed_in(&hub, "two@example.org");
    assert_eq!(other.get("/api/account").json()["role"], "readonly");
    assert_eq!(admin.json("DELETE", &path, &json!({})).status, 204);
    assert!(!other.is_in());
    assert_eq!(other.sign_in("two@example.org", PASSWORD).status, 401);
    assert_eq!(admin.json("DELETE", &path, &json!({})).status, 404);
    let changes = folder.sql("SELECT changes FROM audit WHERE action = 'account.update'");
    assert_eq!(changes, [r#"{"role":["operator","readonly"]}"#]);
}

#[test]
fn the_last_administrator_stays() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let id = admin.get("/api/account").json()["id"].as_str().unwrap().to_owned();
    let path = format!("/api/accounts/{id}");
    // Somebody who is only invited cannot administrate yet.
    admin.json("POST", "/api/accounts", &json!({"email": "two@example.org", "role": "admin"}));
    for refused in
        [admin.json("PUT", &path, &json!({"role": "operator"})), admin.json("DELETE", &path, &json!({}))]
    {
        assert_eq!(refused.status, 409, "{refused:?}");
        assert!(refused.error().contains("last administrator"));
    }
    invite(&admin, &hub, "three@example.org", "admin");
    assert_eq!(admin.json("PUT", &path, &json!({"role": "operator"})).status, 200);
    assert!(!admin.is_in());
}

#[test]
fn sessions_end_by_idleness_and_age() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let [idle, old, open] = [(); 3].map(|()| signed_in(&hub, EMAIL).cookie("sigma").unwrap());
    let ids = folder.sql("SELECT hex(id) FROM account_session ORDER BY id");
    hub.stop();
    let day = 86_400_000_i64;
    let set = |what: &str, id: &str| {
        folder.sql(&format!("UPDATE account_session SET {what} WHERE hex(id) = '{id}'"));
    };
    set(&format!("last_used_at = last_used_at - {}", 7 * day + 1), &ids[0]);
    set(&format!("created_at = created_at - {}", 30 * day + 1), &ids[1]);
    set(
        &format!("last_used_at = last_used_at - {}, created_at = created_at - {}", 6 * day, 29 * day),
        &ids[2],
    );
    let hub = folder.start();
    let is_open = |token: &str| {
        let cookie = format!("sigma={token}");
        hub.send("GET", "/api/sessions", &[("cookie", &cookie)], b"").status == 200
    };
    assert_eq!([is_open(&idle), is_open(&old), is_open(&open)], [false, false, true]);
    // Being used is written down, seconds later.
    let used = || {
        folder.sql(&format!(
            "SELECT CAST(last_used_at AS TEXT) FROM account_session WHERE hex(id) = '{}'",
            ids[2]
        ))
    };
    let before = used();
    assert!(eventually(Duration::from_secs(10), || used() != before));
}

#[test]
fn one_sees_and_ends_ones_own_sessions_alone() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    invite(&admin, &hub, "two@example.org", "admin");
    let (here, there) = (signed_in(&hub, "two@example.org"), signed_in(&hub, "two@example.org"));
    let list = here.get("/api/sessions").json();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    let current = |is: bool| {
        let found = list.as_array().unwrap().iter().find(|session| session["current"] == is).unwrap();
        assert_eq!(found["client_ip"], "127.0.0.1");
        assert_eq!(found["user_agent"], "Mozilla/5.0 (story)");
        found["id"].as_str().unwrap().to_owned()
    };
    let path = format!("/api/sessions/{}", current(false));
    assert_eq!(admin.json("DELETE", &path, &json!({})).status, 404, "another person's session");
    assert_eq!(here.json("DELETE", &path, &json!({})).status, 204);
    assert!(here.is_in() && !there.is_in());
    let ended = here.form(&format!("/account/sessions/{}/end", current(true)), &[]);
    assert!(ended.status == 303 && !here.is_in(), "{ended:?}");
}

#[test]
fn a_session_survives_a_restart_and_its_token_is_kept_by_the_browser_alone() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let (token, device) = (admin.cookie("sigma").unwrap(), admin.cookie("sigma-device").unwrap());
    let (_, _, log) = hub.stop();
    for secret in [&*token, &*device, PASSWORD] {
        assert!(!log.contains(secret), "a secret is in the log");
        let files = std::fs::read_dir(folder.path()).unwrap();
        for file in files {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            assert!(
                !bytes.windows(secret.len()).any(|part| part == secret.as_bytes()),
                "a secret is in the data"
            );
        }
    }
    let hub = folder.start();
    let kept = hub.send("GET", "/api/sessions", &[("cookie", &format!("sigma={token}"))], b"");
    assert_eq!(kept.status, 200, "{kept:?}");
}

/// A sign-in whose password was judged already waits for its turn to write, behind what makes that password wrong.
#[test]
fn a_sign_in_in_flight_does_not_survive_another_password_or_deletion() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    for change in [
        "UPDATE account SET password = password || '!'",
        "UPDATE account SET totp_seed = '00'",
        "DELETE FROM account_link; DELETE FROM account_device; DELETE FROM account_session; DELETE FROM account",
    ] {
        folder.sql("UPDATE account SET totp_seed = NULL, password = rtrim(password, '!')");
        let lock = folder.lock();
        let answer = std::thread::scope(|scope| {
            let sign_in = scope.spawn(|| Browser::new(&hub).sign_in(EMAIL, PASSWORD));
            std::thread::sleep(Duration::from_millis(1500));
            assert!(!sign_in.is_finished(), "it waits for the lock");
            lock.change(change);
            sign_in.join().unwrap()
        });
        assert_eq!(answer.status, 401, "{change}: {answer:?}");
        assert_eq!(answer.error(), "The e-mail or the password is wrong.");
        assert_eq!(folder.sql("SELECT hex(id) FROM account_session"), Vec::<String>::new(), "{change}");
    }
}

#[test]
fn two_persons_of_one_browser_stay_known_to_it() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    invite(&admin, &hub, "two@example.org", "operator");
    assert_eq!(admin.sign_in("two@example.org", PASSWORD).status, 200);
    let owners = folder.sql("SELECT DISTINCT hex(account_id) FROM account_device");
    assert_eq!(owners.len(), 2, "{owners:?}");
}
