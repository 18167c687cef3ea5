//! Small answers about all of the fleet at once.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, JoinType, QueryFilter, QuerySelect, RelationDef, Select};
use uuid::Uuid;

use super::entity::{vps, vps_report, vps_state};
use super::search::judged;
use super::{Result, Store, StoreError};
use crate::model::presence::{Presence, Presences};
use crate::model::time::Timestamp;
use crate::model::vps::Status;

/// What the presence of a machine is called in a query.
const PRESENCE: &str = "presence";

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
        let rows: Vec<(Uuid, Option<i64>, Option<i64>)> = living()
            .column(vps::Column::Id)
            .column(vps_state::Column::LastSeen)
            .column(vps_report::Column::IntervalSeconds)
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

    /// How many living machines there are of each presence, by whether they are retired: of a provider, or of all.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_by_presence(
        &self,
        now: Timestamp,
        provider: Option<Uuid>,
    ) -> Result<Presences> {
        let of_provider = provider.map(|id| vps::Column::ProviderId.eq(id));
        let rows: Vec<(String, i32, i64)> = living()
            .filter(Condition::all().add_option(of_provider))
            .column(vps::Column::Status)
            .column_as(judged(now), PRESENCE)
            .column_as(Expr::col((vps::Entity, vps::Column::Id)).count(), "machines")
            .group_by(vps::Column::Status)
            .group_by(Expr::col(PRESENCE))
            .into_tuple()
            .all(&self.read)
            .await?;
        let mut counted = Presences::default();
        for (status, presence, machines) in rows {
            let presence = usize::try_from(presence).ok().and_then(|place| Presence::ALL.get(place));
            let presence = *presence.ok_or_else(|| StoreError::damaged("presence"))?;
            let is_retired = status == Status::Retired.name();
            counted.add(is_retired, presence, u64::try_from(machines).unwrap_or(0));
        }
        Ok(counted)
    }
}

/// Living machines beside what is stored of their last report.
fn living() -> Select<vps::Entity> {
    let to_state: RelationDef =
        vps::Entity::belongs_to(vps_state::Entity).from(vps::Column::Id).to(vps_state::Column::VpsId).into();
    let to_report: RelationDef = vps::Entity::belongs_to(vps_report::Entity)
        .from(vps::Column::Id)
        .to(vps_report::Column::VpsId)
        .into();
    vps::Entity::find()
        .select_only()
        .join(JoinType::LeftJoin, to_state)
        .join(JoinType::LeftJoin, to_report)
        .filter(vps::Column::Status.ne(Status::Deleted.name()))
}
