//! Adding machines: a key with what its machines get, the commands that bring it to them, and a page that counts them.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::arrivals::Arrivals;
use super::commands::{Commands, warning};
use super::key_row::came;
use super::terms::{Choice, FIELDS, TermsForm, of_all_tags};
use super::{Frame, Wrong, html, wrong};
use crate::http::AppState;
use crate::http::auth::Admin;
use crate::http::body::Id;
use crate::http::error::Result;
use crate::http::form::Form;
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::model::vps_filter::VpsFilter;
use crate::service::keys::KeyRecord;
use crate::service::{Error, Hub};

/// Keys that are offered to be watched.
const UNDER_WAY: usize = 8;

#[derive(Template)]
#[template(path = "add.html")]
struct AddPage {
    frame: Frame,
    wrong: Wrong,
    terms: TermsForm,
    providers: Vec<Choice>,
    /// Whether this is the first machine.
    is_first: bool,
    warning: Option<String>,
    under_way: Vec<UnderWay>,
}

/// A key that still brings machines.
struct UnderWay {
    id: Uuid,
    name: String,
    came: String,
}

#[derive(Template)]
#[template(path = "add_made.html")]
struct MadePage {
    frame: Frame,
    commands: Commands,
    warning: Option<String>,
    arrivals: Arrivals,
}

#[derive(Template)]
#[template(path = "add_watch.html")]
struct WatchPage {
    frame: Frame,
    arrivals: Arrivals,
}

#[derive(Template)]
#[template(path = "add_count.html")]
struct Count {
    arrivals: Arrivals,
}

#[derive(Template)]
#[template(path = "add_machines.html")]
struct Machines {
    arrivals: Arrivals,
}

/// The page.
pub(in crate::http) async fn show(State(hub): AppState, frame: Frame) -> Result<Response> {
    page(&hub, frame, TermsForm::new(), Wrong::default()).await
}

/// Makes a key. It is shown this once, so there is no redirect.
pub(in crate::http) async fn make(
    State(hub): AppState,
    Admin(caller): Admin,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let (now, typed) = (Timestamp::now(), TermsForm::of(&form));
    let made = match typed.terms(now) {
        Ok(terms) => hub.make_key(now, &caller.actor, &typed.name, Role::Agent, terms).await,
        Err(invalid) => Err(invalid.into()),
    };
    let (record, key) = match made {
        Ok(made) => made,
        Err(error) => return page(&hub, frame, typed, wrong(of_all_tags(error), &FIELDS)).await,
    };
    let url = &hub.entrance.public_url;
    let commands = Commands::new(url, key.reveal()).map_err(|error| Error::Broken(error.to_string()))?;
    let arrivals = Arrivals::of(&hub, now, record.id).await?;
    Ok(html(StatusCode::OK, &MadePage { frame, commands, warning: warning(url), arrivals }))
}

/// Who came with a key; this page may be kept, the key is not on it.
pub(in crate::http) async fn watch(State(hub): AppState, frame: Frame, Id(id): Id) -> Result<Response> {
    let arrivals = Arrivals::of(&hub, Timestamp::now(), id).await?;
    Ok(html(StatusCode::OK, &WatchPage { frame, arrivals }))
}

/// How many came, alone: asked for again and again.
pub(in crate::http) async fn count(State(hub): AppState, Id(id): Id) -> Result<Response> {
    let arrivals = Arrivals::of(&hub, Timestamp::now(), id).await?;
    Ok(html(StatusCode::OK, &Count { arrivals }))
}

/// Who came, alone: asked for again and again.
pub(in crate::http) async fn machines(State(hub): AppState, Id(id): Id) -> Result<Response> {
    let arrivals = Arrivals::of(&hub, Timestamp::now(), id).await?;
    Ok(html(StatusCode::OK, &Machines { arrivals }))
}

async fn page(hub: &Hub, frame: Frame, terms: TermsForm, wrong: Wrong) -> Result<Response> {
    let now = Timestamp::now();
    let providers = terms.providers(hub).await?;
    let is_first = hub.count_vps(now, &VpsFilter::default()).await? == 0;
    let under_way = under_way(hub, now).await?;
    let (status, warning) = (wrong.status, warning(&hub.entrance.public_url));
    Ok(html(status, &AddPage { frame, wrong, terms, providers, is_first, warning, under_way }))
}

/// The keys that still bring machines, the newest first.
async fn under_way(hub: &Hub, now: Timestamp) -> Result<Vec<UnderWay>> {
    let mut keys = hub.keys().await?;
    keys.reverse();
    let brings = |key: &KeyRecord| {
        let is_valid = key.revoked_at.is_none() && key.expires_at.is_none_or(|at| at > now);
        let has_room = key.max_machines.is_none_or(|most| key.enrolled < u64::from(most));
        key.role == Role::Agent && is_valid && has_room
    };
    let row = |key: KeyRecord| UnderWay { id: key.id, came: came(&key), name: key.name };
    Ok(keys.into_iter().filter(brings).take(UNDER_WAY).map(row).collect())
}
