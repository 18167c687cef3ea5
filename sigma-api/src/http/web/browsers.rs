//! What a browser calls itself, in words. It may say anything: this is for people who look for a session that is not theirs.

/// Browsers by a word of theirs, those first that claim to be another one too.
const BROWSERS: [(&str, &str); 9] = [
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];
/// Systems in the same way.
const SYSTEMS: [(&str, &str); 9] = [
    ("iPhone", "an iPhone"),
    ("iPad", "an iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("CrOS", "ChromeOS"),
    ("Macintosh", "macOS"),
    ("FreeBSD", "FreeBSD"),
    ("OpenBSD", "OpenBSD"),
    ("Linux", "Linux"),
];
const MOST_CHARS: usize = 60;

/// A browser as a person knows it.
pub(super) fn in_words(user_agent: Option<&str>) -> String {
    let Some(text) = user_agent.filter(|text| !text.is_empty()) else {
        return "Unknown browser".to_owned();
    };
    let find = |known: &[(&str, &'static str)]| {
        known.iter().find(|(word, _)| text.contains(word)).map(|(_, name)| *name)
    };
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, Some(system)) => format!("A browser on {system}"),
        (None, None) if text.chars().count() > MOST_CHARS => {
            format!("{}…", text.chars().take(MOST_CHARS).collect::<String>())
        }
        (None, None) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_known_by_what_they_say() {
        for (text, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0 Safari/537.36 Edg/139.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1",
                "Safari on an iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 Chrome/139.0 Mobile Safari/537.36",
                "Chrome on Android",
            ),
            ("curl/8.14.1", "curl"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "A browser on Linux"),
            ("something else", "something else"),
        ] {
            assert_eq!(in_words(Some(text)), words, "{text}");
        }
        assert_eq!(in_words(None), "Unknown browser");
        assert_eq!(in_words(Some(&"x".repeat(99))).chars().count(), 61);
    }
}
