//! What waits for a person: machines, by why they wait.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::mark::MarkKind;
use super::presence::Listening;
use super::suggestion::{Group, Knowledge, Suggestion, Traits};
use super::time::Timestamp;
use super::vps::Vps;

/// Machines of a group or a part that are listed; there may be more.
pub(crate) const LISTED: usize = 50;
/// Groups that are listed: the largest.
const GROUPS: usize = 20;
/// Shorter silences of a machine that is paid for are nobody's business yet.
const SILENT_FOR: Duration = Duration::from_secs(86_400);
/// A deleted machine that was refused within this time still reports: refused agents try again every five minutes.
const STILL_REPORTS: Duration = Duration::from_secs(1800);

/// Why a machine waits by itself, and not as one of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Reinstalled,
    Rekeyed,
    LessThanBought,
    /// Silent for a day, and in a term that is paid for.
    SilentButPaid,
    /// Online, though it expired.
    AliveAfterExpiry,
    /// Deleted by a person, and its agent goes on.
    DeletedButReporting,
}

impl Why {
    #[cfg(test)]
    const ALL: [Self; 6] = [
        Self::Reinstalled,
        Self::Rekeyed,
        Self::LessThanBought,
        Self::SilentButPaid,
        Self::AliveAfterExpiry,
        Self::DeletedButReporting,
    ];

    /// The search that finds these machines in the fleet, and perhaps some more.
    const fn search(self) -> &'static str {
        match self {
            Self::Reinstalled => "flag:reinstalled -status:retired",
            Self::Rekeyed => "flag:rekeyed -status:retired",
            Self::LessThanBought => "flag:less_than_bought -status:retired",
            Self::SilentButPaid => "seen:>1d status:active -expires:past",
            Self::AliveAfterExpiry => "expires:past presence:online -status:retired",
            Self::DeletedButReporting => "status:deleted",
        }
    }
}

/// The times that decide who waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    /// Whoever was not heard since then is silent.
    pub(crate) silent_since: Timestamp,
    /// Whoever was refused since then still reports.
    pub(crate) refused_since: Timestamp,
}

impl Moment {
    /// Those of `now`, for a hub that listened so.
    pub(crate) fn at(now: Timestamp, listening: Listening) -> Self {
        Self {
            now,
            silent_since: listening.unheard_for(now, SILENT_FOR),
            refused_since: now.earlier(STILL_REPORTS),
        }
    }
}

/// Everything that waits for a person. A machine may wait for several reasons.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Inbox {
    /// Machines that wait, each counted once.
    pub(crate) waiting: u64,
    pub(crate) unassigned: Unassigned,
    /// Two living machines of one name.
    pub(crate) conflicts: InboxPart<InboxPair>,
    /// Two living machines of one machine id.
    pub(crate) clones: InboxPart<InboxPair>,
    /// Installed anew.
    pub(crate) reinstalled: InboxPart<Vps>,
    /// Another key speaks for them.
    pub(crate) rekeyed: InboxPart<Vps>,
    /// Less was measured than was bought.
    pub(crate) less_than_bought: InboxPart<Vps>,
    /// Active, silent for a day, and either their term goes on, or they have a cost and no end.
    pub(crate) silent_but_paid: InboxPart<Vps>,
    /// Online after the day on which they expired.
    pub(crate) alive_after_expiry: InboxPart<Vps>,
    /// Deleted, and refused within half an hour.
    pub(crate) deleted_but_reporting: InboxPart<Vps>,
}

/// Those that wait for one reason.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InboxPart<T> {
    /// How many there are.
    pub(crate) total: u64,
    /// A search that finds them in the list of machines, and perhaps some more.
    pub(crate) q: &'static str,
    /// The first of them, at most 50.
    pub(crate) first: Vec<T>,
}

impl<T> InboxPart<T> {
    /// Those that are not listed.
    pub(crate) fn more(&self) -> u64 {
        self.total.saturating_sub(u64::try_from(self.first.len()).unwrap_or(u64::MAX))
    }
}

impl InboxPart<Vps> {
    /// Machines that wait for that reason.
    pub(crate) fn of(why: Why, (first, total): (Vec<Vps>, u64)) -> Self {
        Self { total, q: why.search(), first }
    }
}

impl InboxPart<InboxPair> {
    /// Pairs of that kind.
    pub(crate) fn of_pairs(kind: MarkKind, first: Vec<InboxPair>, total: u64) -> Self {
        let q = match kind {
            MarkKind::Clone => "flag:clone -status:retired",
            _ => "flag:conflict -status:retired",
        };
        Self { total, q, first }
    }
}

/// Two records that may be one machine, or two of one name.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InboxPair {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) since: Timestamp,
    pub(crate) one: Vps,
    /// Absent where that is no longer known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) other: Option<Vps>,
}

/// Machines without provider.
#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct Unassigned {
    pub(crate) total: u64,
    /// How many groups there are; the largest 20 are listed, and always those for which no provider is suggested.
    pub(crate) all_groups: usize,
    pub(crate) groups: Vec<InboxGroup>,
}

/// Machines for which the same provider is suggested; in the last group none is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InboxGroup {
    /// `null` when the provider has no record yet, or none is suggested.
    pub(crate) provider_id: Option<Uuid>,
    /// `null` when none is suggested.
    pub(crate) provider: Option<String>,
    /// How many there are.
    pub(crate) machines: usize,
    /// Why, in words; what is said of all of them first.
    pub(crate) reasons: Vec<String>,
    pub(crate) min_score: Option<f64>,
    pub(crate) max_score: Option<f64>,
    /// The first of them by hostname, at most 50.
    pub(crate) first: Vec<InboxCandidate>,
}

/// A machine without provider.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct InboxCandidate {
    pub(crate) id: Uuid,
    pub(crate) hostname: String,
    #[schema(value_type = Vec<String>)]
    pub(crate) addresses: Vec<IpAddr>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) suggestion: Option<Suggestion>,
}

impl Unassigned {
    /// The first groups, and the first machines of each.
    pub(crate) fn of(groups: Vec<Group>, machines: &[(Uuid, Traits)], knowledge: &Knowledge) -> Self {
        let traits: HashMap<Uuid, &Traits> = machines.iter().map(|(id, traits)| (*id, traits)).collect();
        let all_groups = groups.len();
        let candidate = |id: &Uuid| {
            let traits = traits.get(id)?;
            Some(InboxCandidate {
                id: *id,
                hostname: traits.hostname.clone(),
                addresses: traits.addresses.clone(),
                suggestion: knowledge.suggest(traits),
            })
        };
        let listed =
            groups.into_iter().enumerate().filter(|(n, group)| *n < GROUPS || group.provider.is_none());
        let groups = listed.map(|(_, group)| InboxGroup {
            first: group.ids.iter().take(LISTED).filter_map(candidate).collect(),
            provider_id: group.provider_id,
            provider: group.provider,
            machines: group.machines,
            reasons: group.reasons,
            min_score: group.min_score,
            max_score: group.max_score,
        });
        let total = u64::try_from(machines.len()).unwrap_or(u64::MAX);
        Self { total, all_groups, groups: groups.collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::search::Query;

    #[test]
    fn what_is_not_listed_is_found_by_a_search_that_is_understood() {
        let pairs =
            [MarkKind::Conflict, MarkKind::Clone].map(|kind| InboxPart::of_pairs(kind, Vec::new(), 0).q);
        for q in Why::ALL.into_iter().map(Why::search).chain(pairs) {
            assert!(Query::parse(q).is_ok(), "{q}");
        }
    }

    #[test]
    fn nobody_is_silent_while_the_hub_did_not_listen() {
        let day = 86_400_000;
        let at = |days: i64| Timestamp::from_ms(days * day);
        for (since, before, silent_since) in [
            // It runs for long, or for the first time.
            (90, Some(80), 99),
            (100, None, 99),
            // It began just now: whoever was silent for a day when it ended.
            (100, Some(97), 96),
        ] {
            let listening = Listening { since: at(since), until_before: before.map(at) };
            assert_eq!(Moment::at(at(100), listening).silent_since, at(silent_since), "{since}");
        }
    }
}
