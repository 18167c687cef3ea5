//! Every address that a machine has or had, and whose each was before.

use std::collections::HashMap;
use std::net::IpAddr;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::address::{StoredAddress, from_row};
use super::entity::{vps, vps_address};
use super::state::states_of;
use super::vps::CHUNK;
use super::{Result, Store, Tx};
use crate::model::address_history::PreviousOwner;
use crate::model::time::Timestamp;
use crate::model::vps::Status;

/// Rows of other machines that are looked at for so many addresses: a private address may have been everybody's.
const MAX_OTHERS: u64 = 2000;

/// Another machine with the same address.
#[derive(Debug, Clone)]
pub(crate) struct OtherOwner {
    pub(crate) first_seen: Timestamp,
    /// Whether it has the address now, as far as it said last.
    pub(crate) present: bool,
    /// When it last reported, as far as the database knows.
    pub(crate) last_report: Option<Timestamp>,
    pub(crate) owner: PreviousOwner,
}

impl Store {
    /// All addresses that the machine has or had, in the order of addresses.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn all_addresses(&self, id: Uuid) -> Result<Vec<StoredAddress>> {
        let rows = vps_address::Entity::find()
            .filter(vps_address::Column::VpsId.eq(id))
            .order_by_asc(vps_address::Column::SortKey)
            .order_by_asc(vps_address::Column::Ip)
            .all(&self.read)
            .await?;
        rows.into_iter().map(from_row).collect()
    }

    /// Other machines that have or had these addresses.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn other_owners(
        &self,
        id: Uuid,
        addresses: &[IpAddr],
    ) -> Result<HashMap<IpAddr, Vec<OtherOwner>>> {
        let mut found: HashMap<IpAddr, Vec<OtherOwner>> = HashMap::new();
        for chunk in addresses.chunks(CHUNK) {
            let rows = vps_address::Entity::find()
                .filter(vps_address::Column::Ip.is_in(chunk.iter().map(IpAddr::to_string)))
                .filter(vps_address::Column::VpsId.ne(id))
                .order_by_desc(vps_address::Column::LastSeen)
                .limit(MAX_OTHERS)
                .all(&self.read)
                .await?;
            let ids: Vec<Uuid> = rows.iter().map(|row| row.vps_id).collect();
            let names = self.names_and_ends(&ids).await?;
            let states = states_of(&self.read, &ids).await?;
            for row in rows {
                let Some((hostname, deleted_at)) = names.get(&row.vps_id) else { continue };
                let address = from_row(row.clone())?;
                let last_seen = deleted_at.filter(|_| address.present).unwrap_or(address.last_seen);
                found.entry(address.ip).or_default().push(OtherOwner {
                    first_seen: address.first_seen,
                    present: address.present && deleted_at.is_none(),
                    last_report: states.get(&row.vps_id).map(|seen| seen.at),
                    owner: PreviousOwner { vps_id: row.vps_id, hostname: hostname.clone(), last_seen },
                });
            }
        }
        Ok(found)
    }

    /// Hostnames, and when each of these machines was deleted, if it was.
    async fn names_and_ends(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, (String, Option<Timestamp>)>> {
        let mut found = HashMap::new();
        for chunk in ids.chunks(CHUNK) {
            let rows: Vec<(Uuid, String, String, Option<i64>, i64)> = vps::Entity::find()
                .select_only()
                .columns([
                    vps::Column::Id,
                    vps::Column::Hostname,
                    vps::Column::Status,
                    vps::Column::DeletedAt,
                    vps::Column::UpdatedAt,
                ])
                .filter(vps::Column::Id.is_in(chunk.iter().copied()))
                .into_tuple()
                .all(&self.read)
                .await?;
            found.extend(rows.into_iter().map(|(id, hostname, status, deleted_at, updated_at)| {
                let end = (status == Status::Deleted.name()).then(|| deleted_at.unwrap_or(updated_at));
                (id, (hostname, end.map(Timestamp::from_ms)))
            }));
        }
        Ok(found)
    }
}

impl Tx {
    /// The living machine that has that address now, if it is only one.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn only_owner(&self, ip: IpAddr) -> Result<Option<Uuid>> {
        let owners: Vec<Uuid> = vps_address::Entity::find()
            .select_only()
            .column(vps_address::Column::VpsId)
            .filter(vps_address::Column::Ip.eq(ip.to_string()))
            .filter(vps_address::Column::Present.eq(true))
            .filter(vps_address::Column::VpsId.in_subquery(living()))
            .limit(2)
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok(match *owners {
            [owner] => Some(owner),
            _ => None,
        })
    }
}

fn living() -> sea_orm::sea_query::SelectStatement {
    sea_orm::sea_query::Query::select()
        .column(vps::Column::Id)
        .from(vps::Entity)
        .and_where(vps::Column::Status.ne(Status::Deleted.name()))
        .to_owned()
}
