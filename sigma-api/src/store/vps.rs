//! Inventory records: what registrations and flushes need of them.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, Order, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::entity::vps::{ActiveModel, Column, Entity};
use super::{Result, Store, StoreError, Tx};
use crate::model::time::Timestamp;
use crate::model::vps::{NODE_EXPORTER_PORT, Status};

/// As many ids as one statement names: one text for full chunks, so that it is prepared once.
pub(super) const CHUNK: usize = 100;

/// What is known of a machine when it reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) id: Uuid,
    pub(crate) status: Status,
    pub(crate) ssh_port: u16,
    pub(crate) alias: String,
    /// Whether a person chose the alias.
    pub(crate) alias_edited: bool,
}

/// A record that an agent's registration makes.
#[derive(Debug, Clone)]
pub(crate) struct NewVps {
    pub(crate) id: Uuid,
    pub(crate) hostname: String,
    pub(crate) alias: String,
    pub(crate) ssh_port: u16,
    pub(crate) source: &'static str,
}

impl Store {
    /// Whether a record of that hostname lives.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn is_known(&self, hostname: &str) -> Result<bool> {
        let known = find_by_hostname(&self.read, hostname).await?;
        Ok(known.is_some_and(|known| known.status != Status::Deleted))
    }
}

impl Tx {
    /// The record of that hostname: the living one, or else the one that was deleted last.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn find_by_hostname(&self, hostname: &str) -> Result<Option<Known>> {
        find_by_hostname(&self.inner, hostname).await
    }

    /// Makes a record.
    ///
    /// # Errors
    /// `Conflict` when the hostname lives already.
    pub(crate) async fn insert_vps(&self, now: Timestamp, new: NewVps) -> Result<()> {
        let empty = || Set(String::new());
        let row = ActiveModel {
            id: Set(new.id),
            reported_hostname: Set((new.source == "agent").then(|| new.hostname.clone())),
            hostname_edited: Set(false),
            agent_key_id: Set(None),
            deleted_at: Set(None),
            status_before: Set(None),
            refused_reports: Set(0),
            refused_at: Set(None),
            hostname: Set(new.hostname),
            alias: Set(new.alias),
            alias_edited: Set(false),
            provider_id: Set(None),
            ssh_port: Set(i32::from(new.ssh_port)),
            country: empty(),
            city: empty(),
            dc_name: empty(),
            cpu_cores: Set(None),
            ram_mb: Set(None),
            disk_gb: Set(None),
            bandwidth_tb: Set(None),
            cost_monthly: Set(None),
            currency: empty(),
            status: Set(Status::Active.name().to_owned()),
            purchase_date: Set(None),
            expire_date: Set(None),
            purpose: empty(),
            vpn_protocol: empty(),
            monitoring_enabled: Set(true),
            node_exporter_port: Set(i32::from(NODE_EXPORTER_PORT)),
            notes: empty(),
            source: Set(new.source.to_owned()),
            version: Set(1),
            created_at: Set(now.ms()),
            updated_at: Set(now.ms()),
        };
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
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

    /// Hostname and status of those of `ids` that exist and can be read: one that cannot is nobody else's fault.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn names_and_statuses(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, (String, Status)>> {
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
                        found.insert(id, (hostname, status));
                    }
                    Err(error) => log::error!("beats of {hostname} ({id}) are not saved: {error}"),
                }
            }
        }
        Ok(found)
    }
}

async fn find_by_hostname(database: &impl ConnectionTrait, hostname: &str) -> Result<Option<Known>> {
    let row: Option<(Uuid, String, i32, String, bool)> = Entity::find()
        .select_only()
        .columns([Column::Id, Column::Status, Column::SshPort, Column::Alias, Column::AliasEdited])
        .filter(Column::Hostname.eq(hostname))
        .order_by(Column::Status.eq(Status::Deleted.name()), Order::Asc)
        .order_by(Column::Id, Order::Desc)
        .into_tuple()
        .one(database)
        .await?;
    let Some((id, status, ssh_port, alias, alias_edited)) = row else { return Ok(None) };
    Ok(Some(Known { id, status: status_of(&status)?, ssh_port: port_of(ssh_port)?, alias, alias_edited }))
}

pub(super) fn status_of(name: &str) -> Result<Status> {
    Status::from_name(name).ok_or_else(|| StoreError::damaged("status"))
}

pub(super) fn port_of(number: i32) -> Result<u16> {
    u16::try_from(number).map_err(|_| StoreError::damaged("port"))
}
