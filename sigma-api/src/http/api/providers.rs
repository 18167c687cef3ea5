//! Providers.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::auth::{Editor, Viewer};
use crate::http::body::{Id, Json, Parameters};
use crate::http::error::{ErrorBody, Result};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::failures::{OfBody, Usual};
use crate::model::provider::{Provider, ProviderChange, ProviderFilter};
use crate::model::time::Timestamp;

/// One page of providers.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct ProviderPage {
    data: Vec<Provider>,
    /// Providers on all pages.
    total: u64,
    page: u64,
    per_page: u64,
}

/// Providers by name.
#[utoipa::path(get, path = "/api/providers", tag = "inventory", params(
    ("q" = Option<String>, Query, description = "a part of the name, in any case"),
    ("sort" = Option<String>, Query, description = "`name` or `machines`, with a `-` before it for descending; `name` unless said"),
    ("page" = Option<u64>, Query, description = "from 1"),
    ("per_page" = Option<u64>, Query, description = "1 to 100, 25 unless said; more is taken for 100"),
), responses(
    Usual,
    (status = 200, body = ProviderPage),
    (status = 400, description = "a parameter is not understood; the sentence names it", body = ErrorBody),
))]
pub(in crate::http) async fn list(
    State(hub): AppState,
    _: Viewer,
    Parameters(parameters): Parameters,
) -> Result<Answer<ProviderPage>> {
    let filter = ProviderFilter::from_parameters(&parameters)?;
    let page = hub.list_providers(&filter).await?;
    let paging = filter.paging;
    Ok(Answer(ProviderPage {
        data: page.data,
        total: page.total,
        page: paging.page,
        per_page: paging.per_page,
    }))
}

/// One provider.
#[utoipa::path(get, path = "/api/providers/{id}", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
), responses(
    Usual,
    (status = 200, body = Provider, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "there is no such provider", body = ErrorBody),
))]
pub(in crate::http) async fn read(State(hub): AppState, _: Viewer, Id(id): Id) -> Result<Tagged<Provider>> {
    Ok(Tagged(hub.provider(id).await?))
}

/// Makes a provider. Needs a name that no other has, whatever its case.
#[utoipa::path(post, path = "/api/providers", tag = "inventory", request_body = ProviderChange, responses(
    Usual, OfBody,
    (status = 201, body = Provider, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 409, description = "another provider has the name", body = ErrorBody),
))]
pub(in crate::http) async fn create(
    State(hub): AppState,
    Editor(caller): Editor,
    Json(change): Json<ProviderChange>,
) -> Result<(StatusCode, Tagged<Provider>)> {
    let provider = hub.create_provider(Timestamp::now(), &caller.actor, change).await?;
    Ok((StatusCode::CREATED, Tagged(provider)))
}

/// Changes members of a provider: an absent one stays, and `null` clears the rating.
#[utoipa::path(put, path = "/api/providers/{id}", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
    ("If-Match" = Option<String>, Header, description = "the ETag of the record as it was read, or *"),
), request_body = ProviderChange, responses(
    Usual, OfBody,
    (status = 200, body = Provider, headers(("ETag" = String, description = "the version, for If-Match"))),
    (status = 404, description = "there is no such provider", body = ErrorBody),
    (status = 409, description = "another provider has the name", body = ErrorBody),
    (status = 412, description = "somebody else changed it meanwhile; the sentence says who", body = ErrorBody),
))]
pub(in crate::http) async fn update(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    IfMatch(expected): IfMatch,
    Json(change): Json<ProviderChange>,
) -> Result<Tagged<Provider>> {
    Ok(Tagged(hub.update_provider(Timestamp::now(), &caller.actor, id, expected, change).await?))
}

/// Takes a provider away that has no machines.
#[utoipa::path(delete, path = "/api/providers/{id}", tag = "inventory", params(
    ("id" = uuid::Uuid, Path),
    ("If-Match" = Option<String>, Header, description = "the ETag of the record as it was read, or *"),
), responses(
    Usual,
    (status = 204, description = "it is gone"),
    (status = 400, description = "the id is no UUID, or If-Match is malformed", body = ErrorBody),
    (status = 404, description = "there is no such provider", body = ErrorBody),
    (status = 409, description = "it has machines; the sentence says how many", body = ErrorBody),
    (status = 412, description = "somebody else changed it meanwhile; the sentence says who", body = ErrorBody),
))]
pub(in crate::http) async fn delete(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<StatusCode> {
    hub.delete_provider(Timestamp::now(), &caller.actor, id, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
