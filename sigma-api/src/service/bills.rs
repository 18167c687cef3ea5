//! What providers bill, and which of their machines expire next.

use std::collections::HashMap;

use uuid::Uuid;

use super::{Hub, Result};
use crate::model::bill::{Bill, MonthlyCost};
use crate::model::time::Timestamp;
pub(crate) use crate::store::Expiring;

/// What all machines in use cost a month.
#[derive(Debug, Default)]
pub(crate) struct Bills {
    by_provider: HashMap<Option<Uuid>, Bill>,
    pub(crate) total: Bill,
}

impl Bills {
    /// What a provider bills; of no provider: what machines cost that have none.
    pub(crate) fn of(&self, provider: Option<Uuid>) -> Bill {
        self.by_provider.get(&provider).cloned().unwrap_or_default()
    }
}

/// Machines of a provider that expire.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expiries {
    /// Those that expire next, from today on.
    pub(crate) next: Vec<Expiring>,
    /// Machines in use whose day is over.
    pub(crate) past: u64,
}

impl Hub {
    /// What all machines cost a month that are neither deleted nor retired.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn bills(&self) -> Result<Bills> {
        let mut bills = Bills::default();
        for same in self.store.costs().await? {
            let bill = bills.by_provider.entry(same.provider_id).or_default();
            bill.add(same.cost.as_deref(), &same.currency, same.machines);
        }
        for bill in bills.by_provider.values() {
            bills.total.add_all(bill);
        }
        Ok(bills)
    }

    /// The same as a list, by provider and currency.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn monthly_costs(&self) -> Result<(Vec<MonthlyCost>, u64)> {
        let (bills, names) = (self.bills().await?, self.store.provider_names().await?);
        let name = |id: Option<Uuid>| id.and_then(|id| names.get(&id)).cloned().unwrap_or_default();
        let mut costs = Vec::new();
        for (provider, bill) in &bills.by_provider {
            costs.extend(bill.sums.iter().map(|(currency, (amount, machines))| MonthlyCost {
                provider: name(*provider),
                currency: currency.clone(),
                amount: amount.to_string(),
                machines: *machines,
            }));
        }
        costs.sort_by(|a, b| (&a.provider, &a.currency).cmp(&(&b.provider, &b.currency)));
        Ok((costs, bills.total.without))
    }

    /// Which machines of these providers expire next, at most `most` of each.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn expiries(
        &self,
        now: Timestamp,
        providers: &[Uuid],
        most: u64,
    ) -> Result<HashMap<Uuid, Expiries>> {
        let past = self.store.count_past(now, providers).await?;
        let mut next = self.store.next_expiries(now, providers, most).await?;
        let of = |id: &Uuid| {
            let past = past.get(id).copied().unwrap_or(0);
            (*id, Expiries { next: next.remove(id).unwrap_or_default(), past })
        };
        Ok(providers.iter().map(of).collect())
    }
}
