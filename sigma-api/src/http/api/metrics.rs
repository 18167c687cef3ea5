//! The hub's own metrics.

use std::sync::Arc;

use axum::Extension;
use axum::extract::State;
use axum::http::HeaderName;
use axum::http::header::CONTENT_TYPE;

use crate::http::AppState;
use crate::http::auth::Viewer;
use crate::http::error::Result;
use crate::http::failures::Usual;
use crate::http::metrics::{self, Metrics};
use crate::model::time::Timestamp;

/// How the hub and its fleet are, for Prometheus (text format 0.0.4).
#[utoipa::path(get, path = "/metrics", tag = "operation", responses(
    Usual,
    (status = 200, body = String, content_type = "text/plain"),
))]
pub(in crate::http) async fn read(
    State(hub): AppState,
    _: Viewer,
    Extension(counted): Extension<Arc<Metrics>>,
) -> Result<([(HeaderName, &'static str); 1], String)> {
    let measured = hub.measure(Timestamp::now()).await?;
    Ok(([(CONTENT_TYPE, metrics::CONTENT_TYPE)], counted.render(&measured)))
}
