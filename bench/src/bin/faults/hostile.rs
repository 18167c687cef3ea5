//! Fault 27: text that wants to be more than text. No script of it runs in a real browser on any page, whether the content
//! security policy helps or not; files for spreadsheets have no formulas and come back equal; one event is one line.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Value, json};
use sigma_bench::webdriver::Chromium;

use crate::access::{Route, routes};
use crate::browser::{Browser, EMAIL};
use crate::chromium::{IS_LOADED, give_session, is_html, open, with_browser};
use crate::hub::{Folder, tail};
use crate::places::{Places, is_page};
use crate::poison::{Poisoned, poison};
use crate::{Verdict, at, sheets};

/// Runs before anything of a page: what a script that should not run calls.
const TRAP: &str = "window.ranList = []; window.ran = field => { ranList.push(String(field)); }; \
    window.alert = window.confirm = window.prompt = field => ran(field);";
/// What ran, what could run, and all that can be read.
const LOOK: &str = r"
const could = [];
for (const element of document.querySelectorAll('*')) {
  const name = element.localName;
  if (['iframe', 'frame', 'object', 'embed', 'base', 'applet', 'img', 'xmp'].includes(name)) could.push('<' + name + '>');
  if (name === 'script' && !new URL(element.src, 'http://none').pathname.startsWith('/assets/')) could.push('<script>');
  if (name === 'meta' && element.httpEquiv) could.push('<meta http-equiv>');
  for (const attribute of element.attributes) {
    const what = '<' + name + ' ' + attribute.name + '=' + attribute.value + '>';
    if (/^on|^autofocus$|^srcdoc$|^style$/i.test(attribute.name)) could.push(what);
    if (/^[\s\0-\x20]*(javascript|data|vbscript):/i.test(attribute.value)
      && /^(href|src|action|formaction|xlink:href|data|poster)$/i.test(attribute.name)
      && !(name === 'link' && attribute.value === 'data:,')) could.push(what);
  }
}
const fields = [...document.querySelectorAll('input, textarea, option')].map(field => field.value);
const plain = text => { try { return decodeURI(text); } catch { return text; } };
const links = [...document.links].map(link => plain(link.getAttribute('href')));
const titles = [...document.querySelectorAll('[title], [aria-label]')].map(element => element.title + element.ariaLabel);
return {ran: window.ranList, could, path: location.pathname,
  text: [document.body.textContent, document.title, ...fields, ...links, ...titles].join('\n'),
  source: document.documentElement.outerHTML};";
/// The forms of a page that change something, by where they go.
const FORMS: &str =
    "return [...document.forms].map(form => form.method === 'post' ? new URL(form.action).pathname : '')";
/// Fills all that can be typed into and sends the form, past what the browser itself would refuse.
const SEND: &str = "const [place, text] = arguments[0]; const form = document.forms[place]; window.isBefore = true;
for (const field of form.elements) {
  if (field.localName === 'textarea' || (field.localName === 'input' && !/^(hidden|checkbox|radio|submit|button)$/.test(field.type))) {
    if (field.type !== 'password') field.type = 'text';
    field.value = text;
  }
}
HTMLFormElement.prototype.submit.call(form);";
/// Tries what would run if nothing but the policy kept it from that.
const INJECT: &str = r#"
const add = html => document.body.insertAdjacentHTML('beforeend', html);
const script = text => { const made = document.createElement('script'); made.textContent = text; document.body.append(made); };
script("ran('inline')");
add(`<img src=x onerror="ran('onerror')"><svg onload="ran('onload')"></svg><iframe srcdoc="<script>parent.ran('srcdoc')</script>"></iframe>`);
add(`<a id=link href="javascript:ran('href')">a</a><object data="data:text/html,<script>parent.ran('object')</script>"></object>`);
document.getElementById('link').click();
for (const url of ["data:text/javascript,ran('data')", arguments[0] + '/script.js']) {
  const made = document.createElement('script'); made.src = url; document.body.append(made);
}
return new Promise(done => setTimeout(() => done(window.ranList), 300));"#;
/// What addresses of one page or another say behind the question mark.
const NAMES: [&str; 14] = [
    "q", "sort", "order", "page", "per_page", "tag", "provider", "status", "next", "token", "back", "done",
    "error", "action",
];
const RUNS: &str = "javascript:ran('query')";
/// Fewer fields on all pages together would say that the pages were not looked at.
const LEAST_SHOWN: usize = 15;
/// Machines, keys and others whose page is looked at.
const MOST_OF_ROUTE: usize = 10;
/// Forms that are sent at most.
const MOST_FORMS: usize = 100;

pub(crate) fn run(program: &Path) -> Verdict {
    let (folder, fresh) = (Folder::new(program)?, Folder::new(program)?);
    let mut hub = folder.start("debug")?;
    folder.wait_until_well()?;
    let (mut owner, poisoned) = poison(&folder)?;
    let cells = sheets::cells(&mut owner, &fresh)?;
    let seen = with_browser(|| look(program, &folder, &mut owner, &poisoned))?;
    let lines = sheets::lines(&folder, &mut owner)?;
    if !hub.runs() || folder.log().contains("panicked") {
        return Err(format!("the hub panicked: {}", tail(&folder.log())));
    }
    Ok(format!(
        "{} fields took {} hostile texts, {} were refused by name; {seen}; {cells} cells without a formula came back equal; {lines} lines of the log, each an event",
        poisoned.taken.len(),
        poisoned.taken.values().sum::<usize>(),
        poisoned.refused,
    ))
}

struct Walk<'a> {
    chromium: Chromium,
    folder: &'a Folder,
    owner: &'a mut Browser,
    /// All that could be read on pages.
    read: String,
    pages: usize,
    /// Where forms go, with the page that has them.
    forms: BTreeMap<String, String>,
}

fn look(program: &Path, folder: &Folder, owner: &mut Browser, poisoned: &Poisoned) -> Verdict {
    let mut chromium = Chromium::start()?;
    give_session(&mut chromium, folder, owner)?;
    chromium.devtools("Page.enable", &json!({}))?;
    chromium.devtools("Page.addScriptToEvaluateOnNewDocument", &json!({"source": TRAP}))?;
    // What is escaped needs no policy.
    chromium.devtools("Page.setBypassCSP", &json!({"enabled": true}))?;
    is_armed(&mut chromium, folder)?;
    let routes = routes(program)?;
    let pages: Vec<&Route> = routes.iter().filter(|route| is_page(route)).collect();
    let places = Places::of(owner)?;
    let mut walk = Walk { chromium, folder, owner, read: String::new(), pages: 0, forms: BTreeMap::new() };
    walk.show_all_columns()?;
    let mut streams = 0;
    for route in pages {
        // The last ones have most of it: lists are in the order of names, or of age.
        for path in places.fill(route)?.into_iter().rev().take(MOST_OF_ROUTE) {
            if is_html(&mut walk.chromium, &path)? {
                walk.visit(&path)?;
            } else {
                streams += 1;
            }
        }
        walk.visit_with_queries(&places.fill(route)?)?;
    }
    let (shown, unseen): (Vec<&String>, Vec<&String>) =
        poisoned.taken.keys().partition(|field| walk.has_read(field));
    if !walk.read.contains("{{7*7}}${7*7}<%=7*7%>ran(") || walk.read.contains("49ran(") {
        return Err("a page fills in what stands in braces".to_owned());
    }
    if shown.len() < LEAST_SHOWN {
        return Err(format!("pages show only {shown:?} of the fields with hostile text"));
    }
    let forms = walk.send_forms()?;
    let mut chromium = walk.chromium;
    let pages = walk.pages;
    chromium.devtools("Page.setBypassCSP", &json!({"enabled": false}))?;
    give_session(&mut chromium, folder, owner)?;
    open(&mut chromium, folder, "/")?;
    let ran = chromium.run(INJECT, &json!("http://localhost:1"))?;
    if ran != json!([]) {
        return Err(format!("the policy lets run what is in a page: {ran}"));
    }
    Ok(format!(
        "in the browser {pages} pages ({forms} of them after a form, {streams} addresses without a page) show all fields but {unseen:?}, and nothing ran; nor does what a script puts into a page"
    ))
}

/// The trap works, and nothing but escaping stands before it.
fn is_armed(chromium: &mut Chromium, folder: &Folder) -> Result<(), String> {
    open(chromium, folder, "/")?;
    let script = "const made = document.createElement('script'); made.textContent = \"ran('armed')\"; document.body.append(made); return window.ranList";
    let ran = chromium.run(script, &Value::Null)?;
    if ran == json!(["armed"]) { Ok(()) } else { Err(format!("the trap does not work: {ran}")) }
}

impl Walk<'_> {
    /// The table of the fleet with whatever it can show.
    fn show_all_columns(&mut self) -> Result<(), String> {
        open(&mut self.chromium, self.folder, "/")?;
        let script = "for (const box of document.querySelectorAll('input[form=view][type=checkbox]')) box.checked = true;
            const size = document.querySelector('select[form=view]'); if (size) size.selectedIndex = size.options.length - 1;
            window.isBefore = true; document.getElementById('view').submit()";
        self.chromium.run(script, &Value::Null)?;
        self.chromium.until("the fleet", &format!("!window.isBefore && {IS_LOADED}"))
    }

    fn visit(&mut self, path: &str) -> Result<(), String> {
        open(&mut self.chromium, self.folder, path)?;
        let text = self.look(path)?;
        self.read += &text;
        for action in self.chromium.run(FORMS, &Value::Null)?.as_array().into_iter().flatten() {
            let action = action.as_str().unwrap_or_default();
            if !action.is_empty() && action != "/sign-out" {
                self.forms.entry(without_ids(action)).or_insert_with(|| path.to_owned());
            }
        }
        Ok(())
    }

    /// Looks at the page that is there.
    fn look(&mut self, path: &str) -> Result<String, String> {
        let seen = self.chromium.run(LOOK, &Value::Null).map_err(at(path))?;
        self.pages += 1;
        for (what, name) in [("ran", "ran"), ("could", "could run")] {
            if seen.get(what) != Some(&json!([])) {
                return Err(format!("on {path} there {name}: {}", seen.get(what).unwrap_or(&Value::Null)));
            }
        }
        let text = |name: &str| seen.get(name).and_then(Value::as_str).unwrap_or_default();
        let is_broken = |c: char| sigma_protocol::is_unprintable(c) && !matches!(c, '\n' | '\t' | '\r');
        if let Some(c) = text("source").chars().find(|c| is_broken(*c)) {
            return Err(format!("{path} has the character {c:?}"));
        }
        Ok(text("text").to_owned())
    }

    /// What stands in an address comes from anybody who writes a link.
    fn visit_with_queries(&mut self, paths: &[String]) -> Result<(), String> {
        let Some(path) = paths.first() else { return Ok(()) };
        if !is_html(&mut self.chromium, path)? {
            return Ok(());
        }
        let text =
            percent("\"'></title></textarea><img src=x onerror=ran('query')><script>ran('query')</script>");
        let all: Vec<String> = NAMES.iter().map(|name| format!("{name}={text}")).collect();
        let mut queries = vec![all.join("&"), format!("{text}={text}"), format!("next={}", percent(RUNS))];
        queries.extend(["q", "next", "token"].map(|name| format!("{name}={text}")));
        let mut addresses: Vec<String> = queries.iter().map(|query| format!("{path}?{query}")).collect();
        addresses.push(format!("{}/{text}", path.trim_end_matches('/')));
        for path in addresses {
            open(&mut self.chromium, self.folder, &path)?;
            self.look(&path)?;
        }
        Ok(())
    }

    fn has_read(&self, field: &str) -> bool {
        let name = field.split_once(' ').map_or(field, |(_, name)| name);
        self.read.contains(&format!("ran('{name}')"))
    }

    /// Sends each form once, filled with such text; the page that follows is looked at as well.
    fn send_forms(&mut self) -> Result<usize, String> {
        let mut sent = BTreeSet::new();
        while let Some((action, page)) = self.forms.iter().find(|(action, _)| !sent.contains(*action)) {
            let (action, page) = (action.clone(), page.clone());
            sent.insert(action.clone());
            if sent.len() > MOST_FORMS {
                return Err(format!("more than {MOST_FORMS} forms"));
            }
            open(&mut self.chromium, self.folder, &page)?;
            let forms = self.chromium.run(FORMS, &Value::Null)?;
            let place = forms
                .as_array()
                .into_iter()
                .flatten()
                .position(|form| form.as_str().is_some_and(|path| without_ids(path) == action));
            // It went with what an earlier form did.
            let Some(place) = place else { continue };
            let text = "\"'><img src=x onerror=ran('form')></textarea><script>ran('form')</script>";
            self.chromium.run(SEND, &json!([place, text])).map_err(at(&action))?;
            self.chromium
                .until(&format!("what follows {action}"), &format!("!window.isBefore && {IS_LOADED}"))?;
            let after = format!("the page after {action} of {page}");
            self.look(&after)?;
            if self.chromium.text("return location.pathname")? == "/sign-in" {
                self.owner.enter(EMAIL)?;
                give_session(&mut self.chromium, self.folder, self.owner)?;
            }
        }
        Ok(sent.len())
    }
}

/// A path whose ids are all the same.
fn without_ids(path: &str) -> String {
    let part =
        |part: &str| if part.len() == 36 && part.contains('-') { "{id}".to_owned() } else { part.to_owned() };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(
            |byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            },
        )
        .collect()
}
