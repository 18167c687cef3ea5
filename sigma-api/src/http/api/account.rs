//! One's own account.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::http::AppState;
use crate::http::auth::{Admin, Anyone, Editor, Person, Reporter, Viewer};
use crate::http::body::{Json, secret};
use crate::http::client::Client;
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::model::audit::ActorKind;
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::sign_in::Visitor;

/// Who asks, and what that caller may do.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Me {
    kind: ActorKind,
    id: Option<Uuid>,
    /// E-mail of the account, or name of the key.
    name: String,
    role: Role,
    /// Report for machines.
    may_report: bool,
    /// Look at the fleet.
    may_read: bool,
    /// Change the inventory.
    may_edit: bool,
    /// Change who may do what.
    may_administer: bool,
}

/// Another password.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct PasswordChange {
    #[serde(deserialize_with = "secret")]
    current: String,
    /// 12 to 256 characters.
    #[serde(deserialize_with = "secret")]
    new: String,
}

/// A code that the authenticator shows, and one's own password.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Confirmation {
    #[serde(deserialize_with = "secret")]
    code: String,
    #[serde(deserialize_with = "secret")]
    password: String,
}

/// One's own password.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Proof {
    #[serde(deserialize_with = "secret")]
    password: String,
}

/// What an authenticator is to know.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct NewTotp {
    /// For being typed in.
    secret: String,
    /// For being opened by an authenticator.
    otpauth: String,
}

/// Codes for the day on which the authenticator is lost; each is good once, and they are shown this once.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct RecoveryCodes {
    recovery_codes: Vec<String>,
}

/// Who asks, and what that caller may do.
#[utoipa::path(get, path = "/api/account", tag = "access", responses((status = 200, body = Me), Usual))]
pub(in crate::http) async fn read(Anyone(caller): Anyone) -> Answer<Me> {
    let may = |roles: &[Role]| roles.contains(&caller.role);
    Answer(Me {
        kind: caller.actor.kind,
        id: caller.actor.id,
        role: caller.role,
        may_report: may(Reporter::ROLES),
        may_read: may(Viewer::ROLES),
        may_edit: may(Editor::ROLES),
        may_administer: may(Admin::ROLES),
        name: caller.actor.name,
    })
}

/// Chooses another password, and ends all other sessions.
#[utoipa::path(post, path = "/api/account/password", tag = "access", request_body = PasswordChange, responses(
    (status = 204, description = "the new password counts from now on"),
    (status = 429, description = "too many tries; see Retry-After", body = ErrorBody),
    Usual, OfBody,
))]
pub(in crate::http) async fn change_password(
    State(hub): AppState,
    client: Client,
    visitor: Visitor,
    Person(signed): Person,
    Json(asked): Json<PasswordChange>,
) -> Result<StatusCode> {
    client.require_privacy()?;
    hub.change_password(Timestamp::now(), &signed, &visitor, &asked.current, &asked.new).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins with an authenticator; it counts once a first code of it was confirmed.
#[utoipa::path(post, path = "/api/account/totp", tag = "access", responses(
    (status = 200, body = NewTotp),
    (status = 409, description = "there is an authenticator", body = ErrorBody),
    Usual,
))]
pub(in crate::http) async fn begin_totp(
    State(hub): AppState,
    Person(signed): Person,
) -> Result<Answer<NewTotp>> {
    let seed = hub.begin_totp(&signed).await?;
    Ok(Answer(NewTotp { secret: seed.base32(), otpauth: seed.otpauth(&signed.account.email) }))
}

/// Confirms the authenticator by its first code and the password; the answer is the recovery codes.
#[utoipa::path(post, path = "/api/account/totp/confirm", tag = "access", request_body = Confirmation, responses(
    (status = 200, body = RecoveryCodes),
    (status = 409, description = "no authenticator waits", body = ErrorBody),
    (status = 429, description = "too many tries; see Retry-After", body = ErrorBody),
    Usual, OfBody,
))]
pub(in crate::http) async fn confirm_totp(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
    Json(asked): Json<Confirmation>,
) -> Result<Answer<RecoveryCodes>> {
    client.require_privacy()?;
    let recovery_codes = hub.confirm_totp(Timestamp::now(), &signed, &asked.code, &asked.password).await?;
    Ok(Answer(RecoveryCodes { recovery_codes }))
}

/// Signs in without codes from now on; the password is needed once more.
#[utoipa::path(delete, path = "/api/account/totp", tag = "access", request_body = Proof, responses(
    (status = 204, description = "no code is asked for any more"),
    (status = 429, description = "too many tries; see Retry-After", body = ErrorBody),
    Usual, OfBody,
))]
pub(in crate::http) async fn remove_totp(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
    Json(asked): Json<Proof>,
) -> Result<StatusCode> {
    client.require_privacy()?;
    hub.remove_totp(Timestamp::now(), &signed, &asked.password).await?;
    Ok(StatusCode::NO_CONTENT)
}
