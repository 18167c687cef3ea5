//! A row that no hub wrote: it is told in the log, and the others go on.

use std::time::Duration;

use crate::common::{Folder, eventually};
use serde_json::json;

#[test]
fn one_record_that_cannot_be_read_stops_no_other() {
    let folder = Folder::new();
    let (agent, reader) = (folder.key("agent"), folder.key("readonly"));
    let hub = folder.start();
    let beat = |path: &str, name: &str| hub.post(&agent, path, &json!({"hostname": name}).to_string());
    for name in ["good", "odd"] {
        assert_eq!(beat("/api/agent/register", name).status, 200);
    }
    let id = folder.sql("SELECT lower(hex(id)) FROM vps WHERE hostname = 'odd'").remove(0);
    folder.sql("UPDATE vps SET status = 'asleep' WHERE hostname = 'odd'");
    folder.sql("UPDATE vps_state SET last_seen = 0");
    let list = hub.get(&reader, "/api/vps");
    assert_eq!(list.status, 200, "{list:?}");
    let names: Vec<_> =
        list.json()["data"].as_array().unwrap().iter().map(|m| m["hostname"].clone()).collect();
    assert_eq!(names, ["good"]);
    assert_eq!(hub.get(&reader, "/api/stats").status, 200);
    assert_eq!(hub.get(&reader, &format!("/api/vps/{id}")).status, 500, "alone it is a fault, not absent");
    beat("/api/agent/heartbeat", "odd");
    assert_eq!(beat("/api/agent/heartbeat", "good").status, 200);
    let saved = "SELECT hostname FROM vps JOIN vps_state ON vps.id = vps_id WHERE last_seen > 0";
    assert!(eventually(Duration::from_secs(8), || folder.sql(saved) == ["good"]), "{}", hub.log());
    assert!(hub.log().contains("odd") && hub.log().contains("impossible status"), "{}", hub.log());
    beat("/api/agent/register", "odd");
    assert_eq!(beat("/api/agent/register", "new").status, 200);
}
