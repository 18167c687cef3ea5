//! Which provider is suggested for whom, and accepting it.

use axum::Json as Answer;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::editing::MAX_BULK_BYTES;
use crate::http::AppState;
use crate::http::auth::{Editor, Viewer};
use crate::http::body::{Id, Json};
use crate::http::error::{ApiError, ErrorBody, Result};
use crate::http::etag::{IfMatch, Tagged};
use crate::http::failures::{OfBody, Usual};
use crate::model::suggestion::Group;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::service::suggestion::{Accepted, Choice};

/// Which suggestions to accept: those of these machines, those of this provider, or both; at least one must be said.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct AcceptSuggestions {
    #[serde(default)]
    ids: Option<Vec<Uuid>>,
    /// Name of the provider that is suggested, in any case; it may have no record yet.
    #[serde(default)]
    provider: Option<String>,
    #[serde(default)]
    provider_id: Option<Uuid>,
    /// Suggestions with a lower score are left, 0 to 1.
    #[serde(default)]
    min_score: Option<f64>,
}

/// What was assigned and what was not.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct AcceptedSuggestions {
    assigned: usize,
    /// Providers that had no record and have one now.
    created_providers: Vec<CreatedProvider>,
    /// Machines that stay without provider, or have one already.
    skipped: Vec<SkippedMachine>,
    /// By what the assignments can be taken back for a day; absent when nothing was assigned.
    #[serde(skip_serializing_if = "Option::is_none")]
    bulk: Option<Uuid>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct CreatedProvider {
    id: Uuid,
    name: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct SkippedMachine {
    id: Uuid,
    reason: String,
}

impl From<Accepted> for AcceptedSuggestions {
    fn from(accepted: Accepted) -> Self {
        let created = accepted.created_providers.into_iter().map(|(id, name)| CreatedProvider { id, name });
        let skipped = accepted.skipped.into_iter().map(|(id, reason)| SkippedMachine { id, reason });
        Self {
            assigned: accepted.assigned,
            created_providers: created.collect(),
            skipped: skipped.collect(),
            bulk: accepted.bulk,
        }
    }
}

impl AcceptSuggestions {
    fn choice(self) -> Result<Choice> {
        if self.ids.is_none() && self.provider.is_none() && self.provider_id.is_none() {
            return Err(ApiError::bad_request("ids: or provider, or provider_id, says which to accept"));
        }
        if self.min_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
            return Err(ApiError::bad_request("min_score: is 0 to 1"));
        }
        let Self { mut ids, provider, provider_id, min_score } = self;
        if let Some(ids) = &mut ids {
            ids.sort_unstable();
            ids.dedup();
        }
        Ok(Choice { ids, provider, provider_id, min_score, machines: None })
    }
}

/// Machines without provider, grouped by the provider that is suggested for them: the largest group first, and last those
/// for which none is.
#[utoipa::path(get, path = "/api/suggestions", tag = "suggestions", responses(
    Usual,
    (status = 200, body = Vec<Group>),
))]
pub(in crate::http) async fn list(State(hub): AppState, _: Viewer) -> Result<Answer<Vec<Group>>> {
    Ok(Answer(hub.suggestion_groups().await?))
}

/// Assigns machines to the provider that is suggested for each of them at this moment. A provider that has no record gets
/// one. All of it happens or nothing.
#[utoipa::path(post, path = "/api/suggestions/accept", tag = "suggestions", request_body = AcceptSuggestions, responses(
    Usual, OfBody,
    (status = 200, body = AcceptedSuggestions),
    (status = 400, description = "a member is not understood; the sentence names it", body = ErrorBody),
    (status = 404, description = "there is no provider with that id", body = ErrorBody),
    (status = 413, description = "the body is larger than 1 MiB", body = ErrorBody),
))]
pub(in crate::http) async fn accept(
    State(hub): AppState,
    Editor(caller): Editor,
    Json(accept): Json<AcceptSuggestions, MAX_BULK_BYTES>,
) -> Result<Answer<AcceptedSuggestions>> {
    let choice = accept.choice()?;
    Ok(Answer(hub.accept_suggestions(Timestamp::now(), &caller.actor, &choice).await?.into()))
}

/// Assigns one machine to the provider that is suggested for it.
#[utoipa::path(post, path = "/api/vps/{id}/suggestion/accept", tag = "suggestions", params(
    ("id" = uuid::Uuid, Path),
), responses(
    Usual,
    (status = 200, body = Vps),
    (status = 400, description = "the id is no UUID, or If-Match is not understood", body = ErrorBody),
    (status = 404, description = "there is no such machine", body = ErrorBody),
    (status = 409, description = "it has a provider, or none is suggested", body = ErrorBody),
    (status = 412, description = "somebody changed it meanwhile", body = ErrorBody),
))]
pub(in crate::http) async fn accept_one(
    State(hub): AppState,
    Editor(caller): Editor,
    Id(id): Id,
    IfMatch(expected): IfMatch,
) -> Result<Tagged<Vps>> {
    Ok(Tagged(hub.accept_suggestion(Timestamp::now(), &caller.actor, id, None, &expected).await?))
}
