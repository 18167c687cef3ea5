//! Which prefix a rotated key had, and what a running hub tells those that are run beside it.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// One text for every database.
const STEPS: &[&str] = &[
    "ALTER TABLE api_key ADD COLUMN previous_prefix TEXT",
    "CREATE TABLE hub_fact (
        name TEXT NOT NULL PRIMARY KEY,
        value TEXT NOT NULL)",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for step in STEPS {
            manager.get_connection().execute_unprepared(step).await?;
        }
        Ok(())
    }
}
