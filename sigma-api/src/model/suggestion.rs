//! The best guess at who bills for a machine, with its reasons: from what its DMI strings say, from the neighbourhood of
//! its addresses, and from what people called the machines that they assigned. A guess is never an assignment.

mod dmi;
mod group;
mod habits;
mod hostname;
mod neighbours;
#[cfg(test)]
mod proof;
mod reason;

use std::collections::HashMap;
use std::net::IpAddr;

use serde::Serialize;
use sigma_protocol::LABEL_INTERNAL;
use utoipa::ToSchema;
use uuid::Uuid;

use super::vps::Vps;
use dmi::{Known, Looks};
use habits::Habits;
use hostname::{Pattern, patterns};
use neighbours::{Neighbours, is_telling};

pub(crate) use group::{Group, groups};
pub(crate) use reason::Reason;

/// A guess that is less likely than not is none.
const MIN_SCORE: f64 = 0.5;
/// Nothing is certain until a person says it.
const MAX_SCORE: f64 = 0.99;
/// What is left of the word of neighbours and hostnames when no machine of the provider looks like this one.
const UNLIKE: f64 = 0.5;

/// Who probably bills for a machine that has no provider yet.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub(crate) struct Suggestion {
    /// `null` when the provider has no record yet; accepting makes one.
    pub(crate) provider_id: Option<Uuid>,
    /// What the provider is called.
    pub(crate) provider: String,
    /// How sure it is, 0 to 1.
    pub(crate) score: f64,
    /// Why, in words; the strongest first.
    #[schema(value_type = Vec<String>)]
    pub(crate) reasons: Vec<Reason>,
}

/// What a guess looks at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) hostname: String,
    /// Those that are not labelled as internal.
    pub(crate) addresses: Vec<IpAddr>,
    pub(crate) virtualization: Option<String>,
    pub(crate) vendor: Option<String>,
    pub(crate) product: Option<String>,
    pub(crate) asset_tag: Option<String>,
}

impl Traits {
    /// What can be seen of a machine.
    pub(crate) fn of(vps: &Vps) -> Self {
        let info = vps.reported.as_ref().map(|reported| reported.system_info.clone()).unwrap_or_default();
        let public = vps.ip_addresses.iter().filter(|address| address.label != LABEL_INTERNAL);
        Self {
            hostname: vps.hostname.clone(),
            addresses: public.map(|address| address.ip).collect(),
            virtualization: info.virtualization,
            vendor: info.vendor,
            product: info.product,
            asset_tag: info.asset_tag,
        }
    }

    /// Whether its DMI strings are those of the host it runs on, which may be rented by whoever sells it.
    fn is_container(&self) -> bool {
        matches!(self.virtualization.as_deref(), Some("lxc" | "openvz" | "container"))
    }
}

/// A candidate: a provider that has a record, by its number, or one that is only known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Record(usize),
    Named(&'static str),
}

/// What speaks for a candidate, and how much, 0 to 1.
struct Evidence {
    who: Who,
    weight: f64,
    reason: Reason,
}

/// What the machines teach that people have assigned, in a form that a guess finds its way in quickly.
#[derive(Debug, Default)]
pub(crate) struct Knowledge {
    providers: Vec<(Uuid, String)>,
    dmi: Known,
    looks: Looks,
    strings: Habits<(dmi::Field, String)>,
    patterns: Habits<Pattern>,
    neighbours: Neighbours,
}

impl Knowledge {
    /// Learns from machines and who bills for them; those of a provider that is not in `providers` teach nothing.
    pub(crate) fn learn(providers: Vec<(Uuid, String)>, machines: &[(Uuid, Traits)]) -> Self {
        let numbers: HashMap<Uuid, usize> =
            providers.iter().enumerate().map(|(number, (id, _))| (*id, number)).collect();
        let mut learnt = Self { dmi: Known::new(&providers), providers, ..Self::default() };
        for (machine, (provider, traits)) in machines.iter().enumerate() {
            let Some(&provider) = numbers.get(provider) else { continue };
            learnt.dmi.learn(provider, traits);
            learnt.looks.learn(provider, traits);
            learnt.strings.learn(provider, dmi::strings(traits));
            learnt.patterns.learn(provider, patterns(&traits.hostname));
            for address in traits.addresses.iter().filter(|address| is_telling(**address)) {
                learnt.neighbours.learn(*address, machine, provider);
            }
        }
        learnt.neighbours.sort();
        learnt
    }

    /// The best guess for a machine, if there is a good one.
    pub(crate) fn suggest(&self, traits: &Traits) -> Option<Suggestion> {
        let mut evidence = self.dmi.evidence(traits);
        let mut learnt = self.strings_evidence(traits);
        learnt.extend(self.neighbours_evidence(traits));
        learnt.extend(self.hostname_evidence(traits));
        for piece in &mut learnt {
            if let Who::Record(provider) = piece.who
                && self.looks.never(provider, traits)
            {
                piece.weight *= UNLIKE;
            }
        }
        evidence.extend(learnt);
        self.decide(evidence)
    }

    fn strings_evidence(&self, traits: &Traits) -> Vec<Evidence> {
        let strings = dmi::strings(traits);
        let best = self.strings.best(&strings);
        let trust = if traits.is_container() { dmi::TRUST_IN_CONTAINER } else { 1.0 };
        let evidence = best.map(|((field, _), habit)| Evidence {
            who: Who::Record(habit.provider),
            weight: habit.weight * trust,
            reason: Reason::SameDmi {
                field: *field,
                text: field.of(traits).unwrap_or_default().to_owned(),
                there: habit.there,
                of: habit.of,
            },
        });
        evidence.into_iter().collect()
    }

    /// The strongest of each provider and family: the second address of a machine mostly has the same neighbours.
    fn neighbours_evidence(&self, traits: &Traits) -> Vec<Evidence> {
        let mut all: Vec<Evidence> = Vec::new();
        for address in traits.addresses.iter().filter(|address| is_telling(**address)) {
            for near in self.neighbours.of(*address) {
                let reason =
                    Reason::Address { ip: *address, machines: near.machines, prefix: near.common_prefix };
                all.push(Evidence { who: Who::Record(near.provider), weight: near.weight, reason });
            }
        }
        all.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let mut kept = Vec::new();
        all.retain(|evidence| {
            let key = (evidence.who, evidence.reason.is_about_ipv6());
            let is_first = !kept.contains(&key);
            kept.push(key);
            is_first
        });
        all
    }

    fn hostname_evidence(&self, traits: &Traits) -> Option<Evidence> {
        let patterns = patterns(&traits.hostname);
        let (pattern, habit) = self.patterns.best(&patterns)?;
        let reason = Reason::Hostname { pattern: pattern.to_string(), there: habit.there, of: habit.of };
        Some(Evidence { who: Who::Record(habit.provider), weight: habit.weight, reason })
    }

    /// What speaks for one candidate adds up; what speaks for others takes away. Odds do both.
    fn decide(&self, mut evidence: Vec<Evidence>) -> Option<Suggestion> {
        evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
        let mut doubts: Vec<(Who, f64)> = Vec::new();
        for piece in &evidence {
            match doubts.iter_mut().find(|(who, _)| *who == piece.who) {
                Some((_, doubt)) => *doubt *= 1.0 - piece.weight,
                None => doubts.push((piece.who, 1.0 - piece.weight)),
            }
        }
        let odds = |doubt: f64| {
            let sure = (1.0 - doubt).min(MAX_SCORE);
            sure / (1.0 - sure)
        };
        let all: f64 = doubts.iter().map(|(_, doubt)| odds(*doubt)).sum();
        let (who, doubt) = doubts.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let score = (odds(*doubt) / (1.0 + all) * 100.0).round() / 100.0;
        if score < MIN_SCORE {
            return None;
        }
        let reasons = evidence.iter().filter(|piece| piece.who == *who).map(|piece| piece.reason.clone());
        let (provider_id, provider) = self.called(*who)?;
        Some(Suggestion { provider_id, provider, score, reasons: reasons.collect() })
    }

    fn called(&self, who: Who) -> Option<(Option<Uuid>, String)> {
        match who {
            Who::Record(number) => self.providers.get(number).map(|(id, name)| (Some(*id), name.clone())),
            Who::Named(name) => Some((None, name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests;
