//! A browser that asks for a page, or sends a form, and has no session: it signs in, and is then back where it was.

use axum::extract::Request;
use axum::http::header::{HOST, REFERER, SET_COOKIE};
use axum::http::{HeaderMap, Method, Uri};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};

use super::notice::ENDED;
use super::ours;
use crate::http::client::Client;
use crate::http::cookies;
use crate::http::routes::is_page;

/// Where one signs in, and comes back from. Whoever sent a form hears that it was not taken.
pub(in crate::http) fn to_sign_in(client: Client, request: &Request) -> Response {
    let wanted = request.uri();
    if request.method() == Method::GET {
        return sign_in(wanted.path_and_query().map_or("/", |path| path.as_str()));
    }
    if wanted.path() == "/sign-out" {
        return sign_in("/");
    }
    let form = form_of(request.headers());
    let form = form.or_else(|| is_page(wanted.path()).then(|| wanted.path().to_owned()));
    let ended = AppendHeaders([(SET_COOKIE, cookies::set_done(client, ENDED))]);
    (ended, sign_in(&form.unwrap_or_default())).into_response()
}

fn sign_in(next: &str) -> Response {
    if matches!(ours(next, "/"), "/") {
        return Redirect::to("/sign-in").into_response();
    }
    let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
    Redirect::to(&format!("/sign-in?next={next}")).into_response()
}

/// The page with the form, where the browser says it. What is shown again after a form that was not taken stands at an
/// address that may be no page.
fn form_of(headers: &HeaderMap) -> Option<String> {
    let referer: Uri = headers.get(REFERER)?.to_str().ok()?.parse().ok()?;
    let host = headers.get(HOST)?.to_str().ok()?;
    if !referer.authority()?.as_str().eq_ignore_ascii_case(host) || !is_page(referer.path()) {
        return None;
    }
    Some(referer.path_and_query()?.to_string())
}
