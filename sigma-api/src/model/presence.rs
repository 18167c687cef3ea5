//! Whether a machine is there, judged by the hub's clock alone.

use std::time::Duration;

use serde::Serialize;
use utoipa::ToSchema;

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

/// Whether a machine reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
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
        let interval = interval.unwrap_or(DEFAULT_INTERVAL);
        let online_for = interval.saturating_mul(ONLINE_INTERVALS).saturating_add(GRACE);
        let late_for = interval.saturating_mul(LATE_INTERVALS).max(OFFLINE_AT_LEAST_AFTER);
        match last_seen.age(now) {
            age if age <= online_for => Self::Online,
            age if age <= late_for => Self::Late,
            _ => Self::Offline,
        }
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
}
