//! Forms of our own pages.

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;

use sigma_protocol::MAX_BODY_BYTES;

use super::body;
use super::error::{ApiError, Result};

/// Notes and tags as full as they may be, in any script, and once more as they were when the form was made.
const LARGE_FORM_BYTES: usize = 640 * 1024;

/// The fields of a form that was sent. A field that is missing is empty, as a person would leave it.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// What stands in the field.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.iter().rfind(|(field, _)| field == name).map_or("", |(_, value)| value)
    }

    /// What stands in all fields of that name, in their order.
    pub(super) fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        read(request, MAX_BODY_BYTES).await
    }
}

/// A form of long texts. Whoever takes it asks first who sends it.
pub(super) struct LargeForm(pub(super) Form);

impl<S: Send + Sync> FromRequest<S> for LargeForm {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        read(request, LARGE_FORM_BYTES).await.map(Self)
    }
}

async fn read(request: Request, limit: usize) -> Result<Form> {
    let (parts, body) = request.into_parts();
    let kind = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded") {
        let sentence = "This address takes the form of its page; programs use the addresses under /api.";
        return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence));
    }
    let bytes = body::read_in_time(&parts.headers, body, limit).await?;
    Ok(Form(form_urlencoded::parse(&bytes).into_owned().collect()))
}
