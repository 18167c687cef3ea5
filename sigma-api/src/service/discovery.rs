//! The fleet as other tools want it: Prometheus targets and an Ansible inventory.

use super::{Hub, Result};
use crate::model::ansible::Inventory;
use crate::model::targets::TargetGroup;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::model::vps_filter::VpsFilter;

impl Hub {
    /// What Prometheus is to watch, of the machines that `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn targets(&self, now: Timestamp, filter: &VpsFilter) -> Result<Vec<TargetGroup>> {
        let machines = self.with_providers(now, filter).await?;
        Ok(machines.iter().filter_map(|(vps, provider)| TargetGroup::of(vps, provider)).collect())
    }

    /// The machines that `filter` lets through, for Ansible.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn ansible(&self, now: Timestamp, filter: &VpsFilter) -> Result<Inventory> {
        Ok(Inventory::of(&self.with_providers(now, filter).await?))
    }

    /// Machines, each with the name of its provider; empty for those that have none.
    pub(super) async fn with_providers(
        &self,
        now: Timestamp,
        filter: &VpsFilter,
    ) -> Result<Vec<(Vps, String)>> {
        let names = self.store.provider_names().await?;
        let named = |vps: Vps| {
            let provider = vps.provider_id.and_then(|id| names.get(&id)).cloned().unwrap_or_default();
            (vps, provider)
        };
        Ok(self.all_vps(now, filter).await?.into_iter().map(named).collect())
    }
}
