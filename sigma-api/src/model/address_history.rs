//! Addresses that a machine has and had.

use std::net::IpAddr;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::time::Timestamp;

/// An address of a machine: since when, until when, and whose it was before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct KnownAddress {
    #[schema(value_type = String, example = "203.0.113.7")]
    pub(crate) ip: IpAddr,
    pub(crate) label: String,
    /// Whether the machine has it now.
    pub(crate) present: bool,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) first_seen: Timestamp,
    /// While it is present, the last report of the machine; else when it was first missing.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_seen: Timestamp,
    /// Since when it is present, or missing.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    /// The latest first.
    pub(crate) previous_owners: Vec<PreviousOwner>,
}

/// A machine that had an address before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct PreviousOwner {
    pub(crate) vps_id: Uuid,
    pub(crate) hostname: String,
    /// When the address was first missing there, or the machine was deleted.
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_seen: Timestamp,
}
