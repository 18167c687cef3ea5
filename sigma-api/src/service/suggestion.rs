//! Suggesting providers, and accepting what is suggested.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use uuid::Uuid;

use super::editing::Deed;
use super::pending::Pending;
use super::providers::called;
use super::{Error, Hub, Result};
use crate::model::audit::{Actor, Changes, Subject};
use crate::model::suggestion::{Group, Knowledge, Suggestion, groups};
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::model::vps::{Status, Vps};
use crate::store::{Assignable, AssignedState, Store, Tx};

/// A change by another hub or by hand counts this much later; one by this hub that says so, at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// What the look does not see counts this much later.
const LEARN_EVERY: Duration = Duration::from_secs(60);

/// What was learnt from the machines that people assigned, as long as it holds.
#[derive(Debug, Default)]
pub(crate) struct Suggestions {
    learnt: Mutex<Option<Learnt>>,
}

#[derive(Debug)]
struct Learnt {
    knowledge: Arc<Knowledge>,
    state: AssignedState,
    looked_at: Instant,
    learnt_at: Instant,
}

impl Suggestions {
    /// What is known now. Whoever comes while it is learnt waits for it; the others go on.
    async fn knowledge(&self, store: &Store) -> Result<Arc<Knowledge>> {
        let mut learnt = self.learnt.lock().await;
        if let Some(learnt) = learnt.as_ref()
            && learnt.looked_at.elapsed() < LOOK_EVERY
        {
            return Ok(Arc::clone(&learnt.knowledge));
        }
        // Before what is learnt from is read: a change in between is then seen by the next look.
        let (state, looked_at) = (store.assigned_state().await?, Instant::now());
        if let Some(learnt) = learnt.as_mut()
            && learnt.state == state
            && learnt.learnt_at.elapsed() < LEARN_EVERY
        {
            learnt.looked_at = looked_at;
            return Ok(Arc::clone(&learnt.knowledge));
        }
        let machines = store.assigned_machines().await?;
        let mut providers: Vec<(Uuid, String)> = store.provider_names().await?.into_iter().collect();
        providers.sort_by(|a, b| a.1.cmp(&b.1));
        let learning = tokio::task::spawn_blocking(move || Knowledge::learn(providers, &machines));
        let knowledge = learning.await.map_err(|error| Error::Broken(format!("learning: {error}")))?;
        let knowledge = Arc::new(knowledge);
        *learnt = Some(Learnt { knowledge: Arc::clone(&knowledge), state, looked_at, learnt_at: looked_at });
        Ok(knowledge)
    }

    /// To be called after assignments, addresses or providers were changed and committed.
    pub(crate) async fn forget(&self) {
        *self.learnt.lock().await = None;
    }
}

/// Which suggestions are accepted: those that every member lets through.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Choice {
    /// Only these machines.
    pub(crate) ids: Option<Vec<Uuid>>,
    /// Only where a provider of that name is suggested, in any case.
    pub(crate) provider: Option<String>,
    /// Only where that provider is suggested.
    pub(crate) provider_id: Option<Uuid>,
    /// Only where the score is no less.
    pub(crate) min_score: Option<f64>,
    /// Only if they are so many; otherwise none.
    pub(crate) machines: Option<usize>,
}

/// What accepting did.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Accepted {
    pub(crate) assigned: usize,
    /// Records that were made for providers that had none: id and name.
    pub(crate) created_providers: Vec<(Uuid, String)>,
    /// Machines that were asked for and left as they are, each with a sentence.
    pub(crate) skipped: Vec<(Uuid, String)>,
    /// By what the assignments can be taken back for a day; absent when nothing was assigned.
    pub(crate) bulk: Option<Uuid>,
}

impl Hub {
    /// Everything that assigned machines teach about those that are not.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn knowledge(&self) -> Result<Arc<Knowledge>> {
        self.suggestions.knowledge(&self.store).await
    }

    /// All machines in use without provider, grouped by what is suggested for them.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn suggestion_groups(&self) -> Result<Vec<Group>> {
        let knowledge = self.knowledge().await?;
        let machines = self.store.unassigned_machines().await?;
        let grouping = tokio::task::spawn_blocking(move || groups(&knowledge, &machines));
        grouping.await.map_err(|error| Error::Broken(format!("grouping: {error}")))
    }

    /// Assigns each chosen machine to the provider that is suggested for it.
    ///
    /// # Errors
    /// `NotFound` when the provider does not exist that is asked for; a database that cannot be written. Then nothing was
    /// assigned.
    pub(crate) async fn accept_suggestions(
        &self,
        now: Timestamp,
        actor: &Actor,
        choice: &Choice,
    ) -> Result<Accepted> {
        let _turn = self.turn().await;
        let knowledge = self.knowledge().await?;
        let tx = self.store.begin().await?;
        if let Some(id) = choice.provider_id
            && !tx.has_provider(id).await?
        {
            return Err(Error::NotFound(format!("There is no provider with the id {id}.")));
        }
        let candidates = tx.assignables(choice.ids.as_deref()).await?;
        let mut accepting = Accepting {
            tx: &tx,
            now,
            actor,
            bulk: Uuid::now_v7(),
            pending: Pending::default(),
            records: HashMap::new(),
            done: Accepted::default(),
        };
        if let Some(ids) = &choice.ids {
            accepting.skip_missing(ids, &candidates);
        }
        for candidate in &candidates {
            match judge(&knowledge, choice, candidate) {
                Verdict::Accept(suggestion) => accepting.accept(candidate, &suggestion).await?,
                Verdict::Skip(reason) => accepting.done.skipped.push((candidate.id, reason)),
                Verdict::Leave => {}
            }
        }
        let Accepting { mut pending, done, .. } = accepting;
        if let Some(seen) = choice.machines
            && seen != done.assigned
        {
            return Err(Error::Conflict(format!(
                "There are {} of them now, and not {seen}. Nothing was assigned; look at them again.",
                done.assigned
            )));
        }
        pending.write(&tx).await?;
        tx.commit().await?;
        if done.assigned > 0 {
            self.suggestions.forget().await;
        }
        Ok(done)
    }

    /// Assigns one machine to the provider that is suggested for it, if that is `provider` where one is named.
    ///
    /// # Errors
    /// `NotFound`; `Conflict` when it has a provider, or none is suggested, or another.
    pub(crate) async fn accept_suggestion(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        provider: Option<&str>,
        expected: &Expected,
    ) -> Result<Vps> {
        let provider = provider.map(str::to_owned);
        let choice = Choice { ids: Some(vec![id]), provider, ..Choice::default() };
        let vps = self.vps(now, id).await?;
        if !expected.allows(vps.version) {
            return Err(Error::Stale(format!(
                "The machine {} has the version {} now, which is not the one that you saw. Read it again first.",
                vps.hostname, vps.version
            )));
        }
        let done = self.accept_suggestions(now, actor, &choice).await?;
        if let Some((_, reason)) = done.skipped.into_iter().next() {
            return Err(Error::Conflict(reason));
        }
        self.vps(now, id).await
    }
}

/// What becomes of a candidate.
enum Verdict {
    Accept(Suggestion),
    /// It was asked for by its id, and cannot be.
    Skip(String),
    /// It was not asked for.
    Leave,
}

fn judge(knowledge: &Knowledge, choice: &Choice, candidate: &Assignable) -> Verdict {
    let skip = |reason: String| if choice.ids.is_some() { Verdict::Skip(reason) } else { Verdict::Leave };
    let hostname = &candidate.traits.hostname;
    if candidate.status == Status::Deleted {
        return skip(format!("The machine {hostname} is deleted; restore it first."));
    }
    if candidate.provider_id.is_some() {
        return skip(format!("The machine {hostname} has a provider already."));
    }
    let Some(suggestion) = knowledge.suggest(&candidate.traits) else {
        return skip(format!("No provider is suggested for {hostname}."));
    };
    let is_other = choice.provider_id.is_some_and(|id| suggestion.provider_id != Some(id))
        || choice.provider.as_ref().is_some_and(|name| !suggestion.provider.eq_ignore_ascii_case(name));
    if is_other {
        return skip(format!("The provider that is suggested for {hostname} is {}.", suggestion.provider));
    }
    match choice.min_score {
        // Of a group this is what a person wants to know, so it is said without being asked for by id.
        Some(least) if suggestion.score < least => Verdict::Skip(format!(
            "The suggestion for {hostname} has the score {}, which is less than {least}.",
            suggestion.score
        )),
        _ => Verdict::Accept(suggestion),
    }
}

struct Accepting<'a> {
    tx: &'a Tx,
    now: Timestamp,
    actor: &'a Actor,
    bulk: Uuid,
    pending: Pending,
    /// Records of providers that had none when the suggestions were made.
    records: HashMap<String, Uuid>,
    done: Accepted,
}

impl Accepting<'_> {
    fn skip_missing(&mut self, ids: &[Uuid], found: &[Assignable]) {
        let found: HashSet<Uuid> = found.iter().map(|candidate| candidate.id).collect();
        for id in ids {
            if !found.contains(id) {
                self.done.skipped.push((*id, format!("There is no machine with the id {id}.")));
            }
        }
    }

    async fn accept(&mut self, candidate: &Assignable, suggestion: &Suggestion) -> Result<()> {
        let provider_id = match suggestion.provider_id {
            Some(id) if self.pending.has_provider(self.tx, id).await? => id,
            // It has no record, or was deleted since the suggestion was learnt.
            _ => self.record(&suggestion.provider).await?,
        };
        self.pending.assign(self.now, candidate.id, provider_id);
        let mut changes = Changes::default();
        changes.note("provider_id", &None, &Some(provider_id));
        changes.note("provider", &None, &Some(&suggestion.provider));
        changes.note("suggestion", &None, &Some(suggestion));
        changes.note_bulk(Some(self.bulk));
        let subject = Subject::vps(candidate.id, &candidate.traits.hostname);
        let deed = Deed { now: self.now, actor: self.actor, bulk: Some(self.bulk) };
        self.pending.note(deed, "vps.assign", subject, &changes);
        self.done.assigned += 1;
        self.done.bulk = Some(self.bulk);
        Ok(())
    }

    async fn record(&mut self, name: &str) -> Result<Uuid> {
        if let Some(id) = self.records.get(name) {
            return Ok(*id);
        }
        let deed = Deed { now: self.now, actor: self.actor, bulk: Some(self.bulk) };
        let (id, made) = called(self.tx, deed, name).await?;
        self.done.created_providers.extend(made.map(|provider| (provider.id, provider.name)));
        self.records.insert(name.to_owned(), id);
        Ok(id)
    }
}
