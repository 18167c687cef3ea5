//! What text from outside may look like.

use sigma_protocol::is_unprintable;

/// An input that breaks a rule: which member, and what it should be. Shown as `field: reason`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    /// Path of the member, for example `ip_addresses[3].label`.
    pub(crate) field: String,
    /// What is wrong, as the rest of a sentence.
    pub(crate) reason: String,
}

impl Invalid {
    /// An error about `field`.
    pub(crate) fn new(field: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { field: field.into(), reason: reason.into() }
    }

    /// Both errors, in one sentence.
    pub(crate) fn and(self, other: Self) -> Self {
        Self { reason: format!("{}; {other}", self.reason), ..self }
    }
}

impl std::fmt::Display for Invalid {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.field, self.reason)
    }
}

/// Refuses text of more than `max_chars` characters and text with control or direction characters.
///
/// # Errors
/// Names `field` and the rule.
pub(crate) fn check_text(field: &str, text: &str, max_chars: usize) -> Result<(), Invalid> {
    if text.chars().nth(max_chars).is_some() {
        return Err(Invalid::new(field, format!("is longer than {max_chars} characters")));
    }
    if text.chars().any(is_unprintable) {
        return Err(Invalid::new(field, "contains a control or text direction character"));
    }
    Ok(())
}

/// As [`check_text`], for text of several lines: it may have line ends and tabs.
///
/// # Errors
/// Names `field` and the rule.
pub(crate) fn check_lines(field: &str, text: &str, max_chars: usize) -> Result<(), Invalid> {
    let line_ends_and_tabs = |c: char| c == '\n' || c == '\t';
    check_text(field, &text.replace(line_ends_and_tabs, " "), max_chars)
}

/// `text` on one line and at most `max_chars` long: what is shown to operators of something that was refused.
pub(crate) fn one_line(text: &str, max_chars: usize) -> String {
    let mut line: String =
        text.chars().take(max_chars).map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(max_chars).is_some() {
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_of_any_script_passes() {
        for text in ["", "Debian GNU/Linux 12 (bookworm)", "東京", "Ελλάδα", "<b>&amp;{{ }}=1+1"] {
            assert_eq!(check_text("os", text, 32), Ok(()), "{text:?}");
        }
    }

    #[test]
    fn control_and_direction_characters_are_refused_by_name() {
        for c in [
            '\0', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{200e}', '\u{202e}', '\u{2066}', '\u{2028}',
            '\u{61c}', '\u{200b}',
        ] {
            let error = check_text("os", &format!("a{c}b"), 32).unwrap_err();
            assert_eq!(error.field, "os", "{c:?}");
        }
    }

    #[test]
    fn length_counts_characters() {
        assert!(check_text("os", &"é".repeat(256), 256).is_ok());
        assert!(check_text("os", &"é".repeat(257), 256).is_err());
    }

    #[test]
    fn one_line_stays_one_line() {
        assert_eq!(one_line("a\r\nb\u{1b}[31m", 100), "a\u{fffd}\u{fffd}b\u{fffd}[31m");
        assert_eq!(one_line("abcdef", 3), "abc…");
    }
}
