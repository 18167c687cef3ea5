//! What things are called, for pages that show their ids as names.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::provider::{Column, Entity};
use super::entity::{api_key, vps};
use super::vps::CHUNK;
use super::{Result, Store};

impl Store {
    /// Providers by their ids.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn provider_names(&self) -> Result<HashMap<Uuid, String>> {
        let query = Entity::find().select_only().column(Column::Id).column(Column::Name);
        let rows: Vec<(Uuid, String)> = query.into_tuple().all(&self.read).await?;
        Ok(rows.into_iter().collect())
    }

    /// Those of these ids that are providers.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn provider_names_of(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        self.named::<Entity>(ids, Column::Id, Column::Name).await
    }

    /// Those of these ids that are machines, deleted or not.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn vps_names(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        self.named::<vps::Entity>(ids, vps::Column::Id, vps::Column::Hostname).await
    }

    /// Those of these ids that are keys, revoked or not.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn key_names(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        self.named::<api_key::Entity>(ids, api_key::Column::Id, api_key::Column::Name).await
    }

    async fn named<E: EntityTrait>(
        &self,
        ids: &[Uuid],
        id: E::Column,
        name: E::Column,
    ) -> Result<HashMap<Uuid, String>> {
        let mut names = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let query =
                E::find().select_only().column(id).column(name).filter(id.is_in(chunk.iter().copied()));
            let rows: Vec<(Uuid, String)> = query.into_tuple().all(&self.read).await?;
            names.extend(rows);
        }
        Ok(names)
    }
}
