//! What a report changes: the rules of registering and beating, inside one write transaction.

use std::collections::HashMap;
use std::net::IpAddr;

use uuid::Uuid;

use super::change::Change;
use super::directory::{Confirmed, Directory};
use crate::model::audit::Actor;
use crate::model::binding::Speaker;
use crate::model::identity::{Candidate, Decision, Ruling, Sighting, decide};
use crate::model::report::Report;
use crate::model::time::Timestamp;
use crate::store::{Known, Result, Tx};

/// A report, and whose it is.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) report: Report,
    pub(crate) speaker: Speaker,
    /// The key that it came with, and from where.
    pub(crate) actor: Actor,
    pub(crate) arrived: Timestamp,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It is in the database, as part of a transaction that is still to be committed.
    Taken {
        /// The record and how it stands.
        confirmed: Confirmed,
        /// Whose it was found to be.
        decision: Decision,
    },
    /// No record is of this machine, and a heartbeat makes none.
    Unknown,
    /// A person deleted the record.
    Deleted(Uuid),
    /// Another key speaks for the machine.
    BoundElsewhere(Uuid),
    /// The key registers new machines faster than it may; it may again after so many seconds.
    TooMany(u64),
    /// The key has expired, and registers no new machine.
    Expired(Uuid),
    /// The key, of that name, has registered as many new machines as it may.
    Full { key: String, machines: i64 },
}

/// What is known beside the database while reports are applied, one after the other.
#[derive(Debug)]
pub(crate) struct Hearing<'a> {
    pub(crate) now: Timestamp,
    pub(crate) directory: &'a Directory,
    /// Records that were heard in this transaction.
    pub(crate) heard: HashMap<Uuid, Timestamp>,
}

impl Hearing<'_> {
    /// Whose a report is, among these records.
    pub(crate) fn judge(
        &self,
        report: &Report,
        speaker: Speaker,
        arrived: Timestamp,
        known: &mut [Known],
    ) -> Ruling {
        for known in known.iter_mut() {
            let candidate = &mut known.candidate;
            let heard = self.heard.get(&candidate.id).copied();
            let heard = heard.or_else(|| self.directory.seen(candidate.id).map(|seen| seen.at));
            candidate.last_seen = heard.or(candidate.last_seen);
        }
        let candidates: Vec<Candidate> = known.iter().map(|known| known.candidate.clone()).collect();
        let addresses: Vec<IpAddr> = report.addresses.iter().flatten().map(|address| address.ip).collect();
        let sighting = Sighting {
            face: &report.face(),
            is_registration: report.registration.is_some(),
            booted: report.booted(arrived),
            addresses: &addresses,
            speaker,
            listening: self.directory.listening(),
        };
        decide(&sighting, &candidates, self.now)
    }
}

/// Applies a report to the database: writes what is new, and nothing else.
///
/// # Errors
/// As every write; then the transaction must not be committed.
pub(crate) async fn apply(tx: &Tx, hearing: &mut Hearing<'_>, message: &Message) -> Result<Outcome> {
    let report = &message.report;
    let mut known = tx.candidates(report, message.speaker).await?;
    let ruling = hearing.judge(report, message.speaker, message.arrived, &mut known);
    let decision = &ruling.decision;
    let found = decision.record().and_then(|id| known.iter().find(|known| known.candidate.id == id));
    let change = Change { tx, now: hearing.now, message, ruling: &ruling };
    let outcome = match (found, decision, &report.registration) {
        (Some(found), ..) => change.take(found, hearing.directory).await?,
        (None, Decision::New { conflicts, clones }, Some(enrolment)) => {
            let others = |ids: &[Uuid]| -> Vec<Known> {
                known.iter().filter(|known| ids.contains(&known.candidate.id)).cloned().collect()
            };
            change.enrol(enrolment, &others(conflicts), &others(clones), hearing.directory).await?
        }
        (None, Decision::Gone(id), _) => Outcome::Deleted(*id),
        (None, Decision::Refused(id), _) => Outcome::BoundElsewhere(*id),
        _ => Outcome::Unknown,
    };
    if let Outcome::Taken { confirmed, .. } = &outcome {
        hearing.heard.insert(confirmed.standing.id, hearing.now);
    }
    Ok(outcome)
}
