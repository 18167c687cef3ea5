//! The fleet in numbers.

use axum::Json as Answer;
use axum::extract::State;

use crate::http::AppState;
use crate::http::auth::Viewer;
use crate::http::error::Result;
use crate::http::failures::Usual;
use crate::model::stats::Stats;
use crate::model::time::Timestamp;

/// The fleet in numbers.
#[utoipa::path(get, path = "/api/stats", tag = "inventory", responses(
    Usual,
    (status = 200, body = Stats),
))]
pub(in crate::http) async fn read(State(hub): AppState, _: Viewer) -> Result<Answer<Stats>> {
    Ok(Answer(hub.stats(Timestamp::now()).await?))
}
