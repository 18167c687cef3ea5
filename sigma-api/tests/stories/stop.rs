//! Stopping while the database cannot be written.

use std::time::Duration;

use crate::common::{Folder, eventually};
use serde_json::json;

#[test]
fn what_waits_for_a_locked_database_is_answered_before_the_end() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let register =
        &|n: u32| hub.post(&agent, "/api/agent/register", &json!({"hostname": format!("m{n}")}).to_string());
    assert_eq!(register(0).status, 200);
    let lock = folder.lock();
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let first = scope.spawn(|| register(1).status);
        std::thread::sleep(Duration::from_millis(300));
        let others: Vec<_> = (2..20).map(|n| scope.spawn(move || register(n).status)).collect();
        std::thread::sleep(Duration::from_millis(300));
        hub.signal();
        others.into_iter().chain([first]).map(|answered| answered.join().unwrap()).collect()
    });
    assert_eq!(statuses, [503; 19]);
    let (took, code, log) = hub.wait();
    assert_eq!(code, Some(0));
    assert!(took < Duration::from_secs(4), "{took:?}");
    assert!(!log.contains("cut off"), "{log}");
    drop(lock);
    assert_eq!(folder.sql("SELECT hostname FROM vps"), ["m0"], "what was not acknowledged was not kept");
    folder.start();
}

#[test]
fn what_waits_is_written_when_the_database_is_free_in_time() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let lock = folder.lock();
    let body = json!({"hostname": "m"}).to_string();
    let status = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| hub.post(&agent, "/api/agent/register", &body).status);
        std::thread::sleep(Duration::from_millis(300));
        hub.signal();
        std::thread::sleep(Duration::from_millis(700));
        drop(lock);
        waiting.join().unwrap()
    });
    assert_eq!(status, 200);
    assert_eq!(hub.wait().1, Some(0));
    assert!(eventually(Duration::from_secs(1), || folder.sql("SELECT hostname FROM vps") == ["m"]));
}
