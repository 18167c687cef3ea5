//! The first administrator: by a link that is printed once and good once.

use std::time::Duration;

use serde_json::json;

use crate::common::{Folder, eventually};
use crate::people::{Browser, EMAIL, PASSWORD, administrator, printed_token, token_of};

#[test]
fn the_first_start_prints_a_link_that_makes_the_administrator() {
    let folder = Folder::new();
    let hub = folder.start();
    let token = printed_token(&hub);
    assert!(
        hub.said().starts_with(&format!("Make the first administrator: http://{}/setup?token=", hub.address))
    );
    let browser = Browser::new(&hub);
    assert_eq!(browser.get("/").status, 303, "there is no page without an account");
    let page = browser.get(&format!("/setup?token={token}"));
    assert_eq!(page.status, 200, "{page:?}");
    assert!(page.text.contains("Make an administrator") && page.head.contains("cache-control: no-store"));
    let made =
        browser.form("/setup", &[("token", &token), ("email", "Ops@Example.org"), ("password", PASSWORD)]);
    assert_eq!(made.status, 303, "{made:?}");
    let home = browser.get("/add");
    assert!(home.status == 200 && home.text.contains(EMAIL), "{home:?}");
    assert_eq!(folder.sql("SELECT role FROM account"), ["admin"]);
    for again in [browser.get(&format!("/setup?token={token}")), browser.form("/setup", &[("token", &token)])]
    {
        assert_eq!(again.status, 410, "{again:?}");
    }
    let (_, _, log) = hub.stop();
    assert!(!log.contains(&token), "a secret is in the log");
    let files =
        std::fs::read_dir(folder.path()).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap());
    assert!(files.into_iter().all(|bytes| !bytes.windows(64).any(|part| part == token.as_bytes())));
}

#[test]
fn a_link_is_made_only_while_there_is_neither_administrator_nor_link() {
    let folder = Folder::new();
    let hub = folder.start();
    printed_token(&hub);
    hub.stop();
    let hub = folder.start();
    assert!(
        eventually(Duration::from_secs(10), || hub.said().contains("sigma-api setup-link")),
        "{}",
        hub.said()
    );
    assert!(!hub.said().contains("token="));
    administrator(&folder, &hub);
    hub.stop();
    let hub = folder.start();
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(hub.said(), "");
}

#[test]
fn a_link_that_expired_is_replaced() {
    let folder = Folder::new();
    let hub = folder.start();
    let token = printed_token(&hub);
    folder.sql("UPDATE account_link SET expires_at = created_at - 1");
    let body = json!({"token": token, "email": EMAIL, "password": PASSWORD});
    let late = hub.post("", "/api/setup", &body.to_string());
    assert_eq!(late.status, 410, "{late:?}");
    assert!(late.error().contains("setup-link"));
    hub.stop();
    let hub = folder.start();
    assert_ne!(printed_token(&hub), token);
}

#[test]
fn the_command_makes_one_more_administrator_and_voids_earlier_links() {
    let folder = Folder::new();
    let hub = folder.start();
    let first = printed_token(&hub);
    administrator(&folder, &hub);
    let body =
        |token: &str, email: &str| json!({"token": token, "email": email, "password": PASSWORD}).to_string();
    assert_eq!(hub.post("", "/api/setup", &body(&first, "late@example.org")).status, 410);
    let made = folder.run(&["setup-link"]);
    let link = String::from_utf8(made.stdout).unwrap();
    let start = format!("http://{}/setup?token=", hub.address);
    assert!(
        link.lines().count() == 1 && link.starts_with(&start),
        "where the hub that runs is found: {link}"
    );
    assert!(!String::from_utf8(made.stderr).unwrap().contains(&token_of(&link)));
    assert_eq!(hub.post("", "/api/setup", &body(&token_of(&link), EMAIL)).status, 409, "the e-mail is taken");
    assert_eq!(hub.post("", "/api/setup", &body(&token_of(&link), "two@example.org")).status, 201);
    assert_eq!(folder.sql("SELECT email FROM account ORDER BY email"), [EMAIL, "two@example.org"]);
    let lines = folder.sql("SELECT action FROM audit WHERE subject_kind = 'account' ORDER BY id");
    assert_eq!(lines.iter().filter(|action| *action == "account.setup_link").count(), 3, "{lines:?}");
}

#[test]
fn a_mistake_comes_back_with_the_words_and_the_reason_and_costs_no_link() {
    let folder = Folder::new();
    let hub = folder.start();
    let token = printed_token(&hub);
    let browser = Browser::new(&hub);
    for (email, password, reason) in [
        ("me@example.org", "short", "shorter than 12"),
        ("me@example.org", "me@example.org", "e-mail address, which others know"),
        ("me@example.org", "passwordpassword", "everybody tries"),
        ("nobody<b>", PASSWORD, "is not an e-mail address"),
    ] {
        let page = browser.form("/setup", &[("token", &token), ("email", email), ("password", password)]);
        assert_eq!(page.status, 400, "{page:?}");
        assert!(page.text.contains(reason), "{reason}: {page:?}");
        assert!(
            page.text.contains(&format!("value=\"{}\"", email.replace('<', "&#60;").replace('>', "&#62;"))),
            "{page:?}"
        );
        assert!(!page.text.contains(&format!("value=\"{password}\"")) || email == password, "{page:?}");
    }
    let made = browser.form("/setup", &[("token", &token), ("email", EMAIL), ("password", PASSWORD)]);
    assert_eq!(made.status, 303, "{made:?}");
}

#[test]
fn a_link_to_no_hub_is_not_made() {
    let folder = Folder::new();
    let refused = folder.run(&["setup-link"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && said.contains(&*folder.database().to_string_lossy()), "{said}");
    assert!(!folder.database().exists());
}

#[test]
fn what_reads_a_pipe_gets_a_link_only_if_it_says_so() {
    let folder = Folder::new();
    let hub = folder.start_with(&[]);
    assert!(
        eventually(Duration::from_secs(10), || hub.log().contains("sigma-api setup-link")),
        "{}",
        hub.log()
    );
    assert_eq!(hub.said(), "");
    assert!(folder.sql("SELECT token_hash FROM account_link").is_empty(), "nobody has seen one");
}

/// What systemd keeps of the terminal can be read by more people than the terminal.
#[test]
fn no_link_is_printed_into_the_journal() {
    let folder = Folder::new();
    let inherited = folder.start_with(&[("JOURNAL_STREAM", "8:1"), ("SIGMA_PRINT_SETUP_LINK", "1")]);
    printed_token(&inherited);
    inherited.stop();
    let folder = Folder::new();
    let hub = folder.start_in_journal();
    assert!(
        eventually(Duration::from_secs(10), || hub.log().contains("sigma-api setup-link")),
        "{}",
        hub.log()
    );
    assert_eq!(hub.said(), "");
    assert!(!hub.log().contains("token="));
}

/// Fault 30.
#[test]
fn a_thousand_set_ups_at_once_make_one_administrator() {
    let folder = Folder::new();
    let hub = folder.start();
    let token = printed_token(&hub);
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let crowd: Vec<_> = (0..50)
            .map(|person| {
                let (hub, token) = (&hub, &token);
                scope.spawn(move || {
                    let tries = (0..20).map(|number| {
                        let email = format!("p{person}-{number}@example.org");
                        let body = json!({"token": token, "email": email, "password": PASSWORD});
                        hub.post("", "/api/setup", &body.to_string()).status
                    });
                    tries.collect::<Vec<_>>()
                })
            })
            .collect();
        crowd.into_iter().flat_map(|person| person.join().unwrap()).collect()
    });
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 410).count(), 999, "{statuses:?}");
    assert_eq!(folder.sql("SELECT role FROM account"), ["admin"]);
}
