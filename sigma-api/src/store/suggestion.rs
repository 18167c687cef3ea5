//! What suggestions are made from, and what accepting one writes.

use std::collections::HashMap;
use std::net::IpAddr;

use sea_orm::sea_query::{Expr, ExprTrait, Func, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sigma_protocol::LABEL_INTERNAL;
use uuid::Uuid;

use super::entity::{provider, vps, vps_address, vps_report};
use super::vps::{CHUNK, status_of};
use super::{Result, Store, StoreError, Tx};
use crate::model::suggestion::Traits;
use crate::model::vps::Status;

/// How many there are, the sum of their versions, and when one was last changed.
type Digest = (i64, Option<i64>, Option<i64>);

/// What changes whenever an assigned machine or a provider does, or nearly so: see [`Store::assigned_state`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AssignedState {
    machines: Digest,
    providers: Digest,
}

/// A machine that a suggestion is to be accepted for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Assignable {
    pub(crate) id: Uuid,
    pub(crate) status: Status,
    pub(crate) provider_id: Option<Uuid>,
    pub(crate) traits: Traits,
}

impl Store {
    /// What is equal as long as nothing changed that suggestions are made from. DMI strings that change alone, as they
    /// hardly ever do, are not seen by it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn assigned_state(&self) -> Result<AssignedState> {
        let machines = vps::Entity::find()
            .select_only()
            .column_as(vps::Column::Id.count(), "machines")
            .column_as(total(vps::Column::Version), "versions")
            .column_as(vps::Column::UpdatedAt.max(), "changed")
            .filter(assigned())
            .into_tuple()
            .one(&self.read)
            .await?;
        let providers = provider::Entity::find()
            .select_only()
            .column_as(provider::Column::Id.count(), "providers")
            .column_as(total(provider::Column::Version), "versions")
            .column_as(provider::Column::UpdatedAt.max(), "changed")
            .into_tuple()
            .one(&self.read)
            .await?;
        Ok(AssignedState { machines: machines.unwrap_or_default(), providers: providers.unwrap_or_default() })
    }

    /// Living machines that have a provider, with it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn assigned_machines(&self) -> Result<Vec<(Uuid, Traits)>> {
        let machines = assignables(&self.read, assigned()).await?;
        let with_provider = |machine: Assignable| Some((machine.provider_id?, machine.traits));
        Ok(machines.into_iter().filter_map(with_provider).collect())
    }

    /// Machines in use, neither deleted nor retired, that have no provider, by hostname.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn unassigned_machines(&self) -> Result<Vec<(Uuid, Traits)>> {
        let machines = assignables(&self.read, unassigned()).await?;
        Ok(machines.into_iter().map(|machine| (machine.id, machine.traits)).collect())
    }
}

impl Tx {
    /// Those of `ids` that exist, deleted or not; without `ids`, all machines in use that have no provider.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn assignables(&self, ids: Option<&[Uuid]>) -> Result<Vec<Assignable>> {
        let Some(ids) = ids else { return assignables(&self.inner, unassigned()).await };
        let mut found = Vec::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let these = Condition::all().add(vps::Column::Id.is_in(chunk.iter().copied()));
            found.extend(assignables(&self.inner, these).await?);
        }
        Ok(found)
    }
}

/// A sum as a number that is no larger than what it sums up: PostgreSQL makes another type of it.
fn total(column: impl ColumnTrait) -> Expr {
    column.sum().cast_as("BIGINT")
}

fn assigned() -> Condition {
    Condition::all()
        .add(vps::Column::ProviderId.is_not_null())
        .add(vps::Column::Status.ne(Status::Deleted.name()))
}

fn unassigned() -> Condition {
    Condition::all()
        .add(vps::Column::ProviderId.is_null())
        .add(vps::Column::Status.is_not_in([Status::Deleted.name(), Status::Retired.name()]))
}

/// The machines of that condition, by hostname, in three reads however many they are.
async fn assignables(database: &impl ConnectionTrait, condition: Condition) -> Result<Vec<Assignable>> {
    let ids =
        Query::select().column(vps::Column::Id).from(vps::Entity).cond_where(condition.clone()).to_owned();
    let mut addresses = addresses(database, ids.clone()).await?;
    let mut traits = dmi(database, ids).await?;
    let rows: Vec<(Uuid, String, String, Option<Uuid>)> = vps::Entity::find()
        .select_only()
        .columns([vps::Column::Id, vps::Column::Hostname, vps::Column::Status, vps::Column::ProviderId])
        .filter(condition)
        .order_by_asc(vps::Column::Hostname)
        .order_by_asc(vps::Column::Id)
        .into_tuple()
        .all(database)
        .await?;
    let assignable = |(id, hostname, status, provider_id): (Uuid, String, String, Option<Uuid>)| {
        let addresses = addresses.remove(&id).unwrap_or_default();
        let traits = Traits { hostname, addresses, ..traits.remove(&id).unwrap_or_default() };
        Ok(Assignable { id, status: status_of(&status)?, provider_id, traits })
    };
    rows.into_iter().map(assignable).collect()
}

async fn addresses(
    database: &impl ConnectionTrait,
    of: SelectStatement,
) -> Result<HashMap<Uuid, Vec<IpAddr>>> {
    let label = Func::coalesce([
        Expr::col(vps_address::Column::OperatorLabel),
        Expr::col(vps_address::Column::Label),
    ]);
    let rows: Vec<(Uuid, String)> = vps_address::Entity::find()
        .select_only()
        .columns([vps_address::Column::VpsId, vps_address::Column::Ip])
        .filter(vps_address::Column::VpsId.in_subquery(of))
        .filter(vps_address::Column::Present.eq(true))
        .filter(Expr::expr(label).ne(LABEL_INTERNAL))
        .order_by_asc(vps_address::Column::SortKey)
        .into_tuple()
        .all(database)
        .await?;
    let mut found: HashMap<Uuid, Vec<IpAddr>> = HashMap::new();
    for (id, ip) in rows {
        let ip = ip.parse().map_err(|_| StoreError::damaged("address"))?;
        found.entry(id).or_default().push(ip);
    }
    Ok(found)
}

async fn dmi(database: &impl ConnectionTrait, of: SelectStatement) -> Result<HashMap<Uuid, Traits>> {
    use vps_report::Column;
    type Row = (Uuid, Option<String>, Option<String>, Option<String>, Option<String>);
    let rows: Vec<Row> = vps_report::Entity::find()
        .select_only()
        .columns([Column::VpsId, Column::Virtualization, Column::Vendor, Column::Product, Column::AssetTag])
        .filter(Column::VpsId.in_subquery(of))
        .into_tuple()
        .all(database)
        .await?;
    let traits = |(id, virtualization, vendor, product, asset_tag): Row| {
        (id, Traits { virtualization, vendor, product, asset_tag, ..Traits::default() })
    };
    Ok(rows.into_iter().map(traits).collect())
}
