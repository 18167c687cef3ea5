//! One key: its terms, another secret, its end.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::commands::put_key;
use super::key_row::KeyRow;
use super::notice::{go, machines};
use super::terms::{Choice, FIELDS, TermsForm, of_all_tags};
use super::{Frame, Wrong, html, wrong};
use crate::http::AppState;
use crate::http::auth::Admin;
use crate::http::body::Id;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::http::form::Form;
use crate::model::key::NewKey;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::service::keys::{KeyRecord, OVERLAP_HOURS, Rotation};
use crate::service::{Error, Hub};

#[derive(Template)]
#[template(path = "key.html")]
struct KeyPage {
    frame: Frame,
    wrong: Wrong,
    row: KeyRow,
    terms: TermsForm,
    providers: Vec<Choice>,
    overlap_hours: String,
}

#[derive(Template)]
#[template(path = "key_once.html")]
struct OncePage {
    frame: Frame,
    row: KeyRow,
    key: String,
    is_rotated: bool,
    /// How it gets into its file.
    put: String,
    origin: String,
}

impl KeyPage {
    /// What ends when the key is revoked.
    fn cost(&self) -> String {
        match (self.row.is_of_agents(), self.row.machines) {
            (false, _) => "Whatever uses it is refused from then on.".to_owned(),
            (true, 0) => "No machine reports with it.".to_owned(),
            (true, 1) => "1 machine reports with it and is refused from then on.".to_owned(),
            (true, count) => format!("{} report with it and are refused from then on.", machines(count)),
        }
    }
}

/// The page.
pub(in crate::http) async fn show(State(hub): AppState, frame: Frame, Id(id): Id) -> Result<Response> {
    let key = hub.key(id).await?;
    let terms = TermsForm::of_key(&key);
    page(&hub, frame, key, terms, Wrong::default(), OVERLAP_HOURS.to_string()).await
}

/// Changes name and terms.
pub(in crate::http) async fn change(
    State(hub): AppState,
    client: Client,
    Admin(caller): Admin,
    frame: Frame,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let now = Timestamp::now();
    let key = hub.key(id).await?;
    let typed = TermsForm::of(&form).keeping(&key);
    let changed = match typed.change(now) {
        Ok(change) => hub.change_key(now, &caller.actor, id, change).await,
        Err(invalid) => Err(invalid.into()),
    };
    match changed {
        Ok(_) => Ok(go(client, &format!("/keys/{id}"), "key")),
        Err(error) => {
            let wrong = wrong(of_all_tags(error), &FIELDS);
            page(&hub, frame, key, typed, wrong, OVERLAP_HOURS.to_string()).await
        }
    }
}

/// Gives it another secret, which is shown this once.
pub(in crate::http) async fn rotate(
    State(hub): AppState,
    Admin(caller): Admin,
    frame: Frame,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let typed = form.get("overlap_hours").trim();
    let rotated = match typed.parse() {
        Ok(hours) => {
            let rotation = Rotation { overlap_hours: Some(hours), force: !form.get("force").is_empty() };
            hub.rotate_key(Timestamp::now(), &caller.actor, id, rotation).await
        }
        Err(_) => Err(Invalid::new("overlap_hours", "is no number of hours").into()),
    };
    match rotated {
        Ok((record, key)) => shown_once(&hub, frame, record, &key, true).await,
        Err(error) => {
            let key = hub.key(id).await?;
            let terms = TermsForm::of_key(&key);
            page(&hub, frame, key, terms, wrong(error, &["overlap_hours"]), typed.to_owned()).await
        }
    }
}

/// Ends it at once.
pub(in crate::http) async fn revoke(
    State(hub): AppState,
    client: Client,
    Admin(caller): Admin,
    Id(id): Id,
) -> Result<Response> {
    hub.revoke_key(Timestamp::now(), &caller.actor, id).await?;
    Ok(go(client, &format!("/keys/{id}"), "revoked"))
}

/// A key with its secret.
pub(super) async fn shown_once(
    hub: &Hub,
    frame: Frame,
    record: KeyRecord,
    key: &NewKey,
    is_rotated: bool,
) -> Result<Response> {
    let row = row(hub, record).await?;
    let key = key.reveal().to_owned();
    let put = put_key(&key, row.is_of_agents()).map_err(|error| Error::Broken(error.to_string()))?;
    let origin = hub.entrance.public_url.origin().to_owned();
    Ok(html(StatusCode::OK, &OncePage { frame, row, key, is_rotated, put, origin }))
}

async fn row(hub: &Hub, key: KeyRecord) -> Result<KeyRow> {
    let providers = hub.provider_names().await?;
    Ok(KeyRow::new(Timestamp::now(), key, &providers))
}

async fn page(
    hub: &Hub,
    frame: Frame,
    key: KeyRecord,
    terms: TermsForm,
    wrong: Wrong,
    overlap_hours: String,
) -> Result<Response> {
    let providers = terms.providers(hub).await?;
    let (row, status) = (row(hub, key).await?, wrong.status);
    Ok(html(status, &KeyPage { frame, wrong, row, terms, providers, overlap_hours }))
}
