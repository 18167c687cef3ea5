//! Bodies that are larger than what agents send: files that a person imports.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use http_body_util::{BodyExt, Limited};
use serde::de::DeserializeOwned;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::body::{parse, require_json};
use super::error::{ApiError, Result};

/// Ten thousand machines with notes.
const MAX_BYTES: usize = 8 * 1024 * 1024;
/// A body that has not arrived whole by then is given up.
const WITHIN: Duration = Duration::from_secs(30);
/// One at a time, from its first byte until it is answered: so it is memory for one.
static ONE: Semaphore = Semaphore::const_new(1);

/// The body as JSON of type `T`, and the right to be the only large one, until that is dropped.
pub(super) struct Large<T>(pub(super) T, pub(super) SemaphorePermit<'static>);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Large<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        let (bytes, permit) = read_alone(body, MAX_BYTES).await?;
        Ok(Self(parse(&bytes)?, permit))
    }
}

/// The whole body, at most `limit` bytes and in time, and the right to be the only large one.
pub(super) async fn read_alone(body: Body, limit: usize) -> Result<(Vec<u8>, SemaphorePermit<'static>)> {
    let permit = ONE.try_acquire().map_err(|_| {
        let sentence = "The hub is at another import; try again soon.";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
    })?;
    let bytes = tokio::time::timeout(WITHIN, read(body, limit)).await.map_err(|_| {
        let sentence = "The body of the request did not arrive within 30 seconds.";
        ApiError::new(StatusCode::REQUEST_TIMEOUT, sentence)
    })??;
    Ok((bytes, permit))
}

async fn read(body: Body, limit: usize) -> Result<Vec<u8>> {
    let mut body = Limited::new(body, limit);
    let mut whole = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                let sentence = format!("The body is larger than {} MiB.", limit / 1024 / 1024);
                return ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, sentence);
            }
            ApiError::bad_request("The body ended before its announced end.")
        })?;
        whole.extend_from_slice(&frame.into_data().unwrap_or_default());
    }
    Ok(whole)
}
