//! Reading and writing records whole, for imports.

use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveValue::Set, ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use sigma_protocol::Address;
use uuid::Uuid;

use super::address::sort_key;
use super::entity::{provider, vps, vps_address};
use super::list::with_parts;
use super::{Result, Store, Stored, Tx, to_i64};
use crate::model::exchange::{ProviderRecord, VpsRecord};
use crate::model::time::Timestamp;
use crate::model::vps::Status;

impl Store {
    /// All providers, by name.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn provider_records(&self) -> Result<Vec<ProviderRecord>> {
        let rows = provider::Entity::find().order_by_asc(provider::Column::Name).all(&self.read).await?;
        Ok(rows.into_iter().map(from_provider).collect())
    }
}

impl Tx {
    /// All machines, deleted ones too.
    ///
    /// # Errors
    /// As every read; also when one of them cannot be read, as an import must not make it a second time.
    pub(crate) async fn all_vps(&self) -> Result<Vec<Stored>> {
        let rows = vps::Entity::find().all(&self.inner).await?;
        with_parts(&self.inner, rows).await?.into_iter().collect()
    }

    /// All providers.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn provider_records(&self) -> Result<Vec<ProviderRecord>> {
        let rows = provider::Entity::find().all(&self.inner).await?;
        Ok(rows.into_iter().map(from_provider).collect())
    }

    /// Gives a machine a name that nobody has, so that others may take its own in the same transaction.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn free_hostname(&self, id: Uuid) -> Result<()> {
        vps::Entity::update_many()
            .col_expr(vps::Column::Hostname, Expr::value(format!("~{id}")))
            .filter(vps::Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Gives a provider a name that nobody has, so that others may take its own in the same transaction.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn free_provider_name(&self, id: Uuid) -> Result<()> {
        provider::Entity::update_many()
            .col_expr(provider::Column::Name, Expr::value(format!("~{id}")))
            .filter(provider::Column::Id.eq(id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Makes a machine that no agent has reported for. What a person says of it no agent overwrites.
    ///
    /// # Errors
    /// `Conflict` when the hostname lives already.
    pub(crate) async fn insert_record(&self, now: Timestamp, record: &VpsRecord) -> Result<()> {
        let is_deleted = record.status == Status::Deleted.name();
        let row = vps::ActiveModel {
            id: Set(record.id),
            alias_edited: Set(!record.alias.is_empty()),
            hostname_edited: Set(false),
            version: Set(1),
            created_at: Set(now.ms()),
            reported_hostname: Set(None),
            agent_key_id: Set(None),
            deleted_at: Set(is_deleted.then_some(now.ms())),
            status_before: Set(is_deleted.then(|| Status::Active.name().to_owned())),
            refused_reports: Set(0),
            refused_at: Set(None),
            ..members(now, record)
        };
        vps::Entity::insert(row).exec_without_returning(&self.inner).await?;
        self.put_tags(record.id, &record.tags).await?;
        if record.ip_addresses.is_empty() {
            return Ok(());
        }
        let addresses = record.ip_addresses.iter().map(|address| new_address(now, record.id, address));
        vps_address::Entity::insert_many(addresses).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Writes all that a person owns of a machine; `edited` are the hostname and the alias, where they are other ones.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn update_record(
        &self,
        now: Timestamp,
        record: &VpsRecord,
        edited: (bool, bool),
    ) -> Result<()> {
        let mut row = members(now, record);
        if edited.0 {
            row.hostname_edited = Set(true);
        }
        if edited.1 {
            row.alias_edited = Set(true);
        }
        vps::Entity::update_many().set(row).filter(vps::Column::Id.eq(record.id)).exec(&self.inner).await?;
        vps::Entity::update_many()
            .col_expr(vps::Column::Version, Expr::col(vps::Column::Version).add(1))
            .filter(vps::Column::Id.eq(record.id))
            .exec(&self.inner)
            .await?;
        self.put_tags(record.id, &record.tags).await
    }

    /// Gives a machine the addresses of a record with their labels, and takes those away that are not in it.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_record_addresses(&self, now: Timestamp, record: &VpsRecord) -> Result<()> {
        let of_record = vps_address::Column::VpsId.eq(record.id);
        let rows = vps_address::Entity::find().filter(of_record.clone()).all(&self.inner).await?;
        let listed = record.ip_addresses.iter().map(|address| address.ip.to_string());
        vps_address::Entity::update_many()
            .col_expr(vps_address::Column::Present, Expr::value(false))
            .col_expr(vps_address::Column::LastSeen, Expr::value(now.ms()))
            .filter(of_record.clone())
            .filter(vps_address::Column::Present.eq(true))
            .filter(vps_address::Column::Ip.is_not_in(listed))
            .exec(&self.inner)
            .await?;
        for address in &record.ip_addresses {
            let ip = address.ip.to_string();
            let known = rows.iter().find(|row| row.ip == ip);
            let shown = known.map(|row| row.operator_label.as_deref().unwrap_or(&row.label));
            if shown == Some(&address.label) && known.is_some_and(|row| row.present) {
                continue;
            }
            let label = Some(address.label.clone());
            match known {
                Some(row) => {
                    let stays = shown == Some(&address.label);
                    vps_address::Entity::update_many()
                        .set(vps_address::ActiveModel {
                            operator_label: Set(if stays { row.operator_label.clone() } else { label }),
                            present: Set(true),
                            last_seen: Set(if row.present { row.last_seen } else { now.ms() }),
                            ..Default::default()
                        })
                        .filter(of_record.clone())
                        .filter(vps_address::Column::Ip.eq(ip))
                        .exec(&self.inner)
                        .await?;
                }
                None => {
                    let row = new_address(now, record.id, address);
                    vps_address::Entity::insert(row).exec_without_returning(&self.inner).await?;
                }
            }
        }
        Ok(())
    }

    /// Makes a provider.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    pub(crate) async fn insert_provider_record(&self, now: Timestamp, record: &ProviderRecord) -> Result<()> {
        let row = provider::ActiveModel {
            id: Set(record.id),
            created_at: Set(now.ms()),
            version: Set(1),
            ..provider_members(now, record)
        };
        provider::Entity::insert(row).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Writes all of a provider.
    ///
    /// # Errors
    /// `Conflict` when the name is taken.
    pub(crate) async fn update_provider_record(&self, now: Timestamp, record: &ProviderRecord) -> Result<()> {
        let of_record = provider::Column::Id.eq(record.id);
        provider::Entity::update_many()
            .set(provider_members(now, record))
            .filter(of_record.clone())
            .exec(&self.inner)
            .await?;
        provider::Entity::update_many()
            .col_expr(provider::Column::Version, Expr::col(provider::Column::Version).add(1))
            .filter(of_record)
            .exec(&self.inner)
            .await?;
        Ok(())
    }
}

/// An address that no agent has reported: its label is a person's.
fn new_address(now: Timestamp, vps_id: Uuid, address: &Address) -> vps_address::ActiveModel {
    vps_address::ActiveModel {
        vps_id: Set(vps_id),
        ip: Set(address.ip.to_string()),
        label: Set(String::new()),
        operator_label: Set(Some(address.label.clone()).filter(|label| !label.is_empty())),
        present: Set(true),
        first_seen: Set(now.ms()),
        last_seen: Set(now.ms()),
        sort_key: Set(sort_key(address.ip)),
    }
}

/// What a row says of a machine, but its id.
fn members(now: Timestamp, record: &VpsRecord) -> vps::ActiveModel {
    vps::ActiveModel {
        hostname: Set(record.hostname.clone()),
        alias: Set(record.alias.clone()),
        provider_id: Set(record.provider_id),
        ssh_port: Set(i32::from(record.ssh_port)),
        country: Set(record.country.clone()),
        city: Set(record.city.clone()),
        dc_name: Set(record.dc_name.clone()),
        cpu_cores: Set(record.cpu_cores.map(i64::from)),
        ram_mb: Set(record.ram_mb.map(to_i64)),
        disk_gb: Set(record.disk_gb.map(to_i64)),
        bandwidth_tb: Set(record.bandwidth_tb),
        cost_monthly: Set(record.cost_monthly.clone()),
        currency: Set(record.currency.clone()),
        status: Set(record.status.clone()),
        purchase_date: Set(record.purchase_date.clone()),
        expire_date: Set(record.expire_date.clone()),
        purpose: Set(record.purpose.clone()),
        vpn_protocol: Set(record.vpn_protocol.clone()),
        monitoring_enabled: Set(record.monitoring_enabled),
        node_exporter_port: Set(i32::from(record.node_exporter_port)),
        notes: Set(record.notes.clone()),
        source: Set(record.source.clone()),
        updated_at: Set(now.ms()),
        ..Default::default()
    }
}

fn provider_members(now: Timestamp, record: &ProviderRecord) -> provider::ActiveModel {
    provider::ActiveModel {
        name: Set(record.name.clone()),
        country: Set(record.country.clone()),
        website: Set(record.website.clone()),
        panel_url: Set(record.panel_url.clone()),
        api_supported: Set(record.api_supported),
        rating: Set(record.rating),
        notes: Set(record.notes.clone()),
        updated_at: Set(now.ms()),
        ..Default::default()
    }
}

fn from_provider(row: provider::Model) -> ProviderRecord {
    ProviderRecord {
        id: row.id,
        name: row.name,
        country: row.country,
        website: row.website,
        panel_url: row.panel_url,
        api_supported: row.api_supported,
        rating: row.rating,
        notes: row.notes,
        created_at: Some(Timestamp::from_ms(row.created_at)),
    }
}
