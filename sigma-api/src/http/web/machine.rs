//! A machine: what it is, what it did, what was done to it, and changing it.

pub(in crate::http) mod acts;
pub(in crate::http) mod edit;
mod fields;
mod marks;
mod page;
mod sizes;
mod strip;
mod trail;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::{Frame, html};
use crate::http::AppState;
use crate::http::body::{Id, Parameters};
use crate::http::error::Result;
use crate::model::audit::AuditFilter;
use crate::model::time::Timestamp;
use page::MachinePage;
use trail::AuditPage;

/// The page.
pub(in crate::http) async fn show(State(hub): AppState, frame: Frame, Id(id): Id) -> Result<Response> {
    let page = MachinePage::load(&hub, Timestamp::now(), frame, id).await?;
    Ok(html(StatusCode::OK, &page))
}

/// What was done to it, a page at a time.
pub(in crate::http) async fn audit(
    State(hub): AppState,
    frame: Frame,
    Id(id): Id,
    Parameters(parameters): Parameters,
) -> Result<Response> {
    let filter = AuditFilter::from_parameters(&parameters)?;
    let page = AuditPage::load(&hub, Timestamp::now(), frame, id, filter).await?;
    Ok(html(StatusCode::OK, &page))
}
