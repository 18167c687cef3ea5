//! A browser: it keeps its connection and its cookies, and says where its requests come from.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::at;
use crate::http::{Answer, Connection};
use crate::hub::{Folder, token_of};

pub(crate) const EMAIL: &str = "ops@example.org";
pub(crate) const PASSWORD: &str = "a tiny blue whale";

/// The hub closes connections that were not used for longer.
const KEPT: Duration = Duration::from_secs(5);
const JSON: &str = "application/json";
const FORM: &str = "application/x-www-form-urlencoded";

pub(crate) struct Browser {
    address: SocketAddr,
    /// And when it was used last.
    connection: Option<(Connection, Instant)>,
    pub(crate) cookies: BTreeMap<String, String>,
    /// Sent with every request.
    headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub(crate) fn new(folder: &Folder) -> Self {
        Self::named(folder, "Mozilla/5.0 (faults)")
    }

    /// One that calls itself that.
    pub(crate) fn named(folder: &Folder, name: &str) -> Self {
        let (cookies, headers) = (BTreeMap::new(), vec![("user-agent", name.to_owned())]);
        Self { address: folder.address, connection: None, cookies, headers }
    }

    /// One that sends this header with every request.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// One that a proxy speaks for.
    pub(crate) fn from(folder: &Folder, ip: &str) -> Self {
        Self::new(folder).with("x-forwarded-for", ip).with("x-forwarded-proto", "https")
    }

    /// Connects, before there is anything to send.
    pub(crate) fn open(&mut self) -> Result<(), String> {
        self.connection =
            Some((Connection::open(self.address, None).map_err(at("connect"))?, Instant::now()));
        Ok(())
    }

    /// Sends a request with these headers, and the cookies unless one of them is `Cookie`.
    pub(crate) fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Result<Answer, String> {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut all: Vec<(&str, &str)> = self.headers.iter().map(|(name, value)| (*name, &**value)).collect();
        all.extend(headers);
        if !cookies.is_empty() && !headers.iter().any(|(name, _)| *name == "cookie") {
            all.push(("cookie", &cookies));
        }
        let place = format!("{method} {path}");
        let mut connection = match self.connection.take() {
            Some((connection, used)) if used.elapsed() < KEPT => connection,
            _ => Connection::open(self.address, None).map_err(at(&place))?,
        };
        let answer = connection.request(method, path, &all, body.as_bytes()).map_err(at(&place))?;
        if !answer.headers("connection").any(|value| value == "close") {
            self.connection = Some((connection, Instant::now()));
        }
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            match pair {
                Some((name, "")) => drop(self.cookies.remove(name)),
                Some((name, value)) => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
                None => {}
            }
        }
        Ok(answer)
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Answer, String> {
        self.send("GET", path, &[("accept", "text/html,*/*")], "")
    }

    pub(crate) fn json(&mut self, method: &str, path: &str, body: &Value) -> Result<Answer, String> {
        self.send(method, path, &[("origin", "http://hub"), ("content-type", JSON)], &body.to_string())
    }

    /// Sends a form of a page. Its values have nothing that needs escaping but spaces.
    pub(crate) fn form(&mut self, path: &str, fields: &[(&str, &str)]) -> Result<Answer, String> {
        let pairs: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", value.replace(' ', "+"))).collect();
        let headers = [("origin", "http://hub"), ("content-type", FORM), ("accept", "text/html,*/*")];
        self.send("POST", path, &headers, &pairs.join("&"))
    }

    pub(crate) fn sign_in(&mut self, email: &str, password: &str) -> Result<Answer, String> {
        self.json("POST", "/api/session", &json!({"email": email, "password": password}))
    }

    /// Signs in with the password that everybody here has.
    pub(crate) fn enter(&mut self, email: &str) -> Result<(), String> {
        expect(&self.sign_in(email, PASSWORD)?, 200, "sign-in")
    }

    /// Makes an account by its link.
    pub(crate) fn follow(&mut self, token: &str, email: &str) -> Result<(), String> {
        let body = json!({"token": token, "email": email, "password": PASSWORD});
        expect(&self.json("POST", "/api/setup", &body)?, 201, "set-up")
    }

    /// As an administrator invites somebody, who chooses the password.
    pub(crate) fn invite(&mut self, folder: &Folder, email: &str, role: &str) -> Result<(), String> {
        let invited = self.json("POST", "/api/accounts", &json!({"email": email, "role": role}))?;
        expect(&invited, 201, "invitation")?;
        Self::new(folder).follow(&token_of(&invited.text("link"))?, email)
    }
}

/// Whoever made the first account of a hub, signed in.
pub(crate) fn administrator(folder: &Folder) -> Result<Browser, String> {
    let mut browser = Browser::new(folder);
    browser.follow(&token_of(&folder.run(&["setup-link"])?)?, EMAIL)?;
    browser.enter(EMAIL)?;
    Ok(browser)
}

pub(crate) fn expect(answer: &Answer, status: u16, what: &str) -> Result<(), String> {
    if answer.status == status {
        return Ok(());
    }
    Err(format!("{what}: {status} was expected, not {}: {}", answer.status, answer.body))
}
