//! What became of machines and their addresses.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::auth::{Editor, Viewer};
use crate::http::body::{Id, Parameters};
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::Usual;
use crate::model::address_history::KnownAddress;
use crate::model::audit::{AuditEntry, AuditFilter};
use crate::model::paging::Paging;
use crate::model::time::Timestamp;
use crate::service::Page;

/// All addresses that a machine has or had.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AddressHistory {
    data: Vec<KnownAddress>,
}

/// One page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AuditPage {
    data: Vec<AuditEntry>,
    /// Lines on all pages.
    total: u64,
    page: u64,
    per_page: u64,
}

impl AuditPage {
    fn of(page: Page<AuditEntry>, paging: Paging) -> Self {
        Self { data: page.data, total: page.total, page: paging.page, per_page: paging.per_page }
    }
}

/// All addresses that a machine has or had: since when, until when, and whose each was before.
#[utoipa::path(get, path = "/api/vps/{id}/addresses", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
), responses(
    Usual,
    (status = 200, body = AddressHistory),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
))]
pub(in crate::http) async fn addresses(
    State(hub): AppState,
    _: Viewer,
    Id(id): Id,
) -> Result<Answer<AddressHistory>> {
    Ok(Answer(AddressHistory { data: hub.address_history(Timestamp::now(), id).await? }))
}

/// What was done to a machine, the newest first.
#[utoipa::path(get, path = "/api/vps/{id}/audit", tag = "audit", params(
    ("id" = uuid::Uuid, Path),
    ("actor" = Option<String>, Query, description = "name or id of who acted"),
    ("action" = Option<String>, Query, description = "for example vps.update"),
    ("page" = Option<u64>, Query, description = "from 1"),
    ("per_page" = Option<u64>, Query, description = "1 to 100, 25 unless said; more is taken for 100"),
), responses(
    Usual,
    (status = 200, body = AuditPage),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
))]
pub(in crate::http) async fn of_vps(
    State(hub): AppState,
    _: Viewer,
    Id(id): Id,
    Parameters(parameters): Parameters,
) -> Result<Answer<AuditPage>> {
    let filter = AuditFilter::from_parameters(&parameters)?;
    let paging = filter.paging;
    Ok(Answer(AuditPage::of(hub.vps_audit(id, filter).await?, paging)))
}

/// Who changed what, from which to which value, when and from where; the newest first.
#[utoipa::path(get, path = "/api/audit", tag = "audit", params(
    ("subject_id" = Option<uuid::Uuid>, Query, description = "id of what was changed"),
    ("subject" = Option<String>, Query, description = "what it was called then, in any case"),
    ("actor" = Option<String>, Query, description = "name or id of who acted"),
    ("action" = Option<String>, Query, description = "for example vps.update"),
    ("page" = Option<u64>, Query, description = "from 1"),
    ("per_page" = Option<u64>, Query, description = "1 to 100, 25 unless said; more is taken for 100"),
), responses(
    Usual,
    (status = 200, body = AuditPage),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn audit(
    State(hub): AppState,
    _: Editor,
    Parameters(parameters): Parameters,
) -> Result<Answer<AuditPage>> {
    let filter = AuditFilter::from_parameters(&parameters)?;
    Ok(Answer(AuditPage::of(hub.audit_log(&filter).await?, filter.paging)))
}
