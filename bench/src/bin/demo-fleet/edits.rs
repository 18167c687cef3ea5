//! What a person does with the machines that appeared: makes providers, assigns, notes, retires, deletes.
//!
//! A hub that does not offer one of these calls yet still has the fleet; what it refused is said at the end.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde_json::{Value, json};
use sigma_bench::http::{Answer, Connection};

use crate::at;
use crate::machine::Machine;
use crate::offers::OFFERS;

/// The person's connection, and what was refused over it.
pub(crate) struct Desk {
    connection: Connection,
    /// By what was tried and the status of the answer: how often, and the sentence of the first.
    refused: BTreeMap<(&'static str, u16), (u32, String)>,
    /// What was done, and how often.
    done: BTreeMap<&'static str, u32>,
}

impl Desk {
    pub(crate) fn open(hub: SocketAddr, key: &str) -> Result<Self, String> {
        let connection = Connection::open(hub, Some(key)).map_err(at("the hub"))?;
        Ok(Self { connection, refused: BTreeMap::new(), done: BTreeMap::new() })
    }

    /// Makes the providers that are not there yet; the id of each, in the order of the offers.
    pub(crate) fn providers(&mut self) -> Result<Vec<Option<String>>, String> {
        let listed = self.call("list providers", "GET", "/api/providers?per_page=100", None, &Value::Null)?;
        let mut ids = Vec::new();
        for offer in OFFERS {
            let known = listed.as_ref().and_then(|answer| {
                let named = |provider: &&Value| provider.get("name").is_some_and(|name| name == offer.name);
                let list = answer.json();
                let id = list.get("data")?.as_array()?.iter().find(named)?.get("id")?.as_str()?.to_owned();
                Some(id)
            });
            let id = match known {
                Some(id) => Some(id),
                None => {
                    let body = json!({
                        "name": offer.name,
                        "country": offer.country,
                        "website": offer.website,
                        "rating": offer.rating,
                    });
                    let made = self.call("make a provider", "POST", "/api/providers", None, &body)?;
                    made.map(|answer| answer.text("id"))
                }
            };
            ids.push(id);
        }
        Ok(ids)
    }

    /// Says what a person knows of a machine.
    pub(crate) fn edit(
        &mut self,
        id: &str,
        machine: &Machine,
        providers: &[Option<String>],
    ) -> Result<(), String> {
        if !machine.is_assigned {
            return Ok(());
        }
        let path = format!("/api/vps/{id}");
        let record = self.call("read a machine", "GET", &path, None, &Value::Null)?;
        let Some(record) = record else { return Ok(()) };
        let mut edit = machine.edit.clone();
        if let Some(provider) = providers.get(machine.offer).and_then(Option::as_ref) {
            edit.insert("provider_id".to_owned(), json!(provider));
        }
        // The version that is meant: in the header where the hub marks it so, else in the body.
        if record.etag.is_none()
            && let Some(version) = record.json().get("version")
        {
            edit.insert("version".to_owned(), version.clone());
        }
        self.call("edit a machine", "PUT", &path, record.etag.as_deref(), &Value::Object(edit))?;
        match machine.fate {
            Some("retire") => {
                self.call("retire a machine", "POST", &format!("{path}/retire"), None, &json!({}))?;
            }
            Some("delete") => {
                self.call("delete a machine", "DELETE", &path, None, &Value::Null)?;
            }
            _ => {}
        }
        Ok(())
    }

    /// `None` when the hub refused; when it does not know the call at all, it is not asked again.
    fn call(
        &mut self,
        what: &'static str,
        method: &str,
        path: &str,
        etag: Option<&str>,
        body: &Value,
    ) -> Result<Option<Answer>, String> {
        let is_unknown = |status: u16| matches!(status, 404 | 405);
        if self.refused.keys().any(|(refused, status)| *refused == what && is_unknown(*status)) {
            return Ok(None);
        }
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let answer = self.connection.send_if(method, path, etag, body.as_bytes()).map_err(at(what))?;
        if (200..300).contains(&answer.status) {
            *self.done.entry(what).or_default() += 1;
            return Ok(Some(answer));
        }
        let first = || (0, answer.text("error"));
        self.refused.entry((what, answer.status)).or_insert_with(first).0 += 1;
        Ok(None)
    }

    /// What was done and what was not, a line each.
    pub(crate) fn account(&self) -> Vec<String> {
        let done = self.done.iter().map(|(what, times)| format!("{what}: {times} times"));
        let refused = self.refused.iter().map(|((what, status), (times, sentence))| {
            format!("NOT DONE: {what}: the hub answered {status} {times} times: {sentence}")
        });
        done.chain(refused).collect()
    }
}
