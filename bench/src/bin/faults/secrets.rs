//! Fault 31: keys, passwords, links, cookies and codes are found nowhere but at whom they were given to.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use serde_json::{Value, json};

use crate::access::{filled, routes};
use crate::browser::{Browser, EMAIL};
use crate::http::Answer;
use crate::hub::{Folder, Hub, TERMINAL, token_of};
use crate::marker::Lab;
use crate::{Verdict, at};

/// Looks like a key, but is none.
const WRONG: &str = "sgm_Wr0ngKeyMARKERmarkerMARKERmarkerMARKER00";
/// Passwords of one person, one after the other, and what was typed wrong.
const CHOSEN: [&str; 4] =
    ["MARKERfirstchosen", "MARKERsecondchosen", "MARKERthirdchosen", "MARKERinvitedchosen"];
const REFUSED: [&str; 6] = [
    "MARKERmistyped1",
    "MARKERmistyped2",
    "MARKERmistyped3",
    "MARKERmistyped4",
    "MARKERmistyped5",
    "MARKERmistyped6",
];
const IN_EMAIL: &str = "MARKERtypedintothewrongfield";
const GUESSED_CODE: &str = "918273";
const INVITED: &str = "invited@example.org";
/// What the file of that name may have.
const GIVEN: [(&str, &str); 2] =
    [(TERMINAL, "the link of the first start"), ("sigma.key", "the key of sigma.key")];
/// The uses of keys reach the database with a flush.
const FLUSHED: Duration = Duration::from_secs(6);

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let mut lab = Lab::default();
    let mut keys = Vec::new();
    for role in ["agent", "admin", "operator", "readonly"] {
        keys.push(command(
            &folder,
            &mut lab,
            &["key", "create", "--name", role, "--role", role],
            &["a printed key"],
        )?);
    }
    for key in &keys {
        lab.secret("a printed key", secret_of(key));
    }
    lab.secret("a wrong key", secret_of(WRONG));
    CHOSEN.iter().for_each(|password| lab.secret("a password", password));
    REFUSED.iter().for_each(|password| lab.secret("a refused password", password));
    lab.secret("a password in the wrong field", IN_EMAIL);
    lab.secret("a guessed code", GUESSED_CODE);
    let mut hub = folder.start("debug")?;
    folder.wait_until_well()?;
    for key in keys.iter().map(String::as_str).chain([WRONG]) {
        show_key(&folder, &mut lab, key)?;
    }
    let mut owner = Person { browser: Browser::new(&folder), lab: &mut lab };
    owner.set_up(&folder.printed_token()?)?;
    owner.sign_in(&folder)?;
    owner.change_passwords()?;
    owner.invite(&folder)?;
    owner.make_keys()?;
    let codes = owner.add_authenticator()?;
    owner.sign_in_with_codes(&folder, &codes)?;
    owner.read_everything(program)?;
    let link = command(&folder, &mut lab, &["setup-link"], &["the link of a command"])?;
    lab.secret("the link of a command", &token_of(&link)?);
    std::thread::sleep(FLUSHED);
    let secret_key = fs::read(folder.path().join("data/sigma.key")).map_err(at("sigma.key"))?;
    lab.secret("the key of sigma.key", String::from_utf8_lossy(&secret_key).trim());
    process(&hub, &mut lab)?;
    // A copy that is made while the hub runs has what was not yet moved out of the write-ahead log.
    lab.files(folder.path(), &GIVEN)?;
    if !hub.runs() {
        return Err("the hub ended".to_owned());
    }
    hub.kill()?;
    command(&folder, &mut lab, &["key", "list"], &[])?;
    let rotated = command(
        &folder,
        &mut lab,
        &["key", "rotate", keys.get(2).map_or("", |key| key)],
        &["a rotated key"],
    )?;
    lab.secret("a rotated key", secret_of(&rotated));
    command(&folder, &mut lab, &["key", "revoke", keys.first().map_or("", |key| key)], &[])?;
    let refused = folder.command().args(["--database-url", &format!("postgres://a:{WRONG}@b/c")]).output();
    lab.place("the refusal of a setting", refused.map_err(at("setting"))?.stderr, &[]);
    lab.files(folder.path(), &GIVEN)?;
    let (secrets, places, kib) = lab.look()?;
    Ok(format!("{secrets} secrets, {} requests; found in none of {places} places ({kib} KiB)", lab.requests))
}

/// The part of a key that the list of keys does not show.
pub(crate) fn secret_of(key: &str) -> &str {
    key.get(12..).unwrap_or(key)
}

/// What a command prints, which may give that secret.
fn command(folder: &Folder, lab: &mut Lab, arguments: &[&str], gives: &[&str]) -> Result<String, String> {
    let name = arguments.get(..2).unwrap_or(arguments).join(" ");
    let ended = folder.command().args(arguments).output().map_err(at(&name))?;
    if !ended.status.success() {
        return Err(format!("{name}: {}", String::from_utf8_lossy(&ended.stderr)));
    }
    let printed = String::from_utf8_lossy(&ended.stdout).trim().to_owned();
    lab.place(&format!("what {name} prints"), ended.stdout, gives);
    lab.place(&format!("what {name} says"), ended.stderr, &[]);
    Ok(printed)
}

/// Shows the key to everything that takes one, and where people put it by mistake.
fn show_key(folder: &Folder, lab: &mut Lab, key: &str) -> Result<(), String> {
    let good = r#"{"hostname":"a","system_info":{"cpu_cores":1}}"#;
    let bearer = format!("Bearer {key}");
    let mut browser = Browser::new(folder);
    for shown in [("x-api-key", key), ("authorization", &bearer)] {
        for (method, path, body) in [
            ("POST", "/api/agent/register", good),
            ("POST", "/api/agent/heartbeat", good),
            ("POST", "/api/agent/register", "{"),
            ("GET", "/api/vps", ""),
            ("GET", "/api/vps?page=0", ""),
            ("GET", "/api/stats", ""),
            ("GET", "/api/account", ""),
            ("GET", "/api/nothing", ""),
            ("DELETE", "/api/vps", ""),
            ("POST", "/api/session", "{}"),
            ("GET", "/", ""),
        ] {
            let answer = browser.send(method, path, &[shown, ("content-type", "application/json")], body)?;
            lab.answer(&format!("{method} {path}"), &answer, &[]);
        }
    }
    let (basic, cookie) = (format!("Basic {key}"), format!("sigma={key}; sigma-device={key}"));
    for (name, value) in [
        ("authorization", key),
        ("authorization", &basic),
        ("x-api-key", &bearer),
        ("cookie", &cookie),
        ("referer", key),
        ("user-agent", key),
        ("x-forwarded-for", key),
        ("forwarded", key),
        ("origin", key),
        ("if-match", key),
        ("content-type", key),
        ("accept", key),
    ] {
        for (method, path, body) in
            [("GET", "/api/vps", ""), ("POST", "/api/session", "{}"), ("POST", "/sign-in", "")]
        {
            let answer = browser.send(method, path, &[(name, value)], body)?;
            lab.answer(&format!("{method} {path} with {name}"), &answer, &[]);
        }
    }
    let bulk = format!(r#"{{"ids":["{key}"],"change":{{}}}}"#);
    let paths = [
        format!("/api/vps?key={key}"),
        format!("/api/vps?q={key}"),
        format!("/api/{key}"),
        format!("/api/vps/{key}"),
    ];
    for path in paths.iter().map(String::as_str) {
        let answer = browser.send("GET", path, &[("authorization", &bearer)], "")?;
        lab.answer("a path with a key", &answer, &[]);
    }
    let answer = browser.send(
        "POST",
        "/api/vps/bulk",
        &[("x-api-key", key), ("content-type", "application/json")],
        &bulk,
    )?;
    lab.answer("a bulk change of a key", &answer, &[]);
    Ok(())
}

/// Somebody who does all that a person can do, whose every answer is looked at.
struct Person<'a> {
    browser: Browser,
    lab: &'a mut Lab,
}

impl Person<'_> {
    fn get(&mut self, path: &str, gives: &[&str]) -> Result<Answer, String> {
        let answer = self.browser.get(path)?;
        self.lab.answer(&format!("GET {path}"), &answer, gives);
        Ok(answer)
    }

    fn json(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        status: u16,
        gives: &[&str],
    ) -> Result<Answer, String> {
        let answer = self.browser.json(method, path, body)?;
        self.heard(&format!("{method} {path}"), answer, status, gives)
    }

    fn form(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        status: u16,
        gives: &[&str],
    ) -> Result<Answer, String> {
        let answer = self.browser.form(path, fields)?;
        self.heard(&format!("a form at {path}"), answer, status, gives)
    }

    fn heard(&mut self, name: &str, answer: Answer, status: u16, gives: &[&str]) -> Result<Answer, String> {
        self.lab.answer(name, &answer, gives);
        crate::browser::expect(&answer, status, name)?;
        for cookie in answer.headers("set-cookie") {
            let pair = cookie.split(';').next().and_then(|pair| pair.split_once('='));
            let (name, value) = pair.unwrap_or_default();
            // What was done is a note for the next page, and no secret.
            if !value.is_empty() && name != "sigma-done" {
                self.lab.secret("a cookie", value);
            }
        }
        Ok(answer)
    }

    /// Another browser of the same person.
    fn elsewhere(&mut self, folder: &Folder) -> Person<'_> {
        Person { browser: Browser::new(folder), lab: self.lab }
    }

    fn set_up(&mut self, token: &str) -> Result<(), String> {
        let [first, ..] = CHOSEN;
        let [short, ..] = REFUSED;
        let link = "the link of the first start";
        self.lab.secret(link, token);
        let too_long = short.repeat(20);
        // The page keeps the token for its form.
        self.browser
            .get(&format!("/setup?token={token}"))
            .map(|page| self.lab.answer("GET /setup", &page, &[link]))?;
        let fields = |password| [("token", token), ("email", EMAIL), ("password", password)];
        self.form("/setup", &fields(&too_long), 400, &[link])?;
        let body = json!({"token": token, "email": EMAIL, "password": too_long});
        self.json("POST", "/api/setup", &body, 400, &[])?;
        self.json("POST", "/api/setup", &json!({"token": token, "email": 5, "password": first}), 400, &[])?;
        self.form("/setup", &fields(first), 303, &["a cookie"])?;
        self.form("/setup", &fields(first), 410, &[])?;
        let used = self.browser.get(&format!("/setup?token={token}"))?;
        self.lab.answer("GET /setup with a used link", &used, &[]);
        Ok(())
    }

    fn sign_in(&mut self, folder: &Folder) -> Result<(), String> {
        let [first, ..] = CHOSEN;
        let [_, wrong, ..] = REFUSED;
        let mut other = self.elsewhere(folder);
        let body = |email: &str, password: &str| json!({"email": email, "password": password});
        other.form("/sign-in", &[("email", EMAIL), ("password", wrong)], 401, &[])?;
        other.json("POST", "/api/session", &body(EMAIL, wrong), 401, &[])?;
        other.json("POST", "/api/session", &body(IN_EMAIL, wrong), 401, &[])?;
        // The field shows what was typed into it.
        let echo = ["a password in the wrong field"];
        other.form("/sign-in", &[("email", IN_EMAIL), ("password", "")], 401, &echo)?;
        other.json(
            "POST",
            "/api/session",
            &json!({"email": [first], "password": {"is": first}}),
            400,
            &[],
        )?;
        other.json("POST", "/api/session", &body(EMAIL, first), 200, &["a cookie"])?;
        other.form("/sign-in", &[("email", EMAIL), ("password", first)], 303, &["a cookie"])?;
        other.get("/api/sessions", &[])?;
        other.form("/sign-out", &[], 303, &[])?;
        Ok(())
    }

    fn change_passwords(&mut self) -> Result<(), String> {
        let [first, second, third, _] = CHOSEN;
        let [_, _, wrong, again, ..] = REFUSED;
        let body = |current: &str, new: &str| json!({"current": current, "new": new});
        let path = "/api/account/password";
        self.json("POST", path, &body(wrong, second), 400, &[])?;
        self.json("POST", path, &body(first, &again.repeat(20)), 400, &[])?;
        self.json("POST", path, &json!({"current": first, "new": 7}), 400, &[])?;
        self.json("POST", path, &body(first, second), 204, &[])?;
        self.form("/account/password", &[("current", wrong), ("new", third)], 400, &[])?;
        self.form("/account/password", &[("current", second), ("new", third)], 303, &[])?;
        self.get("/account?done=password", &[])?;
        Ok(())
    }

    fn invite(&mut self, folder: &Folder) -> Result<(), String> {
        let [.., chosen] = CHOSEN;
        let [.., wrong] = REFUSED;
        let link = "an invitation";
        let asked = json!({"email": INVITED, "role": "operator"});
        // Inviting again makes the former link void.
        let void = self.json("POST", "/api/accounts", &asked, 201, &[link])?;
        self.lab.secret(link, &token_of(&void.text("link"))?);
        let invited = self.json("POST", "/api/accounts", &asked, 201, &[link])?;
        let token = token_of(&invited.text("link"))?;
        self.lab.secret(link, &token);
        let mut other = self.elsewhere(folder);
        let page = other.browser.get(&format!("/setup?token={token}"))?;
        other.lab.answer("GET /setup of an invitation", &page, &[link]);
        let body = |password: &str| json!({"token": token, "password": password});
        other.json("POST", "/api/setup", &body(&wrong.repeat(20)), 400, &[])?;
        other.json("POST", "/api/setup", &body(chosen), 201, &[])?;
        other.json("POST", "/api/setup", &body(chosen), 410, &[])?;
        let enter = json!({"email": INVITED, "password": chosen});
        other.json("POST", "/api/session", &enter, 200, &["a cookie"])?;
        // An authenticator that is never confirmed.
        let begun = other.json("POST", "/api/account/totp", &json!({}), 200, &["a seed"])?;
        other.lab.seed(&begun.text("secret"));
        other.get("/account", &["a seed"])?;
        let path = "/api/account/totp/confirm";
        other.json("POST", path, &json!({"code": GUESSED_CODE, "password": chosen}), 400, &[])?;
        let number: Value = GUESSED_CODE.parse().map_err(at("number"))?;
        other.json("POST", path, &json!({"code": number, "password": chosen}), 400, &[])?;
        Ok(())
    }

    fn make_keys(&mut self) -> Result<(), String> {
        let order = json!({"name": "made", "role": "agent", "max_machines": 5});
        let made = self.json("POST", "/api/keys", &order, 201, &["a made key"])?;
        self.lab.secret("a made key", secret_of(&made.text("key")));
        let path = format!("/api/keys/{}", made.text("id"));
        let rotated = self.json("POST", &format!("{path}/rotate"), &json!({}), 200, &["a made key"])?;
        self.lab.secret("a made key", secret_of(&rotated.text("key")));
        self.json("PUT", &path, &json!({"name": "changed"}), 200, &[])?;
        self.get(&path, &[])?;
        self.json("DELETE", &path, &json!({}), 204, &[])?;
        Ok(())
    }

    /// An authenticator, with mistakes on the way; the recovery codes.
    fn add_authenticator(&mut self) -> Result<Codes, String> {
        let [_, _, third, _] = CHOSEN;
        self.form("/account/totp", &[], 303, &[])?;
        let page = self.get("/account", &["a seed"])?.body;
        let seed = page.split("<code class=\"secret\">").nth(1).and_then(|rest| rest.split('<').next());
        let seed = seed.ok_or("the page shows no seed")?.to_owned();
        self.lab.seed(&seed);
        let first = self.lab.code(&seed, 0)?;
        let guessed = [("code", GUESSED_CODE), ("password", third)];
        self.form("/account/totp/confirm", &guessed, 400, &["a seed"])?;
        let confirm = json!({"code": first, "password": third});
        let confirmed =
            self.json("POST", "/api/account/totp/confirm", &confirm, 200, &["a recovery code"])?;
        let recovery: Vec<String> = confirmed
            .json()
            .get("recovery_codes")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|code| code.as_str().map(str::to_owned))
            .collect();
        recovery.iter().for_each(|code| self.lab.secret("a recovery code", code));
        Ok(Codes { seed, recovery })
    }

    fn sign_in_with_codes(&mut self, folder: &Folder, codes: &Codes) -> Result<(), String> {
        let [_, _, third, _] = CHOSEN;
        let [.., wrong, _] = REFUSED;
        let [by_page, by_api, ..] = &*codes.recovery else { return Err("no recovery codes".to_owned()) };
        let next = self.lab.code(&codes.seed, 1)?;
        let mut other = self.elsewhere(folder);
        let body = |code: &str| json!({"email": EMAIL, "password": third, "totp": code});
        let without = json!({"email": EMAIL, "password": third});
        other.json("POST", "/api/session", &without, 401, &[])?;
        other.json("POST", "/api/session", &body(GUESSED_CODE), 401, &[])?;
        let number: Value = GUESSED_CODE.parse().map_err(at("number"))?;
        let as_number = json!({"email": EMAIL, "password": number.clone(), "totp": number.clone()});
        other.json("POST", "/api/session", &as_number, 400, &[])?;
        let as_number = json!({"email": EMAIL, "password": third, "totp": number});
        other.json("POST", "/api/session", &as_number, 400, &[])?;
        other.json("POST", "/api/session", &body(&next), 200, &["a cookie"])?;
        other.json("POST", "/api/session", &body(&next), 401, &[])?;
        other.json("POST", "/api/session", &body(by_api), 200, &["a cookie"])?;
        let fields = [("email", EMAIL), ("password", third)];
        let page = other.form("/sign-in", &fields, 200, &["a ticket"])?.body;
        let ticket = page.split("name=\"ticket\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
        let ticket = ticket.ok_or("the page has no ticket")?.to_owned();
        other.lab.secret("a ticket", &ticket);
        let fields = |code| [("ticket", &*ticket), ("code", code)];
        other.form("/sign-in/code", &fields(GUESSED_CODE), 401, &["a ticket"])?;
        other.form("/sign-in/code", &fields(by_page), 303, &["a cookie"])?;
        other.form("/sign-in/code", &fields(by_page), 410, &[])?;
        other.form("/account/totp/remove", &[("password", wrong)], 400, &[])?;
        other.json("DELETE", "/api/account/totp", &json!({"password": wrong}), 400, &[])?;
        Ok(())
    }

    /// Everything that can be read, as an administrator.
    fn read_everything(&mut self, program: &Path) -> Result<(), String> {
        for route in routes(program)?.iter().filter(|route| route.method == "GET") {
            self.get(&filled(&route.path), &[])?;
        }
        Ok(())
    }
}

/// What replaces an authenticator.
struct Codes {
    seed: String,
    recovery: Vec<String>,
}

impl Lab {
    pub(crate) fn seed(&mut self, seed: &str) {
        self.secret("a seed", seed);
        let raw = bytes_of_base32(seed);
        self.form(&raw);
        let hex: String = raw.iter().map(|byte| format!("{byte:02x}")).collect();
        self.form(hex.as_bytes());
    }

    /// What an authenticator shows so many steps from now.
    pub(crate) fn code(&mut self, seed: &str, steps: u64) -> Result<String, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_err(at("clock"))?.as_secs();
        let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes_of_base32(seed));
        let tag = sign(&key, &(now / 30 + steps).to_be_bytes());
        let offset = tag.as_ref().last().map_or(0, |byte| usize::from(byte & 15));
        let word =
            tag.as_ref().iter().skip(offset).take(4).fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        let code = format!("{:06}", (word & 0x7fff_ffff) % 1_000_000);
        self.secret("a code", &code);
        Ok(code)
    }
}

fn bytes_of_base32(text: &str) -> Vec<u8> {
    let letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let values = text.bytes().filter_map(|byte| letters.iter().position(|letter| *letter == byte));
    let bits: Vec<u8> =
        values.flat_map(|value| (0..5).rev().map(move |bit| u8::from(value >> bit & 1 == 1))).collect();
    bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |all, bit| all << 1 | bit)).collect()
}

/// The command line and the environment of the hub, and of whatever it has started.
fn process(hub: &Hub, lab: &mut Lab) -> Result<(), String> {
    let mut all = vec![hub.pid().to_string()];
    while let Some(pid) = all.pop() {
        for name in ["cmdline", "environ"] {
            let path = format!("/proc/{pid}/{name}");
            lab.place(&path, fs::read(&path).map_err(at(&path))?, &[]);
        }
        for thread in fs::read_dir(format!("/proc/{pid}/task")).map_err(at("threads"))? {
            let children = thread.map_err(at("threads"))?.path().join("children");
            let children = fs::read_to_string(children).unwrap_or_default();
            all.extend(children.split_whitespace().map(str::to_owned));
        }
    }
    Ok(())
}
