//! Signing in and out, by pages and by the API.

use serde_json::json;

use crate::common::Folder;
use crate::people::{Browser, EMAIL, PASSWORD, administrator, invite, make_administrator, signed_in};

#[test]
fn a_person_signs_in_where_it_wanted_to_go_and_out_again() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let browser = Browser::new(&hub);
    let sent = browser.get("/account?a=b");
    assert!(
        sent.status == 303 && sent.head.contains("location: /sign-in?next=%2faccount%3fa%3db"),
        "{sent:?}"
    );
    let page = browser.get("/sign-in?next=%2Faccount");
    assert!(page.text.contains("name=\"next\" value=\"/account\""), "{page:?}");
    let fields = [("next", "/account"), ("email", EMAIL), ("password", PASSWORD)];
    let entered = browser.form("/sign-in", &fields);
    assert!(entered.status == 303 && entered.head.contains("location: /account\r\n"), "{entered:?}");
    assert!(browser.get("/account").text.contains(EMAIL));
    assert_eq!(browser.get("/sign-in").status, 303, "who is in goes on");
    let token = browser.cookie("sigma").unwrap();
    let out = browser.form("/sign-out", &[]);
    assert!(out.status == 303 && browser.cookie("sigma").is_none(), "{out:?}");
    let kept = hub.send("GET", "/api/sessions", &[("cookie", &format!("sigma={token}"))], b"");
    assert_eq!(kept.status, 401, "the session has ended, whoever kept its cookie");
}

#[test]
fn a_place_to_go_that_is_none_costs_nothing() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let fields = [("next", "/\u{1}"), ("email", EMAIL), ("password", PASSWORD)];
    let entered = Browser::new(&hub).form("/sign-in", &fields);
    assert!(entered.status == 303 && entered.head.contains("location: /\r\n"), "{entered:?}");
}

#[test]
fn wrong_is_wrong_in_one_sentence() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let browser = Browser::new(&hub);
    let answers = [
        browser.sign_in(EMAIL, "a tiny red whale"),
        browser.sign_in("nobody@example.org", PASSWORD),
        browser.sign_in("no e-mail", ""),
        browser.sign_in(EMAIL, &"x".repeat(5000)),
    ];
    for answer in &answers {
        assert_eq!(answer.status, 401, "{answer:?}");
        assert_eq!(answer.error(), "The e-mail or the password is wrong.");
        assert!(!answer.head.contains("set-cookie"));
    }
    let page = browser.form("/sign-in", &[("email", "<i>me</i>"), ("password", "wrong wrong wrong")]);
    assert_eq!(page.status, 401);
    assert!(page.text.contains("The e-mail or the password is wrong."), "{page:?}");
    assert!(page.text.contains("&#60;i&#62;me") && !page.text.contains("wrong wrong"), "{page:?}");
    assert_eq!(browser.sign_in(" OPS@example.org ", PASSWORD).status, 200);
}

#[test]
fn roles_of_accounts_are_those_of_keys() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    for (role, may) in [
        ("admin", [true, true, true, true]),
        ("operator", [false, true, true, false]),
        ("readonly", [false, true, false, false]),
    ] {
        let email = format!("{role}@example.org");
        invite(&admin, &hub, &email, role);
        let person = signed_in(&hub, &email);
        let me = person.get("/api/account").json();
        assert_eq!((&me["kind"], &me["name"]), (&json!("account"), &json!(email)));
        let said = ["may_report", "may_read", "may_edit", "may_administer"].map(|member| me[member] == true);
        assert_eq!(said, may, "{me}");
        assert_eq!(person.get("/api/vps").status, 200);
        let keys = person.get("/api/keys");
        assert_eq!(keys.status, if role == "admin" { 200 } else { 403 }, "{keys:?}");
        if keys.status == 403 {
            assert_eq!(keys.error(), format!("An account of the role {role} may not do this."));
        }
    }
}

#[test]
fn an_invitation_lets_one_person_choose_a_password_once() {
    let folder = Folder::new();
    let hub = folder.start();
    let admin = administrator(&folder, &hub);
    let order = json!({"email": "New@example.org", "role": "operator"});
    let first = admin.json("POST", "/api/accounts", &order).json();
    let second = admin.json("POST", "/api/accounts", &order).json();
    assert_eq!(first["account"]["id"], second["account"]["id"]);
    let token =
        |invitation: &serde_json::Value| crate::people::token_of(invitation["link"].as_str().unwrap());
    let follow = |token: String| {
        Browser::new(&hub)
            .form("/setup", &[("token", &token), ("email", "evil@example.org"), ("password", PASSWORD)])
    };
    assert_eq!(follow(token(&first)).status, 410, "inviting again made another link");
    assert_eq!(Browser::new(&hub).sign_in("new@example.org", "").status, 401, "no password is no password");
    assert_eq!(follow(token(&second)).status, 303);
    assert_eq!(follow(token(&second)).status, 410);
    assert_eq!(signed_in(&hub, "new@example.org").get("/api/account").json()["role"], "operator");
    assert_eq!(admin.json("POST", "/api/accounts", &order).status, 409);
    for wrong in [json!({"email": "x", "role": "admin"}), json!({"email": "x@example.org", "role": "agent"})]
    {
        assert_eq!(admin.json("POST", "/api/accounts", &wrong).status, 400);
    }
}

#[test]
fn cookies_are_bound_to_the_host_and_to_tls_where_there_is_tls() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let answer = Browser::new(&hub).sign_in(EMAIL, PASSWORD);
    let cookies: Vec<&str> =
        answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
    assert_eq!(cookies.len(), 2, "{answer:?}");
    for cookie in cookies {
        assert!(cookie.starts_with("sigma") && cookie.contains("; path=/; "), "{cookie}");
        assert!(cookie.ends_with("; httponly; samesite=lax"), "{cookie}");
    }
    assert!(
        Browser::new(&hub).get("/sign-in").text.contains("not encrypted"),
        "plain http is said on every page"
    );
    hub.stop();
    let hub = folder.start_with(&[("SIGMA_PUBLIC_URL", "https://sigma.example.org")]);
    let plain = Browser::new(&hub).sign_in(EMAIL, PASSWORD);
    assert!(plain.head.contains("set-cookie: sigma="), "another way to the hub is not encrypted: {plain:?}");
    let browser = Browser::new(&hub).with("host", "sigma.example.org");
    let browser = browser.with("sec-fetch-site", "same-origin");
    let answer = browser.sign_in(EMAIL, PASSWORD);
    let cookies: Vec<&str> =
        answer.head.lines().filter_map(|line| line.strip_prefix("set-cookie: ")).collect();
    for cookie in cookies {
        assert!(
            cookie.starts_with("__host-sigma") && cookie.ends_with("; httponly; samesite=lax; secure"),
            "{cookie}"
        );
    }
    assert!(answer.head.contains("strict-transport-security: max-age="));
    assert!(!browser.get("/sign-in").text.contains("not encrypted"));
}

#[test]
fn every_answer_says_what_a_browser_may_do_with_it() {
    let folder = Folder::new();
    let hub = folder.start();
    let browser = Browser::new(&hub);
    for path in ["/sign-in", "/", "/healthz", "/api/vps", "/nowhere", "/assets/none"] {
        let answer = browser.get(path);
        for header in [
            "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'",
            "x-content-type-options: nosniff",
            "referrer-policy: same-origin",
            "cross-origin-opener-policy: same-origin",
            "permissions-policy: ",
            "cache-control: no-store",
        ] {
            assert!(answer.head.contains(header), "{path} lacks {header}: {answer:?}");
        }
        let mut scripts = answer.text.split("<script").skip(1);
        assert!(scripts.all(|rest| rest.starts_with(" src=\"/assets/app-")), "{path} has an inline script");
        assert!(!answer.text.contains("style=\""), "{path}");
    }
    let page = browser.get("/sign-in").text;
    let style = page.split("href=\"").find(|rest| rest.starts_with("/assets/style-")).unwrap();
    let style = browser.get(style.split('"').next().unwrap());
    assert!(
        style.status == 200 && style.head.contains("immutable") && style.head.contains("text/css"),
        "{style:?}"
    );
}

#[test]
fn a_browser_gets_errors_as_pages_and_a_program_as_json() {
    let folder = Folder::new();
    let hub = folder.start();
    let page = Browser::new(&hub).get("/nowhere/at/all");
    assert!(page.status == 404 && page.text.contains("<h1>There is nothing here</h1>"), "{page:?}");
    assert!(Browser::new(&hub).get("/api/nowhere").error().contains("nothing at this address"));
    assert!(hub.send("GET", "/nowhere", &[], b"").error().contains("nothing at this address"));
}

#[test]
fn a_session_that_ended_at_a_form_is_said_and_leads_back_to_the_form() {
    const SAID: &str = "Your session has ended, so nothing was saved.";
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    for (path, referer, next) in [
        ("/vps/new", "", "%2fvps%2fnew"),
        ("/providers", "http://hub/providers/new", "%2fproviders%2fnew"),
        ("/fleet/bulk", "http://hub/?q=tag%3Aa", "%2f%3fq%3dtag%253aa"),
        // The page of a form that was not taken is at an address that only takes forms.
        ("/fleet/bulk", "http://hub/fleet/bulk", ""),
        ("/fleet/bulk", "http://hub//evil.example", ""),
        ("/fleet/bulk", "https://evil.example/audit", ""),
    ] {
        let browser = Browser::new(&hub).with("referer", referer);
        let sent = browser.form(path, &[("name", "typed")]);
        let to = if next.is_empty() { "/sign-in".to_owned() } else { format!("/sign-in?next={next}") };
        assert_eq!((sent.status, sent.header("location")), (303, Some(&*to)), "{path}: {sent:?}");
        let page = browser.get(&to);
        assert!(page.text.contains(SAID), "{path}: {page:?}");
        assert!(!browser.get(&to).text.contains(SAID), "it is said once");
    }
    let browser = Browser::new(&hub);
    let looked = browser.get("/vps/new");
    assert!(!browser.get(looked.header("location").unwrap()).text.contains(SAID), "nothing was sent");
    browser.form("/sign-out", &[]);
    assert!(!browser.get("/sign-in").text.contains(SAID), "nothing was to be saved");
}
