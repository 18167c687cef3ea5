//! The addresses that a machine has are found without reading those that it had, and the longest absent without sorting.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = "CREATE INDEX vps_address_history ON vps_address (vps_id, present, last_seen)";
        manager.get_connection().execute_unprepared(index).await?;
        Ok(())
    }
}
