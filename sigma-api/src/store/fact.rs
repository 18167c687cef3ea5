//! What a running hub tells those that are run beside it.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue::Set, EntityTrait};

use super::entity::hub_fact::{ActiveModel, Column, Entity};
use super::{Result, Store};

impl Store {
    /// The fact of that name.
    ///
    /// # Errors
    /// As every read.
    pub(crate) async fn fact(&self, name: &str) -> Result<Option<String>> {
        Ok(Entity::find_by_id(name).one(&self.read).await?.map(|row| row.value))
    }

    /// Tells a fact, in the place of an earlier one of that name.
    ///
    /// # Errors
    /// As every write.
    pub(crate) async fn put_fact(&self, name: &str, value: &str) -> Result<()> {
        if self.fact(name).await?.as_deref() == Some(value) {
            return Ok(());
        }
        let tx = self.begin().await?;
        let row = ActiveModel { name: Set(name.to_owned()), value: Set(value.to_owned()) };
        let known = OnConflict::column(Column::Name).update_column(Column::Value).to_owned();
        Entity::insert(row).on_conflict(known).exec_without_returning(&tx.inner).await?;
        tx.commit().await
    }
}
