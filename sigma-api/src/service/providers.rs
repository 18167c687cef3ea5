//! Providers.

use uuid::Uuid;

use super::editing::{Deed, check_version};
use super::inventory::Page;
use super::{Error, Hub, Result};
use crate::model::audit::{Actor, Changes, Subject};
use crate::model::provider::{Provider, ProviderChange, ProviderFilter};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::store::Tx;

impl Hub {
    /// The provider of that id.
    ///
    /// # Errors
    /// `NotFound`; a database that does not answer.
    pub(crate) async fn provider(&self, id: Uuid) -> Result<Provider> {
        self.store.provider(id).await?.ok_or_else(|| unknown(id))
    }

    /// One page of the providers that `filter` lets through.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(crate) async fn list_providers(&self, filter: &ProviderFilter) -> Result<Page<Provider>> {
        let (data, total) = self.store.list_providers(filter).await?;
        Ok(Page { data, total })
    }

    /// Makes a provider.
    ///
    /// # Errors
    /// `Invalid`; `Conflict` when another has the name.
    pub(crate) async fn create_provider(
        &self,
        now: Timestamp,
        actor: &Actor,
        change: ProviderChange,
    ) -> Result<Provider> {
        let change = change.checked()?;
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let deed = Deed { now, actor, bulk: None };
        let (provider, _) = create(&tx, deed, "provider.create", Uuid::now_v7(), &change).await?;
        tx.commit().await?;
        self.suggestions.forget().await;
        Ok(provider)
    }

    /// Changes members of a provider.
    ///
    /// # Errors
    /// `Invalid`, `NotFound`; `Stale` when its version is not one of `expected`; `Conflict` when another has the name.
    pub(crate) async fn update_provider(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        expected: Expected,
        change: ProviderChange,
    ) -> Result<Provider> {
        let change = change.checked()?;
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let before = found(&tx, id, &expected.and(change.version)).await?;
        let deed = Deed { now, actor, bulk: None };
        let Some((after, _)) = edit(&tx, deed, "provider.update", &before, &change).await? else {
            return Ok(before);
        };
        tx.commit().await?;
        self.suggestions.forget().await;
        Ok(after)
    }

    /// Takes a provider away. Its deleted machines have none from now on.
    ///
    /// # Errors
    /// `NotFound`; `Stale` when its version is not one of `expected`; `Conflict` while it has machines.
    pub(crate) async fn delete_provider(
        &self,
        now: Timestamp,
        actor: &Actor,
        id: Uuid,
        expected: Expected,
    ) -> Result<()> {
        let _turn = self.turn().await;
        let tx = self.store.begin().await?;
        let provider = found(&tx, id, &expected).await?;
        if provider.machines > 0 {
            let (name, count) = (&provider.name, provider.machines);
            let machines = if count == 1 { "machine" } else { "machines" };
            return Err(Error::Conflict(format!(
                "{name} has {count} {machines}; give them another provider or delete them first."
            )));
        }
        remove(&tx, Deed { now, actor, bulk: None }, &provider).await?;
        tx.commit().await?;
        self.suggestions.forget().await;
        Ok(())
    }
}

/// The provider of that name, in any case; made if there is none, and then answered as well.
///
/// # Errors
/// `Invalid` for a name that a provider cannot have; a database that cannot be written.
pub(super) async fn called(tx: &Tx, deed: Deed<'_>, name: &str) -> Result<(Uuid, Option<Provider>)> {
    let change = ProviderChange { name: Some(name.to_owned()), ..ProviderChange::default() }.checked()?;
    if let Some((id, _)) = tx.provider_named(change.name.as_deref().unwrap_or_default()).await? {
        return Ok((id, None));
    }
    let (provider, _) = create(tx, deed, "provider.create", Uuid::now_v7(), &change).await?;
    Ok((provider.id, Some(provider)))
}

/// Takes a provider away that has no living machine.
pub(super) async fn remove(tx: &Tx, Deed { now, actor, bulk }: Deed<'_>, provider: &Provider) -> Result<()> {
    for (vps, hostname) in tx.delete_provider(now, provider.id).await? {
        let mut changes = Changes::default();
        changes.note("provider_id", &Some(provider.id), &None);
        tx.audit(now, actor, "vps.update", Subject::vps(vps, &hostname), &changes).await?;
    }
    let mut changes = Changes::default();
    changes.note("name", &Some(&provider.name), &None);
    changes.note_bulk(bulk);
    tx.audit(now, actor, "provider.delete", provider.subject(), &changes).await?;
    Ok(())
}

/// Makes a provider, of members that were checked.
pub(super) async fn create(
    tx: &Tx,
    deed: Deed<'_>,
    action: &str,
    id: Uuid,
    change: &ProviderChange,
) -> Result<(Provider, Changes)> {
    if change.name.is_none() {
        return Err(Invalid::new("name", "is missing").into());
    }
    let blank = Provider::blank(deed.now, id);
    let provider = change.applied_to(&blank);
    refuse_taken(tx, &provider).await?;
    tx.insert_provider(&provider).await?;
    let mut changes = provider.changes_since(&blank);
    changes.note_bulk(deed.bulk);
    tx.audit(deed.now, deed.actor, action, provider.subject(), &changes).await?;
    Ok((provider, changes))
}

/// Changes a provider. `None`: it was so already.
pub(super) async fn edit(
    tx: &Tx,
    deed: Deed<'_>,
    action: &str,
    before: &Provider,
    change: &ProviderChange,
) -> Result<Option<(Provider, Changes)>> {
    let mut after = change.applied_to(before);
    let changes = after.changes_since(before);
    if changes.is_empty() {
        return Ok(None);
    }
    refuse_taken(tx, &after).await?;
    after.version = before.version.saturating_add(1);
    after.updated_at = deed.now;
    tx.put_provider(&after).await?;
    tx.audit(deed.now, deed.actor, action, after.subject(), &changes).await?;
    Ok(Some((after, changes)))
}

fn unknown(id: Uuid) -> Error {
    Error::NotFound(format!("There is no provider with the id {id}."))
}

async fn found(tx: &Tx, id: Uuid, expected: &Expected) -> Result<Provider> {
    let provider = tx.provider(id).await?.ok_or_else(|| unknown(id))?;
    let name = format!("The provider {}", provider.name);
    check_version(tx, &name, (id, provider.version), expected).await?;
    Ok(provider)
}

/// Names that differ only in case would be taken for each other.
async fn refuse_taken(tx: &Tx, provider: &Provider) -> Result<()> {
    match tx.provider_named(&provider.name).await? {
        Some((other, name)) if other != provider.id => {
            Err(Error::Conflict(format!("Another provider is called {name}: {other}.")))
        }
        _ => Ok(()),
    }
}
