//! Reading what a client sends: bounded in size and time, and refused by the name of the member that is wrong.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::error::Category;
use sigma_protocol::{MAX_BODY_BYTES, Object};
use tokio::sync::{Semaphore, SemaphorePermit};
use uuid::Uuid;

use super::error::{ApiError, Result};
use crate::model::wording::in_words;

/// A body that has not arrived whole by then is given up.
const BODY_WITHIN: Duration = Duration::from_secs(30);
/// A body announced as no larger than this costs less than the buffers of its connection. What agents send is smaller, so
/// that they are served while somebody else's large bodies do not come.
const SMALL_BYTES: usize = 4 * 1024;
/// Larger bodies that are being read are no larger than this together.
const LARGE_BYTES: usize = 2 * 1024 * 1024;
static LARGE: Semaphore = Semaphore::const_new(LARGE_BYTES);

/// The body as JSON of type `T`, at most `MOST` bytes.
pub(super) struct Json<T, const MOST: usize = MAX_BODY_BYTES>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync, const MOST: usize> FromRequest<S> for Json<T, MOST> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self> {
        let (parts, body) = request.into_parts();
        require_json(&parts.headers)?;
        let bytes = read_in_time(&parts.headers, body, MOST).await?;
        parse(&bytes).map(Self)
    }
}

/// The whole body, at most `limit` bytes, and in time.
pub(super) async fn read_in_time(headers: &HeaderMap, body: Body, limit: usize) -> Result<Vec<u8>> {
    tokio::time::timeout(BODY_WITHIN, read(headers, body, limit)).await.map_err(|_| {
        ApiError::new(
            StatusCode::REQUEST_TIMEOUT,
            "The body of the request did not arrive within 30 seconds.",
        )
    })?
}

pub(super) fn require_json(headers: &HeaderMap) -> Result<()> {
    let unsupported = |sentence: &'static str| ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, sentence);
    if headers.get(CONTENT_ENCODING).is_some_and(|encoding| encoding != "identity") {
        return Err(unsupported("The body is to be sent as it is, without a Content-Encoding."));
    }
    let named = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = named.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(unsupported("The body is to be JSON, named as Content-Type: application/json."))
}

async fn read(headers: &HeaderMap, mut body: Body, limit: usize) -> Result<Vec<u8>> {
    let announced = headers.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    let most = announced.unwrap_or(limit);
    if most > limit {
        return Err(too_large(limit));
    }
    let _room = room_for(most)?;
    // A frame is a piece of a buffer that it keeps alive, however small it is: copied, it costs what it is.
    let mut whole = Vec::with_capacity(announced.unwrap_or_default());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| ApiError::bad_request("The body ended before its announced end."))?;
        let data = frame.into_data().unwrap_or_default();
        if whole.len() + data.len() > limit {
            return Err(too_large(limit));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole)
}

/// A part of what all large bodies may take together, until it is dropped.
fn room_for(bytes: usize) -> Result<Option<SemaphorePermit<'static>>> {
    if bytes <= SMALL_BYTES {
        return Ok(None);
    }
    let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
    LARGE.try_acquire_many(permits).map(Some).map_err(|_| {
        let sentence = "The hub reads as many large bodies as it can at once; try again soon.";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
    })
}

fn too_large(limit: usize) -> ApiError {
    let sentence = format!("The body is larger than {} KiB.", limit / 1024);
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, sentence)
}

pub(super) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    let read = serde_json::from_slice::<Object<T>>(bytes);
    read.map(|object| object.0).map_err(|error| refusal::<T>(bytes, &error))
}

/// Why `bytes` are no `T`. Which member is wrong is found out only now: to follow the path costs every good body as well.
fn refusal<T: DeserializeOwned>(bytes: &[u8], error: &serde_json::Error) -> ApiError {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let Err(found) = serde_path_to_error::deserialize::<_, Object<T>>(&mut json) else {
        return ApiError::bad_request("The body goes on after the end of its JSON.");
    };
    let at_root = found.path().iter().len() == 0;
    let cause = found.inner().to_string();
    // A member that is missing or there twice is named by the cause, and the path is that of the object around it.
    let named = |said: &str| cause.strip_prefix(said).and_then(|rest| rest.split('`').next());
    let missing = named("missing field `").map(|member| (member, "is missing"));
    let member = missing.or_else(|| named("duplicate field `").map(|member| (member, "is there twice")));
    ApiError::bad_request(match (member, error.classify()) {
        (Some((member, rule)), _) if at_root => format!("{member}: {rule}"),
        (Some((member, rule)), _) => format!("{}.{member}: {rule}", found.path()),
        (None, Category::Eof) => "The body is to be a JSON object, and ends too early.".to_owned(),
        (None, Category::Syntax) => {
            let at = format!("see line {}, character {}", error.line(), error.column());
            if at_root {
                format!("The body is to be a JSON object, and is none: {at}.")
            } else {
                format!("{}: is no JSON: {at}", found.path())
            }
        }
        (None, _) if at_root => {
            let words = in_words(&cause);
            format!("The body is to be {}.", words.strip_prefix("is ").unwrap_or(&words))
        }
        (None, _) => format!("{}: {}", found.path(), in_words(&cause)),
    })
}

/// A member that is a secret: what is none of the right kind, as a code without quotation marks, is not repeated in the
/// refusal.
pub(super) fn secret<'de, D: Deserializer<'de>>(member: D) -> std::result::Result<String, D::Error> {
    String::deserialize(member).map_err(|_| D::Error::custom("is to be a text in quotation marks"))
}

/// The same, where it may be absent or null.
pub(super) fn optional_secret<'de, D: Deserializer<'de>>(
    member: D,
) -> std::result::Result<Option<String>, D::Error> {
    Option::<String>::deserialize(member).map_err(|_| D::Error::custom("is to be a text in quotation marks"))
}

/// The parameters of the query, as they stand in the URL.
pub(super) struct Parameters(pub(super) Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let query = Query::from_request_parts(parts, state).await;
        query.map(|Query(pairs)| Self(pairs)).map_err(|error| ApiError::bad_request(error.body_text()))
    }
}

/// The id in the path. What is no UUID is the id of nothing.
pub(super) struct Id(pub(super) Uuid);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let path = Path::<Uuid>::from_request_parts(parts, state).await;
        path.map(|Path(id)| Self(id))
            .map_err(|_| ApiError::bad_request("id: is a UUID, as 01939c3e-7b1a-7c3d-9a51-3f6f0b1d2e4a"))
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::task::{Context, Poll};

    use axum::body::Bytes;
    use hyper::body::Frame;
    use sigma_protocol::Registration;
    use tokio::time::Instant;

    use super::*;

    /// A body that is announced and never comes.
    struct Never;

    impl hyper::body::Body for Never {
        type Data = Bytes;
        type Error = std::io::Error;

        fn poll_frame(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<std::result::Result<Frame<Bytes>, Self::Error>>> {
            Poll::Pending
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_come_is_given_up_after_30_seconds() {
        let request =
            Request::builder().header(CONTENT_TYPE, "application/json").body(Body::new(Never)).unwrap();
        let started = Instant::now();
        let refused = Json::<Registration>::from_request(request, &()).await.err().unwrap();
        assert_eq!(started.elapsed().as_secs(), 30);
        assert!(format!("{refused:?}").contains("408"), "{refused:?}");
    }

    fn refused(body: &str) -> String {
        format!("{:?}", parse::<Registration>(body.as_bytes()).unwrap_err())
    }

    #[test]
    fn the_member_that_is_wrong_is_named() {
        for (body, named) in [
            ("{}", "hostname: is missing"),
            (r#"{"hostname":5}"#, "hostname: is a text, not 5"),
            (r#"{"hostname":"a","ip_addresses":[{"ip":"::1"},{"ip":"x"}]}"#, "ip_addresses[1].ip: "),
            (r#"{"hostname":"a","system_info":{"load_avg":[1]}}"#, "system_info.load_avg"),
            (r#"{"hostname":"a","system_info":{"cpu_cores":-1}}"#, "system_info.cpu_cores: "),
            (r#"{"hostname":"\ud800"}"#, "hostname: "),
            (r#"["a"]"#, "The body is to be a JSON object, not a list."),
            (r#"{"hostname":"a","system_info":[]}"#, "system_info: is a JSON object, not a list"),
            (r#"{"hostname":"a","agent":["1",5]}"#, "agent: is a JSON object, not a list"),
            (
                r#"{"hostname":"a","ip_addresses":[["1.2.3.4","x"]]}"#,
                "ip_addresses[0]: is a JSON object, not a list",
            ),
            (r#"{"hostname":"a"} x"#, "goes on after"),
        ] {
            assert!(refused(body).contains(named), "{body} was refused with {}", refused(body));
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_followed() {
        let body = format!(r#"{{"hostname":{}"#, "[".repeat(60_000));
        assert!(refused(&body).contains("hostname"), "{}", refused(&body));
        let unknown = format!(r#"{{"hostname":"a","x":{}{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
        let _ = parse::<Registration>(unknown.as_bytes());
    }
}
