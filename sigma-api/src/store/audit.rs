//! The audit log: written in the transaction of the change itself, never changed afterwards.

use sea_orm::{ActiveValue::Set, EntityTrait};
use uuid::Uuid;

use super::entity::audit::{ActiveModel, Entity, Model};
use super::{Result, StoreError, Tx};
use crate::model::audit::{Actor, ActorKind, AuditEntry, Changes, Subject};
use crate::model::time::Timestamp;

impl Tx {
    /// Notes who did what.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn audit(
        &self,
        now: Timestamp,
        actor: &Actor,
        action: &str,
        subject: Subject,
        changes: &Changes,
    ) -> Result<()> {
        let row = ActiveModel {
            id: Set(Uuid::now_v7()),
            at: Set(now.ms()),
            actor_kind: Set(actor.kind.name().to_owned()),
            actor_id: Set(actor.id),
            actor_name: Set(actor.name.clone()),
            client_ip: Set(actor.client_ip.map(|ip| ip.to_string())),
            action: Set(action.to_owned()),
            subject_kind: Set(subject.kind),
            subject_id: Set(subject.id),
            subject_name: Set(subject.name),
            changes: Set(changes.to_text()),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }
}

pub(super) fn from_row(row: Model) -> Result<AuditEntry> {
    let ip = row.client_ip.map(|ip| ip.parse().map_err(|_| StoreError::damaged("address"))).transpose()?;
    let kind = ActorKind::from_name(&row.actor_kind).ok_or_else(|| StoreError::damaged("actor"))?;
    Ok(AuditEntry {
        id: row.id,
        at: Timestamp::from_ms(row.at),
        actor: Actor { kind, id: row.actor_id, name: row.actor_name, client_ip: ip },
        action: row.action,
        subject: Subject { kind: row.subject_kind, id: row.subject_id, name: row.subject_name },
        changes: Changes::from_text(&row.changes).ok_or_else(|| StoreError::damaged("audit line"))?,
    })
}
