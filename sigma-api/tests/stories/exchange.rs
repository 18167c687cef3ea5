//! Export and import: what goes out comes in again and is equal, or nothing of it does.

use crate::common::{Answer, Folder, Hub};
use serde_json::{Value, json};

const ACME: &str = "00000000-0000-0000-0000-000000000001";

/// Machines with everything that files find hard.
fn fleet(folder: &Folder, hub: &Hub) {
    let agent = folder.key("agent");
    for (name, ips) in [
        ("hk-relay-01", &["203.0.113.7", "10.0.0.5", "2001:db8::1"][..]),
        ("debian", &["198.51.100.1"]),
        ("no-provider", &[]),
        ("gone", &[]),
    ] {
        let addresses: Vec<Value> = ips
            .iter()
            .map(|ip| json!({"ip": ip, "label": if ip.starts_with("10.") { "internal" } else { "" }}))
            .collect();
        let body = json!({"hostname": name, "ip_addresses": addresses, "system_info": {"cpu_cores": 2}});
        assert_eq!(hub.post(&agent, "/api/agent/register", &body.to_string()).status, 200);
    }
    for sql in [
        "INSERT INTO provider VALUES (x'00000000000000000000000000000001', 'Acme; \"Cloud\", Ltd', 'DE', 'https://acme.example', \
         '', 1, 4, '=1+1' || char(10) || 'two', 0, 0, 1)",
        "INSERT INTO provider VALUES (x'00000000000000000000000000000002', '+Plus', '', '', '', 0, NULL, '', 0, 0, 1)",
        "UPDATE vps SET provider_id = x'00000000000000000000000000000001', alias = '=cmd|''/C calc''!A0', country = 'HK', \
         city = '-Tai Po', dc_name = '''=hk', cpu_cores = 2, ram_mb = 2048, disk_gb = 40, bandwidth_tb = 0.1, \
         cost_monthly = '4.90', currency = 'USD', purchase_date = '2024-02-29', expire_date = '2999-12-31', \
         purpose = '@relay', vpn_protocol = '{{ x }}', monitoring_enabled = 0, node_exporter_port = 9200, \
         notes = 'one, \"two\"' || char(10) || char(10) || '=three;' WHERE hostname = 'hk-relay-01'",
        "UPDATE vps SET hostname = 'debian (2)', provider_id = x'00000000000000000000000000000002', status = 'retired' \
         WHERE hostname = 'debian'",
        "UPDATE vps SET status = 'deleted' WHERE hostname = 'gone'",
        "UPDATE vps_address SET operator_label = 'china-telecom' WHERE ip = '203.0.113.7'",
        "INSERT INTO vps_tag SELECT id, '=a;b\\' FROM vps WHERE hostname = 'hk-relay-01'",
        "INSERT INTO vps_tag SELECT id, 'edge' FROM vps WHERE hostname = 'hk-relay-01'",
    ] {
        folder.sql(sql);
    }
}

fn export(hub: &Hub, key: &str, of: &str, format: &str) -> String {
    let answer = hub.get(key, &format!("/api/{of}/export?format={format}&include_deleted=true"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.text
}

fn import(hub: &Hub, key: &str, of: &str, format: &str, data: &str, dry_run: bool) -> Value {
    let body = json!({"format": format, "data": data, "dry_run": dry_run}).to_string();
    let answer = hub.post(key, &format!("/api/{of}/import"), &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn counts(report: &Value) -> [u64; 5] {
    ["imported", "created", "updated", "unchanged", "refused"].map(|name| report[name].as_u64().unwrap())
}

/// What is exported, without when it was made.
fn owned(hub: &Hub, key: &str, of: &str) -> Vec<Value> {
    let rows: Value = serde_json::from_str(&export(hub, key, of, "json")).unwrap();
    let mut rows = rows.as_array().unwrap().clone();
    rows.iter_mut().for_each(|row| assert!(row.as_object_mut().unwrap().remove("created_at").is_some()));
    rows
}

#[test]
fn what_was_exported_is_there_already() {
    let folder = Folder::new();
    let hub = folder.start();
    fleet(&folder, &hub);
    let key = folder.key("operator");
    for format in ["csv", "json"] {
        for (of, lines) in [("vps", 4), ("providers", 2)] {
            let text = export(&hub, &key, of, format);
            for dry_run in [true, false] {
                let report = import(&hub, &key, of, format, &text, dry_run);
                assert_eq!(counts(&report), [0, 0, 0, lines, 0], "{report}");
            }
        }
    }
    assert_eq!(
        folder.sql("SELECT CAST(count(*) AS TEXT) FROM audit WHERE action LIKE '%.import'"),
        ["0"],
        "nothing changed"
    );
}

#[test]
fn a_fresh_hub_gets_equal_records() {
    let (folder, other) = (Folder::new(), Folder::new());
    let (hub, fresh) = (folder.start(), other.start());
    fleet(&folder, &hub);
    let (key, other_key) = (folder.key("operator"), other.key("operator"));
    let machines = export(&hub, &key, "vps", "csv");
    let too_early = import(&fresh, &other_key, "vps", "csv", &machines, false);
    assert_eq!(counts(&too_early), [0, 2, 0, 0, 2], "{too_early}");
    let sentence = too_early["errors"][0].as_str().unwrap();
    assert!(sentence.contains(": provider: there is no provider called "), "{sentence}");
    assert_eq!(fresh.get(&other_key, "/api/vps?include_deleted=true").json()["total"], 0, "all or nothing");

    for (of, format, lines) in [("providers", "csv", 2), ("vps", "csv", 4)] {
        let report = import(&fresh, &other_key, of, format, &export(&hub, &key, of, format), false);
        assert_eq!(counts(&report), [lines, lines, 0, 0, 0], "{report}");
        assert_eq!(owned(&fresh, &other_key, of), owned(&hub, &key, of));
    }
    let record = fresh.get(&other_key, "/api/vps?q=host:hk").json()["data"][0].clone();
    assert_eq!(record["notes"], "one, \"two\"\n\n=three;");
    assert_eq!(record["alias"], "=cmd|'/C calc'!A0");
    assert_eq!(record["tags"], json!(["=a;b\\", "edge"]));
    assert_eq!(record["presence"], "never");
    assert_eq!(other.sql("SELECT CAST(count(*) AS TEXT) FROM audit WHERE action = 'vps.import'"), ["4"]);

    let agent = other.key("agent");
    let body = json!({"hostname": "hk-relay-01", "alias": "agent's", "ip_addresses": [{"ip": "203.0.113.7", "label": ""}]});
    assert_eq!(fresh.post(&agent, "/api/agent/register", &body.to_string()).json()["id"], record["id"]);
    let reported = fresh.get(&other_key, "/api/vps?q=host:hk").json()["data"][0].clone();
    assert_eq!(reported["alias"], record["alias"], "what was imported is a person's");
    assert_eq!(reported["ip_addresses"], json!([{"ip": "203.0.113.7", "label": "china-telecom"}]));

    let second = fresh.get(&other_key, "/api/vps?q=host:debian").json()["data"][0].clone();
    assert_eq!((&second["hostname"], &second["reported_hostname"]), (&json!("debian (2)"), &json!("debian")));
    let body = json!({"hostname": "debian", "machine": {"id": "ab".repeat(32), "boot_id": "b1"}}).to_string();
    assert_eq!(fresh.post(&agent, "/api/agent/register", &body).json()["id"], second["id"]);
    let second = fresh.get(&other_key, "/api/vps?q=host:debian").json();
    assert_eq!((&second["total"], &second["data"][0]["hostname"]), (&json!(1), &json!("debian (2)")));
}

#[test]
fn what_a_person_may_not_say_a_file_may_not_either() {
    let folder = Folder::new();
    let hub = folder.start();
    let key = folder.key("operator");
    let wrong = |of: &str, name: &str, members: Value| {
        for (member, value) in members.as_object().unwrap() {
            let mut row = json!({name: "a"});
            row[member] = value.clone();
            let by_hand = hub.post(&key, &format!("/api/{of}"), &row.to_string());
            assert_eq!(by_hand.status, 400, "{member}: {by_hand:?}");
            let report = import(&hub, &key, of, "json", &json!([row]).to_string(), false);
            let sentence = by_hand.error();
            let sentence = sentence.split(" at line 1 ").next().unwrap();
            assert_eq!(report["errors"], json!([format!("line 1: {sentence}")]));
        }
    };
    let machine = json!({
        "hostname": "a b", "alias": "a\nb", "country": "UK", "currency": "EURO", "cpu_cores": 0, "ram_mb": -1,
        "disk_gb": "x", "bandwidth_tb": -1, "cost_monthly": "4,99", "status": "gone", "purchase_date": "2026-02-30",
        "expire_date": "", "tags": ["a,b"], "ssh_port": 0, "node_exporter_port": 70_000, "notes": "\u{0}",
        "monitoring_enabled": null, "ip_addresses": [{"ip": "0.0.0.0"}], "source": "x\ny"
    });
    wrong("vps", "hostname", machine);
    let provider = json!({"name": " ", "country": "XX", "website": "javascript:x", "panel_url": "x y", "rating": 6, "notes": "\u{0}"});
    wrong("providers", "name", provider);

    let numbered = json!({"hostname": "debian (2)"}).to_string();
    assert!(hub.post(&key, "/api/vps", &numbered).error().starts_with("hostname: has 1 to 253 characters"));
    let report = import(&hub, &key, "vps", "csv", "hostname\ndebian (2)\n", false);
    assert_eq!(counts(&report), [1, 1, 0, 0, 0], "{report}");
    let record = hub.get(&key, "/api/vps").json()["data"][0].clone();
    let url = format!("/api/vps/{}", record["id"].as_str().unwrap());
    assert_eq!(hub.put(&key, &url, &record).status, 200, "as it was read");
    let other = json!({"hostname": "debian (3)"});
    assert!(hub.put(&key, &url, &other).error().starts_with("hostname: has 1 to 253 characters"));
}

#[test]
fn a_line_is_about_the_record_of_its_id_or_of_its_name() {
    let folder = Folder::new();
    let hub = folder.start();
    let key = folder.key("operator");
    let made = |name: &str| {
        let answer = hub.post(&key, "/api/vps", &json!({"hostname": name}).to_string());
        answer.json()["id"].as_str().unwrap().to_owned()
    };
    let (a, b, gone) = (made("a"), made("b"), made("gone"));
    assert_eq!(hub.delete(&key, &format!("/api/vps/{gone}")).status, 204);
    let taken = format!("Another machine is called b: {b}. Rename or delete one of them.");
    let deleted = "The machine gone was deleted by a person; restore it first.";
    for (file, action, told) in [
        ("hostname,alias\na,\n".to_owned(), "same", ""),
        ("hostname,alias\na,x\n".to_owned(), "change", "alias"),
        (format!("id,hostname\n{a},c\n"), "change", "hostname"),
        (format!("id,city\n{a},x\n"), "change", "city"),
        (format!("id,hostname\n{a},b\n"), "refuse", &*taken),
        ("id,hostname\nx,d\n".to_owned(), "refuse", "id: is a UUID, as 01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"),
        ("alias\nx\n".to_owned(), "refuse", "hostname: is missing"),
        (
            "hostname,status\na,deleted\n".to_owned(),
            "refuse",
            "status: becomes deleted by DELETE, not by a change",
        ),
        (format!("id,status\n{a},deleted\n"), "refuse", "status: becomes deleted by DELETE, not by a change"),
        (format!("id,hostname,status\n{gone},gone,deleted\n"), "same", ""),
        (format!("id,city,status\n{gone},x,deleted\n"), "refuse", deleted),
        (format!("id,status\n{gone},active\n"), "refuse", deleted),
        ("hostname,city\na\n".to_owned(), "refuse", "data: has 1 cells, and the heading 2"),
    ] {
        let line = import(&hub, &key, "vps", "csv", &file, true)["lines"][0].clone();
        assert_eq!(line["action"], action, "{file}: {line}");
        if action == "refuse" {
            assert_eq!(line["error"], told, "{file}");
        } else if !told.is_empty() {
            assert!(line["changes"].get(told).is_some(), "{file}: {line}");
        }
    }
    let actions = |file: &str| -> Vec<Value> {
        let report = import(&hub, &key, "vps", "csv", file, true);
        report["lines"].as_array().unwrap().iter().map(|line| line["action"].clone()).collect()
    };
    assert_eq!(actions(&format!("id,hostname\n{a},b\n{b},a\n")), ["change", "change"]);
    assert_eq!(actions("hostname\na\nnew\na\nnew\n"), ["same", "create", "refuse", "refuse"]);
    assert_eq!(hub.get(&key, "/api/vps").json()["total"], 2, "nothing of it was done");
}

#[test]
fn a_conflict_ends_when_a_file_names_one_of_the_two() {
    let folder = Folder::new();
    let hub = folder.start();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    for (id, boot) in [("a1", "b1"), ("a2", "b2")] {
        let machine = json!({"id": id.repeat(32), "boot_id": boot});
        let body = json!({"hostname": "debian", "machine": machine}).to_string();
        assert_eq!(hub.post(&agent, "/api/agent/register", &body).status, 200);
    }
    let marked = || hub.get(&key, "/api/vps?q=flag:conflict").json()["total"].clone();
    assert_eq!(marked(), 2);
    let second = hub.get(&key, "/api/vps").json()["data"][1]["id"].as_str().unwrap().to_owned();
    let report = import(&hub, &key, "vps", "csv", &format!("id,hostname\n{second},web\n"), false);
    assert_eq!(counts(&report), [1, 0, 1, 0, 0], "{report}");
    assert_eq!(marked(), 0);
}

#[test]
fn no_cell_is_a_formula() {
    let folder = Folder::new();
    let hub = folder.start();
    fleet(&folder, &hub);
    let key = folder.key("readonly");
    for of in ["vps", "providers"] {
        let answer = hub.get(&key, &format!("/api/{of}/export"));
        assert!(answer.head.contains("content-type: text/csv"), "{answer:?}");
        let name = format!("filename=\"sigma-{}-2", if of == "vps" { "vps" } else { "provider" });
        assert!(
            answer.head.contains("content-disposition: attachment; ") && answer.head.contains(&name),
            "{answer:?}"
        );
        let mut reader = csv::ReaderBuilder::new().from_reader(answer.text.as_bytes());
        for record in reader.records().map(Result::unwrap) {
            assert!(
                record.iter().all(|cell| !cell.starts_with(['=', '+', '-', '@', '\t', '\r'])),
                "{record:?}"
            );
        }
    }
    let some = hub.get(&key, "/api/vps/export?format=json&q=provider:none").json();
    assert_eq!(some.as_array().unwrap().len(), 1, "deleted machines are left out unless asked for");
}

#[test]
fn an_import_shows_first_what_it_would_do() {
    let folder = Folder::new();
    let hub = folder.start();
    fleet(&folder, &hub);
    let key = folder.key("operator");
    let file = "hostname,provider,country,tags\n\
        no-provider,\"acme; \"\"cloud\"\", ltd\",de,x;y\n\
        new,,,\n\
        hk-relay-01,\"Acme; \"\"Cloud\"\", Ltd\",HK,\"=a\\;b\\\\;edge\"\n";
    let report = import(&hub, &key, "vps", "csv", file, true);
    assert_eq!(counts(&report), [0, 1, 1, 1, 0], "{report}");
    assert_eq!(report["dry_run"], true);
    let changes = json!({
        "country": ["", "DE"], "provider": [null, "Acme; \"Cloud\", Ltd"], "provider_id": [null, ACME], "tags": [[], ["x", "y"]]
    });
    assert_eq!(
        report["lines"][0],
        json!({"line": 2, "action": "change", "name": "no-provider", "changes": changes})
    );
    assert_eq!(
        (&report["lines"][1]["action"], &report["lines"][1]["name"]),
        (&json!("create"), &json!("new"))
    );
    assert_eq!(
        report["lines"][2],
        json!({"line": 4, "action": "same", "name": "hk-relay-01", "changes": {}})
    );
    assert_eq!(hub.get(&key, "/api/vps?q=host:new").json()["total"], 0);

    let bad = file.replace("new,,,", "new,Nobody,,\nnewer,,HKG,");
    let refused = import(&hub, &key, "vps", "csv", &bad, false);
    assert_eq!(counts(&refused), [0, 0, 1, 1, 2], "{refused}");
    let errors = json!([
        "line 3: provider: there is no provider called Nobody; make or import it first",
        "line 4: country: is a code of ISO 3166-1 alpha-2, as HK, or empty"
    ]);
    assert_eq!(refused["errors"], errors);
    assert_eq!(hub.get(&key, "/api/vps?q=country:de").json()["total"], 0, "all or nothing");

    let version = hub.get(&key, "/api/vps?q=host:no-provider").json()["data"][0]["version"].as_i64().unwrap();
    let done = import(&hub, &key, "vps", "csv", file, false);
    assert_eq!(counts(&done), [2, 1, 1, 1, 0], "{done}");
    let changed = hub.get(&key, "/api/vps?q=country:de").json()["data"][0].clone();
    assert_eq!((&changed["provider_id"], &changed["tags"]), (&json!(ACME), &json!(["x", "y"])));
    assert_eq!(changed["version"].as_i64().unwrap(), version + 1);
    assert_eq!(hub.get(&key, "/api/vps?q=host:new").json()["data"][0]["source"], "import");
    let audited =
        folder.sql("SELECT subject_name || ' ' || actor_name || ' ' || changes FROM audit WHERE action LIKE '%.import' ORDER BY id");
    assert_eq!(audited.len(), 2);
    assert!(audited[0].starts_with("no-provider test operator {\"country\":[\"\",\"DE\"]"), "{audited:?}");
}

#[test]
fn a_machine_that_is_renamed_or_retired_by_a_file_is_so_for_its_agent_too() {
    let folder = Folder::new();
    let hub = folder.start();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let ids: Vec<String> = ["a", "b", "c"]
        .map(|name| {
            let answer = hub.post(&agent, "/api/agent/register", &json!({"hostname": name}).to_string());
            answer.json()["id"].as_str().unwrap().to_owned()
        })
        .into();
    let swapped = json!([
        {"id": ids[0], "hostname": "b"}, {"id": ids[1], "hostname": "a"}, {"id": ids[2], "status": "retired"}
    ]);
    let body = json!({"format": "json", "data": swapped}).to_string();
    let report = hub.post(&key, "/api/vps/import", &body).json();
    assert_eq!(counts(&report), [3, 0, 3, 0, 0], "{report}");
    let beat =
        |name: &str| hub.post(&agent, "/api/agent/heartbeat", &json!({"hostname": name}).to_string()).json();
    assert_eq!(beat("c")["status"], "retired");
    let found = |name: &str| {
        let all = hub.get(&key, "/api/vps").json()["data"].as_array().unwrap().clone();
        all.into_iter().find(|vps| vps["hostname"] == name).unwrap()
    };
    assert_eq!((&found("a")["id"], &found("b")["id"]), (&json!(ids[1]), &json!(ids[0])));
    assert_eq!(found("a")["presence"], "online", "its last beat was saved before");
    let edited = folder.sql("SELECT hostname FROM vps WHERE hostname_edited ORDER BY hostname");
    assert_eq!(edited, ["a", "b"]);
}

#[test]
fn what_cannot_be_read_is_refused_with_a_sentence() {
    let folder = Folder::new();
    let hub = folder.start();
    let (key, reader, agent) = (folder.key("operator"), folder.key("readonly"), folder.key("agent"));
    let post = |key: &str, body: Value| -> Answer { hub.post(key, "/api/vps/import", &body.to_string()) };
    for (body, sentence) in [
        (json!({"format": "xml", "data": ""}), "format: is csv or json"),
        (json!({"format": "csv"}), "data: is missing"),
        (
            json!({"format": "csv", "data": "hostname,colour\n"}),
            "data: line 1: there is no column \"colour\", but id, ",
        ),
        (json!({"format": "json", "data": {"a": 1}}), "data: is a list of objects"),
        (json!({"format": "json", "data": "[{"}), "data: is no JSON: "),
    ] {
        let answer = post(&key, body);
        assert_eq!(answer.status, 400, "{answer:?}");
        assert!(answer.error().contains(sentence), "{}", answer.error());
    }
    assert_eq!(hub.get(&key, "/api/vps/export?format=xml").error(), "format: is csv or json");
    assert_eq!(hub.get(&key, "/api/vps/export?q=stat:us").status, 400);
    let empty = json!({"format": "csv", "data": ""});
    for key in [&reader, &agent] {
        assert_eq!(post(key, empty.clone()).status, 403);
        assert_eq!(hub.post(key, "/api/providers/import", &empty.to_string()).status, 403);
    }
    assert_eq!(hub.get(&agent, "/api/vps/export").status, 403);
    assert_eq!(counts(&post(&key, empty).json()), [0; 5]);

    let notes = "x".repeat(9_000);
    let many: String = (0..400).map(|n| format!("m{n},{notes}\n")).collect();
    let large = json!({"format": "csv", "data": format!("hostname,notes\n{many}")});
    assert_eq!(counts(&post(&key, large).json()), [400, 400, 0, 0, 0]);
    let too_large = json!({"format": "csv", "data": "x".repeat(8 * 1024 * 1024)});
    assert_eq!(post(&key, too_large).status, 413);
}

#[test]
fn labels_of_a_file_stay_with_the_addresses_that_an_agent_says() {
    let folder = Folder::new();
    let hub = folder.start();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let report = |ips: &[&str]| {
        let addresses: Vec<Value> = ips.iter().map(|ip| json!({"ip": ip, "label": ""})).collect();
        let body = json!({"hostname": "a", "ip_addresses": addresses}).to_string();
        assert_eq!(hub.post(&agent, "/api/agent/register", &body).status, 200);
    };
    report(&["203.0.113.7", "203.0.113.8"]);
    let addresses = || hub.get(&key, "/api/vps").json()["data"][0]["ip_addresses"].clone();
    let file = "hostname,ip_addresses\na,203.0.113.7 anycast;203.0.113.99 nowhere\n";
    assert_eq!(counts(&import(&hub, &key, "vps", "csv", file, false)), [1, 0, 1, 0, 0]);
    let labelled = json!([{"ip": "203.0.113.7", "label": "anycast"}, {"ip": "203.0.113.8", "label": ""}]);
    assert_eq!(addresses(), labelled, "which there are is the agent's to say");
    assert_eq!(counts(&import(&hub, &key, "vps", "csv", file, false)), [0, 0, 0, 1, 0]);
    report(&["203.0.113.8"]);
    report(&["203.0.113.7", "203.0.113.8"]);
    assert_eq!(addresses(), labelled);

    let by_hand = "hostname,ip_addresses\nb,192.0.2.1 x;192.0.2.2\n";
    assert_eq!(counts(&import(&hub, &key, "vps", "csv", by_hand, false)), [1, 1, 0, 0, 0]);
    let other = by_hand.replace("192.0.2.1 x;192.0.2.2", "192.0.2.2 y;192.0.2.3");
    assert_eq!(counts(&import(&hub, &key, "vps", "csv", &other, false)), [1, 0, 1, 0, 0]);
    let of_b = || hub.get(&key, "/api/vps?q=host:b").json()["data"][0]["ip_addresses"].clone();
    assert_eq!(of_b(), json!([{"ip": "192.0.2.2", "label": "y"}, {"ip": "192.0.2.3", "label": ""}]));
    assert_eq!(counts(&import(&hub, &key, "vps", "csv", by_hand, false)), [1, 0, 1, 0, 0]);
    assert_eq!(of_b(), json!([{"ip": "192.0.2.1", "label": "x"}, {"ip": "192.0.2.2", "label": ""}]));
}

#[test]
fn providers_are_known_by_id_or_by_name_in_any_case() {
    let folder = Folder::new();
    let hub = folder.start();
    let (key, reader) = (folder.key("operator"), folder.key("readonly"));
    let file = "name,country,rating,api_supported\nAcme,de,5,true\nBeta,,,\n";
    let report = import(&hub, &key, "providers", "csv", file, false);
    assert_eq!(counts(&report), [0, 1, 0, 0, 1], "{report}");
    assert_eq!(report["errors"], json!(["line 3: api_supported: is true or false, not \"\""]));
    let file = file.replace("Beta,,,", "Beta,,,no").replace(",no", ",false");
    assert_eq!(counts(&import(&hub, &key, "providers", "csv", &file, false)), [2, 2, 0, 0, 0]);
    let again = import(&hub, &key, "providers", "csv", "name,notes\nACME,x\nbeta,\nacme,y\n", true);
    assert_eq!(counts(&again), [0, 0, 2, 0, 1], "{again}");
    assert_eq!(again["errors"], json!(["line 4: name: line 2 is about the same record"]));
    let changes = json!({"name": ["Acme", "ACME"], "notes": ["", "x"]});
    assert_eq!(again["lines"][0]["changes"], changes);
    let rows = hub.get(&reader, "/api/providers/export?format=json").json();
    assert_eq!(
        (&rows[0]["name"], &rows[0]["country"], &rows[0]["rating"]),
        (&json!("Acme"), &json!("DE"), &json!(5))
    );
    let swapped = json!([
        {"id": rows[0]["id"], "name": "Beta"}, {"id": rows[1]["id"], "name": "Acme"}
    ]);
    let body = json!({"format": "json", "data": swapped}).to_string();
    let report = hub.post(&key, "/api/providers/import", &body).json();
    assert_eq!(counts(&report), [2, 0, 2, 0, 0], "{report}");
}
