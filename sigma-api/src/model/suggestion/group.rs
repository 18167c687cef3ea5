//! Machines without provider, put together by what is suggested for them: fifty are then decided upon at once.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::reason::Reason;
use super::{Knowledge, Suggestion, Traits};

/// More reasons than these are not read.
const REASONS: usize = 4;

/// Machines for which the same provider is suggested; in the last group none is.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = SuggestionGroup)]
pub(crate) struct Group {
    /// `null` when the provider has no record yet, or none is suggested.
    pub(crate) provider_id: Option<Uuid>,
    /// `null` when none is suggested.
    pub(crate) provider: Option<String>,
    /// How many there are.
    pub(crate) machines: usize,
    /// Why, in words; what is said of all of them first.
    pub(crate) reasons: Vec<String>,
    /// The machines, by hostname.
    pub(crate) ids: Vec<Uuid>,
    /// How sure the least and the most sure suggestion are; `null` when none is suggested.
    pub(crate) min_score: Option<f64>,
    pub(crate) max_score: Option<f64>,
}

/// What makes a group: name and id of a provider.
type Named = (String, Option<Uuid>);

/// The machines in groups: the largest first, those without suggestion last.
pub(crate) fn groups(knowledge: &Knowledge, machines: &[(Uuid, Traits)]) -> Vec<Group> {
    let mut suggested: BTreeMap<Named, Vec<(Uuid, Suggestion)>> = BTreeMap::new();
    let mut without = Vec::new();
    for (id, traits) in machines {
        match knowledge.suggest(traits) {
            Some(suggestion) => {
                let key = (suggestion.provider.clone(), suggestion.provider_id);
                suggested.entry(key).or_default().push((*id, suggestion));
            }
            None => without.push(*id),
        }
    }
    let mut groups: Vec<Group> = suggested.into_iter().map(|(key, all)| Group::of(key, &all)).collect();
    // The sort is stable: groups of one size stay in the order of their names.
    groups.sort_by_key(|group| std::cmp::Reverse(group.machines));
    if !without.is_empty() {
        groups.push(Group {
            provider_id: None,
            provider: None,
            machines: without.len(),
            reasons: Vec::new(),
            ids: without,
            min_score: None,
            max_score: None,
        });
    }
    groups
}

impl Group {
    fn of((provider, provider_id): Named, all: &[(Uuid, Suggestion)]) -> Self {
        let scores = || all.iter().map(|(_, suggestion)| suggestion.score);
        Self {
            provider_id,
            provider: Some(provider),
            machines: all.len(),
            reasons: reasons(all),
            ids: all.iter().map(|(id, _)| *id).collect(),
            min_score: scores().min_by(f64::total_cmp),
            max_score: scores().max_by(f64::total_cmp),
        }
    }
}

/// Which reasons are the same one, said of several machines.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Address,
    Other(String),
}

/// The reasons of all, each once: those of most machines first, and for how many it is, if not for all.
fn reasons(all: &[(Uuid, Suggestion)]) -> Vec<String> {
    let mut kinds: BTreeMap<Kind, (usize, &Reason)> = BTreeMap::new();
    for (_, suggestion) in all {
        let mut of_this_one = Vec::new();
        for reason in &suggestion.reasons {
            let kind = match reason {
                Reason::Address { .. } => Kind::Address,
                other => Kind::Other(other.of_several()),
            };
            let (count, shown) = kinds.entry(kind).or_insert((0, reason));
            if neighbours(reason) > neighbours(shown) {
                *shown = reason;
            }
            // IPv4 and IPv6 are one reason.
            if !of_this_one.contains(&std::mem::discriminant(reason)) {
                *count += 1;
            }
            of_this_one.push(std::mem::discriminant(reason));
        }
    }
    let mut counted: Vec<(usize, &Reason)> = kinds.into_values().collect();
    counted.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let say = |(count, reason): (usize, &Reason)| match count {
        _ if all.len() == 1 => reason.to_string(),
        count if count == all.len() => reason.of_several(),
        count => format!("{} ({count} of them)", reason.of_several()),
    };
    counted.into_iter().take(REASONS).map(say).collect()
}

fn neighbours(reason: &Reason) -> usize {
    if let Reason::Address { machines, .. } = reason { *machines } else { 0 }
}
