//! A fleet that is hard on pages: long names, right-to-left ones, hundreds of tags, dozens of addresses, and one of
//! everything that waits for a person.

use serde_json::{Value, json};

use crate::common::machine::{Machine, id_of};
use crate::common::{Folder, Hub};
use crate::people::{Browser as Client, administrator, invite};

/// Names that nobody would choose and somebody will.
const LONG: &str = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";
const ARABIC: &str = "شركة الاستضافة";

/// Fills a hub, and starts it as it is some days later.
pub(crate) fn furnish(folder: &Folder) -> Hub {
    let hub = folder.start();
    let client = administrator(folder, &hub);
    let key = client.json(
        "POST",
        "/api/keys",
        &json!({"name": LONG.chars().take(64).collect::<String>(), "role": "agent",
        "max_machines": 40, "tags": ["edge", "<b>bold</b>"]}),
    );
    let key = made(&key)["key"].as_str().unwrap().to_owned();
    let revoked =
        made(&client.json("POST", "/api/keys", &json!({"name": "of the old hub", "role": "readonly"})));
    let answer = client.json("DELETE", &format!("/api/keys/{}", revoked["id"].as_str().unwrap()), &json!({}));
    assert_eq!(answer.status, 204, "{answer:?}");
    invite(&client, &hub, READER, "readonly");

    let provider = |name: &str, more: Value| {
        let mut order = json!({"name": name});
        order.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        made(&client.json("POST", "/api/providers", &order))["id"].clone()
    };
    let long = provider(
        LONG,
        json!({"country": "DE", "rating": 2, "api_supported": true, "notes": format!("{LONG}\n").repeat(9),
            "website": format!("https://{}.example/{}", "long".repeat(12), "path/".repeat(30)), "panel_url": "https://panel.example"}),
    );
    let arabic = provider(ARABIC, json!({"country": "SA", "rating": 5}));
    provider("Nobody yet", json!({}));

    let machine = |name: &str, number: u8| {
        Machine::new(name, number, &format!("{number:08}-0000-4000"), &format!("203.0.113.{number}"))
    };
    let change = |id: &str, change: Value| {
        let answer = client.json("PUT", &format!("/api/vps/{id}"), &change);
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let longest = ["a".repeat(63), "b".repeat(63), "c".repeat(63), "d".repeat(61)].join(".");
    let tags: Vec<String> = (1..=TAGS).map(|n| format!("tag-number-{n}-of-many")).collect();
    let id = machine(&longest, 1).live(&hub, &key);
    change(
        &id,
        json!({"alias": "خادم الويب الرئيسي", "provider_id": long, "tags": tags, "notes": format!("{LONG} ").repeat(30),
        "purpose": LONG, "country": "DE", "city": LONG, "cost_monthly": "1234567.89", "currency": "EUR", "expire_date": "2001-01-01",
        "cpu_cores": 64, "ram_mb": 1_048_576, "disk_gb": 100_000, "bandwidth_tb": 12.5, "purchase_date": "2000-01-01"}),
    );
    let many: Vec<Value> = (1..=40)
        .map(|n| match n % 2 {
            0 => json!({"ip": format!("198.51.100.{n}"), "label": ""}),
            _ => json!({"ip": format!("2001:db8:1111:2222:3333:4444:5555:{n:x}"), "label": "a label that says more than it should"}),
        })
        .collect();
    let addressed = json!({"hostname": "many-addresses", "ip_addresses": many,
        "system_info": {"cpu_cores": 4, "ram_mb": 8192, "ram_used_mb": 8000, "disk_gb": 80, "disk_used_gb": 79.5, "swap_mb": 1024,
            "swap_used_mb": 1000, "load_avg": [9.5, 7.25, 3.0], "uptime_seconds": 99_999_999, "os": LONG, "kernel": LONG, "cpu_model": LONG},
        "agent": {"version": "0.1.0", "interval_seconds": 60}});
    let addressed = id_of(&hub.post(&key, "/api/agent/register", &addressed.to_string()));
    change(&addressed, json!({"provider_id": arabic, "alias": ARABIC}));
    for (name, number) in [("debian", 11), ("debian", 12), ("free-1", 13), ("free-2", 14)] {
        machine(name, number).live(&hub, &key);
    }
    for number in [21, 22] {
        let known = Machine {
            vendor: Some("Hetzner".into()),
            product: Some("vServer".into()),
            ..machine("x", number)
        };
        Machine { hostname: format!("guessed-{number}"), ..known }.live(&hub, &key);
    }
    machine("original", 31).live(&hub, &key);
    Machine { boot: "another".into(), ip: "203.0.113.200".into(), uptime: 3600, ..machine("original", 31) }
        .live(&hub, &key);
    let deleted = machine("deleted", 41).live(&hub, &key);
    assert_eq!(client.json("DELETE", &format!("/api/vps/{deleted}"), &json!({})).status, 204);
    assert_eq!(machine("deleted", 41).register(&hub, &key).status, 410);
    let silent = machine("silent", 51).live(&hub, &key);
    change(
        &silent,
        json!({"provider_id": arabic, "cost_monthly": "9.90", "currency": "USD", "expire_date": "2199-12-31"}),
    );
    let again = machine("again", 52).live(&hub, &key);
    change(&again, json!({"provider_id": arabic}));
    let retired = machine("retired", 53).live(&hub, &key);
    assert_eq!(client.json("POST", &format!("/api/vps/{retired}/retire"), &json!({})).status, 200);
    let both = json!({"ids": [id, addressed], "change": {"country": "FR", "dc_name": LONG}});
    assert_eq!(client.json("POST", "/api/vps/bulk", &both).status, 200);
    made(&client.json("POST", "/api/vps", &json!({"hostname": "planned", "tags": ["later"]})));

    assert_eq!(hub.stop().1, Some(0));
    let hex = |id: &str| format!("x'{}'", id.replace('-', ""));
    folder.sql(&format!(
        "UPDATE vps_state SET last_seen = last_seen - 3*86400000 WHERE vps_id = {}",
        hex(&silent)
    ));
    folder.sql(&format!(
        "INSERT INTO vps_mark (id, vps_id, kind, detail, since) VALUES (randomblob(16), {}, 'reinstalled', 'x', 1)",
        hex(&again)
    ));
    let hub = folder.start();
    for (name, number) in [("debian", 11), ("free-1", 13), ("guessed-21", 21), (&longest, 1)] {
        machine(name, number).live(&hub, &key);
    }
    hub
}

/// Somebody who may look at all of it.
pub(crate) const READER: &str = "reader@example.org";
const TAGS: usize = 200;

/// What was made.
fn made(answer: &crate::common::Answer) -> Value {
    assert_eq!(answer.status, 201, "{answer:?}");
    answer.json()
}

/// The id of the first in a list of the API that fits.
pub(crate) fn first(client: &Client<'_>, list: &str, fits: impl Fn(&Value) -> bool) -> Option<String> {
    let found = client.get(list).json();
    let all =
        found["data"].as_array().or_else(|| found.as_array()).unwrap_or_else(|| panic!("{list}: {found}"));
    all.iter().find(|one| fits(one)).and_then(|one| one["id"].as_str()).map(ToOwned::to_owned)
}
