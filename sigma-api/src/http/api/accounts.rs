//! Everybody's accounts, for administrators.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::AppState;
use crate::http::auth::Admin;
use crate::http::body::{Id, Json};
use crate::http::error::{ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::model::account::{Account, check_role};
use crate::model::time::Timestamp;

/// Whom to invite.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct NewAccount {
    email: String,
    /// admin, operator or readonly.
    role: String,
}

/// Who was invited, and what to send to that person.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Invitation {
    account: Account,
    /// Whoever opens it first chooses the password; shown this once.
    link: String,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
}

/// What may be changed of an account.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct AccountChange {
    /// admin, operator or readonly.
    role: String,
}

/// All accounts by e-mail.
#[utoipa::path(get, path = "/api/accounts", tag = "access", responses((status = 200, body = Vec<Account>), Usual))]
pub(in crate::http) async fn list(State(hub): AppState, _: Admin) -> Result<Answer<Vec<Account>>> {
    Ok(Answer(hub.accounts().await?))
}

/// Invites somebody, who chooses a password by the link of the answer within three days. Inviting again makes another link.
#[utoipa::path(post, path = "/api/accounts", tag = "access", request_body = NewAccount, responses(
    (status = 201, body = Invitation),
    (status = 409, description = "the e-mail has an account", body = ErrorBody),
    Usual, OfBody,
))]
pub(in crate::http) async fn create(
    State(hub): AppState,
    Admin(caller): Admin,
    Json(asked): Json<NewAccount>,
) -> Result<(StatusCode, Answer<Invitation>)> {
    let role = check_role(&asked.role)?;
    let invited = hub.invite(Timestamp::now(), &caller, &asked.email, role).await?;
    let invitation =
        Invitation { account: invited.account, link: invited.link, expires_at: invited.expires_at };
    Ok((StatusCode::CREATED, Answer(invitation)))
}

/// Gives an account another role, and ends its sessions.
#[utoipa::path(put, path = "/api/accounts/{id}", tag = "access", request_body = AccountChange,
    params(("id" = uuid::Uuid, Path)), responses(
    (status = 200, body = Account),
    (status = 404, description = "there is no such account", body = ErrorBody),
    (status = 409, description = "it is the last administrator", body = ErrorBody),
    Usual, OfBody,
))]
pub(in crate::http) async fn update(
    State(hub): AppState,
    Admin(caller): Admin,
    Id(id): Id,
    Json(asked): Json<AccountChange>,
) -> Result<Answer<Account>> {
    let role = check_role(&asked.role)?;
    Ok(Answer(hub.change_role(Timestamp::now(), &caller, id, role).await?))
}

/// Deletes an account and ends its sessions.
#[utoipa::path(delete, path = "/api/accounts/{id}", tag = "access", params(("id" = uuid::Uuid, Path)), responses(
    (status = 204, description = "it is gone"),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "there is no such account", body = ErrorBody),
    (status = 409, description = "it is the last administrator", body = ErrorBody),
    Usual,
))]
pub(in crate::http) async fn delete(
    State(hub): AppState,
    Admin(caller): Admin,
    Id(id): Id,
) -> Result<StatusCode> {
    hub.delete_account(Timestamp::now(), &caller, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
