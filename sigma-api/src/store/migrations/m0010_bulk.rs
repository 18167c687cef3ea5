//! Which lines of the audit log one bulk change wrote: so that it can be taken back.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

const STEPS: [&str; 2] = [
    "ALTER TABLE audit ADD COLUMN bulk_id UUID",
    // Most lines are of none, and are not in it.
    "CREATE INDEX audit_bulk ON audit (bulk_id, id) WHERE bulk_id IS NOT NULL",
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
