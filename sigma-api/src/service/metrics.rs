//! What the hub counts about itself. Counting costs an addition: it stands in the way of every beat.

use std::sync::atomic::{AtomicU64, Ordering};

use super::{Error, Hub, Result};
use crate::model::presence::Presence;
use crate::model::stats::Count;
use crate::model::time::Timestamp;

/// What became of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    /// A registration that made a record.
    New,
    /// A registration of a machine that is known.
    Known,
    /// A heartbeat that said nothing new.
    Beat,
    /// A heartbeat with news, which were written.
    News,
    /// A heartbeat of a machine that is not known.
    Unknown,
    /// A machine that a person deleted.
    Deleted,
    /// Refused for another reason.
    Refused,
    /// Not taken in, because the hub or its database could not.
    Failed,
}

impl Reported {
    const ALL: [(&'static str, Self); 8] = [
        ("new", Self::New),
        ("known", Self::Known),
        ("beat", Self::Beat),
        ("news", Self::News),
        ("unknown", Self::Unknown),
        ("deleted", Self::Deleted),
        ("refused", Self::Refused),
        ("failed", Self::Failed),
    ];

    fn of(error: &Error) -> Self {
        match error {
            Error::NotFound(_) => Self::Unknown,
            Error::Gone(_) => Self::Deleted,
            Error::Unavailable(_) | Error::Overloaded | Error::Broken(_) => Self::Failed,
            Error::Invalid(_)
            | Error::Conflict(_)
            | Error::Stale(_)
            | Error::Forbidden(_)
            | Error::Unauthorized(_)
            | Error::TooMany(..) => Self::Refused,
        }
    }
}

/// Kinds of reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Registration,
    Heartbeat,
}

impl Kind {
    const ALL: [(&'static str, Self); 2] =
        [("registration", Self::Registration), ("heartbeat", Self::Heartbeat)];
}

/// Reports since the hub started, by kind and by what became of them.
#[derive(Debug, Default)]
pub(crate) struct Reports([[AtomicU64; Reported::ALL.len()]; Kind::ALL.len()]);

impl Reports {
    /// Counts a report that was taken in.
    pub(crate) fn took(&self, kind: Kind, reported: Reported) {
        let kind = Kind::ALL.iter().position(|(_, known)| *known == kind);
        let reported = Reported::ALL.iter().position(|(_, known)| *known == reported);
        let counter = kind.and_then(|kind| self.0.get(kind)).zip(reported).and_then(|(row, at)| row.get(at));
        if let Some(counter) = counter {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a report that was not.
    pub(crate) fn refused(&self, kind: Kind, error: &Error) {
        self.took(kind, Reported::of(error));
    }

    /// Kind, what became of them, and how many.
    pub(crate) fn counts(&self) -> Vec<(&'static str, &'static str, u64)> {
        let kinds = Kind::ALL.iter().zip(&self.0);
        kinds
            .flat_map(|((kind, _), row)| {
                let of_kind = Reported::ALL.iter().zip(row);
                of_kind.map(move |((name, _), counter)| (*kind, *name, counter.load(Ordering::Relaxed)))
            })
            .collect()
    }
}

/// How the hub and its fleet are.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) reports: Vec<(&'static str, &'static str, u64)>,
    pub(crate) by_presence: Vec<(&'static str, u64)>,
    pub(crate) by_status: Vec<Count>,
    pub(crate) by_provider: Vec<Count>,
    pub(crate) providers: u64,
    pub(crate) database_bytes: Option<u64>,
    /// Reports that wait for the writer, and how many may.
    pub(crate) queued: usize,
    pub(crate) queue_limit: usize,
}

impl Hub {
    /// How the hub and its fleet are.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn measure(&self, now: Timestamp) -> Result<Measured> {
        let (queued, queue_limit) = self.queued();
        Ok(Measured {
            reports: self.reports.counts(),
            by_presence: self.by_presence(now).await?,
            by_status: self.store.count_by_status().await?,
            by_provider: self.store.count_by_provider().await?,
            providers: self.store.count_providers().await?,
            database_bytes: self.store.size_bytes(),
            queued,
            queue_limit,
        })
    }

    async fn by_presence(&self, now: Timestamp) -> Result<Vec<(&'static str, u64)>> {
        let mut counts = Presence::ALL.map(|presence| (presence, 0));
        for machine in self.store.beating().await? {
            let seen = self.directory.seen(machine.id).map(|seen| seen.at);
            let interval = machine.interval_seconds.and_then(|seconds| u64::try_from(seconds).ok());
            let interval = interval.map(std::time::Duration::from_secs);
            let presence = Presence::at(now, seen.or(machine.last_seen), interval);
            for (known, count) in &mut counts {
                *count += u64::from(*known == presence);
            }
        }
        Ok(counts.map(|(presence, count)| (presence.name(), count)).into())
    }
}
