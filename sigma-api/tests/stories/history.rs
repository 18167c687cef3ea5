//! What is kept of the addresses that machines had.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::common::Folder;
use serde_json::{Value, json};

fn report(ips: &[String]) -> String {
    let addresses: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip})).collect();
    json!({"hostname": "m", "ip_addresses": addresses}).to_string()
}

#[test]
fn of_the_addresses_that_are_gone_the_latest_and_the_labelled_are_kept() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let batches: Vec<Vec<String>> =
        (1..=8).map(|n| (1..=64).map(|i| format!("2001:db8::{n}:{i}")).collect()).collect();
    assert_eq!(hub.post(&agent, "/api/agent/register", &report(&batches[0])).status, 200);
    folder.sql("UPDATE vps_address SET operator_label = 'anycast' WHERE ip = '2001:db8::1:7'");
    for batch in &batches[1..] {
        // Absences of the same millisecond have no order.
        std::thread::sleep(Duration::from_millis(3));
        assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &report(batch)).status, 200);
    }
    let mut kept: BTreeSet<String> = batches[3..].concat().into_iter().collect();
    kept.insert("2001:db8::1:7".to_owned());
    let stored: BTreeSet<String> = folder.sql("SELECT ip FROM vps_address").into_iter().collect();
    assert!(stored == kept, "{stored:?}");

    let back = ["2001:db8::1:7".to_owned(), "2001:db8::1:8".to_owned()];
    assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &report(&back)).status, 200);
    let shown = &hub.get(&reader, "/api/vps").json()["data"][0]["ip_addresses"];
    let expected = json!([{"ip": back[0], "label": "anycast"}, {"ip": back[1], "label": ""}]);
    assert_eq!(shown, &expected);
}

#[test]
fn lists_and_beats_do_not_read_addresses_that_are_gone() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    assert_eq!(hub.post(&agent, "/api/agent/register", &report(&["10.0.0.1".to_owned()])).status, 200);
    // Whoever reads this row stumbles over it.
    folder.sql("INSERT INTO vps_address SELECT id, 'no address', '', NULL, 0, 0, 0, '' FROM vps");
    assert_eq!(hub.get(&reader, "/api/vps").json()["data"][0]["ip_addresses"][0]["ip"], "10.0.0.1");
    assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &report(&["10.0.0.2".to_owned()])).status, 200);
}

#[test]
fn an_older_report_that_waits_does_not_come_after_a_newer_that_was_acknowledged() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let (first, second) = (report(&["203.0.113.1".to_owned()]), report(&["203.0.113.2".to_owned()]));
    assert_eq!(hub.post(&agent, "/api/agent/register", &first).status, 200);
    let lock = folder.lock();
    let beat = |body: &str| hub.post(&agent, "/api/agent/heartbeat", body).status;
    let (waited, newer) = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| beat(&second));
        std::thread::sleep(Duration::from_millis(500));
        let newer = scope.spawn(|| beat(&first));
        std::thread::sleep(Duration::from_millis(500));
        drop(lock);
        (waiting.join().unwrap(), newer.join().unwrap())
    });
    assert_eq!((waited, newer), (200, 200));
    assert_eq!(folder.sql("SELECT ip FROM vps_address WHERE present"), ["203.0.113.1"]);
}
