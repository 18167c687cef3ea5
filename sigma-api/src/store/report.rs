//! What agents measured that seldom changes.

use std::collections::HashMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, Iterable, QueryFilter};
use uuid::Uuid;

use super::entity::vps_report::{ActiveModel, Column, Entity, Model};
use super::vps::CHUNK;
use super::{Result, StoreError, Tx, to_i64};
use crate::model::report::Facts;
use crate::model::time::Timestamp;

impl Tx {
    /// What the machine reported, if it ever did.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn facts(&self, id: Uuid) -> Result<Option<Facts>> {
        Ok(facts_of(&self.inner, &[id]).await?.remove(&id))
    }

    /// Stores what the machine reports, in the place of what it reported before.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_facts(&self, now: Timestamp, id: Uuid, facts: &Facts) -> Result<()> {
        let facts = facts.clone();
        let row = ActiveModel {
            vps_id: Set(id),
            cpu_cores: Set(facts.cpu_cores.map(i64::from)),
            ram_mb: Set(facts.ram_mb.map(to_i64)),
            disk_gb: Set(facts.disk_gb.map(to_i64)),
            swap_mb: Set(facts.swap_mb.map(to_i64)),
            kernel: Set(facts.kernel),
            os: Set(facts.os),
            arch: Set(facts.arch),
            virtualization: Set(facts.virtualization),
            cpu_model: Set(facts.cpu_model),
            vendor: Set(facts.vendor),
            product: Set(facts.product),
            asset_tag: Set(facts.asset_tag),
            agent_version: Set(facts.agent_version),
            interval_seconds: Set(facts.interval_seconds.map(i64::from)),
            machine_id: Set(facts.machine_id),
            boot_id: Set(facts.boot_id),
            changed_at: Set(now.ms()),
        };
        let all_but_id = Column::iter().filter(|column| !matches!(column, Column::VpsId));
        let replace = OnConflict::column(Column::VpsId).update_columns(all_but_id).to_owned();
        Entity::insert(row).on_conflict(replace).exec_without_returning(&self.inner).await?;
        Ok(())
    }
}

/// What several machines reported.
pub(super) async fn facts_of(database: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Facts>> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::VpsId.is_in(chunk.iter().copied())).all(database).await?;
        for row in rows {
            found.insert(row.vps_id, from_row(row)?);
        }
    }
    Ok(found)
}

fn from_row(row: Model) -> Result<Facts> {
    Ok(Facts {
        cpu_cores: number(row.cpu_cores)?,
        ram_mb: number(row.ram_mb)?,
        disk_gb: number(row.disk_gb)?,
        swap_mb: number(row.swap_mb)?,
        kernel: row.kernel,
        os: row.os,
        arch: row.arch,
        virtualization: row.virtualization,
        cpu_model: row.cpu_model,
        vendor: row.vendor,
        product: row.product,
        asset_tag: row.asset_tag,
        agent_version: row.agent_version,
        interval_seconds: number(row.interval_seconds)?,
        machine_id: row.machine_id,
        boot_id: row.boot_id,
    })
}

/// A number that the program wrote from this type.
pub(super) fn number<T: TryFrom<i64>>(value: Option<i64>) -> Result<Option<T>> {
    value.map(|value| T::try_from(value).map_err(|_| StoreError::damaged("number"))).transpose()
}
