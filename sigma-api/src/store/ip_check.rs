//! Checks of addresses from outside: the newest of each series.

use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};

use super::entity::ip_check::{ActiveModel, Column, Entity, Model};
use super::{Result, Store, StoreError, Tx};
use crate::model::ip_check::{IpCheck, IpCheckFilter};
use crate::model::time::Timestamp;

/// Checks that are kept of one address, source and kind.
const KEPT: u64 = 200;

impl Store {
    /// One page of the checks that `filter` lets through, the newest first, and how many there are in all.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn ip_checks(&self, filter: &IpCheckFilter) -> Result<(Vec<IpCheck>, u64)> {
        let matching = Entity::find().filter(
            Condition::all()
                .add_option(filter.ip.map(|ip| Column::Ip.eq(ip.to_string())))
                .add_option(filter.vps_id.map(|id| Column::VpsId.eq(id)))
                .add_option(filter.source.as_ref().map(|source| Column::Source.eq(source.as_str())))
                .add_option(filter.success.map(|success| Column::Success.eq(success))),
        );
        let total = matching.clone().count(&self.read).await?;
        let rows = matching
            .order_by_desc(Column::CheckedAt)
            .order_by_desc(Column::Id)
            .offset(filter.paging.offset())
            .limit(filter.paging.per_page)
            .all(&self.read)
            .await?;
        Ok((rows.into_iter().map(from_row).collect::<Result<_>>()?, total))
    }
}

impl Tx {
    /// Keeps a check, and forgets the oldest of its series when there are too many.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn insert_ip_check(&self, check: &IpCheck) -> Result<()> {
        let row = ActiveModel {
            id: Set(check.id),
            ip: Set(check.ip.to_string()),
            vps_id: Set(check.vps_id),
            check_type: Set(check.check_type.clone()),
            source: Set(check.source.clone()),
            success: Set(check.success),
            latency_ms: Set(check.latency_ms),
            checked_at: Set(check.checked_at.ms()),
            message: Set(check.message.clone()),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        let series = Condition::all()
            .add(Column::Ip.eq(check.ip.to_string()))
            .add(Column::Source.eq(check.source.as_str()))
            .add(Column::CheckType.eq(check.check_type.as_str()));
        let too_many = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(series)
            .order_by(Column::CheckedAt, Order::Desc)
            .order_by(Column::Id, Order::Desc)
            .offset(KEPT)
            // SQLite knows no OFFSET without a LIMIT.
            .limit(i64::MAX.unsigned_abs())
            .to_owned();
        Entity::delete_many().filter(Column::Id.in_subquery(too_many)).exec(&self.inner).await?;
        Ok(())
    }
}

fn from_row(row: Model) -> Result<IpCheck> {
    Ok(IpCheck {
        id: row.id,
        ip: row.ip.parse().map_err(|_| StoreError::damaged("address"))?,
        vps_id: row.vps_id,
        check_type: row.check_type,
        source: row.source,
        success: row.success,
        latency_ms: row.latency_ms,
        checked_at: Timestamp::from_ms(row.checked_at),
        message: row.message,
    })
}
