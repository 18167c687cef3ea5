//! Providers: who bills for how much, and whose machines expire next.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::audit_words::{AuditLine, lines_of_it};
use super::bills::{Coming, Costs, machines_of};
use super::notice::machines;
use super::{Frame, Wrong, html};
use crate::http::AppState;
use crate::http::body::{Id, Parameters};
use crate::http::error::Result;
use crate::model::audit::AuditFilter;
use crate::model::paging::Paging;
use crate::model::provider::{Provider, ProviderFilter, ProviderSort};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::vps_filter::VpsFilter;
use crate::service::Hub;

/// Providers of a page.
const PER_PAGE: u64 = 100;
/// Expiries in the list, and of one provider.
const NEXT_IN_LIST: u64 = 3;
const NEXT: u64 = 10;
/// Lines of a provider's audit trail.
const LINES: u64 = 5;

#[derive(Template)]
#[template(path = "providers.html")]
struct ProvidersPage {
    frame: Frame,
    q: String,
    /// What is wrong with the address.
    wrong: String,
    sort: ProviderSort,
    rows: Vec<Row>,
    total: u64,
    page: u64,
    /// Machines that have no provider, and what they cost.
    without: (u64, Costs),
    /// All machines, and what they cost.
    all: (u64, Costs),
}

/// A provider in the list.
struct Row {
    provider: Provider,
    rating: Option<Rating>,
    /// Where its machines are shown.
    fleet: String,
    costs: Costs,
    coming: Coming,
}

/// What somebody thinks of a provider.
struct Rating {
    of_five: u8,
    stars: String,
    word: &'static str,
}

#[derive(Template)]
#[template(path = "provider.html")]
struct ProviderPage {
    frame: Frame,
    provider: Provider,
    wrong: Wrong,
    rating: Option<Rating>,
    /// How many machines it has, in words, and where they are shown.
    machines: String,
    fleet: String,
    /// Where those are shown that expire soon.
    soon: String,
    presence: Vec<(u64, &'static str)>,
    costs: Costs,
    coming: Coming,
    /// Of its audit trail, for those who may see it.
    lines: Vec<AuditLine>,
}

/// The list.
pub(in crate::http) async fn list(
    State(hub): AppState,
    frame: Frame,
    Parameters(parameters): Parameters,
) -> Result<Response> {
    let (filter, wrong) = match ProviderFilter::from_parameters(&parameters) {
        Ok(filter) => (filter, String::new()),
        Err(invalid) => (ProviderFilter::default(), invalid.to_string()),
    };
    let paging = Paging { per_page: PER_PAGE, ..filter.paging };
    let filter = ProviderFilter { paging, ..filter };
    let page = page(&hub, frame, filter, wrong).await?;
    let status = if page.wrong.is_empty() { StatusCode::OK } else { StatusCode::BAD_REQUEST };
    Ok(html(status, &page))
}

async fn page(hub: &Hub, frame: Frame, mut filter: ProviderFilter, wrong: String) -> Result<ProvidersPage> {
    let now = Timestamp::now();
    let (mut list, bills) = (hub.list_providers(&filter).await?, hub.bills().await?);
    // Beyond the end is the last page.
    let last = list.total.div_ceil(PER_PAGE).max(1);
    if filter.paging.page > last {
        filter.paging.page = last;
        list = hub.list_providers(&filter).await?;
    }
    let ids: Vec<Uuid> = list.data.iter().map(|provider| provider.id).collect();
    let mut expiries = hub.expiries(now, &ids, NEXT_IN_LIST).await?;
    let row = |provider: Provider| Row {
        rating: provider.rating.map(Rating::new),
        fleet: machines_of(&provider.name, ""),
        costs: Costs::of(&bills.of(Some(provider.id))),
        coming: Coming::new(now, &provider.name, expiries.remove(&provider.id).unwrap_or_default()),
        provider,
    };
    let none = hub.count_vps(now, &search("provider:none")?).await?;
    let all = hub.count_vps(now, &VpsFilter::default()).await?;
    Ok(ProvidersPage {
        frame,
        wrong,
        sort: filter.sort,
        page: filter.paging.page,
        q: filter.name_part.unwrap_or_default(),
        rows: list.data.into_iter().map(row).collect(),
        total: list.total,
        without: (none, Costs::of(&bills.of(None))),
        all: (all, Costs::of(&bills.total)),
    })
}

/// One of them.
pub(in crate::http) async fn show(State(hub): AppState, frame: Frame, Id(id): Id) -> Result<Response> {
    one(&hub, frame, id, Wrong::default()).await
}

/// The page of a provider, with what was wrong.
pub(super) async fn one(hub: &Hub, frame: Frame, id: Uuid, wrong: Wrong) -> Result<Response> {
    let now = Timestamp::now();
    let provider = hub.provider(id).await?;
    let presence = hub.count_by_presence(now, Some(id)).await?.by_name().collect();
    let expiries = hub.expiries(now, &[id], NEXT).await?.remove(&id).unwrap_or_default();
    let lines = if frame.can_edit() { trail(hub, now, id).await? } else { Vec::new() };
    let costs = Costs::of(&hub.bills().await?.of(Some(id)));
    let status = wrong.status;
    let page = ProviderPage {
        rating: provider.rating.map(Rating::new),
        machines: machines(provider.machines),
        fleet: machines_of(&provider.name, ""),
        soon: machines_of(&provider.name, "expires:<30d -status:retired"),
        coming: Coming::new(now, &provider.name, expiries),
        frame,
        provider,
        wrong,
        presence,
        costs,
        lines,
    };
    Ok(html(status, &page))
}

async fn trail(hub: &Hub, now: Timestamp, id: Uuid) -> Result<Vec<AuditLine>> {
    let paging = Paging { per_page: LINES, ..Paging::default() };
    let filter = AuditFilter { subject_id: Some(id), paging, ..AuditFilter::default() };
    Ok(lines_of_it(hub, now, hub.audit_log(&filter).await?.data).await?)
}

fn search(q: &str) -> std::result::Result<VpsFilter, Invalid> {
    VpsFilter::from_parameters(&[("q".to_owned(), q.to_owned())])
}

/// A rating in a word.
pub(super) fn rating_in_words(rating: u8) -> &'static str {
    match rating {
        1 => "poor",
        2 => "weak",
        3 => "fair",
        4 => "good",
        _ => "excellent",
    }
}

impl Rating {
    fn new(of_five: u8) -> Self {
        let stars = (1..=5).map(|star| if star <= of_five { '★' } else { '☆' }).collect();
        Self { of_five, stars, word: rating_in_words(of_five) }
    }
}

impl ProvidersPage {
    fn address(&self, sort: ProviderSort, page: u64) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let (sort, page) = (if sort == ProviderSort::Name { "" } else { sort.name() }, page.to_string());
        let parts = [("q", &*self.q), ("sort", sort), ("page", if page == "1" { "" } else { &page })];
        parts.into_iter().filter(|(_, value)| !value.is_empty()).for_each(|(name, value)| {
            query.append_pair(name, value);
        });
        let query = query.finish();
        if query.is_empty() { "/providers".to_owned() } else { format!("/providers?{query}") }
    }

    fn at_page(&self, page: u64) -> String {
        self.address(self.sort, page)
    }

    fn pages(&self) -> u64 {
        self.total.div_ceil(PER_PAGE).max(1)
    }

    /// Where a click on the heading of names leads, and how the list is sorted by it now.
    fn by_name(&self) -> (String, &'static str) {
        match self.sort {
            ProviderSort::Name => (self.address(ProviderSort::NameDown, 1), "ascending"),
            ProviderSort::NameDown => (self.address(ProviderSort::Name, 1), "descending"),
            _ => (self.address(ProviderSort::Name, 1), ""),
        }
    }

    /// The same of the heading of machines.
    fn by_machines(&self) -> (String, &'static str) {
        match self.sort {
            ProviderSort::Machines => (self.address(ProviderSort::MachinesDown, 1), "ascending"),
            ProviderSort::MachinesDown => (self.address(ProviderSort::Machines, 1), "descending"),
            _ => (self.address(ProviderSort::MachinesDown, 1), ""),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rating_is_said_in_stars_and_in_a_word() {
        for (of_five, stars, word) in [(1, "★☆☆☆☆", "poor"), (5, "★★★★★", "excellent")] {
            let rating = Rating::new(of_five);
            assert_eq!((&*rating.stars, rating.word), (stars, word));
        }
    }
}
