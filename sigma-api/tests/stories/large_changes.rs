//! Changing thousands of machines at once: each as if it were changed alone, and nobody who reports has to wait.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::common::{Folder, Hub, fixture};

/// More than are written in one piece, and no whole number of pieces.
const MACHINES: u32 = 450;
/// All that is stored of machines, but for their versions and times.
const RECORDS: &str = "SELECT hostname || '|' || alias || '|' || alias_edited || '|' || hostname_edited || '|' || notes || \
    '|' || coalesce((SELECT name FROM provider p WHERE p.id = provider_id), '-') || '|' || status || '|' || \
    coalesce(status_before, '-') || '|' || (deleted_at IS NULL) || '|' || coalesce(expire_date, '-') || '|' || \
    coalesce((SELECT group_concat(tag) FROM (SELECT tag FROM vps_tag t WHERE t.vps_id = v.id ORDER BY tag)), '-') \
    FROM vps v ORDER BY hostname";

/// Machines of three providers and of none, with other tags and dates.
fn import(hub: &Hub, key: &str, machines: u32) {
    let provider =
        |n: u32| ["", "Acme", "Bolt", "Core"].into_iter().cycle().nth(n as usize % 4).unwrap_or_default();
    let line = |n: u32| format!("m{n},{},t{};edge,2031-01-{:02}\n", provider(n), n % 3, n % 28 + 1);
    let data =
        "hostname,provider,tags,expire_date\n".to_owned() + &(0..machines).map(line).collect::<String>();
    for name in ["Acme", "Bolt", "Core"] {
        hub.post(key, "/api/providers", &json!({"name": name}).to_string());
    }
    let report = hub.post(key, "/api/vps/import", &json!({"format": "csv", "data": data}).to_string());
    assert_eq!(report.json()["created"], machines, "{report:?}");
}

fn change(hub: &Hub, key: &str, body: &Value) -> Value {
    let answer = hub.post(key, "/api/vps/bulk", &body.to_string());
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

fn undo(hub: &Hub, key: &str, said: &Value) -> Value {
    let path = format!("/api/vps/bulk/{}/undo", said["bulk"].as_str().unwrap());
    let answer = hub.post(key, &path, "{}");
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

#[test]
fn each_of_many_is_changed_as_if_it_were_alone_and_back() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    import(&hub, &key, MACHINES);
    let bolt = folder.sql("SELECT lower(hex(id)) FROM provider WHERE name = 'Bolt'").remove(0);
    for (step, (body, wanted)) in (1_u32..).zip([
        (
            json!({"provider_id": bolt, "add_tags": ["new"], "remove_tags": ["t1"], "notes": "all"}),
            "|all|Bolt|active|",
        ),
        (json!({"provider_id": null, "expire_date": null, "alias": "same"}), "|same|1|"),
        (json!({"tags": [], "status": "suspended"}), "|suspended|-|1|"),
        (json!({"action": "delete"}), "|deleted|active|0|"),
    ]) {
        let before = folder.sql(RECORDS);
        let said = change(&hub, &key, &json!({"filter": {"source": "import"}, "change": body}));
        assert_eq!((&said["changed"], &said["unchanged"]), (&json!(MACHINES), &json!(0)), "{body}");
        let after = folder.sql(RECORDS);
        assert!(after.iter().all(|record| record.contains(wanted)), "{body}: {:?}", after.first());
        let undone = undo(&hub, &key, &said);
        assert_eq!((&undone["undone"], &undone["kept"]), (&json!(MACHINES), &json!(0)), "{body}");
        // An alias that somebody chose stays chosen.
        let chosen = |record: &String| record.replacen("||1|", "||0|", 1);
        let left: Vec<String> = folder.sql(RECORDS).iter().map(chosen).collect();
        assert_eq!(left, before.iter().map(chosen).collect::<Vec<_>>(), "{body}");
        let version = 1 + 2 * step;
        let versions = folder.sql("SELECT DISTINCT CAST(version AS TEXT) FROM vps");
        assert_eq!(versions, [version.to_string()], "{body}");
        let lines = folder.sql("SELECT CAST(count(*) AS TEXT) FROM audit WHERE bulk_id IS NOT NULL");
        assert_eq!(lines, [(2 * step * MACHINES).to_string()], "{body}");
    }
}

#[test]
fn of_two_of_one_name_only_one_lives_again() {
    let folder = Folder::new();
    let key = folder.key("operator");
    let hub = folder.start();
    let make = || hub.post(&key, "/api/vps", r#"{"hostname":"twin"}"#).json()["id"].clone();
    let first = make();
    change(&hub, &key, &json!({"ids": [first], "change": {"action": "delete"}}));
    let ids = [first, make()];
    hub.delete(&key, &format!("/api/vps/{}", ids[1].as_str().unwrap()));
    let both = json!({"ids": ids, "change": {"action": "restore"}});
    let refused = hub.post(&key, "/api/vps/bulk", &both.to_string());
    assert_eq!(refused.status, 409, "{refused:?}");
    assert!(refused.error().contains("Another machine is called twin: "), "{refused:?}");
    assert_eq!(folder.sql("SELECT DISTINCT status FROM vps"), ["deleted"]);
}

#[test]
fn who_reports_does_not_wait_for_a_bulk_change() {
    let folder = Folder::new();
    let (agent, key) = (folder.key("agent"), folder.key("operator"));
    let hub = folder.start();
    import(&hub, &key, 3_000);
    assert_eq!(hub.post(&agent, "/api/agent/register", &fixture("registration.json")).status, 200);
    assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &fixture("heartbeat.json")).status, 200);
    let (began, changing) = (Instant::now(), AtomicBool::new(true));
    let (took, slowest, beats) = std::thread::scope(|scope| {
        let beats = scope.spawn(|| {
            let (mut slowest, mut beats) = (Duration::ZERO, 0);
            while changing.load(Ordering::Relaxed) && began.elapsed() < Duration::from_secs(60) {
                let sent = Instant::now();
                assert_eq!(hub.post(&agent, "/api/agent/heartbeat", &fixture("heartbeat.json")).status, 200);
                slowest = slowest.max(sent.elapsed());
                beats += 1;
            }
            (slowest, beats)
        });
        let body = json!({"filter": {"source": "import"}, "change": {"notes": "x", "add_tags": ["all"]}});
        let said = change(&hub, &key, &body);
        assert_eq!((&said["changed"], &undo(&hub, &key, &said)["undone"]), (&json!(3_000), &json!(3_000)));
        let took = began.elapsed();
        changing.store(false, Ordering::Relaxed);
        let (slowest, beats) = beats.join().unwrap();
        (took, slowest, beats)
    });
    assert!(beats > 10, "{beats} beats in {took:?}");
    assert!(slowest < took / 2, "a beat took {slowest:?} while thousands were changed for {took:?}");
}
