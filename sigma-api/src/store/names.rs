//! What things are called, for pages that show their ids as names.

use std::collections::HashMap;

use sea_orm::{EntityTrait, QuerySelect};
use uuid::Uuid;

use super::entity::provider::{Column, Entity};
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
}
