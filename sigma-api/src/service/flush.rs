//! Beats that said nothing new, from memory to the database: every few seconds and at the end.

use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::directory::{Refused, Silence, Unsaved};
use super::{Hub, Result};
use crate::model::audit::{Actor, ActorKind, Changes, Subject};
use crate::model::time::Timestamp;
use crate::model::vps::{Seen, Status};

/// A crash forgets at most this much of "still here"; the next beat repeats it.
const INTERVAL: Duration = Duration::from_secs(5);

/// Flushes until `stop` changes. An outage is logged when it begins and when it ends.
pub(crate) async fn run(hub: Hub, mut stop: watch::Receiver<bool>) {
    let mut failing = false;
    loop {
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            _ = stop.changed() => return,
        }
        match flush(&hub).await {
            Ok(()) if failing => {
                failing = false;
                log::info!("beats are saved again");
            }
            Err(error) if !failing => {
                failing = true;
                log::error!("beats stay in memory, as they cannot be saved: {error}");
            }
            _ => {}
        }
    }
}

/// What is only in memory.
struct Pending {
    beats: Vec<Unsaved>,
    silences: Vec<Silence>,
    refused: Vec<Refused>,
    key_uses: Vec<(Uuid, Timestamp)>,
    session_uses: Vec<(Uuid, Timestamp)>,
}

impl Pending {
    fn is_empty(&self) -> bool {
        let Self { beats, silences, refused, key_uses, session_uses } = self;
        beats.is_empty()
            && silences.is_empty()
            && refused.is_empty()
            && key_uses.is_empty()
            && session_uses.is_empty()
    }
}

/// Writes all that is only in memory, in one transaction, and notices records that are gone.
///
/// # Errors
/// When nothing was written; the next flush tries again.
pub(crate) async fn flush(hub: &Hub) -> Result<()> {
    let pending = Pending {
        beats: hub.directory.take_unsaved(),
        silences: hub.directory.take_silences(),
        refused: hub.directory.take_refused(Timestamp::now()),
        key_uses: hub.keys.take_uses(),
        session_uses: hub.entrance.sessions.take_uses(),
    };
    if pending.is_empty() {
        return Ok(());
    }
    let written = write(hub, &pending).await;
    if written.is_err() {
        hub.directory.put_back(&pending.beats);
        hub.directory.put_back_silences(pending.silences);
        hub.directory.put_back_refused(&pending.refused);
        hub.keys.put_back(pending.key_uses);
        hub.entrance.sessions.put_back(pending.session_uses);
    }
    written
}

async fn write(hub: &Hub, pending: &Pending) -> Result<()> {
    let _turn = hub.turn().await;
    let tx = hub.store.begin().await?;
    let beats = pending.beats.iter().map(|beat| beat.id);
    let ids: Vec<Uuid> = beats.chain(pending.silences.iter().map(|silence| silence.id)).collect();
    let stored = tx.statuses(&ids).await?;
    // A record may have been deleted or restored by another process meanwhile.
    let status_of = |id: Uuid| stored.get(&id).copied().filter(|status| *status != Status::Deleted);
    let living = pending.beats.iter().filter(|beat| status_of(beat.id).is_some());
    let states: Vec<(Uuid, Seen)> = living.map(|beat| (beat.id, beat.seen)).collect();
    tx.put_states(&states).await?;
    for silence in pending.silences.iter().filter(|silence| stored.contains_key(&silence.id)) {
        tx.put_gap(silence.id, silence.from, silence.until).await?;
    }
    for refused in &pending.refused {
        let first = tx.add_refusals(refused.id, refused.reports, refused.last).await?;
        if let Some(hostname) = first {
            let subject = Subject::vps(refused.id, &hostname);
            let actor = Actor { kind: ActorKind::Agent, id: None, name: hostname, client_ip: None };
            tx.audit_agent(refused.last, &actor, "vps.refuse", subject, &Changes::default()).await?;
        }
    }
    tx.put_key_uses(&pending.key_uses).await?;
    tx.put_session_uses(&pending.session_uses).await?;
    tx.commit().await?;
    for beat in &pending.beats {
        hub.directory.settle(beat.id, status_of(beat.id));
    }
    Ok(())
}
