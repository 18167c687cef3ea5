//! The fleet as Prometheus discovers it (`http_sd` and `file_sd` read the same).

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Serialize;
use utoipa::ToSchema;

use super::address::preferred;
use super::vps::{Status, Vps};

/// One machine: where its node_exporter listens, and what Prometheus is to know of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct TargetGroup {
    /// Address and port, IPv6 in brackets.
    #[schema(example = json!(["203.0.113.7:9100"]))]
    targets: Vec<String>,
    /// All of them text; what is not known is empty, which to Prometheus is a label that is not there.
    labels: BTreeMap<&'static str, String>,
}

impl TargetGroup {
    /// `None` for a machine that is not to be watched, or has no address.
    pub(crate) fn of(vps: &Vps, provider: &str) -> Option<Self> {
        let is_watched =
            vps.monitoring_enabled && matches!(vps.status, Status::Active | Status::Provisioning);
        let address = preferred(&vps.ip_addresses).filter(|_| is_watched)?;
        let labels = [
            ("instance_name", vps.hostname.as_str()),
            ("provider", provider),
            ("country", &vps.country),
            ("alias", &vps.alias),
            ("city", &vps.city),
            ("dc", &vps.dc_name),
            ("purpose", &vps.purpose),
            ("vpn_protocol", &vps.vpn_protocol),
            ("status", vps.status.name()),
            ("tags", &vps.tags.join(",")),
            ("expire_date", vps.expire_date.as_deref().unwrap_or_default()),
        ];
        Some(Self {
            targets: vec![SocketAddr::new(address, vps.node_exporter_port).to_string()],
            labels: labels.map(|(name, value)| (name, value.to_owned())).into(),
        })
    }
}
