//! Whether a machine is there, judged by the hub's clock alone.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

use super::text::Invalid;
use super::time::Timestamp;

/// Interval of an agent that does not say its own (older agents beat once a minute).
pub(crate) const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// Two missed beats may be chance; this much more covers the journey and a retry.
pub(crate) const GRACE: Duration = Duration::from_secs(15);
/// A machine with a short interval may reboot without being called offline.
pub(crate) const OFFLINE_AT_LEAST_AFTER: Duration = Duration::from_secs(300);

/// Intervals that an online machine may be silent for, beside the grace.
pub(crate) const ONLINE_INTERVALS: u32 = 2;
/// Intervals after which a silent machine is offline.
pub(crate) const LATE_INTERVALS: u32 = 5;
/// Days whose silences are shown unless somebody asks for others.
const SHOWN_DAYS: u32 = 30;
const MAX_SHOWN_DAYS: u32 = 3650;

/// Whether a machine reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Presence {
    /// Reported within two intervals and a grace of 15 s.
    Online,
    /// Silent for longer than that, but not yet for five intervals and five minutes.
    Late,
    /// Silent for longer.
    Offline,
    /// Has never reported.
    Never,
}

impl Presence {
    pub(crate) const ALL: [Self; 4] = [Self::Online, Self::Late, Self::Offline, Self::Never];

    /// Its name in JSON, queries and metrics.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Late => "late",
            Self::Offline => "offline",
            Self::Never => "never",
        }
    }

    /// The presence of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|presence| presence.name() == name)
    }

    /// Presence at `now` of a machine last seen at `last_seen` that beats every `interval`.
    pub(crate) fn at(now: Timestamp, last_seen: Option<Timestamp>, interval: Option<Duration>) -> Self {
        let Some(last_seen) = last_seen else { return Self::Never };
        let online_for = online_for(interval);
        let interval = interval.unwrap_or(DEFAULT_INTERVAL);
        let late_for = interval.saturating_mul(LATE_INTERVALS).max(OFFLINE_AT_LEAST_AFTER);
        match last_seen.age(now) {
            age if age <= online_for => Self::Online,
            age if age <= late_for => Self::Late,
            _ => Self::Offline,
        }
    }
}

/// For how long after a report a machine that beats every `interval` is taken for online.
pub(crate) fn online_for(interval: Option<Duration>) -> Duration {
    interval.unwrap_or(DEFAULT_INTERVAL).saturating_mul(ONLINE_INTERVALS).saturating_add(GRACE)
}

/// The parameter `days` of a query.
///
/// # Errors
/// When it is no number of days.
pub(crate) fn days_of(parameters: &[(String, String)]) -> Result<u32, Invalid> {
    let given = parameters.iter().find(|(name, value)| name == "days" && !value.is_empty());
    let days = given.map_or(Some(SHOWN_DAYS), |(_, value)| value.parse().ok());
    days.filter(|days| (1..=MAX_SHOWN_DAYS).contains(days))
        .ok_or_else(|| Invalid::new("days", format!("is a number from 1 to {MAX_SHOWN_DAYS}")))
}

/// A time in which a machine did not report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Gap {
    #[schema(value_type = String, format = DateTime)]
    pub(crate) from: Timestamp,
    /// `null` as long as it goes on.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) until: Option<Timestamp>,
}

/// When the hub listened: nobody was silent while it did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listening {
    pub(crate) since: Timestamp,
    /// When it heard somebody last before that.
    pub(crate) until_before: Option<Timestamp>,
}

impl Listening {
    /// Since when a machine last seen at `last_seen` is silent at `now`, if that is longer than it may be. Where the hub
    /// did not listen, the silence before and after are judged each by itself.
    pub(crate) fn silent_since(
        self,
        now: Timestamp,
        last_seen: Timestamp,
        interval: Option<Duration>,
    ) -> Option<Timestamp> {
        let allowed = online_for(interval);
        if last_seen >= self.since {
            return (last_seen.age(now) > allowed).then_some(last_seen);
        }
        let before = self.until_before.is_some_and(|until| last_seen.age(until) > allowed);
        let after = (self.since.age(now) > allowed).then_some(self.since);
        if before { Some(last_seen) } else { after }
    }

    /// Whoever was last seen before this was silent for so long at `now`, while the hub listened.
    pub(crate) fn unheard_for(self, now: Timestamp, long: Duration) -> Timestamp {
        let heard_for_long = self.since.age(now) >= long;
        let until = self.until_before.filter(|_| !heard_for_long).unwrap_or(now);
        until.min(now).earlier(long)
    }
}

/// How many living machines there are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Presences {
    /// In service, by presence. What there is none of is left out.
    in_service: Vec<(Presence, u64)>,
    pub(crate) retired: u64,
}

impl Presences {
    /// Counts `machines` more of one presence.
    pub(crate) fn add(&mut self, is_retired: bool, presence: Presence, machines: u64) {
        if is_retired {
            self.retired = self.retired.saturating_add(machines);
        } else {
            self.in_service.push((presence, machines));
            self.in_service.sort();
        }
    }

    /// In service and of that presence.
    pub(crate) fn of(&self, presence: Presence) -> u64 {
        self.in_service.iter().filter(|(of, _)| *of == presence).map(|(_, machines)| machines).sum()
    }

    /// In service, of any presence.
    pub(crate) fn in_service(&self) -> u64 {
        self.in_service.iter().map(|(_, machines)| machines).sum()
    }

    /// In service, by the name of their presence, online first.
    pub(crate) fn by_name(&self) -> impl Iterator<Item = (u64, &'static str)> {
        self.in_service.iter().map(|(presence, machines)| (*machines, presence.name()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(seconds: i64, interval: Option<u64>) -> Presence {
        let seen = Timestamp::from_ms(1_000_000);
        let now = Timestamp::from_ms(1_000_000 + seconds * 1000);
        Presence::at(now, Some(seen), interval.map(Duration::from_secs))
    }

    #[test]
    fn never_without_a_report() {
        assert_eq!(Presence::at(Timestamp::from_ms(0), None, None), Presence::Never);
    }

    #[test]
    fn thresholds_follow_the_interval() {
        for (seconds, interval, expected) in [
            (0, Some(60), Presence::Online),
            (135, Some(60), Presence::Online),
            (136, Some(60), Presence::Late),
            (300, Some(60), Presence::Late),
            (301, Some(60), Presence::Offline),
            (135, None, Presence::Online),
            (136, None, Presence::Late),
            (25, Some(5), Presence::Online),
            (26, Some(5), Presence::Late),
            (300, Some(5), Presence::Late),
            (301, Some(5), Presence::Offline),
            (7215, Some(3600), Presence::Online),
            (18_000, Some(3600), Presence::Late),
            (18_001, Some(3600), Presence::Offline),
        ] {
            assert_eq!(after(seconds, interval), expected, "{seconds} s, {interval:?}");
        }
    }

    #[test]
    fn a_clock_set_back_makes_nobody_offline() {
        assert_eq!(after(-3600, Some(60)), Presence::Online);
    }

    #[test]
    fn a_silence_counts_while_the_hub_listened() {
        let at = |seconds: i64| Timestamp::from_ms(seconds * 1000);
        let listening = Listening { since: at(10_000), until_before: Some(at(5_000)) };
        let interval = Some(Duration::from_secs(60));
        for (last_seen, now, expected) in [
            (10_100, 10_235, None),
            (10_100, 10_236, Some(10_100)),
            (4_990, 10_100, None),
            (4_990, 10_135, None),
            (4_990, 10_136, Some(10_000)),
            (4_000, 10_010, Some(4_000)),
        ] {
            let since = listening.silent_since(at(now), at(last_seen), interval);
            assert_eq!(since, expected.map(at), "{last_seen} {now}");
        }
        let first = Listening { since: at(10_000), until_before: None };
        assert_eq!(first.silent_since(at(10_010), at(4_000), interval), None);
    }
}
