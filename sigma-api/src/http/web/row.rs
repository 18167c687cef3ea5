//! A machine as a row of the fleet.

use std::collections::HashMap;
use std::net::IpAddr;

use sigma_protocol::LABEL_INTERNAL;
use uuid::Uuid;

use super::words::{IN_GIB_FROM_MIB, Moment, long, mib};
use crate::model::delivery::LESS_THAN_BOUGHT;
use crate::model::presence::Presence;
use crate::model::time::Timestamp;
use crate::model::vps::{Reported, Status, Vps};

/// Addresses and tags that are shown before "and so many more".
const ADDRESSES: usize = 3;
const TAGS: usize = 6;
/// From here on a bar deserves a look.
const HIGH_PERCENT: u64 = 85;

/// What the row of a machine shows.
pub(super) struct Row {
    pub(super) id: Uuid,
    /// What the row shows, as a number; empty until it is known.
    pub(super) mark: String,
    /// Whether it was chosen before a mistake.
    pub(super) is_picked: bool,
    pub(super) hostname: String,
    pub(super) alias: String,
    pub(super) presence: Presence,
    /// Its id and name.
    pub(super) provider: Option<(Uuid, String)>,
    pub(super) guess: Option<Guess>,
    pub(super) addresses: Vec<Ip>,
    pub(super) more_addresses: usize,
    pub(super) load: Option<Load>,
    pub(super) memory: Option<Meter>,
    pub(super) disk: Option<Meter>,
    pub(super) uptime: Option<String>,
    pub(super) seen: Option<Moment>,
    pub(super) expires: Option<Expiry>,
    pub(super) tags: Vec<String>,
    pub(super) more_tags: usize,
    pub(super) flags: Vec<&'static str>,
    pub(super) place: String,
    pub(super) status: Status,
    pub(super) agent: Option<String>,
    pub(super) system: Option<String>,
    pub(super) cost: Option<String>,
}

/// Who probably bills for it.
pub(super) struct Guess {
    pub(super) provider: String,
    pub(super) percent: u64,
    pub(super) why: String,
}

/// One address.
pub(super) struct Ip {
    pub(super) ip: IpAddr,
    pub(super) label: String,
}

/// Load of the last minute, against the cores.
pub(super) struct Load {
    pub(super) one: String,
    pub(super) cores: Option<u32>,
    pub(super) is_high: bool,
}

/// How much is used of how much.
pub(super) struct Meter {
    pub(super) text: String,
    /// 0 to 100; unknown where there is nothing to compare it with.
    pub(super) percent: Option<u64>,
    pub(super) is_high: bool,
}

/// When it expires.
pub(super) struct Expiry {
    pub(super) day: String,
    pub(super) words: String,
    pub(super) is_soon: bool,
}

impl Row {
    pub(super) fn new(now: Timestamp, vps: Vps, providers: &HashMap<Uuid, String>) -> Self {
        let reported = vps.reported.as_ref();
        let mut addresses: Vec<Ip> = vps
            .ip_addresses
            .iter()
            .map(|address| Ip { ip: address.ip, label: address.label.clone() })
            .collect();
        // Those that others reach it by come first.
        addresses.sort_by_key(|address| address.label == LABEL_INTERNAL);
        Self {
            id: vps.id,
            mark: String::new(),
            is_picked: false,
            presence: vps.presence,
            provider: vps.provider_id.and_then(|id| Some((id, providers.get(&id)?.clone()))),
            guess: vps.suggestion.as_ref().map(|suggestion| Guess {
                provider: suggestion.provider.clone(),
                percent: percent(suggestion.score, 1.0),
                why: suggestion.reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "),
            }),
            more_addresses: addresses.len().saturating_sub(ADDRESSES),
            addresses: addresses.into_iter().take(ADDRESSES).collect(),
            load: reported.and_then(load),
            memory: reported.and_then(memory),
            disk: reported.and_then(disk),
            uptime: reported
                .and_then(|reported| reported.system_info.uptime_seconds)
                .map(|seconds| long(std::time::Duration::from_secs(seconds))),
            seen: vps.last_seen_at.map(|at| Moment::new(now, at)),
            expires: vps.expire_date.as_ref().map(|day| expiry(now, day)),
            more_tags: vps.tags.len().saturating_sub(TAGS),
            tags: vps.tags.iter().take(TAGS).cloned().collect(),
            flags: vps.flags.iter().map(|flag| flag_in_words(flag)).collect(),
            place: [vps.city.as_str(), vps.country.as_str()]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join(", "),
            status: vps.status,
            agent: reported.and_then(|reported| reported.agent.version.clone()),
            system: reported.and_then(|reported| reported.system_info.os.clone()),
            cost: vps
                .cost_monthly
                .as_ref()
                .map(|cost| format!("{cost} {}", vps.currency).trim_end().to_owned()),
            hostname: vps.hostname,
            alias: vps.alias,
        }
    }
}

pub(super) fn load(reported: &Reported) -> Option<Load> {
    let info = &reported.system_info;
    let [one, ..] = info.load_avg?;
    let is_high = info.cpu_cores.is_some_and(|cores| one > f64::from(cores));
    Some(Load { one: format!("{one:.2}"), cores: info.cpu_cores, is_high })
}

pub(super) fn memory(reported: &Reported) -> Option<Meter> {
    let info = &reported.system_info;
    let (used, all) = (info.ram_used_mb?, info.ram_mb?);
    let text = if all < IN_GIB_FROM_MIB {
        format!("{used} of {all} MiB")
    } else {
        let tenths = used.saturating_mul(10) / 1024;
        format!("{}.{} of {}", tenths / 10, tenths % 10, mib(all))
    };
    Some(Meter::new(text, used.saturating_mul(100).checked_div(all)?))
}

pub(super) fn disk(reported: &Reported) -> Option<Meter> {
    let info = &reported.system_info;
    let (used, all) = (info.disk_used_gb?, info.disk_gb?);
    let whole = u32::try_from(all).ok().filter(|all| *all > 0)?;
    Some(Meter::new(format!("{used:.1} of {all} GiB"), percent(used, f64::from(whole))))
}

impl Meter {
    pub(super) fn new(text: String, percent: u64) -> Self {
        Self::of(text, Some(percent))
    }

    pub(super) fn of(text: String, percent: Option<u64>) -> Self {
        let percent = percent.map(|percent| percent.min(100));
        Self { text, percent, is_high: percent.is_some_and(|percent| percent >= HIGH_PERCENT) }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest whole number; what is out of range, the nearest that there is"
)]
pub(super) fn percent(part: f64, whole: f64) -> u64 {
    (part / whole * 100.0).round() as u64
}

/// When a machine expires, by the calendar of UTC.
pub(super) fn expiry(now: Timestamp, day: &str) -> Expiry {
    let today = now.day_plus(0);
    // Most are further away, which is told by comparing texts.
    let is_near = *today <= *day && *day <= *now.day_plus(60);
    let near = (0..=60).filter(|_| is_near).find(|days| now.day_plus(*days) == day);
    let words = match near {
        Some(0) => "today".to_owned(),
        Some(1) => "tomorrow".to_owned(),
        Some(days) => format!("in {days} days"),
        None if day < &*today => format!("since {day}"),
        None => day.to_owned(),
    };
    let is_soon = day < &*today || near.is_some_and(|days| days <= 14);
    Expiry { day: day.to_owned(), words, is_soon }
}

/// A flag of a record as a person reads it.
pub(super) fn flag_in_words(flag: &str) -> &'static str {
    match flag {
        "conflict" => "two of this name",
        "clone" => "clone",
        "reinstalled" => "reinstalled",
        "rekeyed" => "other key",
        LESS_THAN_BOUGHT => "less than bought",
        _ => "to look at",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_said_as_far_as_it_is_near() {
        let now = Timestamp::from_ms(1_772_150_400_000); // 2026-02-27
        for (day, words, is_soon) in [
            ("2026-02-27", "today", true),
            ("2026-02-28", "tomorrow", true),
            ("2026-03-13", "in 14 days", true),
            ("2026-03-14", "in 15 days", false),
            ("2027-01-01", "2027-01-01", false),
            ("2026-02-26", "since 2026-02-26", true),
        ] {
            let expiry = expiry(now, day);
            assert_eq!((&*expiry.words, expiry.is_soon), (words, is_soon), "{day}");
        }
    }

    #[test]
    fn a_bar_is_neither_longer_than_whole_nor_shorter_than_nothing() {
        assert_eq!((percent(5.0, 2.0), percent(-1.0, 2.0), percent(f64::NAN, 1.0)), (250, 0, 0));
        assert_eq!(Meter::new(String::new(), 250).percent, Some(100));
    }
}
