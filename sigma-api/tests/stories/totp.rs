//! Authenticators: added, asked for, used once, lost.

use std::time::Duration;

use serde_json::json;

use crate::common::Folder;
use crate::common::authenticator::{base32, code, wait_for_a_step};
use crate::people::{Browser, EMAIL, PASSWORD, make_administrator, signed_in};

/// Adds an authenticator; its secret and the recovery codes.
fn add(person: &Browser<'_>) -> (String, Vec<String>) {
    wait_for_a_step();
    let begun = person.json("POST", "/api/account/totp", &json!({}));
    assert_eq!(begun.status, 200, "{begun:?}");
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    assert!(begun.json()["otpauth"].as_str().unwrap().contains(&secret));
    let wrong =
        person.json("POST", "/api/account/totp/confirm", &json!({"code": "000000", "password": PASSWORD}));
    assert_eq!(wrong.status, 400, "{wrong:?}");
    let stranger = json!({"code": code(&secret, -1), "password": "not the password"});
    let stranger = person.json("POST", "/api/account/totp/confirm", &stranger);
    assert!(stranger.status == 400 && stranger.error().starts_with("password: "), "{stranger:?}");
    let right = json!({"code": code(&secret, -1), "password": PASSWORD});
    let done = person.json("POST", "/api/account/totp/confirm", &right);
    assert_eq!(done.status, 200, "{done:?}");
    let codes = done.json()["recovery_codes"].clone();
    (secret, serde_json::from_value(codes).unwrap())
}

fn sign_in(hub: &crate::common::Hub, code: &str) -> u16 {
    let body = json!({"email": EMAIL, "password": PASSWORD, "totp": code});
    Browser::new(hub).json("POST", "/api/session", &body).status
}

#[test]
fn a_code_is_asked_for_and_good_once() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let person = signed_in(&hub, EMAIL);
    let (secret, _) = add(&person);
    assert_eq!(person.json("POST", "/api/account/totp", &json!({})).status, 409);
    let without = Browser::new(&hub).sign_in(EMAIL, PASSWORD);
    assert!(without.status == 401 && without.error().starts_with("totp: is missing"), "{without:?}");
    assert!(!without.head.contains("set-cookie"));
    let wrong = json!({"email": EMAIL, "password": "not the password", "totp": code(&secret, 0)});
    assert_eq!(Browser::new(&hub).json("POST", "/api/session", &wrong).status, 401);
    let now = code(&secret, 0);
    assert_eq!(sign_in(&hub, &now), 200);
    assert_eq!(sign_in(&hub, &now), 401, "somebody who looked over the shoulder comes too late");
    assert_eq!(sign_in(&hub, &code(&secret, -1)), 401, "and so does an older code");
    assert_eq!(sign_in(&hub, &code(&secret, 1)), 200, "a clock may be wrong by a step");
}

#[test]
fn a_person_adds_it_and_signs_in_with_it_on_pages() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let person = signed_in(&hub, EMAIL);
    wait_for_a_step();
    assert_eq!(person.form("/account/totp", &[]).status, 303);
    let page = person.get("/account").text;
    let secret = page.split("<code class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let wrong = person.form("/account/totp/confirm", &[("code", "12"), ("password", PASSWORD)]);
    assert!(
        wrong.status == 400 && wrong.text.contains("This is not what the authenticator shows"),
        "{wrong:?}"
    );
    let codes = person.form("/account/totp/confirm", &[("code", &code(&secret, -1)), ("password", PASSWORD)]);
    assert_eq!(codes.text.matches("<li><code>").count(), 10, "{codes:?}");
    assert!(person.get("/account").text.contains("Remove the authenticator"));

    let browser = Browser::new(&hub);
    let asked = browser.form("/sign-in", &[("email", EMAIL), ("password", PASSWORD), ("next", "/account")]);
    assert!(asked.status == 200 && asked.text.contains("One more step"), "{asked:?}");
    assert!(browser.cookie("sigma").is_none() && !asked.text.contains(PASSWORD));
    let ticket = asked.text.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let send = |code: &str| {
        browser.form("/sign-in/code", &[("ticket", ticket), ("next", "/account"), ("code", code)])
    };
    let wrong = send("999999");
    assert!(wrong.status == 401 && wrong.text.contains("The code is wrong"), "{wrong:?}");
    let entered = send(&code(&secret, 0));
    assert!(entered.status == 303 && entered.head.contains("location: /account\r\n"), "{entered:?}");
    assert_eq!(send(&code(&secret, 1)).status, 410, "a ticket is good once");
}

#[test]
fn recovery_codes_are_good_once_each_even_without_the_key_file() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let (_, codes) = add(&signed_in(&hub, EMAIL));
    assert_eq!(codes.len(), 10);
    assert_eq!(sign_in(&hub, &codes[0]), 200);
    assert_eq!(sign_in(&hub, &codes[0]), 401);
    assert_eq!(sign_in(&hub, &codes[1].to_uppercase().replace('-', " ")), 200);
    hub.stop();
    std::fs::remove_file(folder.path().join("sigma.key")).unwrap();
    let hub = folder.start();
    assert_eq!(sign_in(&hub, &codes[2]), 200);
    let body = json!({"email": EMAIL, "password": PASSWORD, "totp": "123456"});
    let unread = Browser::new(&hub).json("POST", "/api/session", &body);
    assert!(unread.status == 401 && unread.error().contains("recovery codes"), "{unread:?}");
    assert!(!folder.path().join("sigma.key").exists(), "a new key would not help");
    assert_eq!(folder.sql("SELECT action FROM audit WHERE action = 'account.recovery_code'").len(), 3);
}

#[test]
fn removing_it_takes_the_password() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let person = signed_in(&hub, EMAIL);
    let (_, codes) = add(&person);
    let remove = |password: &str| person.json("DELETE", "/api/account/totp", &json!({"password": password}));
    assert_eq!(remove("not the password").status, 400);
    assert_eq!(remove(PASSWORD).status, 204);
    assert_eq!(Browser::new(&hub).sign_in(EMAIL, PASSWORD).status, 200);
    assert_eq!(folder.sql("SELECT code_hash FROM account_recovery"), Vec::<String>::new());
    drop(codes);
}

#[test]
fn codes_cannot_be_guessed_by_who_knows_the_password() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    add(&signed_in(&hub, EMAIL));
    let statuses: Vec<u16> = (0..15).map(|number| sign_in(&hub, &format!("{number:06}"))).collect();
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}

#[test]
fn who_guesses_codes_does_not_keep_the_person_from_what_is_typed_in_a_session() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let person = signed_in(&hub, EMAIL);
    add(&person);
    while sign_in(&hub, "123456") != 429 {}
    let edit = json!({"current": PASSWORD, "new": "another blue whale"});
    assert_eq!(person.json("POST", "/api/account/password", &edit).status, 204);
    let statuses: Vec<u16> = (0..15)
        .map(|_| person.json("DELETE", "/api/account/totp", &json!({"password": PASSWORD})).status)
        .collect();
    assert_eq!(
        statuses.last(),
        Some(&429),
        "a session that was left open is no place to guess: {statuses:?}"
    );
    let (_, _, log) = hub.stop();
    let lines: Vec<&str> = log.lines().filter(|line| line.contains("too many wrong tries")).collect();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line.contains("from 127.0.0.1 for the account ")), "{lines:?}");
    assert!(!log.contains(EMAIL), "{log}");
}

#[test]
fn a_lost_key_file_costs_what_was_sealed_with_it_and_no_more() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let person = signed_in(&hub, EMAIL);
    let begin = || person.json("POST", "/api/account/totp", &json!({})).status;
    assert_eq!(begin(), 200);
    let cookie = format!("sigma={}", person.cookie("sigma").unwrap());
    hub.stop();
    let file = folder.path().join("sigma.key");
    std::fs::remove_file(&file).unwrap();
    let hub = folder.start();
    let page = || hub.send("GET", "/account", &[("cookie", &cookie)], b"");
    assert!(page().text.contains("Add an authenticator"), "{:?}", page());
    let begin = || {
        let headers = [("cookie", &*cookie), ("content-type", "application/json"), ("origin", "http://hub")];
        hub.send("POST", "/api/account/totp", &headers, b"{}")
    };
    assert_eq!(begin().status, 200, "nothing depends on the lost one");
    assert!(file.exists() && page().text.contains("Type the code"));
    hub.stop();
    std::fs::remove_file(&file).unwrap();
    folder.sql(
        "INSERT INTO account (id, email, role, created_at, totp_seed) VALUES (zeroblob(16), 'two@example.org', \
         'admin', 0, '00')",
    );
    let hub = folder.start();
    let headers = [("cookie", &*cookie), ("content-type", "application/json"), ("origin", "http://hub")];
    let refused = hub.send("POST", "/api/account/totp", &headers, b"{}");
    assert!(refused.status == 409 && refused.error().contains("key file is missing"), "{refused:?}");
    assert!(!file.exists());
}

#[test]
fn what_is_stored_is_not_the_secret() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let (secret, codes) = add(&signed_in(&hub, EMAIL));
    std::thread::sleep(Duration::from_millis(100));
    let (_, _, log) = hub.stop();
    let raw = base32(&secret);
    let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut secrets = vec![secret.clone().into_bytes(), raw, hex.into_bytes()];
    secrets.extend(codes.iter().map(|code| code.clone().into_bytes()));
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for secret in &secrets {
            assert!(!bytes.windows(secret.len()).any(|part| part == secret));
        }
    }
    assert!(!log.contains(&secret));
}

#[test]
fn another_password_or_no_authenticator_ends_the_second_step() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let person = signed_in(&hub, EMAIL);
    let (_, codes) = add(&person);
    let ticket = || {
        let asked = Browser::new(&hub).form("/sign-in", &[("email", EMAIL), ("password", PASSWORD)]);
        asked.text.split("name=\"ticket\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
    };
    let send = |ticket: &str, code: &str| {
        Browser::new(&hub).form("/sign-in/code", &[("ticket", ticket), ("code", code)]).status
    };
    let (before, also) = (ticket(), ticket());
    folder.sql("UPDATE account SET password = password || '!'");
    assert_eq!(send(&before, &codes[0]), 410, "another password");
    folder.sql("UPDATE account SET password = rtrim(password, '!')");
    let without = json!({"password": PASSWORD});
    assert_eq!(person.json("DELETE", "/api/account/totp", &without).status, 204);
    assert_eq!(send(&also, "any code"), 410, "no authenticator");
}

/// What was asked for waits for its turn to write, behind a change of what it was judged by.
#[test]
fn of_two_changes_at_once_the_second_is_refused() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let person = signed_in(&hub, EMAIL);
    let late = |change: &str, method: &str, path: &str, body: &serde_json::Value| {
        let lock = folder.lock();
        let cookie = format!("sigma={}", person.cookie("sigma").unwrap());
        let answer = std::thread::scope(|scope| {
            let request = scope.spawn(|| {
                let headers =
                    [("cookie", &*cookie), ("origin", "http://hub"), ("content-type", "application/json")];
                hub.send(method, path, &headers, body.to_string().as_bytes())
            });
            std::thread::sleep(Duration::from_millis(2000));
            assert!(!request.is_finished(), "{path} waits for the lock");
            lock.change(change);
            request.join().unwrap()
        });
        assert_eq!(answer.status, 409, "{path}: {answer:?}");
        assert!(answer.error().contains("was changed meanwhile"), "{answer:?}");
    };
    let (other, back) = (
        "UPDATE account SET password = password || '!'",
        "UPDATE account SET password = rtrim(password, '!')",
    );
    let edit = json!({"current": PASSWORD, "new": "another blue whale"});
    late(other, "POST", "/api/account/password", &edit);
    folder.sql(back);
    wait_for_a_step();
    let begun = person.json("POST", "/api/account/totp", &json!({}));
    let secret = begun.json()["secret"].as_str().unwrap().to_owned();
    let confirm = json!({"code": code(&secret, -1), "password": PASSWORD});
    late(other, "POST", "/api/account/totp/confirm", &confirm);
    folder.sql(back);
    assert_eq!(folder.sql("SELECT hex(totp_seed) FROM account"), [""], "it does not count");
    add(&person);
    late(other, "DELETE", "/api/account/totp", &json!({"password": PASSWORD}));
    folder.sql(back);
    assert_ne!(folder.sql("SELECT hex(totp_seed) FROM account"), [""], "it still counts");
    assert_eq!(
        folder.sql("SELECT action FROM audit WHERE action = 'account.password'"),
        Vec::<String>::new()
    );
}
