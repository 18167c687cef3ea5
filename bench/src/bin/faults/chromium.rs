//! A real browser at the hub.

use serde_json::{Value, json};
use sigma_bench::webdriver::{Chromium, is_there};

use crate::browser::Browser;
use crate::hub::Folder;
use crate::{Verdict, at};

/// What the page is, once it is there.
pub(crate) const IS_LOADED: &str = "document.readyState === 'complete'";

/// Does it where there is a browser. Where there is none it is left out, which counts as a failure where `CI` is set.
pub(crate) fn with_browser(run: impl FnOnce() -> Verdict) -> Verdict {
    if is_there() {
        return run();
    }
    let needs = "it needs a browser; apt-get install chromium chromium-driver";
    if std::env::var_os("CI").is_some() { Err(needs.to_owned()) } else { Ok(format!("SKIPPED: {needs}")) }
}

/// Where the browser finds the hub.
pub(crate) fn origin(folder: &Folder) -> String {
    format!("http://{}", folder.address)
}

/// Opens a page of the hub.
pub(crate) fn open(chromium: &mut Chromium, folder: &Folder, path: &str) -> Result<(), String> {
    chromium.open(&(origin(folder) + path)).map_err(|error| format!("{path}: {error}"))
}

/// Gives the browser the session of somebody who signed in.
pub(crate) fn give_session(chromium: &mut Chromium, folder: &Folder, person: &Browser) -> Result<(), String> {
    for (name, value) in &person.cookies {
        let cookie =
            json!({"name": name, "value": value, "url": origin(folder), "httpOnly": true, "sameSite": "Lax"});
        chromium.devtools("Network.setCookie", &cookie)?;
    }
    Ok(())
}

/// Name and value of every cookie that the browser has.
pub(crate) fn cookies(chromium: &mut Chromium) -> Result<Vec<(String, String)>, String> {
    let all = chromium.devtools("Network.getAllCookies", &json!({}))?;
    let text =
        |cookie: &Value, name: &str| cookie.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let list = all.get("cookies").and_then(Value::as_array).into_iter().flatten();
    let mut list: Vec<_> = list.map(|cookie| (text(cookie, "name"), text(cookie, "value"))).collect();
    list.sort();
    Ok(list)
}

/// Signs in by the form.
pub(crate) fn sign_in(
    chromium: &mut Chromium,
    folder: &Folder,
    email: &str,
    password: &str,
) -> Result<(), String> {
    open(chromium, folder, "/sign-in")?;
    chromium.fill("#email", email)?;
    chromium.fill("#password", password)?;
    submit(chromium, "form[action=\"/sign-in\"] button")
}

/// Whether a page is there: what never ends is nothing to wait for. Whatever it is, a browser takes it for nothing else.
pub(crate) fn is_html(chromium: &mut Chromium, path: &str) -> Result<bool, String> {
    let script = "const stop = new AbortController();
        return fetch(arguments[0], {signal: stop.signal, headers: {accept: 'text/html'}}).then(answer => {
            const said = ['content-type', 'x-content-type-options'].map(name => answer.headers.get(name) || '');
            stop.abort();
            return said;
        })";
    let said = chromium.run(script, &json!(path)).map_err(at(path))?;
    let (kind, guard) = (said.get(0).and_then(Value::as_str), said.get(1).and_then(Value::as_str));
    if guard != Some("nosniff") {
        return Err(format!("{path} may be taken for another kind than {kind:?}"));
    }
    Ok(kind.is_some_and(|kind| kind.starts_with("text/html")))
}

/// Clicks on what sends a form, and waits for the page that follows.
pub(crate) fn submit(chromium: &mut Chromium, selector: &str) -> Result<(), String> {
    chromium.run("window.isBefore = true", &Value::Null)?;
    chromium.click(selector)?;
    chromium.until("the page after a form", &format!("!window.isBefore && {IS_LOADED}"))
}
