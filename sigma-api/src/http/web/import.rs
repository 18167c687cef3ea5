//! Import and export: files go out by links, and come in by a form that shows line by line what it would do, before it
//! does it.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::notice::go;
use super::{Frame, Wrong, html, wrong};
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::Parameters;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::http::upload::{MAX_UPLOAD_BYTES, Upload};
use crate::model::audit::Actor;
use crate::model::exchange::{Action, Format, ImportLine};
use crate::model::text::{Invalid, one_line};
use crate::model::time::Timestamp;
use crate::service::exchange::{Import, ImportReport};
use crate::service::{Hub, Result as Done};

/// Lines that are shown of each kind.
const LINES: usize = 300;
/// A value is shown up to so many characters.
const MAX_CHARS: usize = 160;
const MACHINES: &str = "machines";
const PROVIDERS: &str = "providers";

#[derive(Template)]
#[template(path = "import.html")]
struct ImportPage {
    frame: Frame,
    wrong: Wrong,
    /// A search whose machines are exported.
    q: String,
    /// `machines` or `providers`.
    kind: &'static str,
    text: String,
    preview: Option<Preview>,
}

/// What an import would do.
struct Preview {
    created: usize,
    changed: usize,
    unchanged: usize,
    refused: usize,
    /// Of all of it, to see whether it is the same when it is done.
    digest: String,
    lines: Vec<Line>,
    /// Lines that are not shown, beside those that change nothing.
    more: usize,
    /// Whether it was to be done, and was not.
    was_refused: bool,
}

/// A line of the file.
struct Line {
    number: u64,
    does: &'static str,
    name: String,
    details: Vec<Detail>,
    error: String,
}

/// A member that changes.
struct Detail {
    member: String,
    from: String,
    to: String,
}

/// The page.
pub(in crate::http) async fn show(frame: Frame, Parameters(parameters): Parameters) -> Response {
    let q = parameters.into_iter().find(|(name, _)| name == "q").map(|(_, q)| q).unwrap_or_default();
    let page =
        ImportPage { frame, wrong: Wrong::default(), q, kind: MACHINES, text: String::new(), preview: None };
    html(StatusCode::OK, &page)
}

/// Shows what an import would do.
pub(in crate::http) async fn preview(
    State(hub): AppState,
    Editor(caller): Editor,
    frame: Frame,
    upload: Upload,
) -> Result<Response> {
    let page = ImportPage::of(frame, &upload);
    match import(&hub, &caller.actor, &page, true, None).await {
        Ok(report) => Ok(html(StatusCode::OK, &page.with(report, false))),
        Err(error) => Ok(page.again(error)),
    }
}

/// Imports, all of it or nothing.
pub(in crate::http) async fn apply(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    upload: Upload,
) -> Result<Response> {
    let page = ImportPage::of(frame, &upload);
    let shown = Some(upload.get("shown")).filter(|shown| !shown.is_empty()).map(str::to_owned);
    match import(&hub, &caller.actor, &page, false, shown).await {
        Ok(report) if report.is_other && report.refused == 0 => {
            Ok(html(StatusCode::CONFLICT, &page.changed_since(report)))
        }
        Ok(report) if report.refused > 0 => Ok(html(StatusCode::CONFLICT, &page.with(report, true))),
        Ok(report) => {
            let to = if page.kind == PROVIDERS { "/providers" } else { "/" };
            Ok(go(client, to, &format!("imported.{}", report.imported)))
        }
        Err(error) => Ok(page.again(error)),
    }
}

async fn import(
    hub: &Hub,
    actor: &Actor,
    page: &ImportPage,
    dry_run: bool,
    only_as: Option<String>,
) -> Done<ImportReport> {
    let text = page.text.trim_start_matches('\u{feff}').trim_start();
    if text.is_empty() {
        return Err(Invalid::new("data", "is empty; choose a file, or paste its text").into());
    }
    // No heading of a CSV file begins so.
    let format = if text.starts_with(['[', '{']) { Format::Json } else { Format::Csv };
    let import = Import { format, data: Value::String(page.text.clone()), dry_run, only_as };
    let now = Timestamp::now();
    match page.kind {
        PROVIDERS => hub.import_providers(now, actor, import).await,
        _ => hub.import_vps(now, actor, import).await,
    }
}

impl ImportPage {
    fn of(frame: Frame, upload: &Upload) -> Self {
        let file = upload.get("file");
        let text = if file.is_empty() { upload.get("text") } else { file };
        Self {
            frame,
            wrong: Wrong::default(),
            q: String::new(),
            kind: if upload.get("kind") == PROVIDERS { PROVIDERS } else { MACHINES },
            text: text.to_owned(),
            preview: None,
        }
    }

    fn with(self, report: ImportReport, was_refused: bool) -> Self {
        Self { preview: Some(Preview::of(report, was_refused)), ..self }
    }

    /// With what it would do now, which is not what the person agreed to.
    fn changed_since(self, report: ImportReport) -> Self {
        let sentence = "The fleet changed since this was shown, and the import would do something else now. Nothing \
                        was imported; look at it again.";
        let wrong = Wrong { sentence: sentence.to_owned(), ..Wrong::default() };
        Self { wrong, ..self.with(report, false) }
    }

    fn again(self, error: crate::service::Error) -> Response {
        let wrong = wrong(error, &["data"]);
        html(wrong.status, &Self { wrong, ..self })
    }

    fn max_mib(&self) -> usize {
        MAX_UPLOAD_BYTES / 1024 / 1024
    }

    /// Whether the text stands where it can be changed: what can be imported as it is waits beside its button.
    fn shows_text(&self) -> bool {
        self.preview.as_ref().is_none_or(|preview| preview.refused > 0)
    }
}

impl Preview {
    fn of(report: ImportReport, was_refused: bool) -> Self {
        let (mut refused, mut others) = (0, 0);
        let mut more = 0;
        let mut lines = Vec::new();
        for line in report.lines.into_iter().filter(|line| line.action != Action::Same) {
            let shown = if line.action == Action::Refuse { &mut refused } else { &mut others };
            if *shown == LINES {
                more += 1;
                continue;
            }
            *shown += 1;
            lines.push(Line::of(line));
        }
        Self {
            created: report.created,
            changed: report.updated,
            unchanged: report.unchanged,
            refused: report.refused,
            digest: report.digest,
            lines,
            more,
            was_refused,
        }
    }

    /// Lines that make or change something.
    fn acts(&self) -> usize {
        self.created.saturating_add(self.changed)
    }
}

impl Line {
    fn of(line: ImportLine) -> Self {
        let detail = |(member, from, to): (&str, &Value, &Value)| Detail {
            member: member.replace('_', " "),
            from: text(from),
            to: text(to),
        };
        // What stands elsewhere in the line, or in words beside it, is not said again.
        let is_new = line.action == Action::Create;
        let is_told = |member: &str| match member {
            "id" | "provider_id" => true,
            "hostname" | "name" => is_new,
            _ => false,
        };
        let details = line.changes.members().filter(|(member, ..)| !is_told(member));
        Self {
            number: line.line,
            does: match line.action {
                Action::Create => "new",
                Action::Change => "change",
                Action::Same => "same",
                Action::Refuse => "refused",
            },
            details: details.map(detail).collect(),
            name: line.name,
            error: line.error.unwrap_or_default(),
        }
    }
}

/// A value as a person reads it; nothing is empty.
fn text(value: &Value) -> String {
    let text = match value {
        Value::Null => String::new(),
        Value::Bool(yes) => if *yes { "yes" } else { "no" }.to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(values) => values.iter().map(entry).collect::<Vec<_>>().join(", "),
        value => entry(value),
    };
    one_line(&text, MAX_CHARS)
}

/// An entry of a list: a tag, or an address with its label.
fn entry(value: &Value) -> String {
    let part = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    match (value.as_str(), part("ip"), part("label")) {
        (Some(text), ..) => text.to_owned(),
        (None, "", _) => value.to_string(),
        (None, ip, "") => ip.to_owned(),
        (None, ip, label) => format!("{ip} ({label})"),
    }
}
