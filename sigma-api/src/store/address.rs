//! Addresses of machines, those they have and those they had.

use std::collections::HashMap;
use std::net::IpAddr;

use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, Order, QueryFilter};
use sigma_protocol::Address;
use uuid::Uuid;

use super::entity::vps_address::{ActiveModel, Column, Entity, Model};
use super::vps::CHUNK;
use super::{Result, StoreError, Tx};
use crate::model::time::Timestamp;

/// Addresses that a machine had and that nobody labelled, of which so many are kept: an agent that reports others in
/// each beat must not fill the database.
const MAX_ABSENT: u64 = 256;

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
    /// The addresses that the machine has, and those of `reported` that it had: all that a report can change.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn addresses(&self, id: Uuid, reported: &[Address]) -> Result<Vec<StoredAddress>> {
        let reported = reported.iter().map(|address| address.ip.to_string());
        let matters = Condition::any().add(Column::Present.eq(true)).add(Column::Ip.is_in(reported));
        let rows = Entity::find().filter(Column::VpsId.eq(id)).filter(matters).all(&self.inner).await?;
        rows.into_iter().map(from_row).collect()
    }

    /// Stores these addresses of the machine; others stay as they are, and so do labels that a person set. Of those
    /// that are gone, the longest absent are forgotten when there are too many.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_addresses(&self, id: Uuid, addresses: &[StoredAddress]) -> Result<()> {
        self.put(id, addresses, &[Column::Label, Column::Present, Column::LastSeen]).await
    }

    /// As [`Tx::put_addresses`], with the labels that a person set.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_edited_addresses(&self, id: Uuid, addresses: &[StoredAddress]) -> Result<()> {
        self.put(id, addresses, &[Column::Label, Column::OperatorLabel, Column::Present, Column::LastSeen])
            .await
    }

    async fn put(&self, id: Uuid, addresses: &[StoredAddress], changed: &[Column]) -> Result<()> {
        let rows = addresses.iter().map(|address| to_row(id, address));
        let known_stay = OnConflict::columns([Column::VpsId, Column::Ip])
            .update_columns(changed.iter().copied())
            .to_owned();
        Entity::insert_many(rows).on_conflict(known_stay).exec_without_returning(&self.inner).await?;
        // Nothing is forgotten unless something more is gone.
        if addresses.iter().all(|address| address.present) { Ok(()) } else { self.forget_absent(id).await }
    }

    async fn forget_absent(&self, id: Uuid) -> Result<()> {
        let absent = Condition::all()
            .add(Column::VpsId.eq(id))
            .add(Column::Present.eq(false))
            .add(Column::OperatorLabel.is_null());
        let too_many = Query::select()
            .column(Column::Ip)
            .from(Entity)
            .cond_where(absent.clone())
            .order_by(Column::LastSeen, Order::Desc)
            .order_by(Column::Ip, Order::Asc)
            .offset(MAX_ABSENT)
            // SQLite knows no OFFSET without a LIMIT.
            .limit(i64::MAX.unsigned_abs())
            .to_owned();
        Entity::delete_many()
            .filter(absent)
            .filter(Column::Ip.in_subquery(too_many))
            .exec(&self.inner)
            .await?;
        Ok(())
    }
}

/// Addresses that several machines have now.
pub(super) async fn addresses_of(
    database: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<StoredAddress>>> {
    let mut found: HashMap<Uuid, Vec<StoredAddress>> = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find()
            .filter(Column::VpsId.is_in(chunk.iter().copied()))
            .filter(Column::Present.eq(true))
            .all(database)
            .await?;
        for row in rows {
            found.entry(row.vps_id).or_default().push(from_row(row)?);
        }
    }
    Ok(found)
}

/// An address of that machine, as it is stored.
pub(super) fn to_row(id: Uuid, address: &StoredAddress) -> ActiveModel {
    ActiveModel {
        vps_id: Set(id),
        ip: Set(address.ip.to_string()),
        sort_key: Set(sort_key(address.ip)),
        label: Set(address.label.clone()),
        operator_label: Set(address.operator_label.clone()),
        present: Set(address.present),
        first_seen: Set(address.first_seen.ms()),
        last_seen: Set(address.last_seen.ms()),
    }
}

pub(super) fn from_row(row: Model) -> Result<StoredAddress> {
    Ok(StoredAddress {
        ip: row.ip.parse().map_err(|_| StoreError::damaged("address"))?,
        label: row.label,
        operator_label: row.operator_label,
        present: row.present,
        first_seen: Timestamp::from_ms(row.first_seen),
        last_seen: Timestamp::from_ms(row.last_seen),
    })
}

/// An address as text that sorts as addresses do: 32 hexadecimal digits, IPv4 as mapped into IPv6 (RFC 4291, 2.5.5.2).
pub(super) fn sort_key(address: IpAddr) -> String {
    let bits = match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    };
    format!("{bits:032x}")
}
