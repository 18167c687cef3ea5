//! Fault 28, its first half: what a page of another site makes a browser send is refused on every route that changes
//! something, whatever it shows as identity, and nothing of it is done.

use std::path::Path;
use std::time::Instant;

use crate::access::{Route, filled, routes};
use crate::browser::{Browser, administrator};
use crate::hub::Folder;
use crate::{Verdict, at};

/// What browsers say of requests that come from elsewhere. The hub is `http://hub`, and `http://sigma.example.org`
/// through its proxy.
const FOREIGN: [&[(&str, &str)]; 15] = [
    &[("origin", "https://evil.example")],
    &[("origin", "http://evil.example")],
    &[("origin", "http://evil.example:3000")],
    &[("origin", "null")],
    &[("origin", "http://hub.evil.example")],
    &[("origin", "http://evilhub")],
    &[("origin", "http://hub:81")],
    &[("origin", "http://hub@evil.example")],
    &[("origin", "https://sigma.example.org")],
    &[("origin", "http://sigma.example.org.evil.example")],
    &[("origin", "chrome-extension://abcdefghijklmnop")],
    &[("origin", "http://evil.example"), ("sec-fetch-site", "cross-site")],
    &[("origin", "http://evil.example"), ("referer", "http://hub/")],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
];
/// What a form of another site can send without asking, and what a script would like to.
const KINDS: [&str; 4] = [
    "application/json",
    "application/x-www-form-urlencoded",
    "text/plain",
    "multipart/form-data; boundary=a",
];

pub(crate) fn run(program: &Path) -> Verdict {
    let folder = Folder::new(program)?;
    let key = folder.key("admin")?;
    let _hub =
        folder.start_with(&[("SIGMA_LOG", "warn"), ("SIGMA_PUBLIC_URL", "http://sigma.example.org")])?;
    folder.wait_until_well()?;
    let mut owner = administrator(&folder)?;
    let routes = routes(program)?;
    let changing: Vec<&Route> = routes.iter().filter(|route| route.method != "GET").collect();
    if changing.len() < 20 {
        return Err(format!("only {} routes change something", changing.len()));
    }
    let before = audit(&mut owner)?;
    let bearer = format!("Bearer {key}");
    // The browser sends its cookies by itself, and a key where an extension or a proxy adds it.
    let identities: [&[(&str, &str)]; 3] = [&[], &[("x-api-key", &key)], &[("authorization", &bearer)]];
    let (mut requests, started) = (0, Instant::now());
    for route in &changing {
        for origin in FOREIGN {
            for identity in identities {
                for kind in KINDS {
                    let headers = [origin, identity, &[("content-type", kind)]].concat();
                    let answer = owner.send(&route.method, &filled(&route.path), &headers, "{}")?;
                    if answer.status != 403 || !answer.text("error").contains("another site") {
                        return Err(format!(
                            "{} {} of {origin:?} as {kind} is answered {} {}",
                            route.method, route.path, answer.status, answer.body
                        ));
                    }
                    requests += 1;
                }
            }
        }
    }
    let took = started.elapsed();
    let read = owner.send("GET", "/api/vps", &[("origin", "http://evil.example")], "")?;
    if read.headers("access-control-allow-origin").next().is_some() {
        return Err("a page of another site may read what the hub answers".to_owned());
    }
    if audit(&mut owner)? != before {
        return Err("something was done for a page of another site".to_owned());
    }
    own_pages_work(&folder, &mut owner)?;
    Ok(format!(
        "{} changing routes, {} foreign origins, {} identities, {} kinds of body: {requests} requests in {:.1} s, all 403, nothing done",
        changing.len(),
        FOREIGN.len(),
        identities.len(),
        KINDS.len(),
        took.as_secs_f64(),
    ))
}

/// How much was done, by whomever.
fn audit(owner: &mut Browser) -> Result<String, String> {
    let answer = owner.get("/api/audit")?;
    let total = answer.json().get("total").map(ToString::to_string);
    total.ok_or_else(|| format!("the audit log is answered {} {}", answer.status, answer.body))
}

/// The same requests of the hub's own pages are let through: otherwise a hub that refuses everything would pass.
fn own_pages_work(folder: &Folder, owner: &mut Browser) -> Result<(), String> {
    for headers in [
        &[("origin", "http://hub")][..],
        &[("origin", "http://sigma.example.org")],
        &[("sec-fetch-site", "same-origin")],
        &[],
    ] {
        let headers = [headers, &[("content-type", "application/json")]].concat();
        let body = "{\"name\":\"own\"}";
        let answer = owner.send("POST", "/api/providers", &headers, body).map_err(at("own page"))?;
        if answer.status == 403 {
            return Err(format!("{headers:?} of the hub's own page is refused"));
        }
    }
    let mut guest = Browser::new(folder);
    guest.enter(crate::browser::EMAIL)
}
