//! Results of checks of addresses from outside.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// One text for every database.
const STEPS: &[&str] = &[
    // A machine is kept when it is deleted, but a check that names none that exists does no harm either: no reference.
    "CREATE TABLE ip_check (
        id UUID NOT NULL PRIMARY KEY,
        ip TEXT NOT NULL,
        vps_id UUID,
        check_type TEXT NOT NULL,
        source TEXT NOT NULL,
        success BOOLEAN NOT NULL,
        latency_ms DOUBLE PRECISION,
        checked_at BIGINT NOT NULL,
        message TEXT)",
    "CREATE INDEX ip_check_series ON ip_check (ip, source, check_type, checked_at)",
    "CREATE INDEX ip_check_vps ON ip_check (vps_id, checked_at)",
    "CREATE INDEX ip_check_time ON ip_check (checked_at)",
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
