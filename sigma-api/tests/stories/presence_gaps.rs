//! When machines were silent.

use std::time::Duration;

use crate::common::machine::Machine;
use crate::common::{Folder, Hub, eventually};
use serde_json::Value;

fn presence(hub: &Hub, key: &str, id: &str) -> Value {
    let answer = hub.get(key, &format!("/api/vps/{id}/presence"));
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn gaps(hub: &Hub, key: &str, id: &str) -> Vec<Value> {
    presence(hub, key, id)["gaps"].as_array().unwrap().clone()
}

#[test]
fn a_silence_goes_on_and_ends_with_a_beat() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let one = Machine::new("web", 1, "b1", "203.0.113.1");
    let id = one.live(&hub, &agent);
    one.live(&hub, &agent);
    assert_eq!(gaps(&hub, &reader, &id), Vec::<Value>::new());
    let last_seen = presence(&hub, &reader, &id)["last_seen"].clone();
    // Two intervals of a second, and the grace.
    std::thread::sleep(Duration::from_millis(17_500));
    let silent = gaps(&hub, &reader, &id);
    assert_eq!(silent.len(), 1);
    assert_eq!((&silent[0]["from"], &silent[0]["until"]), (&last_seen, &Value::Null));
    one.live(&hub, &agent);
    assert!(eventually(Duration::from_secs(8), || gaps(&hub, &reader, &id).len() == 1));
    let over = gaps(&hub, &reader, &id);
    assert_eq!((&over[0]["from"], &over[0]["until"].is_string()), (&last_seen, &true));
    one.live(&hub, &agent);
    hub.stop();
    let hub = folder.start();
    one.live(&hub, &agent);
    assert_eq!(gaps(&hub, &reader, &id), over, "one silence is one gap");
    let shown = presence(&hub, &reader, &id);
    assert!(shown["first_seen"].is_string() && shown["last_seen"].is_string(), "{shown}");
}

#[test]
fn what_the_hub_could_not_hear_is_no_silence() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let one = Machine::new("one", 1, "b1", "203.0.113.1");
    let two = Machine::new("two", 2, "b2", "203.0.113.2");
    let (first, second) = (one.live(&hub, &agent), two.live(&hub, &agent));
    hub.stop();
    // The hub was off for two hours, and the second machine had been silent for an hour before that.
    folder.sql("UPDATE vps_state SET last_seen = last_seen - 7200000");
    folder.sql(
        "UPDATE vps_state SET last_seen = last_seen - 3600000 \
         WHERE vps_id = (SELECT id FROM vps WHERE hostname = 'two')",
    );
    let hub = folder.start();
    assert_eq!(gaps(&hub, &reader, &first).len(), 0);
    assert_eq!(gaps(&hub, &reader, &second)[0]["until"], Value::Null);
    one.live(&hub, &agent);
    two.live(&hub, &agent);
    assert_eq!(gaps(&hub, &reader, &first).len(), 0, "it may have been there all the time");
    assert_eq!(gaps(&hub, &reader, &second).len(), 1);
    let days = |days: &str| hub.get(&reader, &format!("/api/vps/{second}/presence?days={days}"));
    assert_eq!(days("1").json()["gaps"].as_array().unwrap().len(), 1);
    for wrong in ["0", "-1", "soon", "5000"] {
        assert_eq!(days(wrong).status, 400, "{wrong}");
        assert!(days(wrong).error().starts_with("days: "));
    }
}
