//! When a machine was heard, as a strip and as a sentence that says the same.

use std::time::Duration;

use crate::http::web::words::{Moment, span, times};
use crate::model::presence::Gap;
use crate::model::time::Timestamp;
use crate::service::identity::PresenceView;

const DAY: Duration = Duration::from_secs(86_400);
/// Units of the picture from its beginning to now.
const WIDTH: i64 = 1000;
/// The shortest silence is seen.
const MIN_WIDTH: i64 = 3;
/// Silences that are listed before "and so many more".
const SHOWN: usize = 8;

/// A machine's presence.
pub(super) struct Heard {
    pub(super) strips: Vec<Strip>,
    pub(super) silences: Vec<Silence>,
    pub(super) more: Vec<Silence>,
}

/// Some time up to now.
pub(super) struct Strip {
    pub(super) id: &'static str,
    pub(super) name: &'static str,
    pub(super) sentence: String,
    /// Where the machine was first heard.
    pub(super) begins: i64,
    /// How long it is known from there on.
    pub(super) known: i64,
    /// Begin and width of each silence.
    pub(super) silent: Vec<(i64, i64)>,
    /// What is said at its begin, and in the middle.
    pub(super) marks: [&'static str; 2],
}

/// A silence.
pub(super) struct Silence {
    pub(super) from: Moment,
    /// To the minute, which is enough for a silence.
    pub(super) from_text: String,
    pub(super) until_text: String,
    /// Absent as long as it goes on.
    pub(super) until: Option<Moment>,
    pub(super) span: String,
}

impl Heard {
    /// What `view` says of the last 30 days; `None` of a machine that never reported.
    pub(super) fn new(now: Timestamp, view: &PresenceView) -> Option<Self> {
        let first = view.first_seen?;
        let strip = |id, name, days, marks| {
            Strip::new(now, first, &view.gaps, DAY.saturating_mul(days), (id, name, marks))
        };
        let mut silences: Vec<Silence> = view.gaps.iter().map(|gap| silence(now, gap)).collect();
        let more = silences.split_off(SHOWN.min(silences.len()));
        let day = strip("day", "the last day", 1, ["24 h ago", "12 h ago"]);
        let month = strip("month", "the last 30 days", 30, ["30 days ago", "15 days ago"]);
        Some(Self { strips: vec![day, month], silences, more })
    }
}

impl Strip {
    fn new(
        now: Timestamp,
        first: Timestamp,
        gaps: &[Gap],
        span: Duration,
        (id, name, marks): (&'static str, &'static str, [&'static str; 2]),
    ) -> Self {
        let start = now.earlier(span);
        let from = first.max(start).min(now);
        let length = now.ms().saturating_sub(start.ms()).max(1);
        let place = |at: Timestamp| {
            at.ms().saturating_sub(start.ms()).saturating_mul(WIDTH).checked_div(length).unwrap_or(0)
        };
        let silences = within(gaps, from, now);
        let silent = silences.iter().map(|(from, until)| {
            let width = place(*until).saturating_sub(place(*from)).max(MIN_WIDTH);
            (place(*from).min(WIDTH.saturating_sub(width)), width)
        });
        let begins = place(from);
        Self {
            id,
            name,
            sentence: sentence(now, from, from > start, &silences, name),
            begins,
            known: WIDTH.saturating_sub(begins),
            silent: silent.collect(),
            marks,
        }
    }
}

/// The silences between two points, the first first, none of which touches another.
fn within(gaps: &[Gap], from: Timestamp, now: Timestamp) -> Vec<(Timestamp, Timestamp)> {
    let cut = gaps.iter().map(|gap| (gap.from.max(from), gap.until.unwrap_or(now).min(now)));
    let mut cut: Vec<_> = cut.filter(|(from, until)| from < until).collect();
    cut.sort();
    let mut apart: Vec<(Timestamp, Timestamp)> = Vec::with_capacity(cut.len());
    for (from, until) in cut {
        match apart.last_mut() {
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => apart.push((from, until)),
        }
    }
    apart
}

fn sentence(
    now: Timestamp,
    from: Timestamp,
    is_new: bool,
    silences: &[(Timestamp, Timestamp)],
    name: &str,
) -> String {
    let known = from.age(now);
    let silent: Duration = silences.iter().map(|(from, until)| from.age(*until)).sum();
    let whole = if is_new { format!("the {} since it first reported", span(known)) } else { name.to_owned() };
    let often = times(silences.len());
    match silent {
        Duration::ZERO => format!("Heard all of {whole}."),
        silent if silent >= known => format!("Silent all of {whole}."),
        silent if silent > known / 2 => {
            format!("Heard {} of {whole}; silent {often}.", span(known.saturating_sub(silent)))
        }
        silent => format!("Heard all but {} of {whole}; silent {often}.", span(silent)),
    }
}

fn silence(now: Timestamp, gap: &Gap) -> Silence {
    let from_text = minute(gap.from);
    let until_text = gap.until.map(minute).unwrap_or_default();
    // The day is said once if it is the same.
    let same_day = until_text.split_once(' ').filter(|(day, _)| from_text.starts_with(day));
    Silence {
        from: Moment::new(now, gap.from),
        until_text: same_day.map_or_else(|| until_text.clone(), |(_, time)| time.to_owned()),
        from_text,
        until: gap.until.map(|until| Moment::new(now, until)),
        span: span(gap.from.age(gap.until.unwrap_or(now))),
    }
}

/// A point in time to the minute, by the clock of UTC.
fn minute(at: Timestamp) -> String {
    at.to_string().chars().take(16).map(|c| if c == 'T' { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_ms(1_000 * HOUR + hours * HOUR)
    }

    fn gap(from: i64, until: i64) -> Gap {
        Gap { from: at(from), until: Some(at(until)) }
    }

    fn day(first: i64, gaps: &[Gap]) -> Strip {
        Strip::new(at(0), at(first), gaps, DAY, ("day", "the last day", ["", ""]))
    }

    #[test]
    fn a_sentence_says_what_the_strip_shows() {
        for (first, gaps, said) in [
            (-99, vec![], "Heard all of the last day."),
            (-99, vec![gap(-3, -1)], "Heard all but 2 h of the last day; silent once."),
            (
                -99,
                vec![gap(-3, -1), gap(-4, -2), gap(-9, -8)],
                "Heard all but 4 h of the last day; silent twice.",
            ),
            (-99, vec![gap(-50, -4)], "Heard 4 h of the last day; silent once."),
            (-99, vec![Gap { from: at(-48), until: None }], "Silent all of the last day."),
            (-3, vec![], "Heard all of the 3 h since it first reported."),
        ] {
            assert_eq!(day(first, &gaps).sentence, said);
        }
    }

    #[test]
    fn a_silence_stands_where_it_was_and_is_never_too_thin_to_see() {
        assert_eq!(day(-99, &[gap(-12, -6)]).silent, [(500, 250)]);
        let blink = Gap { from: at(0).earlier(Duration::from_secs(60)), until: None };
        assert_eq!(day(-99, &[blink]).silent, [(WIDTH - MIN_WIDTH, MIN_WIDTH)]);
        let new = day(-6, &[]);
        assert_eq!((new.begins, new.known), (750, 250));
    }

    #[test]
    fn a_silence_within_a_day_says_the_day_once() {
        let texts = |gap: Gap| {
            let silence = silence(at(0), &gap);
            (silence.from_text, silence.until_text)
        };
        assert_eq!(texts(gap(-3, -1)), ("1970-02-11 13:00".into(), "15:00".into()));
        assert_eq!(texts(gap(-17, -1)), ("1970-02-10 23:00".into(), "1970-02-11 15:00".into()));
        assert_eq!(texts(Gap { from: at(-1), until: None }), ("1970-02-11 15:00".into(), String::new()));
    }
}
