//! Small answers about all of the fleet at once.

use sea_orm::{ColumnTrait, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationDef};
use uuid::Uuid;

use super::entity::{vps, vps_report, vps_state};
use super::{Result, Store};
use crate::model::time::Timestamp;
use crate::model::vps::Status;

/// What tells whether a machine is there.
#[derive(Debug, Clone)]
pub(crate) struct Beating {
    pub(crate) id: Uuid,
    pub(crate) last_seen: Option<Timestamp>,
    pub(crate) interval_seconds: Option<i64>,
}

impl Store {
    /// All living machines.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn beating(&self) -> Result<Vec<Beating>> {
        let to_state: RelationDef = vps::Entity::belongs_to(vps_state::Entity)
            .from(vps::Column::Id)
            .to(vps_state::Column::VpsId)
            .into();
        let to_report: RelationDef = vps::Entity::belongs_to(vps_report::Entity)
            .from(vps::Column::Id)
            .to(vps_report::Column::VpsId)
            .into();
        let rows: Vec<(Uuid, Option<i64>, Option<i64>)> = vps::Entity::find()
            .select_only()
            .column(vps::Column::Id)
            .column(vps_state::Column::LastSeen)
            .column(vps_report::Column::IntervalSeconds)
            .join(JoinType::LeftJoin, to_state)
            .join(JoinType::LeftJoin, to_report)
            .filter(vps::Column::Status.ne(Status::Deleted.name()))
            .into_tuple()
            .all(&self.read)
            .await?;
        let beating = rows.into_iter().map(|(id, last_seen, interval_seconds)| Beating {
            id,
            last_seen: last_seen.map(Timestamp::from_ms),
            interval_seconds,
        });
        Ok(beating.collect())
    }
}
