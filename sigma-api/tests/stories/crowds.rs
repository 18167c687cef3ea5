//! Many clients that keep the hub waiting, and one that it is there for.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::common::{Folder, fixture};

const REGISTER: &str = "/api/agent/register";

#[test]
fn half_sent_bodies_are_refused_beyond_a_budget() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let golden = fixture("registration.json");
    assert_eq!(hub.post(&agent, REGISTER, &golden).status, 200);
    let before = hub.resident_kib();
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
    let grown = hub.resident_kib().saturating_sub(before);
    assert!(grown < 20 * 1024, "{grown} KiB more");
    drop(streams);
    let large = format!("{{\"hostname\":\"a\",\"x\":\"{}\"}}", "x".repeat(60_000));
    let freed = || hub.post(&agent, REGISTER, &large).status == 200;
    assert!(crate::common::eventually(Duration::from_secs(5), freed), "what was given up is free again");
}

/// Far more of them than there are places.
#[test]
fn strangers_do_not_keep_agents_out() {
    for says in ["", "GET /healthz HT", "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n"] {
        let folder = Folder::new();
        let agent = folder.key("agent");
        let hub = folder.start_with_files(256);
        let golden = fixture("registration.json");
        let mut kept = hub.connect();
        let request = format!(
            "POST {REGISTER} HTTP/1.1\r\nhost: a\r\nx-api-key: {agent}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{golden}",
            golden.len()
        );
        kept.write_all(request.as_bytes()).unwrap();
        assert!(kept.read(&mut [0; 4096]).unwrap() > 0);
        let strangers: Vec<TcpStream> = (0..600)
            .map(|_| {
                let mut stream = hub.connect();
                let _ = stream.write_all(says.as_bytes());
                stream
            })
            .collect();
        let started = Instant::now();
        assert_eq!(hub.post(&agent, REGISTER, &golden).status, 200);
        // The hub would let the quietest of them go after ten seconds.
        assert!(started.elapsed() < Duration::from_secs(5), "{says:?}: {:?}", started.elapsed());
        kept.write_all(request.as_bytes()).unwrap();
        let mut answer = [0; 12];
        kept.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"HTTP/1.1 200", "a connection that showed a key is kept");
        drop(strangers);
    }
}
