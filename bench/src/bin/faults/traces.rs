//! Fault 31 in a browser: what was shown once is on no later page, and nothing secret is where scripts, other sites or whoever
//! uses the browser next could find it.

use std::path::Path;

use serde_json::{Value, json};
use sigma_bench::webdriver::Chromium;

use crate::access::routes;
use crate::browser::{Browser, EMAIL};
use crate::chromium::{IS_LOADED, cookies, is_html, open, submit};
use crate::http::Connection;
use crate::hub::Folder;
use crate::marker::Lab;
use crate::places::{Places, is_page};
use crate::secrets::secret_of;
use crate::site::Site;
use crate::{Verdict, at};

const PASSWORD: &str = "MARKERchoseninabrowser";
const WRONG: &str = "MARKERmistypedinabrowser";
/// A machine that only who is signed in may see.
const MACHINE: &str = "traceable-machine";
const LINK: &str = "the link of the first start";
const SEED: &str = "a seed";
const CODES: &str = "a recovery code";
const SHOWN: &str = "a key that a page shows";
const ASKED: &str = "a key that was asked for";
/// What a page leaves where scripts, and pages that follow, can find it.
const TRACES: &str = "return (async () => ({
  cookie: document.cookie, local: {...localStorage}, session: {...sessionStorage}, name: window.name,
  state: JSON.stringify(history.state), caches: await caches.keys(),
  workers: (await navigator.serviceWorker.getRegistrations()).length, databases: await indexedDB.databases(),
  url: location.href, referrer: document.referrer, loads: performance.getEntries().map(entry => entry.name),
}))()";
const EMPTY: [(&str, &str); 4] =
    [("cookie", "\"\""), ("caches", "[]"), ("workers", "0"), ("databases", "[]")];
/// Keys of a page, if it shows one.
const KEYS: &str = r"return document.documentElement.outerHTML.match(/sgm_[A-Za-z0-9_-]{30,}/g) || []";
/// The form that makes a key, if the page has one: filled and sent.
const MAKE_KEY: &str = "const form = [...document.forms].find(form => form.method === 'post' && /^.(keys|add)(.new)?$/.test(new URL(form.action).pathname));
if (!form) return false;
for (const field of form.elements) if (field.localName === 'input' && field.type === 'text' && !field.value) field.value = 'made';
window.isBefore = true; HTMLFormElement.prototype.submit.call(form); return true";

struct Walk<'a> {
    chromium: Chromium,
    folder: &'a Folder,
    lab: Lab,
}

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let _hub = folder.start("warn")?;
    folder.wait_until_well()?;
    let mut walk = Walk { chromium: Chromium::start()?, folder: &folder, lab: Lab::default() };
    walk.set_up()?;
    walk.add_authenticator()?;
    let key = walk.make_keys(program)?;
    let mut agent = Connection::open(folder.address, Some(&key)).map_err(at("agent"))?;
    agent
        .post("/api/agent/register", json!({"hostname": MACHINE}).to_string().as_bytes())
        .map_err(at("agent"))?;
    let session = cookies(&mut walk.chromium)?;
    let mut owner = Browser::new(&folder);
    owner.cookies.extend(session.iter().cloned());
    let pages = walk.read_everything(program, &mut owner)?;
    walk.leave_for_another_site()?;
    walk.sign_out(&session)?;
    let profile = walk.chromium.profile().join("Default/Cache");
    if profile.is_dir() {
        walk.lab.files(&profile, &[])?;
    }
    let said = walk.chromium.console()?.join("\n");
    walk.lab.place("the console", said.into_bytes(), &[]);
    let (secrets, places, kib) = walk.lab.look()?;
    Ok(format!(
        "{secrets} secrets; in none of {places} places of a browser ({pages} pages, what they store, their addresses and referrers, its cache; {kib} KiB); signed out, Back shows nothing"
    ))
}

impl Walk<'_> {
    fn open(&mut self, path: &str) -> Result<(), String> {
        open(&mut self.chromium, self.folder, path)
    }

    /// Remembers the page that is there, and what it leaves.
    fn note(&mut self, name: &str, on_page: &[&str], in_traces: &[&str]) -> Result<(), String> {
        let source = self.chromium.text("return document.documentElement.outerHTML")?;
        self.lab.place(&format!("the page {name}"), source.into_bytes(), on_page);
        let traces = self.chromium.run(TRACES, &Value::Null).map_err(at(name))?;
        for (member, empty) in EMPTY {
            let is = traces.get(member).unwrap_or(&Value::Null).to_string();
            if is != empty {
                return Err(format!("on {name} a script finds in {member}: {is}"));
            }
        }
        self.lab.place(&format!("what {name} leaves"), traces.to_string().into_bytes(), in_traces);
        Ok(())
    }

    fn set_up(&mut self) -> Result<(), String> {
        self.lab.secret("a password", PASSWORD);
        self.lab.secret("a refused password", WRONG);
        let token = self.folder.printed_token()?;
        self.lab.secret(LINK, &token);
        self.open(&format!("/setup?token={token}"))?;
        self.note("of the link", &[LINK], &[LINK])?;
        self.chromium.fill("#email", EMAIL)?;
        self.chromium.fill("#password", "short")?;
        submit(&mut self.chromium, "form[action=\"/setup\"] button")?;
        self.note("after a refused password", &[LINK], &[LINK])?;
        self.chromium.fill("#password", PASSWORD)?;
        submit(&mut self.chromium, "form[action=\"/setup\"] button")?;
        self.chromium.sees(EMAIL)?;
        self.open("/")?;
        for (_, value) in cookies(&mut self.chromium)? {
            self.lab.secret("a cookie", &value);
        }
        self.note("of the fleet", &[], &[])?;
        self.open("/account")?;
        self.chromium.fill("#current", WRONG)?;
        self.chromium.fill("#new", "short")?;
        submit(&mut self.chromium, "form[action=\"/account/password\"] button")?;
        self.note("after a refused change", &[], &[])
    }

    fn add_authenticator(&mut self) -> Result<(), String> {
        self.open("/account")?;
        submit(&mut self.chromium, "form[action=\"/account/totp\"] button")?;
        let seed = self.chromium.text("return document.querySelector('code.secret').textContent")?;
        self.lab.seed(&seed);
        self.note("with a seed", &[SEED], &[])?;
        let code = self.lab.code(&seed, 0)?;
        self.chromium.fill("#code", &code)?;
        self.chromium.fill("form[action=\"/account/totp/confirm\"] #password", PASSWORD)?;
        submit(&mut self.chromium, "form[action=\"/account/totp/confirm\"] button")?;
        let codes = "return [...document.querySelectorAll('.codes code')].map(code => code.textContent)";
        let codes = self.chromium.run(codes, &Value::Null)?;
        let codes: Vec<&str> = codes.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if codes.is_empty() {
            return Err("no recovery codes are shown".to_owned());
        }
        codes.iter().for_each(|code| self.lab.secret(CODES, code));
        self.note("with recovery codes", &[CODES], &[])?;
        self.open("/account")?;
        self.note("after them", &[], &[])
    }

    /// Keys, asked for by a script of the page and by whatever page has a form for it; the whole of the first.
    fn make_keys(&mut self, program: &Path) -> Result<String, String> {
        let ask = "return fetch(arguments[0], {method: 'POST', headers: {'content-type': 'application/json'},
            body: JSON.stringify({name: 'asked', role: 'agent'})}).then(answer => answer.json())";
        let made = self.chromium.run(ask, &json!("/api/keys"))?;
        let text = |name: &str| made.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let key = text("key");
        if key.is_empty() {
            return Err(format!("no key is made, but {made}"));
        }
        self.lab.secret(ASKED, secret_of(&key));
        for route in routes(program)?.iter().filter(|route| is_page(route) && !route.path.contains('{')) {
            if !is_html(&mut self.chromium, &route.path)? {
                continue;
            }
            self.open(&route.path)?;
            if self.chromium.run(MAKE_KEY, &Value::Null)? == json!(true) {
                self.chromium.until("a key", &format!("!window.isBefore && {IS_LOADED}"))?;
                let keys = self.chromium.run(KEYS, &Value::Null)?;
                let keys: Vec<&str> =
                    keys.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
                keys.iter().for_each(|key| self.lab.secret(SHOWN, secret_of(key)));
                self.note(
                    &format!("after the form of {}", route.path),
                    if keys.is_empty() { &[] } else { &[SHOWN] },
                    &[],
                )?;
            }
        }
        let provider = "return fetch('/api/providers', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{\"name\":\"Acme\"}'}).then(answer => answer.status)";
        self.chromium.run(provider, &Value::Null)?;
        Ok(key)
    }

    /// Every page as it is now; how many there are.
    fn read_everything(&mut self, program: &Path, owner: &mut Browser) -> Result<usize, String> {
        let places = Places::of(owner)?;
        let mut pages = 0;
        for route in routes(program)?.iter().filter(|route| is_page(route)) {
            for path in places.fill(route)? {
                if !is_html(&mut self.chromium, &path)? {
                    continue;
                }
                self.open(&path)?;
                self.note(&path, &[], &[])?;
                pages += 1;
            }
        }
        Ok(pages)
    }

    /// Who follows a link to elsewhere brings nothing along.
    fn leave_for_another_site(&mut self) -> Result<(), String> {
        let site = Site::start()?;
        for path in ["/?q=secretsearch", "/account"] {
            self.open(path)?;
            let script = "const link = document.createElement('a'); link.href = arguments[0]; document.body.append(link); link.click()";
            self.chromium.run(script, &json!(format!("http://localhost:{}/", site.port)))?;
            self.chromium.sees("Another site")?;
            let referrer = self.chromium.text("return document.referrer")?;
            if !referrer.is_empty() {
                return Err(format!("another site is told {referrer}"));
            }
        }
        for head in site.asked().iter().filter(|head| !head.starts_with("GET /favicon")) {
            let head = head.to_ascii_lowercase();
            if head.contains("\nreferer:") || head.contains("secretsearch") {
                return Err(format!("another site is told {head}"));
            }
            self.lab.place("what another site is told", head.into_bytes(), &[]);
        }
        Ok(())
    }

    fn sign_out(&mut self, session: &[(String, String)]) -> Result<(), String> {
        for path in ["/account", "/"] {
            self.open(path)?;
        }
        self.chromium.sees(MACHINE)?;
        submit(&mut self.chromium, "form[action=\"/sign-out\"] button")?;
        self.chromium.until("the page to sign in", "location.pathname === '/sign-in'")?;
        self.note("after signing out", &[], &[])?;
        for step in 1..=4 {
            self.chromium.back()?;
            self.chromium.until("the page before", IS_LOADED)?;
            let seen =
                self.chromium.text("return location.href + ' ' + document.documentElement.outerHTML")?;
            if let Some(text) = [MACHINE, EMAIL].iter().find(|text| seen.contains(**text)) {
                let place = seen.split(' ').next().unwrap_or_default();
                return Err(format!("signed out, {step} times Back shows {text} at {place}"));
            }
        }
        if cookies(&mut self.chromium)?.iter().any(|(name, value)| name == "sigma" && !value.is_empty()) {
            return Err("the browser keeps the session that has ended".to_owned());
        }
        let mut thief = Browser::new(self.folder);
        thief.cookies.extend(session.iter().cloned());
        let answer = thief.get("/")?;
        if answer.status == 303 && !answer.body.contains(MACHINE) {
            return Ok(());
        }
        Err(format!("a session that has ended is answered {}", answer.status))
    }
}
