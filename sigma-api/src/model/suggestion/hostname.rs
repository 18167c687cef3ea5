//! What hostnames have in common: how they begin, their words, their shape, their domain.

use std::fmt;

/// Something that several hostnames share. A run of digits counts as one `#`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Pattern {
    /// The first word, as `hz` of `hz-fsn1-relay-03`.
    Start(String),
    /// A later word of the first label.
    Word(String),
    /// All of the first label, as `vmi#`.
    Shape(String),
    /// The last labels.
    Domain(String),
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(word) => write!(f, "{word}-…"),
            Self::Word(word) => write!(f, "…-{word}-…"),
            Self::Shape(shape) => f.write_str(shape),
            Self::Domain(domain) => write!(f, "….{domain}"),
        }
    }
}

/// All patterns of a hostname, each once, those first that say most to a reader.
pub(super) fn patterns(hostname: &str) -> Vec<Pattern> {
    let hostname = hostname.to_ascii_lowercase();
    let labels: Vec<&str> = hostname.split('.').collect();
    let first = without_numbers(labels.first().copied().unwrap_or_default());
    let words: Vec<&str> = first.split(|c: char| !c.is_ascii_alphanumeric() && c != '#').collect();
    let mut found = Vec::new();
    for (position, word) in words.iter().enumerate() {
        // A single letter or a number is nobody's habit.
        if word.chars().filter(char::is_ascii_alphabetic).count() < 2 {
            continue;
        }
        let has_more = words.len() > 1;
        match position {
            0 if has_more => found.push(Pattern::Start((*word).to_owned())),
            0 => {}
            _ => found.push(Pattern::Word((*word).to_owned())),
        }
    }
    for count in [2, 3] {
        if labels.len() > count {
            let last = labels.iter().skip(labels.len() - count).copied().collect::<Vec<_>>();
            found.push(Pattern::Domain(last.join(".")));
        }
    }
    if first.chars().any(|c| c.is_ascii_alphabetic()) {
        found.push(Pattern::Shape(first.clone()));
    }
    let mut seen = Vec::new();
    found.retain(|pattern| {
        let is_new = !seen.contains(pattern);
        seen.push(pattern.clone());
        is_new
    });
    found
}

fn without_numbers(label: &str) -> String {
    let mut shape = String::with_capacity(label.len());
    for c in label.chars() {
        let c = if c.is_ascii_digit() { '#' } else { c };
        if c != '#' || !shape.ends_with('#') {
            shape.push(c);
        }
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(hostname: &str) -> Vec<String> {
        patterns(hostname).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn words_shape_and_domain_are_found() {
        assert_eq!(
            shown("HZ-fsn1-relay-03.vpn.example.net"),
            ["hz-…", "…-fsn#-…", "…-relay-…", "….example.net", "….vpn.example.net", "hz-fsn#-relay-#"]
        );
        assert_eq!(shown("vmi1234567.contaboserver.net"), ["….contaboserver.net", "vmi#"]);
        assert_eq!(shown("debian"), ["debian"]);
        assert_eq!(shown("debian (2)"), ["debian-…", "debian (#)"]);
    }

    #[test]
    fn numbers_and_single_letters_say_nothing() {
        assert_eq!(shown("203.0.113.7"), ["….113.7", "….0.113.7"]);
        assert_eq!(shown("a-1-b"), ["a-#-b"]);
        assert_eq!(shown(""), Vec::<String>::new());
        assert_eq!(shown("relay-relay-relay"), ["relay-…", "…-relay-…", "relay-relay-relay"]);
    }
}
