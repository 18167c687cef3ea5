//! Members of records as people write them: how they are read from JSON, and what each kind of them may be.
//!
//! An absent member stays as it is. `null` clears a member that may be unknown, and is an error for any other.

use serde::de::IntoDeserializer;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::country::is_country;
use super::text::{Invalid, check_lines, check_text};
use super::time::is_day;

const MAX_TEXT_CHARS: usize = 256;
const MAX_NOTES_CHARS: usize = 10_000;
const MAX_URL_CHARS: usize = 2048;
const MAX_TAG_CHARS: usize = 64;
const MAX_TAGS: usize = 200;
const MONEY_WHOLE_DIGITS: usize = 12;
const MONEY_PARTS_DIGITS: usize = 4;

/// A member that is there and must not be `null`.
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(from).map(Some)
}

/// A member that is one of several names, and must not be `null`. It is read as a text first: of anything else a parser of
/// JSON says that it is none.
pub(crate) fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<T>, D::Error> {
    T::deserialize(String::deserialize(from)?.into_deserializer()).map(Some)
}

/// The same, where it may be `null`.
pub(crate) fn named_or_none<'de, D, T>(from: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let name = Option::<String>::deserialize(from)?;
    name.map(|name| T::deserialize(name.into_deserializer())).transpose()
}

/// A member that is there and may be `null`.
pub(crate) fn nullable<'de, D, T>(from: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(from).map(Some)
}

/// Money as text or as a number. Of a number the digits are taken as they were sent: a float would change some.
pub(crate) fn money<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Option<String>>, D::Error> {
    let raw = Box::<RawValue>::deserialize(from)?;
    let text = raw.get();
    if text == "null" {
        return Ok(Some(None));
    }
    let money = if text.starts_with('"') { serde_json::from_str(text).ok() } else { Some(text.to_owned()) };
    // Anything else than a number is refused when it is checked, by a sentence that says what money is.
    Ok(Some(Some(money.unwrap_or_default())))
}

/// One line of text.
pub(crate) fn check_line(field: &str, text: &str) -> Result<(), Invalid> {
    check_text(field, text, MAX_TEXT_CHARS)
}

/// Text of several lines; a line ends as it does on Unix.
pub(crate) fn checked_notes(field: &str, text: &str) -> Result<String, Invalid> {
    let text = text.replace("\r\n", "\n");
    check_lines(field, &text, MAX_NOTES_CHARS)?;
    Ok(text)
}

/// A country in capitals, or empty.
pub(crate) fn checked_country(field: &str, code: &str) -> Result<String, Invalid> {
    let code = code.trim().to_ascii_uppercase();
    if code.is_empty() || is_country(&code) {
        return Ok(code);
    }
    Err(Invalid::new(field, "is a code of ISO 3166-1 alpha-2, as HK, or empty"))
}

/// A currency in capitals, or empty.
pub(crate) fn checked_currency(field: &str, code: &str) -> Result<String, Invalid> {
    let code = code.trim().to_ascii_uppercase();
    if code.is_empty() || (code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())) {
        return Ok(code);
    }
    Err(Invalid::new(field, "is a code of ISO 4217, as EUR, or empty"))
}

/// The address of a page: people will click on it.
pub(crate) fn check_url(field: &str, url: &str) -> Result<(), Invalid> {
    check_text(field, url, MAX_URL_CHARS)?;
    let lower = url.to_ascii_lowercase();
    let is_page = lower.starts_with("https://") || lower.starts_with("http://");
    if url.is_empty() || (is_page && !url.contains(char::is_whitespace)) {
        return Ok(());
    }
    Err(Invalid::new(field, "begins with https:// or http:// and has no spaces, or is empty"))
}

/// An amount of money as decimal text: `4.99`, never a sign, an exponent or a separator of thousands.
pub(crate) fn check_money(field: &str, text: &str) -> Result<(), Invalid> {
    let (whole, parts) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str, most: usize| {
        (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
    };
    if digits(whole, MONEY_WHOLE_DIGITS) && digits(parts, MONEY_PARTS_DIGITS) {
        return Ok(());
    }
    let rule = format!(
        "is an amount as 4.99, with at most {MONEY_WHOLE_DIGITS} digits before the point and {MONEY_PARTS_DIGITS} after it"
    );
    Err(Invalid::new(field, rule))
}

/// Whether two amounts are the same, however many zeros they are written with.
pub(crate) fn is_same_amount(one: Option<&str>, other: Option<&str>) -> bool {
    one.map(digits_of) == other.map(digits_of)
}

fn digits_of(amount: &str) -> (&str, &str) {
    let (whole, parts) = amount.split_once('.').unwrap_or((amount, ""));
    (whole.trim_start_matches('0'), parts.trim_end_matches('0'))
}

/// A day of the calendar, `YYYY-MM-DD`.
pub(crate) fn check_date(field: &str, text: &str) -> Result<(), Invalid> {
    if is_day(text) {
        return Ok(());
    }
    Err(Invalid::new(field, "is a day of the calendar, as 2026-02-28"))
}

/// Tags, trimmed, sorted, each once.
pub(crate) fn checked_tags(field: &str, tags: &[String]) -> Result<Vec<String>, Invalid> {
    let mut checked = Vec::with_capacity(tags.len().min(MAX_TAGS));
    for (index, tag) in tags.iter().enumerate() {
        let (field, tag) = (format!("{field}[{index}]"), tag.trim());
        check_text(&field, tag, MAX_TAG_CHARS)?;
        if tag.is_empty() || tag.contains(',') {
            return Err(Invalid::new(
                field,
                format!("has 1 to {MAX_TAG_CHARS} characters, none of them a comma"),
            ));
        }
        checked.push(tag.to_owned());
    }
    checked.sort();
    checked.dedup();
    check_tag_count(field, checked.len())?;
    Ok(checked)
}

/// A machine has only so many tags.
pub(crate) fn check_tag_count(field: &str, count: usize) -> Result<(), Invalid> {
    if count <= MAX_TAGS {
        return Ok(());
    }
    Err(Invalid::new(field, format!("are {count}; a machine has at most {MAX_TAGS}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Price {
        #[serde(default, deserialize_with = "money")]
        cost: Option<Option<String>>,
    }

    #[test]
    fn money_keeps_its_digits() {
        for (json, cost) in [
            ("{}", None),
            (r#"{"cost":null}"#, Some(None)),
            (r#"{"cost":"4.90"}"#, Some(Some("4.90"))),
            (r#"{"cost":4.90}"#, Some(Some("4.90"))),
            (r#"{"cost": 0.1 }"#, Some(Some("0.1"))),
            (r#"{"cost":999999999999.9999}"#, Some(Some("999999999999.9999"))),
        ] {
            let read: Price = serde_json::from_str(json).unwrap();
            assert_eq!(read.cost, cost.map(|cost| cost.map(str::to_owned)), "{json}");
        }
    }

    #[test]
    fn money_is_a_plain_amount() {
        for good in ["0", "4.99", "120", "0.0001", "999999999999.9999"] {
            assert_eq!(check_money("cost_monthly", good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "-1",
            "+1",
            "1e3",
            "1,5",
            "1.",
            ".5",
            "1.23456",
            "1234567890123",
            "4.99 EUR",
            "true",
            "[]",
            "٣",
        ] {
            assert_eq!(check_money("cost_monthly", bad).unwrap_err().field, "cost_monthly", "{bad}");
        }
    }

    #[test]
    fn amounts_are_compared_as_amounts() {
        for (one, other, same) in [
            (None, None, true),
            (None, Some("0"), false),
            (Some("4.50"), Some("4.5"), true),
            (Some("04"), Some("4.00"), true),
            (Some("0"), Some("0.0"), true),
            (Some("4.5"), Some("4.05"), false),
            (Some("45"), Some("4.5"), false),
            (Some("40"), Some("4"), false),
        ] {
            assert_eq!(is_same_amount(one, other), same, "{one:?} {other:?}");
        }
    }

    #[test]
    fn dates_are_days_of_the_calendar() {
        for good in ["2026-01-31", "2024-02-29", "0001-01-01", "9999-12-31"] {
            assert_eq!(check_date("expire_date", good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "2026-02-29",
            "2026-13-01",
            "2026-00-10",
            "2026-1-1",
            "26-01-01",
            "0000-01-01",
            "2026-01-01T00:00:00Z",
            "2026/01/01",
        ] {
            assert!(check_date("expire_date", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn codes_are_written_in_capitals() {
        assert_eq!(checked_country("country", " hk "), Ok("HK".to_owned()));
        assert_eq!(checked_country("country", ""), Ok(String::new()));
        assert!(checked_country("country", "UK").is_err());
        assert_eq!(checked_currency("currency", "eur"), Ok("EUR".to_owned()));
        for bad in ["EU", "EURO", "E1R", "€"] {
            assert!(checked_currency("currency", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn tags_are_trimmed_sorted_and_each_once() {
        let tags = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect::<Vec<_>>();
        assert_eq!(checked_tags("tags", &tags(&[" edge ", "asia", "edge"])), Ok(tags(&["asia", "edge"])));
        for (bad, field) in
            [("a,b", "tags[1]"), ("  ", "tags[1]"), ("a\nb", "tags[1]"), (&*"x".repeat(65), "tags[1]")]
        {
            assert_eq!(checked_tags("tags", &tags(&["ok", bad])).unwrap_err().field, field, "{bad}");
        }
        let many: Vec<String> = (0..201).map(|n| format!("t{n}")).collect();
        assert_eq!(checked_tags("tags", &many).unwrap_err().field, "tags");
    }

    #[test]
    fn links_lead_to_pages() {
        for good in ["", "https://example.net/a?b=c", "HTTP://example.net"] {
            assert_eq!(check_url("website", good), Ok(()), "{good}");
        }
        for bad in ["javascript:alert(1)", "example.net", "https://a b", "//example.net"] {
            assert!(check_url("website", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn notes_have_lines() {
        assert_eq!(checked_notes("notes", "a\r\n\tb\nc"), Ok("a\n\tb\nc".to_owned()));
        for bad in ["a\rb", "a\0b", "a\u{202e}b", &*"x".repeat(10_001)] {
            assert!(checked_notes("notes", bad).is_err());
        }
    }
}
