//! The audit log: written in the transaction of the change itself, never changed afterwards.

use sea_orm::sea_query::Query;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, Condition, EntityTrait, Order, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::audit::{ActiveModel, Column, Entity, Model};
use super::search::same;
use super::{Result, Store, StoreError, Tx};
use crate::model::audit::{Actor, ActorKind, AuditEntry, AuditFilter, Changes, Subject};
use crate::model::time::Timestamp;

/// Lines of each kind that are kept of what a machine's reports did: those of its measurements, which come again and again,
/// and those of who it is, which they must not push out.
const MAX_REPORT_LINES: u64 = 500;
/// What a machine measures.
const MEASURED: [&str; 2] = ["vps.addresses", "vps.facts"];
/// What a report says of who the machine is.
const TOLD: [&str; 9] = [
    "vps.register",
    "vps.enrol",
    "vps.key",
    "vps.reinstall",
    "vps.return",
    "vps.rename",
    "vps.conflict",
    "vps.clone",
    "vps.rekeyed",
];

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
        let row = line(now, actor, action, subject, changes);
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// The lines of a bulk change after the line `after`, in their order, at most `limit`.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn bulk_lines(
        &self,
        bulk: Uuid,
        after: Option<Uuid>,
        limit: u64,
    ) -> Result<Vec<AuditEntry>> {
        let later = after.map(|id| Column::Id.gt(id));
        let lines = Entity::find()
            .filter(Condition::all().add(Column::BulkId.eq(bulk)).add_option(later))
            .order_by_asc(Column::Id)
            .limit(limit);
        lines.all(&self.inner).await?.into_iter().map(from_row).collect()
    }

    /// The lines about providers of a bulk change, in their order.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn bulk_lines_of_providers(&self, bulk: Uuid) -> Result<Vec<AuditEntry>> {
        let lines = Entity::find()
            .filter(Column::BulkId.eq(bulk))
            .filter(Column::SubjectKind.eq("provider"))
            .order_by_asc(Column::Id);
        lines.all(&self.inner).await?.into_iter().map(from_row).collect()
    }

    /// The lines about these records after the line `after`, in their order, but for those of the bulk changes `but` and of
    /// what agents measure.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn later_lines(
        &self,
        subjects: &[Uuid],
        after: Uuid,
        but: [Uuid; 2],
    ) -> Result<Vec<AuditEntry>> {
        let of_others = Condition::any().add(Column::BulkId.is_null()).add(Column::BulkId.is_not_in(but));
        let lines = Entity::find()
            .filter(Column::SubjectId.is_in(subjects.iter().copied()))
            .filter(Column::Id.gt(after))
            .filter(Column::Action.is_not_in(MEASURED))
            .filter(of_others)
            .order_by_asc(Column::Id);
        lines.all(&self.inner).await?.into_iter().map(from_row).collect()
    }

    /// Who changed that record last.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn last_audit(&self, subject_id: Uuid) -> Result<Option<AuditEntry>> {
        let newest = Entity::find().filter(Column::SubjectId.eq(subject_id)).order_by_desc(Column::Id);
        newest.one(&self.inner).await?.map(from_row).transpose()
    }
}

impl Store {
    /// One page of the lines that `filter` lets through, the newest first, and how many there are in all.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn audit_lines(&self, filter: &AuditFilter) -> Result<(Vec<AuditEntry>, u64)> {
        let acted = |actor: &String| {
            let by_id = actor.parse::<Uuid>().ok().map(|id| Column::ActorId.eq(id));
            Condition::any().add(Column::ActorName.eq(actor.as_str())).add_option(by_id)
        };
        let matching = Entity::find().filter(
            Condition::all()
                .add_option(filter.bulk.map(|id| Column::BulkId.eq(id)))
                .add_option(filter.subject_id.map(|id| Column::SubjectId.eq(id)))
                .add_option(filter.subject.as_ref().map(|name| same(Column::SubjectName, name)))
                .add_option(filter.actor.as_ref().map(acted))
                .add_option(filter.action.as_ref().map(|action| Column::Action.eq(action.as_str()))),
        );
        let total = matching.clone().count(&self.read).await?;
        // Ids of this kind sort as the times when they were made.
        let rows = matching
            .order_by_desc(Column::Id)
            .offset(filter.paging.offset())
            .limit(filter.paging.per_page)
            .all(&self.read)
            .await?;
        Ok((rows.into_iter().map(from_row).collect::<Result<_>>()?, total))
    }
}

impl Tx {
    /// Notes what a machine's report did, whoever's key it came with; of such lines the latest are kept.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn audit_agent(
        &self,
        now: Timestamp,
        actor: &Actor,
        action: &str,
        subject: Subject,
        changes: &Changes,
    ) -> Result<()> {
        let kind = if MEASURED.contains(&action) { MEASURED.as_slice() } else { TOLD.as_slice() };
        let of_reports = Condition::all()
            .add(Column::SubjectId.eq(subject.id))
            .add(Column::Action.is_in(kind.iter().copied()));
        self.audit(now, actor, action, subject, changes).await?;
        let too_many = Query::select()
            .column(Column::Id)
            .from(Entity)
            .cond_where(of_reports.clone())
            .order_by(Column::Id, Order::Desc)
            .offset(MAX_REPORT_LINES)
            // SQLite knows no OFFSET without a LIMIT.
            .limit(i64::MAX.unsigned_abs())
            .to_owned();
        let old = Entity::delete_many().filter(of_reports).filter(Column::Id.in_subquery(too_many));
        old.exec(&self.inner).await?;
        Ok(())
    }
}

/// A line of who did what, as it is stored.
pub(super) fn line(
    now: Timestamp,
    actor: &Actor,
    action: &str,
    subject: Subject,
    changes: &Changes,
) -> ActiveModel {
    ActiveModel {
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
        bulk_id: Set(changes.bulk()),
    }
}

fn from_row(row: Model) -> Result<AuditEntry> {
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
