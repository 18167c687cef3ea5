//! Silences of machines that are over.

use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;

use super::entity::vps_gap::{ActiveModel, Column, Entity};
use super::entity::vps_state;
use super::{Result, Store, Tx};
use crate::model::presence::Gap;
use crate::model::time::Timestamp;

/// Silences of a machine that are kept, the latest.
const MAX_GAPS: u64 = 500;

impl Store {
    /// The silences of a machine that ended after `since`, the latest first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn gaps(&self, id: Uuid, since: Timestamp) -> Result<Vec<Gap>> {
        let rows = Entity::find()
            .filter(Column::VpsId.eq(id))
            .filter(Column::UntilAt.gt(since.ms()))
            .order_by_desc(Column::FromAt)
            .all(&self.read)
            .await?;
        let gap = |row: super::entity::vps_gap::Model| Gap {
            from: Timestamp::from_ms(row.from_at),
            until: Some(Timestamp::from_ms(row.until_at)),
        };
        Ok(rows.into_iter().map(gap).collect())
    }

    /// When any machine was last heard, as far as the database knows.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn last_heard(&self) -> Result<Option<Timestamp>> {
        let last: Option<Option<i64>> = vps_state::Entity::find()
            .select_only()
            .column_as(vps_state::Column::LastSeen.max(), "last")
            .into_tuple()
            .one(&self.read)
            .await?;
        Ok(last.flatten().map(Timestamp::from_ms))
    }
}

impl Tx {
    /// Stores a silence that is over, and forgets the oldest when there are too many.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_gap(&self, id: Uuid, from: Timestamp, until: Timestamp) -> Result<()> {
        let row = ActiveModel { vps_id: Set(id), from_at: Set(from.ms()), until_at: Set(until.ms()) };
        let longer =
            OnConflict::columns([Column::VpsId, Column::FromAt]).update_column(Column::UntilAt).to_owned();
        Entity::insert(row).on_conflict(longer).exec_without_returning(&self.inner).await?;
        let too_many = Query::select()
            .column(Column::FromAt)
            .from(Entity)
            .and_where(Column::VpsId.eq(id))
            .order_by(Column::FromAt, Order::Desc)
            .offset(MAX_GAPS)
            // SQLite knows no OFFSET without a LIMIT.
            .limit(i64::MAX.unsigned_abs())
            .to_owned();
        let old =
            Entity::delete_many().filter(Column::VpsId.eq(id)).filter(Column::FromAt.in_subquery(too_many));
        old.exec(&self.inner).await?;
        Ok(())
    }
}
