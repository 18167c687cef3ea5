//! Export and import of machines and providers.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::auth::{Editor, Viewer};
use crate::http::body::Parameters;
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::http::large::Large;
use crate::model::exchange::{Format, MACHINES, PROVIDERS, Table};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::vps_filter::VpsFilter;
use crate::service::exchange::{Import, ImportReport, file_name};

/// A file to be saved.
type File = ([(HeaderName, String); 2], String);

/// A file that is to be imported.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct ImportRequest {
    /// `csv` or `json`.
    format: String,
    /// The text of the file; for JSON it may be the list itself, also as `GET /api/vps` and `GET /api/providers` answer it.
    #[schema(value_type = Object)]
    data: serde_json::Value,
    /// Shows what would happen, and does nothing.
    #[serde(default)]
    dry_run: bool,
}

impl TryFrom<ImportRequest> for Import {
    type Error = Invalid;

    fn try_from(request: ImportRequest) -> std::result::Result<Self, Invalid> {
        let format = Format::named(&request.format)?;
        Ok(Self { format, data: request.data, dry_run: request.dry_run, only_as: None })
    }
}

/// Machines as a file that imports again and is equal. The filters of the list decide which; there are no pages.
#[utoipa::path(get, path = "/api/vps/export", tag = "inventory", params(
    ("format" = Option<String>, Query, description = "csv or json; csv unless said"),
    ("q" = Option<String>, Query, description = "a search, as for the list of machines, whose other filters work as well"),
), responses(
    Usual,
    (status = 200, body = String, content_type = "text/csv"),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn export_vps(
    State(hub): AppState,
    _: Viewer,
    Parameters(parameters): Parameters,
) -> Result<File> {
    let format = format_of(&parameters)?;
    let filter = VpsFilter::from_parameters(&parameters)?;
    let now = Timestamp::now();
    Ok(file(&MACHINES, now, format, hub.export_vps(now, &filter, format).await?))
}

/// Providers as a file that imports again and is equal.
#[utoipa::path(get, path = "/api/providers/export", tag = "inventory", params(
    ("format" = Option<String>, Query, description = "csv or json; csv unless said"),
), responses(
    Usual,
    (status = 200, body = String, content_type = "text/csv"),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn export_providers(
    State(hub): AppState,
    _: Viewer,
    Parameters(parameters): Parameters,
) -> Result<File> {
    let format = format_of(&parameters)?;
    let text = hub.export_providers(format).await?;
    Ok(file(&PROVIDERS, Timestamp::now(), format, text))
}

/// Imports machines, all of them or none. A line is about the machine of its id, or else the living one of its hostname;
/// a line that finds neither makes one. Members that the file does not have stay as they are, and an empty one is cleared;
/// what only the hub says of a machine is passed over. A line with a `version` is refused if its record has another by now.
#[utoipa::path(post, path = "/api/vps/import", tag = "inventory", request_body = ImportRequest, responses(
    Usual, OfBody,
    (status = 200, description = "what was imported, or why nothing was", body = ImportReport),
    (status = 400, description = "the file cannot be read; the sentence says where", body = ErrorBody),
    (status = 413, description = "the body is larger than 8 MiB", body = ErrorBody),
    (status = 503, description = "nothing was imported; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn import_vps(
    State(hub): AppState,
    Editor(caller): Editor,
    Large(request, _only_one): Large<ImportRequest>,
) -> Result<Answer<ImportReport>> {
    Ok(Answer(hub.import_vps(Timestamp::now(), &caller.actor, request.try_into()?).await?))
}

/// Imports providers, all of them or none. A line is about the provider of its id, or else of its name. One
/// with a `version` is refused if its record has another by now.
#[utoipa::path(post, path = "/api/providers/import", tag = "inventory", request_body = ImportRequest, responses(
    Usual, OfBody,
    (status = 200, description = "what was imported, or why nothing was", body = ImportReport),
    (status = 400, description = "the file cannot be read; the sentence says where", body = ErrorBody),
    (status = 413, description = "the body is larger than 8 MiB", body = ErrorBody),
    (status = 503, description = "nothing was imported; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn import_providers(
    State(hub): AppState,
    Editor(caller): Editor,
    Large(request, _only_one): Large<ImportRequest>,
) -> Result<Answer<ImportReport>> {
    Ok(Answer(hub.import_providers(Timestamp::now(), &caller.actor, request.try_into()?).await?))
}

fn format_of(parameters: &[(String, String)]) -> std::result::Result<Format, Invalid> {
    let named = parameters.iter().find(|(name, _)| name == "format").map(|(_, value)| value.as_str());
    Format::named(named.filter(|name| !name.is_empty()).unwrap_or("csv"))
}

fn file(table: &Table, now: Timestamp, format: Format, text: String) -> File {
    let kind = match format {
        Format::Csv => "text/csv; charset=utf-8; header=present",
        Format::Json => "application/json",
    };
    let disposition = format!("attachment; filename=\"{}\"", file_name(table, now, format));
    ([(CONTENT_TYPE, kind.to_owned()), (CONTENT_DISPOSITION, disposition)], text)
}
