//! The key that spoke for a machine before the one that does now: it may take the machine back.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = "CREATE TABLE vps_previous_key (
            vps_id UUID NOT NULL PRIMARY KEY REFERENCES vps (id),
            key_id UUID NOT NULL)";
        manager.get_connection().execute_unprepared(table).await?;
        Ok(())
    }
}
