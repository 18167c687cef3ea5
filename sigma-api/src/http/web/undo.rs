//! A bulk change as the log has it, with the button that takes it back.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::audit_words::AuditLine;
use super::{Frame, html};
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::Id;
use crate::http::error::Result;
use crate::model::audit::AuditFilter;
use crate::model::paging::Paging;
use crate::model::time::Timestamp;
use crate::model::undo::can_be_undone;
use crate::service::Error;

/// Lines that are shown.
const LINES: u64 = 50;

#[derive(Template)]
#[template(path = "undo.html")]
struct UndoPage {
    frame: Frame,
    id: Uuid,
    lines: Vec<AuditLine>,
    total: u64,
    /// Lines that are not shown.
    more: u64,
    is_fresh: bool,
}

/// The page.
pub(in crate::http) async fn show(
    State(hub): AppState,
    frame: Frame,
    _: Editor,
    Id(id): Id,
) -> Result<Response> {
    let now = Timestamp::now();
    let paging = Paging { page: 1, per_page: LINES };
    let filter = AuditFilter { bulk: Some(id), paging, ..AuditFilter::default() };
    let log = hub.audit_log(&filter).await?;
    let Some(newest) = log.data.first() else {
        return Err(Error::NotFound(format!("There is no bulk change with the id {id}.")).into());
    };
    let is_fresh = can_be_undone(now, newest.at);
    let names = hub.names_in(&log.data).await?;
    let lines =
        log.data.into_iter().map(|line| AuditLine { bulk: None, ..AuditLine::new(now, line, &names) });
    let lines: Vec<AuditLine> = lines.collect();
    let more = log.total.saturating_sub(LINES);
    Ok(html(StatusCode::OK, &UndoPage { frame, id, lines, total: log.total, more, is_fresh }))
}
