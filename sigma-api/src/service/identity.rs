//! What a person says about who is who: that two records are one machine or two, and that a mark was seen.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Error, Hub, Result};
use crate::model::audit::{Actor, Changes, Subject};
use crate::model::identity::Face;
use crate::model::mark::{Mark, MarkKind, Resolution};
use crate::model::presence::{Gap, Presence};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::vps::{Status, Vps};
use crate::store::{Merge, StoredFace};

const MS_PER_DAY: i64 = 86_400_000;

/// A name and evidence under which a machine reported.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ShownFace {
    pub(crate) hostname: String,
    /// Hash of the machine id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) machine_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) boot_id: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) first_seen: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) last_seen: Timestamp,
    /// Whether it is the one of today.
    pub(crate) current: bool,
}

/// How a machine is known.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct IdentityView {
    /// The one of today first, then the latest.
    pub(crate) faces: Vec<ShownFace>,
    /// What is open.
    pub(crate) marks: Vec<Mark>,
    /// The key that speaks for the machine.
    pub(crate) agent_key_id: Option<Uuid>,
    /// Reports that were refused since a person deleted the record.
    pub(crate) refused_reports: u64,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) refused_at: Option<Timestamp>,
    /// The record that a person said this one is the same as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) merged_into: Option<Uuid>,
}

/// When a machine was there, and when it was not.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PresenceView {
    pub(crate) presence: Presence,
    /// Absent as long as it never reported.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) first_seen: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    pub(crate) last_seen: Option<Timestamp>,
    /// Silences, the latest first. What the hub could not hear because it did not run is none.
    pub(crate) gaps: Vec<Gap>,
}

impl Hub {
    /// How a machine is known.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(crate) async fn identity(&self, now: Timestamp, id: Uuid) -> Result<IdentityView> {
        let vps = self.vps(now, id).await?;
        self.identity_of(&vps).await
    }

    /// As [`Hub::identity`], of a record that was read already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn identity_of(&self, vps: &Vps) -> Result<IdentityView> {
        let id = vps.id;
        let standing = self.store.identity(id).await?;
        let pending = self.directory.refused(id);
        let shown = |known: StoredFace| ShownFace {
            hostname: known.face.hostname,
            machine_id: known.face.machine_id,
            boot_id: known.face.boot_id,
            first_seen: known.first_seen,
            last_seen: vps.last_seen_at.filter(|_| known.is_current).unwrap_or(known.last_seen),
            current: known.is_current,
        };
        Ok(IdentityView {
            faces: self.store.faces(id).await?.into_iter().map(shown).collect(),
            marks: vps.marks.clone(),
            agent_key_id: standing.key,
            refused_reports: standing
                .refused_reports
                .saturating_add(pending.map_or(0, |refused| refused.reports)),
            refused_at: pending.map(|refused| refused.last).or(standing.refused_at),
            merged_into: standing.merged_into,
        })
    }

    /// When a machine was there in the last `days`.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(crate) async fn presence(&self, now: Timestamp, id: Uuid, days: u32) -> Result<PresenceView> {
        let vps = self.vps(now, id).await?;
        self.presence_of(now, &vps, days).await
    }

    /// As [`Hub::presence`], of a record that was read already.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn presence_of(&self, now: Timestamp, vps: &Vps, days: u32) -> Result<PresenceView> {
        let id = vps.id;
        let since = now.ms().saturating_sub(i64::from(days).saturating_mul(MS_PER_DAY));
        let mut gaps = self.store.gaps(id, Timestamp::from_ms(since)).await?;
        let interval = vps.reported.as_ref().and_then(|reported| reported.agent.interval_seconds);
        let interval = interval.map(|seconds| std::time::Duration::from_secs(seconds.into()));
        let listening = self.directory.listening();
        let silent = vps.last_seen_at.and_then(|last_seen| listening.silent_since(now, last_seen, interval));
        gaps.splice(0..0, silent.map(|from| Gap { from, until: None }));
        let first_seen = self.store.faces(id).await?.iter().map(|known| known.first_seen).min();
        let first_seen =
            first_seen.map(|first| first.min(vps.created_at)).filter(|_| vps.last_seen_at.is_some());
        Ok(PresenceView { presence: vps.presence, first_seen, last_seen: vps.last_seen_at, gaps })
    }

    /// Makes `other` and `id` one record, which is `id`: what a person said of it stays, the history of both is its own.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`; `Conflict` when one of them is deleted, or both report at this moment as two machines and that
    /// is not forced; a database that cannot be written.
    pub(crate) async fn merge(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        other: Uuid,
        is_forced: bool,
    ) -> Result<Vps> {
        {
            let _turn = self.turn().await;
            let (stays, goes) = self.two(now, id, other).await?;
            let live = [&stays, &goes].iter().all(|vps| vps.presence == Presence::Online);
            if live && !is_forced && self.current_face(id).await? != self.current_face(other).await? {
                return Err(Error::Conflict(format!(
                    "Both {} and {} report at this moment, as two machines do; say \"force\" if they are one all the same.",
                    stays.hostname, goes.hostname
                )));
            }
            let latest = if goes.last_seen_at > stays.last_seen_at { other } else { id };
            let seen = self.directory.seen(latest);
            let tx = self.store.begin().await?;
            tx.resolve_marks_of(now, id, Some(other), Resolution::Merged).await?;
            let completed = tx.merge(now, Merge { stays: id, goes: other, latest }).await?;
            if let Some(seen) = seen {
                tx.put_states(&[(id, seen)]).await?;
            }
            let mut changes = Changes::default();
            changes.note("merged", &None, &Some(other));
            changes.note("with", &None, &Some(&goes.hostname));
            changes.append(completed);
            tx.audit(now, actor, "vps.merge", Subject::vps(id, &stays.hostname), &changes).await?;
            tx.commit().await?;
            self.directory.forget_record(id);
            self.directory.forget_record(other);
        }
        self.vps(now, id).await
    }

    /// A person says that a machine and `other`, or all that it is marked with, are not the same machine.
    ///
    /// # Errors
    /// `NotFound`, `Invalid`; `Conflict` when the two were never marked; a database that cannot be written.
    pub(crate) async fn distinct(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        other: Option<Uuid>,
    ) -> Result<Vps> {
        {
            let _turn = self.turn().await;
            let vps = match other {
                Some(other) => self.two(now, id, other).await?.0,
                None => self.vps(now, id).await?,
            };
            let tx = self.store.begin().await?;
            let resolved = tx.resolve_marks_of(now, id, other, Resolution::Distinct).await?;
            if let Some(other) = other
                && resolved == 0
                && !tx.were_marked(id, other).await?
            {
                let sentence = "These two were never taken for one: there is no mark between them.";
                return Err(Error::Conflict(sentence.to_owned()));
            }
            if resolved > 0 {
                let mut changes = Changes::default();
                let flags: Vec<&str> = vps.marks.iter().map(|mark| mark.kind.name()).collect();
                changes.note("flags", &flags, &Vec::<&str>::new());
                tx.audit(now, actor, "vps.distinct", Subject::vps(id, &vps.hostname), &changes).await?;
                tx.commit().await?;
            }
        }
        self.vps(now, id).await
    }

    /// A person has seen what happened to a machine by itself: that it was installed anew, or has another key.
    ///
    /// # Errors
    /// `NotFound`; `Invalid` for a flag that is settled in another way; a database that cannot be written.
    pub(crate) async fn acknowledge(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        flag: &str,
    ) -> Result<Vps> {
        self.acknowledge_all(now, actor, &[id], flag).await?;
        self.vps(now, id).await
    }

    /// The same of several machines. How many had something to be seen.
    ///
    /// # Errors
    /// As [`Hub::acknowledge`], about the first that it cannot be said of; then it is said of none.
    pub(crate) async fn acknowledge_all(
        &self,
        now: Timestamp,
        actor: &Actor,
        ids: &[Uuid],
        flag: &str,
    ) -> Result<u64> {
        let rule = "is reinstalled, rekeyed, or a conflict with no other record; other conflicts and clones end by a merge, by \
                    another name, or when it is said that these are two";
        let kind = MarkKind::from_name(flag).filter(|kind| *kind != MarkKind::Clone);
        let kind = kind.ok_or_else(|| Invalid::new("flag", rule))?;
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let mut seen: u64 = 0;
        for id in ids {
            let vps = self.vps(now, *id).await?;
            let is_own = |mark: &Mark| mark.kind == kind && mark.other_id.is_none();
            if kind == MarkKind::Conflict && !vps.marks.iter().any(is_own) {
                return Err(Invalid::new("flag", rule).into());
            }
            if tx.resolve_own(now, *id, kind, Resolution::Acknowledged).await? {
                let mut changes = Changes::default();
                changes.note("flags", &[flag].as_slice(), &Vec::<&str>::new().as_slice());
                tx.audit(now, actor, "vps.acknowledge", Subject::vps(*id, &vps.hostname), &changes).await?;
                seen = seen.saturating_add(1);
            }
        }
        if seen > 0 {
            tx.commit().await?;
        }
        Ok(seen)
    }

    async fn current_face(&self, id: Uuid) -> Result<Option<Face>> {
        let faces = self.store.faces(id).await?;
        Ok(faces.into_iter().find(|known| known.is_current).map(|known| known.face))
    }

    /// Two living records that are not the same one.
    async fn two(&self, now: Timestamp, id: Uuid, other: Uuid) -> Result<(Vps, Vps)> {
        if id == other {
            return Err(Invalid::new("other", "is the record itself").into());
        }
        let (one, two) = (self.vps(now, id).await?, self.vps(now, other).await?);
        let deleted = [&one, &two].into_iter().find(|vps| vps.status == Status::Deleted);
        if let Some(deleted) = deleted {
            let sentence = format!("The machine {} is deleted; restore it first.", deleted.hostname);
            return Err(Error::Conflict(sentence));
        }
        Ok((one, two))
    }
}
