//! Making, changing and deleting a provider.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::notice::go;
use super::providers::{one, rating_in_words};
use super::{Frame, Wrong, html, wrong};
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::Id;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::http::form::{Form, LargeForm};
use crate::model::provider::{Provider, ProviderChange};
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::service::Error;

/// Fields that can be wrong.
const FIELDS: [&str; 6] = ["name", "country", "website", "panel_url", "rating", "notes"];

#[derive(Template)]
#[template(path = "provider_form.html")]
struct FormPage {
    frame: Frame,
    /// The one that is changed, as it is now; none while one is made.
    now: Option<Provider>,
    /// The version that the person saw.
    version: i64,
    /// Whether somebody else changed it since the person looked.
    is_stale: bool,
    words: Words,
    wrong: Wrong,
}

/// What stands in the form.
struct Words {
    name: String,
    country: String,
    website: String,
    panel_url: String,
    api_supported: bool,
    rating: String,
    notes: String,
}

impl Words {
    fn of(provider: &Provider) -> Self {
        Self {
            name: provider.name.clone(),
            country: provider.country.clone(),
            website: provider.website.clone(),
            panel_url: provider.panel_url.clone(),
            api_supported: provider.api_supported,
            rating: provider.rating.map(|rating| rating.to_string()).unwrap_or_default(),
            notes: provider.notes.clone(),
        }
    }

    fn typed(form: &Form) -> Self {
        let of = |name: &str| form.get(name).to_owned();
        Self {
            name: of("name"),
            country: of("country"),
            website: form.get("website").trim().to_owned(),
            panel_url: form.get("panel_url").trim().to_owned(),
            api_supported: !form.get("api_supported").is_empty(),
            rating: of("rating"),
            notes: of("notes"),
        }
    }

    fn get(&self, field: &str) -> &str {
        match field {
            "name" => &self.name,
            "country" => &self.country,
            "website" => &self.website,
            "panel_url" => &self.panel_url,
            "rating" => &self.rating,
            "notes" => &self.notes,
            _ if self.api_supported => "yes",
            _ => "no",
        }
    }

    fn change(&self, version: Option<i64>) -> std::result::Result<ProviderChange, Invalid> {
        let rating = match &*self.rating {
            "" => None,
            text => Some(text.parse().map_err(|_| Invalid::new("rating", "is 1 to 5, or none"))?),
        };
        Ok(ProviderChange {
            name: Some(self.name.clone()),
            country: Some(self.country.clone()),
            website: Some(self.website.clone()),
            panel_url: Some(self.panel_url.clone()),
            api_supported: Some(self.api_supported),
            rating: Some(rating),
            notes: Some(self.notes.clone()),
            version,
        })
    }
}

impl FormPage {
    /// What the record says now of a member, if somebody else changed it to other than the person's words.
    fn meanwhile(&self, field: &str) -> String {
        let Some(now) = self.now.as_ref().filter(|_| self.is_stale) else { return String::new() };
        let value = |words: &Words| words.get(field).replace("\r\n", "\n").trim().to_owned();
        let (typed, now) = (value(&self.words), value(&Words::of(now)));
        match &*now {
            _ if typed == now => String::new(),
            "" => "Now it is empty.".to_owned(),
            now => format!("Now it is: {now}"),
        }
    }

    fn ratings(&self) -> [(&'static str, &'static str); 5] {
        [("5", 5), ("4", 4), ("3", 3), ("2", 2), ("1", 1)]
            .map(|(text, rating)| (text, rating_in_words(rating)))
    }
}

/// The empty form.
pub(in crate::http) async fn blank(frame: Frame, _: Editor) -> Response {
    let words = Words::of(&Provider::blank(Timestamp::now(), Uuid::nil()));
    let page = FormPage { frame, now: None, version: 0, is_stale: false, words, wrong: Wrong::default() };
    html(StatusCode::OK, &page)
}

/// Makes a provider.
pub(in crate::http) async fn create(
    State(hub): AppState,
    client: Client,
    frame: Frame,
    Editor(caller): Editor,
    LargeForm(form): LargeForm,
) -> Result<Response> {
    let words = Words::typed(&form);
    let made = match words.change(None) {
        Ok(change) => hub.create_provider(Timestamp::now(), &caller.actor, change).await,
        Err(invalid) => Err(invalid.into()),
    };
    match made {
        Ok(provider) => Ok(go(client, &format!("/providers/{}", provider.id), "provider-made")),
        Err(error) => {
            let wrong = of_form(error);
            let status = wrong.status;
            Ok(html(status, &FormPage { frame, now: None, version: 0, is_stale: false, words, wrong }))
        }
    }
}

/// The form of one that exists.
pub(in crate::http) async fn edit(
    State(hub): AppState,
    frame: Frame,
    _: Editor,
    Id(id): Id,
) -> Result<Response> {
    let provider = hub.provider(id).await?;
    let words = Words::of(&provider);
    let (version, wrong) = (provider.version, Wrong::default());
    let page = FormPage { frame, now: Some(provider), version, is_stale: false, words, wrong };
    Ok(html(StatusCode::OK, &page))
}

/// Changes it. What somebody else changed meanwhile is shown beside the person's words, and not overwritten unseen.
pub(in crate::http) async fn change(
    State(hub): AppState,
    client: Client,
    frame: Frame,
    Editor(caller): Editor,
    Id(id): Id,
    LargeForm(form): LargeForm,
) -> Result<Response> {
    let (words, now) = (Words::typed(&form), Timestamp::now());
    let changed = match words.change(Some(version(&form))) {
        Ok(change) => hub.update_provider(now, &caller.actor, id, Expected::default(), change).await,
        Err(invalid) => Err(invalid.into()),
    };
    match changed {
        Ok(_) => Ok(go(client, &format!("/providers/{id}"), "provider-changed")),
        Err(error) => {
            let is_stale = matches!(error, Error::Stale(_));
            let (wrong, provider) = (of_form(error), hub.provider(id).await?);
            let status = wrong.status;
            // Whoever saves again has seen what it says now.
            let version = if is_stale { provider.version } else { version(&form) };
            Ok(html(status, &FormPage { frame, now: Some(provider), version, is_stale, words, wrong }))
        }
    }
}

/// Deletes one that has no machines.
pub(in crate::http) async fn delete(
    State(hub): AppState,
    client: Client,
    frame: Frame,
    Editor(caller): Editor,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let expected = Expected::default().and(Some(version(&form)));
    match hub.delete_provider(Timestamp::now(), &caller.actor, id, expected).await {
        Ok(()) => Ok(go(client, "/providers", "provider-deleted")),
        Err(error @ (Error::Conflict(_) | Error::Stale(_))) => one(&hub, frame, id, wrong(error, &[])).await,
        Err(error) => Err(error.into()),
    }
}

/// The version that the person saw; what is none, is that of no record.
fn version(form: &Form) -> i64 {
    form.get("version").parse().ok().filter(|version| *version > 0).unwrap_or(i64::MAX)
}

/// That another has the name is said at the name.
fn of_form(error: Error) -> Wrong {
    let is_taken = matches!(error, Error::Conflict(_));
    let mut wrong = wrong(error, &FIELDS);
    if is_taken {
        wrong.field = "name".to_owned();
    }
    wrong
}
