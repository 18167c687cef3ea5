//! Files that others wrote: answers of lists, spreadsheets of other locales, and what somebody else changed meanwhile.

use crate::common::machine::Machine;
use crate::common::{Folder, Hub};
use serde_json::{Value, json};

fn import(hub: &Hub, key: &str, of: &str, data: &Value, dry_run: bool) -> Value {
    let format = if data.is_string() { "csv" } else { "json" };
    let body = json!({"format": format, "data": data, "dry_run": dry_run}).to_string();
    let answer = hub.post(key, &format!("/api/{of}/import"), &body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn counts(report: &Value) -> [u64; 4] {
    ["created", "updated", "unchanged", "refused"].map(|name| report[name].as_u64().unwrap())
}

fn make(hub: &Hub, key: &str, of: &str, record: &Value) -> Value {
    let made = hub.post(key, &format!("/api/{of}"), &record.to_string());
    assert_eq!(made.status, 201, "{made:?}");
    made.json()
}

#[test]
fn a_line_of_an_older_version_is_refused() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    for (of, name) in [("vps", "hostname"), ("providers", "name")] {
        let seen = make(&hub, &key, of, &json!({name: "a"}));
        let url = format!("/api/{of}/{}", seen["id"].as_str().unwrap());
        assert_eq!(hub.put(&key, &url, &json!({"notes": "theirs"})).status, 200);
        let mine = json!([{name: "b", "notes": "new", "version": 9}, {name: "a", "notes": "mine", "version": seen["version"]}]);
        for dry_run in [true, false] {
            let report = import(&hub, &key, of, &mine, dry_run);
            assert_eq!(counts(&report), [1, 0, 0, 1], "{report}");
            let sentence = report["errors"][0].as_str().unwrap();
            assert!(sentence.starts_with("line 2: ") && sentence.contains("version 2 now"), "{sentence}");
            assert!(sentence.contains("you saw (1)") && sentence.contains("test operator"), "{sentence}");
        }
        assert_eq!(hub.get(&key, &url).json()["notes"], "theirs");
        let file = |version: &str| json!(format!("{name},notes,version\na,mine,{version}\n"));
        for (version, expected) in [
            ("1", [0, 0, 0, 1]),
            ("x", [0, 0, 0, 1]),
            ("0", [0, 0, 0, 1]),
            ("2", [0, 1, 0, 0]),
            ("", [0, 1, 0, 0]),
        ] {
            let report = import(&hub, &key, of, &file(version), true);
            assert_eq!(counts(&report), expected, "{version}: {report}");
        }
        assert_eq!(counts(&import(&hub, &key, of, &file("2"), false)), [0, 1, 0, 0]);
        assert_eq!(hub.get(&key, &url).json()["notes"], "mine");
    }
}

#[test]
fn what_a_list_answers_is_there_already() {
    let folder = Folder::new();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let acme = make(&hub, &key, "providers", &json!({"name": "Acme", "rating": 4}))["id"].clone();
    for n in [1, 2] {
        Machine::new("debian", n, &format!("b{n}"), &format!("203.0.113.{n}")).live(&hub, &agent);
    }
    make(&hub, &key, "vps", &json!({"hostname": "by-hand", "cost_monthly": "4.50", "provider_id": acme}));
    let gone = Machine::new("gone", 7, "b7", "203.0.113.7");
    let id = gone.live(&hub, &agent);
    assert_eq!(hub.delete(&key, &format!("/api/vps/{id}")).status, 204);
    assert_eq!(gone.beat(&hub, &agent).status, 404);
    folder.sql("UPDATE vps SET refused_reports = 3, refused_at = 1767225600000 WHERE hostname = 'gone'");

    let list = hub.get(&key, "/api/vps?include_deleted=true").json();
    let text = list.to_string();
    for computed in ["marks", "flags", "refused_reports", "refused_at", "reported", "presence", "version"] {
        assert!(text.contains(&format!("\"{computed}\":")), "{computed}: {text}");
    }
    for (of, list, lines) in [("vps", list, 4), ("providers", hub.get(&key, "/api/providers").json(), 1)] {
        for data in [&list, &list["data"]] {
            for dry_run in [true, false] {
                let report = import(&hub, &key, of, data, dry_run);
                assert_eq!(counts(&report), [0, 0, lines, 0], "{report}");
            }
            let body = json!({"format": "json", "data": data.to_string()}).to_string();
            let report = hub.post(&key, &format!("/api/{of}/import"), &body).json();
            assert_eq!(counts(&report), [0, 0, lines, 0], "as text: {report}");
        }
        let mut list = list;
        list["data"][0]["colour"] = json!("red");
        let report = import(&hub, &key, of, &list, true);
        assert_eq!(report["errors"], json!(["line 1: colour: is no member that can be imported"]));
        for other in [json!({"data": {}}), json!({"data": [], "colour": 1})] {
            let body = json!({"format": "json", "data": other}).to_string();
            let answer = hub.post(&key, &format!("/api/{of}/import"), &body);
            assert_eq!((answer.status, answer.error()), (400, "data: is a list of objects".to_owned()));
        }
    }
}

#[test]
fn the_same_amount_of_money_is_no_change() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let record = make(&hub, &key, "vps", &json!({"hostname": "a", "cost_monthly": "4.50"}));
    let url = format!("/api/vps/{}", record["id"].as_str().unwrap());
    for same in [json!(4.5), json!("4.5"), json!("4.50"), json!("04.500")] {
        let report = import(&hub, &key, "vps", &json!([{"hostname": "a", "cost_monthly": same}]), false);
        assert_eq!(counts(&report), [0, 0, 1, 0], "{same}: {report}");
        let kept = hub.put(&key, &url, &json!({"cost_monthly": same})).json();
        assert_eq!((&kept["cost_monthly"], &kept["version"]), (&json!("4.50"), &json!(1)), "{same}");
    }
    let other = hub.put(&key, &url, &json!({"cost_monthly": 4.51})).json();
    assert_eq!((&other["cost_monthly"], &other["version"]), (&json!("4.51"), &json!(2)));
    assert_eq!(
        counts(&import(&hub, &key, "vps", &json!("hostname,cost_monthly\na,45.1\n"), true)),
        [0, 1, 0, 0]
    );
}

#[test]
fn what_spreadsheets_of_other_locales_write_is_read() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    for (number, file) in [
        "hostname,city\nN,x\n",
        "\u{feff}Hostname; CITY ;\r\nN;x;\r\n;;\r\n",
        "sep=;\r\nhostname;city\r\nN;x\r\n",
        "\u{feff}\"SEP=\t\"\nhostname\tcity\t\t\nN\tx\t\t\n\t\t\t\n",
        "\"hostname\" , \"city\"\n\nN,x,,\n , \n",
    ]
    .into_iter()
    .enumerate()
    {
        let report = import(&hub, &key, "vps", &json!(file.replace('N', &format!("m{number}"))), false);
        assert_eq!(counts(&report), [1, 0, 0, 0], "{file:?}: {report}");
        let vps = hub.get(&key, &format!("/api/vps?q=host:m{number}")).json()["data"][0].clone();
        assert_eq!(vps["city"], "x", "{file:?}");
    }
    for (file, sentence) in [
        ("hostname,,city\na,b,x\n", "line 2: data: has \"b\" in a column without a name"),
        ("sep=;\nhostname;city\n\na;b;c\n", "line 4: data: has 3 cells, and the heading 2"),
    ] {
        assert_eq!(import(&hub, &key, "vps", &json!(file), true)["errors"], json!([sentence]));
    }
    for (file, sentence) in [
        ("hostname,Hostname\n", "data: line 1: the column hostname is there twice"),
        ("sep=;\nhostname;colour\n", "data: line 2: there is no column \"colour\""),
        (
            "hostname,notes\na,\"one\n\"\"two\"\"\"\nb,\"three\nc,four\nd,five\n",
            "data: line 4: the quotation mark that opens here is never closed",
        ),
    ] {
        let body = json!({"format": "csv", "data": file}).to_string();
        let answer = hub.post(&key, "/api/vps/import", &body);
        assert!(answer.status == 400 && answer.error().starts_with(sentence), "{file:?}: {answer:?}");
    }
}

#[test]
fn the_second_machine_of_the_longest_name_imports_again() {
    let (folder, other) = (Folder::new(), Folder::new());
    let (hub, fresh) = (folder.start(), other.start());
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let name = "n".repeat(253);
    for n in [1, 2, 3] {
        Machine::new(&name, n, &format!("b{n}"), &format!("203.0.113.{n}")).live(&hub, &agent);
    }
    for format in ["csv", "json"] {
        let file = hub.get(&key, &format!("/api/vps/export?format={format}")).text;
        for (hub, key, expected) in
            [(&hub, &key, [0, 0, 3, 0]), (&fresh, &other.key("operator"), [3, 0, 0, 0])]
        {
            let body = json!({"format": format, "data": file, "dry_run": format == "csv"}).to_string();
            let report = hub.post(key, "/api/vps/import", &body).json();
            assert_eq!(counts(&report), expected, "{report}");
        }
    }
    let list = hub.get(&key, "/api/vps").json();
    for vps in list["data"].as_array().unwrap() {
        let hostname = vps["hostname"].as_str().unwrap();
        assert!(hostname.len() <= 253, "{hostname} has {} characters", hostname.len());
        let found =
            fresh.get(&other.key("readonly"), &format!("/api/vps/{}", vps["id"].as_str().unwrap())).json();
        assert_eq!(
            (&found["hostname"], &found["reported_hostname"]),
            (&vps["hostname"], &vps["reported_hostname"])
        );
        let url = format!("/api/vps/{}", vps["id"].as_str().unwrap());
        assert_eq!(hub.put(&key, &url, vps).status, 200, "as it was read");
    }
}
