//! The current state of machines: written in batches, in id order, so that neighbours share pages.

use std::collections::HashMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, Iterable, QueryFilter};
use uuid::Uuid;

use super::entity::vps_state::{ActiveModel, Column, Entity, Model};
use super::report::number;
use super::vps::CHUNK;
use super::{Result, Tx, to_i64};
use crate::model::report::State;
use crate::model::time::Timestamp;
use crate::model::vps::Seen;

impl Tx {
    /// Stores when machines were last seen and how they were. The caller sorts by id.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_states(&self, states: &[(Uuid, Seen)]) -> Result<()> {
        let all_but_id = Column::iter().filter(|column| !matches!(column, Column::VpsId));
        let replace = OnConflict::column(Column::VpsId).update_columns(all_but_id).to_owned();
        for chunk in states.chunks(CHUNK) {
            let rows = chunk.iter().map(to_row);
            Entity::insert_many(rows)
                .on_conflict(replace.clone())
                .exec_without_returning(&self.inner)
                .await?;
        }
        Ok(())
    }
}

/// State of several machines.
pub(super) async fn states_of(database: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, Seen>> {
    let mut found = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find().filter(Column::VpsId.is_in(chunk.iter().copied())).all(database).await?;
        for row in rows {
            found.insert(row.vps_id, from_row(&row)?);
        }
    }
    Ok(found)
}

fn to_row((id, seen): &(Uuid, Seen)) -> ActiveModel {
    let state = seen.state;
    ActiveModel {
        vps_id: Set(*id),
        last_seen: Set(seen.at.ms()),
        load1: Set(state.load_avg.map(|[one, _, _]| one)),
        load5: Set(state.load_avg.map(|[_, five, _]| five)),
        load15: Set(state.load_avg.map(|[_, _, fifteen]| fifteen)),
        uptime_seconds: Set(state.uptime_seconds.map(to_i64)),
        ram_used_mb: Set(state.ram_used_mb.map(to_i64)),
        swap_used_mb: Set(state.swap_used_mb.map(to_i64)),
        disk_used_gb: Set(state.disk_used_gb),
    }
}

fn from_row(row: &Model) -> Result<Seen> {
    let load_avg = match (row.load1, row.load5, row.load15) {
        (Some(one), Some(five), Some(fifteen)) => Some([one, five, fifteen]),
        _ => None,
    };
    let state = State {
        load_avg,
        uptime_seconds: number(row.uptime_seconds)?,
        ram_used_mb: number(row.ram_used_mb)?,
        swap_used_mb: number(row.swap_used_mb)?,
        disk_used_gb: row.disk_used_gb,
    };
    Ok(Seen { at: Timestamp::from_ms(row.last_seen), state })
}
