//! Two records of one machine, made one: the history of the other moves over, and it is deleted.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, Condition, EntityTrait, IntoActiveModel, QueryFilter,
    QueryOrder,
};
use uuid::Uuid;

use super::entity::{
    audit, vps, vps_address, vps_face, vps_gap, vps_mark, vps_previous_key, vps_report, vps_state, vps_tag,
};
use super::{Result, Tx};
use crate::model::audit::Changes;
use crate::model::mark::Resolution;
use crate::model::time::Timestamp;
use crate::model::vps::Status;

/// Which record stays, which one goes, and which of them was heard last.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Merge {
    pub(crate) stays: Uuid,
    pub(crate) goes: Uuid,
    pub(crate) latest: Uuid,
}

impl Tx {
    /// Makes two records one. What the machine is now comes from the one that was heard last. What the record that stays
    /// took over of what a person said of the other.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn merge(&self, now: Timestamp, merge: Merge) -> Result<Changes> {
        vps_previous_key::Entity::delete_by_id(merge.goes).exec(&self.inner).await?;
        self.merge_addresses(now, merge).await?;
        self.merge_faces(merge).await?;
        self.merge_reports(merge).await?;
        self.merge_gaps(merge).await?;
        self.merge_tags(merge).await?;
        self.merge_marks(merge).await?;
        audit::Entity::update_many()
            .col_expr(audit::Column::SubjectId, Expr::value(merge.stays))
            .filter(audit::Column::SubjectId.eq(merge.goes))
            .exec(&self.inner)
            .await?;
        self.merge_records(now, merge).await
    }

    async fn merge_records(&self, now: Timestamp, merge: Merge) -> Result<Changes> {
        let stays = vps::Entity::find_by_id(merge.stays).one(&self.inner).await?;
        let goes = vps::Entity::find_by_id(merge.goes).one(&self.inner).await?;
        let (Some(stays), Some(goes)) = (stays, goes) else {
            return Ok(Changes::default());
        };
        let mut gone = goes.clone().into_active_model();
        gone.status = Set(Status::Deleted.name().to_owned());
        gone.status_before = Set(Some(goes.status.clone()));
        gone.deleted_at = Set(Some(now.ms()));
        gone.merged_into = Set(Some(merge.stays));
        gone.reported_hostname = Set(None);
        gone.agent_key_id = Set(None);
        gone.version = Set(goes.version.saturating_add(1));
        gone.updated_at = Set(now.ms());
        gone.update(&self.inner).await?;
        let completed = completed(&stays, &goes);
        let changes = taken_over(&stays, &completed);
        let mut kept = completed.into_active_model().reset_all();
        if merge.latest == merge.goes {
            kept.reported_hostname = Set(goes.reported_hostname);
            kept.agent_key_id = Set(goes.agent_key_id);
            kept.ssh_port = Set(goes.ssh_port);
        }
        kept.version = Set(stays.version.saturating_add(1));
        kept.updated_at = Set(now.ms());
        kept.update(&self.inner).await?;
        Ok(changes)
    }

    async fn merge_addresses(&self, now: Timestamp, merge: Merge) -> Result<()> {
        use vps_address::{Column, Entity, Model};
        let both = [merge.stays, merge.goes];
        let mut rows = Entity::find().filter(Column::VpsId.is_in(both)).all(&self.inner).await?;
        // What a person said of the record that stays wins.
        rows.sort_by_key(|row| row.vps_id != merge.stays);
        let mut merged: BTreeMap<String, Model> = BTreeMap::new();
        for mut row in rows {
            let is_latest = row.vps_id == merge.latest;
            if row.present && !is_latest {
                row.present = false;
                row.last_seen = now.ms();
            }
            row.vps_id = merge.stays;
            match merged.get_mut(&row.ip) {
                Some(known) => {
                    known.first_seen = known.first_seen.min(row.first_seen);
                    known.last_seen = known.last_seen.max(row.last_seen);
                    known.present |= row.present;
                    known.operator_label = known.operator_label.take().or(row.operator_label);
                    if is_latest {
                        known.label = row.label;
                    }
                }
                None => {
                    merged.insert(row.ip.clone(), row);
                }
            }
        }
        Entity::delete_many().filter(Column::VpsId.is_in(both)).exec(&self.inner).await?;
        for row in merged.into_values() {
            Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }

    async fn merge_faces(&self, merge: Merge) -> Result<()> {
        use vps_face::{Column, Entity, Model};
        let both = [merge.stays, merge.goes];
        let rows = Entity::find().filter(Column::VpsId.is_in(both)).all(&self.inner).await?;
        let mut merged: BTreeMap<[String; 3], Model> = BTreeMap::new();
        for mut row in rows {
            row.is_current &= row.vps_id == merge.latest;
            row.vps_id = merge.stays;
            let face = [row.hostname.clone(), row.machine_id.clone(), row.boot_id.clone()];
            let known = merged.entry(face).or_insert_with(|| row.clone());
            known.first_seen = known.first_seen.min(row.first_seen);
            known.last_seen = known.last_seen.max(row.last_seen);
            known.is_current |= row.is_current;
        }
        Entity::delete_many().filter(Column::VpsId.is_in(both)).exec(&self.inner).await?;
        for row in merged.into_values() {
            Entity::insert(row.into_active_model().reset_all()).exec_without_returning(&self.inner).await?;
        }
        self.forget_former_faces(merge.stays).await
    }

    async fn merge_reports(&self, merge: Merge) -> Result<()> {
        if merge.latest == merge.stays {
            return Ok(());
        }
        vps_report::Entity::delete_by_id(merge.stays).exec(&self.inner).await?;
        vps_report::Entity::update_many()
            .col_expr(vps_report::Column::VpsId, Expr::value(merge.stays))
            .filter(vps_report::Column::VpsId.eq(merge.goes))
            .exec(&self.inner)
            .await?;
        vps_state::Entity::delete_by_id(merge.stays).exec(&self.inner).await?;
        vps_state::Entity::update_many()
            .col_expr(vps_state::Column::VpsId, Expr::value(merge.stays))
            .filter(vps_state::Column::VpsId.eq(merge.goes))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    async fn merge_gaps(&self, merge: Merge) -> Result<()> {
        use vps_gap::{Column, Entity};
        let rows = Entity::find().filter(Column::VpsId.eq(merge.goes)).all(&self.inner).await?;
        Entity::delete_many().filter(Column::VpsId.eq(merge.goes)).exec(&self.inner).await?;
        let known = OnConflict::columns([Column::VpsId, Column::FromAt]).do_nothing().to_owned();
        for mut row in rows {
            row.vps_id = merge.stays;
            let row = row.into_active_model().reset_all();
            Entity::insert(row).on_conflict(known.clone()).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }

    async fn merge_tags(&self, merge: Merge) -> Result<()> {
        use vps_tag::{ActiveModel, Column, Entity};
        let both = [merge.stays, merge.goes];
        let rows = Entity::find().filter(Column::VpsId.is_in(both)).all(&self.inner).await?;
        let has: BTreeSet<&str> =
            rows.iter().filter(|row| row.vps_id == merge.stays).map(|row| row.tag.as_str()).collect();
        for row in rows.iter().filter(|row| !has.contains(row.tag.as_str())) {
            let row = ActiveModel { vps_id: Set(merge.stays), tag: Set(row.tag.clone()) };
            Entity::insert(row).exec_without_returning(&self.inner).await?;
        }
        Ok(())
    }

    /// Marks with third machines go over; what was between the two is over.
    async fn merge_marks(&self, merge: Merge) -> Result<()> {
        use vps_mark::{Column, Entity};
        for column in [Column::VpsId, Column::OtherId] {
            Entity::update_many()
                .col_expr(column, Expr::value(merge.stays))
                .filter(column.eq(merge.goes))
                .exec(&self.inner)
                .await?;
        }
        Entity::delete_many()
            .filter(Column::VpsId.eq(merge.stays))
            .filter(Column::OtherId.eq(merge.stays))
            .exec(&self.inner)
            .await?;
        // Pairs that a person called two are not asked about again, nor is a pair asked about twice.
        let of_both =
            Condition::any().add(Column::VpsId.eq(merge.stays)).add(Column::OtherId.eq(merge.stays));
        let rows = Entity::find().filter(of_both).order_by_asc(Column::Id).all(&self.inner).await?;
        let is_distinct =
            |row: &vps_mark::Model| row.resolution.as_deref() == Some(Resolution::Distinct.name());
        let distinct: BTreeSet<_> =
            rows.iter().filter(|r| is_distinct(r)).map(|r| (r.vps_id, r.other_id)).collect();
        let mut open = BTreeSet::new();
        for row in rows.iter().filter(|row| row.resolved_at.is_none()) {
            let is_settled = row.other_id.is_some() && distinct.contains(&(row.vps_id, row.other_id));
            if is_settled || !open.insert((row.vps_id, row.other_id, row.kind.as_str())) {
                Entity::delete_by_id(row.id).exec(&self.inner).await?;
            }
        }
        Ok(())
    }
}

/// What is other in a record that was completed.
fn taken_over(before: &vps::Model, after: &vps::Model) -> Changes {
    let mut changes = Changes::default();
    changes.note("alias", &before.alias, &after.alias);
    changes.note("provider_id", &before.provider_id, &after.provider_id);
    changes.note("country", &before.country, &after.country);
    changes.note("city", &before.city, &after.city);
    changes.note("dc_name", &before.dc_name, &after.dc_name);
    changes.note("cpu_cores", &before.cpu_cores, &after.cpu_cores);
    changes.note("ram_mb", &before.ram_mb, &after.ram_mb);
    changes.note("disk_gb", &before.disk_gb, &after.disk_gb);
    changes.note("bandwidth_tb", &before.bandwidth_tb, &after.bandwidth_tb);
    changes.note("cost_monthly", &before.cost_monthly, &after.cost_monthly);
    changes.note("currency", &before.currency, &after.currency);
    changes.note("purchase_date", &before.purchase_date, &after.purchase_date);
    changes.note("expire_date", &before.expire_date, &after.expire_date);
    changes.note("purpose", &before.purpose, &after.purpose);
    changes.note("vpn_protocol", &before.vpn_protocol, &after.vpn_protocol);
    changes.note("notes", &before.notes, &after.notes);
    changes
}

/// The record that stays, with what a person said of the other one where it says nothing.
fn completed(stays: &vps::Model, goes: &vps::Model) -> vps::Model {
    let text = |one: &String, other: &String| if one.is_empty() { other.clone() } else { one.clone() };
    vps::Model {
        alias: text(&stays.alias, &goes.alias),
        alias_edited: if stays.alias.is_empty() { goes.alias_edited } else { stays.alias_edited },
        provider_id: stays.provider_id.or(goes.provider_id),
        country: text(&stays.country, &goes.country),
        city: text(&stays.city, &goes.city),
        dc_name: text(&stays.dc_name, &goes.dc_name),
        cpu_cores: stays.cpu_cores.or(goes.cpu_cores),
        ram_mb: stays.ram_mb.or(goes.ram_mb),
        disk_gb: stays.disk_gb.or(goes.disk_gb),
        bandwidth_tb: stays.bandwidth_tb.or(goes.bandwidth_tb),
        // A price means nothing without its currency.
        cost_monthly: stays.cost_monthly.clone().or_else(|| goes.cost_monthly.clone()),
        currency: if stays.cost_monthly.is_none() && goes.cost_monthly.is_some() {
            goes.currency.clone()
        } else {
            text(&stays.currency, &goes.currency)
        },
        purchase_date: stays.purchase_date.clone().or_else(|| goes.purchase_date.clone()),
        expire_date: stays.expire_date.clone().or_else(|| goes.expire_date.clone()),
        purpose: text(&stays.purpose, &goes.purpose),
        vpn_protocol: text(&stays.vpn_protocol, &goes.vpn_protocol),
        notes: text(&stays.notes, &goes.notes),
        created_at: stays.created_at.min(goes.created_at),
        ..stays.clone()
    }
}
