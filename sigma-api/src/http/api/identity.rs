//! Who is who: how machines are known, and what a person says about those that look alike.

use axum::Json as Answer;
use axum::extract::State;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::AppState;
use crate::http::auth::{Editor, Viewer};
use crate::http::body::{Id, Json, Parameters};
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::model::presence::days_of;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::service::identity::{IdentityView, PresenceView};

/// The record that is the same machine.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct Merging {
    /// Its id.
    other: Uuid,
    /// Whether they are one although both report at this moment, as two machines do.
    #[serde(default)]
    force: bool,
}

/// The record that is another machine.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct OtherOrAll {
    /// Its id; absent for all that it is marked with.
    #[serde(default)]
    other: Option<Uuid>,
}

/// What was seen.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct Flag {
    /// `reinstalled`, `rekeyed`, or `conflict` if it names no other record.
    flag: String,
}

/// The names and the evidence by which a machine is known, and what is open about it.
#[utoipa::path(get, path = "/api/vps/{id}/identity", tag = "identity", params(("id" = uuid::Uuid, Path)), responses(
    Usual,
    (status = 200, body = IdentityView),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
))]
pub(in crate::http) async fn read(
    State(hub): AppState,
    _: Viewer,
    Id(id): Id,
) -> Result<Answer<IdentityView>> {
    Ok(Answer(hub.identity(Timestamp::now(), id).await?))
}

/// When a machine was there, and when it was silent.
#[utoipa::path(get, path = "/api/vps/{id}/presence", tag = "identity", params(
    ("id" = uuid::Uuid, Path),
    ("days" = Option<u32>, Query, description = "silences of so many days, 1 to 3650; 30 unless said"),
), responses(
    Usual,
    (status = 200, body = PresenceView),
    (status = 400, description = "the id is no UUID, or a parameter is not understood", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
))]
pub(in crate::http) async fn presence(
    State(hub): AppState,
    _: Viewer,
    Id(id): Id,
    Parameters(parameters): Parameters,
) -> Result<Answer<PresenceView>> {
    let days = days_of(&parameters)?;
    Ok(Answer(hub.presence(Timestamp::now(), id, days).await?))
}

/// Says that another record is the same machine. This one stays, with the history of both; the other is deleted.
#[utoipa::path(post, path = "/api/vps/{id}/merge", tag = "identity", params(("id" = uuid::Uuid, Path)),
    request_body = Merging, responses(
    Usual, OfBody,
    (status = 200, description = "the record that stays", body = Vps),
    (status = 403, description = "the key may not edit", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 409, description = "one of them is deleted, or both report at this moment as two machines", body = ErrorBody),
    (status = 503, description = "nothing was stored; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn merge(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    Json(Merging { other, force }): Json<Merging>,
) -> Result<Answer<Vps>> {
    Ok(Answer(hub.merge(Timestamp::now(), &caller.actor, id, other, force).await?))
}

/// Says that these are two machines: they are not marked again.
#[utoipa::path(post, path = "/api/vps/{id}/distinct", tag = "identity", params(("id" = uuid::Uuid, Path)),
    request_body = OtherOrAll, responses(
    Usual, OfBody,
    (status = 200, description = "the record", body = Vps),
    (status = 403, description = "the key may not edit", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 409, description = "one of them is deleted, or they were never marked", body = ErrorBody),
    (status = 503, description = "nothing was stored; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn distinct(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    Json(OtherOrAll { other }): Json<OtherOrAll>,
) -> Result<Answer<Vps>> {
    Ok(Answer(hub.distinct(Timestamp::now(), &caller.actor, id, other).await?))
}

/// Says that a person has seen that the machine was installed anew.
#[utoipa::path(post, path = "/api/vps/{id}/acknowledge", tag = "identity", params(("id" = uuid::Uuid, Path)),
    request_body = Flag, responses(
    Usual, OfBody,
    (status = 200, description = "the record", body = Vps),
    (status = 403, description = "the key may not edit", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 503, description = "nothing was stored; see Retry-After", body = ErrorBody),
))]
pub(in crate::http) async fn acknowledge(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    Json(Flag { flag }): Json<Flag>,
) -> Result<Answer<Vps>> {
    Ok(Answer(hub.acknowledge(Timestamp::now(), &caller.actor, id, &flag).await?))
}
