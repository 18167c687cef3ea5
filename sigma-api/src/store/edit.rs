//! Records as persons change them.

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{NotSet, Set},
    ColumnTrait, EntityTrait, Iterable, QueryFilter, QueryOrder, QuerySelect,
};
use uuid::Uuid;

use super::address::addresses_of;
use super::entity::vps::{ActiveModel, Column, Entity};
use super::entity::{provider, vps_report, vps_tag};
use super::list::{condition, readable, shown, tags_of};
use super::search::Context;
use super::vps::CHUNK;
use super::{Result, Tx, to_i64};
use crate::model::time::Timestamp;
use crate::model::vps::{Status, Vps};
use crate::model::vps_filter::VpsFilter;

/// Members that a person chose, and that agents leave alone from then on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Edited {
    pub(crate) hostname: bool,
    pub(crate) alias: bool,
    /// Whether it was said what the agent calls the machine. That is no choice: the agent says it once it reports.
    pub(crate) reported: bool,
}

/// A step over the line between living and deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Deleted now; the status before it is remembered.
    Ends(Status),
    /// Restored; reports that were refused meanwhile are counted anew.
    Begins,
}

/// A record, as far as changing it needs it: marks and what its agent measured are not read.
#[derive(Debug)]
pub(crate) struct Editable {
    pub(crate) vps: Vps,
    /// Whether an agent says something of it.
    pub(crate) has_reported: bool,
}

impl Tx {
    /// The records of these ids that exist, by id, without their addresses.
    ///
    /// # Errors
    /// As every read; a record that cannot be read must not be written either.
    pub(crate) async fn records(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Editable>> {
        let mut found = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let rows =
                Entity::find().filter(Column::Id.is_in(chunk.iter().copied())).all(&self.inner).await?;
            let mut tags = tags_of(&self.inner, chunk).await?;
            let reported: HashSet<Uuid> = vps_report::Entity::find()
                .select_only()
                .column(vps_report::Column::VpsId)
                .filter(vps_report::Column::VpsId.is_in(chunk.iter().copied()))
                .into_tuple()
                .all(&self.inner)
                .await?
                .into_iter()
                .collect();
            for row in rows {
                let id = row.id;
                let vps = readable(row, Vec::new(), tags.remove(&id).unwrap_or_default())?;
                found.insert(id, Editable { vps, has_reported: reported.contains(&id) });
            }
        }
        Ok(found)
    }

    /// As [`Tx::records`], with their addresses.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn records_with_addresses(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, Editable>> {
        let mut found = self.records(ids).await?;
        for (id, addresses) in addresses_of(&self.inner, ids).await? {
            if let Some(record) = found.get_mut(&id) {
                record.vps.ip_addresses = shown(addresses);
            }
        }
        Ok(found)
    }

    /// Ids of the records that `filter` lets through on all pages, at most `limit`.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn matching_ids(
        &self,
        now: Timestamp,
        filter: &VpsFilter,
        limit: u64,
    ) -> Result<Vec<Uuid>> {
        let context = Context::of(&self.inner, now, filter.q.as_ref()).await?;
        let ids = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(condition(&context, filter))
            .order_by_asc(Column::Id)
            .limit(limit);
        Ok(ids.into_tuple().all(&self.inner).await?)
    }

    /// The living record of that name.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn living_named(&self, hostname: &str) -> Result<Option<Uuid>> {
        let id = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Hostname.eq(hostname))
            .filter(Column::Status.ne(Status::Deleted.name()));
        Ok(id.into_tuple().one(&self.inner).await?)
    }

    /// The status that a deleted record had before, and the record that it was merged into.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn before_deletion(&self, id: Uuid) -> Result<(Option<Status>, Option<Uuid>)> {
        let found: Option<(Option<String>, Option<Uuid>)> = Entity::find_by_id(id)
            .select_only()
            .columns([Column::StatusBefore, Column::MergedInto])
            .into_tuple()
            .one(&self.inner)
            .await?;
        let (status, merged_into) = found.unwrap_or_default();
        let status = status.as_deref().and_then(Status::from_name);
        Ok((status.filter(|status| *status != Status::Deleted), merged_into))
    }

    /// Makes a record, with its tags. Addresses are stored by themselves.
    ///
    /// # Errors
    /// `Conflict` when a living record has the hostname.
    pub(crate) async fn insert_vps(
        &self,
        vps: &Vps,
        key: Option<Uuid>,
        edited: Edited,
        life: Option<Life>,
    ) -> Result<()> {
        let row = to_new_row(vps, key, edited, life);
        Entity::insert(row).exec_without_returning(&self.inner).await?;
        self.add_tags(vps.id, &vps.tags).await
    }

    async fn add_tags(&self, id: Uuid, tags: &[String]) -> Result<()> {
        if tags.is_empty() {
            return Ok(());
        }
        let rows = tags.iter().map(|tag| vps_tag::ActiveModel { vps_id: Set(id), tag: Set(tag.clone()) });
        vps_tag::Entity::insert_many(rows).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Whether a provider of that id exists.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn has_provider(&self, id: Uuid) -> Result<bool> {
        let found: Option<Uuid> = provider::Entity::find_by_id(id)
            .select_only()
            .column(provider::Column::Id)
            .into_tuple()
            .one(&self.inner)
            .await?;
        Ok(found.is_some())
    }
}

pub(super) fn to_new_row(vps: &Vps, key: Option<Uuid>, edited: Edited, life: Option<Life>) -> ActiveModel {
    ActiveModel {
        id: Set(vps.id),
        hostname_edited: Set(edited.hostname),
        alias_edited: Set(edited.alias),
        reported_hostname: Set(vps.reported_hostname.clone()),
        agent_key_id: Set(key),
        refused_reports: Set(0),
        created_at: Set(vps.created_at.ms()),
        ..to_row(vps, edited, life)
    }
}

/// What becomes other in a record by a change, but for its version.
pub(super) fn changed(before: &Vps, after: &Vps, edited: Edited, life: Option<Life>) -> ActiveModel {
    let before = to_row(before, Edited::default(), None);
    let mut row = to_row(after, edited, life);
    for column in Column::iter() {
        let is_same = row.get(column).into_value() == before.get(column).into_value();
        if is_same || matches!(column, Column::Version) {
            row.not_set(column);
        }
    }
    row
}

fn to_row(vps: &Vps, edited: Edited, life: Option<Life>) -> ActiveModel {
    let chosen = |chosen: bool| if chosen { Set(true) } else { NotSet };
    let vps = vps.clone();
    let row = ActiveModel {
        hostname: Set(vps.hostname),
        hostname_edited: chosen(edited.hostname),
        alias: Set(vps.alias),
        alias_edited: chosen(edited.alias),
        provider_id: Set(vps.provider_id),
        ssh_port: Set(i32::from(vps.ssh_port)),
        country: Set(vps.country),
        city: Set(vps.city),
        dc_name: Set(vps.dc_name),
        cpu_cores: Set(vps.cpu_cores.map(i64::from)),
        ram_mb: Set(vps.ram_mb.map(to_i64)),
        disk_gb: Set(vps.disk_gb.map(to_i64)),
        bandwidth_tb: Set(vps.bandwidth_tb),
        cost_monthly: Set(vps.cost_monthly),
        currency: Set(vps.currency),
        status: Set(vps.status.name().to_owned()),
        purchase_date: Set(vps.purchase_date),
        expire_date: Set(vps.expire_date),
        purpose: Set(vps.purpose),
        vpn_protocol: Set(vps.vpn_protocol),
        monitoring_enabled: Set(vps.monitoring_enabled),
        node_exporter_port: Set(i32::from(vps.node_exporter_port)),
        notes: Set(vps.notes),
        source: Set(vps.source),
        reported_hostname: if edited.reported { Set(vps.reported_hostname) } else { NotSet },
        version: Set(vps.version),
        updated_at: Set(vps.updated_at.ms()),
        ..<ActiveModel as Default>::default()
    };
    match life {
        None => row,
        Some(Life::Ends(status)) => ActiveModel {
            deleted_at: Set(Some(vps.updated_at.ms())),
            status_before: Set(Some(status.name().to_owned())),
            ..row
        },
        Some(Life::Begins) => ActiveModel {
            deleted_at: Set(None),
            status_before: Set(None),
            refused_reports: Set(0),
            refused_at: Set(None),
            ..row
        },
    }
}
