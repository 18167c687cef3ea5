//! Providers.

use std::collections::HashMap;

use sea_orm::sea_query::{Expr, ExprTrait, Func, LikeExpr, Query, SimpleExpr};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, PaginatorTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::provider::{ActiveModel, Column, Entity, Model};
use super::entity::{api_key, vps};
use super::search::same;
use super::vps::CHUNK;
use super::{Result, Store, StoreError, Tx};
use crate::model::provider::{Provider, ProviderFilter, ProviderSort};
use crate::model::time::Timestamp;
use crate::model::vps::Status;

impl Store {
    /// The provider of that id.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn provider(&self, id: Uuid) -> Result<Option<Provider>> {
        find(&self.read, id).await
    }

    /// One page of the providers that `filter` lets through, by name, and how many there are in all.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn list_providers(&self, filter: &ProviderFilter) -> Result<(Vec<Provider>, u64)> {
        let lower_name = || Expr::expr(Func::lower(Expr::col(Column::Name)));
        let mut matching = Entity::find();
        if let Some(part) = &filter.name_part {
            let part = LikeExpr::new(format!("%{}%", escaped(&part.to_ascii_lowercase()))).escape('\\');
            matching = matching.filter(lower_name().like(part));
        }
        let total = matching.clone().count(&self.read).await?;
        let sorted = match filter.sort {
            ProviderSort::Name => matching,
            ProviderSort::NameDown => matching.order_by_desc(lower_name()),
            ProviderSort::Machines => matching.order_by_asc(living_machines()),
            ProviderSort::MachinesDown => matching.order_by_desc(living_machines()),
        };
        let rows = sorted
            .order_by_asc(lower_name())
            .order_by_asc(Column::Id)
            .offset(filter.paging.offset())
            .limit(filter.paging.per_page)
            .all(&self.read)
            .await?;
        Ok((with_machines(&self.read, rows).await?, total))
    }

    /// All providers, by name.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn all_providers(&self) -> Result<Vec<Provider>> {
        all(&self.read).await
    }
}

impl Tx {
    /// The provider of that id.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn provider(&self, id: Uuid) -> Result<Option<Provider>> {
        find(&self.inner, id).await
    }

    /// All providers, by name.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn all_providers(&self) -> Result<Vec<Provider>> {
        all(&self.inner).await
    }

    /// The provider of that name, whatever its case in ASCII. Databases differ in what they call a capital beyond
    /// that: those are others.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn provider_named(&self, name: &str) -> Result<Option<(Uuid, String)>> {
        let names: Vec<(Uuid, String)> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Name])
            .filter(same(Column::Name, name))
            .into_tuple()
            .all(&self.inner)
            .await?;
        Ok(names.into_iter().find(|(_, other)| other.eq_ignore_ascii_case(name)))
    }

    /// Stores a new provider.
    ///
    /// # Errors
    /// `Conflict` when its name exists.
    pub(crate) async fn insert_provider(&self, provider: &Provider) -> Result<()> {
        Entity::insert(to_row(provider)).exec_without_returning(&self.inner).await?;
        Ok(())
    }

    /// Stores a provider that changed.
    ///
    /// # Errors
    /// `Conflict` when its name is that of another.
    pub(crate) async fn put_provider(&self, provider: &Provider) -> Result<()> {
        Entity::update_many()
            .set(to_row(provider))
            .filter(Column::Id.eq(provider.id))
            .exec(&self.inner)
            .await?;
        Ok(())
    }

    /// Whether a machine, deleted or not, or a key names it.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn is_provider_used(&self, id: Uuid) -> Result<bool> {
        let machines = vps::Entity::find().filter(vps::Column::ProviderId.eq(id)).count(&self.inner).await?;
        let keys =
            api_key::Entity::find().filter(api_key::Column::ProviderId.eq(id)).count(&self.inner).await?;
        Ok(machines > 0 || keys > 0)
    }

    /// Takes a provider away that has no living machine. Deleted machines and keys that name it name none from now on;
    /// these machines are the answer, with their hostnames.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn delete_provider(&self, now: Timestamp, id: Uuid) -> Result<Vec<(Uuid, String)>> {
        let machines = vps::Entity::find()
            .select_only()
            .columns([vps::Column::Id, vps::Column::Hostname])
            .filter(vps::Column::ProviderId.eq(id))
            .into_tuple()
            .all(&self.inner)
            .await?;
        vps::Entity::update_many()
            .col_expr(vps::Column::ProviderId, Expr::value(Option::<Uuid>::None))
            .col_expr(vps::Column::Version, Expr::col(vps::Column::Version).add(1))
            .col_expr(vps::Column::UpdatedAt, Expr::value(now.ms()))
            .filter(vps::Column::ProviderId.eq(id))
            .exec(&self.inner)
            .await?;
        api_key::Entity::update_many()
            .col_expr(api_key::Column::ProviderId, Expr::value(Option::<Uuid>::None))
            .filter(api_key::Column::ProviderId.eq(id))
            .exec(&self.inner)
            .await?;
        Entity::delete_by_id(id).exec(&self.inner).await?;
        Ok(machines)
    }
}

/// How many living machines a provider has.
fn living_machines() -> SimpleExpr {
    let count = Query::select()
        .expr(Func::count(Expr::col((vps::Entity, vps::Column::Id))))
        .from(vps::Entity)
        .and_where(Expr::col((vps::Entity, vps::Column::ProviderId)).equals((Entity, Column::Id)))
        .and_where(vps::Column::Status.ne(Status::Deleted.name()))
        .take();
    Expr::SubQuery(None, Box::new(count.into()))
}

/// Text for LIKE in which no character has a meaning of its own.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}

async fn find(database: &impl ConnectionTrait, id: Uuid) -> Result<Option<Provider>> {
    let row = Entity::find_by_id(id).one(database).await?;
    Ok(with_machines(database, row.into_iter().collect()).await?.pop())
}

async fn all(database: &impl ConnectionTrait) -> Result<Vec<Provider>> {
    let rows = Entity::find().order_by_asc(Column::Name).order_by_asc(Column::Id).all(database).await?;
    with_machines(database, rows).await
}

async fn with_machines(database: &impl ConnectionTrait, rows: Vec<Model>) -> Result<Vec<Provider>> {
    let mut machines: HashMap<Uuid, i64> = HashMap::with_capacity(rows.len());
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    for chunk in ids.chunks(CHUNK) {
        let counts: Vec<(Uuid, i64)> = vps::Entity::find()
            .select_only()
            .column(vps::Column::ProviderId)
            .column_as(vps::Column::Id.count(), "machines")
            .filter(vps::Column::ProviderId.is_in(chunk.iter().copied()))
            .filter(vps::Column::Status.ne(Status::Deleted.name()))
            .group_by(vps::Column::ProviderId)
            .into_tuple()
            .all(database)
            .await?;
        machines.extend(counts);
    }
    rows.into_iter().map(|row| from_row(&machines, row)).collect()
}

fn to_row(provider: &Provider) -> ActiveModel {
    let provider = provider.clone();
    ActiveModel {
        id: Set(provider.id),
        name: Set(provider.name),
        country: Set(provider.country),
        website: Set(provider.website),
        panel_url: Set(provider.panel_url),
        api_supported: Set(provider.api_supported),
        rating: Set(provider.rating.map(i32::from)),
        notes: Set(provider.notes),
        created_at: Set(provider.created_at.ms()),
        updated_at: Set(provider.updated_at.ms()),
        version: Set(provider.version),
    }
}

fn from_row(machines: &HashMap<Uuid, i64>, row: Model) -> Result<Provider> {
    let machines = machines.get(&row.id).copied().unwrap_or(0);
    let rating = row.rating.map(|rating| u8::try_from(rating).map_err(|_| StoreError::damaged("rating")));
    Ok(Provider {
        id: row.id,
        name: row.name,
        country: row.country,
        website: row.website,
        panel_url: row.panel_url,
        api_supported: row.api_supported,
        rating: rating.transpose()?,
        notes: row.notes,
        created_at: Timestamp::from_ms(row.created_at),
        updated_at: Timestamp::from_ms(row.updated_at),
        version: row.version,
        machines: u64::try_from(machines).unwrap_or(0),
    })
}
