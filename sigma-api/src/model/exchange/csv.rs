//! Files: CSV (RFC 4180) and JSON, to rows and back.
//!
//! A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, a tab or a line end as a formula. Such a cell is written
//! with an apostrophe before it, which spreadsheets take for "this is text", and so is one that has apostrophes before
//! such a character: reading takes exactly one away. The same is done inside a cell, behind what a spreadsheet of another
//! country divides cells by: where that is the semicolon, `a;=1+1` becomes two cells.

use serde_json::{Value, json};

use super::sheet::Sheet;
use super::{Kind, Row, Table};
use crate::model::text::{Invalid, one_line};

/// Lines of a file, at most: all of them are written in one transaction.
const MAX_LINES: usize = 10_000;
/// Between the entries of a list, which are written with a backslash before one of their own.
const BETWEEN: char = ';';
/// What formulas begin with, also in the width of East Asian text.
const FORMULA: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
/// What a spreadsheet may pass over before a formula.
const BLANK: [char; 3] = ['\t', '\r', '\n'];
/// What one spreadsheet or another begins a cell after.
const DIVIDERS: [char; 5] = [',', ';', '\t', '\r', '\n'];

/// How a file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    Csv,
    Json,
}

impl Format {
    /// The format of that name.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn named(name: &str) -> Result<Self, Invalid> {
        match name {
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            _ => Err(Invalid::new("format", "is csv or json")),
        }
    }

    /// Its name, and the ending of its files.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
        }
    }
}

/// A row as it stands in a file.
#[derive(Debug)]
pub(crate) struct Line {
    /// Of the file (CSV), or the place in the list (JSON), from 1.
    pub(crate) number: u64,
    /// Its members, or why it cannot be read.
    pub(crate) row: Result<Row, Invalid>,
}

/// The rows as a file.
pub(crate) fn write(table: &Table, format: Format, rows: &[Row]) -> String {
    match format {
        Format::Json => serde_json::to_string_pretty(rows).unwrap_or_default() + "\n",
        Format::Csv => {
            let mut writer =
                csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
            // Writing to memory does not fail.
            let _ = writer.write_record(table.columns.iter().map(|(name, _)| name));
            for row in rows {
                let cells = table.columns.iter().map(|(name, _)| guarded(&cell(row.get(*name))));
                let _ = writer.write_record(cells);
            }
            String::from_utf8(writer.into_inner().unwrap_or_default()).unwrap_or_default()
        }
    }
}

/// Reads a file: a text, or for JSON the list itself, which may be one that the API answered.
///
/// # Errors
/// What keeps all of it from being read; what is wrong with one line stands there.
pub(crate) fn read(table: &Table, format: Format, data: Value) -> Result<Vec<Line>, Invalid> {
    let lines = match (format, data) {
        (Format::Csv, Value::String(text)) => read_csv(table, &text)?,
        (Format::Json, Value::String(text)) => {
            let list: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
                .map_err(|error| Invalid::new("data", not_json(&error)))?;
            drop(text);
            read_json(table, list)?
        }
        (Format::Json, list) => read_json(table, list)?,
        (Format::Csv, _) => return Err(Invalid::new("data", "is the text of a CSV file")),
    };
    if lines.len() > MAX_LINES {
        return Err(Invalid::new("data", format!("has more than {MAX_LINES} lines")));
    }
    Ok(lines)
}

fn not_json(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "is no JSON: it ends too early".to_owned();
    }
    format!("is no JSON: see line {}, character {}", error.line(), error.column())
}

fn read_json(table: &Table, list: Value) -> Result<Vec<Line>, Invalid> {
    let list = match list {
        Value::Object(answer) => listed(answer),
        list => list,
    };
    let Value::Array(list) = list else { return Err(Invalid::new("data", "is a list of objects")) };
    let line = |(number, entry): (u64, Value)| {
        let row = match entry {
            Value::Object(row) => known_members(table, row),
            _ => Err(Invalid::new("data", "is an object")),
        };
        Line { number, row }
    };
    Ok((1..).zip(list).map(line).collect())
}

/// The entries of what a list of the API answers.
fn listed(mut answer: Row) -> Value {
    let is_answer = answer.keys().all(|name| ["data", "total", "page", "per_page"].contains(&name.as_str()));
    answer.remove("data").filter(|_| is_answer).unwrap_or_default()
}

fn known_members(table: &Table, mut row: Row) -> Result<Row, Invalid> {
    if let Some(name) = row.keys().find(|name| !table.knows(name)) {
        return Err(Invalid::new(name, "is no member that can be imported"));
    }
    row.retain(|name, _| table.reads(name));
    Ok(row)
}

fn read_csv(table: &Table, text: &str) -> Result<Vec<Line>, Invalid> {
    let Sheet { text, delimiter, lines_before } = Sheet::of(text)?;
    let mut reader =
        csv::ReaderBuilder::new().flexible(true).delimiter(delimiter).from_reader(text.as_bytes());
    let bad = |error: csv::Error| Invalid::new("data", format!("is no CSV: {error}"));
    let heading = reader.headers().map_err(bad)?.clone();
    let columns = columns_of(table, &heading, line_of(text, &heading).saturating_add(lines_before))?;
    let mut lines = Vec::new();
    for record in reader.records() {
        let record = record.map_err(bad)?;
        // Spreadsheets write delimiters for rows that are empty.
        if record.iter().all(is_blank) {
            continue;
        }
        if lines.len() > MAX_LINES {
            break;
        }
        let number = line_of(text, &record).saturating_add(lines_before);
        lines.push(Line { number, row: row_of(table, &columns, &record) });
    }
    Ok(lines)
}

/// The line of a record. Its reader counts empty lines before it as part of it.
fn line_of(text: &str, record: &csv::StringRecord) -> u64 {
    let Some(position) = record.position() else { return 1 };
    let begin = usize::try_from(position.byte()).unwrap_or(usize::MAX);
    let bytes = text.as_bytes().get(begin..).unwrap_or_default();
    let line_ends = bytes.iter().take_while(|byte| matches!(byte, b'\n' | b'\r'));
    let empty = line_ends.filter(|byte| **byte == b'\n').count();
    position.line().saturating_add(u64::try_from(empty).unwrap_or_default())
}

fn is_blank(cell: &str) -> bool {
    cell.trim().is_empty()
}

/// The members that the headings mean; a column without a name is for empty cells.
fn columns_of(
    table: &Table,
    heading: &csv::StringRecord,
    line: u64,
) -> Result<Vec<Option<&'static str>>, Invalid> {
    let bad = |reason: String| Invalid::new("data", format!("line {line}: {reason}"));
    let mut columns = Vec::with_capacity(heading.len());
    for name in heading.iter().map(|name| name.trim().trim_matches('"').trim()) {
        if name.is_empty() {
            columns.push(None);
            continue;
        }
        let Some(member) = table.named(name) else {
            let known: Vec<&str> = table.columns.iter().map(|(known, _)| *known).collect();
            return Err(bad(format!("there is no column {name:?}, but {}", known.join(", "))));
        };
        if columns.contains(&Some(member)) {
            return Err(bad(format!("the column {member} is there twice")));
        }
        columns.push(Some(member));
    }
    let named = columns.iter().rposition(Option::is_some).map_or(0, |last| last.saturating_add(1));
    columns.truncate(named);
    Ok(columns)
}

fn row_of(
    table: &Table,
    columns: &[Option<&'static str>],
    record: &csv::StringRecord,
) -> Result<Row, Invalid> {
    let bad = |reason: String| Invalid::new("data", reason);
    if record.len() < columns.len() || !record.iter().skip(columns.len()).all(is_blank) {
        return Err(bad(format!("has {} cells, and the heading {}", record.len(), columns.len())));
    }
    let mut row = Row::new();
    for (name, cell) in columns.iter().zip(record) {
        let Some(name) = name else {
            if is_blank(cell) {
                continue;
            }
            return Err(bad(format!("has {:?} in a column without a name", one_line(cell, 40))));
        };
        if let Some(kind) = table.kind(name).filter(|kind| *kind != Kind::Info) {
            row.insert((*name).to_owned(), value(kind, &unguarded(cell)));
        }
    }
    Ok(row)
}

/// What a cell says, if it is written as those of its column are.
fn value(kind: Kind, cell: &str) -> Value {
    match kind {
        Kind::OptionalText | Kind::Number if cell.trim().is_empty() => Value::Null,
        Kind::Tags => entries(cell).into_iter().map(Value::from).collect(),
        Kind::Addresses => entries(cell).iter().map(|entry| address(entry)).collect(),
        Kind::Number => match (cell.trim().parse::<u64>(), cell.trim().parse::<f64>()) {
            (Ok(whole), _) => json!(whole),
            (_, Ok(number)) if number.is_finite() => json!(number),
            _ => json!(cell),
        },
        Kind::Flag => match cell.trim() {
            flag if flag.eq_ignore_ascii_case("true") || flag == "1" => json!(true),
            flag if flag.eq_ignore_ascii_case("false") || flag == "0" => json!(false),
            _ => json!(cell),
        },
        Kind::Text | Kind::OptionalText | Kind::Info => json!(cell),
    }
}

fn cell(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => {
            let between = BETWEEN.to_string();
            list.iter().map(|entry| escaped(&entry_text(entry))).collect::<Vec<_>>().join(&between)
        }
        Some(value) => value.to_string(),
    }
}

/// A tag, or an address with its label behind it.
fn entry_text(entry: &Value) -> String {
    let text = |name: &str| entry.get(name).and_then(Value::as_str).unwrap_or_default();
    match entry {
        Value::Object(_) if text("label").is_empty() => text("ip").to_owned(),
        Value::Object(_) => format!("{} {}", text("ip"), text("label")),
        entry => entry.as_str().unwrap_or_default().to_owned(),
    }
}

fn address(entry: &str) -> Value {
    let (ip, label) = entry.split_once(' ').unwrap_or((entry, ""));
    json!({"ip": ip, "label": label})
}

fn escaped(entry: &str) -> String {
    entry.replace('\\', "\\\\").replace(BETWEEN, &format!("\\{BETWEEN}"))
}

fn entries(cell: &str) -> Vec<String> {
    if cell.is_empty() {
        return Vec::new();
    }
    let mut entries = vec![String::new()];
    let mut chars = cell.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            BETWEEN => {
                entries.push(String::new());
                continue;
            }
            '\\' => chars.next().unwrap_or('\\'),
            c => c,
        };
        if let Some(last) = entries.last_mut() {
            last.push(c);
        }
    }
    entries
}

/// Whether a spreadsheet might find a formula here: at the beginning of a cell, or inside it where a spreadsheet of another
/// country divides cells. Quotes stand before it or not.
fn is_formula(before: Option<char>, rest: &str) -> bool {
    let rest = rest.trim_start_matches(['\'', '"']);
    match before {
        None => rest.starts_with(FORMULA) || rest.starts_with(BLANK),
        Some(before) => DIVIDERS.contains(&before) && rest.starts_with(FORMULA),
    }
}

/// The cell with an apostrophe before whatever might be a formula.
fn guarded(cell: &str) -> String {
    let (mut guarded, mut before, mut chars) = (String::with_capacity(cell.len() + 1), None, cell.chars());
    loop {
        if is_formula(before, chars.as_str()) {
            guarded.push('\'');
        }
        before = chars.next();
        let Some(c) = before else { return guarded };
        guarded.push(c);
    }
}

/// The cell without these apostrophes.
fn unguarded(cell: &str) -> String {
    let (mut plain, mut before, mut chars) = (String::with_capacity(cell.len()), None, cell.chars());
    loop {
        let rest = chars.as_str();
        if rest.starts_with('\'') && is_formula(before, rest) {
            chars.next();
        }
        before = chars.next();
        let Some(c) = before else { return plain };
        plain.push(c);
    }
}
