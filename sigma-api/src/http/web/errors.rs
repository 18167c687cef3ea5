//! Errors as pages, for browsers; programs get them as JSON.

use askama::Template;
use axum::extract::Request;
use axum::http::header::{ACCEPT, RETRY_AFTER};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::{Frame, html};
use crate::http::client::Client;
use crate::http::error::Told;
use crate::service::sessions::Signed;

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage {
    frame: Frame,
    status: u16,
    title: &'static str,
    sentence: String,
}

/// Makes a page of an error answer, where a browser asked.
pub(in crate::http) async fn for_browsers(client: Client, request: Request, next: Next) -> Response {
    let by_browser = !request.uri().path().starts_with("/api/") && takes_pages(request.headers());
    let response = next.run(request).await;
    let told = response.extensions().get::<Told>().cloned();
    let Some(Told(sentence)) = told.filter(|_| by_browser) else { return response };
    let status = response.status();
    let frame = match response.extensions().get::<Signed>() {
        Some(signed) => Frame::of(client, signed),
        None => Frame::of_stranger(client),
    };
    let page = ErrorPage { frame, status: status.as_u16(), title: title(status), sentence };
    let mut page = html(status, &page);
    if let Some(after) = response.headers().get(RETRY_AFTER) {
        page.headers_mut().insert(RETRY_AFTER, after.clone());
    }
    page
}

fn takes_pages(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    accepted.contains("text/html")
}

fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is nothing here",
        StatusCode::FORBIDDEN => "This is not for you",
        StatusCode::TOO_MANY_REQUESTS => "Too many tries",
        StatusCode::SERVICE_UNAVAILABLE => "Not at the moment",
        status if status.is_server_error() => "The hub made a mistake",
        _ => "This did not work",
    }
}
