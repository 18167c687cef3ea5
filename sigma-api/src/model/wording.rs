//! What is wrong with a value, in words for whoever sent it: a parser says it in those of its own types.

use super::text::one_line;

/// A text that was sent is repeated only so far.
const MAX_SHOWN_CHARS: usize = 40;

/// What a parser says of a value, as the rest of a sentence that begins with the name of the member. What it does not say in
/// words of its own stays as it is.
pub(crate) fn in_words(cause: &str) -> String {
    let (cause, _) = cause.rsplit_once(" at line ").unwrap_or((cause, ""));
    let kinds = ["invalid type: ", "invalid value: "];
    if let Some((got, wanted)) = after(cause, &kinds).and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("is {}, not {}", kind(wanted), value(got));
    }
    if let Some((got, wanted)) = after(cause, &["invalid length "]).and_then(|rest| rest.split_once(", ")) {
        return format!("is {}, not of {got}", kind(wanted.trim_start_matches("expected ")));
    }
    if let Some((got, wanted)) =
        after(cause, &["unknown variant `"]).and_then(|rest| rest.split_once("`, expected "))
    {
        return format!("is {}, not {}", wanted.replace('`', ""), one_line(got, MAX_SHOWN_CHARS));
    }
    match cause {
        "invalid IP address syntax" => format!("is {}", kind("IP address")),
        _ if cause.starts_with("UUID parsing failed") => format!("is {}", kind("UUID")),
        _ => cause.to_owned(),
    }
}

fn after<'a>(cause: &'a str, beginnings: &[&str]) -> Option<&'a str> {
    beginnings.iter().find_map(|beginning| cause.strip_prefix(beginning))
}

/// What is wanted.
fn kind(wanted: &str) -> String {
    let whole = |most: &str| format!("a whole number from 0 to {most}");
    match wanted {
        "u8" => whole("255"),
        "u16" => whole("65535"),
        "u32" => whole("4294967295"),
        "u64" | "usize" => whole("18446744073709551615"),
        "i64" | "i32" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a string" => "a text".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a JSON object".to_owned(),
        "IP address" => "an address, as 203.0.113.7 or 2001:db8::1".to_owned(),
        _ if wanted.contains("UUID") => "a UUID, as 01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a".to_owned(),
        _ if wanted.starts_with("struct ") => "a JSON object".to_owned(),
        _ => match wanted.strip_prefix("an array of length ") {
            Some(length) => format!("a list of {length}"),
            None => wanted.replace('`', ""),
        },
    }
}

/// What was sent.
fn value(got: &str) -> String {
    match got {
        "sequence" => "a list".to_owned(),
        "map" => "an object".to_owned(),
        "unit value" => "null".to_owned(),
        _ => match after(got, &["string ", "integer `", "floating point `", "boolean `"]) {
            Some(value) => one_line(value.trim_end_matches('`'), MAX_SHOWN_CHARS),
            None => got.to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_says_is_said_in_words() {
        for (cause, words) in [
            (
                "invalid type: string \"x\", expected u8 at line 1 column 9",
                "is a whole number from 0 to 255, not \"x\"",
            ),
            (
                "invalid type: string \"a, expected b\", expected a boolean",
                "is true or false, not \"a, expected b\"",
            ),
            (
                "invalid value: integer `-1`, expected u64",
                "is a whole number from 0 to 18446744073709551615, not -1",
            ),
            ("invalid type: floating point `1.5`, expected i64", "is a whole number, not 1.5"),
            ("invalid type: boolean `true`, expected a string", "is a text, not true"),
            ("invalid type: null, expected a sequence", "is a list, not null"),
            ("invalid type: map, expected f64", "is a number, not an object"),
            ("invalid type: sequence, expected a JSON object", "is a JSON object, not a list"),
            ("invalid length 1, expected an array of length 3", "is a list of 3, not of 1"),
            ("unknown variant `x`, expected one of `a`, `b`, `c`", "is one of a, b, c, not x"),
            ("unknown variant `x`, expected `a` or `b`", "is a or b, not x"),
            ("invalid IP address syntax", "is an address, as 203.0.113.7 or 2001:db8::1"),
            ("is to be a text in quotation marks", "is to be a text in quotation marks"),
        ] {
            assert_eq!(in_words(cause), words, "{cause}");
        }
        let long = format!("invalid type: string \"{}\", expected u8", "x".repeat(100));
        assert!(in_words(&long).ends_with("xxx…"), "{}", in_words(&long));
    }
}
