//! Where a link leads: to choosing a password.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use super::{Frame, Wrong, html, retry_after, wrong};
use crate::http::body::Parameters;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::http::form::Form;
use crate::http::{AppState, cookies};
use crate::model::time::Timestamp;
use crate::service::Hub;
use crate::service::sign_in::Visitor;

#[derive(Template)]
#[template(path = "setup.html")]
struct SetupPage {
    frame: Frame,
    token: String,
    /// Of who was invited.
    invited: Option<String>,
    email: String,
    wrong: Wrong,
}

/// The form, while the link is good.
pub(in crate::http) async fn show(
    State(hub): AppState,
    client: Client,
    Parameters(parameters): Parameters,
) -> Result<Response> {
    client.require_privacy()?;
    let token = parameters.into_iter().find(|(name, _)| name == "token");
    let token = token.map(|(_, token)| token).unwrap_or_default();
    page(&hub, client, token, String::new(), Wrong::default()).await
}

/// Makes the account usable and signs in.
pub(in crate::http) async fn submit(
    State(hub): AppState,
    client: Client,
    visitor: Visitor,
    form: Form,
) -> Result<Response> {
    client.require_privacy()?;
    let (token, email, password) = (form.get("token"), form.get("email"), form.get("password"));
    match hub.set_up(Timestamp::now(), &visitor, token, Some(email), password).await {
        Ok(opened) => {
            let cookies = AppendHeaders(cookies::opened(client, &opened).map(|cookie| (SET_COOKIE, cookie)));
            Ok((cookies, Redirect::to("/")).into_response())
        }
        Err(error) => {
            let wrong = wrong(error, &["email", "password"]);
            let after = retry_after(&wrong);
            let page = page(&hub, client, token.to_owned(), email.to_owned(), wrong).await?;
            Ok((after, page).into_response())
        }
    }
}

async fn page(hub: &Hub, client: Client, token: String, email: String, wrong: Wrong) -> Result<Response> {
    let invited = hub.link_for(Timestamp::now(), &token).await?;
    let status = wrong.status;
    let page = SetupPage { frame: Frame::of_stranger(client), token, invited, email, wrong };
    Ok(html(status, &page))
}
