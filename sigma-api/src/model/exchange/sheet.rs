//! CSV as spreadsheets of all locales write it: which sign stands between cells, and whether every quotation mark is closed.

use crate::model::text::Invalid;

const DELIMITERS: [u8; 3] = [b',', b';', b'\t'];

/// The table of a file, and how it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sheet<'a> {
    pub(super) text: &'a str,
    /// What stands between cells.
    pub(super) delimiter: u8,
    /// Lines of the file before the table.
    pub(super) lines_before: u64,
}

impl<'a> Sheet<'a> {
    /// Finds the table of a file. A first line `sep=;` says what stands between cells; else the headings do.
    ///
    /// # Errors
    /// A quotation mark that is never closed: what follows it would all be one cell.
    pub(super) fn of(file: &'a str) -> Result<Self, Invalid> {
        let file = file.trim_start_matches('\u{feff}');
        let (first, rest) = file.split_once('\n').unwrap_or((file, ""));
        let (text, delimiter, lines_before) = match said(first) {
            Some(delimiter) => (rest, delimiter, 1),
            None => (file, likely(file), 0),
        };
        match unclosed_quote(text, delimiter) {
            None => Ok(Self { text, delimiter, lines_before }),
            Some(line) => {
                let line = line.saturating_add(lines_before);
                let reason = format!("line {line}: the quotation mark that opens here is never closed");
                Err(Invalid::new("data", reason))
            }
        }
    }
}

fn said(line: &str) -> Option<u8> {
    let line = line.trim_end_matches('\r');
    let line = line.strip_prefix('"').and_then(|line| line.strip_suffix('"')).unwrap_or(line);
    let (name, sign) = line.split_at_checked(4)?;
    let found = || DELIMITERS.into_iter().find(|delimiter| sign.as_bytes() == [*delimiter]);
    if name.eq_ignore_ascii_case("sep=") { found() } else { None }
}

/// Spreadsheets write semicolons where commas stand in numbers, and some tabs.
fn likely(file: &str) -> u8 {
    let headings = file.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    DELIMITERS.into_iter().find(|byte| headings.as_bytes().contains(byte)).unwrap_or(b',')
}

/// Where the reader of a table stands: a quotation mark opens a cell only at its beginning.
#[derive(Clone, Copy)]
enum Place {
    Beginning,
    Plain,
    /// Between quotation marks, the first of which is in that line.
    Quoted(u64),
    /// After a mark that closes a cell, or is the first of two.
    Closed(u64),
}

/// The line, from 1, of a quotation mark that is never closed.
fn unclosed_quote(text: &str, delimiter: u8) -> Option<u64> {
    let mut line: u64 = 1;
    let mut place = Place::Beginning;
    for byte in text.bytes() {
        place = match (place, byte) {
            (Place::Quoted(opened), b'"') => Place::Closed(opened),
            (Place::Quoted(opened), _) | (Place::Closed(opened), b'"') => Place::Quoted(opened),
            (_, b'\n' | b'\r') => Place::Beginning,
            (_, byte) if byte == delimiter => Place::Beginning,
            (Place::Beginning, b'"') => Place::Quoted(line),
            _ => Place::Plain,
        };
        if byte == b'\n' {
            line = line.saturating_add(1);
        }
    }
    match place {
        Place::Quoted(opened) => Some(opened),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_between_cells_is_said_or_seen() {
        for (file, delimiter, lines_before) in [
            ("", b',', 0),
            ("hostname\na;b", b',', 0),
            ("hostname;alias\na;b,c", b';', 0),
            ("\n\nhostname\talias\n", b'\t', 0),
            ("\u{feff}sep=;\r\nhostname,alias\n", b';', 1),
            ("\"SEP=\t\"\nhostname", b'\t', 1),
            ("sep=x\n", b',', 0),
        ] {
            let sheet = Sheet::of(file).unwrap();
            assert_eq!((sheet.delimiter, sheet.lines_before), (delimiter, lines_before), "{file:?}");
        }
    }

    #[test]
    fn a_quotation_mark_that_is_never_closed_is_found_where_it_opens() {
        for (text, line) in [
            ("a,\"b\"\n\"c\nd\",\"e\"\"f\"\n", None),
            ("a\"b,5\"\n", None),
            ("\"a\"b\"\n", None),
            ("\"\"\n", None),
            ("a\n\"b\n\"c", None),
            ("a\nb,\"c\n\nd", Some(2)),
            ("a\nb,\"c\"\"\nd", Some(2)),
            ("\"", Some(1)),
        ] {
            assert_eq!(unclosed_quote(text, b','), line, "{text:?}");
        }
    }
}
