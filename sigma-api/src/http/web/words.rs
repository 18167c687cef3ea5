//! Values as a person reads them.

use std::collections::HashMap;
use std::time::Duration;

use uuid::Uuid;

use crate::model::time::Timestamp;

/// How long before `now`, in the largest unit that says something.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> String {
    format!("{} ago", long(at.age(now)))
}

/// A span of time, in the largest unit that says something.
pub(super) fn long(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} days", seconds / 86_400),
    }
}

/// A span of time that is left: rounded up, so that a day that just began is 24 h and not 23.
pub(super) fn left(span: Duration) -> String {
    let unit = match span.as_secs() {
        0..120 => 1,
        120..7200 => 60,
        7200..172_800 => 3600,
        _ => 86_400,
    };
    long(Duration::from_secs(span.as_secs().div_ceil(unit).saturating_mul(unit)))
}

/// Memory from this size on is said in GiB.
pub(super) const IN_GIB_FROM_MIB: u64 = 10_240;

/// Memory of so many MiB.
pub(super) fn mib(mb: u64) -> String {
    if mb < IN_GIB_FROM_MIB { format!("{mb} MiB") } else { format!("{} GiB", (mb + 512) / 1024) }
}

/// A point in time, to the second, for those who want it exact.
pub(super) fn exact(at: Timestamp) -> String {
    let text = at.to_string();
    let day_and_time: String = text.chars().take(19).map(|c| if c == 'T' { ' ' } else { c }).collect();
    format!("{day_and_time} UTC")
}

/// A span of time, with what is left of its largest unit.
pub(super) fn span(span: Duration) -> String {
    let part = |count: u64, unit: &str| if count == 0 { String::new() } else { format!(" {count} {unit}") };
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min", seconds / 60),
        seconds @ 3600..86_400 => format!("{} h{}", seconds / 3600, part(seconds % 3600 / 60, "min")),
        seconds => {
            let days = seconds / 86_400;
            let unit = if days == 1 { "day" } else { "days" };
            format!("{days} {unit}{}", part(seconds % 86_400 / 3600, "h"))
        }
    }
}

/// How often.
pub(super) fn times(count: usize) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    }
}

/// A point in time: for programs, exactly, and in words.
pub(super) struct Moment {
    pub(super) at: String,
    pub(super) exact: String,
    pub(super) words: String,
}

impl Moment {
    /// As seen from `now`, which may be before it; what came while the page was made came just now.
    pub(super) fn new(now: Timestamp, at: Timestamp) -> Self {
        let ahead = now.age(at);
        let words =
            if ahead < Duration::from_secs(1) { ago(now, at) } else { format!("in {}", coming(ahead)) };
        Self { at: at.to_string(), exact: exact(at), words }
    }
}

/// A span that lies ahead, to the nearest day where it is one of days: a week is 7 days, not 6 and a little.
fn coming(span: Duration) -> String {
    let half_a_day = Duration::from_secs(43_200);
    if span < half_a_day * 4 { long(span) } else { long(span.saturating_add(half_a_day)) }
}

/// Providers in the order in which persons look for them.
pub(super) fn by_name(providers: HashMap<Uuid, String>) -> Vec<(Uuid, String)> {
    let mut providers: Vec<(Uuid, String)> = providers.into_iter().collect();
    providers.sort_by_cached_key(|(_, name)| name.to_lowercase());
    providers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_said_with_what_is_left_of_its_largest_unit() {
        for (seconds, said) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3600, "1 h"),
            (7800, "2 h 10 min"),
            (86_400, "1 day"),
            (180_000, "2 days 2 h"),
        ] {
            assert_eq!(span(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn a_time_is_said_in_a_unit_that_says_something() {
        let now = Timestamp::from_ms(1_000_000_000_000);
        for (seconds, said) in [
            (0, "0 s ago"),
            (119, "119 s ago"),
            (120, "2 min ago"),
            (7200, "2 h ago"),
            (172_800, "2 days ago"),
        ] {
            assert_eq!(ago(now, Timestamp::from_ms(now.ms() - seconds * 1000)), said);
        }
        assert_eq!(exact(now), "2001-09-09 01:46:40 UTC");
    }

    #[test]
    fn what_came_while_the_page_was_made_came_just_now() {
        let now = Timestamp::from_ms(1_000_000_000_000);
        let words = |ms: i64| Moment::new(now, Timestamp::from_ms(now.ms() + ms)).words;
        assert_eq!(
            (words(1), words(999), words(5000)),
            ("0 s ago".into(), "0 s ago".into(), "in 5 s".into())
        );
    }

    #[test]
    fn what_is_left_is_not_said_to_be_less() {
        for (seconds, said) in [
            (5, "5 s"),
            (121, "3 min"),
            (7000, "117 min"),
            (86_399, "24 h"),
            (86_400, "24 h"),
            (172_799, "2 days"),
            (604_000, "7 days"),
        ] {
            assert_eq!(left(Duration::from_secs(seconds)), said);
        }
    }

    #[test]
    fn memory_is_said_in_a_unit_that_says_something() {
        assert_eq!(
            (mib(128), mib(10_239), mib(16_000)),
            ("128 MiB".into(), "10239 MiB".into(), "16 GiB".into())
        );
    }
}
