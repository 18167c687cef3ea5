//! Fault 28 in a browser: whatever a page of another site makes the browser of an administrator send, nothing is done, nothing
//! is read and nothing is framed. One of the sites shares the host with the hub, so that cookies go along.

use std::path::Path;

use serde_json::{Value, json};
use sigma_bench::webdriver::Chromium;

use crate::Verdict;
use crate::access::{Route, routes};
use crate::browser::{Browser, EMAIL, PASSWORD, administrator, expect};
use crate::chromium::{cookies, give_session, open, origin};
use crate::hub::Folder;
use crate::places::{Places, is_page};
use crate::site::Site;

const GUEST: &str = "guest@example.org";
/// Sends all that a page can, and tells what came through. Nothing is waited for longer than a few seconds.
const SEND: &str = r#"
const [hub, posts, others, gets, pages, fields] = arguments[0];
let sent = 0;
const through = [];
const late = ms => new Promise(done => setTimeout(done, ms));
const soon = event => { sent++; return Promise.race([new Promise(event), late(4000)]); };
const all = async (many, work) => {
  const queue = [...many.entries()];
  await Promise.all([...Array(6)].map(async () => { for (let next; (next = queue.shift());) await work(next[1], next[0]); }));
};
const json = JSON.stringify(fields);
const form = (path, enctype, text) => soon(done => {
  const frame = document.createElement('iframe');
  frame.name = 'f' + Math.random();
  document.body.append(frame);
  const form = document.createElement('form');
  Object.assign(form, {action: hub + path, enctype, target: frame.name});
  form.setAttribute('method', 'post');
  for (const [name, value] of Object.entries(text)) {
    const field = document.createElement('input');
    Object.assign(field, {type: 'hidden', name, value});
    form.append(field);
  }
  document.body.append(form);
  frame.onload = () => { frame.remove(); form.remove(); done(); };
  HTMLFormElement.prototype.submit.call(form);
});
const ask = (path, options) => {
  sent++;
  return Promise.race([fetch(hub + path, {credentials: 'include', ...options}).then(
    answer => { if (answer.type !== 'opaque') through.push('read ' + path); }, () => {}), late(4000)]);
};
await all(posts, async path => {
  await form(path, 'application/x-www-form-urlencoded', fields);
  await form(path, 'multipart/form-data', fields);
  await form(path, 'text/plain', {[json.slice(0, -1) + ',"x":"']: '"}'});
  await ask(path, {method: 'POST', mode: 'no-cors', body: json, headers: {'content-type': 'text/plain'}});
  await ask(path, {method: 'POST', mode: 'no-cors', body: new URLSearchParams(fields)});
  await ask(path, {method: 'POST', mode: 'no-cors', body: new Blob([json])});
  sent++;
  navigator.sendBeacon(hub + path, new URLSearchParams(fields));
});
await all([...posts.map(path => ['POST', path]), ...others], ([method, path]) =>
  ask(path, {method, mode: 'cors', body: json, headers: {'content-type': 'application/json'}}));
const element = (name, path, more) => soon(done => {
  const made = document.createElement(name);
  made.onload = made.onloadeddata = () => { if (name !== 'link' || made.rel !== 'prefetch') through.push(name + ' ' + path); done(); };
  made.onerror = done;
  Object.assign(made, more, {[name === 'link' ? 'href' : name === 'object' ? 'data' : 'src']: hub + path});
  document.body.append(made);
});
await all(gets, async path => {
  await ask(path, {mode: 'cors'});
  await ask(path, {mode: 'no-cors'});
  await element('img', path);
  await element('script', path);
  await element('link', path, {rel: 'stylesheet'});
  await element('link', path, {rel: 'prefetch'});
  await soon(done => {
    const source = new EventSource(hub + path, {withCredentials: true});
    source.onopen = () => { through.push('EventSource ' + path); source.close(); done(); };
    source.onerror = () => { source.close(); done(); };
  });
});
await all(pages, path => soon(done => {
  const frame = document.createElement('iframe');
  frame.className = 'framed';
  frame.onload = done;
  frame.src = hub + path;
  document.body.append(frame);
}));
return {sent, through};
"#;

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let _hub = folder.start("debug")?;
    folder.wait_until_well()?;
    let mut owner = administrator(&folder)?;
    for (path, body) in [
        ("/api/vps", json!({"hostname": "mine"})),
        ("/api/providers", json!({"name": "Mine"})),
        ("/api/keys", json!({"name": "mine", "role": "agent"})),
    ] {
        expect(&owner.json("POST", path, &body)?, 201, path)?;
    }
    owner.invite(&folder, GUEST, "readonly")?;
    let routes = routes(program)?;
    let places = Places::of(&mut owner)?;
    let mut person = Browser::new(&folder);
    person.enter(EMAIL)?;
    let mut chromium = Chromium::start()?;
    give_session(&mut chromium, &folder, &person)?;
    open(&mut chromium, &folder, "/")?;
    chromium.sees(EMAIL)?;
    let before = (state(&mut owner)?, cookies(&mut chromium)?);
    let site = Site::start()?;
    let mut sent = 0;
    for host in ["localhost", "127.0.0.1"] {
        chromium.open(&format!("http://{host}:{}/", site.port))?;
        let answer = chromium.run(SEND, &orders(&folder, &routes, &places)?)?;
        if answer.get("through") != Some(&json!([])) {
            return Err(format!("to a page at {host} came {}", answer.get("through").unwrap_or(&answer)));
        }
        sent += answer.get("sent").and_then(Value::as_u64).unwrap_or_default();
        is_unframed(&mut chromium, host)?;
        is_same(&before, &mut owner, &mut chromium, host)?;
        navigates(&mut chromium, &folder, host, site.port)?;
        is_same(&before, &mut owner, &mut chromium, host)?;
    }
    let reached = were_refused(&folder, &routes)?;
    open(&mut chromium, &folder, "/")?;
    chromium.sees(EMAIL)?;
    own_page_works(&mut chromium)?;
    Ok(format!(
        "{sent} forms, requests, images, scripts, styles, frames and streams of a page on another host and of one on another port: {reached} routes refused them with 403, the others saw none; nothing done, read, framed or signed out"
    ))
}

/// What the script gets: the hub, where it goes, and what it says, which would do something everywhere.
fn orders(folder: &Folder, routes: &[Route], places: &Places) -> Result<Value, String> {
    let (mut posts, mut others, mut gets, mut pages) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for route in routes.iter().filter(|route| !route.path.starts_with("/assets/")) {
        let path = places.fill(route)?.into_iter().next().unwrap_or_default();
        match &*route.method {
            "GET" => {
                if is_page(route) {
                    pages.push(path.clone());
                }
                gets.push(path);
            }
            "POST" => posts.push(path),
            method => others.push((method.to_owned(), path)),
        }
    }
    let fields = json!({
        "email": GUEST, "password": PASSWORD, "name": "evil", "hostname": "evil", "alias": "evil", "role": "admin",
        "current": PASSWORD, "new": "a tiny evil whale", "force": "yes", "columns": "host", "column": "host",
        "per_page": "100", "back": "/", "next": "/", "action": "delete",
    });
    Ok(json!([origin(folder), posts, others, gets, pages, fields]))
}

/// All that could have changed.
fn state(owner: &mut Browser) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for path in [
        "/api/vps/export?include_deleted=true",
        "/api/providers/export",
        "/api/keys",
        "/api/accounts",
        "/api/audit?per_page=500",
    ] {
        let answer = owner.get(path)?;
        expect(&answer, 200, path)?;
        all.push(answer.body);
    }
    let sessions = owner.get("/api/sessions")?.json();
    all.push(sessions.get("data").unwrap_or(&sessions).as_array().map_or(0, Vec::len).to_string());
    Ok(all)
}

type Before = (Vec<String>, Vec<(String, String)>);

fn is_same(before: &Before, owner: &mut Browser, chromium: &mut Chromium, host: &str) -> Result<(), String> {
    let after = (state(owner)?, cookies(chromium)?);
    if let Some((was, is)) = before.0.iter().zip(&after.0).find(|(was, is)| was != is) {
        return Err(format!("after a page at {host} it is {is}, where it was {was}"));
    }
    if before.1 != after.1 {
        return Err(format!("a page at {host} changed the cookies from {:?} to {:?}", before.1, after.1));
    }
    Ok(())
}

/// Every frame has the error of the browser, not a page of the hub.
fn is_unframed(chromium: &mut Chromium, host: &str) -> Result<(), String> {
    let count = chromium.run("return document.querySelectorAll('iframe.framed').length", &Value::Null)?;
    let count = count.as_u64().unwrap_or_default();
    if count == 0 {
        return Err("nothing was framed".to_owned());
    }
    for number in 0..count {
        let mark = "document.querySelectorAll('iframe.framed').forEach((frame, place) => { frame.id = 'frame' + place; })";
        chromium.run(mark, &Value::Null)?;
        let seen = chromium.text_in_frame(&format!("#frame{number}"), "return location.href")?;
        if !seen.starts_with("chrome-error:") {
            return Err(format!("a page at {host} frames {seen}"));
        }
    }
    Ok(())
}

/// A form that takes the whole window along: the page that follows says why it was refused.
fn navigates(chromium: &mut Chromium, folder: &Folder, host: &str, port: u16) -> Result<(), String> {
    let script = "const form = document.createElement('form'); form.action = arguments[0]; form.setAttribute('method', 'post');
        document.body.append(form); form.submit()";
    for path in ["/sign-out", "/account/totp", "/vps/new"] {
        chromium.open(&format!("http://{host}:{port}/"))?;
        chromium.run(script, &json!(origin(folder) + path))?;
        chromium.sees("a page of another site")?;
    }
    Ok(())
}

/// Each route that a form can reach was reached, and refused it; the others were never asked. The number of the former.
fn were_refused(folder: &Folder, routes: &[Route]) -> Result<usize, String> {
    let log = folder.log();
    let mut reached = 0;
    for route in routes.iter().filter(|route| route.method != "GET") {
        let name = format!("{} {} ", route.method, route.path);
        let is_refused = log.lines().any(|line| line.contains(&name) && line.ends_with(" 403"));
        if is_refused != (route.method == "POST") {
            return Err(format!("{name}was refused: {is_refused}"));
        }
        reached += usize::from(is_refused);
    }
    Ok(reached)
}

/// The same from the hub's own page is done: otherwise a browser that sends nothing would pass.
fn own_page_works(chromium: &mut Chromium) -> Result<(), String> {
    let script = "return fetch('/api/providers', {method: 'POST', headers: {'content-type': 'application/json'}, body: '{\"name\":\"own\"}'}).then(answer => answer.status)";
    let status = chromium.run(script, &Value::Null)?;
    if status == json!(201) { Ok(()) } else { Err(format!("the hub's own page is answered {status}")) }
}
