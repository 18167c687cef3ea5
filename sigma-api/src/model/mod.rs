//! The nouns of the hub and their rules. Nothing here knows a database, a socket or HTTP.

pub(crate) mod audit;
pub(crate) mod key;
pub(crate) mod presence;
pub(crate) mod report;
pub(crate) mod stats;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod vps;
