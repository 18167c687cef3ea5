//! The faces under which machines reported: one that each has, and the latest of those that it had.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
};
use uuid::Uuid;

use super::entity::vps_face::{ActiveModel, Column, Entity, Model};
use super::vps::CHUNK;
use super::{Result, Store, Tx};
use crate::model::identity::Face;
use crate::model::time::Timestamp;

/// Former faces of a machine that are kept.
const MAX_FORMER: usize = 16;

/// A face of a machine, as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StoredFace {
    pub(crate) face: Face,
    pub(crate) first_seen: Timestamp,
    /// Of a former face: when it was last seen. The one of today is as old as the last report.
    pub(crate) last_seen: Timestamp,
    pub(crate) is_current: bool,
}

impl Store {
    /// The faces of a machine, the one of today first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn faces(&self, id: Uuid) -> Result<Vec<StoredFace>> {
        Ok(faces_of(&self.read, &[id]).await?.remove(&id).unwrap_or_default())
    }
}

impl Tx {
    /// Stores that a machine has this face now; `heard` is when it was last heard under the one before.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_face(
        &self,
        now: Timestamp,
        heard: Option<Timestamp>,
        id: Uuid,
        face: &Face,
    ) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::IsCurrent, Expr::value(false))
            .col_expr(Column::LastSeen, Expr::value(heard.unwrap_or(now).ms()))
            .filter(Column::VpsId.eq(id))
            .filter(Column::IsCurrent.eq(true))
            .exec(&self.inner)
            .await?;
        let row = ActiveModel {
            vps_id: Set(id),
            hostname: Set(face.hostname.clone()),
            machine_id: Set(text_of(&face.machine_id).to_owned()),
            boot_id: Set(text_of(&face.boot_id).to_owned()),
            first_seen: Set(now.ms()),
            last_seen: Set(now.ms()),
            is_current: Set(true),
        };
        // One that comes back keeps its beginning.
        let key = [Column::VpsId, Column::Hostname, Column::MachineId, Column::BootId];
        let back = OnConflict::columns(key).update_columns([Column::LastSeen, Column::IsCurrent]).to_owned();
        Entity::insert(row).on_conflict(back).exec_without_returning(&self.inner).await?;
        self.forget_former_faces(id).await
    }

    /// Forgets the former faces that are too many, the longest unseen first.
    ///
    /// # Errors
    /// As every write.
    pub(super) async fn forget_former_faces(&self, id: Uuid) -> Result<()> {
        let faces = faces_of(&self.inner, &[id]).await?.remove(&id).unwrap_or_default();
        for old in faces.iter().filter(|known| !known.is_current).skip(MAX_FORMER) {
            let which = Condition::all()
                .add(Column::VpsId.eq(id))
                .add(Column::Hostname.eq(old.face.hostname.as_str()))
                .add(Column::MachineId.eq(text_of(&old.face.machine_id)))
                .add(Column::BootId.eq(text_of(&old.face.boot_id)));
            Entity::delete_many().filter(which).exec(&self.inner).await?;
        }
        Ok(())
    }
}

/// Faces of several machines, those of today first, then the latest.
pub(super) async fn faces_of(
    database: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<StoredFace>>> {
    let mut found: HashMap<Uuid, Vec<StoredFace>> = HashMap::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let rows = Entity::find()
            .filter(Column::VpsId.is_in(chunk.iter().copied()))
            .order_by_desc(Column::IsCurrent)
            .order_by_desc(Column::LastSeen)
            .order_by_desc(Column::FirstSeen)
            .order_by_asc(Column::BootId)
            .all(database)
            .await?;
        for row in rows {
            found.entry(row.vps_id).or_default().push(from_row(row));
        }
    }
    Ok(found)
}

/// A column of a key cannot be null.
pub(super) fn text_of(evidence: &Option<String>) -> &str {
    evidence.as_deref().unwrap_or_default()
}

fn from_row(row: Model) -> StoredFace {
    let evidence = |text: String| Some(text).filter(|text| !text.is_empty());
    StoredFace {
        face: Face {
            hostname: row.hostname,
            machine_id: evidence(row.machine_id),
            boot_id: evidence(row.boot_id),
        },
        first_seen: Timestamp::from_ms(row.first_seen),
        last_seen: Timestamp::from_ms(row.last_seen),
        is_current: row.is_current,
    }
}
