//! Records as rows.

use serde_json::json;

use super::Row;
use crate::model::provider::Provider;
use crate::model::vps::Vps;

/// A machine as a row; `provider` is the name of its provider.
pub(crate) fn vps_row(vps: &Vps, provider: Option<&str>) -> Row {
    row([
        ("id", json!(vps.id)),
        ("hostname", json!(vps.hostname)),
        ("alias", json!(vps.alias)),
        ("provider_id", json!(vps.provider_id)),
        ("provider", json!(provider)),
        ("ip_addresses", json!(vps.ip_addresses)),
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
        ("tags", json!(vps.tags)),
        ("monitoring_enabled", json!(vps.monitoring_enabled)),
        ("node_exporter_port", json!(vps.node_exporter_port)),
        ("notes", json!(vps.notes)),
        ("source", json!(vps.source)),
        ("reported_hostname", json!(vps.reported_hostname)),
        ("created_at", json!(vps.created_at)),
    ])
}

/// A provider as a row.
pub(crate) fn provider_row(provider: &Provider) -> Row {
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
