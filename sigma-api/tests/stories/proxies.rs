//! Proxies: whose word is taken, and what plain http means.

use serde_json::json;

use crate::common::{Folder, Hub, run};
use crate::people::{Browser, EMAIL, PASSWORD, make_administrator, signed_in};

fn last_address(folder: &Folder) -> String {
    let lines =
        folder.sql("SELECT client_ip FROM audit WHERE action = 'session.create' ORDER BY id DESC LIMIT 1");
    lines[0].clone()
}

fn through(hub: &Hub, headers: &[(&str, &str)]) -> u16 {
    let browser = headers.iter().fold(Browser::new(hub), |browser, (name, value)| browser.with(name, value));
    browser.sign_in(EMAIL, PASSWORD).status
}

#[test]
fn nobody_is_believed_who_is_not_trusted() {
    let folder = Folder::new();
    let hub = folder.start_with(&[("SIGMA_PUBLIC_URL", "https://sigma.example.org")]);
    make_administrator(&folder, &hub, EMAIL);
    let host = ("host", "sigma.example.org");
    let own = ("sec-fetch-site", "same-origin");
    for header in ["x-forwarded-for", "forwarded", "x-real-ip"] {
        assert_eq!(through(&hub, &[(header, "203.0.113.9"), host, own]), 200);
        assert_eq!(last_address(&folder), "127.0.0.1", "{header}");
        assert_eq!(through(&hub, &[(header, "203.0.113.9")]), 403, "{header}: it may speak for anybody");
    }
    assert_eq!(hub.log().matches("set SIGMA_TRUSTED_PROXIES=127.0.0.1").count(), 1, "said, and once");
}

#[test]
fn a_trusted_proxy_says_for_whom_it_speaks() {
    let folder = Folder::new();
    let hub = folder.start_with(&[("SIGMA_TRUSTED_PROXIES", "127.0.0.0/8, 10.0.0.0/8")]);
    make_administrator(&folder, &hub, EMAIL);
    let tls = ("x-forwarded-proto", "https");
    assert_eq!(through(&hub, &[("x-forwarded-for", "1.2.3.4, 203.0.113.9, 10.0.0.2"), tls]), 200);
    assert_eq!(last_address(&folder), "203.0.113.9", "what is before it may be invented");
    assert_eq!(through(&hub, &[("forwarded", "for=\"[2001:db8::9]\";proto=https")]), 200);
    assert_eq!(last_address(&folder), "2001:db8::9");
    assert_eq!(through(&hub, &[("x-forwarded-for", "rubbish"), tls]), 200);
    assert_eq!(last_address(&folder), "127.0.0.1");
}

#[test]
fn passwords_are_not_taken_over_plain_http_from_a_public_address() {
    let folder = Folder::new();
    let hub = folder.start_with(&[("SIGMA_TRUSTED_PROXIES", "127.0.0.1")]);
    make_administrator(&folder, &hub, EMAIL);
    let public = ("x-forwarded-for", "203.0.113.9");
    assert_eq!(through(&hub, &[public]), 403);
    assert_eq!(through(&hub, &[public, ("x-forwarded-proto", "http")]), 403);
    assert_eq!(through(&hub, &[public, ("x-forwarded-proto", "https")]), 200);
    assert_eq!(through(&hub, &[("x-forwarded-for", "192.168.1.9")]), 200);
    let browser = Browser::new(&hub).with("x-forwarded-for", "203.0.113.9");
    let page = browser.get("/sign-in");
    assert!(page.status == 403 && page.text.contains("SIGMA_PUBLIC_URL"), "{page:?}");
    assert_eq!(browser.form("/setup", &[("token", "x")]).status, 403);
    let mut person = signed_in(&hub, EMAIL);
    person.headers.push(("x-forwarded-for".to_owned(), "203.0.113.9".to_owned()));
    let change = json!({"current": PASSWORD, "new": "another blue whale"});
    assert_eq!(person.json("POST", "/api/account/password", &change).status, 403);
    let proof = json!({"password": PASSWORD, "code": "123456"});
    assert_eq!(person.json("POST", "/api/account/totp/confirm", &proof).status, 403);
    assert_eq!(person.json("DELETE", "/api/account/totp", &proof).status, 403);
}

#[test]
fn settings_that_are_wrong_are_named() {
    for (arguments, named) in [
        (
            &["--trusted-proxies", "10.0.0.0/8,proxy"][..],
            "SIGMA_TRUSTED_PROXIES (--trusted-proxies): \"proxy\"",
        ),
        (&["--public-url", "sigma.example.org"], "SIGMA_PUBLIC_URL"),
        (&["--public-url", "https://sigma.example.org/hub"], "SIGMA_PUBLIC_URL"),
    ] {
        let ended = run(&[arguments, &["--data-dir", "/nowhere"]].concat());
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert!(String::from_utf8(ended.stderr).unwrap().contains(named));
    }
}
