//! Making and changing machines by hand.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;

use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::{Id, Json};
use crate::http::error::{ErrorBody, Result};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::failures::{OfBody, Usual};
use crate::model::bulk::{BulkRequest, BulkResult};
use crate::model::time::Timestamp;
use crate::model::undo::UndoResult;
use crate::model::vps::Vps;
use crate::model::vps_change::{Action, VpsChange};

/// Ten thousand ids, and room for what is changed.
pub(in crate::http) const MAX_BULK_BYTES: usize = 1024 * 1024;

/// Makes a machine that no agent has reported. Needs a hostname that no living machine has.
#[utoipa::path(post, path = "/api/vps", tag = "inventory", request_body = VpsChange, responses(
    Usual, OfBody,
    (status = 201, body = Vps, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 409, description = "a living machine has the hostname", body = ErrorBody),
))]
pub(in crate::http) async fn create(
    State(hub): AppState,
    Editor(caller): Editor,
    Json(change): Json<VpsChange>,
) -> Result<(StatusCode, Tagged<Vps>)> {
    let vps = hub.create_vps(Timestamp::now(), &caller.actor, change).await?;
    Ok((StatusCode::CREATED, Tagged(vps)))
}

/// Changes members of a machine: an absent one stays, and `null` clears one that may be unknown. What only the hub or an
/// agent says is ignored, so that a record can be sent back as it was read.
#[utoipa::path(put, path = "/api/vps/{id}", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
    ("If-Match" = Option<String>, Header, description = "the ETag of the record as it was read, or *"),
), request_body = VpsChange, responses(
    Usual, OfBody,
    (status = 200, body = Vps, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 409, description = "a living machine has the hostname", body = ErrorBody),
    (status = 410, description = "it is deleted", body = ErrorBody),
    (status = 412, description = "somebody else changed it meanwhile; the sentence says who", body = ErrorBody),
))]
pub(in crate::http) async fn update(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    Json(change): Json<VpsChange>,
) -> Result<Tagged<Vps>> {
    Ok(Tagged(hub.update_vps(Timestamp::now(), &caller.actor, id, expected, change).await?))
}

/// Deletes a machine: the record is kept, hidden, until it is restored.
#[utoipa::path(delete, path = "/api/vps/{id}", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
    ("If-Match" = Option<String>, Header, description = "the ETag of the record as it was read, or *"),
), responses(
    Usual,
    (status = 204, description = "it is deleted"),
    (status = 400, description = "the id is no UUID, or If-Match is malformed", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 410, description = "it is deleted", body = ErrorBody),
    (status = 412, description = "somebody else changed it meanwhile; the sentence says who", body = ErrorBody),
))]
pub(in crate::http) async fn delete(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode> {
    hub.act_on_vps(Timestamp::now(), &caller.actor, id, expected, Action::Delete).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Brings a deleted machine back, with the status that it had.
#[utoipa::path(post, path = "/api/vps/{id}/restore", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
    ("If-Match" = Option<String>, Header, description = "the ETag of the record as it was read, or *"),
), responses(
    Usual,
    (status = 200, body = Vps, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 400, description = "the id is no UUID, or If-Match is malformed", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 409, description = "it is not deleted, or another machine has its hostname now", body = ErrorBody),
    (status = 412, description = "somebody else changed it meanwhile; the sentence says who", body = ErrorBody),
))]
pub(in crate::http) async fn restore(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<Tagged<Vps>> {
    Ok(Tagged(hub.act_on_vps(Timestamp::now(), &caller.actor, id, expected, Action::Restore).await?))
}

/// Gives a machine the status `retired`.
#[utoipa::path(post, path = "/api/vps/{id}/retire", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
    ("If-Match" = Option<String>, Header, description = "the ETag of the record as it was read, or *"),
), responses(
    Usual,
    (status = 200, body = Vps, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 400, description = "the id is no UUID, or If-Match is malformed", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 410, description = "it is deleted", body = ErrorBody),
    (status = 412, description = "somebody else changed it meanwhile; the sentence says who", body = ErrorBody),
))]
pub(in crate::http) async fn retire(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<Tagged<Vps>> {
    Ok(Tagged(hub.act_on_vps(Timestamp::now(), &caller.actor, id, expected, Action::Retire).await?))
}

/// Changes many machines, all of them or none: those of `ids`, or those that a list with the parameters of `filter` shows.
#[utoipa::path(post, path = "/api/vps/bulk", tag = "inventory", request_body = BulkRequest, responses(
    Usual, OfBody,
    (status = 200, body = BulkResult),
    (status = 409, description = "one of them contradicts what is there; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn bulk(
    State(hub): AppState,
    Editor(caller): Editor,
    Json(request): Json<BulkRequest, MAX_BULK_BYTES>,
) -> Result<Answer<BulkResult>> {
    Ok(Answer(hub.change_many(Timestamp::now(), &caller.actor, request).await?))
}

/// Takes a bulk change back, by the `bulk` that its answer named: each member of each machine that still is as the change made
/// it becomes as it was before. What was changed since stays, and is counted. This is a bulk change itself. Accepted
/// suggestions are taken back alike. A provider that the change made is deleted with it, if nothing uses it and nobody
/// changed it since.
#[utoipa::path(post, path = "/api/vps/bulk/{id}/undo", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
), responses(
    Usual,
    (status = 200, body = UndoResult),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "no bulk change has that id", body = ErrorBody),
    (status = 410, description = "it is older than 24 hours", body = ErrorBody),
))]
pub(in crate::http) async fn undo(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
) -> Result<Answer<UndoResult>> {
    Ok(Answer(hub.undo(Timestamp::now(), &caller.actor, id).await?))
}
