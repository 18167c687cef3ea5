//! Machines as the inbox shows them.

use std::collections::HashMap;

use sigma_protocol::LABEL_INTERNAL;
use uuid::Uuid;

use crate::http::web::row::{Expiry, expiry, percent};
use crate::http::web::words::{Moment, mib};
use crate::model::delivery::{Bought, Shortfall};
use crate::model::inbox::{InboxCandidate, InboxGroup, InboxPair};
use crate::model::presence::Presence;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;

/// Below this a suggestion deserves a second look.
const SURE_PERCENT: u64 = 80;
/// Addresses that are shown before "and so many more".
const ADDRESSES: usize = 3;
/// Of an id, so much tells two apart.
const ID_CHARS: usize = 8;

/// Machines for which one provider is suggested, or none is.
pub(super) struct Group {
    pub(super) provider: Option<String>,
    /// Whether the provider has no record yet.
    pub(super) is_new: bool,
    pub(super) machines: usize,
    pub(super) reasons: Vec<String>,
    /// How sure, if that is little.
    pub(super) doubt: Option<String>,
    pub(super) candidates: Vec<Candidate>,
}

/// A machine without provider.
pub(super) struct Candidate {
    pub(super) id: Uuid,
    pub(super) hostname: String,
    pub(super) addresses: Addresses,
    pub(super) percent: Option<u64>,
    pub(super) why: String,
}

/// Addresses, the first of them.
pub(super) struct Addresses {
    pub(super) first: Vec<String>,
    pub(super) more: usize,
}

/// Two records that may be one machine.
pub(super) struct Pair {
    pub(super) sides: Vec<Item>,
    pub(super) since: Moment,
}

/// A machine.
pub(super) struct Item {
    pub(super) id: Uuid,
    /// As the page shows it.
    pub(super) version: i64,
    pub(super) hostname: String,
    pub(super) alias: String,
    pub(super) presence: Presence,
    pub(super) status: &'static str,
    pub(super) seen: Option<Moment>,
    pub(super) created: Moment,
    pub(super) provider: Option<(Uuid, String)>,
    pub(super) addresses: Addresses,
    pub(super) machine_id: Option<String>,
    pub(super) boot_id: Option<String>,
    pub(super) cost: Option<String>,
    pub(super) expires: Option<Expiry>,
    /// Of what there is less than was bought.
    pub(super) less: Vec<String>,
    /// Since when it waits, by its marks of that kind.
    pub(super) marks: Vec<(&'static str, Moment)>,
    pub(super) refused: Option<Refused>,
}

/// Reports that were refused.
pub(super) struct Refused {
    pub(super) reports: u64,
    pub(super) last: Moment,
}

impl Group {
    pub(super) fn new(group: InboxGroup) -> Self {
        let doubt = group.min_score.zip(group.max_score).and_then(|(least, most)| {
            let (least, most) = (percent(least, 1.0), percent(most, 1.0));
            match (least < SURE_PERCENT, least == most) {
                (false, _) => None,
                (true, true) => Some(format!("Less sure: {least} %.")),
                (true, false) => Some(format!("Less sure: {least} to {most} %.")),
            }
        });
        Self {
            is_new: group.provider.is_some() && group.provider_id.is_none(),
            provider: group.provider,
            machines: group.machines,
            reasons: group.reasons,
            doubt,
            candidates: group.first.into_iter().map(Candidate::new).collect(),
        }
    }

    /// Those that are not listed.
    pub(super) fn more(&self) -> usize {
        self.machines.saturating_sub(self.candidates.len())
    }
}

impl Candidate {
    fn new(candidate: InboxCandidate) -> Self {
        let suggestion = candidate.suggestion;
        let addresses = candidate.addresses.iter().map(ToString::to_string).collect();
        Self {
            id: candidate.id,
            hostname: candidate.hostname,
            addresses: Addresses::of(addresses),
            percent: suggestion.as_ref().map(|suggestion| percent(suggestion.score, 1.0)),
            why: suggestion
                .map(|suggestion| suggestion.reasons.iter().map(ToString::to_string).collect::<Vec<_>>())
                .unwrap_or_default()
                .join("; "),
        }
    }
}

impl Addresses {
    fn of(all: Vec<String>) -> Self {
        let more = all.len().saturating_sub(ADDRESSES);
        Self { first: all.into_iter().take(ADDRESSES).collect(), more }
    }
}

impl Pair {
    pub(super) fn new(now: Timestamp, pair: &InboxPair, names: &HashMap<Uuid, String>) -> Self {
        let sides = [Some(&pair.one), pair.other.as_ref()].into_iter().flatten();
        Self {
            sides: sides.map(|vps| Item::new(now, vps, names)).collect(),
            since: Moment::new(now, pair.since),
        }
    }

    /// Whether both report at this moment, as two machines do.
    pub(super) fn both_live(&self) -> bool {
        self.sides.len() == 2 && self.sides.iter().all(|side| side.presence == Presence::Online)
    }

    /// The ids of the two, if there are two: in each order.
    pub(super) fn orders(&self) -> Vec<(&Item, &Item)> {
        match self.sides.as_slice() {
            [one, other] => vec![(one, other), (other, one)],
            _ => Vec::new(),
        }
    }
}

impl Item {
    pub(super) fn new(now: Timestamp, vps: &Vps, names: &HashMap<Uuid, String>) -> Self {
        let mut addresses: Vec<_> = vps.ip_addresses.iter().collect();
        // Those that others reach it by come first.
        addresses.sort_by_key(|address| address.label == LABEL_INTERNAL);
        let evidence = vps.reported.as_ref().map(|reported| &reported.machine);
        let short = |id: &String| id.chars().take(ID_CHARS).collect::<String>();
        Self {
            id: vps.id,
            version: vps.version,
            hostname: vps.hostname.clone(),
            alias: vps.alias.clone(),
            presence: vps.presence,
            status: vps.status.name(),
            seen: vps.last_seen_at.map(|at| Moment::new(now, at)),
            created: Moment::new(now, vps.created_at),
            provider: vps.provider_id.and_then(|id| names.get(&id).map(|name| (id, name.clone()))),
            addresses: Addresses::of(addresses.iter().map(|address| address.ip.to_string()).collect()),
            machine_id: evidence.and_then(|machine| machine.id.as_ref()).map(short),
            boot_id: evidence.and_then(|machine| machine.boot_id.as_ref()).map(short),
            cost: vps
                .cost_monthly
                .as_ref()
                .map(|cost| format!("{cost} {}", vps.currency).trim_end().to_owned()),
            expires: vps.expire_date.as_ref().map(|day| expiry(now, day)),
            less: less(vps),
            marks: vps.marks.iter().map(|mark| (mark.kind.name(), Moment::new(now, mark.since))).collect(),
            refused: vps
                .refused_reports
                .zip(vps.refused_at)
                .map(|(reports, last)| Refused { reports, last: Moment::new(now, last) }),
        }
    }

    /// Since when it waits for that.
    pub(super) fn since(&self, kind: &str) -> Option<&Moment> {
        self.marks.iter().find(|(of, _)| *of == kind).map(|(_, since)| since)
    }
}

fn less(vps: &Vps) -> Vec<String> {
    let Some(info) = vps.reported.as_ref().map(|reported| &reported.system_info) else { return Vec::new() };
    let measured = Bought { cpu_cores: info.cpu_cores, ram_mb: info.ram_mb, disk_gb: info.disk_gb };
    let say = |shortfall: &Shortfall| match *shortfall {
        Shortfall::Cores { bought, measured } => format!("{measured} of {bought} cores"),
        Shortfall::Memory { bought, measured } => format!("{} of {} memory", mib(measured), mib(bought)),
        Shortfall::Disk { bought, measured } => format!("{measured} of {bought} GiB disk"),
    };
    Bought::of(vps).shortfalls(measured).iter().map(say).collect()
}
