//! Beats that said nothing new, from memory to the database: every few seconds and at the end.

use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use super::directory::Unsaved;
use super::{Hub, Result};
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

/// Writes all beats and uses of keys and sessions that are only in memory, in one transaction, and notices records that are gone.
///
/// # Errors
/// When nothing was written; the next flush tries again.
pub(crate) async fn flush(hub: &Hub) -> Result<()> {
    let unsaved = hub.directory.take_unsaved();
    let uses = hub.keys.take_uses();
    let sessions = hub.entrance.sessions.take_uses();
    if unsaved.is_empty() && uses.is_empty() && sessions.is_empty() {
        return Ok(());
    }
    let written = write(hub, &unsaved, &uses, &sessions).await;
    if written.is_err() {
        hub.directory.put_back(&unsaved);
        hub.keys.put_back(uses);
        hub.entrance.sessions.put_back(sessions);
    }
    written
}

async fn write(
    hub: &Hub,
    unsaved: &[Unsaved],
    uses: &[(Uuid, Timestamp)],
    sessions: &[(Uuid, Timestamp)],
) -> Result<()> {
    let _turn = hub.turn().await;
    let tx = hub.store.begin().await?;
    let ids: Vec<Uuid> = unsaved.iter().map(|beat| beat.id).collect();
    let stored = tx.names_and_statuses(&ids).await?;
    // A record may have been deleted, restored or renamed by another process meanwhile.
    let status_of = |beat: &Unsaved| {
        let (hostname, status) = stored.get(&beat.id)?;
        (*hostname == beat.hostname && *status != Status::Deleted).then_some(*status)
    };
    let states: Vec<(Uuid, Seen)> =
        unsaved.iter().filter(|beat| status_of(beat).is_some()).map(|beat| (beat.id, beat.seen)).collect();
    tx.put_states(&states).await?;
    tx.put_key_uses(uses).await?;
    tx.put_session_uses(sessions).await?;
    tx.commit().await?;
    for beat in unsaved {
        hub.directory.settle(&beat.hostname, beat.id, status_of(beat));
    }
    Ok(())
}
