//! Who did what: a line for each change, by a person, a key, an agent or the hub itself.

use std::net::IpAddr;

use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::paging::{Paging, known_parameters};
use super::text::{Invalid, check_text};
use super::time::Timestamp;

/// What kind of caller an actor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ActorKind {
    /// A person who signed in.
    Account,
    /// A script or client with a key.
    Key,
    /// A machine's agent.
    Agent,
    /// The hub itself, for example on its command line.
    Hub,
}

impl ActorKind {
    const ALL: [Self; 4] = [Self::Account, Self::Key, Self::Agent, Self::Hub];

    /// Its name in JSON and the database.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Account => "account",
            Self::Key => "key",
            Self::Agent => "agent",
            Self::Hub => "hub",
        }
    }

    /// The kind of that name.
    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Actor {
    pub(crate) kind: ActorKind,
    /// Id of the account or key.
    pub(crate) id: Option<Uuid>,
    /// E-mail of the account, or name of the key.
    pub(crate) name: String,
    /// Where the request came from.
    #[schema(value_type = Option<String>)]
    pub(crate) client_ip: Option<IpAddr>,
}

impl Actor {
    /// The hub itself.
    pub(crate) fn hub() -> Self {
        Self { kind: ActorKind::Hub, id: None, name: "sigma-api".to_owned(), client_ip: None }
    }
}

/// What a change was about: `vps`, `provider`, `key`, `account`, … with its id and what it was called then.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct Subject {
    pub(crate) kind: String,
    pub(crate) id: Option<Uuid>,
    pub(crate) name: String,
}

impl Subject {
    /// A machine.
    pub(crate) fn vps(id: Uuid, hostname: &str) -> Self {
        Self { kind: "vps".to_owned(), id: Some(id), name: hostname.to_owned() }
    }
}

/// Under what a change notes of which bulk change it is a part.
const BULK: &str = "bulk";

/// From which to which value each member changed; never a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(crate) struct Changes(Map<String, Value>);

impl Changes {
    /// Notes a member that changed; one that did not is left out.
    pub(crate) fn note<T: Serialize + PartialEq>(&mut self, member: &str, from: &T, to: &T) {
        if from == to {
            return;
        }
        let value = |value: &T| serde_json::to_value(value).unwrap_or(Value::Null);
        let (from, to) = (value(from), value(to));
        if from != to {
            self.0.insert(member.to_owned(), Value::Array(vec![from, to]));
        }
    }

    /// Notes of which bulk change it is a part, if of one.
    pub(crate) fn note_bulk(&mut self, bulk: Option<Uuid>) {
        self.note(BULK, &None, &bulk);
    }

    /// The bulk change that it is a part of.
    pub(crate) fn bulk(&self) -> Option<Uuid> {
        self.to(BULK)?.as_str()?.parse().ok()
    }

    fn to(&self, member: &str) -> Option<&Value> {
        self.0.get(member)?.get(1)
    }

    /// Notes all of `others` as well.
    pub(crate) fn append(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Whether nothing changed.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each member with what it was and what it is.
    pub(crate) fn members(&self) -> impl Iterator<Item = (&str, &Value, &Value)> {
        self.0.iter().map(|(member, pair)| {
            let part = |index: usize| pair.get(index).unwrap_or(&Value::Null);
            (member.as_str(), part(0), part(1))
        })
    }

    /// Ids among the values.
    pub(crate) fn ids(&self) -> impl Iterator<Item = Uuid> {
        let values = self.members().flat_map(|(_, from, to)| [from, to]);
        values.filter_map(|value| value.as_str().and_then(|text| text.parse().ok()))
    }

    /// As a JSON object, for the database.
    pub(crate) fn to_text(&self) -> String {
        Value::Object(self.0.clone()).to_string()
    }

    /// From what [`Changes::to_text`] made; `None` for anything else.
    pub(crate) fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    pub(crate) id: Uuid,
    #[schema(value_type = String, format = DateTime)]
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    /// For example `vps.update`: the kind of the subject and what was done.
    pub(crate) action: String,
    pub(crate) subject: Subject,
    /// Member to `[from, to]`.
    pub(crate) changes: Changes,
}

/// Which lines of the audit log a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct AuditFilter {
    pub(crate) subject_id: Option<Uuid>,
    /// What the subject was called then, in any case of ASCII letters.
    pub(crate) subject: Option<String>,
    /// Name or id of who acted.
    pub(crate) actor: Option<String>,
    pub(crate) action: Option<String>,
    /// The bulk change that they are a part of.
    pub(crate) bulk: Option<Uuid>,
    pub(crate) paging: Paging,
}

impl AuditFilter {
    /// Reads the parameters of a query.
    ///
    /// # Errors
    /// The first parameter that is given twice or not understood.
    pub(crate) fn from_parameters(parameters: &[(String, String)]) -> Result<Self, Invalid> {
        let mut filter = Self::default();
        let known = ["subject_id", "subject", "actor", "action", "page", "per_page"];
        for (name, value) in known_parameters(parameters, &known)? {
            check_text(name, value, 256)?;
            match name {
                "subject_id" => {
                    let id = value.parse().map_err(|_| Invalid::new(name, "is the id of a record"))?;
                    filter.subject_id = Some(id);
                }
                "subject" => filter.subject = Some(value.to_owned()),
                "actor" => filter.actor = Some(value.to_owned()),
                "action" => filter.action = Some(value.to_owned()),
                _ => filter.paging.set(name, value)?,
            }
        }
        Ok(filter)
    }
}
