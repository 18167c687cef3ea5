//! What remains of two records that became one, and of marks with a machine that was deleted.

use crate::common::machine::{Machine, id_of};
use crate::common::{Folder, Hub};
use serde_json::{Value, json};

fn register(hub: &Hub, key: &str, hostname: &str, addresses: &Value) -> String {
    let machine = json!({"id": format!("{hostname}{hostname}").repeat(32), "boot_id": hostname});
    let report = json!({"hostname": hostname, "ip_addresses": addresses, "machine": machine});
    id_of(&hub.post(key, "/api/agent/register", &report.to_string()))
}

#[test]
fn labels_of_both_stay_when_two_records_become_one() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let at = |ip: &str, label: &str| json!({"ip": ip, "label": label});
    let label = |id: &str, labels: &Value| {
        let answer = hub.put(&editor, &format!("/api/vps/{id}"), &json!({"ip_addresses": labels}));
        assert_eq!(answer.status, 200, "{answer:?}");
    };
    let of_a = json!([at("203.0.113.1", ""), at("10.0.0.1", ""), at("10.0.0.2", ""), at("10.0.0.3", "old")]);
    let stays = register(&hub, &agent, "a", &of_a);
    label(&stays, &json!([at("203.0.113.1", "front"), at("10.0.0.1", "lan")]));
    let of_b = json!([at("203.0.113.2", ""), at("10.0.0.1", ""), at("10.0.0.2", ""), at("10.0.0.3", "new")]);
    let goes = register(&hub, &agent, "b", &of_b);
    label(&goes, &json!([at("203.0.113.2", "back"), at("10.0.0.1", "other"), at("10.0.0.2", "nat")]));
    let body = json!({"other": goes, "force": true}).to_string();
    let merged = hub.post(&editor, &format!("/api/vps/{stays}/merge"), &body);
    assert_eq!(merged.status, 200, "{merged:?}");
    let now = json!([
        at("10.0.0.1", "lan"),
        at("10.0.0.2", "nat"),
        at("10.0.0.3", "new"),
        at("203.0.113.2", "back")
    ]);
    assert_eq!(
        merged.json()["ip_addresses"],
        now,
        "the one that stays first, what it left open from the other"
    );
    let stored = folder.sql("SELECT ip || ' ' || operator_label FROM vps_address WHERE NOT present");
    assert_eq!(stored, ["203.0.113.1 front"], "it is away and keeps its label");
    // It comes back.
    register(&hub, &agent, "b", &of_a);
    let back = hub.get(&editor, &format!("/api/vps/{stays}")).json()["ip_addresses"].clone();
    assert!(back.as_array().unwrap().contains(&at("203.0.113.1", "front")), "{back}");
}

#[test]
fn marks_with_a_deleted_machine_are_hidden_and_come_back_with_it() {
    let folder = Folder::new();
    let (agent, editor) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    let first = Machine::new("debian", 1, "b1", "203.0.113.1").live(&hub, &agent);
    let second = Machine::new("debian", 2, "b2", "203.0.113.2").live(&hub, &agent);
    let flags = |id: &str| hub.get(&editor, &format!("/api/vps/{id}")).json()["flags"].clone();
    let flagged = || hub.get(&editor, "/api/vps?q=flag:conflict").json()["total"].clone();
    assert_eq!((flags(&first), flags(&second)), (json!(["conflict"]), json!(["conflict"])));
    let (delete, restore) = (format!("/api/vps/{first}"), format!("/api/vps/{first}/restore"));
    assert_eq!(hub.delete(&editor, &delete).status, 204);
    assert_eq!((flags(&second), flagged()), (json!([]), json!(0)), "one that is alone is in no conflict");
    assert_eq!(hub.post(&editor, &restore, "").status, 200);
    assert_eq!((flags(&first), flags(&second)), (json!(["conflict"]), json!(["conflict"])), "as before");
    assert_eq!(flagged(), 2);

    assert_eq!(hub.delete(&editor, &delete).status, 204);
    let named = hub.put(&editor, &format!("/api/vps/{second}"), &json!({"hostname": "web"}));
    assert_eq!(named.status, 200, "{named:?}");
    assert_eq!(hub.post(&editor, &restore, "").status, 200);
    assert_eq!(
        (flags(&first), flags(&second)),
        (json!([]), json!([])),
        "who names one says that they were two"
    );
    assert_eq!(folder.sql("SELECT resolution FROM vps_mark"), ["renamed", "renamed"]);
}
