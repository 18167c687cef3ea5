//! JSON handlers: extract, one call, answer.

pub(super) mod agent;
pub(super) mod health;
pub(super) mod stats;
pub(super) mod vps;
