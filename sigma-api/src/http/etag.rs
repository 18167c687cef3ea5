//! Versions in HTTP: `ETag` says which a record has, and `If-Match` which one a caller means to change (RFC 9110, 13.1.1).

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::{ApiError, Result};
use crate::model::provider::Provider;
use crate::model::version::Expected;
use crate::model::vps::Vps;

/// A record that has versions.
pub(super) trait Versioned {
    /// Which one this is.
    fn version(&self) -> i64;
}

impl Versioned for Vps {
    fn version(&self) -> i64 {
        self.version
    }
}

impl Versioned for Provider {
    fn version(&self) -> i64 {
        self.version
    }
}

/// A record as an answer, with its version as `ETag`.
pub(super) struct Tagged<T>(pub(super) T);

impl<T: Versioned + Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        let tag = HeaderValue::try_from(format!("\"{}\"", self.0.version()));
        let mut response = Json(self.0).into_response();
        if let Ok(tag) = tag {
            response.headers_mut().insert(ETAG, tag);
        }
        response
    }
}

/// Which versions of a record the caller means, by `If-Match`; without it, any.
pub(super) struct IfMatch(pub(super) Expected);

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        expected(&parts.headers).map(Self)
    }
}

fn expected(headers: &HeaderMap) -> Result<Expected> {
    let refused = || {
        ApiError::bad_request(
            "If-Match: is * or the ETag of a record as it was sent, as \"3\"; W/ does not match",
        )
    };
    let mut lines = headers.get_all(IF_MATCH).iter().peekable();
    if lines.peek().is_none() {
        return Ok(Expected::default());
    }
    let lines: Option<Vec<&str>> = lines.map(|line| line.to_str().ok()).collect();
    let list = lines.ok_or_else(refused)?.join(",");
    if list.trim() == "*" {
        return Ok(Expected::default());
    }
    let tags = list.split(',').map(str::trim).filter(|tag| !tag.is_empty());
    let texts: Option<Vec<&str>> =
        tags.map(|tag| tag.strip_prefix('"')?.strip_suffix('"').filter(|text| !text.contains('"'))).collect();
    let texts = texts.filter(|texts| !texts.is_empty()).ok_or_else(refused)?;
    // A tag that no record of ours has is a good tag that matches none.
    Ok(Expected::one_of(texts.iter().filter_map(|text| text.parse().ok()).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> Option<Expected> {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(IF_MATCH, line.parse().unwrap());
        }
        expected(&headers).ok()
    }

    #[test]
    fn tags_become_versions() {
        assert_eq!(read(&[]), Some(Expected::default()));
        assert_eq!(read(&["*"]), Some(Expected::default()));
        assert_eq!(read(&["\"3\""]), Some(Expected::one_of(vec![3])));
        assert_eq!(read(&["\"3\", \"x\" ,\"5\"", "\"7\""]), Some(Expected::one_of(vec![3, 5, 7])));
        assert_eq!(read(&["\"x\""]), Some(Expected::one_of(vec![])));
    }

    #[test]
    fn weak_and_malformed_tags_are_refused() {
        for line in ["W/\"3\"", "3", "\"3", "\"3\"4\"", "", ",", "*, \"3\"", "\"3\", W/\"4\"", "\""] {
            assert_eq!(read(&[line]), None, "{line}");
        }
    }
}
