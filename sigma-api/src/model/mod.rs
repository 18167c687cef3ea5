//! The nouns of the hub and their rules. Nothing here knows a database, a socket or HTTP.

pub(crate) mod address;
pub(crate) mod address_history;
pub(crate) mod ansible;
pub(crate) mod audit;
pub(crate) mod bulk;
pub(crate) mod country;
pub(crate) mod delivery;
pub(crate) mod ip_check;
pub(crate) mod key;
pub(crate) mod member;
pub(crate) mod paging;
pub(crate) mod presence;
pub(crate) mod provider;
pub(crate) mod report;
pub(crate) mod search;
pub(crate) mod stats;
pub(crate) mod suggestion;
pub(crate) mod targets;
pub(crate) mod text;
pub(crate) mod time;
pub(crate) mod version;
pub(crate) mod vps;
pub(crate) mod vps_change;
