//! The list of the fleet as it changes: what an open page is told.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Folder, Hub, eventually};
use crate::people::{Browser, EMAIL, administrator, invite, make_administrator, signed_in};

/// A page that is told what changes.
struct Live {
    reader: BufReader<TcpStream>,
    head: String,
}

#[cfg(test)]
impl Live {
    /// Opens the stream at `path`, as the browser would.
    fn open(hub: &Hub, person: &Browser<'_>, path: &str) -> Self {
        let mut stream = hub.connect();
        let cookie = person.cookie("sigma").unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: hub\r\ncookie: sigma={cookie}\r\naccept: text/event-stream\r\n\
             accept-encoding: gzip\r\n\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert!(reader.read_line(&mut head).unwrap() > 0, "{head}");
        }
        Self { reader, head: head.to_ascii_lowercase() }
    }

    /// The next event: its name and what it says. `None`: the stream has ended.
    fn next(&mut self) -> Option<(String, Value)> {
        let (mut name, mut data) = (String::new(), Value::Null);
        loop {
            let mut line = String::new();
            if self.reader.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            // Chunks have their size before them, in a line of its own.
            if let Some(said) = line.strip_prefix("event: ") {
                name = said.trim_end().to_owned();
            } else if let Some(said) = line.strip_prefix("data: ") {
                data = serde_json::from_str(said).unwrap();
            } else if line == "\n" && !name.is_empty() {
                return Some((name, data));
            }
        }
    }

    /// The next event of that name.
    fn until(&mut self, name: &str) -> Value {
        loop {
            let (said, data) = self.next().expect("the stream has ended");
            if said == name {
                return data;
            }
        }
    }
}

fn attribute(page: &str, name: &str) -> String {
    let (_, rest) = page.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name}: {page}"));
    rest.split('"').next().unwrap().replace("&#38;", "&").replace("&amp;", "&")
}

/// Where a page is told what changes, and the marks of its rows.
fn live_of(page: &str) -> String {
    let marks: String =
        page.split("data-v=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
    format!("{}&since={}&have={marks}", attribute(page, "data-live"), attribute(page, "data-now"))
}

fn report(hub: &Hub, agent: &str, kind: &str, name: &str, load: f64) {
    let body = json!({"hostname": name, "system_info": {"load_avg": [load, 0.5, 0.5], "cpu_cores": 4}});
    let answer = hub.post(agent, &format!("/api/agent/{kind}"), &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn a_page_is_told_of_the_row_that_changed_and_of_no_other() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    report(&hub, &agent, "register", "a", 0.25);
    report(&hub, &agent, "register", "b", 0.25);
    let page = ana.get("/").text;
    let mut live = Live::open(&hub, &ana, &live_of(&page));
    assert!(
        live.head.starts_with("http/1.1 200") && live.head.contains("text/event-stream"),
        "{}",
        live.head
    );
    assert!(!live.head.contains("content-encoding"), "{}", live.head);
    let (first, sum) = live.next().unwrap();
    assert_eq!(first, "sum", "the rows are as the page has them: {sum}");
    assert_eq!((&sum["sum"], &sum["all"]), (&json!("2 machines · 2 online"), &json!("All 2 machines")));
    assert_eq!((&sum["chips"][0], &sum["span"]), (&json!(2), &json!("1–2 of 2")));
    report(&hub, &agent, "heartbeat", "b", 3.75);
    let told = live.until("rows");
    let rows = told["rows"].as_array().unwrap();
    assert!(rows.len() == 1 && told["order"].is_null(), "{told}");
    let html = rows[0]["html"].as_str().unwrap();
    assert!(html.starts_with("<tr ") && html.contains("3.75") && html.contains(">b<"), "{html}");
    assert!(html.contains("type=\"checkbox\"") && rows[0]["first"].is_null(), "{told}");
}

#[test]
fn who_comes_and_goes_is_told_with_its_place() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    report(&hub, &agent, "register", "b", 0.25);
    let mut live = Live::open(&hub, &ana, &live_of(&ana.get("/").text));
    live.until("sum");
    report(&hub, &agent, "register", "a", 0.25);
    let told = live.until("rows");
    let row = &told["rows"][0];
    assert_eq!(row["first"], "a has reported for the first time.", "{told}");
    assert!(told["order"][0] == row["id"] && told["order"].as_array().unwrap().len() == 2, "{told}");
    assert_eq!(live.until("sum")["sum"], "2 machines · 2 online");
    ana.json("DELETE", &format!("/api/vps/{}", row["id"].as_str().unwrap()), &json!({}));
    let told = live.until("rows");
    assert_eq!((&told["rows"], told["order"].as_array().unwrap().len()), (&json!([]), 1), "{told}");
}

#[test]
fn a_page_that_comes_back_is_told_what_it_missed() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    for name in ["a", "b", "c"] {
        report(&hub, &agent, "register", name, 0.25);
    }
    let page = ana.get("/").text;
    report(&hub, &agent, "heartbeat", "a", 1.25);
    // What another stream read a moment ago may be told first.
    let mut live = Live::open(&hub, &ana, &live_of(&page));
    let told = live.until("rows");
    assert_eq!(told["rows"].as_array().unwrap().len(), 1, "{told}");
    assert!(told["rows"][0]["html"].as_str().unwrap().contains("1.25"));
}

#[test]
fn each_is_told_what_its_page_shows() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    invite(&ana, &hub, "reader@example.org", "readonly");
    let reader = signed_in(&hub, "reader@example.org");
    report(&hub, &agent, "register", "shown", 0.25);
    report(&hub, &agent, "register", "other", 0.25);
    let mut live = Live::open(&hub, &reader, &live_of(&reader.get("/?q=shown").text));
    assert_eq!(live.until("sum")["all"], "All 1 machine that the search finds");
    report(&hub, &agent, "heartbeat", "other", 3.5);
    report(&hub, &agent, "heartbeat", "shown", 2.5);
    let told = live.until("rows");
    assert_eq!(told["rows"].as_array().unwrap().len(), 1, "{told}");
    let html = told["rows"][0]["html"].as_str().unwrap();
    assert!(html.contains("shown") && !html.contains("checkbox") && !html.contains("<form"), "{html}");
    assert_eq!(Browser::new(&hub).get("/live?q=").status, 303);
    assert_eq!(reader.get("/live?q=nothing%3Athere").status, 400);
}

#[test]
fn a_hub_that_stops_waits_for_no_page() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let mut pages: Vec<Live> = (0..3).map(|_| Live::open(&hub, &ana, "/live?q=")).collect();
    pages.iter_mut().for_each(|page| drop(page.until("sum")));
    let (took, code, log) = hub.stop();
    assert_eq!(code, Some(0), "{log}");
    assert!(took < Duration::from_secs(4) && !log.contains("cut off"), "{took:?} {log}");
    assert!(pages.iter_mut().all(|page| page.next().is_none()));
}

#[test]
fn a_session_has_so_many_pages_and_no_more() {
    let folder = Folder::new();
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    let mut pages: Vec<Live> = (0..8).map(|_| Live::open(&hub, &ana, "/live?q=")).collect();
    let refused = ana.get("/live?q=");
    assert!(refused.status == 503 && refused.text.contains("Too many pages"), "{refused:?}");
    let other = signed_in(&hub, EMAIL);
    assert!(Live::open(&hub, &other, "/live?q=").head.starts_with("http/1.1 200"));
    pages.pop();
    let is_free = || Live::open(&hub, &ana, "/live?q=").head.starts_with("http/1.1 200");
    assert!(eventually(Duration::from_secs(10), is_free), "who leaves makes room");
}

#[test]
fn a_page_is_told_nothing_once_its_session_has_ended() {
    let folder = Folder::new();
    let hub = folder.start();
    make_administrator(&folder, &hub, EMAIL);
    let ana = signed_in(&hub, EMAIL);
    let mut live = Live::open(&hub, &ana, "/live?q=");
    live.until("sum");
    assert_eq!(ana.form("/sign-out", &[]).status, 303);
    let started = Instant::now();
    while live.next().is_some() {}
    assert!(started.elapsed() < Duration::from_secs(18), "{:?}", started.elapsed());
}

#[test]
fn each_search_that_is_a_click_away_finds_as_many_as_it_says() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let ana = administrator(&folder, &hub);
    for name in ["a", "b", "gone", "old"] {
        report(&hub, &agent, "register", name, 0.25);
    }
    assert!(ana.json("POST", "/api/vps", &json!({"hostname": "planned"})).status < 300);
    let old = ana.get("/api/vps?q=old").json()["data"][0]["id"].as_str().unwrap().to_owned();
    assert_eq!(ana.json("POST", &format!("/api/vps/{old}/retire"), &json!({})).status, 200);
    assert_eq!(hub.stop().1, Some(0));
    folder.sql(
        "UPDATE vps_state SET last_seen = last_seen - 86400000 WHERE vps_id IN (SELECT id FROM vps WHERE hostname IN ('gone', 'old'))",
    );
    let hub = folder.start();
    let ana = signed_in(&hub, EMAIL);
    let page = ana.get("/").text;
    let (_, chips) = page.split_once("<ul class=\"chips\">").unwrap();
    let counts: Vec<u64> = chips
        .split_once("</ul>")
        .unwrap()
        .0
        .split("<b>")
        .skip(1)
        .map(|rest| rest.split_once('<').unwrap().0.parse().unwrap())
        .collect();
    let found = |q: &str| ana.get(&format!("/api/vps?q={q}")).json()["total"].as_u64().unwrap();
    let searches = ["", "presence:offline+-status:retired", "provider:none+-status:retired"];
    assert_eq!(counts[..3], searches.map(found), "{chips}");
    assert_eq!(counts[..3], [5, 1, 4]);
}
