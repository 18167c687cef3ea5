//! What imports need beside the reads and writes of editing.

use std::collections::HashMap;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;

use super::entity::{provider, vps};
use super::vps::CHUNK;
use super::{Result, Tx};
use crate::model::vps::Status;

impl Tx {
    /// Those of these machines that exist, deleted or not, with what they are called.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn hostnames(&self, ids: &[Uuid]) -> Result<HashMap<Uuid, String>> {
        let mut found = HashMap::with_capacity(ids.len());
        for chunk in ids.chunks(CHUNK) {
            let rows: Vec<(Uuid, String)> = vps::Entity::find()
                .select_only()
                .columns([vps::Column::Id, vps::Column::Hostname])
                .filter(vps::Column::Id.is_in(chunk.iter().copied()))
                .into_tuple()
                .all(&self.inner)
                .await?;
            found.extend(rows);
        }
        Ok(found)
    }

    /// The living machines of these names.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn all_named(&self, hostnames: &[&str]) -> Result<HashMap<String, Uuid>> {
        let mut found = HashMap::with_capacity(hostnames.len());
        for chunk in hostnames.chunks(CHUNK) {
            let rows: Vec<(String, Uuid)> = vps::Entity::find()
                .select_only()
                .columns([vps::Column::Hostname, vps::Column::Id])
                .filter(vps::Column::Hostname.is_in(chunk.iter().copied()))
                .filter(vps::Column::Status.ne(Status::Deleted.name()))
                .into_tuple()
                .all(&self.inner)
                .await?;
            found.extend(rows);
        }
        Ok(found)
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
}
