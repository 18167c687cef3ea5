//! Records as rows, and back.

use serde::Deserialize;
use serde_json::json;
use sigma_protocol::Address;
use uuid::Uuid;

use super::Row;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;

/// A machine as a row says it: every member that a person owns.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct VpsRecord {
    pub(crate) id: Uuid,
    pub(crate) hostname: String,
    pub(crate) alias: String,
    pub(crate) provider_id: Option<Uuid>,
    pub(crate) ip_addresses: Vec<Address>,
    pub(crate) ssh_port: u16,
    pub(crate) country: String,
    pub(crate) city: String,
    pub(crate) dc_name: String,
    pub(crate) cpu_cores: Option<u32>,
    pub(crate) ram_mb: Option<u64>,
    pub(crate) disk_gb: Option<u64>,
    pub(crate) bandwidth_tb: Option<f64>,
    pub(crate) cost_monthly: Option<String>,
    pub(crate) currency: String,
    pub(crate) status: String,
    pub(crate) purchase_date: Option<String>,
    pub(crate) expire_date: Option<String>,
    pub(crate) purpose: String,
    pub(crate) vpn_protocol: String,
    pub(crate) tags: Vec<String>,
    pub(crate) monitoring_enabled: bool,
    pub(crate) node_exporter_port: u16,
    pub(crate) notes: String,
    pub(crate) source: String,
}

/// A provider as a row says it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct ProviderRecord {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) website: String,
    pub(crate) panel_url: String,
    pub(crate) api_supported: bool,
    pub(crate) rating: Option<i32>,
    pub(crate) notes: String,
    #[serde(skip)]
    pub(crate) created_at: Option<Timestamp>,
}

/// A machine as a row; `provider` is the name of its provider.
pub(crate) fn vps_row(vps: &Vps, provider: Option<&str>) -> Row {
    let mut tags = vps.tags.clone();
    tags.sort_unstable();
    let mut addresses = vps.ip_addresses.clone();
    addresses.sort_by_key(|address| address.ip);
    row([
        ("id", json!(vps.id)),
        ("hostname", json!(vps.hostname)),
        ("alias", json!(vps.alias)),
        ("provider_id", json!(vps.provider_id)),
        ("provider", json!(provider)),
        ("ip_addresses", json!(addresses)),
        ("ssh_port", json!(vps.ssh_port)),
        ("country", json!(vps.country)),
        ("city", json!(vps.city)),
        ("dc_name", json!(vps.dc_name)),
        ("cpu_cores", json!(vps.cpu_cores)),
        ("ram_mb", json!(vps.ram_mb)),
        ("disk_gb", json!(vps.disk_gb)),
        ("bandwidth_tb", json!(vps.bandwidth_tb)),
        ("cost_monthly", json!(vps.cost_monthly)),
        ("currency", json!(vps.currency)),
        ("status", json!(vps.status.name())),
        ("purchase_date", json!(vps.purchase_date)),
        ("expire_date", json!(vps.expire_date)),
        ("purpose", json!(vps.purpose)),
        ("vpn_protocol", json!(vps.vpn_protocol)),
        ("tags", json!(tags)),
        ("monitoring_enabled", json!(vps.monitoring_enabled)),
        ("node_exporter_port", json!(vps.node_exporter_port)),
        ("notes", json!(vps.notes)),
        ("source", json!(vps.source)),
        ("created_at", json!(vps.created_at)),
    ])
}

/// A provider as a row.
pub(crate) fn provider_row(provider: &ProviderRecord) -> Row {
    row([
        ("id", json!(provider.id)),
        ("name", json!(provider.name)),
        ("country", json!(provider.country)),
        ("website", json!(provider.website)),
        ("panel_url", json!(provider.panel_url)),
        ("api_supported", json!(provider.api_supported)),
        ("rating", json!(provider.rating)),
        ("notes", json!(provider.notes)),
        ("created_at", json!(provider.created_at)),
    ])
}

fn row<const N: usize>(members: [(&str, serde_json::Value); N]) -> Row {
    members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}
