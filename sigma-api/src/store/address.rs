//! Addresses of machines, those they have and those they had.

use std::collections::HashMap;
use std::net::IpAddr;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::vps_address::{ActiveModel, Column, Entity, Model};
use super::vps::CHUNK;
use super::{Result, StoreError, Tx};
use crate::model::time::Timestamp;

/// An address of a machine, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredAddress {
    pub(crate) ip: IpAddr,
    /// As the agent says it.
    pub(crate) label: String,
    /// As a person set it; survives absences.
    pub(crate) operator_label: Option<String>,
    pub(crate) present: bool,
    pub(crate) first_seen: Timestamp,
    /// While present: since when it is as it is; else when it was first missing.
    pub(crate) last_seen: Timestamp,
}

impl Tx {
    /// All addresses that the machine has or had.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn addresses(&self, id: Uuid) -> Result<Vec<StoredAddress>> {
        Ok(addresses_of(&self.inner, &[id]).await?.remove(&id).unwrap_or_default())
    }

    /// Stores these addresses of the machine; others stay as they are, and so do labels that a person set.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_addresses(&self, id: Uuid, addresses: &[StoredAddress]) -> Result<()> {
        let rows = addresses.iter().map(|address| ActiveModel {
            vps_id: Set(id),
            ip: Set(address.ip.to_string()),
            label: Set(address.label.clone()),
            operator_label: Set(address.operator_label.clone()),
            present: Set(address.present),
            first_seen: Set(address.first_seen.ms()),
            last_seen: Set(address.last_seen.ms()),
        });
        let known_stay = OnConflict::columns([Column::VpsId, Column::Ip])
            .update_columns([Column::Label, Column::Present, Column::LastSeen])
            .to_owned();
        Entity::insert_many(rows).on_conflict(known_stay).exec_without_returning(&self.inner).await?;
        Ok(())
    }
}

/// Addresses of several machines.
pub(super) async fn addresses_of(
    database: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<StoredAddress>>> {
    let mut found: HashMap<Uuid, Vec<StoredAddress>> = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::VpsId.is_in(chunk.iter().copied())).all(database).await?;
        for row in rows {
            found.entry(row.vps_id).or_default().push(from_row(row)?);
        }
    }
    Ok(found)
}

fn from_row(row: Model) -> Result<StoredAddress> {
    Ok(StoredAddress {
        ip: row.ip.parse().map_err(|_| StoreError::damaged("address"))?,
        label: row.label,
        operator_label: row.operator_label,
        present: row.present,
        first_seen: Timestamp::from_ms(row.first_seen),
        last_seen: Timestamp::from_ms(row.last_seen),
    })
}
