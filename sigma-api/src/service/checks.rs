//! Results of checks of addresses from outside.

use uuid::Uuid;

use super::inventory::Page;
use super::{Hub, Result};
use crate::model::ip_check::{IpCheck, IpCheckFilter, IpCheckReport};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;

impl Hub {
    /// Keeps the result of a check. If it names no machine, it is that which has the address, if only one has.
    ///
    /// # Errors
    /// `Invalid`, also for a machine that does not exist.
    pub(crate) async fn note_ip_check(&self, now: Timestamp, report: IpCheckReport) -> Result<IpCheck> {
        let mut check = report.checked(now, Uuid::now_v7())?;
        let tx = self.store.begin().await?;
        match check.vps_id {
            None => check.vps_id = tx.only_owner(check.ip).await?,
            Some(id) if tx.statuses(&[id]).await?.is_empty() => {
                return Err(Invalid::new("vps_id", format!("is no machine: {id}")).into());
            }
            Some(_) => {}
        }
        tx.insert_ip_check(&check).await?;
        tx.commit().await?;
        Ok(check)
    }

    /// One page of the checks that `filter` lets through, the newest first.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn ip_checks(&self, filter: &IpCheckFilter) -> Result<Page<IpCheck>> {
        let (data, total) = self.store.ip_checks(filter).await?;
        Ok(Page { data, total })
    }
}
