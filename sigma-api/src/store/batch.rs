//! Records and lines of the audit log that are stored many at once: a statement costs far more than a row of it.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::address::{StoredAddress, to_row};
use super::audit::line;
use super::edit::{self, Edited, Life, to_new_row};
use super::entity::vps::Column;
use super::entity::{audit, vps, vps_address, vps_tag};
use super::vps::CHUNK;
use super::{Result, Tx};
use crate::model::audit::{Actor, Changes, Subject};
use crate::model::time::Timestamp;
use crate::model::vps::Vps;

/// What is yet to be stored.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    records: Vec<vps::ActiveModel>,
    changes: Vec<SameChange>,
    /// Records that have other tags than before.
    tagged: Vec<Uuid>,
    tags: Vec<vps_tag::ActiveModel>,
    addresses: Vec<vps_address::ActiveModel>,
    lines: Vec<audit::ActiveModel>,
}

/// With how many changes another is compared.
const COMPARED: usize = 16;

/// What becomes the same in several records.
#[derive(Debug)]
struct SameChange {
    becomes: vps::ActiveModel,
    ids: Vec<Uuid>,
}

impl Batch {
    /// Adds a new record that lives, with its tags and addresses.
    pub(crate) fn add_vps(&mut self, vps: &Vps, edited: Edited, addresses: &[StoredAddress]) {
        // Rows of one statement have the same columns: a record that is deleted already has more.
        self.records.push(to_new_row(vps, None, edited, None));
        self.tags.extend(tags_of(vps));
        self.addresses.extend(addresses.iter().map(|address| to_row(vps.id, address)));
    }

    /// Adds that a record becomes `after`, with its tags. Addresses are stored by themselves.
    pub(crate) fn change_vps(&mut self, before: &Vps, after: &Vps, edited: Edited, life: Option<Life>) {
        self.change(after.id, edit::changed(before, after, edited, life));
        if after.tags != before.tags {
            self.tagged.push(after.id);
            self.tags.extend(tags_of(after));
        }
    }

    /// Adds that a record is assigned to that provider.
    pub(crate) fn assign(&mut self, now: Timestamp, id: Uuid, provider: Uuid) {
        let (provider_id, updated_at) = (Set(Some(provider)), Set(now.ms()));
        self.change(id, vps::ActiveModel { provider_id, updated_at, ..Default::default() });
    }

    fn change(&mut self, id: Uuid, becomes: vps::ActiveModel) {
        // Where each becomes something else, looking through all of them would cost more than it saves.
        match self.changes.iter_mut().rev().take(COMPARED).find(|same| same.becomes == becomes) {
            Some(same) => same.ids.push(id),
            None => self.changes.push(SameChange { becomes, ids: vec![id] }),
        }
    }

    /// Adds a line of who did what.
    pub(crate) fn add_line(
        &mut self,
        now: Timestamp,
        actor: &Actor,
        action: &str,
        subject: Subject,
        changes: &Changes,
    ) {
        self.lines.push(line(now, actor, action, subject, changes));
    }
}

impl Tx {
    /// Stores all of it.
    ///
    /// # Errors
    /// `Conflict` when a living record has the hostname of another.
    pub(crate) async fn write(&self, batch: Batch) -> Result<()> {
        let Batch { records, changes, tagged, tags, addresses, lines } = batch;
        self.insert_all::<vps::Entity, _>(records).await?;
        for same in &changes {
            self.change_all(same).await?;
        }
        for chunk in tagged.chunks(CHUNK) {
            let of_these = vps_tag::Column::VpsId.is_in(chunk.iter().copied());
            vps_tag::Entity::delete_many().filter(of_these).exec(&self.inner).await?;
        }
        self.insert_all::<vps_tag::Entity, _>(tags).await?;
        self.insert_all::<vps_address::Entity, _>(addresses).await?;
        self.insert_all::<audit::Entity, _>(lines).await
    }

    async fn change_all(&self, SameChange { becomes, ids }: &SameChange) -> Result<()> {
        for chunk in ids.chunks(CHUNK) {
            vps::Entity::update_many()
                .set(becomes.clone())
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .exec(&self.inner)
                .await?;
        }
        Ok(())
    }

    async fn insert_all<E, A>(&self, rows: Vec<A>) -> Result<()>
    where
        E: EntityTrait,
        A: sea_orm::ActiveModelTrait<Entity = E>,
    {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            let some: Vec<A> = rows.by_ref().take(CHUNK).collect();
            E::insert_many(some).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }
}

fn tags_of(vps: &Vps) -> impl Iterator<Item = vps_tag::ActiveModel> {
    vps.tags.iter().map(|tag| vps_tag::ActiveModel { vps_id: Set(vps.id), tag: Set(tag.clone()) })
}
