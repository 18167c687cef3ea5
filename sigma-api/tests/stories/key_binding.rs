//! An agent's key speaks for the machines that it registered, and registers no more than it may.

use std::time::Duration;

use crate::common::Folder;
use crate::common::machine::{Machine, id_of};
use serde_json::json;

fn web() -> Machine {
    Machine::new("web", 1, "b1", "203.0.113.1")
}

#[test]
fn a_key_does_not_speak_for_a_living_machine_of_another() {
    let folder = Folder::new();
    let (mine, other, admin) = (folder.key("agent"), folder.key("agent"), folder.key("admin"));
    let hub = folder.start();
    let id = web().live(&hub, &mine);
    let stolen = Machine { ip: "198.51.100.66".into(), ..web() };
    for answer in [
        web().beat(&hub, &other),
        web().register(&hub, &other),
        stolen.beat(&hub, &other),
        stolen.register(&hub, &other),
        Machine { boot: "b2".into(), uptime: 0, ..web() }.register(&hub, &other),
        Machine { hostname: "www".into(), ..web() }.register(&hub, &other),
    ] {
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.error().contains("another key"), "{answer:?}");
    }
    let vps = hub.get(&admin, &format!("/api/vps/{id}")).json();
    assert_eq!((&vps["hostname"], &vps["ip_addresses"][0]["ip"]), (&json!("web"), &json!("203.0.113.1")));
    assert_eq!(web().live(&hub, &mine), id, "and its own key goes on");
    assert_eq!(web().live(&hub, &admin), id, "an administrator's speaks for every machine");
    assert_eq!(web().beat(&hub, &other).status, 403, "and binds none");
    let key = hub.get(&admin, &format!("/api/vps/{id}/identity")).json()["agent_key_id"].clone();
    assert!(key.is_string());

    let another = Machine::new("web", 2, "b2", "203.0.113.2");
    let new = another.live(&hub, &other);
    assert_ne!(new, id, "another machine of that name is not the same one");
    assert_eq!(hub.get(&admin, &format!("/api/vps/{new}")).json()["hostname"], "web (2)");
}

#[test]
fn a_revoked_key_is_followed_by_the_next() {
    let folder = Folder::new();
    let (mine, other) = (folder.key("agent"), folder.key("agent"));
    let hub = folder.start();
    let id = web().live(&hub, &mine);
    assert_eq!(web().beat(&hub, &other).status, 403);
    let revoked = folder.run(&["key", "revoke", &mine]);
    assert!(revoked.status.success(), "{revoked:?}");
    assert_eq!(web().live(&hub, &other), id);
    assert_eq!(web().live(&hub, &other), id, "and from memory");
    let lines = folder.sql("SELECT changes FROM audit WHERE action = 'vps.key'");
    assert_eq!(lines.len(), 1, "{lines:?}");
}

#[test]
fn a_machine_that_is_silent_may_come_back_with_another_key() {
    let folder = Folder::new();
    let (mine, other, admin) = (folder.key("agent"), folder.key("agent"), folder.key("admin"));
    let hub = folder.start();
    let id = web().live(&hub, &mine);
    hub.stop();
    folder.sql("UPDATE vps_state SET last_seen = last_seen - 3600000");
    let hub = folder.start();
    assert_eq!(web().beat(&hub, &other).status, 403, "the hub could not hear it before it listened");
    // Two intervals of a second, and the grace.
    std::thread::sleep(Duration::from_millis(17_500));
    assert_eq!(web().beat(&hub, &other).status, 403, "a heartbeat takes nothing over");
    assert_eq!(id_of(&web().register(&hub, &other)), id);
    assert_eq!(web().live(&hub, &other), id);
    let vps = hub.get(&admin, &format!("/api/vps/{id}")).json();
    assert_eq!(vps["flags"], json!(["rekeyed"]), "and a person sees it");
    assert_eq!(web().live(&hub, &mine), id, "the key before takes it back");
    assert_eq!(web().beat(&hub, &other).status, 403, "once");
    assert_eq!(web().register(&hub, &other).status, 403);
    let seen = hub.post(&admin, &format!("/api/vps/{id}/acknowledge"), "{\"flag\":\"rekeyed\"}");
    assert_eq!(seen.json()["flags"], json!([]), "{seen:?}");
    let lines = folder.sql("SELECT changes FROM audit WHERE action = 'vps.key'");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let told = hub.log().matches("does not speak for it").count();
    assert_eq!(told, 1, "once a minute");
}

#[test]
fn a_key_registers_no_more_new_machines_than_it_may() {
    let folder = Folder::new();
    let (key, admin) = (folder.key("agent"), folder.key("admin"));
    folder.sql(
        "INSERT INTO provider (id, name, country, website, panel_url, api_supported, notes, created_at, updated_at, version) \
         VALUES (x'0193000000007000800000000000000a', 'Acme', '', '', '', 0, '', 0, 0, 1)",
    );
    folder.sql(
        "UPDATE api_key SET max_machines = 5, tags = '[\"edge\"]', \
         provider_id = x'0193000000007000800000000000000a' WHERE role = 'agent'",
    );
    let hub = folder.start();
    let machines: Vec<Machine> = (1..=20)
        .map(|n| Machine::new(&format!("m{n}"), n, &format!("b{n}"), &format!("203.0.113.{n}")))
        .collect();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            machines.iter().map(|machine| scope.spawn(|| machine.register(&hub, &key))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let mut taken = 0;
    for (machine, answer) in machines.iter().zip(&answers) {
        if answer.status == 200 {
            taken += 1;
            assert_eq!(id_of(&machine.register(&hub, &key)), id_of(answer), "a known one is always taken");
        } else {
            assert_eq!(answer.status, 403, "{answer:?}");
            assert!(answer.error().contains("may register no more"), "{answer:?}");
        }
    }
    assert_eq!(taken, 5);
    assert_eq!(folder.sql("SELECT CAST(enrolled AS TEXT) FROM api_key WHERE role = 'agent'"), ["5"]);
    let list = hub.get(&admin, "/api/vps").json();
    assert_eq!(list["total"], 5);
    for vps in list["data"].as_array().unwrap() {
        assert_eq!(vps["tags"], json!(["edge"]));
        assert_eq!(vps["provider_id"], "01930000-0000-7000-8000-00000000000a");
    }
}
