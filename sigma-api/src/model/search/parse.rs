//! From what was typed to a query, or to a sentence that says where it is wrong.

use super::value::digits;
use super::{
    Age, Comparison, Day, Expiry, Flag, MAX_CHARS, MAX_TERMS, Network, Query, Term, Version, Wanted,
};
use crate::model::presence::Presence;
use crate::model::vps::Status;
use sigma_protocol::is_unprintable;

/// Every name of a term, with what may stand after its colon.
const NAMES: [(&str, &str); 18] = [
    ("agent", "agent:<1.2, agent:>=1.2.3, agent:1.2 or agent:none"),
    ("alias", "alias:relay, a part of it"),
    ("country", "country:HK, two letters, or country:none"),
    ("expires", "expires:<14d, expires:>4w, expires:2026-12-31, expires:past or expires:none"),
    ("flag", "flag:conflict, flag:clone, flag:reinstalled, flag:rekeyed or flag:less_than_bought"),
    ("had", "had:203.0.113.0/24, addresses of now and before"),
    ("host", "host:relay, a part of it"),
    ("id", "id:01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"),
    ("ip", "ip:203.0.113.7, ip:203.0.113.0/24 or ip:2001:db8::/32"),
    ("note", "note:word, a part of the notes"),
    ("presence", "presence:online, presence:late, presence:offline or presence:never"),
    ("provider", "provider:acme, provider:\"two words\" or provider:none"),
    ("purpose", "purpose:relay or purpose:none"),
    ("seen", "seen:>1h, seen:<5m (s, m, h, d or w) or seen:never"),
    ("source", "source:agent"),
    (
        "status",
        "status:provisioning, status:active, status:retiring, status:retired, status:suspended or status:deleted",
    ),
    ("tag", "tag:edge or tag:none"),
    ("text", "text:word, the same as the word alone"),
];

/// Where a query is wrong, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    /// Character, from 1.
    pub(crate) at: usize,
    pub(crate) sentence: String,
}

impl std::fmt::Display for Mistake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "at character {}: {}", self.at, self.sentence)
    }
}

/// A term as it was typed.
struct Typed {
    at: usize,
    not: bool,
    /// Before the colon, if there is one that can name a term.
    name: Option<String>,
    value: String,
    value_at: usize,
    is_quoted: bool,
}

impl Query {
    /// Reads what was typed. Nothing but spaces is a query for every machine.
    ///
    /// # Errors
    /// The first mistake.
    pub(crate) fn parse(text: &str) -> Result<Self, Mistake> {
        let chars: Vec<char> = text.chars().collect();
        if chars.len() > MAX_CHARS {
            return mistake(MAX_CHARS + 1, format!("a search has at most {MAX_CHARS} characters"));
        }
        let mut reader = Reader { chars: &chars, next: 0 };
        let mut terms = Vec::new();
        while let Some(typed) = reader.term()? {
            if terms.len() == MAX_TERMS {
                return mistake(typed.at, format!("a search has at most {MAX_TERMS} terms"));
            }
            terms.push(Term { not: typed.not, wanted: wanted(typed)? });
        }
        Ok(Self { terms })
    }
}

/// Whether `text` typed alone means itself.
pub(super) fn is_bare_text(text: &str) -> bool {
    let alone = Query::parse(text).map(|query| query.terms);
    matches!(alone.as_deref(), Ok([Term { not: false, wanted: Wanted::Text(same) }]) if same == text)
}

fn mistake<T>(at: usize, sentence: impl Into<String>) -> Result<T, Mistake> {
    Err(Mistake { at, sentence: sentence.into() })
}

struct Reader<'a> {
    chars: &'a [char],
    next: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.next).copied()
    }

    /// The next term; `None` at the end.
    fn term(&mut self) -> Result<Option<Typed>, Mistake> {
        while self.peek().is_some_and(char::is_whitespace) {
            self.next += 1;
        }
        let at = self.next + 1;
        let Some(first) = self.peek() else { return Ok(None) };
        let not = first == '-';
        if not {
            self.next += 1;
        }
        if self.peek().is_none_or(char::is_whitespace) {
            return mistake(at, "a - stands right before what is not wanted, as in -tag:edge");
        }
        if self.peek() == Some('"') {
            let value = self.phrase()?;
            return Ok(Some(Typed { at, not, name: None, value, value_at: at, is_quoted: true }));
        }
        let name = self.name();
        let value_at = self.next + 1;
        let is_quoted = self.peek() == Some('"');
        let value = if is_quoted { self.phrase()? } else { self.word()? };
        Ok(Some(Typed { at, not, name, value, value_at, is_quoted }))
    }

    /// The name of a term and its colon. An address or a URL has a colon too, and no name before it.
    fn name(&mut self) -> Option<String> {
        let rest = self.chars.get(self.next..)?;
        let word: String = rest.iter().take_while(|c| !c.is_whitespace()).collect();
        let (name, value) = word.split_once(':')?;
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_');
        if !is_name || value.starts_with("//") || Network::parse(&word).is_some() {
            return None;
        }
        self.next += name.len() + 1;
        Some(name.to_ascii_lowercase())
    }

    fn word(&mut self) -> Result<String, Mistake> {
        let mut word = String::new();
        while let Some(c) = self.peek().filter(|c| !c.is_whitespace()) {
            if c == '"' {
                let sentence = "a quote begins a phrase only at its beginning; put all of it into quotes, with \\\" for a quote";
                return mistake(self.next + 1, sentence);
            }
            word.push(self.printable(c)?);
            self.next += 1;
        }
        Ok(word)
    }

    fn phrase(&mut self) -> Result<String, Mistake> {
        let opened_at = self.next + 1;
        self.next += 1;
        let mut phrase = String::new();
        loop {
            let Some(c) = self.peek() else {
                return mistake(opened_at, "this quote is never closed; a phrase ends with another \"");
            };
            if c == '"' {
                break;
            }
            if c == '\\' && self.chars.get(self.next + 1).is_some_and(|next| matches!(next, '"' | '\\')) {
                self.next += 1;
            }
            let c = self.peek().unwrap_or(c);
            phrase.push(self.printable(c)?);
            self.next += 1;
        }
        self.next += 1;
        if phrase.trim().is_empty() {
            return mistake(opened_at, "there is nothing between the quotes");
        }
        if self.peek().is_some_and(|c| !c.is_whitespace()) {
            return mistake(self.next + 1, "after a closing quote comes a space");
        }
        Ok(phrase)
    }

    fn printable(&self, c: char) -> Result<char, Mistake> {
        if is_unprintable(c) {
            return mistake(self.next + 1, "this is a control or text direction character");
        }
        Ok(c)
    }
}

fn wanted(typed: Typed) -> Result<Wanted, Mistake> {
    let Some(name) = &typed.name else { return Ok(Wanted::Text(typed.value)) };
    let Some((_, example)) = NAMES.iter().find(|(known, _)| known == name) else {
        let at = typed.at + usize::from(typed.not);
        let known = NAMES.map(|(known, _)| known).join(", ");
        return mistake(
            at,
            format!("there is no term {name}:, but {known}; quote what is meant as text, as \"{name}:…\""),
        );
    };
    let bad = |said: &str| Mistake { at: typed.value_at, sentence: format!("{said}; write {example}") };
    if typed.value.is_empty() {
        return Err(bad(&format!("{name}: needs a value right after it")));
    }
    let found = value_of(name, &typed);
    found.ok_or_else(|| bad(&format!("{name}: does not know {}", shortened(&typed.value))))
}

fn shortened(value: &str) -> String {
    let short: String = value.chars().take(40).collect();
    if short == value { short } else { short + "…" }
}

fn value_of(name: &str, typed: &Typed) -> Option<Wanted> {
    let value = typed.value.as_str();
    let is_word = |word: &str| !typed.is_quoted && value.eq_ignore_ascii_case(word);
    let text = || value.to_owned();
    let or_none = || (!is_word("none")).then(text);
    let word = value.to_ascii_lowercase();
    Some(match name {
        "text" => Wanted::Text(text()),
        "host" => Wanted::Host(text()),
        "alias" => Wanted::Alias(text()),
        "note" => Wanted::Note(text()),
        "source" => Wanted::Source(text()),
        "provider" => Wanted::Provider(or_none()),
        "tag" => Wanted::Tag(or_none()),
        "purpose" => Wanted::Purpose(or_none()),
        "country" => Wanted::Country(country(value)?),
        "status" => Wanted::Status(Status::from_name(&word)?),
        "presence" => Wanted::Presence(Presence::from_name(&word)?),
        "flag" => Wanted::Flag(Flag::ALL.into_iter().find(|flag| flag.name() == word)?),
        "id" => Wanted::Id(value.parse().ok()?),
        "ip" => Wanted::Ip(Network::parse(value)?),
        "had" => Wanted::Had(Network::parse(value)?),
        "seen" if is_word("never") => Wanted::Seen(None),
        "seen" => Wanted::Seen(Some(age(&word)?)),
        "expires" => Wanted::Expires(expiry(&word)?),
        "agent" if is_word("none") => Wanted::Agent(None),
        "agent" => {
            let (comparison, version) = Comparison::split(value);
            Wanted::Agent(Some((comparison, Version::parse(version)?)))
        }
        _ => return None,
    })
}

fn country(value: &str) -> Option<Option<String>> {
    let is_country = value.len() == 2 && value.bytes().all(|byte| byte.is_ascii_alphabetic());
    match value {
        _ if value.eq_ignore_ascii_case("none") => Some(None),
        _ if is_country => Some(Some(value.to_ascii_uppercase())),
        _ => None,
    }
}

/// Nothing was seen exactly so long ago, so that a sign is needed.
fn age(value: &str) -> Option<(Comparison, Age)> {
    let (comparison, age) = Comparison::split(value);
    Age::parse(age).filter(|_| comparison != Comparison::Equal).map(|age| (comparison, age))
}

fn expiry(value: &str) -> Option<Expiry> {
    match value {
        "none" => return Some(Expiry::None),
        "past" => return Some(Expiry::Past),
        _ => {}
    }
    let (comparison, when) = Comparison::split(value);
    if let Some(day) = Day::parse(when) {
        return Some(Expiry::On(comparison, day));
    }
    let days = match (when.strip_suffix('d'), when.strip_suffix('w')) {
        (Some(days), _) => digits(days, 5)?,
        (_, Some(weeks)) => digits(weeks, 4)?.checked_mul(7)?,
        _ => return None,
    };
    Some(Expiry::In(comparison, days))
}
