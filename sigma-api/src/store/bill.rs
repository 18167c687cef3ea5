//! What providers bill: costs of machines in use, and when these expire.

use std::collections::HashMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, Query, SelectStatement, WindowStatement};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::vps::{Column, Entity};
use super::list::in_service;
use super::vps::CHUNK;
use super::{Result, Store};
use crate::model::time::Timestamp;

/// Machines of a provider that cost the same.
#[derive(Debug)]
pub(crate) struct SameCost {
    pub(crate) provider_id: Option<Uuid>,
    pub(crate) currency: String,
    pub(crate) cost: Option<String>,
    pub(crate) machines: u64,
}

/// A machine that expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expiring {
    pub(crate) id: Uuid,
    pub(crate) hostname: String,
    /// `YYYY-MM-DD`.
    pub(crate) day: String,
}

impl Store {
    /// What machines in use cost, those together that cost the same at the same provider. Amounts are texts: a database
    /// that added them up would round.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn costs(&self) -> Result<Vec<SameCost>> {
        let rows: Vec<(Option<Uuid>, String, Option<String>, i64)> = Entity::find()
            .select_only()
            .columns([Column::ProviderId, Column::Currency, Column::CostMonthly])
            .column_as(Column::Id.count(), "machines")
            .filter(in_service())
            .group_by(Column::ProviderId)
            .group_by(Column::Currency)
            .group_by(Column::CostMonthly)
            .into_tuple()
            .all(&self.read)
            .await?;
        let of_row = |(provider_id, currency, cost, machines)| SameCost {
            provider_id,
            currency,
            cost,
            machines: u64::try_from(machines).unwrap_or(0),
        };
        Ok(rows.into_iter().map(of_row).collect())
    }

    /// The machines in use of each of these providers that expire next, from today on: at most `most` of each.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn next_expiries(
        &self,
        now: Timestamp,
        providers: &[Uuid],
        most: u64,
    ) -> Result<HashMap<Uuid, Vec<Expiring>>> {
        let mut next: HashMap<Uuid, Vec<Expiring>> = HashMap::new();
        for chunk in providers.chunks(CHUNK) {
            for row in self.read.query_all(&first_of_each(now, chunk, most)).await? {
                let provider: Uuid = row.try_get_by_index(0)?;
                next.entry(provider).or_default().push(Expiring {
                    id: row.try_get_by_index(1)?,
                    hostname: row.try_get_by_index(2)?,
                    day: row.try_get_by_index(3)?,
                });
            }
        }
        Ok(next)
    }

    /// How many machines in use each of these providers has whose day is over.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_past(&self, now: Timestamp, providers: &[Uuid]) -> Result<HashMap<Uuid, u64>> {
        let mut past = HashMap::new();
        for chunk in providers.chunks(CHUNK) {
            let rows: Vec<(Uuid, i64)> = Entity::find()
                .select_only()
                .column(Column::ProviderId)
                .column_as(Column::Id.count(), "machines")
                .filter(Column::ProviderId.is_in(chunk.iter().copied()))
                .filter(in_service())
                .filter(Column::ExpireDate.lt(now.day_plus(0)))
                .group_by(Column::ProviderId)
                .into_tuple()
                .all(&self.read)
                .await?;
            past.extend(rows.into_iter().map(|(id, count)| (id, u64::try_from(count).unwrap_or(0))));
        }
        Ok(past)
    }
}

/// Provider, id, name and day of those that expire first of each provider.
fn first_of_each(now: Timestamp, providers: &[Uuid], most: u64) -> SelectStatement {
    let (place, next) = (Alias::new("place"), Alias::new("next"));
    let mut in_turn = WindowStatement::partition_by(Column::ProviderId);
    in_turn
        .order_by(Column::ExpireDate, Order::Asc)
        .order_by(Column::Hostname, Order::Asc)
        .order_by(Column::Id, Order::Asc);
    let numbered = Query::select()
        .columns([Column::ProviderId, Column::Id, Column::Hostname, Column::ExpireDate])
        .expr_window_as(Expr::expr(Func::cust("ROW_NUMBER")), in_turn, place.clone())
        .from(Entity)
        .and_where(Column::ProviderId.is_in(providers.iter().copied()))
        .and_where(in_service())
        .and_where(Column::ExpireDate.gte(now.day_plus(0)))
        .take();
    Query::select()
        .columns([Column::ProviderId, Column::Id, Column::Hostname, Column::ExpireDate])
        .from_subquery(numbered, next)
        .and_where(Expr::col(place.clone()).lte(most))
        .order_by(Column::ProviderId, Order::Asc)
        .order_by(place, Order::Asc)
        .take()
}
