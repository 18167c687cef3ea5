//! Accounts of persons, and what they sign in with.

use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub(super) struct Migration;

/// One text for every database. Hashes of secrets are hexadecimal text.
const STEPS: &[&str] = &[
    "CREATE TABLE account (
        id UUID NOT NULL PRIMARY KEY,
        email TEXT NOT NULL,
        password TEXT,
        role TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        last_sign_in_at BIGINT,
        totp_seed TEXT,
        totp_pending TEXT,
        totp_step BIGINT)",
    "CREATE UNIQUE INDEX account_email ON account (email)",
    // A link that makes the first administrator (without an account), or lets somebody who was invited choose a password.
    "CREATE TABLE account_link (
        token_hash TEXT NOT NULL PRIMARY KEY,
        account_id UUID REFERENCES account (id),
        created_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL)",
    "CREATE TABLE account_session (
        id UUID NOT NULL PRIMARY KEY,
        account_id UUID NOT NULL REFERENCES account (id),
        token_hash TEXT NOT NULL,
        created_at BIGINT NOT NULL,
        last_used_at BIGINT NOT NULL,
        client_ip TEXT,
        user_agent TEXT)",
    "CREATE UNIQUE INDEX account_session_token ON account_session (token_hash)",
    "CREATE INDEX account_session_account ON account_session (account_id)",
    // Codes for the day on which the authenticator is lost.
    "CREATE TABLE account_recovery (
        account_id UUID NOT NULL REFERENCES account (id),
        code_hash TEXT NOT NULL,
        PRIMARY KEY (account_id, code_hash))",
    // Browsers that signed in once: guesses of strangers do not slow them down.
    "CREATE TABLE account_device (
        token_hash TEXT NOT NULL PRIMARY KEY,
        account_id UUID NOT NULL REFERENCES account (id),
        last_used_at BIGINT NOT NULL)",
    "CREATE INDEX account_device_account ON account_device (account_id)",
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
