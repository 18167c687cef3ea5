//! What deserves a look by a person.

use std::collections::{HashMap, HashSet};

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter,
    QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::vps;
use super::entity::vps_mark::{ActiveModel, Column, Entity};
use super::vps::CHUNK;
use super::{Result, StoreError, Tx};
use crate::model::mark::{Mark, MarkKind, Resolution};
use crate::model::time::Timestamp;
use crate::model::vps::Status;

/// Open marks of a record with others.
const MAX_OPEN: u64 = 16;

/// What became of a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Marked {
    /// It was made.
    Yes,
    /// It was made, and is the last until one is settled.
    Last,
    /// It is there, or a person said that the two are two, or there are too many.
    No,
}

impl Tx {
    /// Marks a record, unless it has the same open mark, or a person said that the two are two, or it has so many open ones
    /// that more would tell nobody anything.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn mark(
        &self,
        now: Timestamp,
        id: Uuid,
        kind: MarkKind,
        other: Option<Uuid>,
    ) -> Result<Marked> {
        let settled = Condition::any()
            .add(Column::ResolvedAt.is_null().and(Column::Kind.eq(kind.name())))
            .add(Column::Resolution.eq(Resolution::Distinct.name()).and(Column::OtherId.is_not_null()));
        let same = other.map_or_else(|| Column::OtherId.is_null(), |other| Column::OtherId.eq(other));
        let known = Entity::find().filter(Column::VpsId.eq(id)).filter(same).filter(settled);
        if known.one(&self.inner).await?.is_some() {
            return Ok(Marked::No);
        }
        let open = Entity::find().filter(Column::VpsId.eq(id)).filter(Column::ResolvedAt.is_null());
        // What a machine has by itself is one of each kind.
        let open = if other.is_some() { open.count(&self.inner).await? } else { 0 };
        if open >= MAX_OPEN {
            return Ok(Marked::No);
        }
        let row = ActiveModel {
            id: Set(Uuid::now_v7()),
            vps_id: Set(id),
            kind: Set(kind.name().to_owned()),
            other_id: Set(other),
            detail: Set(kind.detail().to_owned()),
            since: Set(now.ms()),
            resolved_at: Set(None),
            resolution: Set(None),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(if open.saturating_add(1) >= MAX_OPEN { Marked::Last } else { Marked::Yes })
    }

    /// Settles the open conflicts and clones of a machine, on both sides: with one other, or with all. How many pairs
    /// there were.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn resolve_marks_of(
        &self,
        now: Timestamp,
        id: Uuid,
        other: Option<Uuid>,
        resolution: Resolution,
    ) -> Result<u64> {
        let pair = |one: Column, two: Column| {
            let with = other.map(|other| two.eq(other));
            Condition::all().add(one.eq(id)).add(two.is_not_null()).add_option(with)
        };
        let here = self.resolve(now, pair(Column::VpsId, Column::OtherId), resolution).await?;
        let there = self.resolve(now, pair(Column::OtherId, Column::VpsId), resolution).await?;
        Ok(std::cmp::max(here, there))
    }

    /// Settles the open marks of that kind that a machine has by itself. Whether there was one.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn resolve_own(
        &self,
        now: Timestamp,
        id: Uuid,
        kind: MarkKind,
        resolution: Resolution,
    ) -> Result<bool> {
        let own = Column::OtherId.is_null().and(Column::Kind.eq(kind.name()));
        let which = Condition::all().add(Column::VpsId.eq(id)).add(own);
        Ok(self.resolve(now, which, resolution).await? > 0)
    }

    async fn resolve(&self, now: Timestamp, which: Condition, resolution: Resolution) -> Result<u64> {
        let done = Entity::update_many()
            .col_expr(Column::ResolvedAt, Expr::value(now.ms()))
            .col_expr(Column::Resolution, Expr::value(resolution.name()))
            .filter(Column::ResolvedAt.is_null())
            .filter(which)
            .exec(&self.inner)
            .await?;
        Ok(done.rows_affected)
    }

    /// Whether the two were ever marked as one thing or the other.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn were_marked(&self, id: Uuid, other: Uuid) -> Result<bool> {
        let pair = Entity::find().filter(Column::VpsId.eq(id)).filter(Column::OtherId.eq(other));
        Ok(pair.one(&self.inner).await?.is_some())
    }
}

/// Open marks of several machines. One with a machine that is deleted is none, unless that is restored.
pub(super) async fn marks_of(
    database: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<Mark>>> {
    let mut found: HashMap<Uuid, Vec<Mark>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find()
            .filter(Column::VpsId.is_in(chunk.iter().copied()))
            .filter(Column::ResolvedAt.is_null())
            .order_by_asc(Column::Id)
            .all(database)
            .await?;
        let others: HashSet<Uuid> = rows.iter().filter_map(|row| row.other_id).collect();
        let others = living_names(database, others.into_iter().collect()).await?;
        for row in rows {
            let other_hostname = row.other_id.and_then(|id| others.get(&id).cloned());
            if row.other_id.is_some() && other_hostname.is_none() {
                continue;
            }
            let kind = MarkKind::from_name(&row.kind).ok_or_else(|| StoreError::damaged("mark"))?;
            let since = Timestamp::from_ms(row.since);
            let mark = Mark { kind, other_id: row.other_id, other_hostname, detail: row.detail, since };
            found.entry(row.vps_id).or_default().push(mark);
        }
    }
    Ok(found)
}

async fn living_names(database: &impl ConnectionTrait, ids: Vec<Uuid>) -> Result<HashMap<Uuid, String>> {
    let mut names = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows: Vec<(Uuid, String)> = vps::Entity::find()
            .select_only()
            .columns([vps::Column::Id, vps::Column::Hostname])
            .filter(vps::Column::Id.is_in(chunk.iter().copied()))
            .filter(vps::Column::Status.ne(Status::Deleted.name()))
            .into_tuple()
            .all(database)
            .await?;
        names.extend(rows);
    }
    Ok(names)
}
