//! What the hub refuses, and how it says so.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::common::{Answer, Folder, fixture};
use serde_json::json;

const REGISTER: &str = "/api/agent/register";

#[test]
fn every_bad_value_is_named() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let nul = "\"\\u0000\"";
    let many: Vec<_> = (0..65).map(|n| json!({"ip": format!("10.0.0.{n}"), "label": ""})).collect();
    for (body, named) in [
        (String::new(), "JSON object"),
        ("nonsense".to_owned(), "JSON object"),
        ("[\"a\"]".to_owned(), "JSON object"),
        ("{\"hostname\": \"a\"".to_owned(), "ends too early"),
        ("{}".to_owned(), "hostname"),
        (json!({"hostname": null}).to_string(), "hostname: "),
        (json!({"hostname": ""}).to_string(), "hostname: "),
        (json!({"hostname": "a/b"}).to_string(), "hostname: "),
        (json!({"hostname": "ä"}).to_string(), "hostname: "),
        (format!("{{\"hostname\": {nul}}}"), "hostname: "),
        ("{\"hostname\": \"\\ud800\"}".to_owned(), "hostname: "),
        (json!({"hostname": "a", "ssh_port": 0}).to_string(), "ssh_port: "),
        (json!({"hostname": "a", "ssh_port": 65536}).to_string(), "ssh_port: "),
        (
            json!({"hostname": "a", "ip_addresses": [{"ip": "1.2.3.4"}, {"ip": "1.2.3.256"}]}).to_string(),
            "ip_addresses[1].ip: ",
        ),
        (
            json!({"hostname": "a", "ip_addresses": [{"ip": "1.2.3.4", "label": "two\nlines"}]}).to_string(),
            "ip_addresses[0].label: ",
        ),
        (json!({"hostname": "a", "ip_addresses": many}).to_string(), "ip_addresses: "),
        (json!({"hostname": "a", "system_info": {"load_avg": [1, 2]}}).to_string(), "system_info.load_avg"),
        (
            json!({"hostname": "a", "system_info": {"load_avg": [1, 2, -3]}}).to_string(),
            "system_info.load_avg[2]: ",
        ),
        (
            json!({"hostname": "a", "system_info": {"cpu_cores": "two"}}).to_string(),
            "system_info.cpu_cores: ",
        ),
        (json!({"hostname": "a", "agent": {"interval_seconds": 0}}).to_string(), "agent.interval_seconds: "),
        (json!({"hostname": "a", "machine": {"id": "short"}}).to_string(), "machine.id: "),
        (format!("{{\"hostname\": \"a\", \"system_info\": {{\"kernel\": {nul}}}}}"), "system_info.kernel: "),
    ] {
        let answer = hub.post(&agent, REGISTER, &body);
        assert_eq!(answer.status, 400, "{body}: {answer:?}");
        assert!(answer.error().contains(named), "{body} was refused with {:?}", answer.error());
    }
    let log = hub.stop().2;
    assert!(!log.contains("evil"), "bodies are not logged: {log}");
}

#[test]
fn a_sentence_does_not_grow_with_its_input() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let answer =
        hub.post(&agent, REGISTER, &json!({"hostname": "a", "ssh_port": "x".repeat(50_000)}).to_string());
    assert_eq!(answer.status, 400);
    assert!(answer.text.len() < 2000, "{} bytes", answer.text.len());
}

#[test]
fn wrong_addresses_methods_and_types_are_told_in_json() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let golden = fixture("registration.json");
    let typed = |kind: &str| {
        hub.send("POST", REGISTER, &[("x-api-key", &agent), ("content-type", kind)], golden.as_bytes())
    };
    let packed = |encoding: &str| {
        let headers =
            [("x-api-key", &*agent), ("content-type", "application/json"), ("content-encoding", encoding)];
        hub.send("POST", REGISTER, &headers, golden.as_bytes())
    };
    for (answer, status) in [
        (hub.get(&reader, "/api/nothing"), 404),
        (hub.get(&reader, "/nothing"), 404),
        (hub.get(&reader, "/api/vps/01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"), 404),
        (hub.get(&reader, "/api/vps/7"), 400),
        (hub.get(&reader, "/api/vps?status=green"), 400),
        (hub.get(&agent, REGISTER), 405),
        (hub.send("DELETE", "/api/vps", &[("x-api-key", &reader)], b""), 405),
        (typed("text/plain"), 415),
        (typed(""), 415),
        (packed("gzip"), 415),
    ] {
        assert_eq!(answer.status, status, "{answer:?}");
        assert!(!answer.error().is_empty());
    }
    assert_eq!(typed("application/json; charset=utf-8").status, 200);
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    let started = Instant::now();
    let answer = hub.post(&agent, REGISTER, &"x".repeat(300_000));
    assert_eq!(answer.status, 413);
    assert!(answer.error().contains("64 KiB"));
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
    // Without an announced length.
    let mut stream = hub.connect();
    let head = format!(
        "POST {REGISTER} HTTP/1.1\r\nhost: a\r\nx-api-key: {agent}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    for _ in 0..20 {
        let _ = stream.write_all(format!("1000\r\n{}\r\n", "x".repeat(4096)).as_bytes());
    }
    assert_eq!(Answer::read(&mut stream).status, 413);
}

#[test]
fn a_request_without_a_key_is_refused_before_its_body_is_read() {
    let folder = Folder::new();
    let hub = folder.start();
    let mut stream = hub.connect();
    let head = format!(
        "POST {REGISTER} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 5000\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let started = Instant::now();
    assert_eq!(Answer::read(&mut stream).status, 401);
    assert!(started.elapsed() < Duration::from_secs(3), "{:?}", started.elapsed());
}

#[test]
fn a_half_sent_head_is_closed_after_ten_seconds() {
    let folder = Folder::new();
    let hub = folder.start();
    let mut stream = hub.connect();
    stream.write_all(b"GET /healthz HT").unwrap();
    let started = Instant::now();
    let mut rest = Vec::new();
    std::io::Read::read_to_end(&mut stream, &mut rest).unwrap();
    let closed = started.elapsed();
    assert!((Duration::from_secs(9)..Duration::from_secs(12)).contains(&closed), "{closed:?}");
}

#[test]
fn a_locked_database_is_told_and_recovers() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let golden = fixture("registration.json");
    assert_eq!(hub.post(&agent, REGISTER, &golden).status, 200);
    let lock = folder.lock();
    let beat = json!({"hostname": "hk-relay-01", "ip_addresses": [{"ip": "198.51.100.1"}]}).to_string();
    let answer = hub.post(&agent, "/api/agent/heartbeat", &beat);
    assert_eq!(answer.status, 503, "news that cannot be stored are not acknowledged: {answer:?}");
    assert!(answer.head.contains("retry-after: "), "{answer:?}");
    assert!(!answer.error().to_lowercase().contains("sql"), "{answer:?}");
    assert_eq!(
        hub.get(&reader, "/api/vps").json()["data"][0]["ip_addresses"].as_array().map(Vec::len),
        Some(3)
    );
    assert_eq!(hub.send("GET", "/healthz", &[], b"").status, 200);
    drop(lock);
    assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &beat).status, 200);
}
