//! The few files of the pages: in the binary, and kept by browsers for as long as they stay the same.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::http::error::ApiError;
use crate::model::token::hex;

const KEPT: &str = "public, max-age=31536000, immutable";

/// A file, and its address: another for each content, so that nobody sees an old one.
struct Asset {
    kind: &'static str,
    text: &'static str,
    at: LazyLock<String>,
}

static STYLE: Asset = Asset {
    kind: "text/css; charset=utf-8",
    text: include_str!("../../../assets/style.css"),
    at: LazyLock::new(|| addressed("style", STYLE.text, "css")),
};
static SCRIPT: Asset = Asset {
    kind: "text/javascript; charset=utf-8",
    text: include_str!("../../../assets/app.js"),
    at: LazyLock::new(|| addressed("app", SCRIPT.text, "js")),
};

fn addressed(name: &str, text: &str, ending: &str) -> String {
    let hash: String = hex(&Sha256::digest(text)).chars().take(12).collect();
    format!("/assets/{name}-{hash}.{ending}")
}

/// Where the stylesheet is.
pub(super) fn style() -> &'static str {
    &STYLE.at
}

/// Where the script is.
pub(super) fn script() -> &'static str {
    &SCRIPT.at
}

/// One of the files.
pub(in crate::http) async fn serve(Path(file): Path<String>) -> Response {
    let asked = |asset: &&&Asset| asset.at.strip_prefix("/assets/") == Some(&*file);
    match [&STYLE, &SCRIPT].iter().find(asked) {
        Some(asset) => ([(CONTENT_TYPE, asset.kind), (CACHE_CONTROL, KEPT)], asset.text).into_response(),
        None => ApiError::new(StatusCode::NOT_FOUND, "There is no such file.").into_response(),
    }
}
