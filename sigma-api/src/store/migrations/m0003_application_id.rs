//! A mark in an SQLite file that it is a database of the hub; known before anything of it is opened.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DbBackend;

/// "Sigm".
pub(in crate::store) const APPLICATION_ID: u32 = 0x5369_676d;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            let mark = format!("PRAGMA application_id = {APPLICATION_ID}");
            manager.get_connection().execute_unprepared(&mark).await?;
        }
        Ok(())
    }
}
