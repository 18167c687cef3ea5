//! Machines.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::auth::Viewer;
use crate::http::body::{Id, Parameters};
use crate::http::error::{ErrorBody, Result};
use crate::http::etag::Tagged;
use crate::http::failures::Usual;
use crate::model::time::Timestamp;
use crate::model::vps::{Status, Vps};
use crate::model::vps_filter::VpsFilter;

/// One page of machines.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct VpsPage {
    data: Vec<Vps>,
    /// Machines on all pages.
    total: u64,
    page: u64,
    per_page: u64,
}

/// Machines by hostname. Deleted ones are shown only to those who ask for them.
#[utoipa::path(get, path = "/api/vps", tag = "inventory", params(
    ("q" = Option<String>, Query, description = "a search, such as `relay tag:edge -country:HK seen:>1h`", example = "provider:none status:active"),
    ("sort" = Option<String>, Query, description = "hostname, alias, provider, presence, last_seen, expire_date, created_at, country or status; with - before it the reverse"),
    ("include_deleted" = Option<bool>, Query, description = "also machines that were deleted"),
    ("status" = Option<Status>, Query, description = "only machines of this status"),
    ("country" = Option<String>, Query, description = "ISO 3166-1 alpha-2, in any case"),
    ("provider_id" = Option<uuid::Uuid>, Query),
    ("purpose" = Option<String>, Query),
    ("tag" = Option<String>, Query, description = "only machines that have this tag"),
    ("expiring_within_days" = Option<u32>, Query, description = "only machines that expire within so many days or have expired; retired and deleted ones only if status asks for them"),
    ("source" = Option<String>, Query),
    ("page" = Option<u64>, Query, description = "from 1"),
    ("per_page" = Option<u64>, Query, description = "1 to 100, 25 unless said; more is taken for 100"),
), responses(
    Usual,
    (status = 200, body = VpsPage),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn list(
    State(hub): AppState,
    _: Viewer,
    Parameters(parameters): Parameters,
) -> Result<Answer<VpsPage>> {
    let filter = VpsFilter::from_parameters(&parameters)?;
    let page = hub.list_vps(Timestamp::now(), &filter).await?;
    Ok(Answer(VpsPage { data: page.data, total: page.total, page: filter.page, per_page: filter.per_page }))
}

/// One machine, deleted or not.
#[utoipa::path(get, path = "/api/vps/{id}", tag = "inventory", params(("id" = uuid::Uuid, Path)), responses(
    Usual,
    (status = 200, body = Vps, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
))]
pub(in crate::http) async fn read(State(hub): AppState, _: Viewer, Id(id): Id) -> Result<Tagged<Vps>> {
    Ok(Tagged(hub.vps(Timestamp::now(), id).await?))
}
