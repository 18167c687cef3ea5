//! All that was done to a machine, a page at a time.

use askama::Template;
use uuid::Uuid;

use crate::http::error::Result;
use crate::http::web::Frame;
use crate::http::web::audit_words::{AuditLine, lines_of_it};
use crate::model::audit::AuditFilter;
use crate::model::paging::Paging;
use crate::model::time::Timestamp;
use crate::service::Hub;

/// The page.
#[derive(Template)]
#[template(path = "machine_audit.html")]
pub(super) struct AuditPage {
    frame: Frame,
    id: Uuid,
    hostname: String,
    lines: Vec<AuditLine>,
    total: u64,
    paging: Paging,
}

impl AuditPage {
    pub(super) async fn load(
        hub: &Hub,
        now: Timestamp,
        frame: Frame,
        id: Uuid,
        filter: AuditFilter,
    ) -> Result<Self> {
        let paging = filter.paging;
        let page = hub.vps_audit(id, filter).await?;
        let hostname = hub.vps(now, id).await?.hostname;
        let lines = lines_of_it(hub, now, page.data).await?;
        Ok(Self { frame, id, hostname, lines, total: page.total, paging })
    }

    /// The first and the last line of the page, counted from 1.
    fn span(&self) -> (u64, u64) {
        let before = self.paging.offset();
        let lines = u64::try_from(self.lines.len()).unwrap_or(u64::MAX);
        (before.saturating_add(1), before.saturating_add(lines))
    }

    fn pages(&self) -> u64 {
        self.total.div_ceil(self.paging.per_page).max(1)
    }
}
