//! Reading records whole: one, or a page of those that a filter lets through.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use sigma_protocol::Address;
use uuid::Uuid;

use super::address::{StoredAddress, addresses_of};
use super::entity::vps::{Column, Entity, Model};
use super::entity::vps_tag;
use super::mark::marks_of;
use super::report::{facts_of, number};
use super::search::{self, Context};
use super::sort::sorted;
use super::state::states_of;
use super::vps::{CHUNK, port_of, status_of};
use super::{Result, Store, StoreError};
use crate::model::mark::flags_of;
use crate::model::presence::Presence;
use crate::model::report::Facts;
use crate::model::time::Timestamp;
use crate::model::vps::{Extra, Seen, Status, Vps};
use crate::model::vps_filter::VpsFilter;

/// A record with what is stored beside it. Its presence is not yet judged.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) vps: Vps,
    pub(crate) facts: Option<Facts>,
    pub(crate) seen: Option<Seen>,
}

impl Store {
    /// The record of that id, deleted or not.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn vps(&self, id: Uuid) -> Result<Option<Stored>> {
        let row = Entity::find_by_id(id).one(&self.read).await?;
        with_parts(&self.read, row.into_iter().collect()).await?.pop().transpose()
    }

    /// One page of the records that `filter` lets through, by hostname, and how many there are in all.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn list_vps(&self, now: Timestamp, filter: &VpsFilter) -> Result<(Vec<Stored>, u64)> {
        let context = Context::of(&self.read, now, filter.q.as_ref()).await?;
        let matching = Entity::find().filter(condition(&context, filter));
        let total = matching.clone().count(&self.read).await?;
        let rows = sorted(matching, now, filter.sort)
            .offset(filter.page.saturating_sub(1).saturating_mul(filter.per_page))
            .limit(filter.per_page)
            .all(&self.read)
            .await?;
        Ok((whole(with_parts(&self.read, rows).await?), total))
    }

    /// How many records `filter` lets through.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn count_vps(&self, now: Timestamp, filter: &VpsFilter) -> Result<u64> {
        let context = Context::of(&self.read, now, filter.q.as_ref()).await?;
        Ok(Entity::find().filter(condition(&context, filter)).count(&self.read).await?)
    }

    /// All the records that `filter` lets through, whatever page it says.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn all_vps(&self, now: Timestamp, filter: &VpsFilter) -> Result<Vec<Stored>> {
        let context = Context::of(&self.read, now, filter.q.as_ref()).await?;
        let matching = Entity::find().filter(condition(&context, filter));
        let rows = sorted(matching, now, filter.sort).all(&self.read).await?;
        Ok(whole(with_parts(&self.read, rows).await?))
    }

    /// Living records that a key speaks for, those that came last first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn vps_of_key(&self, key: Uuid, most: u64) -> Result<Vec<Stored>> {
        let rows = Entity::find()
            .filter(Column::AgentKeyId.eq(key))
            .filter(Column::Status.ne(Status::Deleted.name()))
            .order_by_desc(Column::CreatedAt)
            .order_by_desc(Column::Id)
            .limit(most)
            .all(&self.read)
            .await?;
        Ok(whole(with_parts(&self.read, rows).await?))
    }

    /// Machines in service that expire within `days` or have expired, the first first.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn expiring(&self, now: Timestamp, days: u32, limit: u64) -> Result<Vec<Stored>> {
        let filter = VpsFilter { expiring_within_days: Some(days), ..VpsFilter::default() };
        let rows = Entity::find()
            .filter(condition(&Context::at(now), &filter))
            .order_by_asc(Column::ExpireDate)
            .order_by_asc(Column::Hostname)
            .limit(limit)
            .all(&self.read)
            .await?;
        Ok(whole(with_parts(&self.read, rows).await?))
    }
}

/// Records with what is stored beside them, each or why it cannot be read.
pub(super) async fn with_parts(
    database: &impl ConnectionTrait,
    rows: Vec<Model>,
) -> Result<Vec<Result<Stored>>> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut addresses = addresses_of(database, &ids).await?;
    let mut tags = tags_of(database, &ids).await?;
    let mut facts = facts_of(database, &ids).await?;
    let mut states = states_of(database, &ids).await?;
    let mut marks = marks_of(database, &ids).await?;
    let with_parts = rows.into_iter().map(|row| {
        let id = row.id;
        let addresses = addresses.remove(&id).unwrap_or_default();
        let mut vps = readable(row, shown(addresses), tags.remove(&id).unwrap_or_default())?;
        vps.marks = marks.remove(&id).unwrap_or_default();
        vps.flags = flags_of(&vps.marks);
        Ok(Stored { vps, facts: facts.remove(&id), seen: states.remove(&id) })
    });
    Ok(with_parts.collect())
}

/// The records of a list that can be read: one that cannot must not hide the others.
pub(super) fn whole(records: Vec<Result<Stored>>) -> Vec<Stored> {
    let read = |record: Result<Stored>| {
        record.inspect_err(|error| log::error!("a machine is left out of a list: {error}")).ok()
    };
    records.into_iter().filter_map(read).collect()
}

/// What a filter lets through.
pub(super) fn condition(context: &Context, filter: &VpsFilter) -> Condition {
    let now = context.now;
    let living = (!filter.shows_deleted()).then(|| Column::Status.ne(Status::Deleted.name()));
    let with_tag = |tag: &String| {
        let tagged = Query::select()
            .column(vps_tag::Column::VpsId)
            .from(vps_tag::Entity)
            .and_where(vps_tag::Column::Tag.eq(tag.as_str()))
            .to_owned();
        Column::Id.in_subquery(tagged)
    };
    Condition::all()
        .add_option(living)
        .add_option(filter.q.as_ref().map(|query| search::condition(context, query)))
        .add_option(filter.status.map(|status| Column::Status.eq(status.name())))
        .add_option(filter.country.as_ref().map(|country| Column::Country.eq(country.as_str())))
        .add_option(filter.provider_id.map(|id| Column::ProviderId.eq(id)))
        .add_option(filter.purpose.as_ref().map(|purpose| Column::Purpose.eq(purpose.as_str())))
        .add_option(filter.source.as_ref().map(|source| Column::Source.eq(source.as_str())))
        .add_option(filter.tag.as_ref().map(with_tag))
        .add_option(filter.expiring_within_days.map(|days| Column::ExpireDate.lte(now.day_plus(days))))
        .add_option(filter.expiring_within_days.filter(|_| filter.status.is_none()).map(|_| in_service()))
}

/// Neither deleted nor retired: nobody wants to know of a machine that was given up what it costs, when it expires or what
/// is the matter with it.
pub(super) fn in_service() -> Expr {
    Column::Status.is_not_in([Status::Retired.name(), Status::Deleted.name()])
}

pub(super) async fn tags_of(
    database: &impl ConnectionTrait,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Vec<String>>> {
    let mut found: HashMap<Uuid, Vec<String>> = HashMap::new();
    for chunk in ids.chunks(CHUNK) {
        let rows = vps_tag::Entity::find()
            .filter(vps_tag::Column::VpsId.is_in(chunk.iter().copied()))
            .order_by_asc(vps_tag::Column::Tag)
            .all(database)
            .await?;
        for row in rows {
            found.entry(row.vps_id).or_default().push(row.tag);
        }
    }
    Ok(found)
}

/// Present addresses, sorted, with a person's label before the agent's.
pub(super) fn shown(present: Vec<StoredAddress>) -> Vec<Address> {
    let mut addresses: Vec<Address> = present
        .into_iter()
        .map(|address| Address { ip: address.ip, label: address.operator_label.unwrap_or(address.label) })
        .collect();
    addresses.sort();
    addresses
}

/// The record of a row; an error says which one cannot be read.
pub(super) fn readable(row: Model, ip_addresses: Vec<Address>, tags: Vec<String>) -> Result<Vps> {
    let (id, hostname) = (row.id, row.hostname.clone());
    from_row(row, ip_addresses, tags)
        .map_err(|error| StoreError::Broken(format!("{hostname} ({id}): {error}")))
}

fn from_row(row: Model, ip_addresses: Vec<Address>, tags: Vec<String>) -> Result<Vps> {
    let is_deleted = row.status == Status::Deleted.name();
    Ok(Vps {
        id: row.id,
        reported_hostname: row.reported_hostname.filter(|reported| *reported != row.hostname),
        hostname: row.hostname,
        alias: row.alias,
        provider_id: row.provider_id,
        ip_addresses,
        ssh_port: port_of(row.ssh_port)?,
        country: row.country,
        city: row.city,
        dc_name: row.dc_name,
        cpu_cores: number(row.cpu_cores)?,
        ram_mb: number(row.ram_mb)?,
        disk_gb: number(row.disk_gb)?,
        bandwidth_tb: row.bandwidth_tb,
        cost_monthly: row.cost_monthly,
        currency: row.currency,
        status: status_of(&row.status)?,
        purchase_date: row.purchase_date,
        expire_date: row.expire_date,
        purpose: row.purpose,
        vpn_protocol: row.vpn_protocol,
        tags,
        monitoring_enabled: row.monitoring_enabled,
        node_exporter_port: port_of(row.node_exporter_port)?,
        extra: Extra::default(),
        notes: row.notes,
        source: row.source,
        created_at: Timestamp::from_ms(row.created_at),
        updated_at: Timestamp::from_ms(row.updated_at),
        presence: Presence::Never,
        last_seen_at: None,
        reported: None,
        version: row.version,
        suggestion: None,
        flags: Vec::new(),
        marks: Vec::new(),
        refused_reports: u64::try_from(row.refused_reports).ok().filter(|count| *count > 0 && is_deleted),
        refused_at: row.refused_at.filter(|_| is_deleted).map(Timestamp::from_ms),
    })
}
