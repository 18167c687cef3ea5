//! Following links, signing in and out, and the sessions that one has.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Response};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::http::auth::Person;
use crate::http::body::{Id, Json, optional_secret, secret};
use crate::http::client::Client;
use crate::http::error::{ApiError, ErrorBody, Result};
use crate::http::failures::{OfBody, Usual};
use crate::http::{AppState, cookies};
use crate::model::account::{Account, Session};
use crate::model::time::Timestamp;
use crate::service::sign_in::{Opened, SignIn, Visitor};

/// What the link of an invitation or of the first start asks for.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct SetUp {
    /// From the link.
    #[serde(deserialize_with = "secret")]
    token: String,
    /// Of the first administrator; who was invited has one already.
    email: Option<String>,
    /// 12 to 256 characters.
    #[serde(deserialize_with = "secret")]
    password: String,
}

/// What it takes to sign in.
#[derive(Deserialize, ToSchema)]
pub(in crate::http) struct Credentials {
    email: String,
    #[serde(deserialize_with = "secret")]
    password: String,
    /// The code that the authenticator shows, or a recovery code, where there is an authenticator.
    #[serde(default, deserialize_with = "optional_secret")]
    totp: Option<String>,
}

/// Makes the first administrator, or lets who was invited choose a password. A link is good once.
#[utoipa::path(post, path = "/api/setup", tag = "access", request_body = SetUp, security(()), responses(
    (status = 201, description = "the account can sign in now", body = Account),
    (status = 403, description = "passwords are not taken over plain http from a public address", body = ErrorBody),
    (status = 409, description = "the e-mail has an account", body = ErrorBody),
    (status = 410, description = "the link was used or has expired", body = ErrorBody),
    (status = 500, description = "the hub made a mistake; its log says more", body = ErrorBody),
    (status = 503, description = "the hub cannot do this at the moment; see Retry-After", body = ErrorBody),
    OfBody,
))]
pub(in crate::http) async fn set_up(
    State(hub): AppState,
    client: Client,
    Json(asked): Json<SetUp>,
) -> Result<(StatusCode, Answer<Account>)> {
    client.require_privacy()?;
    let (now, email) = (Timestamp::now(), asked.email.as_deref());
    let account = hub.follow_link(now, client.ip, &asked.token, email, &asked.password).await?;
    Ok((StatusCode::CREATED, Answer(account)))
}

/// Opens a session; the answer sets its cookie.
#[utoipa::path(post, path = "/api/session", tag = "access", request_body = Credentials, security(()), responses(
    (status = 200, description = "signed in", body = Account),
    (status = 401, description = "e-mail, password or code are wrong, or a code is needed", body = ErrorBody),
    (status = 403, description = "passwords are not taken over plain http from a public address", body = ErrorBody),
    (status = 429, description = "too many tries; see Retry-After", body = ErrorBody),
    (status = 500, description = "the hub made a mistake; its log says more", body = ErrorBody),
    (status = 503, description = "the hub cannot do this at the moment; see Retry-After", body = ErrorBody),
    OfBody,
))]
pub(in crate::http) async fn sign_in(
    State(hub): AppState,
    client: Client,
    visitor: Visitor,
    Json(asked): Json<Credentials>,
) -> Result<Response> {
    client.require_privacy()?;
    let now = Timestamp::now();
    match hub.sign_in(now, &visitor, &asked.email, &asked.password, asked.totp.as_deref()).await? {
        SignIn::Open(opened) => {
            let cookies = AppendHeaders(cookies::opened(client, &opened).map(|cookie| (SET_COOKIE, cookie)));
            let Opened { account, .. } = *opened;
            Ok((cookies, Answer(account)).into_response())
        }
        SignIn::CodeNeeded(_) => {
            let sentence = "totp: is missing; this account needs the code that its authenticator shows";
            Err(ApiError::new(StatusCode::UNAUTHORIZED, sentence))
        }
    }
}

/// Ends the session that asks.
#[utoipa::path(delete, path = "/api/session", tag = "access", responses((status = 204, description = "signed out"), Usual))]
pub(in crate::http) async fn sign_out(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
) -> Result<Response> {
    hub.end_session(Timestamp::now(), &signed, signed.session_id).await?;
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, cookies::ended(client))]).into_response())
}

/// The open sessions of the person who asks.
#[utoipa::path(get, path = "/api/sessions", tag = "access", responses(
    (status = 200, description = "the last used first", body = Vec<Session>), Usual,
))]
pub(in crate::http) async fn list(
    State(hub): AppState,
    Person(signed): Person,
) -> Result<Answer<Vec<Session>>> {
    Ok(Answer(hub.sessions(Timestamp::now(), &signed).await?))
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/api/sessions/{id}", tag = "access", params(("id" = uuid::Uuid, Path)), responses(
    (status = 204, description = "it has ended"),
    (status = 400, description = "the id is no UUID", body = ErrorBody),
    (status = 404, description = "the caller has no such session", body = ErrorBody),
    Usual,
))]
pub(in crate::http) async fn end(
    State(hub): AppState,
    Person(signed): Person,
    Id(id): Id,
) -> Result<StatusCode> {
    hub.end_session(Timestamp::now(), &signed, id).await?;
    Ok(StatusCode::NO_CONTENT)
}
