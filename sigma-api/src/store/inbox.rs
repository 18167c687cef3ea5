//! Who waits for a person. What is counted and what is listed are the same conditions.

use std::collections::HashMap;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, IntoCondition, Query, SelectStatement};
use sea_orm::{ColumnTrait, Condition, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::vps::{Column, Entity};
use super::entity::{vps_mark, vps_state};
use super::list::{Stored, in_service, whole, with_parts};
use super::search::{among, flagged, marked, present};
use super::sort::sorted;
use super::vps::CHUNK;
use super::{Result, Store};
use crate::model::inbox::{Moment, Why};
use crate::model::mark::MarkKind;
use crate::model::presence::Presence;
use crate::model::search::Flag;
use crate::model::time::Timestamp;
use crate::model::vps::Status;
use crate::model::vps_filter::{Sort, SortBy};

/// An open mark: its record, the other one, and since when.
type Marked = (Uuid, Option<Uuid>, i64);

impl Store {
    /// How many machines wait for any reason.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_waiting(&self, moment: Moment) -> Result<u64> {
        let without_provider = in_use().add(Column::ProviderId.is_null());
        // What marks there are is asked once for all kinds.
        let marks = in_use().add(among(marked()));
        let others =
            [Why::LessThanBought, Why::SilentButPaid, Why::AliveAfterExpiry, Why::DeletedButReporting];
        let waiting = others
            .into_iter()
            .fold(Condition::any().add(without_provider).add(marks), |any, why| any.add(waits(moment, why)));
        Ok(Entity::find().filter(waiting).count(&self.read).await?)
    }

    /// The first machines that wait for that reason, and how many there are.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn waiting(&self, moment: Moment, why: Why, limit: u64) -> Result<(Vec<Stored>, u64)> {
        let waiting = Entity::find().filter(waits(moment, why));
        let by = match why {
            Why::SilentButPaid => SortBy::LastSeen,
            Why::AliveAfterExpiry => SortBy::ExpireDate,
            _ => SortBy::Hostname,
        };
        let sort = Sort { by, is_descending: false };
        let total = waiting.clone().count(&self.read).await?;
        let rows = sorted(waiting, moment.now, sort).limit(limit).all(&self.read).await?;
        Ok((whole(with_parts(&self.read, rows).await?), total))
    }

    /// The first pairs with an open mark of that kind, the oldest first, and how many there are. Each is there once.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn waiting_pairs(
        &self,
        kind: MarkKind,
        limit: u64,
    ) -> Result<(Vec<(Uuid, Option<Uuid>, Timestamp)>, u64)> {
        let pairs = vps_mark::Entity::find().filter(pairs(kind));
        let total = pairs.clone().count(&self.read).await?;
        let first: Vec<Marked> = pairs
            .select_only()
            .columns([vps_mark::Column::VpsId, vps_mark::Column::OtherId, vps_mark::Column::Since])
            .order_by_asc(vps_mark::Column::Since)
            .order_by_asc(vps_mark::Column::Id)
            .limit(limit)
            .into_tuple()
            .all(&self.read)
            .await?;
        let pair = |(one, other, since)| (one, other, Timestamp::from_ms(since));
        Ok((first.into_iter().map(pair).collect(), total))
    }

    /// The records of these ids that can be read, by id.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn records(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Stored>> {
        let mut found = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let rows = Entity::find().filter(Column::Id.is_in(chunk.iter().copied())).all(&self.read).await?;
            let records = whole(with_parts(&self.read, rows).await?);
            found.extend(records.into_iter().map(|stored| (stored.vps.id, stored)));
        }
        Ok(found)
    }
}

fn in_use() -> Condition {
    Condition::all().add(in_service())
}

fn waits(moment: Moment, why: Why) -> Condition {
    match why {
        Why::Reinstalled => in_use().add(flagged(Flag::Reinstalled)),
        Why::Rekeyed => in_use().add(flagged(Flag::Rekeyed)),
        Why::LessThanBought => in_use().add(flagged(Flag::LessThanBought)),
        Why::SilentButPaid => Condition::all()
            .add(Column::Status.eq(Status::Active.name()))
            .add(paid(moment.now))
            .add(among(silent_since(moment.silent_since))),
        Why::AliveAfterExpiry => in_use()
            .add(Column::ExpireDate.is_not_null())
            .add(Column::ExpireDate.lt(moment.now.day_plus(0)))
            .add(present(moment.now, Presence::Online)),
        Why::DeletedButReporting => Condition::all()
            .add(Column::Status.eq(Status::Deleted.name()))
            .add(Column::MergedInto.is_null())
            .add(Column::RefusedReports.gt(0))
            .add(Column::RefusedAt.gte(moment.refused_since.ms())),
    }
}

/// Its term goes on, or it has a price and no end.
fn paid(now: Timestamp) -> Condition {
    let has_price = Column::CostMonthly.into_expr().cast_as("DECIMAL").gt(0);
    Condition::any()
        .add(Column::ExpireDate.gte(now.day_plus(0)))
        .add(Column::ExpireDate.is_null().and(Column::CostMonthly.is_not_null()).and(has_price))
}

fn silent_since(since: Timestamp) -> SelectStatement {
    Query::select()
        .column(vps_state::Column::VpsId)
        .from(vps_state::Entity)
        .and_where(vps_state::Column::LastSeen.lt(since.ms()))
        .take()
}

/// Open marks of that kind, one of each pair: of two marks that say the same, that of the smaller id.
fn pairs(kind: MarkKind) -> Condition {
    let ids = |which: Condition| Query::select().column(Column::Id).from(Entity).cond_where(which).take();
    let back = Alias::new("back");
    let of_back = |column: vps_mark::Column| Expr::col((back.clone(), column));
    let said_back = Query::select()
        .expr(Expr::value(1))
        .from_as(vps_mark::Entity, back.clone())
        .and_where(of_back(vps_mark::Column::VpsId).equals((vps_mark::Entity, vps_mark::Column::OtherId)))
        .and_where(of_back(vps_mark::Column::OtherId).equals((vps_mark::Entity, vps_mark::Column::VpsId)))
        .and_where(of_back(vps_mark::Column::Kind).eq(kind.name()))
        .and_where(of_back(vps_mark::Column::ResolvedAt).is_null())
        .and_where(of_back(vps_mark::Column::VpsId).in_subquery(ids(in_use())))
        .take();
    let is_first = Expr::col((vps_mark::Entity, vps_mark::Column::VpsId))
        .lt(Expr::col((vps_mark::Entity, vps_mark::Column::OtherId)));
    let living = Column::Status.ne(Status::Deleted.name()).into_condition();
    Condition::all()
        .add(vps_mark::Column::Kind.eq(kind.name()))
        .add(vps_mark::Column::ResolvedAt.is_null())
        .add(vps_mark::Column::VpsId.in_subquery(ids(in_use())))
        .add(
            Condition::any()
                .add(vps_mark::Column::OtherId.is_null())
                .add(vps_mark::Column::OtherId.in_subquery(ids(living))),
        )
        .add(
            Condition::any()
                .add(vps_mark::Column::OtherId.is_null())
                .add(is_first)
                .add(Expr::exists(said_back).not()),
        )
}
