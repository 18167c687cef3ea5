//! Persons: a browser that keeps its cookies, and accounts to sign in with.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

use crate::common::{Answer, Folder, Hub, eventually};

pub(crate) const EMAIL: &str = "ops@example.org";
pub(crate) const PASSWORD: &str = "a tiny blue whale";

/// A browser at a hub.
pub(crate) struct Browser<'a> {
    hub: &'a Hub,
    cookies: RefCell<BTreeMap<String, String>>,
    /// Sent with every request.
    pub(crate) headers: Vec<(String, String)>,
}

impl<'a> Browser<'a> {
    pub(crate) fn new(hub: &'a Hub) -> Self {
        Self { hub, cookies: RefCell::default(), headers: Vec::new() }
    }

    /// One that sends this header with every request.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn send(&self, method: &str, path: &str, kind: &str, body: &str) -> Answer {
        let cookies = self.cookies.borrow().iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>();
        let cookies = cookies.join("; ");
        let mut headers: Vec<(&str, &str)> =
            vec![("accept", "text/html,*/*"), ("user-agent", "Mozilla/5.0 (story)")];
        headers.extend(self.headers.iter().map(|(name, value)| (&**name, &**value)));
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        if method != "GET" {
            headers.extend([("origin", "http://hub"), ("content-type", kind)]);
        }
        let answer = self.hub.send(method, path, &headers, body.as_bytes());
        for line in answer.head.lines() {
            let Some(cookie) = line.strip_prefix("set-cookie: ") else { continue };
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            // The head is shown in lower case.
            let name = &name.replace("__host-", "__Host-");
            if value.is_empty() {
                self.cookies.borrow_mut().remove(name);
            } else {
                self.cookies.borrow_mut().insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", "")
    }

    /// Sends a form of a page.
    pub(crate) fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.send("POST", path, "application/x-www-form-urlencoded", &body)
    }

    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> Answer {
        self.send(method, path, "application/json", &body.to_string())
    }

    pub(crate) fn sign_in(&self, email: &str, password: &str) -> Answer {
        self.json("POST", "/api/session", &json!({"email": email, "password": password}))
    }

    pub(crate) fn is_in(&self) -> bool {
        self.get("/api/sessions").status == 200
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.borrow().get(name).cloned()
    }

    pub(crate) fn forget(&self, name: &str) {
        self.cookies.borrow_mut().remove(name);
    }
}

/// The token of a link.
pub(crate) fn token_of(link: &str) -> String {
    let token = link.trim_end().split_once("/setup?token=").unwrap_or_else(|| panic!("no link: {link:?}")).1;
    token.to_owned()
}

/// The token of the link that a hub prints at its first start.
pub(crate) fn printed_token(hub: &Hub) -> String {
    assert!(eventually(Duration::from_secs(10), || hub.said().contains("token=")), "{:?}", hub.said());
    token_of(hub.said().lines().next().unwrap())
}

/// Makes an administrator by the link of the command line.
pub(crate) fn make_administrator(folder: &Folder, hub: &Hub, email: &str) {
    let made = folder.run(&["setup-link"]);
    assert!(made.status.success(), "{made:?}");
    let token = token_of(&String::from_utf8(made.stdout).unwrap());
    let body = json!({"token": token, "email": email, "password": PASSWORD});
    let answer = hub.post("", "/api/setup", &body.to_string());
    assert_eq!(answer.status, 201, "{answer:?}");
}

/// Somebody who is administrator and has signed in.
pub(crate) fn administrator<'a>(folder: &Folder, hub: &'a Hub) -> Browser<'a> {
    make_administrator(folder, hub, EMAIL);
    signed_in(hub, EMAIL)
}

/// A browser of somebody who has that e-mail.
pub(crate) fn signed_in<'a>(hub: &'a Hub, email: &str) -> Browser<'a> {
    let browser = Browser::new(hub);
    let answer = browser.sign_in(email, PASSWORD);
    assert_eq!(answer.status, 200, "{answer:?}");
    browser
}

/// Invites somebody, who follows the link; the id of the account.
pub(crate) fn invite(administrator: &Browser<'_>, hub: &Hub, email: &str, role: &str) -> String {
    let invitation = administrator.json("POST", "/api/accounts", &json!({"email": email, "role": role}));
    assert_eq!(invitation.status, 201, "{invitation:?}");
    let token = token_of(invitation.json()["link"].as_str().unwrap());
    let chosen = hub.post("", "/api/setup", &json!({"token": token, "password": PASSWORD}).to_string());
    assert_eq!(chosen.status, 201, "{chosen:?}");
    chosen.json()["id"].as_str().unwrap().to_owned()
}
