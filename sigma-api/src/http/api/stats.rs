//! The fleet in numbers.

use axum::Json as Answer;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::Viewer;
use crate::http::error::{ErrorBody, Result};
use crate::model::stats::Stats;
use crate::model::time::Timestamp;

/// The fleet in numbers.
#[utoipa::path(get, path = "/api/stats", tag = "inventory", responses(
    (status = 200, body = Stats),
    (status = 401, description = "no key, or one that is not known", body = ErrorBody),
    (status = 403, description = "the key may not look", body = ErrorBody),
    (status = 500, description = "the hub made a mistake; its log says more", body = ErrorBody),
    (status = 503, description = "the database cannot be used at the moment; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn read(State(hub): AppState, _: Viewer) -> Result<Answer<Stats>> {
    Ok(Answer(hub.stats(Timestamp::now()).await?))
}
