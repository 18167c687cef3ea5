//! Settings, one's own account, and pages of errors.

use crate::common::Folder;
use crate::people::{Browser, administrator, invite, signed_in};

#[test]
fn settings_lead_where_one_may_go_and_say_how_the_hub_is() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    invite(&ana, &hub, "reader@example.org", "readonly");
    let page = ana.get("/settings");
    for said in [
        "href=\"/account\"",
        "href=\"/keys\"",
        "href=\"/accounts\"",
        "href=\"/import\"",
        "/api/vps/export?format=csv",
        "/api/prometheus/targets",
        "/api/ansible/inventory",
        env!("CARGO_PKG_VERSION"),
    ] {
        assert!(page.text.contains(said), "{said}: {page:?}");
    }
    assert!(!page.text.contains("sigma.db") && !page.text.contains(folder.path().to_str().unwrap()));
    let reader = signed_in(&hub, "reader@example.org").get("/settings");
    for not in ["href=\"/keys\"", "href=\"/accounts\"", "href=\"/import\""] {
        assert!(!reader.text.contains(not), "{not}: {reader:?}");
    }
    assert!(reader.text.contains("An administrator makes keys"), "{reader:?}");
}

#[test]
fn all_other_sessions_end_at_once() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let others = [signed_in(&hub, crate::people::EMAIL), signed_in(&hub, crate::people::EMAIL)];
    let page = ana.get("/account");
    assert!(page.text.contains("End all others") && page.text.contains("Mozilla/5.0 (story)"), "{page:?}");
    let ended = ana.form("/account/sessions/end", &[]);
    assert_eq!((ended.status, ended.header("location")), (303, Some("/account")), "{ended:?}");
    assert!(others.iter().all(|other| !other.is_in()) && ana.is_in());
    let page = ana.get("/account");
    assert!(page.text.contains("All your other sessions have ended."), "{page:?}");
    assert!(page.text.contains("You are signed in nowhere else."), "{page:?}");
}

#[test]
fn an_authenticator_is_shown_as_a_code_to_scan() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    assert!(!ana.get("/account").text.contains("<svg class=\"qr\""));
    assert_eq!(ana.form("/account/totp", &[]).status, 303);
    let page = ana.get("/account");
    assert!(page.text.contains("<svg class=\"qr\"") && page.text.contains("otpauth://totp/"), "{page:?}");
    assert!(page.text.contains("id=\"secret\""), "the key stands beside it as text");
}

#[test]
fn an_error_says_what_to_do_and_keeps_the_way_back() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let missing = ana.get("/vps/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a/nothing");
    assert_eq!(missing.status, 404, "{missing:?}");
    for said in ["<nav aria-label=\"Main\">", "role=\"search\"", "404 Not Found", "Sign out"] {
        assert!(missing.text.contains(said), "{said}: {missing:?}");
    }
    let stranger = Browser::new(&hub).get("/nowhere");
    assert!(
        !stranger.text.contains("Sign out") && !stranger.text.contains("role=\"search\""),
        "{stranger:?}"
    );
    let wrong = ana.get("/providers/x");
    assert!(wrong.status == 400 && wrong.text.contains("This was not understood"), "{wrong:?}");
    let method = ana.form("/settings", &[]);
    assert!(method.status == 405 && method.text.contains("use its buttons"), "{method:?}");
    let kind = ana.json("POST", "/providers", &serde_json::json!({"name": "x"}));
    assert!(kind.status == 415 && kind.text.contains("This is not a form"), "{kind:?}");
    let large = ana.form("/providers", &[("notes", &"x".repeat(2_000_000))]);
    assert!(large.status == 413 && large.text.contains("This is too large"), "{:?}", large.head);
    let evil = Browser::new(&hub).with("sec-fetch-site", "cross-site").form("/providers", &[("name", "x")]);
    assert!(evil.status == 403 && evil.text.contains("This is not for you"), "{evil:?}");
}
