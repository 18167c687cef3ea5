//! Whether the hub works.

use axum::Json as Answer;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::error::{ErrorBody, Result};
use crate::service::Error;

/// That the hub works.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct Health {
    /// Always `ok`.
    status: &'static str,
}

/// Whether the hub and its database work. Needs no key.
#[utoipa::path(get, path = "/healthz", tag = "operation", security(()), responses(
    (status = 200, body = Health),
    (status = 503, description = "the database does not answer", body = ErrorBody),
))]
pub(in crate::http) async fn check(State(hub): AppState) -> Result<Answer<Health>> {
    hub.store.check().await.map_err(|error| Error::Unavailable(error.to_string()))?;
    Ok(Answer(Health { status: "ok" }))
}
