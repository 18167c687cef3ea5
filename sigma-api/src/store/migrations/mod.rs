//! The schema, as a list of steps that only grows. A step that was released is never changed.

use sea_orm_migration::prelude::*;

mod m0001_inventory;
mod m0002_address_history;
mod m0003_application_id;
mod m0004_editing;
mod m0005_ip_check;
mod m0006_identity;
mod m0007_accounts;
mod m0008_doors;
mod m0009_previous_key;
mod m0010_bulk;

pub(super) use m0003_application_id::APPLICATION_ID;

/// All steps in their order; one text for every database.
pub(super) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m0001_inventory::Migration),
            Box::new(m0002_address_history::Migration),
            Box::new(m0003_application_id::Migration),
            Box::new(m0004_editing::Migration),
            Box::new(m0005_ip_check::Migration),
            Box::new(m0006_identity::Migration),
            Box::new(m0007_accounts::Migration),
            Box::new(m0008_doors::Migration),
            Box::new(m0009_previous_key::Migration),
            Box::new(m0010_bulk::Migration),
        ]
    }
}
