//! The fleet in numbers.

use serde::Serialize;
use utoipa::ToSchema;

use super::bill::MonthlyCost;
use super::vps::Vps;

/// The fleet in numbers; deleted machines are not counted, except under `by_status`.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Stats {
    pub(crate) total_vps: u64,
    pub(crate) active_vps: u64,
    pub(crate) total_providers: u64,
    pub(crate) by_country: Vec<Count>,
    pub(crate) by_provider: Vec<Count>,
    pub(crate) by_status: Vec<Count>,
    /// What machines cost a month that are neither deleted nor retired, by provider and currency.
    pub(crate) monthly_costs: Vec<MonthlyCost>,
    /// Such machines of which nobody said what they cost.
    pub(crate) without_cost: u64,
    /// Machines that expire within 30 days or have expired, neither retired nor deleted: the first first, at most 100.
    pub(crate) expiring_soon: Vec<Vps>,
}

/// How many machines carry a label; the label is empty for those that have none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Count {
    pub(crate) label: String,
    pub(crate) count: u64,
}
