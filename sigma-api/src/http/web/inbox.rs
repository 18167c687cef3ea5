//! The inbox: what waits for a person, and what a person says to it.

mod acts;
mod item;

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::{Frame, Wrong, html};
use crate::http::AppState;
use crate::http::error::Result;
use crate::model::inbox::{Inbox, InboxPart};
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::service::{Error, Hub};
use item::{Group, Item, Pair};

pub(in crate::http) use acts::{acknowledge, assign, distinct, merge, restore, retire, set_expiry};

#[derive(Template)]
#[template(path = "inbox.html")]
struct InboxPage {
    frame: Frame,
    wrong: Wrong,
    words: Words,
    waiting: u64,
    unassigned: u64,
    groups: Vec<Group>,
    /// Groups that are not listed.
    more_groups: usize,
    providers: Vec<(Uuid, String)>,
    pairs: Vec<Pairs>,
    parts: Vec<Part>,
    today: String,
}

/// What a person wrote into a form that was not taken.
#[derive(Default)]
struct Words {
    /// Of a new provider.
    name: String,
    provider: String,
    chosen: Vec<String>,
    /// Of the machine that was to expire on another day.
    id: String,
    expire_date: String,
}

/// Pairs of one kind.
struct Pairs {
    key: &'static str,
    title: &'static str,
    hint: &'static str,
    total: u64,
    more: u64,
    href: String,
    pairs: Vec<Pair>,
}

/// Machines that wait for one reason.
struct Part {
    key: &'static str,
    title: &'static str,
    hint: &'static str,
    total: u64,
    more: u64,
    href: String,
    items: Vec<Item>,
}

/// The page.
pub(in crate::http) async fn show(State(hub): AppState, frame: Frame) -> Result<Response> {
    page(&hub, frame, Wrong::default(), Words::default()).await
}

async fn page(hub: &Hub, frame: Frame, wrong: Wrong, words: Words) -> Result<Response> {
    let now = Timestamp::now();
    let inbox = hub.inbox(now).await?;
    let names = hub.store.provider_names().await.map_err(Error::from)?;
    let status = if wrong.sentence.is_empty() { StatusCode::OK } else { wrong.status };
    Ok(html(status, &InboxPage::new(now, frame, inbox, names, wrong, words)))
}

impl InboxPage {
    fn new(
        now: Timestamp,
        frame: Frame,
        inbox: Inbox,
        names: HashMap<Uuid, String>,
        wrong: Wrong,
        words: Words,
    ) -> Self {
        let part = |key, title, hint, part: InboxPart<Vps>| Part {
            key,
            title,
            hint,
            total: part.total,
            more: part.more(),
            href: href(part.q),
            items: part.first.iter().map(|vps| Item::new(now, vps, &names)).collect(),
        };
        let pairs = |key, title, hint, part: InboxPart<_>| Pairs {
            key,
            title,
            hint,
            total: part.total,
            more: part.more(),
            href: href(part.q),
            pairs: part.first.iter().map(|pair| Pair::new(now, pair, &names)).collect(),
        };
        let pairs = vec![
            pairs(
                "conflict",
                "Two of one name",
                "Two living machines report the same hostname. Say whether they are two machines or one.",
                inbox.conflicts,
            ),
            pairs(
                "clone",
                "Clones",
                "Two living machines have the same machine id, as clones of one template do. Say whether they are two \
                 machines or one.",
                inbox.clones,
            ),
        ];
        let parts = vec![
            part(
                "deleted",
                "Deleted, and still reporting",
                "Their reports are refused. Restore the record, or stop the agent on the machine.",
                inbox.deleted_but_reporting,
            ),
            part(
                "alive",
                "Alive after their expiry",
                "They still report, but their expiry date is past. If they were renewed, enter the new date.",
                inbox.alive_after_expiry,
            ),
            part(
                "silent",
                "Silent, and still paid for",
                "Nothing has been heard from them for a day or more. Find out why, or retire them.",
                inbox.silent_but_paid,
            ),
            part(
                "less",
                "Less than bought",
                "They measure less than the record says was bought.",
                inbox.less_than_bought,
            ),
            part(
                "rekeyed",
                "Another key",
                "They report with another key than before, and both keys are valid: either somebody moved them, or a key was stolen.",
                inbox.rekeyed,
            ),
            part(
                "reinstalled",
                "Reinstalled",
                "Their machine id changed while they were silent.",
                inbox.reinstalled,
            ),
        ];
        let mut providers: Vec<(Uuid, String)> = names.into_iter().collect();
        providers.sort_by_cached_key(|(_, name)| name.to_lowercase());
        Self {
            frame,
            wrong,
            words,
            waiting: inbox.waiting,
            unassigned: inbox.unassigned.total,
            more_groups: inbox.unassigned.all_groups.saturating_sub(inbox.unassigned.groups.len()),
            groups: inbox.unassigned.groups.into_iter().map(Group::new).collect(),
            providers,
            pairs: pairs.into_iter().filter(|part| part.total > 0).collect(),
            parts: parts.into_iter().filter(|part| part.total > 0).collect(),
            today: now.day_plus(0),
        }
    }
}

impl Words {
    /// Whether the person chose that machine.
    fn has(&self, id: &Uuid) -> bool {
        self.chosen.iter().any(|chosen| *chosen == id.to_string())
    }
}

/// The fleet, as that search finds it.
fn href(q: &str) -> String {
    let query = form_urlencoded::Serializer::new(String::new()).append_pair("q", q).finish();
    format!("/?{query}")
}
