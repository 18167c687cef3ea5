//! JSON handlers: extract, one call, answer.

pub(super) mod account;
pub(super) mod accounts;
pub(super) mod agent;
pub(super) mod discovery;
pub(super) mod editing;
pub(super) mod exchange;
pub(super) mod health;
pub(super) mod history;
pub(super) mod identity;
pub(super) mod inbox;
pub(super) mod ip_checks;
pub(super) mod keys;
pub(super) mod metrics;
pub(super) mod providers;
pub(super) mod session;
pub(super) mod stats;
pub(super) mod suggestion;
pub(super) mod vps;
