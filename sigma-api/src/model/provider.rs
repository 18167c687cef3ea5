//! Who bills for machines.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::audit::{Changes, Subject};
use super::member::{check_url, checked_country, checked_notes, given, nullable};
use super::paging::{Paging, known_parameters};
use super::text::{Invalid, check_text};
use super::time::Timestamp;

const MAX_NAME_CHARS: usize = 128;

/// A provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Provider {
    pub(crate) id: Uuid,
    /// No other has it, whatever its case.
    pub(crate) name: String,
    /// ISO 3166-1 alpha-2, or empty.
    pub(crate) country: String,
    pub(crate) website: String,
    /// Where its machines are ordered and restarted.
    pub(crate) panel_url: String,
    pub(crate) api_supported: bool,
    /// 1 to 5.
    pub(crate) rating: Option<u8>,
    pub(crate) notes: String,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) updated_at: Timestamp,
    /// Grows with every change.
    pub(crate) version: i64,
    /// Living machines that it bills for.
    pub(crate) machines: u64,
}

/// Members of a provider to be changed. An absent one stays; `null` clears the rating.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, ToSchema)]
pub(crate) struct ProviderChange {
    #[serde(default, deserialize_with = "given")]
    pub(crate) name: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) country: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) website: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) panel_url: Option<String>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) api_supported: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<u8>, minimum = 1, maximum = 5)]
    pub(crate) rating: Option<Option<u8>>,
    #[serde(default, deserialize_with = "given")]
    pub(crate) notes: Option<String>,
    /// The version that the caller saw: as `If-Match`.
    #[serde(default)]
    pub(crate) version: Option<i64>,
}

impl Provider {
    /// A provider of which nothing is known.
    pub(crate) fn blank(now: Timestamp, id: Uuid) -> Self {
        let empty = String::new;
        Self {
            id,
            name: empty(),
            country: empty(),
            website: empty(),
            panel_url: empty(),
            api_supported: false,
            rating: None,
            notes: empty(),
            created_at: now,
            updated_at: now,
            version: 1,
            machines: 0,
        }
    }

    /// From which to which value each member changed.
    pub(crate) fn changes_since(&self, before: &Self) -> Changes {
        let mut changes = Changes::default();
        changes.note("name", &before.name, &self.name);
        changes.note("country", &before.country, &self.country);
        changes.note("website", &before.website, &self.website);
        changes.note("panel_url", &before.panel_url, &self.panel_url);
        changes.note("api_supported", &before.api_supported, &self.api_supported);
        changes.note("rating", &before.rating, &self.rating);
        changes.note("notes", &before.notes, &self.notes);
        changes
    }

    /// What the audit log calls it.
    pub(crate) fn subject(&self) -> Subject {
        Subject { kind: "provider".to_owned(), id: Some(self.id), name: self.name.clone() }
    }
}

impl ProviderChange {
    /// These members as they are stored.
    ///
    /// # Errors
    /// The first member that breaks a rule.
    pub(crate) fn checked(mut self) -> Result<Self, Invalid> {
        self.name = self.name.map(|name| checked_name(&name)).transpose()?;
        self.country = self.country.map(|code| checked_country("country", &code)).transpose()?;
        self.notes = self.notes.map(|notes| checked_notes("notes", &notes)).transpose()?;
        for (field, url) in [("website", &self.website), ("panel_url", &self.panel_url)] {
            url.iter().try_for_each(|url| check_url(field, url))?;
        }
        if self.rating.flatten().is_some_and(|rating| !(1..=5).contains(&rating)) {
            return Err(Invalid::new("rating", "is 1 to 5, or null"));
        }
        if self.version.is_some_and(|version| version < 1) {
            return Err(Invalid::new("version", "is the version of the record that you saw, from 1 on"));
        }
        Ok(self)
    }

    /// `provider` with these members changed.
    pub(crate) fn applied_to(&self, provider: &Provider) -> Provider {
        let to = provider.clone();
        Provider {
            name: self.name.clone().unwrap_or(to.name),
            country: self.country.clone().unwrap_or(to.country),
            website: self.website.clone().unwrap_or(to.website),
            panel_url: self.panel_url.clone().unwrap_or(to.panel_url),
            api_supported: self.api_supported.unwrap_or(to.api_supported),
            rating: self.rating.unwrap_or(to.rating),
            notes: self.notes.clone().unwrap_or(to.notes),
            ..to
        }
    }
}

fn checked_name(name: &str) -> Result<String, Invalid> {
    let name = name.trim();
    check_text("name", name, MAX_NAME_CHARS)?;
    if name.is_empty() {
        return Err(Invalid::new("name", "is empty"));
    }
    Ok(name.to_owned())
}

/// Which providers a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ProviderFilter {
    /// A part of the name, in any case of ASCII.
    pub(crate) name_part: Option<String>,
    pub(crate) sort: ProviderSort,
    pub(crate) paging: Paging,
}

/// In which order providers are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum ProviderSort {
    #[default]
    Name,
    NameDown,
    Machines,
    MachinesDown,
}

impl ProviderSort {
    const ALL: [Self; 4] = [Self::Name, Self::NameDown, Self::Machines, Self::MachinesDown];

    /// Its name in a URL.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::NameDown => "-name",
            Self::Machines => "machines",
            Self::MachinesDown => "-machines",
        }
    }

    fn named(name: &str) -> Result<Self, Invalid> {
        let found = Self::ALL.into_iter().find(|sort| sort.name() == name);
        found.ok_or_else(|| Invalid::new("sort", "is name or machines, with a - before it for descending"))
    }
}

impl ProviderFilter {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// The first parameter that is given twice or not understood.
    pub(crate) fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Invalid> {
        let mut filter = Self::default();
        for (name, value) in known_parameters(parameters, &["q", "sort", "page", "per_page"])? {
            check_text(name, value, MAX_NAME_CHARS)?;
            match name {
                "sort" => filter.sort = ProviderSort::named(value)?,
                "q" => filter.name_part = Some(value.to_owned()),
                _ => filter.paging.set(name, value)?,
            }
        }
        Ok(filter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> Result<ProviderChange, String> {
        let change: ProviderChange = serde_json::from_str(json).map_err(|error| error.to_string())?;
        change.checked().map_err(|invalid| invalid.to_string())
    }

    #[test]
    fn absent_stays_and_null_clears_the_rating_alone() {
        let before = Provider {
            rating: Some(4),
            name: "Acme".into(),
            ..Provider::blank(Timestamp::from_ms(1), Uuid::nil())
        };
        assert_eq!(read("{}").unwrap().applied_to(&before), before);
        assert_eq!(read(r#"{"rating":null}"#).unwrap().applied_to(&before).rating, None);
        for member in ["name", "country", "website", "panel_url", "api_supported", "notes"] {
            assert!(read(&format!("{{\"{member}\":null}}")).is_err(), "{member}");
        }
    }

    #[test]
    fn the_member_that_breaks_a_rule_is_named() {
        for (json, named) in [
            (r#"{"name":"  "}"#, "name: "),
            (r#"{"name":"a\nb"}"#, "name: "),
            (r#"{"country":"XX"}"#, "country: "),
            (r#"{"website":"javascript:alert(1)"}"#, "website: "),
            (r#"{"panel_url":"panel"}"#, "panel_url: "),
            (r#"{"rating":0}"#, "rating: "),
            (r#"{"rating":6}"#, "rating: "),
            (r#"{"notes":"\u0000"}"#, "notes: "),
            (r#"{"version":0}"#, "version: "),
        ] {
            let refused = read(json).expect_err(json);
            assert!(refused.starts_with(named), "{json}: {refused}");
        }
        assert_eq!(read(r#"{"name":" Acme ","country":"de"}"#).unwrap().name.as_deref(), Some("Acme"));
    }
}
