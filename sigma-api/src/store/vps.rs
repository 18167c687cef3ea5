//! Inventory records: what registrations and flushes need of them.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::vps::{Column, Entity};
use super::{Result, StoreError, Tx, to_i64};
use crate::model::identity::{before_number, free_name};
use crate::model::time::Timestamp;
use crate::model::vps::Status;

/// As many ids as one statement names: one text for full chunks, so that it is prepared once.
pub(super) const CHUNK: usize = 100;

/// Of more names that are alike, a free one is sought instead of reading all of them.
const MAX_NAMES: u64 = 64;

impl Tx {
    /// Stores what its agent calls a machine, and what the record is called then.
    ///
    /// # Errors
    /// `Conflict` when another living record is called so.
    pub(crate) async fn rename_reported(
        &self,
        now: Timestamp,
        id: Uuid,
        reported: &str,
        hostname: &str,
    ) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::ReportedHostname, Expr::value(reported))
            .col_expr(Column::Hostname, Expr::value(hostname))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .col_expr(Column::UpdatedAt, Expr::value(now.ms()))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Stores which key speaks for a machine.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn bind_key(&self, id: Uuid, key: Uuid) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::AgentKeyId, Expr::value(key))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// A name for a living record that none but `except` has: `hostname`, or with a number. It is the first that is free,
    /// unless very many have that name.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn free_name(&self, hostname: &str, except: Option<Uuid>) -> Result<String> {
        let before = before_number(hostname);
        let living = Condition::all()
            .add(Column::Status.ne(Status::Deleted.name()))
            .add_option(except.map(|id| Column::Id.ne(id)));
        let names: Vec<String> = Entity::find()
            .select_only()
            .column(Column::Hostname)
            .filter(
                Condition::any()
                    .add(Column::Hostname.eq(hostname))
                    .add(Column::Hostname.starts_with(before.clone())),
            )
            .filter(living.clone())
            .limit(MAX_NAMES)
            .into_tuple()
            .all(&self.inner)
            .await?;
        if names.len() < usize::try_from(MAX_NAMES).unwrap_or(usize::MAX) {
            return Ok(free_name(hostname, &names.into_iter().collect()));
        }
        let name = |number: u64| if number < 2 { hostname.to_owned() } else { format!("{before}{number})") };
        let is_taken = async |number: u64| -> Result<bool> {
            let found = Entity::find().filter(Column::Hostname.eq(name(number))).filter(living.clone());
            Ok(found.one(&self.inner).await?.is_some())
        };
        // Between a number that is taken, or the first, and one that is free, another pair is half as far apart.
        let (mut taken, mut free) = (0, 1);
        while is_taken(free).await? {
            (taken, free) = (free, free.saturating_mul(2));
        }
        while free.saturating_sub(taken) > 1 {
            let between = taken.midpoint(free);
            if is_taken(between).await? {
                taken = between;
            } else {
                free = between;
            }
        }
        Ok(name(free))
    }

    /// Adds reports that were refused since the machine was deleted. If they are the first: what the record is called.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn add_refusals(&self, id: Uuid, count: u64, last: Timestamp) -> Result<Option<String>> {
        let row = Entity::find_by_id(id).one(&self.inner).await?;
        let Some(row) = row.filter(|row| row.status == Status::Deleted.name()) else { return Ok(None) };
        Entity::update_many()
            .col_expr(Column::RefusedReports, Expr::col(Column::RefusedReports).add(to_i64(count)))
            .col_expr(Column::RefusedAt, Expr::value(last.ms()))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok((row.refused_reports == 0).then_some(row.hostname))
    }

    /// Stores what a registration says of the record itself.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn update_enrolment(
        &self,
        now: Timestamp,
        id: Uuid,
        ssh_port: u16,
        alias: &str,
    ) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::SshPort, Expr::value(i32::from(ssh_port)))
            .col_expr(Column::Alias, Expr::value(alias))
            .col_expr(Column::Version, Expr::col(Column::Version).add(1))
            .col_expr(Column::UpdatedAt, Expr::value(now.ms()))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Notes that something beside the record's own members changed.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn touch_vps(&self, now: Timestamp, id: Uuid) -> Result<()> {
        Entity::update_many()
            .col_expr(Column::UpdatedAt, Expr::value(now.ms()))
            .filter(Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Status of those of `ids` that exist and can be read: one that cannot is nobody else's fault.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn statuses(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Status>> {
        let mut found = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let rows: Vec<(Uuid, String, String)> = Entity::find()
                .select_only()
                .columns([Column::Id, Column::Hostname, Column::Status])
                .filter(Column::Id.is_in(chunk.iter().copied()))
                .into_tuple()
                .all(&self.inner)
                .await?;
            for (id, hostname, status) in rows {
                match status_of(&status) {
                    Ok(status) => {
                        found.insert(id, status);
                    }
                    Err(error) => log::error!("beats of {hostname} ({id}) are not saved: {error}"),
                }
            }
        }
        Ok(found)
    }
}

pub(super) fn status_of(name: &str) -> Result<Status> {
    Status::from_name(name).ok_or_else(|| StoreError::damaged("status"))
}

pub(super) fn port_of(number: i32) -> Result<u16> {
    u16::try_from(number).map_err(|_| StoreError::damaged("port"))
}
