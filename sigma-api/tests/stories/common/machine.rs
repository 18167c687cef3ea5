//! Machines, as their agents report for them.

use serde_json::{Value, json};

use super::{Answer, Hub};

const REGISTER: &str = "/api/agent/register";
const HEARTBEAT: &str = "/api/agent/heartbeat";

/// A machine with evidence of its identity.
#[derive(Clone)]
pub(crate) struct Machine {
    pub(crate) hostname: String,
    /// One byte of its machine id, which stands for the whole.
    pub(crate) id: u8,
    pub(crate) boot: String,
    pub(crate) ip: String,
    pub(crate) uptime: u64,
    pub(crate) vendor: Option<String>,
    pub(crate) product: Option<String>,
}

impl Machine {
    pub(crate) fn new(hostname: &str, id: u8, boot: &str, ip: &str) -> Self {
        Self {
            hostname: hostname.into(),
            id,
            boot: boot.into(),
            ip: ip.into(),
            uptime: 86_400,
            vendor: None,
            product: None,
        }
    }

    fn message(&self) -> Value {
        json!({
            "hostname": self.hostname,
            "ip_addresses": [{"ip": self.ip, "label": ""}],
            "system_info": {"cpu_cores": 2, "kernel": "6.1", "uptime_seconds": self.uptime,
                "vendor": self.vendor, "product": self.product},
            "agent": {"version": "0.1.0", "interval_seconds": 1},
            "machine": {"id": format!("{:02x}", self.id).repeat(32), "boot_id": self.boot},
        })
    }

    pub(crate) fn register(&self, hub: &Hub, key: &str) -> Answer {
        hub.post(key, REGISTER, &self.message().to_string())
    }

    pub(crate) fn beat(&self, hub: &Hub, key: &str) -> Answer {
        hub.post(key, HEARTBEAT, &self.message().to_string())
    }

    /// Beats as an agent does: who is not known registers. The id of its record.
    pub(crate) fn live(&self, hub: &Hub, key: &str) -> String {
        let mut answer = self.beat(hub, key);
        if answer.status == 404 {
            answer = self.register(hub, key);
        }
        assert_eq!(answer.status, 200, "{}: {answer:?}", self.hostname);
        id_of(&answer)
    }
}

/// The id that an answer names.
pub(crate) fn id_of(answer: &Answer) -> String {
    answer.json()["id"].as_str().unwrap_or_else(|| panic!("{answer:?}")).to_owned()
}
