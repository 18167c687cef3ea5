//! Errors as pages, for browsers; programs get them as JSON.

use askama::Template;
use axum::extract::{Request, State};
use axum::http::header::{ACCEPT, RETRY_AFTER};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::{Frame, html};
use crate::http::client::Client;
use crate::http::cookies;
use crate::http::error::Told;
use crate::model::time::Timestamp;
use crate::service::Hub;

/// How the refusal of a path begins whose last part is no id.
const NO_ID: &str = "id: ";
const IN_NO_ADDRESS: &str = "The address is to name a record by its id, and what stands there is none.";

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    /// The status as programs call it.
    reason: &'static str,
    title: &'static str,
    sentence: String,
    /// What to do now.
    help: &'static str,
    /// What may be tried again, where that helps.
    again: String,
}

/// Makes a page of an error answer, where a browser asked.
pub(in crate::http) async fn for_browsers(
    State(hub): State<Hub>,
    client: Client,
    request: Request,
    next: Next,
) -> Response {
    let by_browser = !request.uri().path().starts_with("/api/") && takes_pages(request.headers());
    let token = cookies::session(request.headers(), client).filter(|_| by_browser).map(str::to_owned);
    let again = request.uri().path_and_query().filter(|_| request.method() == Method::GET);
    let again = again.filter(|_| by_browser).map(|path| path.as_str().to_owned()).unwrap_or_default();
    let response = next.run(request).await;
    let told = response.extensions().get::<Told>().cloned();
    let Some(Told(sentence)) = told.filter(|_| by_browser) else { return response };
    let status = response.status();
    let page = ErrorPage {
        frame: frame(&hub, client, token.filter(|_| !status.is_server_error())).await,
        status: status.as_u16(),
        reason: status.canonical_reason().unwrap_or_default(),
        title: title(status),
        sentence: if sentence.starts_with(NO_ID) { IN_NO_ADDRESS.to_owned() } else { sentence },
        help: help(status),
        again: if helps_again(status) { again } else { String::new() },
    };
    let mut page = html(status, &page);
    if let Some(after) = response.headers().get(RETRY_AFTER) {
        page.headers_mut().insert(RETRY_AFTER, after.clone());
    }
    page
}

/// The navigation for somebody who signed in, if the hub remembers that or can look it up.
async fn frame(hub: &Hub, client: Client, token: Option<String>) -> Frame {
    let Some(token) = token else { return Frame::of_stranger(client) };
    let signed = hub.session(Timestamp::now(), &token).await.ok().flatten();
    signed.map_or_else(|| Frame::of_stranger(client), |signed| Frame::of(client, &signed))
}

fn takes_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains("text/html")
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "This was not understood",
        StatusCode::FORBIDDEN => "This is not for you",
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::METHOD_NOT_ALLOWED => "This is not how to ask here",
        StatusCode::REQUEST_TIMEOUT => "This took too long to arrive",
        StatusCode::GONE => "This is no more",
        StatusCode::CONFLICT => "This contradicts what is there",
        StatusCode::PRECONDITION_FAILED => "Somebody else was faster",
        StatusCode::PAYLOAD_TOO_LARGE => "This is too large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "This is not a form",
        StatusCode::TOO_MANY_REQUESTS => "Too many tries",
        StatusCode::SERVICE_UNAVAILABLE => "Not at the moment",
        status if status.is_server_error() => "The hub made a mistake",
        _ => "This did not work",
    }
}

/// What a person can do about it.
fn help(status: StatusCode) -> &'static str {
    match status {
        StatusCode::BAD_REQUEST => "Check the address, or go back and mend what was typed.",
        StatusCode::FORBIDDEN => "An administrator decides who may do what, under Settings, Accounts.",
        StatusCode::NOT_FOUND => "The address may be wrong, or what was here was deleted.",
        StatusCode::METHOD_NOT_ALLOWED => "Open the page itself, and use its buttons.",
        StatusCode::REQUEST_TIMEOUT => "Go back and send it again; a slow connection may be why.",
        StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => {
            "Go back and load the page again to see what it says now."
        }
        StatusCode::PAYLOAD_TOO_LARGE => "Go back and send less at once.",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "Open the page with the form and send it from there.",
        StatusCode::TOO_MANY_REQUESTS => "Wait a little: trying again before then makes it longer.",
        StatusCode::SERVICE_UNAVAILABLE => {
            "What you sent may not have been done; look before you send it again. If it stays like this, the hub's log says why."
        }
        status if status.is_server_error() => {
            "It may work when you try again. If not, the hub's log says why, at the time of this page."
        }
        _ => "",
    }
}

fn helps_again(status: StatusCode) -> bool {
    status.is_server_error() || matches!(status, StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS)
}
