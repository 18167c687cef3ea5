//! The fleet: the machines that a search finds, a page of them at a time, in the columns that the person chose.

use askama::Template;
use axum::extract::State;
use axum::http::header::SET_COOKIE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::bulk::{Bulk, where_from};
use super::columns::{Column, PER_PAGE, View};
use super::live::marked;
use super::notice::{assigned_to, go, machines};
use super::row::Row;
use super::words::by_name;
use super::{Frame, back_to, html, ours};
use crate::http::auth::Editor;
use crate::http::body::{Id, Parameters};
use crate::http::client::Client;
use crate::http::error::{ApiError, Result};
use crate::http::form::Form;
use crate::http::{AppState, cookies};
use crate::model::presence::Presence;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::model::vps::Status;
use crate::model::vps_filter::{Sort, VpsFilter};
use crate::service::{Error, Hub};

/// Searches that are a click away, beside that of all machines.
const CHIPS: [(&str, &str); 5] = [
    ("All", ""),
    ("Offline", OFFLINE),
    ("No provider", "provider:none -status:retired"),
    ("Expires in 14 days", "expires:<15d -status:retired"),
    ("Past its date", "expires:past -status:retired"),
];

const OFFLINE: &str = "presence:offline -status:retired";

/// What the address of the page says of the list.
const OF_PAGES: [&str; 4] = ["q", "page", "sort", "per_page"];

#[derive(Template)]
#[template(path = "fleet.html")]
struct FleetPage {
    frame: Frame,
    view: View,
    q: String,
    /// What is wrong with the search.
    wrong: String,
    overview: Overview,
    rows: Vec<Row>,
    total: u64,
    page: u64,
    /// When the rows were read: what changes later comes by itself.
    now_ms: i64,
    /// What was to be done to many machines.
    bulk: Bulk,
    /// Whether deleted machines are among them.
    shows_deleted: bool,
    /// Whom machines can be assigned to.
    providers: Vec<(Uuid, String)>,
}

/// The fleet in a line, and how many machines each of the searches finds that are a click away.
pub(super) struct Overview {
    machines: u64,
    /// How many there are of each presence, and retired ones, which `machines` does not count.
    presence: Vec<(u64, &'static str)>,
    chips: Vec<Chip>,
}

/// A search that is a click away.
struct Chip {
    name: &'static str,
    q: &'static str,
    count: u64,
}

/// A heading of the table.
struct Heading {
    title: &'static str,
    href: String,
    is_number: bool,
    /// `ascending` or `descending`, if the list is sorted by it.
    sorted: &'static str,
}

/// The page.
pub(in crate::http) async fn show(
    State(hub): AppState,
    client: Client,
    headers: HeaderMap,
    frame: Frame,
    Parameters(parameters): Parameters,
) -> Result<Response> {
    page(&hub, (client, &headers), frame, &parameters, Bulk::default()).await
}

/// The page, with what was to be done to many machines and was not.
pub(super) async fn page(
    hub: &Hub,
    (client, headers): (Client, &HeaderMap),
    frame: Frame,
    parameters: &[(String, String)],
    bulk: Bulk,
) -> Result<Response> {
    let now = Timestamp::now();
    let mut view = View::of(headers, client);
    let kept = view.to_text();
    let q = parameters.iter().find(|(name, _)| name == "q").map(|(_, q)| q.clone()).unwrap_or_default();
    let (mut filter, wrong) = match filter(&mut view, parameters) {
        Ok(filter) => (filter, String::new()),
        Err(invalid) => (VpsFilter::default(), invalid.to_string()),
    };
    let mut list = hub.list_vps(now, &filter).await?;
    // There are fewer than there were: the last page is nearest to what was asked for.
    let last = list.total.div_ceil(view.per_page).max(1);
    if filter.page > last {
        filter.page = last;
        list = hub.list_vps(now, &filter).await?;
    }
    let providers = hub.provider_names().await?;
    let rows = list.data.into_iter().map(|vps| Row::new(now, vps, &providers));
    let is_new = q.is_empty() && list.total == 0 && hub.count_vps(now, &VpsFilter::default()).await? == 0;
    if is_new && frame.is_admin() {
        return Ok(Redirect::to("/add").into_response());
    }
    let can_edit = frame.can_edit();
    let rows = rows.map(|row| marked(Row { is_picked: bulk.has(row.id), ..row }, &view, can_edit));
    let overview = Overview::read(hub, now).await?;
    let (rows, total) = if wrong.is_empty() { (rows.collect(), list.total) } else { (Vec::new(), 0) };
    let status = if wrong.is_empty() { bulk.status } else { StatusCode::BAD_REQUEST };
    let (page, now_ms, chosen) = (filter.page, now.ms(), view.to_text());
    let shows_deleted = filter.shows_deleted();
    let providers = if can_edit { by_name(providers) } else { Vec::new() };
    let page = FleetPage {
        frame,
        view,
        q,
        wrong,
        overview,
        rows,
        total,
        page,
        now_ms,
        bulk,
        shows_deleted,
        providers,
    };
    let answer = html(status, &page);
    if chosen == kept {
        return Ok(answer);
    }
    Ok((AppendHeaders([(SET_COOKIE, cookies::set_view(client, &chosen))]), answer).into_response())
}

/// What the address and the person's habits ask for. The order of the list becomes the person's habit. Which machines are
/// meant says `q` alone, which the page shows: what else the API knows would hide machines without a word.
pub(super) fn filter(
    view: &mut View,
    parameters: &[(String, String)],
) -> std::result::Result<VpsFilter, Invalid> {
    let of_pages: Vec<(String, String)> =
        parameters.iter().filter(|(name, _)| OF_PAGES.contains(&&**name)).cloned().collect();
    let mut filter = VpsFilter::from_parameters(&of_pages)?;
    let given = |name: &str| parameters.iter().any(|(given, value)| given == name && !value.is_empty());
    if given("sort") {
        view.sort = filter.sort;
    }
    filter.sort = view.sort;
    // Pages hold more than the answers of the API do.
    let asked =
        parameters.iter().find(|(name, _)| name == "per_page").and_then(|(_, number)| number.parse().ok());
    view.per_page = asked.filter(|number| PER_PAGE.contains(number)).unwrap_or(view.per_page);
    filter.per_page = view.per_page;
    Ok(filter)
}

/// Chooses the columns and how many machines a page has.
pub(in crate::http) async fn choose_view(client: Client, headers: HeaderMap, form: Form) -> Response {
    let mut view = View::of(&headers, client).with_columns(form.all("column"));
    let per_page = form.get("per_page").parse().ok().filter(|number| PER_PAGE.contains(number));
    view.per_page = per_page.unwrap_or(view.per_page);
    let to = back_to(form.get("back"));
    (AppendHeaders([(SET_COOKIE, cookies::set_view(client, &view.to_text()))]), to).into_response()
}

impl Overview {
    /// As it is now.
    pub(super) async fn read(hub: &Hub, now: Timestamp) -> std::result::Result<Self, Error> {
        let counts = hub.count_by_presence(now, None).await?;
        let machines = counts.in_service();
        let retired = Some((counts.retired, Status::Retired.name())).filter(|_| counts.retired > 0);
        let presence = counts.by_name().chain(retired).collect();
        let mut chips = Vec::new();
        for (name, q) in CHIPS {
            let count = match q {
                "" => machines.saturating_add(counts.retired),
                OFFLINE => counts.of(Presence::Offline),
                _ => hub.count_vps(now, &search(q)?).await?,
            };
            chips.push(Chip { name, q, count });
        }
        Ok(Self { machines, presence, chips })
    }

    /// The line.
    pub(super) fn in_words(&self) -> String {
        let presence = self.presence.iter().map(|(count, word)| match *word {
            "never" => format!(" · {count} never reported"),
            word => format!(" · {count} {word}"),
        });
        format!("{}{}", machines(self.machines), presence.collect::<String>())
    }

    /// What the searches find.
    pub(super) fn counts(&self) -> Vec<u64> {
        self.chips.iter().map(|chip| chip.count).collect()
    }
}

/// How the choice of all machines is called that a search finds.
pub(super) fn all_of_them(q: &str, total: u64) -> String {
    let machines = machines(total);
    if q.is_empty() { format!("All {machines}") } else { format!("All {machines} that the search finds") }
}

/// Which machines of how many a page shows, counted from 1.
pub(super) fn span_in_words((page, per_page): (u64, u64), rows: usize, total: u64) -> String {
    let before = page.saturating_sub(1).saturating_mul(per_page);
    let last = before.saturating_add(u64::try_from(rows).unwrap_or(u64::MAX));
    format!("{}–{last} of {total}", before.saturating_add(1))
}

fn search(q: &str) -> std::result::Result<VpsFilter, Invalid> {
    VpsFilter::from_parameters(&[("q".to_owned(), q.to_owned())])
}

/// The address of a list.
pub(super) fn address(parts: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    parts.iter().filter(|(name, value)| !value.is_empty() && (*name, *value) != ("page", "1")).for_each(
        |(name, value)| {
            query.append_pair(name, value);
        },
    );
    let query = query.finish();
    if query.is_empty() { "/".to_owned() } else { format!("/?{query}") }
}

impl FleetPage {
    /// This list, to come back to.
    fn here(&self) -> String {
        self.at_page(self.page)
    }

    fn all_of_them(&self) -> String {
        all_of_them(&self.q, self.total)
    }

    /// Where the page is told what changes.
    fn live(&self) -> String {
        let page = self.page.to_string();
        let parts = [("q", self.q.as_str()), ("page", &page), ("view", &self.view.to_text())];
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(parts).finish();
        format!("/live?{query}")
    }

    /// Where the machines of this search are exported.
    fn import_href(&self) -> String {
        let here = address(&[("q", &self.q)]);
        format!("/import{}", here.trim_start_matches('/'))
    }

    fn at_page(&self, page: u64) -> String {
        let sort = if page > 1 { self.view.sort.name() } else { self.sort() };
        address(&[("q", &self.q), ("sort", &sort), ("page", &page.to_string())])
    }

    /// The order of the list, if it is not the first one: in the address, for another tab may change what the browser keeps.
    fn sort(&self) -> String {
        if self.view.sort == Sort::default() { String::new() } else { self.view.sort.name() }
    }

    fn all_columns(&self) -> [Column; 15] {
        Column::ALL
    }

    fn page_sizes(&self) -> [u64; 4] {
        PER_PAGE
    }

    /// Whether it shows another search than those that are a click away.
    fn is_own_search(&self) -> bool {
        self.wrong.is_empty() && CHIPS.iter().all(|(_, q)| *q != self.q)
    }

    fn with_q(&self, q: &str) -> String {
        address(&[("q", q), ("sort", &self.sort())])
    }

    fn name_heading(&self) -> Heading {
        self.heading("Name", "hostname", false)
    }

    fn headings(&self) -> Vec<Heading> {
        let of = |column: &Column| {
            let heading = self.heading(column.title(), column.sort(), column.is_number());
            // Both sort by the same time; one heading says so.
            let is_said_by_other = *column == Column::Presence && self.view.has(&Column::Seen);
            Heading { sorted: if is_said_by_other { "" } else { heading.sorted }, ..heading }
        };
        self.view.columns.iter().map(of).collect()
    }

    /// A click sorts by it; another one turns that around.
    fn heading(&self, title: &'static str, first: &str, is_number: bool) -> Heading {
        let now = self.view.sort;
        let is_by = Sort::named(first).is_ok_and(|sort| sort.by == now.by);
        let turned = Sort { is_descending: !now.is_descending, ..now }.name();
        let sort = if is_by { &*turned } else { first };
        let sorted = match (is_by, now.is_descending) {
            (false, _) => "",
            (true, false) => "ascending",
            (true, true) => "descending",
        };
        Heading { title, href: address(&[("q", &self.q), ("sort", sort)]), is_number, sorted }
    }

    fn span(&self) -> String {
        span_in_words((self.page, self.view.per_page), self.rows.len(), self.total)
    }

    fn pages(&self) -> u64 {
        self.total.div_ceil(self.view.per_page).max(1)
    }
}

/// Assigns a machine to the provider that is suggested for it, which is to be the one that the button named.
pub(in crate::http) async fn accept(
    State(hub): AppState,
    client: Client,
    headers: HeaderMap,
    Editor(caller): Editor,
    frame: Frame,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let named = Some(form.get("suggested")).filter(|name| !name.is_empty());
    let back = Some(form.get("back").to_owned()).filter(|back| !back.is_empty());
    let back = back.unwrap_or_else(|| where_from(&headers));
    let any = Expected::default();
    match hub
        .accept_suggestion(Timestamp::now(), &caller.actor, id, named, &any)
        .await
        .map_err(ApiError::from)
    {
        Ok(_) => Ok(go(client, ours(&back, "/"), &named.map_or_else(|| "assigned".to_owned(), assigned_to))),
        Err(error) => match of_list(&back).filter(|_| error.status().is_client_error()) {
            Some(list) => page(&hub, (client, &headers), frame, &list, Bulk::default().refused(&error)).await,
            None => Err(error),
        },
    }
}

/// What an address of the list asks for.
fn of_list(path: &str) -> Option<Vec<(String, String)>> {
    let query = path.strip_prefix('/').filter(|query| query.is_empty() || query.starts_with('?'))?;
    Some(form_urlencoded::parse(query.trim_start_matches('?').as_bytes()).into_owned().collect())
}
