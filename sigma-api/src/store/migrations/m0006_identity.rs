//! What machines were known by before faces were kept, and records that were merged into others.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// One text for every database.
const STEPS: &[&str] = &[
    "ALTER TABLE vps ADD COLUMN merged_into UUID",
    "CREATE INDEX vps_face_exact ON vps_face (machine_id, boot_id, hostname)",
    "CREATE INDEX vps_mark_other ON vps_mark (other_id)",
    "CREATE INDEX vps_key ON vps (agent_key_id)",
    "INSERT INTO vps_face (vps_id, hostname, machine_id, boot_id, first_seen, last_seen, is_current)
        SELECT vps.id, vps.reported_hostname, COALESCE(vps_report.machine_id, ''),
            COALESCE(vps_report.boot_id, ''), vps.created_at, COALESCE(vps_state.last_seen, vps.created_at), TRUE
        FROM vps JOIN vps_report ON vps_report.vps_id = vps.id
            LEFT JOIN vps_state ON vps_state.vps_id = vps.id
        WHERE vps.reported_hostname IS NOT NULL",
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
