//! Reports with news, written by one task: those that wait are committed together.
//!
//! A commit costs a sync of the disk, about 4 ms; fifty reports in one cost hardly more than one. The single writer
//! also puts concurrent registrations of one hostname in a row, so that the second finds the record of the first.

use std::sync::Arc;
use std::time::Duration;

use sigma_protocol::Acknowledgement;
use tokio::sync::{Mutex, mpsc, oneshot, watch};
use tokio::time::Instant;

use super::directory::{Digest, Directory, Queued, Standing};
use super::metrics::{Kind, Reported};
use super::report::{Outcome, apply};
use super::{Error, Hub, Result};
use crate::model::report::Report;
use crate::model::time::Timestamp;
use crate::model::vps::{Seen, Status};
use crate::store::{self, Store, StoreError};

/// Reports that may wait for the writer; more are told to come back.
const QUEUE: usize = 4096;
/// Reports of one transaction.
const BATCH: usize = 256;
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
    report: Report,
    answer: oneshot::Sender<store::Result<Outcome>>,
    queued: Queued,
}

impl Hub {
    /// Registers a machine, or takes in what a known one says anew. It is durable when this returns.
    ///
    /// # Errors
    /// `Gone` when a person deleted the machine; `Unavailable` and `Overloaded` when nothing was stored.
    pub(crate) async fn register(&self, report: Report) -> Result<Acknowledgement> {
        let registered = self.registered(report).await;
        registered.inspect_err(|error| self.reports.refused(Kind::Registration, error))
    }

    async fn registered(&self, report: Report) -> Result<Acknowledgement> {
        let hostname = report.hostname.clone();
        let gone = || {
            Error::Gone(format!(
                "The machine {hostname} was deleted in the hub by a person; restore it there, or stop its agent."
            ))
        };
        match self.intake.write(report).await? {
            Outcome::Taken { standing, is_new } => {
                let reported = if is_new { Reported::New } else { Reported::Known };
                self.reports.took(Kind::Registration, reported);
                Ok(acknowledge(hostname, standing))
            }
            Outcome::Deleted | Outcome::Unknown => Err(gone()),
        }
    }

    /// Takes in a heartbeat. What is new in it is durable when this returns; that the machine is still here, soon after.
    ///
    /// # Errors
    /// `NotFound` when no living record has the hostname; `Unavailable` and `Overloaded` when nothing was stored.
    pub(crate) async fn beat(&self, now: Timestamp, report: Report) -> Result<Acknowledgement> {
        let beaten = self.beaten(now, report).await;
        beaten.inspect_err(|error| self.reports.refused(Kind::Heartbeat, error))
    }

    async fn beaten(&self, now: Timestamp, report: Report) -> Result<Acknowledgement> {
        let seen = Seen { at: now, state: report.state };
        let digest = self.directory.digest(&report);
        if let Some(standing) = self.directory.beat(&report.hostname, digest, seen) {
            self.reports.took(Kind::Heartbeat, Reported::Beat);
            return Ok(acknowledge(report.hostname, standing));
        }
        let hostname = report.hostname.clone();
        // A read is enough to turn an unknown machine away; it must not cost the writer anything.
        if self.store.is_known(&hostname).await?
            && let Outcome::Taken { standing, .. } = self.intake.write(report).await?
        {
            self.reports.took(Kind::Heartbeat, Reported::News);
            return Ok(acknowledge(hostname, standing));
        }
        Err(Error::NotFound(format!("No machine is registered as {hostname}; register first.")))
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

    async fn write(&self, report: Report) -> Result<Outcome> {
        let (answer, answered) = oneshot::channel();
        let queued = Queued::new(&self.directory, &report.hostname);
        self.queue.try_send(Job { report, answer, queued }).map_err(|_| Error::Overloaded)?;
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
        match self.write_all(batch).await {
            // One of them may be at fault: each gets a transaction of its own.
            Err(StoreError::Conflict | StoreError::Broken(_)) if batch.len() > 1 => {
                while let Some(job) = batch.first() {
                    let result = self.write_all(std::slice::from_ref(job)).await;
                    answer(&self.directory, batch.drain(..1), result);
                }
            }
            result => answer(&self.directory, batch.drain(..), result),
        }
    }

    /// Applies all reports in one transaction, and tells the directory once it is durable.
    async fn write_all(&self, jobs: &[Job]) -> store::Result<Vec<Outcome>> {
        let now = Timestamp::now();
        let _turn = self.turn.lock().await;
        let tx = self.store.begin().await?;
        let mut outcomes = Vec::with_capacity(jobs.len());
        for job in jobs {
            outcomes.push(apply(&tx, now, &job.report).await?);
        }
        tx.commit().await?;
        for (job, outcome) in jobs.iter().zip(&outcomes) {
            tell(&self.directory, now, &job.report, self.directory.digest(&job.report), *outcome);
        }
        Ok(outcomes)
    }
}

fn tell(directory: &Directory, now: Timestamp, report: &Report, digest: Digest, outcome: Outcome) {
    match outcome {
        Outcome::Taken { standing, is_new } => {
            directory.remember(&report.hostname, standing, digest, Seen { at: now, state: report.state });
            if is_new {
                log::info!("new machine: {} ({})", report.hostname, standing.id);
            } else if report.registration.is_some() && standing.status != Status::Active {
                log::info!("{} machine registered: {}", standing.status.name(), report.hostname);
            }
        }
        Outcome::Unknown | Outcome::Deleted => directory.forget(&report.hostname),
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
            directory.doubt(&job.report.hostname);
            drop(job.queued);
            let _ = job.answer.send(Err(error.clone()));
        }),
    }
}
