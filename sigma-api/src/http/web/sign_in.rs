//! Signing in, with a code where there is an authenticator, and out.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use super::notice::{ENDED, Notice};
use super::{Frame, Wrong, back_to, html, is_signed_in, retry_after, wrong};
use crate::http::auth::Person;
use crate::http::body::Parameters;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::http::form::Form;
use crate::http::{AppState, cookies};
use crate::model::time::Timestamp;
use crate::service::Error;
use crate::service::sign_in::{Opened, SignIn, Visitor};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignInPage {
    frame: Frame,
    next: String,
    email: String,
    wrong: Wrong,
}

#[derive(Template)]
#[template(path = "code.html")]
struct CodePage {
    frame: Frame,
    next: String,
    ticket: String,
    wrong: Wrong,
}

/// The form; whoever is in already goes on.
pub(in crate::http) async fn show(
    State(hub): AppState,
    client: Client,
    headers: HeaderMap,
    Parameters(parameters): Parameters,
) -> Result<Response> {
    client.require_privacy()?;
    let next = parameters.into_iter().find(|(name, _)| name == "next");
    let next = next.map(|(_, next)| next).unwrap_or_default();
    if is_signed_in(&hub, client, &headers).await {
        return Ok(back_to(&next).into_response());
    }
    // Nothing else is for strangers.
    let notice = cookies::done(&headers, client).filter(|done| *done == ENDED).and_then(Notice::of);
    let mut frame = Frame::of_stranger(client);
    frame.notice = notice;
    let page = SignInPage { frame, next, email: String::new(), wrong: Wrong::default() };
    Ok(html(StatusCode::OK, &page))
}

/// Takes e-mail and password.
pub(in crate::http) async fn submit(
    State(hub): AppState,
    client: Client,
    visitor: Visitor,
    form: Form,
) -> Result<Response> {
    client.require_privacy()?;
    let (next, email) = (form.get("next").to_owned(), form.get("email").to_owned());
    let frame = Frame::of_stranger(client);
    match hub.sign_in(Timestamp::now(), &visitor, &email, form.get("password"), None).await {
        Ok(SignIn::Open(opened)) => Ok(enter(client, &opened, &next)),
        Ok(SignIn::CodeNeeded(ticket)) => {
            let ticket = ticket.reveal().to_owned();
            Ok(html(StatusCode::OK, &CodePage { frame, next, ticket, wrong: Wrong::default() }))
        }
        Err(error) => {
            let wrong = wrong(error, &[]);
            let after = retry_after(&wrong);
            Ok((after, html(wrong.status, &SignInPage { frame, next, email, wrong })).into_response())
        }
    }
}

/// Takes the code of somebody whose password was right.
pub(in crate::http) async fn submit_code(
    State(hub): AppState,
    client: Client,
    visitor: Visitor,
    form: Form,
) -> Result<Response> {
    client.require_privacy()?;
    let (next, ticket) = (form.get("next").to_owned(), form.get("ticket").to_owned());
    let frame = Frame::of_stranger(client);
    match hub.sign_in_with_code(Timestamp::now(), &visitor, &ticket, form.get("code")).await {
        Ok(opened) => Ok(enter(client, &opened, &next)),
        Err(error @ Error::Gone(_)) => {
            let wrong = wrong(error, &[]);
            Ok(html(wrong.status, &SignInPage { frame, next, email: String::new(), wrong }))
        }
        Err(error) => {
            let wrong = wrong(error, &[]);
            let after = retry_after(&wrong);
            Ok((after, html(wrong.status, &CodePage { frame, next, ticket, wrong })).into_response())
        }
    }
}

/// Ends the session.
pub(in crate::http) async fn sign_out(
    State(hub): AppState,
    client: Client,
    Person(signed): Person,
) -> Result<Response> {
    hub.end_session(Timestamp::now(), &signed, signed.session_id).await?;
    Ok(([(SET_COOKIE, cookies::ended(client))], Redirect::to("/sign-in")).into_response())
}

fn enter(client: Client, opened: &Opened, next: &str) -> Response {
    let cookies = AppendHeaders(cookies::opened(client, opened).map(|cookie| (SET_COOKIE, cookie)));
    (cookies, back_to(next)).into_response()
}
