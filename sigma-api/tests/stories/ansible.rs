//! The inventory as Ansible reads it.

use crate::common::Folder;
use serde_json::{Value, json};

fn hosts(inventory: &Value, group: &str) -> Vec<String> {
    let hosts =
        inventory[group]["hosts"].as_array().unwrap_or_else(|| panic!("{group} is not in {inventory}"));
    hosts.iter().map(|host| host.as_str().unwrap().to_owned()).collect()
}

#[test]
fn groups_hosts_and_their_values() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    for (name, ip) in [("m1", Some("203.0.113.7")), ("m2", Some("2001:db8::2")), ("m3", None), ("m4", None)] {
        let addresses: Vec<Value> = ip.iter().map(|ip| json!({"ip": ip, "label": ""})).collect();
        let body = json!({"hostname": name, "ip_addresses": addresses, "ssh_port": 2222}).to_string();
        assert_eq!(hub.post(&agent, "/api/agent/register", &body).status, 200);
    }
    for sql in [
        "INSERT INTO provider VALUES (x'00000000000000000000000000000001', 'Acme Cloud', 'DE', '', '', 0, NULL, '', 0, 0, 1)",
        "UPDATE vps SET provider_id = x'00000000000000000000000000000001', country = 'HK' WHERE hostname = 'm1'",
        "UPDATE vps SET alias = '{{ lookup(''pipe'', ''id'') }}', city = '{%x%}{#y#}' WHERE hostname = 'm1'",
        "INSERT INTO vps_tag SELECT id, 'a-b' FROM vps WHERE hostname = 'm1'",
        "INSERT INTO vps_tag SELECT id, 'a_b' FROM vps WHERE hostname = 'm2'",
        "INSERT INTO vps_tag SELECT id, '{{ x }}' FROM vps WHERE hostname = 'm2'",
        "UPDATE vps SET status = 'deleted' WHERE hostname = 'm4'",
    ] {
        folder.sql(sql);
    }
    let answer = hub.get(&reader, "/api/ansible/inventory");
    assert_eq!(answer.status, 200, "{answer:?}");
    for opening in ["{{ ", "{%", "{#"] {
        assert!(!answer.text.contains(opening), "a template in {}", answer.text);
    }
    let inventory = answer.json();
    assert_eq!(hosts(&inventory, "all"), ["m1", "m2", "m3"]);
    assert_eq!(hosts(&inventory, "status_active"), ["m1", "m2", "m3"]);
    assert_eq!(hosts(&inventory, "country_HK"), ["m1"]);
    assert_eq!(hosts(&inventory, "provider_Acme_Cloud"), ["m1"]);
    assert_eq!(hosts(&inventory, "tag_a_b"), ["m2"], "another tag has no part in it");
    for group in inventory.as_object().unwrap().keys() {
        let is_safe = group.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        assert!(is_safe, "{group}");
    }
    let other: Vec<&String> =
        inventory.as_object().unwrap().keys().filter(|group| group.starts_with("tag_a_b_")).collect();
    assert_eq!(other.len(), 1, "{inventory}");
    assert_eq!(hosts(&inventory, other[0]), ["m1"]);

    let variables = &inventory["_meta"]["hostvars"];
    let m1 = &variables["m1"];
    assert_eq!((&m1["ansible_host"], &m1["ansible_port"]), (&json!("203.0.113.7"), &json!(2222)));
    assert_eq!(m1["sigma_alias"], "{ { lookup('pipe', 'id') }}");
    assert_eq!(m1["sigma_provider"], "Acme Cloud");
    assert_eq!(m1["sigma_tags"], json!(["a-b"]));
    assert_eq!(variables["m2"]["ansible_host"], "2001:db8::2");
    assert!(variables["m3"].get("ansible_host").is_none(), "nothing is made up");

    let some = hub.get(&reader, "/api/ansible/inventory?q=country:hk").json();
    assert_eq!(hosts(&some, "all"), ["m1"]);
    let none = hub.get(&reader, "/api/ansible/inventory?q=nobody").json();
    assert_eq!(none, json!({"_meta": {"hostvars": {}}, "all": {"hosts": []}}));
}

#[test]
fn no_two_machines_become_one_host() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    for n in 1..=7 {
        let body = json!({"hostname": format!("m{n}")}).to_string();
        assert_eq!(hub.post(&agent, "/api/agent/register", &body).status, 200);
    }
    let names = ["debian", "debian (2)", "debian_2", "debian [2]", "localhost", "-oX=y", "tag_prod"];
    for (n, name) in names.iter().enumerate() {
        folder.sql(&format!("UPDATE vps SET hostname = '{name}' WHERE hostname = 'm{}'", n + 1));
    }
    let inventory = hub.get(&reader, "/api/ansible/inventory").json();
    let hosts = hosts(&inventory, "all");
    assert_eq!(hosts.len(), 7, "{hosts:?}");
    let variables = inventory["_meta"]["hostvars"].as_object().unwrap();
    let mut called: Vec<&str> = variables.values().map(|v| v["sigma_hostname"].as_str().unwrap()).collect();
    called.sort_unstable();
    let mut expected = names;
    expected.sort_unstable();
    assert_eq!(called, expected);
    assert_eq!(variables["debian_2"]["sigma_hostname"], "debian_2", "whoever has a good name keeps it");
    assert!(!hosts.contains(&"localhost".to_owned()), "that is the machine that runs Ansible");
    assert!(!hosts.contains(&"tag_prod".to_owned()), "a play for that group would run on it");
    for host in &hosts {
        let is_safe = host.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        assert!(is_safe && !host.starts_with('-'), "{host}");
    }
}
