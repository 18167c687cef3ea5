//! The fleet as it changes: what a list shows is read again every two seconds while somebody looks at it, and what is other
//! than before goes to the page, row by row, as server-sent events.
//!
//! Pages that show the same list share what is read. A row is known by its mark, a number made of what it shows: a page says
//! which marks it has, so that nothing is sent twice, however often a connection breaks.

use std::collections::HashMap;
use std::convert::Infallible;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use askama::Template;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use hyper::body::Frame as Piece;
use serde_json::{Value, json};
use tokio::sync::{Mutex, mpsc};
use uuid::Uuid;

use super::Frame;
use super::columns::{Column, View};
use super::fleet::{self, Overview};
use super::row::Row;
use crate::http::auth::Person;
use crate::http::body::Parameters;
use crate::http::client::Client;
use crate::http::connection::Endless;
use crate::http::error::{ApiError, Result};
use crate::http::{AppState, cookies};
use crate::model::key::{KeyHash, Role};
use crate::model::time::Timestamp;
use crate::model::vps::{Status, Vps};
use crate::model::vps_filter::VpsFilter;
use crate::service::Hub;
use crate::service::watching::Watcher;
use told::{Told, event};

/// A list is read no more often.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// And no less often, for presence changes when nothing happens.
const LOOK_ANYWAY: Duration = Duration::from_secs(6);
/// Proxies close what is silent for long; and the page notices by this that it is still told.
const SAY_SOMETHING_EVERY: Duration = Duration::from_secs(15);
const CHECK_SESSION_EVERY: Duration = Duration::from_secs(10);
/// Characters of a mark.
const MARK_CHARS: usize = 8;

/// One row by itself.
#[derive(Template)]
#[template(path = "row.html")]
struct OneRow<'a> {
    row: &'a Row,
    view: &'a View,
    can_edit: bool,
}

/// The row as it is sent by itself, and its mark. What is said of it that only the clock changes is left out: pages say
/// "5 s ago" themselves.
fn alone(mut row: Row, view: &View, can_edit: bool) -> (Row, String) {
    let seen = row.seen.as_mut().map(|seen| std::mem::take(&mut seen.words));
    let is_picked = std::mem::replace(&mut row.is_picked, false);
    let html = OneRow { row: &row, view, can_edit }.render().unwrap_or_default();
    let mut hasher = DefaultHasher::new();
    html.hash(&mut hasher);
    row.mark = format!("{:016x}", hasher.finish()).chars().take(MARK_CHARS).collect();
    let html = html.trim_start().replacen("data-v=\"\"", &format!("data-v=\"{}\"", row.mark), 1);
    if let (Some(seen), Some(ago)) = (row.seen.as_mut(), seen) {
        seen.words = ago;
    }
    row.is_picked = is_picked;
    (row, html)
}

/// The row with its mark.
pub(super) fn marked(row: Row, view: &View, can_edit: bool) -> Row {
    alone(row, view, can_edit).0
}

/// A list that is looked at.
struct Board {
    q: String,
    view: View,
    filter: VpsFilter,
    can_edit: bool,
    last: Mutex<Option<Arc<Shown>>>,
}

/// What a list shows.
struct Shown {
    looked: Instant,
    changes: u64,
    lines: Vec<Line>,
    sum: Value,
}

struct Line {
    id: Uuid,
    mark: String,
    html: String,
    hostname: String,
    made: Timestamp,
    has_reported: bool,
}

/// The lists of a hub that are looked at now.
#[derive(Default)]
pub(in crate::http) struct Boards {
    of: std::sync::Mutex<HashMap<String, Weak<Board>>>,
    /// The fleet in a line, which is the same for all.
    overview: Mutex<Option<(Instant, Arc<Overview>)>>,
}

impl Board {
    fn of(all: &Boards, parameters: &[(String, String)], can_edit: bool) -> Result<Arc<Self>> {
        let get = |name: &str| parameters.iter().find(|(given, _)| given == name).map(|(_, value)| value);
        let mut view = get("view").map(|text| View::parse(text)).unwrap_or_default();
        let of_list: Vec<(String, String)> =
            parameters.iter().filter(|(name, _)| name == "q" || name == "page").cloned().collect();
        let filter = fleet::filter(&mut view, &of_list)?;
        let q = get("q").cloned().unwrap_or_default();
        let key = format!("{can_edit} {} {} {q}", view.to_text(), filter.page);
        let mut boards = all.of.lock().unwrap_or_else(PoisonError::into_inner);
        boards.retain(|_, board| board.strong_count() > 0);
        if let Some(board) = boards.get(&key).and_then(Weak::upgrade) {
            return Ok(board);
        }
        let board = Arc::new(Self { q, view, filter, can_edit, last: Mutex::default() });
        boards.insert(key, Arc::downgrade(&board));
        Ok(board)
    }

    /// What it shows now, or showed a moment ago.
    async fn look(&self, hub: &Hub, all: &Boards) -> Result<Arc<Shown>> {
        let mut last = self.last.lock().await;
        let changes = hub.changes();
        if let Some(shown) = last.as_ref() {
            let age = shown.looked.elapsed();
            if age < LOOK_EVERY || (age < LOOK_ANYWAY && shown.changes == changes) {
                return Ok(Arc::clone(shown));
            }
        }
        let shown = Arc::new(self.read(hub, all, changes).await?);
        *last = Some(Arc::clone(&shown));
        Ok(shown)
    }

    async fn read(&self, hub: &Hub, all: &Boards, changes: u64) -> Result<Shown> {
        let (looked, now) = (Instant::now(), Timestamp::now());
        let list = hub.list_vps(now, &self.filter).await?;
        let providers = hub.provider_names().await?;
        let line = |vps: Vps| {
            let (made, has_reported) = (vps.created_at, vps.last_seen_at.is_some());
            let (row, html) = alone(Row::new(now, vps, &providers), &self.view, self.can_edit);
            Line { id: row.id, mark: row.mark, html, hostname: row.hostname, made, has_reported }
        };
        let lines: Vec<Line> = list.data.into_iter().map(line).collect();
        let overview = all.overview(hub, now).await?;
        let span = fleet::span_in_words((self.filter.page, self.view.per_page), lines.len(), list.total);
        let sum = json!({
            "sum": overview.in_words(),
            "chips": overview.counts(),
            "all": fleet::all_of_them(&self.q, list.total),
            "found": list.total,
            "span": span,
        });
        Ok(Shown { looked, changes, lines, sum })
    }
}

impl Boards {
    async fn overview(&self, hub: &Hub, now: Timestamp) -> Result<Arc<Overview>> {
        let mut last = self.overview.lock().await;
        if let Some((looked, overview)) = last.as_ref()
            && looked.elapsed() < LOOK_EVERY
        {
            return Ok(Arc::clone(overview));
        }
        let overview = Arc::new(Overview::read(hub, now).await?);
        *last = Some((Instant::now(), Arc::clone(&overview)));
        Ok(overview)
    }
}

/// What changes of the list that the page shows, from now until the page is closed, its session ends, or the hub stops.
pub(in crate::http) async fn show(
    State(hub): AppState,
    Extension(boards): Extension<Arc<Boards>>,
    client: Client,
    headers: HeaderMap,
    Person(signed): Person,
    Parameters(parameters): Parameters,
) -> Result<Response> {
    let can_edit = Frame::of(client, &signed).can_edit();
    let board = Board::of(&boards, &parameters, can_edit)?;
    let session = KeyHash::of(cookies::session(&headers, client).unwrap_or_default());
    let watcher = hub.watch(signed.session_id).ok_or_else(|| {
        let sentence = "Too many pages are open for this one to be live; reload it to see changes.";
        ApiError::new(StatusCode::SERVICE_UNAVAILABLE, sentence)
    })?;
    let (sender, receiver) = mpsc::channel(1);
    let stream = Stream { hub, boards, board, sender, session, role: signed.account.role };
    tokio::spawn(stream.run(Told::of(&parameters), watcher));
    let kind = [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];
    let mut response = (kind, Body::new(Events(receiver))).into_response();
    response.extensions_mut().insert(Endless);
    Ok(response)
}

/// One page that is told.
struct Stream {
    hub: Hub,
    boards: Arc<Boards>,
    board: Arc<Board>,
    sender: mpsc::Sender<Bytes>,
    session: KeyHash,
    role: Role,
}

impl Stream {
    async fn run(self, told: Told, watcher: Watcher) {
        tokio::select! {
            () = self.tell(told) => {}
            () = self.sender.closed() => {}
            () = watcher.stopped() => {}
        }
    }

    async fn tell(&self, mut told: Told) {
        // Pages that a restart of the hub cuts off do not all come back in the same moment.
        let jitter = self.session_number() % 3000;
        let mut checked = Instant::now();
        let mut said = Instant::now();
        if !self.send(format!("retry: {}\n\n", 4000 + jitter)).await {
            return;
        }
        loop {
            let events = match self.board.look(&self.hub, &self.boards).await {
                Ok(shown) => told.news(&shown),
                Err(error) => {
                    log::debug!("a list cannot be read just now: {}", error.sentence());
                    String::new()
                }
            };
            if !events.is_empty() || said.elapsed() >= SAY_SOMETHING_EVERY {
                let still = event("still", &Value::Null);
                said = Instant::now();
                if !self.send(if events.is_empty() { still } else { events }).await {
                    return;
                }
            }
            if checked.elapsed() >= CHECK_SESSION_EVERY {
                checked = Instant::now();
                if !self.may_go_on().await {
                    return;
                }
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }

    async fn may_go_on(&self) -> bool {
        match self.hub.still_signed_in(Timestamp::now(), self.session).await {
            // With another role the page would look otherwise.
            Ok(account) => account.is_some_and(|account| account.role == self.role),
            Err(_) => true,
        }
    }

    async fn send(&self, events: String) -> bool {
        self.sender.send(Bytes::from(events)).await.is_ok()
    }

    fn session_number(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.session.hash(&mut hasher);
        Instant::now().hash(&mut hasher);
        hasher.finish()
    }
}

/// The events as the body of an answer that ends when nobody sends any more.
struct Events(mpsc::Receiver<Bytes>);

impl hyper::body::Body for Events {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Piece<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|events| events.map(|events| Ok(Piece::data(events))))
    }
}

mod told;

#[cfg(test)]
mod tests;
