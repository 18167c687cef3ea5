//! Making and changing machines, by hand: one at a time here, many in `bulk`.

use uuid::Uuid;

use super::directory::Standing;
use super::labels::{edited_addresses, shown_after};
use super::pending::Pending;
use super::{Error, Hub, Result};
use crate::model::audit::{Actor, Changes, Subject};
use crate::model::mark::Resolution;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::model::vps::{Status, Vps};
use crate::model::vps_change::{Action, VpsChange};
use crate::store::{Editable, Edited, Life, Tx};

const SOURCE: &str = "manual";
/// Version of a record that is yet to be stored.
const NOT_STORED: i64 = 0;

/// Who changes something, when, and as part of which bulk change.
#[derive(Debug, Clone, Copy)]
pub(super) struct Deed<'a> {
    pub(super) now: Timestamp,
    pub(super) actor: &'a Actor,
    pub(super) bulk: Option<Uuid>,
}

impl Hub {
    /// Makes a machine that no agent has reported.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when a living machine has the hostname.
    pub(crate) async fn create_vps(&self, now: Timestamp, actor: &Actor, change: VpsChange) -> Result<Vps> {
        let change = VpsChange { action: None, ..change.checked()? };
        change.check_new_name(None)?;
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let id = Uuid::now_v7();
        let mut pending = Pending::default();
        create(&tx, &mut pending, Deed { now, actor, bulk: None }, "vps.create", id, &change).await?;
        pending.write(&tx).await?;
        tx.commit().await?;
        self.forget_assignments(change.provider_id.flatten()).await;
        self.vps(now, id).await
    }

    /// Changes members of a machine.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`; `Gone` when it is deleted; `Stale` when its version is not one of `expected`; `Conflict`
    /// when a living machine has the hostname.
    pub(crate) async fn update_vps(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        expected: Expected,
        change: VpsChange,
    ) -> Result<Vps> {
        let change = VpsChange { action: None, ..change.checked()? };
        self.change_one(now, actor, id, expected, change).await
    }

    /// Deletes, restores or retires a machine.
    ///
    /// # Errors
    /// `NotFound`; `Gone` when it is deleted; `Stale` when its version is not one of `expected`; `Conflict` when it is not
    /// deleted and is to be restored, or another has its hostname now.
    pub(crate) async fn act_on_vps(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        expected: Expected,
        action: Action,
    ) -> Result<Vps> {
        let change = VpsChange { action: Some(action), ..VpsChange::default() };
        self.change_one(now, actor, id, expected, change).await
    }

    async fn change_one(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        expected: Expected,
        change: VpsChange,
    ) -> Result<Vps> {
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let before = record(&tx, id).await?;
        let vps = &before.vps;
        change.check_new_name(Some(&vps.hostname))?;
        let name = format!("The machine {}", vps.hostname);
        check_version(&tx, &name, (id, vps.version), &expected.and(change.version)).await?;
        match (vps.status == Status::Deleted, change.action) {
            (true, Some(Action::Restore)) | (false, None | Some(Action::Delete | Action::Retire)) => {}
            (true, _) => return Err(deleted(vps)),
            (false, Some(Action::Restore)) => {
                return Err(Error::Conflict(format!("The machine {} is not deleted.", vps.hostname)));
            }
        }
        let deed = Deed { now, actor, bulk: None };
        let mut pending = Pending::default();
        let after = edit(&tx, &mut pending, deed, action_name(change.action), &before, &change).await?;
        pending.write(&tx).await?;
        tx.commit().await?;
        if let Some((after, _)) = after {
            self.follow(Standing { id, status: after.status });
            self.forget_assignments(after.provider_id.or(before.vps.provider_id)).await;
        }
        self.vps(now, id).await
    }

    /// What assigned machines taught is learnt anew, if one of them changed: `provider` is who it was, or is, assigned to.
    pub(super) async fn forget_assignments(&self, provider: Option<Uuid>) {
        if provider.is_some() {
            self.suggestions.forget().await;
        }
    }

    /// Takes into memory how a record stands now. Whoever calls this holds the turn.
    pub(super) fn follow(&self, standing: Standing) {
        let lives = standing.status != Status::Deleted;
        self.directory.settle(standing.id, lives.then_some(standing.status));
    }
}

/// What the audit log calls it.
pub(super) fn action_name(action: Option<Action>) -> &'static str {
    match action {
        None => "vps.update",
        Some(Action::Delete) => "vps.delete",
        Some(Action::Restore) => "vps.restore",
        Some(Action::Retire) => "vps.retire",
    }
}

async fn record(tx: &Tx, id: Uuid) -> Result<Editable> {
    let found = tx.records_with_addresses(&[id]).await?.remove(&id);
    found.ok_or_else(|| Error::NotFound(format!("There is no machine with the id {id}.")))
}

/// Makes a record, of members that were checked.
pub(super) async fn create(
    tx: &Tx,
    pending: &mut Pending,
    deed: Deed<'_>,
    action: &str,
    id: Uuid,
    change: &VpsChange,
) -> Result<Option<(Vps, Changes)>> {
    if change.hostname.is_none() {
        return Err(Invalid::new("hostname", "is missing").into());
    }
    let source = change.source.clone().unwrap_or_else(|| SOURCE.to_owned());
    let blank = Vps { version: NOT_STORED, source, ..Vps::blank(deed.now, id) };
    edit(tx, pending, deed, action, &Editable { vps: blank, has_reported: false }, change).await
}

/// Changes one record, or makes it, and notes who did it. `None`: it was so already. It is done once `pending` is written.
pub(super) async fn edit(
    tx: &Tx,
    pending: &mut Pending,
    deed: Deed<'_>,
    action: &str,
    stored: &Editable,
    change: &VpsChange,
) -> Result<Option<(Vps, Changes)>> {
    let before = &stored.vps;
    let is_new = before.version == NOT_STORED;
    let mut after = before.clone();
    let life = step_of_life(tx, pending, &mut after, change).await?;
    if after.status == Status::Deleted {
        return if change.action == Some(Action::Delete) { Ok(None) } else { Err(deleted(before)) };
    }
    change.apply(&mut after)?;
    let life = match change.action {
        Some(Action::Delete) => Some(Life::Ends(std::mem::replace(&mut after.status, Status::Deleted))),
        Some(Action::Retire) => {
            after.status = Status::Retired;
            life
        }
        _ => life,
    };
    check_against_others(tx, pending, stored, &after).await?;
    let mut changes = Changes::default();
    let addresses = match &change.ip_addresses {
        None => Vec::new(),
        Some(given) => {
            let known = if is_new { Vec::new() } else { tx.addresses(before.id, given).await? };
            let rows = edited_addresses(deed.now, &known, given, stored.has_reported)?;
            after.ip_addresses = shown_after(&known, &rows, &mut changes);
            rows
        }
    };
    changes.append(after.changes_since(before));
    if changes.is_empty() {
        return Ok(None);
    }
    changes.note_bulk(deed.bulk);
    after.version = before.version.saturating_add(1);
    after.updated_at = deed.now;
    let edited = Edited {
        hostname: after.hostname != before.hostname,
        alias: after.alias != before.alias,
        reported: after.reported_hostname != before.reported_hostname,
    };
    let is_made_later = is_new && life.is_none();
    if is_made_later {
        pending.make(&after, edited, &addresses);
    } else if is_new {
        tx.insert_vps(&after, None, edited, life).await?;
    } else {
        pending.change(before, &after, edited, life);
        if edited.hostname {
            // One name may have passed from this record to the next.
            pending.write(tx).await?;
        }
        // Whoever names one of two says that they were two. Marks with a deleted one are hidden until it is restored.
        if edited.hostname && after.status != Status::Deleted {
            tx.resolve_marks_of(deed.now, after.id, None, Resolution::Renamed).await?;
        }
    }
    if !addresses.is_empty() && !is_made_later {
        tx.put_edited_addresses(after.id, &addresses).await?;
    }
    pending.note(deed, action, Subject::vps(after.id, &after.hostname), &changes);
    Ok(Some((after, changes)))
}

/// A deleted record that is to be restored lives again before anything else of it is changed.
async fn step_of_life(
    tx: &Tx,
    pending: &mut Pending,
    vps: &mut Vps,
    change: &VpsChange,
) -> Result<Option<Life>> {
    if vps.status != Status::Deleted || change.action != Some(Action::Restore) {
        return Ok(None);
    }
    let (status, merged_into) = tx.before_deletion(vps.id).await?;
    if let Some(other) = merged_into {
        return Err(Error::Conflict(format!(
            "The machine {} was merged into another record, which has all that was known of it: {other}.",
            vps.hostname
        )));
    }
    pending.take_name(tx, vps.id, &vps.hostname).await?;
    vps.status = status.unwrap_or(Status::Active);
    Ok(Some(Life::Begins))
}

/// What a change may not do, seen from the agent, other machines and providers.
async fn check_against_others(tx: &Tx, pending: &mut Pending, stored: &Editable, after: &Vps) -> Result<()> {
    let before = &stored.vps;
    if after.ssh_port != before.ssh_port && stored.has_reported {
        let rule = format!("is said by the agent of {}: {}", before.hostname, before.ssh_port);
        return Err(Invalid::new("ssh_port", rule).into());
    }
    if after.hostname != before.hostname && after.status != Status::Deleted {
        pending.take_name(tx, after.id, &after.hostname).await?;
    }
    if let Some(provider) = after.provider_id
        && before.provider_id != Some(provider)
        && !pending.has_provider(tx, provider).await?
    {
        return Err(Invalid::new("provider_id", format!("is no provider: {provider}")).into());
    }
    Ok(())
}

fn deleted(vps: &Vps) -> Error {
    Error::Gone(format!("The machine {} was deleted by a person; restore it first.", vps.hostname))
}

/// Refuses a change of what the caller did not see as it is, and says who changed it.
pub(super) async fn check_version(
    tx: &Tx,
    name: &str,
    (id, version): (Uuid, i64),
    expected: &Expected,
) -> Result<()> {
    if expected.allows(version) {
        return Ok(());
    }
    let last = tx.last_audit(id).await?;
    let who = last.map(|line| format!(" {} changed it last, at {}.", line.actor.name, line.at));
    let seen = expected.named().map(|seen| format!(" ({seen})")).unwrap_or_default();
    Err(Error::Stale(format!(
        "{name} has the version {version} now, which is not the one that you saw{seen}.{} Read it again, and then change it.",
        who.unwrap_or_default()
    )))
}
