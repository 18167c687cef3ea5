//! Large imports: all or nothing, as a single change, and nobody who reports has to wait for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::common::{Folder, Hub, fixture};
use serde_json::{Value, json};

fn file(lines: u32) -> String {
    let line = |n: u32| format!("m{n},Acme,edge;x{},198.51.{}.{} a,note\n", n % 7, n / 250, n % 250);
    "hostname,provider,tags,ip_addresses,notes\n".to_owned() + &(0..lines).map(line).collect::<String>()
}

fn import(hub: &Hub, key: &str, data: &str) -> Value {
    let body = json!({"format": "csv", "data": data}).to_string();
    let answer = hub.post(key, "/api/vps/import", &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// How many rows there are of records, tags, addresses and lines of imports.
fn rows(folder: &Folder) -> [String; 4] {
    ["vps", "vps_tag", "vps_address", "audit WHERE action = 'vps.import'"]
        .map(|table| folder.sql(&format!("SELECT CAST(count(*) AS TEXT) FROM {table}")).remove(0))
}

#[test]
fn one_bad_line_at_the_end_of_many_keeps_all_out() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    hub.post(&key, "/api/providers", r#"{"name":"Acme"}"#);
    hub.post(&key, "/api/vps", r#"{"hostname":"m7","notes":"mine"}"#);
    let before = rows(&folder);
    for (bad, sentence) in [
        (
            "m901,Nobody,,,\n",
            "line 902: provider: there is no provider called Nobody; make or import it first",
        ),
        ("m899,,,,\n", "line 902: Another machine is called m899: "),
        ("m3,,,,\n", "line 902: Another machine is called m3: "),
    ] {
        let report = import(&hub, &key, &(file(900) + bad));
        assert_eq!((&report["imported"], &report["refused"]), (&json!(0), &json!(1)), "{bad}");
        let error = report["errors"][0].as_str().unwrap();
        assert!(error.starts_with(sentence), "{error}");
        assert_eq!(rows(&folder), before);
    }
    let report = import(&hub, &key, &file(900));
    assert_eq!((&report["created"], &report["updated"]), (&json!(899), &json!(1)));
    assert_eq!(rows(&folder), ["900", "1800", "900", "900"]);
    let vps = hub.get(&key, "/api/vps?q=host:m503").json()["data"][0].clone();
    assert_eq!(
        (&vps["tags"], &vps["source"], &vps["version"]),
        (&json!(["edge", "x6"]), &json!("import"), &json!(1))
    );
    assert_eq!(vps["ip_addresses"], json!([{"ip": "198.51.2.3", "label": "a"}]));
    let line = hub.get(&key, &format!("/api/vps/{}/audit", vps["id"].as_str().unwrap())).json();
    assert_eq!((&line["total"], &line["data"][0]["changes"]["notes"]), (&json!(1), &json!(["", "note"])));
    let same = import(&hub, &key, &file(900));
    assert_eq!((&same["unchanged"], rows(&folder)[3].as_str()), (&json!(900), "900"));
}

#[test]
fn everything_that_is_wrong_with_a_line_is_said_at_once() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let file = "hostname,country,cpu_cores,expire_date\nm1,XX,two,2026-02-30\nm2,DE,2,\n";
    let report = import(&hub, &key, file);
    let errors = report["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &report["imported"]), (1, &json!(0)));
    let error = errors[0].as_str().unwrap();
    for member in ["line 2: ", "country: ", "cpu_cores: ", "expire_date: "] {
        assert_eq!(error.matches(member).count(), 1, "{member} in {error}");
    }
}

#[test]
fn a_name_is_for_one_line_alone() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let [one, two] = ["a", "c"].map(|name| {
        let made = hub.post(&key, "/api/vps", &json!({"hostname": name}).to_string());
        made.json()["id"].as_str().unwrap().to_owned()
    });
    for lines in
        [format!("{one},d\n{two},d"), format!(",e\n{two},e"), format!("{one},e\n,e"), ",e\n,e".to_owned()]
    {
        let report = import(&hub, &key, &format!("id,hostname\n{lines}\n"));
        let error = report["errors"][0].as_str().unwrap_or_else(|| panic!("{report}"));
        assert!(error.starts_with("line 3: ") && report["imported"] == 0, "{lines}: {report}");
    }
    let passed_on = format!("id,hostname\n{one},c\n{two},f\n,g\n");
    assert_eq!(import(&hub, &key, &passed_on)["imported"], 3);
    assert_eq!(folder.sql("SELECT hostname FROM vps ORDER BY hostname"), ["c", "f", "g"]);
}

#[test]
fn who_reports_does_not_wait_for_an_import() {
    let folder = Folder::new();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    hub.post(&key, "/api/providers", r#"{"name":"Acme"}"#);
    assert_eq!(hub.post(&agent, "/api/agent/register", &fixture("registration.json")).status, 200);
    assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &fixture("heartbeat.json")).status, 200);
    let (began, importing) = (Instant::now(), AtomicBool::new(true));
    let (took, slowest, beats) = std::thread::scope(|scope| {
        let beats = scope.spawn(|| {
            let (mut slowest, mut beats) = (Duration::ZERO, 0);
            while importing.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(60) {
                let sent = Instant::now();
                assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &fixture("heartbeat.json")).status, 200);
                slowest = slowest.max(sent.elapsed());
                beats += 1;
            }
            (slowest, beats)
        });
        let report = import(&hub, &key, &file(5_000));
        let took = began.elapsed();
        importing.store(false, Ordering::Relaxed);
        assert_eq!(report["created"], 5_000);
        let (slowest, beats) = beats.join().unwrap();
        (took, slowest, beats)
    });
    assert!(beats > 10, "{beats} beats in {took:?}");
    assert!(slowest < took / 3, "a beat took {slowest:?} while {took:?} were imported");
}
