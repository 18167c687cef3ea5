//! Targets as Prometheus discovers them.

use crate::common::{Folder, Hub};
use serde_json::{Value, json};

/// Machines with these addresses (and labels).
fn fleet(folder: &Folder, hub: &Hub, machines: &[(&str, &[(&str, &str)])]) {
    let agent = folder.key("agent");
    for (name, addresses) in machines {
        let addresses: Vec<Value> =
            addresses.iter().map(|(ip, label)| json!({"ip": ip, "label": label})).collect();
        let body = json!({"hostname": name, "ip_addresses": addresses}).to_string();
        assert_eq!(hub.post(&agent, "/api/agent/register", &body).status, 200);
    }
}

#[test]
fn each_watched_machine_is_one_group_with_one_target() {
    let folder = Folder::new();
    let hub = folder.start();
    let reader = folder.key("readonly");
    let machines: [(&str, &[(&str, &str)]); 8] = [
        ("a-both", &[("203.0.113.7", ""), ("10.0.0.5", "internal"), ("2001:db8::1", "")]),
        ("b-v6", &[("10.0.0.6", ""), ("2001:db8::2", "")]),
        ("c-inside", &[("10.0.0.7", "internal")]),
        ("d-none", &[]),
        ("e-unwatched", &[("203.0.113.8", "")]),
        ("f-retired", &[("203.0.113.9", "")]),
        ("g-new", &[("203.0.113.10", "")]),
        ("h-deleted", &[("203.0.113.11", "")]),
    ];
    fleet(&folder, &hub, &machines);
    for sql in [
        "INSERT INTO provider VALUES (x'00000000000000000000000000000001', 'Acme \"1\"', 'DE', '', '', 0, NULL, '', 0, 0, 1)",
        "UPDATE vps SET provider_id = x'00000000000000000000000000000001', country = 'HK', city = 'Tai Po', dc_name = 'hk1', \
         alias = 'Relay', purpose = 'relay', vpn_protocol = 'wireguard', expire_date = '2999-12-31', node_exporter_port = 9200 \
         WHERE hostname = 'a-both'",
        "INSERT INTO vps_tag SELECT id, 'edge' FROM vps WHERE hostname = 'a-both'",
        "INSERT INTO vps_tag SELECT id, 'asia' FROM vps WHERE hostname = 'a-both'",
        "UPDATE vps SET monitoring_enabled = FALSE WHERE hostname = 'e-unwatched'",
        "UPDATE vps SET status = 'retired' WHERE hostname = 'f-retired'",
        "UPDATE vps SET status = 'provisioning' WHERE hostname = 'g-new'",
        "UPDATE vps SET status = 'deleted' WHERE hostname = 'h-deleted'",
    ] {
        folder.sql(sql);
    }
    let answer = hub.get(&reader, "/api/prometheus/targets");
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"), "{answer:?}");
    let groups = answer.json();
    let first = json!({
        "targets": ["203.0.113.7:9200"],
        "labels": {
            "instance_name": "a-both", "provider": "Acme \"1\"", "country": "HK", "alias": "Relay", "city": "Tai Po",
            "dc": "hk1", "purpose": "relay", "vpn_protocol": "wireguard", "status": "active", "tags": "asia,edge",
            "expire_date": "2999-12-31"
        }
    });
    assert_eq!(groups[0], first);
    let targets: Vec<&Value> = groups.as_array().unwrap().iter().map(|group| &group["targets"]).collect();
    assert_eq!(
        targets,
        [
            &json!(["203.0.113.7:9200"]),
            &json!(["[2001:db8::2]:9100"]),
            &json!(["10.0.0.7:9100"]),
            &json!(["203.0.113.10:9100"])
        ]
    );
    for group in groups.as_array().unwrap() {
        assert!(group["labels"].as_object().unwrap().values().all(Value::is_string), "{group}");
    }
    let some = hub.get(&reader, "/api/prometheus/targets?q=tag:edge").json();
    assert_eq!(some, json!([first]));
    assert_eq!(hub.get(&reader, "/api/prometheus/targets?q=tag:").status, 400);
    let bearer = format!("Bearer {reader}");
    let by_bearer = hub.send("GET", "/api/prometheus/targets", &[("authorization", &bearer)], b"");
    assert_eq!(by_bearer.json(), groups, "as Prometheus sends its credentials");
}
