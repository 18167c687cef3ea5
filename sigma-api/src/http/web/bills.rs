//! Costs and expiries as pages show them.

use uuid::Uuid;

use super::row::{Expiry, expiry};
use crate::model::bill::Bill;
use crate::model::time::Timestamp;
use crate::service::bills::Expiries;

/// What some machines cost a month.
pub(super) struct Costs {
    pub(super) sums: Vec<Sum>,
    /// Machines of which nobody said what they cost.
    pub(super) without: u64,
}

/// An amount in one currency.
pub(super) struct Sum {
    pub(super) amount: String,
    /// `EUR`, or what stands where nobody said it.
    pub(super) currency: String,
}

/// Machines that expire.
pub(super) struct Coming {
    pub(super) next: Vec<Next>,
    pub(super) past: u64,
    /// Where those whose day is over are shown.
    pub(super) past_fleet: String,
}

/// A machine that expires.
pub(super) struct Next {
    pub(super) id: Uuid,
    pub(super) hostname: String,
    pub(super) expiry: Expiry,
}

impl Costs {
    pub(super) fn of(bill: &Bill) -> Self {
        let sums = bill.sums.iter().map(|(currency, (amount, _))| Sum {
            amount: amount.in_currency(currency),
            currency: if currency.is_empty() { "of no currency".to_owned() } else { currency.clone() },
        });
        Self { sums: sums.collect(), without: bill.without }
    }
}

impl Coming {
    pub(super) fn new(now: Timestamp, provider: &str, expiries: Expiries) -> Self {
        let past_fleet = machines_of(provider, "expires:past -status:retired");
        let next = expiries.next.into_iter().map(|next| Next {
            id: next.id,
            hostname: next.hostname,
            expiry: expiry(now, &next.day),
        });
        Self { next: next.collect(), past: expiries.past, past_fleet }
    }
}

/// The fleet, searched for the machines of a provider and `more`.
pub(super) fn machines_of(provider: &str, more: &str) -> String {
    let quoted = provider.replace('\\', "\\\\").replace('"', "\\\"");
    let q = format!("provider:\"{quoted}\" {more}");
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", q.trim_end()).finish();
    format!("/?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_provider_is_called_its_machines_are_found() {
        assert_eq!(machines_of("Acme", ""), "/?q=provider%3A%22Acme%22");
        assert_eq!(
            machines_of("A \"b\" \\", "expires:past"),
            "/?q=provider%3A%22A+%5C%22b%5C%22+%5C%5C%22+expires%3Apast"
        );
    }
}
