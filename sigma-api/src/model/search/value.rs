//! Values that terms compare with.

use std::cmp::Ordering;
use std::fmt::{Display, Formatter, Result};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// How a machine's value is to stand to the one that was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Less,
    AtMost,
    Equal,
    AtLeast,
    More,
}

impl Comparison {
    /// Longer signs stand before those that they begin with.
    const SIGNS: [(&'static str, Self); 5] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("<", Self::Less),
        (">", Self::More),
        ("=", Self::Equal),
    ];

    /// The comparison at the beginning of `text`, and the rest; without a sign it is `Equal`.
    pub(super) fn split(text: &str) -> (Self, &str) {
        let found = Self::SIGNS
            .iter()
            .find_map(|(sign, comparison)| text.strip_prefix(sign).map(|rest| (*comparison, rest)));
        found.unwrap_or((Self::Equal, text))
    }

    /// Whether a value that stands so to the typed one is wanted.
    pub(crate) const fn holds(self, ordering: Ordering) -> bool {
        match self {
            Self::Less => ordering.is_lt(),
            Self::AtMost => ordering.is_le(),
            Self::Equal => ordering.is_eq(),
            Self::AtLeast => ordering.is_ge(),
            Self::More => ordering.is_gt(),
        }
    }
}

impl Display for Comparison {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(match self {
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Equal => "",
            Self::AtLeast => ">=",
            Self::More => ">",
        })
    }
}

/// A length of time, as it was typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Age {
    count: u32,
    unit: char,
}

impl Age {
    const UNITS: [(char, i64); 5] = [('s', 1), ('m', 60), ('h', 3600), ('d', 86_400), ('w', 7 * 86_400)];

    pub(super) fn parse(text: &str) -> Option<Self> {
        let unit = text.chars().next_back()?;
        Self::UNITS.iter().find(|(name, _)| *name == unit)?;
        Some(Self { count: digits(text.strip_suffix(unit)?, 6)?, unit })
    }

    /// In milliseconds.
    pub(crate) fn ms(self) -> i64 {
        let unit = Self::UNITS.iter().find(|(name, _)| *name == self.unit);
        unit.map_or(0, |(_, seconds)| i64::from(self.count) * seconds * 1000)
    }
}

impl Display for Age {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        write!(f, "{}{}", self.count, self.unit)
    }
}

/// A number of at most `most` digits, and nothing else.
pub(super) fn digits(text: &str, most: usize) -> Option<u32> {
    let is_number = (1..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

/// A day that the calendar has, as `YYYY-MM-DD`; such texts sort as their days do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Day(String);

impl Day {
    pub(super) fn parse(text: &str) -> Option<Self> {
        crate::model::time::is_day(text).then(|| Self(text.to_owned()))
    }

    /// As `YYYY-MM-DD`.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl Display for Day {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&self.0)
    }
}

/// A version, compared by its numbers and only as far as it was typed: `1.2.9` is neither more nor less than `1.2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version(Vec<u32>);

impl Version {
    const MAX_PARTS: usize = 4;

    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Option<Vec<u32>> = text.split('.').map(|part| digits(part, 9)).collect();
        parts.filter(|parts| parts.len() <= Self::MAX_PARTS).map(Self)
    }

    /// How what an agent says stands to this. `None` when that does not begin with a number. A part that is missing is 0,
    /// and what follows the numbers (`-rc.1`) does not count.
    pub(crate) fn compare(&self, said: &str) -> Option<Ordering> {
        let numbers = said.strip_prefix('v').unwrap_or(said);
        let numbers = numbers.split(|c: char| !c.is_ascii_digit() && c != '.').next()?;
        let said: Vec<u32> = numbers.split('.').map_while(|part| digits(part, 9)).collect();
        if said.is_empty() {
            return None;
        }
        let said = said.into_iter().chain(std::iter::repeat(0)).take(self.0.len());
        Some(said.cmp(self.0.iter().copied()))
    }
}

impl Display for Version {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

/// All addresses that begin with the same bits; an address is the smallest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    first: IpAddr,
    length: u8,
}

impl Network {
    /// An address, or one with `/` and the number of bits that count.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let Some((address, length)) = text.split_once('/') else {
            let first = text.parse::<IpAddr>().ok()?.to_canonical();
            return Some(Self { first, length: bits(first) });
        };
        let address: IpAddr = address.parse().ok()?;
        let length = u8::try_from(digits(length, 3)?).ok().filter(|length| *length <= bits(address))?;
        let (address, length) = match (address.to_canonical(), length.checked_sub(96)) {
            (canonical @ IpAddr::V4(_), Some(length)) if address.is_ipv6() => (canonical, length),
            _ => (address, length),
        };
        let rest = u32::from(bits(address) - length);
        let first = match address {
            IpAddr::V4(v4) => {
                let mask = u32::MAX.checked_shl(rest).unwrap_or(0);
                Ipv4Addr::from_bits(v4.to_bits() & mask).into()
            }
            IpAddr::V6(v6) => {
                let mask = u128::MAX.checked_shl(rest).unwrap_or(0);
                Ipv6Addr::from_bits(v6.to_bits() & mask).into()
            }
        };
        Some(Self { first, length })
    }

    /// Its first and its last address.
    pub(crate) fn range(self) -> (IpAddr, IpAddr) {
        let length = u32::from(self.length);
        let last = match self.first {
            IpAddr::V4(v4) => {
                Ipv4Addr::from_bits(v4.to_bits() | u32::MAX.checked_shr(length).unwrap_or(0)).into()
            }
            IpAddr::V6(v6) => {
                Ipv6Addr::from_bits(v6.to_bits() | u128::MAX.checked_shr(length).unwrap_or(0)).into()
            }
        };
        (self.first, last)
    }
}

impl Display for Network {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        if self.length == bits(self.first) {
            return self.first.fmt(f);
        }
        write!(f, "{}/{}", self.first, self.length)
    }
}

const fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}
