//! The few files of the pages: in the binary, and kept by browsers for as long as they stay the same.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::error::ApiError;
use crate::model::token::hex;

const STYLE: &str = include_str!("../../../assets/style.css");
const KEPT: &str = "public, max-age=31536000, immutable";

/// Address of the stylesheet: another for each content, so that nobody sees an old one.
static STYLE_AT: LazyLock<String> = LazyLock::new(|| {
    let hash: String = hex(&Sha256::digest(STYLE)).chars().take(12).collect();
    format!("/assets/style-{hash}.css")
});

/// Where the stylesheet is.
pub(super) fn style() -> &'static str {
    &STYLE_AT
}

/// One of the files.
pub(in crate::http) async fn serve(Path(file): Path<String>) -> Response {
    if style().strip_prefix("/assets/") == Some(&*file) {
        return ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, KEPT)], STYLE).into_response();
    }
    ApiError::new(StatusCode::NOT_FOUND, "There is no such file.").into_response()
}
