//! Reports with news, written by one task: those that wait are committed together.
//!
//! A commit costs a sync of the disk, about 4 ms; fifty reports in one cost hardly more than one. The single writer
//! also puts concurrent registrations of one hostname in a row, so that the second finds the record of the first.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sigma_protocol::Acknowledgement;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::Instant;
use uuid::Uuid;

use super::access::Identity;
use super::directory::{Directory, Queued, Said, Standing};
use super::metrics::{Kind, Reported};
use super::report::{Hearing, Message, Outcome, apply};
use super::{Error, Hub, Result};
use crate::model::binding::Speaker;
use crate::model::identity::Decision;
use crate::model::key::Role;
use crate::model::report::Report;
use crate::model::time::Timestamp;
use crate::model::vps::{Seen, Status};
use crate::store::{self, Store, StoreError};

/// Reports that may wait for the writer; more are told to come back.
const QUEUE: usize = 4096;
/// Reports of one transaction.
const BATCH: usize = 256;
/// A transaction that lasted so long is committed with what it has: others wait for their turn.
const TURN: Duration = Duration::from_millis(100);
/// When the hub stops, what cannot be written within this time is told so, while there is still somebody to tell it to.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// What comes even later is still tried, but no longer than this.
const LATE_TRY: Duration = Duration::from_millis(100);

/// The way to the writer.
#[derive(Debug, Clone)]
pub(crate) struct Intake {
    queue: mpsc::Sender<Job>,
    directory: Arc<Directory>,
    stop: watch::Sender<Option<Instant>>,
}

#[derive(Debug)]
struct Job {
    message: Message,
    said: Said,
    answer: oneshot::Sender<store::Result<Outcome>>,
    queued: Queued,
}

impl Hub {
    /// Registers a machine, or takes in what a known one says anew. It is durable when this returns.
    ///
    /// # Errors
    /// `Gone` when a person deleted the machine; `Forbidden` when the key may not speak for it, or may register no more;
    /// `Unavailable` and `Overloaded` when nothing was stored.
    pub(crate) async fn register(
        &self,
        now: Timestamp,
        caller: Identity,
        report: Report,
    ) -> Result<Acknowledgement> {
        let registered = self.registered(now, caller, report).await;
        registered.inspect_err(|error| self.reports.refused(Kind::Registration, error))
    }

    async fn registered(&self, now: Timestamp, caller: Identity, report: Report) -> Result<Acknowledgement> {
        let (hostname, who) = (report.hostname.clone(), caller.clone());
        match self.intake.write(message(now, caller, report)).await? {
            Outcome::Taken { confirmed, decision } => {
                let is_new = matches!(decision, Decision::New { .. });
                self.reports.took(Kind::Registration, if is_new { Reported::New } else { Reported::Known });
                Ok(acknowledge(hostname, confirmed.standing))
            }
            Outcome::Deleted(_) | Outcome::Unknown => Err(Error::Gone(format!(
                "The machine {hostname} was deleted in the hub by a person; restore it there, or stop its agent."
            ))),
            Outcome::BoundElsewhere(_) | Outcome::Expired(_) => Err(not_its(&who, &hostname)),
            Outcome::TooMany(seconds) => Err(Error::TooMany(
                "The key registers new machines faster than it may; try again later.".to_owned(),
                seconds,
            )),
            Outcome::Full { key, machines } => Err(Error::Forbidden(format!(
                "The key {key} has registered {machines} new machines and may register no more: raise its limit in \
                 the hub, or use another key."
            ))),
        }
    }

    /// Takes in a heartbeat. What is new in it is durable when this returns; that the machine is still here, soon after.
    ///
    /// # Errors
    /// `NotFound` when no living record is of this machine; `Forbidden` when the key may not speak for it; `Unavailable`
    /// and `Overloaded` when nothing was stored.
    pub(crate) async fn beat(
        &self,
        now: Timestamp,
        caller: Identity,
        report: Report,
    ) -> Result<Acknowledgement> {
        let beaten = self.beaten(now, caller, report).await;
        beaten.inspect_err(|error| self.reports.refused(Kind::Heartbeat, error))
    }

    async fn beaten(&self, now: Timestamp, caller: Identity, report: Report) -> Result<Acknowledgement> {
        let seen = Seen { at: now, state: report.state };
        if let Some(standing) = self.directory.beat(self.directory.said(&report), speaker(&caller), seen) {
            self.reports.took(Kind::Heartbeat, Reported::Beat);
            return Ok(acknowledge(report.hostname, standing));
        }
        let (hostname, who) = (report.hostname.clone(), caller.clone());
        let unknown = || Error::NotFound(format!("No machine is registered as {hostname}; register first."));
        // A read is enough to turn an unknown machine away; it must not cost the writer anything.
        let mut known = self.store.candidates(&report, speaker(&caller)).await?;
        let hearing = Hearing { now, directory: &self.directory, heard: HashMap::new() };
        match hearing.judge(&report, speaker(&caller), now, &mut known).decision {
            Decision::Unknown | Decision::New { .. } => return Err(unknown()),
            Decision::Gone(id) => {
                self.directory.refuse(now, id);
                return Err(unknown());
            }
            // Nor is anybody else's.
            Decision::Refused(id) => {
                warn_bound_elsewhere(&self.directory, now, id, &hostname);
                return Err(not_its(&who, &hostname));
            }
            _ => {}
        }
        match self.intake.write(message(now, caller, report)).await? {
            Outcome::Taken { confirmed, .. } => {
                self.reports.took(Kind::Heartbeat, Reported::News);
                Ok(acknowledge(hostname, confirmed.standing))
            }
            Outcome::BoundElsewhere(_) => Err(not_its(&who, &hostname)),
            Outcome::Unknown
            | Outcome::Deleted(_)
            | Outcome::TooMany(_)
            | Outcome::Expired(_)
            | Outcome::Full { .. } => Err(unknown()),
        }
    }
}

fn message(arrived: Timestamp, caller: Identity, report: Report) -> Message {
    Message { report, speaker: speaker(&caller), actor: caller.actor, arrived }
}

/// An administrator's key speaks for every machine; an agent's for those that it registered.
fn speaker(caller: &Identity) -> Speaker {
    match (caller.role, caller.actor.id, caller.expired_at) {
        (Role::Agent, Some(key), None) => Speaker::Key(key),
        (Role::Agent, Some(key), Some(_)) => Speaker::Expired(key),
        _ => Speaker::Anyone,
    }
}

/// Why a key does not speak for a machine.
fn not_its(caller: &Identity, hostname: &str) -> Error {
    Error::Forbidden(match caller.expired_at {
        Some(at) => format!(
            "The key {} expired at {at}: it reports for the machines that are bound to it, and registers no others. To \
             register {hostname}, give it a later end in the hub, or use another key.",
            caller.actor.name
        ),
        None => format!(
            "The machine {hostname} reports with another key, which is valid: use that one, or revoke it in the hub."
        ),
    })
}

fn warn_bound_elsewhere(directory: &Directory, now: Timestamp, id: Uuid, hostname: &str) {
    if directory.is_news(now, id) {
        log::warn!("a report for {hostname} ({id}) came with a key that does not speak for it");
    }
}

fn acknowledge(hostname: String, standing: Standing) -> Acknowledgement {
    Acknowledgement { id: standing.id.to_string(), hostname, status: standing.status.name().to_owned() }
}

impl Intake {
    /// Starts the writer; it ends when every `Intake` is gone and nothing waits.
    pub(crate) fn start(store: Store, directory: Arc<Directory>, turn: Arc<Mutex<()>>) -> Self {
        let (queue, jobs) = mpsc::channel(QUEUE);
        let (stop, stopping) = watch::channel(None);
        let writer = Writer { store, directory: Arc::clone(&directory), turn };
        tokio::spawn(run(jobs, writer, stopping));
        Self { queue, directory, stop }
    }

    /// From now on no report waits long for a database that cannot be written.
    pub(crate) fn stop_soon(&self) {
        self.stop.send_replace(Some(Instant::now() + STOP_WITHIN));
    }

    /// Reports that wait, and how many may.
    pub(crate) fn queued(&self) -> (usize, usize) {
        let most = self.queue.max_capacity();
        (most.saturating_sub(self.queue.capacity()), most)
    }

    async fn write(&self, message: Message) -> Result<Outcome> {
        let (answer, answered) = oneshot::channel();
        let said = self.directory.said(&message.report);
        let queued = Queued::new(&self.directory, said);
        self.queue.try_send(Job { message, said, answer, queued }).map_err(|_| Error::Overloaded)?;
        let outcome = answered.await.map_err(|_| Error::Unavailable("the writer has stopped".into()))?;
        Ok(outcome?)
    }
}

/// What the writing task has.
struct Writer {
    store: Store,
    directory: Arc<Directory>,
    turn: Arc<Mutex<()>>,
}

async fn run(mut jobs: mpsc::Receiver<Job>, writer: Writer, stop: watch::Receiver<Option<Instant>>) {
    let mut batch = Vec::with_capacity(BATCH);
    while jobs.recv_many(&mut batch, BATCH).await > 0 {
        let written = tokio::select! {
            () = writer.write_batch(&mut batch) => true,
            () = given_up(stop.clone()) => false,
        };
        if !written {
            let cause = StoreError::Unavailable("the hub stops, and the database cannot be written".into());
            answer(&writer.directory, batch.drain(..), Err(cause));
        }
    }
}

/// Ends when a batch that begins now is no longer to be waited for; never, as long as nobody stops the hub.
async fn given_up(mut stop: watch::Receiver<Option<Instant>>) {
    let earliest = Instant::now() + LATE_TRY;
    match stop.wait_for(Option::is_some).await.map(|at| *at) {
        Ok(Some(at)) => tokio::time::sleep_until(at.max(earliest)).await,
        _ => std::future::pending().await,
    }
}

impl Writer {
    /// Writes and answers the jobs; if it is dropped, those that are left are neither written nor answered.
    async fn write_batch(&self, batch: &mut Vec<Job>) {
        while !batch.is_empty() {
            match self.write_some(batch).await {
                Ok(outcomes) => {
                    let written = outcomes.len();
                    answer(&self.directory, batch.drain(..written), Ok(outcomes));
                }
                // One of them may be at fault: each gets a transaction of its own.
                Err(StoreError::Conflict | StoreError::Broken(_)) if batch.len() > 1 => {
                    while let Some(job) = batch.first() {
                        let result = self.write_some(std::slice::from_ref(job)).await;
                        answer(&self.directory, batch.drain(..1), result);
                    }
                }
                Err(error) => answer(&self.directory, batch.drain(..), Err(error)),
            }
        }
    }

    /// Applies the first of the reports, as many as fit into one turn, in one transaction, and tells the directory once it
    /// is durable.
    async fn write_some(&self, jobs: &[Job]) -> store::Result<Vec<Outcome>> {
        let now = Timestamp::now();
        let _turn = self.turn.lock().await;
        let tx = self.store.begin().await?;
        let begun = Instant::now();
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut hearing = Hearing { now, directory: &self.directory, heard: HashMap::new() };
        for job in jobs {
            outcomes.push(apply(&tx, &mut hearing, &job.message).await?);
            if begun.elapsed() >= TURN {
                break;
            }
        }
        tx.commit().await?;
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            tell(&self.directory, now, job.said, &job.message, outcome);
        }
        Ok(outcomes)
    }
}

fn tell(directory: &Directory, now: Timestamp, said: Said, message: &Message, outcome: &Outcome) {
    let report = &message.report;
    match outcome {
        Outcome::Taken { confirmed, decision } => {
            directory.remember(said, *confirmed, Seen { at: now, state: report.state });
            log_taken(report, confirmed.standing, decision);
        }
        Outcome::Unknown => directory.forget(said),
        Outcome::Deleted(id) => {
            directory.forget(said);
            directory.refuse(now, *id);
        }
        // What is known of the machine under its own key stays.
        Outcome::BoundElsewhere(id) => warn_bound_elsewhere(directory, now, *id, &report.hostname),
        Outcome::TooMany(_) => {
            if let Speaker::Key(key) = message.speaker
                && directory.is_news(now, key)
            {
                log::warn!("the key {key} registers new machines faster than it may, as {}", report.hostname);
            }
        }
        Outcome::Expired(key) => {
            if directory.is_news(now, *key) {
                log::warn!("{} is not registered: the key {key} has expired", report.hostname);
            }
        }
        Outcome::Full { key, .. } => {
            log::warn!("{} is not registered: the key {key} may register no more", report.hostname);
        }
    }
}

fn log_taken(report: &Report, standing: Standing, decision: &Decision) {
    let (hostname, id) = (&report.hostname, standing.id);
    match decision {
        Decision::New { conflicts, clones } if conflicts.is_empty() && clones.is_empty() => {
            log::info!("new machine: {hostname} ({id})");
        }
        Decision::New { .. } => {
            log::warn!("new machine: {hostname} ({id}), and others of its name or machine id live");
        }
        Decision::Reinstalled(_) => log::info!("installed anew: {hostname} ({id})"),
        Decision::Renamed(_) => log::info!("renamed: {hostname} ({id})"),
        Decision::Returned(_) => {
            log::warn!("two machines took turns as {hostname} ({id}); it is the first one's again");
        }
        _ if report.registration.is_some() && standing.status != Status::Active => {
            log::info!("{} machine registered: {hostname}", standing.status.name());
        }
        _ => {}
    }
}

fn answer(directory: &Directory, jobs: impl Iterator<Item = Job>, result: store::Result<Vec<Outcome>>) {
    match result {
        Ok(outcomes) => jobs.zip(outcomes).for_each(|(job, outcome)| {
            drop(job.queued);
            // Whoever asked may have gone; the report is stored all the same.
            let _ = job.answer.send(Ok(outcome));
        }),
        Err(error) => jobs.for_each(|job| {
            directory.doubt(job.said);
            drop(job.queued);
            let _ = job.answer.send(Err(error.clone()));
        }),
    }
}
