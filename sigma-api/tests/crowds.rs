//! Many clients that keep the hub waiting, and one that it is there for.

#[cfg(test)]
mod common;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use common::{Folder, Hub, fixture};

const REGISTER: &str = "/api/agent/register";

/// Memory that the program has in use, in KiB.
fn resident_kib(hub: &Hub) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", hub.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn half_sent_bodies_are_refused_beyond_a_budget() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let golden = fixture("registration.json");
    assert_eq!(hub.post(&agent, REGISTER, &golden).status, 200);
    let before = resident_kib(&hub);
    let head = format!(
        "POST {REGISTER} HTTP/1.1\r\nhost: a\r\nx-api-key: {agent}\r\ncontent-type: application/json\r\ncontent-length: 65000\r\n\r\n"
    );
    let half = head + "{\"hostname\":\"" + &"a".repeat(64_000);
    let mut streams: Vec<TcpStream> = (0..400).map(|_| hub.connect()).collect();
    for stream in &mut streams {
        // Whoever is refused may be cut off while it still sends.
        let _ = stream.write_all(half.as_bytes());
    }
    let mut refused = 0;
    for stream in &mut streams {
        stream.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut answer = [0; 2048];
        let read = stream.read(&mut answer).unwrap_or_default();
        let answer = String::from_utf8_lossy(&answer[..read]).to_ascii_lowercase();
        if answer.starts_with("http/1.1 503 ") && answer.contains("retry-after: ") {
            refused += 1;
        }
    }
    assert!((300..400).contains(&refused), "{refused} of 400 were refused");
    assert_eq!(hub.post(&agent, REGISTER, &golden).status, 200, "a good one among them");
    let grown = resident_kib(&hub).saturating_sub(before);
    assert!(grown < 20 * 1024, "{grown} KiB more");
    drop(streams);
    let large = format!("{{\"hostname\":\"a\",\"x\":\"{}\"}}", "x".repeat(60_000));
    let freed = || hub.post(&agent, REGISTER, &large).status == 200;
    assert!(common::eventually(Duration::from_secs(5), freed), "what was given up is free again");
}
