//! The audit log: who did what, the newest first.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::audit_words::{ACTIONS, AuditLine};
use super::{Frame, html};
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::Parameters;
use crate::http::error::Result;
use crate::model::audit::AuditFilter;
use crate::model::paging::Paging;
use crate::model::time::Timestamp;

/// Lines of a page.
const PER_PAGE: u64 = 50;

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    frame: Frame,
    /// What is wrong with the address.
    wrong: String,
    actor: String,
    action: String,
    subject: String,
    /// Of what the log is shown, where the address says it by its id.
    subject_id: String,
    lines: Vec<AuditLine>,
    total: u64,
    page: u64,
}

/// The page.
pub(in crate::http) async fn show(
    State(hub): AppState,
    frame: Frame,
    _: Editor,
    Parameters(parameters): Parameters,
) -> Result<Response> {
    let now = Timestamp::now();
    let (filter, wrong) = match AuditFilter::from_parameters(&parameters) {
        Ok(filter) => (filter, String::new()),
        Err(invalid) => (AuditFilter::default(), invalid.to_string()),
    };
    let filter = AuditFilter { paging: Paging { per_page: PER_PAGE, ..filter.paging }, ..filter };
    let log = hub.audit_log(&filter).await?;
    let names = hub.names_in(&log.data).await?;
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    let page = AuditPage {
        frame,
        wrong,
        actor: filter.actor.unwrap_or_default(),
        action: filter.action.unwrap_or_default(),
        subject: filter.subject.unwrap_or_default(),
        subject_id: filter.subject_id.map(|id| id.to_string()).unwrap_or_default(),
        lines: log.data.into_iter().map(|line| AuditLine::new(now, line, &names)).collect(),
        total: log.total,
        page: filter.paging.page,
    };
    Ok(html(status, &page))
}

impl AuditPage {
    fn actions(&self) -> &'static [(&'static str, &'static str)] {
        ACTIONS
    }

    fn is_filtered(&self) -> bool {
        [&self.actor, &self.action, &self.subject, &self.subject_id].iter().any(|text| !text.is_empty())
    }

    fn pages(&self) -> u64 {
        self.total.div_ceil(PER_PAGE).max(1)
    }

    fn at_page(&self, page: u64) -> String {
        let page = page.to_string();
        let parts = [
            ("actor", &self.actor),
            ("action", &self.action),
            ("subject", &self.subject),
            ("subject_id", &self.subject_id),
            ("page", &page),
        ];
        let mut query = form_urlencoded::Serializer::new(String::new());
        parts.into_iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| {
            query.append_pair(name, value);
        });
        format!("/audit?{}", query.finish())
    }
}
