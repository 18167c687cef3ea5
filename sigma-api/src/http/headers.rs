//! Headers that answers have: what a browser may do with it.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;

use super::client::Client;

/// Nothing inline and nothing from elsewhere: text that got into a page where it should not cannot run.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
/// Not `no-referrer`: browsers then call the origin of our own forms `null`, and on plain http that is all that tells them
/// from those of another site.
const REFERRER: &str = "same-origin";
const A_YEAR: &str = "max-age=31536000";

/// What agents call. Their answers are never seen by a browser, and come by the thousand.
const OF_AGENTS: &str = "/api/agent/";

/// Adds them.
pub(super) async fn guard(client: Client, request: Request, next: Next) -> Response {
    let by_agent = request.uri().path().starts_with(OF_AGENTS);
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // What is for one caller is kept by nobody; what is for all says so itself.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if by_agent {
        return response;
    }
    let mut always = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    always(CONTENT_SECURITY_POLICY, POLICY);
    always(REFERRER_POLICY, REFERRER);
    always(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    always(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    always(HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()");
    if client.is_https {
        always(STRICT_TRANSPORT_SECURITY, A_YEAR);
    }
    response
}
