//! Which answers are compressed. `docs/decisions/0011-live-and-compression.md` says why, and why not all.

use axum::http::Method;
use tower_http::CompressionLevel;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{And, NotForContentType, Predicate, SizeAbove};

/// A packet or two: less is as quick as it is.
const FROM_BYTES: u64 = 1400;
/// Pages that show a secret beside what somebody else can choose. What answers a form may, too, and is never compressed.
const SECRETIVE: [&str; 3] = ["/account", "/setup", "/sign-in"];

/// Whether answers of that route may be compressed.
pub(super) fn is_compressed(method: &Method, path: &str) -> bool {
    *method == Method::GET && path != "/live" && !SECRETIVE.contains(&path)
}

/// Compresses what is worth it.
pub(super) fn layer() -> CompressionLayer<And<SizeAbove, NotForContentType>> {
    let worth = SizeAbove::new(FROM_BYTES).and(NotForContentType::SSE);
    CompressionLayer::new().quality(CompressionLevel::Precise(4)).compress_when(worth)
}
