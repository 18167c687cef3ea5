//! What the hub says of itself to Prometheus.

use crate::common::{Folder, Hub};
use serde_json::json;

fn value(text: &str, sample: &str) -> u64 {
    let line = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {sample} in\n{text}")).parse().unwrap()
}

fn read(hub: &Hub, key: &str) -> String {
    let answer = hub.get(key, "/metrics");
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.contains("content-type: text/plain; version=0.0.4"), "{answer:?}");
    answer.text
}

#[test]
fn requests_reports_and_the_fleet_are_counted() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    for path in ["/api/agent/register", "/api/agent/register"] {
        hub.post(&agent, path, &json!({"hostname": "m1"}).to_string());
    }
    hub.post(&agent, "/api/agent/register", &json!({"hostname": "m2"}).to_string());
    hub.post(&agent, "/api/agent/register", "{}");
    let news = json!({"hostname": "m1", "system_info": {"kernel": "6.1"}}).to_string();
    for body in [news.as_str(), &news, &json!({"hostname": "nobody"}).to_string()] {
        hub.post(&agent, "/api/agent/heartbeat", body);
    }
    hub.post("sgm_wrong", "/api/agent/heartbeat", &news);
    hub.get(&reader, "/api/nothing/here");
    hub.get(&reader, "/api/nothing/there");
    folder.sql("INSERT INTO provider VALUES (x'00000000000000000000000000000001', 'A \"b\" \\', '', '', '', 0, NULL, '', 0, 0, 1)");
    folder.sql("UPDATE vps SET provider_id = x'00000000000000000000000000000001' WHERE hostname = 'm2'");

    let text = read(&hub, &reader);
    let requests = |route: &str, method: &str, status: &str| {
        let sample =
            format!("sigma_http_requests_total{{route=\"{route}\",method=\"{method}\",status=\"{status}\"}}");
        value(&text, &sample)
    };
    assert_eq!(requests("/api/agent/register", "POST", "2xx"), 3);
    assert_eq!(requests("/api/agent/register", "POST", "4xx"), 1);
    assert_eq!(requests("/api/agent/heartbeat", "POST", "2xx"), 2);
    assert_eq!(requests("/api/agent/heartbeat", "POST", "4xx"), 2, "refusals of keys count too");
    assert_eq!(requests("/api/vps/{id}", "GET", "2xx"), 0, "each route is there from the beginning");
    assert_eq!(requests("", "", "4xx"), 2, "addresses that do not exist make no counters");
    let reports = |kind: &str, outcome: &str| {
        value(&text, &format!("sigma_reports_total{{kind=\"{kind}\",outcome=\"{outcome}\"}}"))
    };
    assert_eq!((reports("registration", "new"), reports("registration", "known")), (2, 1));
    assert_eq!((reports("heartbeat", "news"), reports("heartbeat", "beat")), (1, 1));
    assert_eq!((reports("heartbeat", "unknown"), reports("heartbeat", "failed")), (1, 0));
    assert_eq!(value(&text, "sigma_machines_by_presence{presence=\"online\"}"), 2);
    assert_eq!(value(&text, "sigma_machines_by_presence{presence=\"offline\"}"), 0);
    assert_eq!(value(&text, "sigma_machines_by_status{status=\"active\"}"), 2);
    assert_eq!(value(&text, "sigma_machines_by_provider{provider=\"A \\\"b\\\" \\\\\"}"), 1);
    assert_eq!(value(&text, "sigma_machines_by_provider{provider=\"\"}"), 1);
    assert_eq!(value(&text, "sigma_report_queue_length"), 0);
    assert!(value(&text, "sigma_database_bytes") > 4096);
    assert_eq!(value(&text, &format!("sigma_build_info{{version=\"{}\"}}", env!("CARGO_PKG_VERSION"))), 1);
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        assert!(
            line.starts_with("sigma_") && line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(),
            "{line}"
        );
    }
}

#[test]
fn metrics_are_for_those_who_may_look() {
    let folder = Folder::new();
    let agent = folder.key("agent");
    let hub = folder.start();
    assert_eq!(hub.get(&agent, "/metrics").status, 403);
    assert_eq!(hub.send("GET", "/metrics", &[], b"").status, 401);
}

#[test]
fn machines_are_counted_by_what_they_are_shown_as() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    for n in 1..=4 {
        hub.post(&agent, "/api/agent/register", &json!({"hostname": format!("m{n}")}).to_string());
    }
    hub.stop();
    for (hostname, age_s) in [("m1", 200), ("m2", 1000)] {
        folder.sql(&format!(
            "UPDATE vps_state SET last_seen = last_seen - {age_s}000 \
             WHERE vps_id = (SELECT id FROM vps WHERE hostname = '{hostname}')"
        ));
    }
    folder.sql("DELETE FROM vps_state WHERE vps_id = (SELECT id FROM vps WHERE hostname = 'm3')");
    let hub = folder.start();
    let text = read(&hub, &reader);
    for presence in ["online", "late", "offline", "never"] {
        assert_eq!(value(&text, &format!("sigma_machines_by_presence{{presence=\"{presence}\"}}")), 1);
    }
    let beat = json!({"hostname": "m2"}).to_string();
    assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &beat).status, 200);
    assert_eq!(value(&read(&hub, &reader), "sigma_machines_by_presence{presence=\"online\"}"), 2);
}
