//! What leaves the hub beside its pages: files for spreadsheets, which take some cells for formulas, and lines.

use serde_json::{Value, json};

use crate::browser::{Browser, administrator, expect};
use crate::hub::Folder;
use crate::poison::FORGED;

/// What spreadsheets of one country or another divide cells by, whatever a file was written with.
const DIVIDERS: [char; 3] = [',', ';', '\t'];
/// What makes a formula of a cell, behind blanks or not.
const BEGINS: [char; 8] = ['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
const BLANKS: [char; 3] = ['\t', '\r', '\n'];

/// Looks at both tables, and imports them into another hub. The number of cells.
pub(crate) fn cells(owner: &mut Browser, fresh: &Folder) -> Result<usize, String> {
    let _hub = fresh.start("warn")?;
    fresh.wait_until_well()?;
    let mut other = administrator(fresh)?;
    let mut looked_at = 0;
    for table in ["providers", "vps"] {
        let path = format!("/api/{table}/export?include_deleted=true&format=");
        let file = owner.get(&format!("{path}csv"))?;
        expect(&file, 200, "export")?;
        if !file.headers("content-disposition").any(|value| value.starts_with("attachment")) {
            return Err(format!("the file of {table} is not to be saved: {}", file.head));
        }
        for divider in DIVIDERS {
            for row in rows(&file.body, divider) {
                if let Some(cell) =
                    row.iter().find(|cell| cell.trim_start_matches(BLANKS).starts_with(BEGINS))
                {
                    return Err(format!(
                        "where cells are divided by {divider:?}, the file of {table} has the cell {cell:?}"
                    ));
                }
                looked_at += row.len();
            }
        }
        for (format, data) in [("csv", json!(file.body)), ("csv", json!(file.body))] {
            let order = json!({"format": format, "data": data});
            let report = other.json("POST", &format!("/api/{table}/import"), &order)?;
            expect(&report, 200, "import")?;
            if report.json().get("refused") != Some(&json!(0)) {
                return Err(format!("the file of {table} is refused: {}", report.body));
            }
        }
        let (had, has) = (owned(owner, &path)?, owned(&mut other, &path)?);
        if let Some((had, has)) = had.iter().zip(&has).find(|(had, has)| had != has) {
            return Err(format!("{table}: {had} came back as {has}"));
        }
        if had.len() != has.len() {
            return Err(format!("{} of {} {table} came back", has.len(), had.len()));
        }
    }
    Ok(looked_at)
}

/// What is exported, without when it was made.
fn owned(owner: &mut Browser, path: &str) -> Result<Vec<Value>, String> {
    let file = owner.get(&format!("{path}json"))?;
    expect(&file, 200, "export")?;
    let mut rows = file.json().as_array().cloned().unwrap_or_default();
    rows.iter_mut().filter_map(Value::as_object_mut).for_each(|row| drop(row.remove("created_at")));
    Ok(rows)
}

/// The file as a spreadsheet reads it that divides cells by this: a quote at the beginning of a cell guards what is in it.
fn rows(file: &str, divider: char) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let (mut is_quoted, mut is_new) = (false, true);
    let mut chars = file.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if is_new => is_quoted = true,
            c if is_quoted => cell.push(c),
            c if c == divider || c == '\n' => {
                row.push(std::mem::take(&mut cell));
                if c == '\n' {
                    rows.push(std::mem::take(&mut row));
                }
                is_new = true;
                continue;
            }
            // Before the end of a line.
            '\r' if chars.peek() == Some(&'\n') => {}
            c => cell.push(c),
        }
        is_new = false;
    }
    rows
}

/// Sends line ends where they could get into a log, and looks at it; the number of its lines.
pub(crate) fn lines(folder: &Folder, owner: &mut Browser) -> Result<usize, String> {
    let text = format!("a\n{FORGED}");
    let escaped = text.replace('\n', "%0a").replace(' ', "%20");
    for path in [
        format!("/{escaped}"),
        format!("/api/vps/{escaped}"),
        format!("/api/vps?q={escaped}"),
        format!("/api/vps?{escaped}=1"),
        format!("/sign-in?next={escaped}"),
        format!("/setup?token={escaped}"),
    ] {
        owner.get(&path)?;
    }
    for (path, body) in [
        ("/api/session", json!({"email": text, "password": text})),
        ("/api/setup", json!({"token": text, "email": text, "password": text})),
        ("/api/vps/import", json!({"format": "json", "data": [{"hostname": text}]})),
        ("/api/vps/import", json!({"format": "csv", "data": format!("hostname\n\"{text}\"")})),
        ("/api/vps/bulk", json!({"ids": [text], "change": {}})),
        ("/api/agent/register", json!({"hostname": text})),
        ("/api/providers", json!({text.clone(): text})),
    ] {
        owner.json("POST", path, &body)?;
    }
    let mut said = folder.log();
    for arguments in [
        &["key", "create", "--role", "agent", "--name", &text][..],
        &["key", "create", "--role", &text, "--name", "a"],
        &["key", "revoke", &text],
        &["key", "rotate", &text],
        &["key", "list"],
    ] {
        let ended = folder.command().args(arguments).output().map_err(|error| error.to_string())?;
        if arguments.contains(&"list") {
            is_a_line_per_key(&String::from_utf8_lossy(&ended.stdout), owner)?;
        } else if arguments.contains(&"revoke") || arguments.contains(&"rotate") {
            said += &String::from_utf8_lossy(&ended.stderr);
        }
    }
    let metrics = owner.get("/metrics")?;
    expect(&metrics, 200, "metrics")?;
    if let Some(line) =
        metrics.body.lines().find(|line| !line.starts_with('#') && !line.starts_with("sigma_"))
    {
        return Err(format!("a line of the metrics is {line:?}"));
    }
    let mut lines = 0;
    for line in folder.log().lines() {
        let words: Vec<&str> = line.split_whitespace().take(3).collect();
        let is_line = matches!(*words, [time, "ERROR" | "WARN" | "INFO" | "DEBUG", _] if time.ends_with('Z') && time.len() >= 20);
        if !is_line || line.chars().any(sigma_protocol::is_unprintable) {
            return Err(format!("the log has the line {line:?}"));
        }
        lines += 1;
    }
    if let Some(line) = said.lines().find(|line| line.starts_with(FORGED)) {
        return Err(format!("an event has two lines, the second is {line:?}"));
    }
    Ok(lines)
}

fn is_a_line_per_key(list: &str, owner: &mut Browser) -> Result<(), String> {
    let keys = owner.get("/api/keys")?.json().as_array().map_or(0, Vec::len);
    if list.lines().count() == keys && list.lines().all(|line| line.starts_with("sgm_")) {
        return Ok(());
    }
    Err(format!("{keys} keys are listed as {list}"))
}
