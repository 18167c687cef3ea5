//! What persons do to the inventory, what agents are known by, and who did what.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, Statement, Value};

use crate::store::address::sort_key;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// One text for every database: columns of types that all of them have.
const STEPS: &[&str] = &[
    // What the agent calls its machine; `hostname` is what the record is called, which a person may have chosen.
    "ALTER TABLE vps ADD COLUMN reported_hostname TEXT",
    "UPDATE vps SET reported_hostname = hostname WHERE source = 'agent'",
    "CREATE INDEX vps_reported_hostname ON vps (reported_hostname)",
    "ALTER TABLE vps ADD COLUMN hostname_edited BOOLEAN NOT NULL DEFAULT FALSE",
    // The key that speaks for the machine.
    "ALTER TABLE vps ADD COLUMN agent_key_id UUID",
    "ALTER TABLE vps ADD COLUMN deleted_at BIGINT",
    // How it stood before it was deleted, for restoring.
    "ALTER TABLE vps ADD COLUMN status_before TEXT",
    // Reports that were refused because a person deleted the record.
    "ALTER TABLE vps ADD COLUMN refused_reports BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE vps ADD COLUMN refused_at BIGINT",
    "CREATE INDEX vps_expire_date ON vps (expire_date)",
    "CREATE INDEX vps_report_machine ON vps_report (machine_id)",
    // Every face under which a machine reported: the name, the hash of its machine id and its boot id.
    "CREATE TABLE vps_face (
        vps_id UUID NOT NULL REFERENCES vps (id),
        hostname TEXT NOT NULL,
        machine_id TEXT NOT NULL,
        boot_id TEXT NOT NULL,
        first_seen BIGINT NOT NULL,
        last_seen BIGINT NOT NULL,
        is_current BOOLEAN NOT NULL,
        PRIMARY KEY (vps_id, hostname, machine_id, boot_id))",
    "CREATE INDEX vps_face_hostname ON vps_face (hostname)",
    "CREATE INDEX vps_face_machine ON vps_face (machine_id)",
    // What deserves a look until a person says what it is.
    "CREATE TABLE vps_mark (
        id UUID NOT NULL PRIMARY KEY,
        vps_id UUID NOT NULL REFERENCES vps (id),
        kind TEXT NOT NULL,
        other_id UUID,
        detail TEXT NOT NULL,
        since BIGINT NOT NULL,
        resolved_at BIGINT,
        resolution TEXT)",
    "CREATE INDEX vps_mark_vps ON vps_mark (vps_id, resolved_at)",
    // Silences.
    "CREATE TABLE vps_gap (
        vps_id UUID NOT NULL REFERENCES vps (id),
        from_at BIGINT NOT NULL,
        until_at BIGINT NOT NULL,
        PRIMARY KEY (vps_id, from_at))",
    "CREATE TABLE audit (
        id UUID NOT NULL PRIMARY KEY,
        at BIGINT NOT NULL,
        actor_kind TEXT NOT NULL,
        actor_id UUID,
        actor_name TEXT NOT NULL,
        client_ip TEXT,
        action TEXT NOT NULL,
        subject_kind TEXT NOT NULL,
        subject_id UUID,
        subject_name TEXT NOT NULL,
        changes TEXT NOT NULL)",
    "CREATE INDEX audit_subject ON audit (subject_id, id)",
    // Keys: how long, how many machines, what their machines are given, and the one before a rotation.
    "ALTER TABLE api_key ADD COLUMN expires_at BIGINT",
    "ALTER TABLE api_key ADD COLUMN max_machines BIGINT",
    "ALTER TABLE api_key ADD COLUMN enrolled BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE api_key ADD COLUMN provider_id UUID",
    "ALTER TABLE api_key ADD COLUMN tags TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE api_key ADD COLUMN previous_until BIGINT",
    "ALTER TABLE provider ADD COLUMN version BIGINT NOT NULL DEFAULT 1",
    // Addresses in their numeric order, for networks; 32 hexadecimal digits.
    "ALTER TABLE vps_address ADD COLUMN sort_key TEXT NOT NULL DEFAULT ''",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let database = manager.get_connection();
        for step in STEPS {
            database.execute_unprepared(step).await?;
        }
        // Bytes have another name in each database.
        let previous_hash =
            Table::alter().table("api_key").add_column(ColumnDef::new("previous_hash").blob()).take();
        manager.alter_table(previous_hash).await?;
        let unique = "CREATE UNIQUE INDEX api_key_previous_hash ON api_key (previous_hash)";
        database.execute_unprepared(unique).await?;
        let all =
            Statement::from_string(manager.get_database_backend(), "SELECT DISTINCT ip FROM vps_address");
        for row in database.query_all_raw(all).await? {
            let ip: String = row.try_get_by_index(0)?;
            let Ok(address) = ip.parse() else { continue };
            let set = "UPDATE vps_address SET sort_key = $1 WHERE ip = $2";
            let values: [Value; 2] = [sort_key(address).into(), ip.into()];
            let set = Statement::from_sql_and_values(manager.get_database_backend(), set, values);
            database.execute_raw(set).await?;
        }
        database.execute_unprepared("CREATE INDEX vps_address_sort_key ON vps_address (sort_key)").await?;
        Ok(())
    }
}
