//! Results of checks of addresses from outside.
//!
//! The protocol names this URL and not its members. A check is one attempt of one probe: which address, what was tried,
//! from where, whether it worked, how long it took. That is the least that probes agree on; `check_type` and `source` are
//! free text, so that a probe of a new kind needs no new hub.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::auth::{Editor, Viewer};
use crate::http::body::{Json, Parameters};
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::model::ip_check::{IpCheck, IpCheckFilter, IpCheckReport};
use crate::model::time::Timestamp;

/// One page of checks.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct IpCheckPage {
    data: Vec<IpCheck>,
    /// Checks on all pages.
    total: u64,
    page: u64,
    per_page: u64,
}

/// Checks of addresses, the newest first.
#[utoipa::path(get, path = "/api/ip-checks", tag = "checks", params(
    ("ip" = Option<String>, Query),
    ("vps_id" = Option<uuid::Uuid>, Query),
    ("source" = Option<String>, Query, description = "from where"),
    ("success" = Option<bool>, Query),
    ("page" = Option<u64>, Query, description = "from 1"),
    ("per_page" = Option<u64>, Query, description = "1 to 100, 25 unless said; more is taken for 100"),
), responses(
    Usual,
    (status = 200, body = IpCheckPage),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn list(
    State(hub): AppState,
    _: Viewer,
    Parameters(parameters): Parameters,
) -> Result<Answer<IpCheckPage>> {
    let filter = IpCheckFilter::from_parameters(&parameters)?;
    let (page, paging) = (hub.ip_checks(&filter).await?, filter.paging);
    Ok(Answer(IpCheckPage {
        data: page.data,
        total: page.total,
        page: paging.page,
        per_page: paging.per_page,
    }))
}

/// Keeps the result of a check; the newest 200 of one address, source and kind are kept.
#[utoipa::path(post, path = "/api/ip-checks", tag = "checks", request_body = IpCheckReport, responses(
    Usual, OfBody,
    (status = 201, body = IpCheck),
))]
pub(in crate::http) async fn create(
    State(hub): AppState,
    _: Editor,
    Json(report): Json<IpCheckReport>,
) -> Result<(StatusCode, Answer<IpCheck>)> {
    Ok((StatusCode::CREATED, Answer(hub.note_ip_check(Timestamp::now(), report).await?)))
}
