//! What one may set and fetch here, and how this hub is.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::words::long;
use super::{Frame, html};
use crate::http::AppState;
use crate::http::error::Result;
use crate::http::metrics::Metrics;
use crate::model::time::Timestamp;
use crate::service::metrics::Reports;

#[derive(Template)]
#[template(path = "settings.html")]
struct SettingsPage {
    frame: Frame,
    /// Address of the hub, as agents and tools reach it.
    url: String,
    version: &'static str,
    uptime: String,
    /// Machines by presence.
    presence: Vec<(u64, &'static str)>,
    /// Reports that were taken in, and so many of them a minute.
    reports: u64,
    per_minute: Option<String>,
    database: Option<String>,
}

/// The page.
pub(in crate::http) async fn show(
    State(hub): AppState,
    Extension(metrics): Extension<Arc<Metrics>>,
    frame: Frame,
) -> Result<Response> {
    let presence = hub.count_by_presence(Timestamp::now(), None).await?.by_name().collect();
    let (uptime, reports) = (metrics.uptime(), taken(&hub.reports));
    let page = SettingsPage {
        frame,
        url: hub.entrance.public_url.origin().to_owned(),
        version: env!("CARGO_PKG_VERSION"),
        uptime: long(uptime),
        presence,
        reports,
        per_minute: per_minute(reports, uptime.as_secs()),
        database: hub.store.size_bytes().map(megabytes),
    };
    Ok(html(StatusCode::OK, &page))
}

/// Reports that were not refused.
fn taken(reports: &Reports) -> u64 {
    let was_taken = |outcome: &str| matches!(outcome, "new" | "known" | "beat" | "news");
    reports.counts().iter().filter(|(_, outcome, _)| was_taken(outcome)).map(|(.., count)| count).sum()
}

/// How many a minute, once there was one.
fn per_minute(reports: u64, seconds: u64) -> Option<String> {
    let tenths = reports.saturating_mul(600).checked_div(seconds).filter(|_| seconds >= 60)?;
    Some(if tenths >= 100 { (tenths / 10).to_string() } else { format!("{}.{}", tenths / 10, tenths % 10) })
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 104_858;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_as_far_as_they_mean_something() {
        assert_eq!(per_minute(1000, 59), None, "the first minute is no measure");
        assert_eq!(per_minute(0, 60).as_deref(), Some("0.0"));
        assert_eq!(per_minute(15, 100).as_deref(), Some("9.0"));
        assert_eq!(per_minute(2000, 60).as_deref(), Some("2000"));
        assert_eq!(megabytes(3 * 1024 * 1024 + 600_000), "3.5 MiB");
    }
}
