//! The search language: what persons type to find machines, the same wherever machines are chosen.
//!
//! Terms stand side by side and all of them hold; `-` before one turns it around. A term is a word, a `"quoted phrase"`
//! or `name:value`. What is printed parses to the same.

mod parse;
#[cfg(test)]
mod tests;
mod value;

use std::fmt::{Display, Formatter, Result};

use uuid::Uuid;

use super::presence::Presence;
use super::vps::Status;

pub(crate) use value::{Age, Comparison, Day, Network, Version};

/// Characters of a query, at most.
const MAX_CHARS: usize = 1000;
/// Terms of a query, at most: each is a part of one statement.
const MAX_TERMS: usize = 64;

/// What is looked for: machines for which every term holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) terms: Vec<Term>,
}

/// One condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Term {
    /// Whether it must not hold.
    pub(crate) not: bool,
    pub(crate) wanted: Wanted,
}

/// What a term asks for. Texts are compared without regard to ASCII case; `None` is `none`: machines that have none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Occurs in a name, an address, the provider's name, a tag or the notes.
    Text(String),
    /// Is billed by the provider of that name.
    Provider(Option<String>),
    Status(Status),
    Tag(Option<String>),
    /// ISO 3166-1 alpha-2, in capitals.
    Country(Option<String>),
    /// Has an address in the network.
    Ip(Network),
    /// Has or had an address in the network.
    Had(Network),
    /// Was last seen so long ago; `None` is never.
    Seen(Option<(Comparison, Age)>),
    Expires(Expiry),
    /// Version of the agent.
    Agent(Option<(Comparison, Version)>),
    Presence(Presence),
    Flag(Flag),
    /// Occurs in the hostname, or in what the agent calls its machine.
    Host(String),
    /// Occurs in the alias.
    Alias(String),
    /// Occurs in the notes.
    Note(String),
    Purpose(Option<String>),
    Source(String),
    Id(Uuid),
}

/// When a machine expires.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Expiry {
    /// Nobody said when.
    None,
    /// Before today.
    Past,
    /// From today on, in so many days.
    In(Comparison, u32),
    /// By the calendar.
    On(Comparison, Day),
}

/// What deserves a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    Conflict,
    Clone,
    Reinstalled,
    Rekeyed,
    LessThanBought,
}

impl Flag {
    const ALL: [Self; 5] =
        [Self::Conflict, Self::Clone, Self::Reinstalled, Self::Rekeyed, Self::LessThanBought];

    /// Its name in JSON, queries and the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Clone => "clone",
            Self::Reinstalled => "reinstalled",
            Self::Rekeyed => "rekeyed",
            Self::LessThanBought => "less_than_bought",
        }
    }
}

impl Query {
    /// Whether deleted machines are asked for, which are hidden otherwise.
    pub(crate) fn wants_deleted(&self) -> bool {
        self.terms.iter().any(|term| !term.not && term.wanted == Wanted::Status(Status::Deleted))
    }

    /// Whether the answer depends on the last beats.
    pub(crate) fn looks_at_beats(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.wanted, Wanted::Seen(_) | Wanted::Presence(_)))
    }

    /// Whether the answer depends on versions of agents.
    pub(crate) fn looks_at_versions(&self) -> bool {
        self.terms.iter().any(|term| matches!(term.wanted, Wanted::Agent(Some(_))))
    }
}

impl Display for Query {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        for (index, term) in self.terms.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(f, "{space}{term}")?;
        }
        Ok(())
    }
}

impl Display for Term {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        let not = if self.not { "-" } else { "" };
        write!(f, "{not}{}", self.wanted)
    }
}

impl Display for Wanted {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::Text(text) if parse::is_bare_text(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::Provider(name) => write!(f, "provider:{}", or_none(name.as_deref())),
            Self::Status(status) => write!(f, "status:{}", status.name()),
            Self::Tag(tag) => write!(f, "tag:{}", or_none(tag.as_deref())),
            Self::Country(country) => write!(f, "country:{}", country.as_deref().unwrap_or("none")),
            Self::Ip(network) => write!(f, "ip:{network}"),
            Self::Had(network) => write!(f, "had:{network}"),
            Self::Seen(None) => f.write_str("seen:never"),
            Self::Seen(Some((comparison, age))) => write!(f, "seen:{comparison}{age}"),
            Self::Expires(expiry) => write!(f, "expires:{expiry}"),
            Self::Agent(None) => f.write_str("agent:none"),
            Self::Agent(Some((comparison, version))) => write!(f, "agent:{comparison}{version}"),
            Self::Presence(presence) => write!(f, "presence:{}", presence.name()),
            Self::Flag(flag) => write!(f, "flag:{}", flag.name()),
            Self::Host(text) => write!(f, "host:{}", value(text)),
            Self::Alias(text) => write!(f, "alias:{}", value(text)),
            Self::Note(text) => write!(f, "note:{}", value(text)),
            Self::Purpose(purpose) => write!(f, "purpose:{}", or_none(purpose.as_deref())),
            Self::Source(text) => write!(f, "source:{}", value(text)),
            Self::Id(id) => write!(f, "id:{id}"),
        }
    }
}

impl Display for Expiry {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Past => f.write_str("past"),
            Self::In(comparison, days) => write!(f, "{comparison}{days}d"),
            Self::On(comparison, day) => write!(f, "{comparison}{day}"),
        }
    }
}

/// A value as it is typed. What is called "none" is quoted, as the bare word means that there is none.
fn or_none(text: Option<&str>) -> String {
    match text {
        None => "none".to_owned(),
        Some(text) if text.eq_ignore_ascii_case("none") => quoted(text),
        Some(text) => value(text),
    }
}

fn value(text: &str) -> String {
    // `name://…` would be a URL.
    let is_bare = !text.contains(|c: char| c.is_whitespace() || c == '"') && !text.starts_with("//");
    if is_bare { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
