//! One's own account: password, authenticator, sessions.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use super::browsers::in_words;
use super::notice::go;
use super::qr::Qr;
use super::words::Moment;
use super::{Frame, Wrong, html, retry_after, wrong};
use crate::http::AppState;
use crate::http::auth::Person;
use crate::http::body::Id;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::http::form::Form;
use crate::model::account::Session;
use crate::model::time::Timestamp;
use crate::service::sessions::Signed;
use crate::service::sign_in::Visitor;
use crate::service::{Error, Hub};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    role: &'static str,
    wrong: Wrong,
    has_totp: bool,
    /// Of an authenticator that waits for its first code.
    pending: Option<Pending>,
    sessions: Vec<Row>,
}

struct Pending {
    secret: String,
    otpauth: String,
    qr: Option<Qr>,
}

struct Row {
    id: String,
    browser: String,
    /// What the browser says of itself.
    user_agent: String,
    from: String,
    used: Moment,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "recovery.html")]
struct RecoveryPage {
    frame: Frame,
    codes: Vec<String>,
}

/// The page.
pub(in crate::http) async fn show(
    State(hub): AppState,
    Person(signed): Person,
    frame: Frame,
) -> Result<Response> {
    page(&hub, frame, &signed, Wrong::default()).await
}

/// Back to the page, which says what was done.
fn back(client: Client, done: &str) -> Response {
    go(client, "/account", done)
}

/// The page with what is wrong, and with when to try again.
async fn again(hub: &Hub, frame: Frame, signed: &Signed, error: Error, fields: &[&str]) -> Result<Response> {
    let wrong = wrong(error, fields);
    let after = retry_after(&wrong);
    Ok((after, page(hub, frame, signed, wrong).await?).into_response())
}

/// Chooses another password.
pub(in crate::http) async fn change_password(
    State(hub): AppState,
    client: Client,
    visitor: Visitor,
    Person(signed): Person,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    client.require_privacy()?;
    let (now, current, new) = (Timestamp::now(), form.get("current"), form.get("new"));
    match hub.change_password(now, &signed, &visitor, current, new).await {
        Ok(()) => Ok(back(client, "password")),
        Err(error) => again(&hub, frame, &signed, error, &["current", "new"]).await,
    }
}

/// Begins with an authenticator.
pub(in crate::http) async fn begin_totp(State(hub): AppState, Person(signed): Person) -> Result<Response> {
    hub.begin_totp(&signed).await?;
    Ok(Redirect::to("/account#authenticator").into_response())
}

/// Confirms the authenticator; the recovery codes are shown this once, so there is no redirect.
pub(in crate::http) async fn confirm_totp(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    client.require_privacy()?;
    match hub.confirm_totp(Timestamp::now(), &signed, form.get("code"), form.get("password")).await {
        Ok(codes) => {
            let page = RecoveryPage { frame, codes };
            Ok(html(StatusCode::OK, &page))
        }
        Err(error) => again(&hub, frame, &signed, error, &["code", "password"]).await,
    }
}

/// Signs in without codes from now on.
pub(in crate::http) async fn remove_totp(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    client.require_privacy()?;
    match hub.remove_totp(Timestamp::now(), &signed, form.get("password")).await {
        Ok(()) => Ok(back(client, "totp")),
        Err(error) => again(&hub, frame, &signed, error, &["password"]).await,
    }
}

/// Ends all of the person's sessions but this one.
pub(in crate::http) async fn end_other_sessions(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
) -> Result<Response> {
    hub.end_other_sessions(Timestamp::now(), &signed).await?;
    Ok(back(client, "sessions"))
}

/// Ends one of the person's sessions.
pub(in crate::http) async fn end_session(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
    Id(id): Id,
) -> Result<Response> {
    hub.end_session(Timestamp::now(), &signed, id).await?;
    Ok(back(client, "session"))
}

async fn page(hub: &Hub, frame: Frame, signed: &Signed, wrong: Wrong) -> Result<Response> {
    let now = Timestamp::now();
    let pending = if signed.account.totp { None } else { hub.pending_totp(signed).await? };
    let email = &signed.account.email;
    let pending = pending.map(|seed| {
        let otpauth = seed.otpauth(email);
        Pending { secret: spaced(&seed.base32()), qr: Qr::of(&otpauth), otpauth }
    });
    let sessions = hub.sessions(now, signed).await?;
    let status = wrong.status;
    let page = AccountPage {
        frame,
        role: signed.account.role.name(),
        wrong,
        has_totp: signed.account.totp,
        pending,
        sessions: sessions.into_iter().map(|session| row(now, session)).collect(),
    };
    Ok(html(status, &page))
}

fn row(now: Timestamp, session: Session) -> Row {
    Row {
        id: session.id.to_string(),
        browser: in_words(session.user_agent.as_deref()),
        user_agent: session.user_agent.unwrap_or_default(),
        from: session.client_ip.unwrap_or_else(|| "unknown address".to_owned()),
        used: Moment::new(now, session.last_used_at),
        is_current: session.current,
    }
}

/// In groups of four, as a person reads and types.
fn spaced(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    letters.chunks(4).map(|four| four.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
