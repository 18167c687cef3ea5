//! The inbox: what waits for a person, and what a person says to it.

mod acts;
mod item;
mod titles;

use std::collections::HashMap;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::words::by_name;
use super::{Frame, Wrong, html};
use crate::http::AppState;
use crate::http::error::Result;
use crate::model::inbox::Inbox;
use crate::model::time::Timestamp;
use crate::service::Hub;
use item::{Group, Item, Pair};
use titles::Title;

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
    title: Title,
    total: u64,
    more: u64,
    href: String,
    pairs: Vec<Pair>,
}

/// Machines that wait for one reason.
struct Part {
    title: Title,
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
    let names = hub.provider_names().await?;
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
        let pairs = [(titles::CONFLICTS, inbox.conflicts), (titles::CLONES, inbox.clones)];
        let pairs = pairs.map(|(title, part)| Pairs {
            title,
            total: part.total,
            more: part.more(),
            href: href(part.q),
            pairs: part.first.iter().map(|pair| Pair::new(now, pair, &names)).collect(),
        });
        let parts = [
            (titles::DELETED, inbox.deleted_but_reporting),
            (titles::ALIVE, inbox.alive_after_expiry),
            (titles::SILENT, inbox.silent_but_paid),
            (titles::LESS, inbox.less_than_bought),
            (titles::REKEYED, inbox.rekeyed),
            (titles::REINSTALLED, inbox.reinstalled),
        ];
        let parts = parts.map(|(title, part)| Part {
            title,
            total: part.total,
            more: part.more(),
            href: href(part.q),
            items: part.first.iter().map(|vps| Item::new(now, vps, &names)).collect(),
        });
        Self {
            frame,
            wrong,
            words,
            waiting: inbox.waiting,
            unassigned: inbox.unassigned.total,
            more_groups: inbox.unassigned.all_groups.saturating_sub(inbox.unassigned.groups.len()),
            groups: inbox.unassigned.groups.into_iter().map(Group::new).collect(),
            pairs: pairs.into_iter().filter(|part| part.total > 0).collect(),
            parts: parts.into_iter().filter(|part| part.total > 0).collect(),
            providers: by_name(names),
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
