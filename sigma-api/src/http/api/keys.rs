//! Keys of agents and clients, for administrators.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::AppState;
use crate::http::auth::Admin;
use crate::http::body::{Id, Json};
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::model::key::{NewKey, Role};
use crate::model::key_terms::{Terms, point_in_time};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::service::keys::{KeyChange, KeyRecord, Rotation};

/// A key to make.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct KeyOrder {
    name: String,
    /// agent, admin, operator or readonly.
    role: String,
    /// When it ends. An agent's registers no new machine from then on, and goes on reporting for those that are bound to it
    /// until it is revoked.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// New machines that it may register in all; for agents.
    max_machines: Option<u32>,
    /// Provider of the machines that it registers; for agents.
    provider_id: Option<Uuid>,
    /// Tags of the machines that it registers; for agents.
    #[serde(default)]
    tags: Vec<String>,
}

/// What may be changed of a key: what is absent stays, and null clears.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct KeyEdit {
    name: Option<String>,
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Option<String>>,
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<u32>)]
    max_machines: Option<Option<u32>>,
    #[serde(default, deserialize_with = "said")]
    #[schema(value_type = Option<Uuid>)]
    provider_id: Option<Option<Uuid>>,
    tags: Option<Vec<String>>,
}

/// How to rotate a key.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct RotationOrder {
    /// Hours for which the former secret stays valid; 24 unless said.
    overlap_hours: Option<u32>,
    /// Whether the secret before the former may end with this.
    #[serde(default)]
    force: bool,
}

/// A key with its secret, shown this once.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct WholeKey {
    /// The whole key.
    key: String,
    #[serde(flatten)]
    record: KeyRecord,
}

/// All keys, the oldest first.
#[utoipa::path(get, path = "/api/keys", tag = "access", responses((status = 200, body = Vec<KeyRecord>), Usual))]
pub(in crate::http) async fn list(State(hub): AppState, _: Admin) -> Result<Answer<Vec<KeyRecord>>> {
    Ok(Answer(hub.keys().await?))
}

/// Makes a key; the whole of it is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/keys", tag = "access", request_body = KeyOrder, responses(
    (status = 201, body = WholeKey), Usual, OfBody,
))]
pub(in crate::http) async fn create(
    State(hub): AppState,
    Admin(caller): Admin,
    Json(asked): Json<KeyOrder>,
) -> Result<(StatusCode, Answer<WholeKey>)> {
    let role = Role::from_name(&asked.role)
        .ok_or_else(|| Invalid::new("role", "is none of agent, admin, operator and readonly"))?;
    let expires_at = asked.expires_at.as_deref().map(point).transpose()?;
    let KeyOrder { max_machines, provider_id, tags, .. } = asked;
    let terms = Terms { expires_at, max_machines, provider_id, tags };
    let made = hub.make_key(Timestamp::now(), &caller.actor, &asked.name, role, terms).await?;
    Ok((StatusCode::CREATED, Answer(whole(made))))
}

/// One key.
#[utoipa::path(get, path = "/api/keys/{id}", tag = "access", params(("id" = Uuid, Path)), responses(
    (status = 200, body = KeyRecord),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "there is no such key", body = ErrorBody),
    Usual,
))]
pub(in crate::http) async fn read(State(hub): AppState, _: Admin, Id(id): Id) -> Result<Answer<KeyRecord>> {
    Ok(Answer(hub.key(id).await?))
}

/// Changes name and terms of a key.
#[utoipa::path(put, path = "/api/keys/{id}", tag = "access", request_body = KeyEdit, params(("id" = Uuid, Path)), responses(
    (status = 200, body = KeyRecord),
    (status = 404, description = "there is no such key", body = ErrorBody),
    Usual, OfBody,
))]
pub(in crate::http) async fn update(
    State(hub): AppState,
    Admin(caller): Admin,
    Id(id): Id,
    Json(asked): Json<KeyEdit>,
) -> Result<Answer<KeyRecord>> {
    let expires_at = asked.expires_at.map(|said| said.as_deref().map(point).transpose()).transpose()?;
    let change = KeyChange {
        name: asked.name,
        expires_at,
        max_machines: asked.max_machines,
        provider_id: asked.provider_id,
        tags: asked.tags,
    };
    Ok(Answer(hub.change_key(Timestamp::now(), &caller.actor, id, change).await?))
}

/// Gives a key another secret; the former stays valid for a while. The machines of the key stay its machines.
#[utoipa::path(post, path = "/api/keys/{id}/rotate", tag = "access", request_body = RotationOrder,
    params(("id" = Uuid, Path)), responses(
    (status = 200, body = WholeKey),
    (status = 404, description = "there is no such key", body = ErrorBody),
    (status = 409, description = "the key is revoked, or expired and no agent's, or a secret before this one is still valid", body = ErrorBody),
    Usual, OfBody,
))]
pub(in crate::http) async fn rotate(
    State(hub): AppState,
    Admin(caller): Admin,
    Id(id): Id,
    Json(asked): Json<RotationOrder>,
) -> Result<Answer<WholeKey>> {
    let rotation = Rotation { overlap_hours: asked.overlap_hours, force: asked.force };
    let rotated = hub.rotate_key(Timestamp::now(), &caller.actor, id, rotation).await?;
    Ok(Answer(whole(rotated)))
}

/// Revokes a key at once; revoking twice changes nothing.
#[utoipa::path(delete, path = "/api/keys/{id}", tag = "access", params(("id" = Uuid, Path)), responses(
    (status = 204, description = "it is valid no more"),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "there is no such key", body = ErrorBody),
    Usual,
))]
pub(in crate::http) async fn revoke(
    State(hub): AppState,
    Admin(caller): Admin,
    Id(id): Id,
) -> Result<StatusCode> {
    hub.revoke_key(Timestamp::now(), &caller.actor, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn whole((record, key): (KeyRecord, NewKey)) -> WholeKey {
    WholeKey { key: key.reveal().to_owned(), record }
}

fn point(text: &str) -> std::result::Result<Timestamp, Invalid> {
    point_in_time(text)
        .ok_or_else(|| Invalid::new("expires_at", "is no point in time as 2027-01-31T00:00:00Z"))
}

/// A member that is there, be it null.
fn said<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    member: D,
) -> std::result::Result<Option<Option<T>>, D::Error> {
    Option::deserialize(member).map(Some)
}
