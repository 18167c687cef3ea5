//! Stories about the hub: the real program on a fresh folder, spoken to over HTTP.

#[cfg(test)]
mod common;

#[cfg(test)]
mod agents;
#[cfg(test)]
mod ansible;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod bulk;
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
mod history;
#[cfg(test)]
mod identity;
#[cfg(test)]
mod inventory;
#[cfg(test)]
mod ip_checks;
#[cfg(test)]
mod key_binding;
#[cfg(test)]
mod keys;
#[cfg(test)]
mod metrics;
#[cfg(test)]
mod ownership;
#[cfg(test)]
mod presence_gaps;
#[cfg(test)]
mod prometheus;
#[cfg(test)]
mod providers;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod search;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stop;
#[cfg(test)]
mod suggestion;
#[cfg(test)]
mod transcript;
