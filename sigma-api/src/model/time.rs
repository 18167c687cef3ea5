//! Points in time and days, as the hub keeps and shows them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Serialize, Serializer};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, UtcOffset};

const MS_PER_DAY: i64 = 86_400_000;

/// A point in time: milliseconds since 1970-01-01T00:00:00Z. Shown as RFC 3339 in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Timestamp(i64);

impl Timestamp {
    /// The hub's clock, the only one that decides anything.
    pub(crate) fn now() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    /// From milliseconds since the epoch, as the database holds them.
    pub(crate) const fn from_ms(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the epoch, for the database.
    pub(crate) const fn ms(self) -> i64 {
        self.0
    }

    /// From a time of RFC 3339, whatever its zone; what is finer than a millisecond is cut off.
    pub(crate) fn from_rfc3339(text: &str) -> Option<Self> {
        let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos().div_euclid(1_000_000)).ok().map(Self)
    }

    /// How long before `now` this was; zero when it lies in the future (a clock that was set back).
    pub(crate) fn age(self, now: Self) -> Duration {
        Duration::from_millis(u64::try_from(now.0.saturating_sub(self.0)).unwrap_or(0))
    }

    /// This point, and `by` more.
    pub(crate) fn later(self, by: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// This point, and `by` less.
    pub(crate) fn earlier(self, by: Duration) -> Self {
        Self(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The UTC day of this point plus `days`, as `YYYY-MM-DD`; such texts sort as their days do.
    pub(crate) fn day_plus(self, days: u32) -> String {
        let shifted = Self(self.0.saturating_add(i64::from(days).saturating_mul(MS_PER_DAY)));
        shifted.to_string().chars().take(10).collect()
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|at| at.to_offset(UtcOffset::UTC).format(&Rfc3339).ok());
        // Only a year beyond 9999 has no RFC 3339 form.
        f.write_str(text.as_deref().unwrap_or("9999-12-31T23:59:59Z"))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whether `text` is a day of the calendar as `YYYY-MM-DD`.
pub(crate) fn is_day(text: &str) -> bool {
    let number = |part: &str, length: usize| {
        let is_number = part.len() == length && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse::<u16>().ok()).flatten()
    };
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) = (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2)) else {
        return false;
    };
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok());
    let date = |month| Date::from_calendar_date(year.into(), month, u8::try_from(day).ok()?).ok();
    year > 0 && month.and_then(date).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_as_rfc_3339_in_utc() {
        assert_eq!(Timestamp::from_ms(0).to_string(), "1970-01-01T00:00:00Z");
        assert_eq!(Timestamp::from_ms(1_767_225_600_123).to_string(), "2026-01-01T00:00:00.123Z");
        assert_eq!(Timestamp::from_ms(i64::MAX).to_string(), "9999-12-31T23:59:59Z");
    }

    #[test]
    fn is_read_as_it_is_shown() {
        for text in ["1970-01-01T00:00:00Z", "2026-01-01T00:00:00.123Z"] {
            assert_eq!(Timestamp::from_rfc3339(text).map(|at| at.to_string()).as_deref(), Some(text));
        }
        let elsewhere = Timestamp::from_rfc3339("2026-01-01T08:00:00.1239+08:00");
        assert_eq!(elsewhere, Some(Timestamp::from_ms(1_767_225_600_123)));
        assert_eq!(Timestamp::from_rfc3339("2026-01-01"), None);
    }

    #[test]
    fn days_cross_months_and_leap_years() {
        let at = Timestamp::from_ms(1_772_150_400_000); // 2026-02-27
        assert_eq!(at.day_plus(0), "2026-02-27");
        assert_eq!(at.day_plus(2), "2026-03-01");
    }

    #[test]
    fn a_point_in_the_future_has_no_age() {
        assert_eq!(Timestamp::from_ms(5_000).age(Timestamp::from_ms(1_000)), Duration::ZERO);
        assert_eq!(Timestamp::from_ms(1_000).age(Timestamp::from_ms(5_000)), Duration::from_secs(4));
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        for day in ["2026-12-31", "2028-02-29", "0001-01-01"] {
            assert!(is_day(day), "{day}");
        }
        for day in
            ["2026-02-29", "2026-13-01", "2026-1-1", "26-01-01", "2026-01-01T00", "+026-01-01", "", "--"]
        {
            assert!(!is_day(day), "{day}");
        }
    }
}
