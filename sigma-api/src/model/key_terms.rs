//! The terms of a key: until when it is valid, how many machines it may bring, and what those get from it.

use std::time::Duration;

use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime};
use uuid::Uuid;

use super::text::{Invalid, check_text};
use super::time::Timestamp;

const DAY: Duration = Duration::from_secs(86_400);
const MAX_DAYS: u64 = 36_500;
const MAX_TAGS: usize = 32;
const MAX_TAG_CHARS: usize = 64;
/// As many machines as one hub is built for, many times over.
const MAX_MACHINES: u32 = 1_000_000;

/// What a key may do beyond its role.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Terms {
    /// From then on it is not taken; an agent's only registers no new machine.
    pub(crate) expires_at: Option<Timestamp>,
    /// New machines that it may register in all.
    pub(crate) max_machines: Option<u32>,
    /// Provider of the machines that it registers.
    pub(crate) provider_id: Option<Uuid>,
    /// Their tags.
    pub(crate) tags: Vec<String>,
}

impl Terms {
    /// Terms that a person asked for.
    ///
    /// # Errors
    /// Names the member that breaks a rule.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Invalid> {
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(Invalid::new("expires_at", "is in the past"));
        }
        check_machines("max_machines", self.max_machines)?;
        if self.tags.len() > MAX_TAGS {
            return Err(Invalid::new("tags", format!("has more than {MAX_TAGS} entries")));
        }
        for (place, tag) in self.tags.iter().enumerate() {
            let field = format!("tags[{place}]");
            if tag.trim().is_empty() {
                return Err(Invalid::new(field, "is empty"));
            }
            check_text(&field, tag, MAX_TAG_CHARS)?;
        }
        Ok(())
    }
}

/// How many machines a key may bring.
///
/// # Errors
/// Names `field`.
pub(crate) fn check_machines(field: &str, machines: Option<u32>) -> Result<(), Invalid> {
    if machines.is_some_and(|most| most == 0 || most > MAX_MACHINES) {
        return Err(Invalid::new(field, "is a number from 1 to 1000000"));
    }
    Ok(())
}

/// Reads RFC 3339.
pub(crate) fn point_in_time(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok().map(Timestamp::from_ms)
}

/// Reads `2d`, `12h`, `30m`, a day (until its beginning, UTC) or a point in time.
pub(crate) fn expiry(now: Timestamp, text: &str) -> Option<Timestamp> {
    let length = |unit: char, seconds: u64| {
        let number: u64 = text.strip_suffix(unit)?.parse().ok()?;
        let length = Duration::from_secs(number.checked_mul(seconds)?);
        (number > 0 && length <= DAY * u32::try_from(MAX_DAYS).ok()?).then(|| now.later(length))
    };
    let day = || {
        let [year, month, day] = text.split('-').collect::<Vec<_>>().try_into().ok()?;
        let month = Month::try_from(month.parse::<u8>().ok()?).ok()?;
        let date = Date::from_calendar_date(year.parse().ok()?, month, day.parse().ok()?).ok()?;
        Some(Timestamp::from_ms(date.midnight().assume_utc().unix_timestamp() * 1000))
    };
    length('d', 86_400)
        .or_else(|| length('h', 3600))
        .or_else(|| length('m', 60))
        .or_else(day)
        .or_else(|| point_in_time(text))
        .filter(|at| *at > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expiry_is_read_in_each_form() {
        let now = Timestamp::from_ms(1_767_225_600_000); // 2026-01-01
        for (text, at) in [
            ("2d", "2026-01-03T00:00:00Z"),
            ("12h", "2026-01-01T12:00:00Z"),
            ("30m", "2026-01-01T00:30:00Z"),
            ("2026-02-01", "2026-02-01T00:00:00Z"),
            ("2026-02-01T10:00:00+02:00", "2026-02-01T08:00:00Z"),
        ] {
            assert_eq!(expiry(now, text).unwrap().to_string(), at, "{text}");
        }
        for wrong in ["", "0d", "d", "-1d", "99999999999999999999d", "2025-12-31", "2026-02-30", "tomorrow"] {
            assert_eq!(expiry(now, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn terms_that_break_a_rule_are_named() {
        let now = Timestamp::from_ms(1000);
        let check = |terms: Terms| terms.check(now).map_err(|invalid| invalid.field);
        assert_eq!(check(Terms::default()), Ok(()));
        let past = Terms { expires_at: Some(now), ..Terms::default() };
        assert_eq!(check(past).unwrap_err(), "expires_at");
        assert_eq!(check(Terms { max_machines: Some(0), ..Terms::default() }).unwrap_err(), "max_machines");
        let tags = vec!["edge".to_owned(), " ".to_owned()];
        assert_eq!(check(Terms { tags, ..Terms::default() }).unwrap_err(), "tags[1]");
    }
}
