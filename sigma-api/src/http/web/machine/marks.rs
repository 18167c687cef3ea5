//! What deserves a look at a machine, and what settles it.

use uuid::Uuid;

use crate::http::web::words::Moment;
use crate::model::mark::{Mark, MarkKind};
use crate::model::time::Timestamp;

/// One thing that is open.
pub(super) struct Open {
    pub(super) sentence: String,
    pub(super) since: Moment,
    pub(super) settled: Settled,
}

/// What settles it.
pub(super) enum Settled {
    /// That a person says whether this other record is another machine, or the same.
    Between { id: Uuid, hostname: String },
    /// That a person has seen the flag.
    Seen(&'static str),
}

impl Open {
    pub(super) fn new(now: Timestamp, mark: Mark) -> Self {
        let settled = match (mark.other_id, mark.kind) {
            (Some(id), MarkKind::Conflict | MarkKind::Clone) => {
                Settled::Between { id, hostname: mark.other_hostname.unwrap_or_default() }
            }
            (_, kind) => Settled::Seen(kind.name()),
        };
        Self { sentence: mark.detail, since: Moment::new(now, mark.since), settled }
    }
}
