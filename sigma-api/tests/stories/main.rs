//! Stories about the hub: the real program on a fresh folder, spoken to over HTTP.

#[cfg(test)]
mod common;

#[cfg(test)]
mod access;
#[cfg(test)]
mod agents;
#[cfg(test)]
mod ansible;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod bulk;
#[cfg(test)]
mod compression;
#[cfg(test)]
mod cross_site;
#[cfg(test)]
mod crowds;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod disk;
#[cfg(test)]
mod drain;
#[cfg(test)]
mod editing;
#[cfg(test)]
mod exchange;
#[cfg(test)]
mod files;
#[cfg(test)]
mod foreign_files;
#[cfg(test)]
mod history;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod imports;
#[cfg(test)]
mod inputs;
#[cfg(test)]
mod inventory;
#[cfg(test)]
mod ip_checks;
#[cfg(test)]
mod key_binding;
#[cfg(test)]
mod key_expiry;
#[cfg(test)]
mod key_management;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod large_changes;
#[cfg(test)]
mod live;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod namesakes;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod pages_accounts;
#[cfg(test)]
mod pages_add;
#[cfg(test)]
mod pages_audit;
#[cfg(test)]
mod pages_bulk;
#[cfg(test)]
mod pages_import;
#[cfg(test)]
mod pages_inbox;
#[cfg(test)]
mod pages_keys;
#[cfg(test)]
mod pages_machine;
#[cfg(test)]
mod pages_providers;
#[cfg(test)]
mod pages_settings;
#[cfg(test)]
mod people;
#[cfg(test)]
mod presence_gaps;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod proxies;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod remains;
#[cfg(test)]
mod search;
#[cfg(test)]
mod sessions;
#[cfg(test)]
mod setup;
#[cfg(test)]
mod sign_in;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod suggestion;
#[cfg(test)]
mod throttle;
#[cfg(test)]
mod totp;
#[cfg(test)]
mod transcript;
#[cfg(test)]
mod undo;
