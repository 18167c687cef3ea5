//! New records and lines of the audit log that are stored many at once: a statement costs far more than a row of it.

use sea_orm::{ActiveValue::Set, EntityTrait};

use super::address::{StoredAddress, to_row};
use super::audit::line;
use super::edit::{Edited, to_new_row};
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
    tags: Vec<vps_tag::ActiveModel>,
    addresses: Vec<vps_address::ActiveModel>,
    lines: Vec<audit::ActiveModel>,
}

impl Batch {
    /// Adds a new record that lives, with its tags and addresses.
    pub(crate) fn add_vps(&mut self, vps: &Vps, edited: Edited, addresses: &[StoredAddress]) {
        // Rows of one statement have the same columns: a record that is deleted already has more.
        self.records.push(to_new_row(vps, None, edited, None));
        let tag = |tag: &String| vps_tag::ActiveModel { vps_id: Set(vps.id), tag: Set(tag.clone()) };
        self.tags.extend(vps.tags.iter().map(tag));
        self.addresses.extend(addresses.iter().map(|address| to_row(vps.id, address)));
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
    /// `Conflict` when a living record has the hostname of a new one.
    pub(crate) async fn write(&self, batch: Batch) -> Result<()> {
        let Batch { records, tags, addresses, lines } = batch;
        self.insert_all::<vps::Entity, _>(records).await?;
        self.insert_all::<vps_tag::Entity, _>(tags).await?;
        self.insert_all::<vps_address::Entity, _>(addresses).await?;
        self.insert_all::<audit::Entity, _>(lines).await
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
