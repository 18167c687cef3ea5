//! The search language, from the address bar to the database and back.

use crate::common::{Folder, Hub};
use serde_json::{Value, json};

struct Fleet {
    folder: Folder,
    hub: Hub,
    reader: String,
}

fn fleet() -> Fleet {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    for (name, ips, version) in [
        ("hk-relay-01", &["203.0.113.7", "10.0.0.5", "2001:db8:1::7"][..], Some("1.1.9")),
        ("HK-relay-02", &["203.0.113.70"], Some("1.2.0-rc.1")),
        ("de-web_50%", &["198.51.100.1", "2001:db8:2::1"], Some("1.10.1")),
        ("de-web-5000", &[], None),
        ("de-old", &["192.0.2.1"], Some("dev")),
        ("gone", &[], None),
    ] {
        let addresses: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip, "label": ""})).collect();
        let name = name.replace('%', "x");
        let mut message =
            json!({"hostname": name, "ip_addresses": addresses, "system_info": {"cpu_cores": 2}});
        if let Some(version) = version {
            message["agent"] = json!({"version": version, "interval_seconds": 60});
        }
        assert_eq!(hub.post(&agent, "/api/agent/register", &message.to_string()).status, 200);
    }
    hub.stop();
    for sql in [
        "INSERT INTO provider VALUES (x'00000000000000000000000000000001', 'Acme Cloud', 'DE', '', '', 0, NULL, '', 0, 0, 1)",
        "INSERT INTO provider VALUES (x'00000000000000000000000000000002', 'none', 'DE', '', '', 0, NULL, '', 0, 0, 1)",
        "UPDATE vps SET hostname = 'de-web_50%' WHERE hostname = 'de-web_50x'",
        "UPDATE vps SET provider_id = x'00000000000000000000000000000001' WHERE hostname LIKE 'hk-%'",
        "UPDATE vps SET provider_id = x'00000000000000000000000000000002' WHERE hostname = 'de-old'",
        "UPDATE vps SET country = 'HK', alias = 'Tai Po', purpose = 'Relay' WHERE hostname = 'hk-relay-01'",
        "UPDATE vps SET notes = 'line one' || char(10) || 'ask \"Bob\" at https://x.example/a' WHERE hostname = 'HK-relay-02'",
        "UPDATE vps SET status = 'retired', cpu_cores = 4 WHERE hostname = 'de-old'",
        "UPDATE vps SET status = 'deleted' WHERE hostname = 'gone'",
        "UPDATE vps SET expire_date = date('now', '+3 days') WHERE hostname = 'hk-relay-01'",
        "UPDATE vps SET expire_date = date('now', '+40 days') WHERE hostname = 'HK-relay-02'",
        "UPDATE vps SET expire_date = date('now', '-3 days') WHERE hostname = 'de-old'",
        "INSERT INTO vps_tag SELECT id, 'edge' FROM vps WHERE hostname IN ('hk-relay-01', 'de-old')",
        "INSERT INTO vps_tag SELECT id, 'edge-asia' FROM vps WHERE hostname = 'HK-relay-02'",
        "UPDATE vps_address SET present = 0 WHERE ip = '198.51.100.1'",
        "INSERT INTO vps_mark SELECT id, id, 'conflict', NULL, '', 0, NULL, NULL FROM vps WHERE hostname = 'hk-relay-01'",
        "INSERT INTO vps_mark SELECT id, id, 'clone', NULL, '', 0, 5, 'two' FROM vps WHERE hostname = 'HK-relay-02'",
        "UPDATE vps_state SET last_seen = last_seen - 200000 WHERE vps_id = (SELECT id FROM vps WHERE hostname = 'HK-relay-02')",
        "UPDATE vps_state SET last_seen = last_seen - 7200000 WHERE vps_id = (SELECT id FROM vps WHERE hostname = 'de-old')",
        "DELETE FROM vps_state WHERE vps_id = (SELECT id FROM vps WHERE hostname = 'de-web-5000')",
    ] {
        folder.sql(sql);
    }
    let hub = folder.start();
    Fleet { folder, hub, reader }
}

/// As in a query of a URL.
fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

fn found(fleet: &Fleet, parameters: &str) -> Vec<String> {
    let answer = fleet.hub.get(&fleet.reader, &format!("/api/vps?{parameters}"));
    assert_eq!(answer.status, 200, "{parameters}: {answer:?}");
    let found = answer.json()["data"].as_array().unwrap().clone();
    found.iter().map(|vps| vps["hostname"].as_str().unwrap().to_owned()).collect()
}

const ONE: &str = "hk-relay-01";
const TWO: &str = "HK-relay-02";
const WEB: &str = "de-web_50%";
const WEB2: &str = "de-web-5000";
const OLD: &str = "de-old";

#[test]
fn each_term_finds_what_it_says_and_its_opposite_the_rest() {
    let fleet = fleet();
    let all = [TWO, OLD, WEB2, WEB, ONE];
    for (query, expected) in [
        ("", &all[..]),
        ("relay", &[ONE, TWO]),
        ("RELAY 01", &[ONE]),
        ("\"tai po\"", &[ONE]),
        ("acme", &[ONE, TWO]),
        ("\"ACME CLOUD\"", &[ONE, TWO]),
        ("edge", &[ONE, TWO, OLD]),
        ("\"ask \\\"bob\\\"\"", &[TWO]),
        ("https://x.example", &[TWO]),
        ("203.0.113.7", &[ONE, TWO]),
        ("203.0.113.0/26", &[ONE]),
        ("2001:DB8:1:0::7", &[ONE]),
        ("2001:db8::/32", &[ONE, WEB]),
        ("50%", &[WEB]),
        ("b_5", &[WEB]),
        ("!", &[]),
        ("198.51.100.1", &[]),
        ("provider:none", &[WEB2, WEB]),
        ("provider:\"none\"", &[OLD]),
        ("provider:\"acme cloud\"", &[ONE, TWO]),
        ("provider:acme", &[]),
        ("status:active", &[ONE, TWO, WEB, WEB2]),
        ("status:retired", &[OLD]),
        ("tag:edge", &[ONE, OLD]),
        ("tag:EDGE", &[ONE, OLD]),
        ("tag:none", &[WEB, WEB2]),
        ("country:hk", &[ONE]),
        ("country:none", &[TWO, WEB, WEB2, OLD]),
        ("ip:203.0.113.0/24", &[ONE, TWO]),
        ("ip:203.0.113.7", &[ONE]),
        ("ip:10.0.0.0/8", &[ONE]),
        ("ip:0.0.0.0/0", &[ONE, TWO, OLD]),
        ("ip:2001:db8::/32", &[ONE, WEB]),
        ("ip:::/0", &[ONE, WEB]),
        ("had:198.51.100.0/24", &[WEB]),
        ("seen:>1h", &[OLD]),
        ("seen:<5m", &[ONE, TWO, WEB]),
        ("seen:<2m", &[ONE, WEB]),
        ("seen:never", &[WEB2]),
        ("presence:online", &[ONE, WEB]),
        ("presence:late", &[TWO]),
        ("presence:offline", &[OLD]),
        ("presence:never", &[WEB2]),
        ("expires:<14d", &[ONE]),
        ("expires:>30d", &[TWO]),
        ("expires:>=3d", &[ONE, TWO]),
        ("expires:<3d", &[]),
        ("expires:past", &[OLD]),
        ("expires:none", &[WEB, WEB2]),
        ("expires:<2999-01-01", &[ONE, TWO, OLD]),
        ("agent:<1.2", &[ONE]),
        ("agent:1.2", &[TWO]),
        ("agent:>1.2", &[WEB]),
        ("agent:>=1.2.0", &[TWO, WEB]),
        ("agent:none", &[WEB2]),
        ("flag:conflict", &[ONE]),
        ("flag:clone", &[]),
        ("flag:less_than_bought", &[OLD]),
        ("host:web", &[WEB, WEB2]),
        ("alias:tai", &[ONE]),
        ("note:bob", &[TWO]),
        ("purpose:relay", &[ONE]),
        ("purpose:none", &[TWO, WEB, WEB2, OLD]),
        ("source:agent", &all),
        ("relay -tag:edge", &[TWO]),
        ("-relay -provider:none", &[OLD]),
        ("text:relay host:02", &[TWO]),
    ] {
        let mut expected: Vec<&str> = expected.to_vec();
        expected.sort_unstable();
        assert_eq!(found(&fleet, &format!("q={}", encoded(query))), expected, "{query}");
        let is_one_term =
            !query.is_empty() && (!query.contains(' ') || query.contains('"')) && !query.starts_with('-');
        if is_one_term {
            let mut rest: Vec<&str> = all.iter().copied().filter(|name| !expected.contains(name)).collect();
            rest.sort_unstable();
            assert_eq!(found(&fleet, &format!("q={}", encoded(&format!("-{query}")))), rest, "-{query}");
        }
    }
    let id = fleet.hub.get(&fleet.reader, "/api/vps?q=relay-01").json()["data"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(found(&fleet, &format!("q=id:{id}")), [ONE]);
}

#[test]
fn a_search_goes_together_with_filters_pages_and_an_order() {
    let fleet = fleet();
    assert_eq!(found(&fleet, "q=status:deleted"), ["gone"]);
    assert_eq!(found(&fleet, "q=-status:deleted&per_page=100").len(), 5);
    assert_eq!(found(&fleet, "include_deleted=true").len(), 6);
    assert_eq!(found(&fleet, "q=relay&country=hk"), [ONE]);
    assert_eq!(found(&fleet, "q=relay&per_page=1&page=2"), [ONE]);
    for (sort, expected) in [
        ("hostname", [TWO, OLD, WEB2, WEB, ONE]),
        ("-hostname", [ONE, WEB, WEB2, OLD, TWO]),
        ("expire_date", [OLD, ONE, TWO, WEB2, WEB]),
        ("-expire_date", [TWO, ONE, OLD, WEB2, WEB]),
        ("provider", [TWO, ONE, OLD, WEB2, WEB]),
        ("-provider", [OLD, TWO, ONE, WEB2, WEB]),
        ("created_at", [ONE, TWO, WEB, WEB2, OLD]),
        ("alias", [ONE, TWO, OLD, WEB2, WEB]),
        ("country", [ONE, TWO, OLD, WEB2, WEB]),
        ("-status", [OLD, TWO, WEB2, WEB, ONE]),
    ] {
        assert_eq!(found(&fleet, &format!("sort={sort}")), expected, "{sort}");
    }
    assert_eq!(found(&fleet, "sort=last_seen")[..2], [OLD, TWO]);
    assert_eq!(found(&fleet, "sort=-last_seen")[2..], [TWO, OLD, WEB2]);
}

#[test]
fn a_beat_that_is_not_saved_yet_is_found() {
    let fleet = fleet();
    let agent = fleet.folder.key("admin");
    assert_eq!(found(&fleet, "q=presence:offline"), [OLD]);
    let beat = json!({"hostname": OLD}).to_string();
    for _ in 0..2 {
        assert_eq!(fleet.hub.post(&agent, "/api/agent/heartbeat", &beat).status, 200);
        assert_eq!(found(&fleet, "q=presence:offline"), Vec::<String>::new());
    }
    let lock = fleet.folder.lock();
    let started = std::time::Instant::now();
    fleet.hub.post(&agent, "/api/agent/heartbeat", &beat);
    assert!(found(&fleet, "q=presence:online").contains(&OLD.to_owned()));
    assert!(started.elapsed().as_millis() < 3000, "a locked database is not waited for");
    drop(lock);
}

#[test]
fn a_mistake_is_named_with_its_place() {
    let fleet = fleet();
    for (query, sentence) in [
        ("relay stat:active", "q: at character 7: there is no term stat:"),
        ("status:gone", "q: at character 8: status: does not know gone; write status:"),
        ("a \"b", "q: at character 3: this quote is never closed"),
    ] {
        let answer = fleet.hub.get(&fleet.reader, &format!("/api/vps?q={}", encoded(query)));
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.error().starts_with(sentence), "{}", answer.error());
    }
    let most = "a ".repeat(64);
    assert_eq!(found(&fleet, &format!("q={}", encoded(&most))).len(), 2, "relays");
    let versions = "agent:<9 ".repeat(64);
    assert_eq!(found(&fleet, &format!("q={}", encoded(&versions))).len(), 3);
    let answer = fleet.hub.get(&fleet.reader, "/api/vps?sort=age");
    assert!(answer.error().starts_with("sort: is one of hostname, alias"), "{}", answer.error());
}

#[test]
fn what_is_found_as_less_than_bought_is_what_is_shown_so() {
    let folder = Folder::new();
    let hub = folder.start();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let no = Value::Null;
    let table = [
        ([json!(2), json!(2048), json!(40)], [json!(2), json!(2048), json!(40)], false),
        ([json!(2), json!(2048), json!(40)], [json!(1), json!(2048), json!(40)], true),
        ([json!(2), json!(2048), json!(40)], [json!(2), json!(1844), json!(40)], false),
        ([json!(2), json!(2048), json!(40)], [json!(2), json!(1843), json!(40)], true),
        ([json!(2), json!(2048), json!(40)], [json!(2), json!(2048), json!(36)], false),
        ([json!(2), json!(2048), json!(40)], [json!(2), json!(2048), json!(35)], true),
        ([json!(2), json!(2048), json!(40)], [no.clone(), no.clone(), json!(20)], true),
        ([json!(2), json!(2048), json!(40)], [no.clone(), json!(1987), no.clone()], false),
        ([no.clone(), no.clone(), no.clone()], [json!(1), json!(1), json!(1)], false),
        ([json!(2), no.clone(), no.clone()], [json!(1), json!(1), json!(1)], true),
        ([no.clone(), json!(0), json!(0)], [json!(1), json!(0), json!(0)], false),
        ([no.clone(), json!(2_147_483_648_u64), no.clone()], [no.clone(), json!(1), no.clone()], true),
    ];
    let mut expected = Vec::new();
    for (index, (bought, measured, is_less)) in table.iter().enumerate() {
        let members = |of: &[Value; 3]| json!({"cpu_cores": of[0], "ram_mb": of[1], "disk_gb": of[2]});
        let mut measured = members(measured);
        measured.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let name = format!("m{index:02}");
        let body = json!({"hostname": name, "system_info": measured}).to_string();
        let id = hub.post(&agent, "/api/agent/register", &body).json()["id"].as_str().unwrap().to_owned();
        let edited = hub.put(&key, &format!("/api/vps/{id}"), &members(bought));
        assert_eq!(edited.status, 200, "{edited:?}");
        let shown = edited.json()["flags"] == json!(["less_than_bought"]);
        assert_eq!(shown, *is_less, "{name}: {}", edited.json());
        expected.extend(is_less.then_some(json!(name)));
    }
    let names = |q: &str| -> Vec<Value> {
        let page = hub.get(&key, &format!("/api/vps?per_page=100&q={q}")).json();
        page["data"].as_array().unwrap().iter().map(|vps| vps["hostname"].clone()).collect()
    };
    assert_eq!(names("flag:less_than_bought"), expected);
    assert_eq!(
        names("-flag:less_than_bought").len(),
        table.len() - expected.len(),
        "what is unknown is not less"
    );
}
