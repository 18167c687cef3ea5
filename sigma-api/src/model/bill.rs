//! What machines cost a month, added up exactly: never with floats, and never one currency with another.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use utoipa::ToSchema;

/// Parts that an amount is counted in; amounts have at most four digits after the point.
const PARTS: i128 = 10_000;

/// An amount of money.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Money(i128);

impl Money {
    /// The amount that a record says; `None` for what is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, parts) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(parts) || parts.len() > 4 {
            return None;
        }
        let parts: i128 = format!("{parts:0<4}").parse().ok()?;
        whole.parse::<i128>().ok()?.checked_mul(PARTS)?.checked_add(parts).map(Self)
    }

    fn plus(self, other: Self, times: u64) -> Self {
        Self(self.0.saturating_add(other.0.saturating_mul(times.into())))
    }

    /// With the digits after the point that the currency has, and with more where the amount has more.
    pub(crate) fn in_currency(self, currency: &str) -> String {
        self.with_digits(digits_of(currency))
    }

    fn with_digits(self, least: usize) -> String {
        let (whole, parts) = (self.0 / PARTS, format!("{:04}", self.0 % PARTS));
        let said = parts.trim_end_matches('0');
        match said.len().max(least) {
            0 => whole.to_string(),
            digits => format!("{whole}.{said:0<digits$}"),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.with_digits(2))
    }
}

/// Digits after the point of amounts in that currency, as ISO 4217 has them.
fn digits_of(currency: &str) -> usize {
    match currency {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX" | "UYI"
        | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

/// What some machines cost a month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bill {
    /// By currency, which is empty where nobody said it: the amount, and how many machines it is for.
    pub(crate) sums: BTreeMap<String, (Money, u64)>,
    /// Machines of which nobody said what they cost.
    pub(crate) without: u64,
}

impl Bill {
    /// Adds so many machines that cost the same.
    pub(crate) fn add(&mut self, cost: Option<&str>, currency: &str, machines: u64) {
        let Some(cost) = cost.and_then(Money::parse) else {
            self.without = self.without.saturating_add(machines);
            return;
        };
        let (sum, count) = self.sums.entry(currency.to_owned()).or_default();
        *sum = sum.plus(cost, machines);
        *count = count.saturating_add(machines);
    }

    /// Adds all of another.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.without = self.without.saturating_add(other.without);
        for (currency, (amount, machines)) in &other.sums {
            let (sum, count) = self.sums.entry(currency.clone()).or_default();
            *sum = sum.plus(*amount, 1);
            *count = count.saturating_add(*machines);
        }
    }
}

/// What a provider bills a month in one currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct MonthlyCost {
    /// Name of the provider; empty for machines that have none.
    pub(crate) provider: String,
    /// ISO 4217; empty where nobody said it.
    pub(crate) currency: String,
    /// Decimal text.
    #[schema(example = "54.89")]
    pub(crate) amount: String,
    /// Machines that it is for.
    pub(crate) machines: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_and_shown_exactly() {
        for (text, shown) in [
            ("4.99", "4.99"),
            ("0", "0.00"),
            ("7", "7.00"),
            ("7.5", "7.50"),
            ("0.125", "0.125"),
            ("0.0001", "0.0001"),
            ("1.1000", "1.10"),
            ("999999999999.9999", "999999999999.9999"),
        ] {
            assert_eq!(Money::parse(text).map(|money| money.to_string()).as_deref(), Some(shown), "{text}");
        }
        for text in ["", ".", "1.", ".5", "-1", "+1", "1e3", "1,50", "1.00001", "x"] {
            assert_eq!(Money::parse(text), None, "{text}");
        }
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency_and_none_is_rounded_away() {
        for (text, currency, shown) in [
            ("900", "JPY", "900"),
            ("900.00", "JPY", "900"),
            ("900.5", "JPY", "900.5"),
            ("1000", "KRW", "1000"),
            ("7", "HUF", "7.00"),
            ("7", "KWD", "7.000"),
            ("0.0001", "EUR", "0.0001"),
            ("4.9", "", "4.90"),
        ] {
            let said = Money::parse(text).map(|money| money.in_currency(currency));
            assert_eq!(said.as_deref(), Some(shown), "{text} {currency}");
        }
    }

    #[test]
    fn sums_are_exact_where_floats_are_not() {
        let mut bill = Bill::default();
        bill.add(Some("0.1"), "EUR", 1);
        bill.add(Some("0.2"), "EUR", 1);
        bill.add(Some("999999999999.9999"), "USD", 10_000);
        bill.add(None, "EUR", 3);
        let shown: Vec<_> = bill.sums.iter().map(|(c, (sum, n))| (&**c, sum.to_string(), *n)).collect();
        assert_eq!(shown, [("EUR", "0.30".to_owned(), 2), ("USD", "9999999999999999.00".to_owned(), 10_000)]);
        assert_eq!(bill.without, 3);
        let mut twice = bill.clone();
        twice.add_all(&bill);
        assert_eq!((twice.sums["EUR"].0.to_string(), twice.without), ("0.60".to_owned(), 6));
    }
}
