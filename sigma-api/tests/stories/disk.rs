//! A disk that cannot be written for a while: nothing is acknowledged that is not kept, before, during and after.

use std::collections::BTreeSet;

use crate::common::{Folder, Hub};
use serde_json::json;

/// Registers machines one after the other; the hostnames that were acknowledged.
fn register(hub: &Hub, key: &str, names: impl Iterator<Item = String>) -> BTreeSet<String> {
    let mut acknowledged = BTreeSet::new();
    for name in names {
        let answer = hub.post(
            key,
            "/api/agent/register",
            &json!({"hostname": name, "ip_addresses": [{"ip": "10.0.0.1"}]}).to_string(),
        );
        match answer.status {
            200 => assert!(acknowledged.insert(name)),
            503 => assert!(answer.head.contains("retry-after: "), "{answer:?}"),
            status => assert_eq!(status, 200, "{answer:?}"),
        }
    }
    acknowledged
}

#[test]
fn nothing_acknowledged_is_lost_around_a_full_disk() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start_limitable();
    let mut kept = BTreeSet::new();
    // Few enough that the log is not folded into the database meanwhile, which would make room in it.
    for round in 0..5_u64 {
        let names = |part: &'static str, count: u32| (0..count).map(move |n| format!("{part}-{round}-{n}"));
        kept.extend(register(&hub, &agent, names("before", 3)));
        // The limit falls into the midst of what a commit writes, elsewhere each time.
        let log = std::fs::metadata(folder.path().join("sigma.db-wal")).unwrap().len();
        hub.limit_files(Some(log + 20_000 + round * 7_123));
        let during = register(&hub, &agent, names("during", 40));
        assert!(during.len() < 40, "the disk was never full in round {round}");
        kept.extend(during);
        assert_eq!(hub.get(&reader, "/api/vps").status, 200, "reads go on");
        hub.limit_files(None);
        let after = register(&hub, &agent, names("after", 3));
        assert_eq!(after.len(), 3, "well again at once");
        kept.extend(after);
    }
    hub.kill();
    let stored: BTreeSet<String> = folder.sql("SELECT hostname FROM vps").into_iter().collect();
    assert_eq!(kept.difference(&stored).collect::<Vec<_>>(), Vec::<&String>::new(), "acknowledged, but lost");
    assert_eq!(folder.sql("PRAGMA integrity_check"), ["ok"]);
    folder.start();
}
