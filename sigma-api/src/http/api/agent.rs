//! What agents call.

use axum::Json as Answer;
use axum::extract::State;
use sigma_protocol::{Acknowledgement, Heartbeat, Registration};

use crate::http::AppState;
use crate::http::auth::Reporter;
use crate::http::body::Json;
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::model::report::Report;
use crate::model::time::Timestamp;

/// Registers a machine by its hostname, or takes in what a known one says anew. Stored when it is answered. A key that has
/// expired registers only machines that are bound to it already.
#[utoipa::path(post, path = "/api/agent/register", tag = "agent", request_body = Registration, responses(
    Usual, OfBody,
    (status = 200, description = "the machine is registered", body = Acknowledgement),
    (status = 403, description = "the key may not report for machines, not for this one, or may register no more of them, as it has expired or reached its limit", body = ErrorBody),
    (status = 410, description = "a person deleted the machine", body = ErrorBody),
    (status = 503, description = "nothing was stored; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn register(
    State(hub): AppState,
    Reporter(caller): Reporter,
    Json(message): Json<Registration>,
) -> Result<Answer<Acknowledgement>> {
    let report = Report::from_registration(message)?;
    Ok(Answer(hub.register(Timestamp::now(), caller, report).await?))
}

/// Says that a machine is still here, and how it is. News are stored when this is answered, the rest seconds later. A
/// key that has expired goes on for the machines that are bound to it.
#[utoipa::path(post, path = "/api/agent/heartbeat", tag = "agent", request_body = Heartbeat, responses(
    Usual, OfBody,
    (status = 200, description = "the machine is known", body = Acknowledgement),
    (status = 403, description = "the key may not report for machines, or not for this one", body = ErrorBody),
    (status = 404, description = "no machine has this hostname: register", body = ErrorBody),
    (status = 503, description = "nothing was stored; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn heartbeat(
    State(hub): AppState,
    Reporter(caller): Reporter,
    Json(message): Json<Heartbeat>,
) -> Result<Answer<Acknowledgement>> {
    let report = Report::from_heartbeat(message)?;
    Ok(Answer(hub.beat(Timestamp::now(), caller, report).await?))
}
