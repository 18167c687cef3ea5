//! The one mapping from what went wrong to what a client is told.

use std::borrow::Cow;
use std::sync::atomic::{AtomicI64, Ordering};

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::model::text::{Invalid, one_line};
use crate::model::time::Timestamp;
use crate::service;

/// A sentence never grows with the input that it is about.
const MAX_SENTENCE_CHARS: usize = 300;
/// A full disk is not emptied sooner, and agents spread their retries themselves.
const RETRY_AFTER_SECONDS: u64 = 5;
const OUTAGE_LINE_EVERY_MS: i64 = 10_000;

/// Stands in the extensions of an error answer, for those who show it to a person.
#[derive(Debug, Clone)]
pub(super) struct Told(pub(super) String);

/// What a handler answers.
pub(super) type Result<T> = std::result::Result<T, ApiError>;

/// An error answer: a status and a sentence that a person understands.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    sentence: Cow<'static, str>,
    retry_after_seconds: Option<u64>,
}

/// Body of every error answer (RFC 9457, and `error` for clients of older hubs).
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ErrorBody<'a> {
    /// One sentence that a person understands.
    #[schema(value_type = String, example = "hostname: is missing")]
    error: &'a str,
    /// Always `about:blank`: the status says which kind of error it is.
    #[serde(rename = "type")]
    #[schema(value_type = String)]
    kind: &'static str,
    /// The status in words.
    #[schema(value_type = String)]
    title: &'static str,
    /// The status.
    status: u16,
    /// The same sentence.
    #[schema(value_type = String)]
    detail: &'a str,
}

impl ApiError {
    /// An error of that status.
    pub(super) fn new(status: StatusCode, sentence: impl Into<Cow<'static, str>>) -> Self {
        Self { status, sentence: sentence.into(), retry_after_seconds: None }
    }

    /// The status.
    pub(super) const fn status(&self) -> StatusCode {
        self.status
    }

    /// After how many seconds it may be tried again, where that helps.
    pub(super) fn retry_after(&self) -> Option<u64> {
        matches!(self.status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::TOO_MANY_REQUESTS)
            .then(|| self.retry_after_seconds.unwrap_or(RETRY_AFTER_SECONDS))
    }

    /// The sentence, on one line.
    pub(super) fn sentence(&self) -> String {
        one_line(&self.sentence, MAX_SENTENCE_CHARS)
    }

    /// 400 about a member of the input.
    pub(super) fn bad_request(sentence: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, sentence)
    }
}

impl From<Invalid> for ApiError {
    fn from(invalid: Invalid) -> Self {
        Self::bad_request(invalid.to_string())
    }
}

impl From<service::Error> for ApiError {
    fn from(error: service::Error) -> Self {
        use service::Error;
        match error {
            Error::Invalid(invalid) => invalid.into(),
            Error::NotFound(sentence) => Self::new(StatusCode::NOT_FOUND, sentence),
            Error::Gone(sentence) => Self::new(StatusCode::GONE, sentence),
            Error::Conflict(sentence) => Self::new(StatusCode::CONFLICT, sentence),
            Error::Stale(sentence) => Self::new(StatusCode::PRECONDITION_FAILED, sentence),
            Error::Unauthorized(sentence) => Self::new(StatusCode::UNAUTHORIZED, sentence),
            Error::Forbidden(sentence) => Self::new(StatusCode::FORBIDDEN, sentence),
            Error::TooMany(sentence, seconds) => Self {
                retry_after_seconds: Some(seconds),
                ..Self::new(StatusCode::TOO_MANY_REQUESTS, sentence)
            },
            Error::Overloaded => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The hub takes in as much as it can; try again soon.",
            ),
            Error::Unavailable(cause) => {
                warn_of_outage(&cause);
                Self::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "The hub cannot use its database at the moment; try again soon.",
                )
            }
            Error::Broken(cause) => {
                log::error!("internal error: {cause}");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "The hub made a mistake; its log says more.")
            }
        }
    }
}

/// An outage meets every request; one line in ten seconds says enough of it.
fn warn_of_outage(cause: &str) {
    static LAST_MS: AtomicI64 = AtomicI64::new(0);
    let now = Timestamp::now().ms();
    let last = LAST_MS.load(Ordering::Relaxed);
    let due = now.saturating_sub(last).saturating_abs() > OUTAGE_LINE_EVERY_MS;
    if due && LAST_MS.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed).is_ok() {
        log::warn!("the database cannot be used at the moment: {cause}");
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let sentence = self.sentence();
        let retry_after = self.retry_after();
        let title = self.status.canonical_reason().unwrap_or("Error");
        let body = ErrorBody {
            error: &sentence,
            kind: "about:blank",
            title,
            status: self.status.as_u16(),
            detail: &sentence,
        };
        let text = serde_json::to_string(&body).unwrap_or_default();
        let mut response = (self.status, text).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(Told(sentence));
        response
    }
}
