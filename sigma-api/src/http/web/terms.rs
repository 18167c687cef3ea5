//! The terms of a key as a form has them: what a person chose and typed, and what that means.

use std::time::Duration;

use uuid::Uuid;

use super::words::{by_name, exact};
use crate::http::form::Form;
use crate::model::key::Role;
use crate::model::key_terms::Terms;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::service::keys::{KeyChange, KeyRecord};
use crate::service::{Error, Hub, Result};

/// Fields of such a form.
pub(super) const FIELDS: [&str; 5] = ["name", "expires_at", "max_machines", "provider_id", "tags"];
/// New machines of a key, unless somebody says otherwise.
const MACHINES: &str = "50";
/// What leaves the expiry of a key as it is.
const KEEP: &str = "keep";

/// What a person chose and typed.
#[derive(Default)]
pub(super) struct TermsForm {
    pub(super) name: String,
    pub(super) role: String,
    expires_at: String,
    pub(super) max_machines: String,
    provider_id: String,
    pub(super) tags: String,
    /// What the expiry is, where it may stay so.
    pub(super) kept: Option<String>,
}

/// An end that a key may be given.
pub(super) struct End {
    pub(super) value: &'static str,
    pub(super) words: &'static str,
    pub(super) is_chosen: bool,
}

/// A provider that a key may give to its machines.
pub(super) struct Choice {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) is_chosen: bool,
}

const ENDS: [(&str, &str); 5] = [
    ("1", "until tomorrow"),
    ("7", "for a week"),
    ("30", "for 30 days"),
    ("365", "for a year"),
    ("never", "without end"),
];

impl TermsForm {
    /// An empty form.
    pub(super) fn new() -> Self {
        let (expires_at, max_machines) = ("7".to_owned(), MACHINES.to_owned());
        Self { role: Role::Readonly.name().to_owned(), expires_at, max_machines, ..Self::default() }
    }

    /// What was sent.
    pub(super) fn of(form: &Form) -> Self {
        let text = |name| form.get(name).trim().to_owned();
        Self {
            name: text("name"),
            role: text("role"),
            expires_at: text("expires_at"),
            max_machines: text("max_machines"),
            provider_id: text("provider_id"),
            tags: text("tags"),
            kept: None,
        }
    }

    /// The terms that a key has.
    pub(super) fn of_key(key: &KeyRecord) -> Self {
        Self {
            name: key.name.clone(),
            role: key.role.name().to_owned(),
            expires_at: KEEP.to_owned(),
            max_machines: key.max_machines.map(|most| most.to_string()).unwrap_or_default(),
            provider_id: key.provider_id.map(|id| id.to_string()).unwrap_or_default(),
            tags: key.tags.join(", "),
            kept: None,
        }
        .keeping(key)
    }

    /// The form of a key that there is.
    pub(super) fn keeping(self, key: &KeyRecord) -> Self {
        let kept = key.expires_at.map_or_else(
            || "as it is: without end".to_owned(),
            |at| format!("as it is: until {}", exact(at)),
        );
        Self { kept: Some(kept), ..self }
    }

    /// Whether the expiry stays as it is.
    pub(super) fn keeps(&self) -> bool {
        self.expires_at == KEEP
    }

    /// The ends that may be chosen.
    pub(super) fn ends(&self) -> Vec<End> {
        let end = |(value, words)| End { value, words, is_chosen: value == self.expires_at };
        ENDS.map(end).into()
    }

    /// The providers that may be chosen, by name.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn providers(&self, hub: &Hub) -> Result<Vec<Choice>> {
        let chosen: Option<Uuid> = self.provider_id.parse().ok();
        let choice = |(id, name)| Choice { id, name, is_chosen: chosen == Some(id) };
        Ok(by_name(hub.provider_names().await?).into_iter().map(choice).collect())
    }

    /// What it means for a new key.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub(super) fn terms(&self, now: Timestamp) -> std::result::Result<Terms, Invalid> {
        Ok(Terms {
            expires_at: self.end(now)?.unwrap_or_default(),
            max_machines: self.machines()?,
            provider_id: self.provider()?,
            tags: self.tag_list(),
        })
    }

    /// What it means for a key that there is.
    ///
    /// # Errors
    /// Names the field that is wrong.
    pub(super) fn change(&self, now: Timestamp) -> std::result::Result<KeyChange, Invalid> {
        Ok(KeyChange {
            name: Some(self.name.clone()),
            expires_at: self.end(now)?,
            max_machines: Some(self.machines()?),
            provider_id: Some(self.provider()?),
            tags: Some(self.tag_list()),
        })
    }

    /// The end that was chosen; nothing where it is to stay as it is.
    fn end(&self, now: Timestamp) -> std::result::Result<Option<Option<Timestamp>>, Invalid> {
        match &*self.expires_at {
            KEEP => Ok(None),
            "" | "never" => Ok(Some(None)),
            days => {
                let known = ENDS.iter().any(|(value, _)| *value == days);
                let days = days.parse::<u64>().ok().filter(|_| known);
                let days =
                    days.ok_or_else(|| Invalid::new("expires_at", "is none of those to choose from"))?;
                Ok(Some(Some(now.later(Duration::from_secs(days * 86_400)))))
            }
        }
    }

    fn machines(&self) -> std::result::Result<Option<u32>, Invalid> {
        if self.max_machines.is_empty() {
            return Ok(None);
        }
        let most = self.max_machines.parse().ok();
        most.map(Some).ok_or_else(|| Invalid::new("max_machines", "is no number from 1 to 1000000"))
    }

    fn provider(&self) -> std::result::Result<Option<Uuid>, Invalid> {
        if self.provider_id.is_empty() {
            return Ok(None);
        }
        let id = self.provider_id.parse().ok();
        id.map(Some).ok_or_else(|| Invalid::new("provider_id", "is of no provider"))
    }

    fn tag_list(&self) -> Vec<String> {
        let tags = self.tags.split(',').map(str::trim).filter(|tag| !tag.is_empty());
        tags.map(str::to_owned).collect()
    }
}

/// What is wrong with one of the tags is shown at the field that holds them all.
pub(super) fn of_all_tags(error: Error) -> Error {
    match error {
        Error::Invalid(invalid) if invalid.field.starts_with("tags[") => {
            Invalid::new("tags", format!("has an entry that {}", invalid.reason)).into()
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(fields: &[(&str, &str)]) -> TermsForm {
        let of = |name: &str| {
            fields
                .iter()
                .find(|(field, _)| *field == name)
                .map(|(_, value)| (*value).to_owned())
                .unwrap_or_default()
        };
        let (expires_at, max_machines) = (of("expires_at"), of("max_machines"));
        let (provider_id, tags) = (of("provider_id"), of("tags"));
        TermsForm { expires_at, max_machines, provider_id, tags, ..TermsForm::default() }
    }

    #[test]
    fn what_is_typed_is_read() {
        let now = Timestamp::from_ms(1_767_225_600_000); // 2026-01-01
        let typed = form(&[("expires_at", "7"), ("max_machines", "50"), ("tags", " edge, ,eu west,")]);
        let terms = typed.terms(now).unwrap();
        assert_eq!(terms.expires_at.unwrap().to_string(), "2026-01-08T00:00:00Z");
        assert_eq!((terms.max_machines, terms.provider_id), (Some(50), None));
        assert_eq!(terms.tags, ["edge", "eu west"]);
        assert_eq!(form(&[("expires_at", "never")]).terms(now).unwrap(), Terms::default());
        assert_eq!(form(&[("expires_at", "keep")]).change(now).unwrap().expires_at, None);
    }

    #[test]
    fn what_makes_no_sense_is_named() {
        let now = Timestamp::from_ms(0);
        for (field, value) in
            [("expires_at", "8"), ("expires_at", "soon"), ("max_machines", "many"), ("provider_id", "acme")]
        {
            assert_eq!(form(&[(field, value)]).terms(now).unwrap_err().field, field, "{value}");
        }
        let of_tag = Error::Invalid(Invalid::new("tags[3]", "is too long"));
        assert_eq!(of_all_tags(of_tag).to_string(), "tags: has an entry that is too long");
    }
}
