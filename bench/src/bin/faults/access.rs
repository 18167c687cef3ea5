//! Fault 28, its second half: every route answers every identity as the golden table of the hub's tests says.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::browser::{Browser, EMAIL, administrator, expect};
use crate::http::Answer;
use crate::hub::Folder;
use crate::{Verdict, at};

const GOLDEN: &str = include_str!("../../../../sigma-api/tests/golden/access.txt");
/// No record, account, key or session has it.
const ID: &str = "01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a";
const KEYS: [&str; 4] = ["agent", "readonly", "operator", "admin"];
const PERSONS: [&str; 3] = ["readonly", "operator", "admin"];

/// A line of the program's own table.
pub(crate) struct Route {
    pub(crate) method: String,
    pub(crate) path: String,
}

/// All routes, as the program says them.
pub(crate) fn routes(program: &Path) -> Result<Vec<Route>, String> {
    let listed = Folder::new(program)?.run(&["routes"])?;
    let route = |line: &str| {
        let (method, path) = line.split_once(": ")?.0.split_once(' ')?;
        Some(Route { method: method.to_owned(), path: path.to_owned() })
    };
    listed.lines().map(|line| route(line).ok_or_else(|| format!("{line:?} is no route"))).collect()
}

/// A path with something in the place of its parameters.
pub(crate) fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { ID } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

/// Somebody at the door: by the name of the golden table, with what is shown.
struct Visitor {
    name: String,
    browser: Browser,
    key: Option<String>,
    /// The e-mail of who signs in again once a route has ended the session.
    email: Option<String>,
}

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let keys: Vec<String> = KEYS.iter().map(|role| folder.key(role)).collect::<Result<_, _>>()?;
    let revoked = folder.key("admin")?;
    folder.run(&["key", "revoke", &revoked])?;
    let _hub = folder.start("warn")?;
    folder.wait_until_well()?;
    let mut owner = administrator(&folder)?;
    let expired = expired_keys(&mut owner, ["admin", "agent"])?;
    let stranger = |name: &str, key: Option<String>| Visitor {
        name: name.to_owned(),
        browser: Browser::new(&folder),
        key,
        email: None,
    };
    let mut visitors =
        vec![stranger("nobody", None), stranger("unknown key", Some("sgm_unknown".to_owned()))];
    visitors.extend(KEYS.iter().zip(keys).map(|(role, key)| stranger(&format!("{role} key"), Some(key))));
    let named = ["expired key", "expired agent key"];
    visitors.extend(named.into_iter().zip(expired).map(|(name, key)| stranger(name, Some(key))));
    visitors.push(stranger("revoked key", Some(revoked)));
    for role in PERSONS {
        let mut person = stranger(&format!("{role} account"), None);
        let email = if role == "admin" { EMAIL.to_owned() } else { format!("{role}@example.org") };
        if role != "admin" {
            owner.invite(&folder, &email, role)?;
        }
        person.browser.enter(&email)?;
        person.email = Some(email);
        visitors.push(person);
    }
    let mut gone = stranger("ended session", None);
    gone.browser.enter(EMAIL)?;
    let cookies = gone.browser.cookies.clone();
    expect(&gone.browser.json("DELETE", "/api/session", &json!({}))?, 204, "sign-out")?;
    gone.browser.cookies = cookies;
    visitors.push(gone);

    let started = Instant::now();
    let routes = routes(program)?;
    let mut table = String::new();
    for route in &routes {
        let mut classes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for visitor in &mut visitors {
            let class = visit(route, visitor)?;
            classes.entry(class).or_default().push(&visitor.name);
        }
        writeln!(table, "{} {}", route.method, route.path).map_err(at("table"))?;
        for class in ["in", "401", "403", "sign in"] {
            if let Some(who) = classes.get(class) {
                writeln!(table, "  {class}: {}", who.join(", ")).map_err(at("table"))?;
            }
        }
    }
    compare(&table)?;
    Ok(format!(
        "{} routes, {} identities: {} requests in {:.1} s, all as the golden table says",
        routes.len(),
        visitors.len(),
        routes.len() * visitors.len(),
        started.elapsed().as_secs_f64(),
    ))
}

/// How far somebody comes.
fn visit(route: &Route, visitor: &mut Visitor) -> Result<&'static str, String> {
    if let Some(email) = visitor.email.as_deref().filter(|_| !visitor.browser.cookies.contains_key("sigma")) {
        visitor.browser.enter(email)?;
    }
    let mut headers = vec![("content-type", "application/json"), ("accept", "text/html")];
    headers.extend(visitor.key.as_deref().map(|key| ("x-api-key", key)));
    let answer = visitor.browser.send(&route.method, &filled(&route.path), &headers, "{}")?;
    class(&answer).ok_or_else(|| {
        let (method, path, name) = (&route.method, &route.path, &visitor.name);
        format!("{method} {path} answers {name} {}: {}", answer.status, answer.body)
    })
}

fn class(answer: &Answer) -> Option<&'static str> {
    let to_sign_in = answer.headers("location").any(|place| place.starts_with("/sign-in"))
        && answer.headers("set-cookie").all(|cookie| !cookie.starts_with("sigma="));
    match answer.status {
        500.. => None,
        401 => Some("401"),
        403 => Some("403"),
        303 if to_sign_in => Some("sign in"),
        _ => Some("in"),
    }
}

/// Keys of those roles that were valid for a second, which is over.
fn expired_keys(owner: &mut Browser, roles: [&str; 2]) -> Result<Vec<String>, String> {
    let soon = OffsetDateTime::now_utc() + Duration::from_secs(1);
    let soon = soon.format(&Rfc3339).map_err(at("time"))?;
    let mut keys = Vec::new();
    for role in roles {
        let order: Value = json!({"name": "short", "role": role, "expires_at": soon});
        let made = owner.json("POST", "/api/keys", &order)?;
        expect(&made, 201, "a key for a second")?;
        keys.push(made.text("key"));
    }
    std::thread::sleep(Duration::from_millis(1100));
    Ok(keys)
}

fn compare(table: &str) -> Result<(), String> {
    let mut route = "";
    let mut should = GOLDEN.lines();
    for is in table.lines() {
        let golden = should.next().unwrap_or("(nothing)");
        if is != golden {
            return Err(format!("below {route:?} it is {is:?}, where the golden table says {golden:?}"));
        }
        if !is.starts_with(' ') {
            route = is;
        }
    }
    should.next().map_or(Ok(()), |line| Err(format!("the golden table goes on with {line:?}")))
}
