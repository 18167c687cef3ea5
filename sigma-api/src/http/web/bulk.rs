//! Changing many machines from the list of the fleet, and taking that back.

use askama::Template;
use axum::extract::State;
use axum::http::header::REFERER;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;
use uuid::Uuid;

use super::fleet::{self, address};
use super::notice::{Notice, go, machines, of_undo};
use super::{Frame, html, ours};
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::Id;
use crate::http::client::Client;
use crate::http::error::{ApiError, Result};
use crate::http::form::Form;
use crate::model::bulk::{BulkRequest, BulkResult, MAX_MACHINES};
use crate::model::time::Timestamp;
use crate::model::undo::UndoResult;
use crate::model::vps_change::{Action, VpsChange};
use crate::model::vps_filter::VpsFilter;

/// What a person chose and typed below the list: shown again when it was not taken.
#[derive(Debug, Default)]
pub(super) struct Bulk {
    pub(super) status: StatusCode,
    pub(super) wrong: String,
    ids: Vec<Uuid>,
    pub(super) all: bool,
    pub(super) provider_id: String,
    pub(super) provider: String,
    pub(super) add_tag: String,
    pub(super) remove_tag: String,
    pub(super) expire_date: String,
}

impl Bulk {
    fn of(form: &Form) -> Self {
        let text = |name: &str| form.get(name).trim().to_owned();
        Self {
            status: StatusCode::OK,
            wrong: String::new(),
            ids: form.all("id").filter_map(|id| id.parse().ok()).collect(),
            all: !form.get("all").is_empty(),
            provider_id: text("provider_id"),
            provider: text("provider"),
            add_tag: text("add_tag"),
            remove_tag: text("remove_tag"),
            expire_date: text("expire_date"),
        }
    }

    /// Whether that machine was chosen.
    pub(super) fn has(&self, id: Uuid) -> bool {
        self.ids.contains(&id)
    }

    pub(super) fn refused(self, error: &ApiError) -> Self {
        Self { status: error.status(), wrong: in_words(&error.sentence()), ..self }
    }

    /// What the button asks for. The key Enter presses none: then it is what was typed, if that is one thing.
    fn deed<'a>(&self, button: &'a str) -> std::result::Result<&'a str, &'static str> {
        if !button.is_empty() {
            return Ok(button);
        }
        let typed = [
            ("provider", !self.provider.is_empty() || !self.provider_id.is_empty()),
            ("add_tag", !self.add_tag.is_empty()),
            ("remove_tag", !self.remove_tag.is_empty()),
            ("expiry", !self.expire_date.is_empty()),
        ];
        let mut given = typed.into_iter().filter(|(_, is_given)| *is_given);
        match (given.next(), given.next()) {
            (Some((deed, _)), None) => Ok(deed),
            _ => Err("Press one of the buttons."),
        }
    }

    fn request(&self, form: &Form) -> std::result::Result<BulkRequest, String> {
        let (mut change, mut provider) = (VpsChange::default(), None);
        match self.deed(form.get("do"))? {
            "provider" if !self.provider.is_empty() => provider = Some(self.provider.clone()),
            "provider" if self.provider_id == "none" => change.provider_id = Some(None),
            "provider" => {
                let id = self.provider_id.parse().map_err(|_| "Choose a provider, or name a new one.")?;
                change.provider_id = Some(Some(id));
            }
            "add_tag" => change.add_tags = Some(tags(&self.add_tag)?),
            "remove_tag" => change.remove_tags = Some(tags(&self.remove_tag)?),
            "expiry" if self.expire_date.is_empty() => {
                return Err("Choose a day, or press No date.".to_owned());
            }
            "expiry" => change.expire_date = Some(Some(self.expire_date.clone())),
            "no_expiry" => change.expire_date = Some(None),
            "retire" => change.action = Some(Action::Retire),
            "delete" => change.action = Some(Action::Delete),
            "restore" => change.action = Some(Action::Restore),
            _ => return Err("Press one of the buttons.".to_owned()),
        }
        if self.all {
            let filter = VpsFilter::from_parameters(&[("q".to_owned(), form.get("q").to_owned())]);
            let filter = filter.map_err(|invalid| invalid.to_string())?;
            let found = form.get("found").parse();
            let found =
                found.map_err(|_| "The page does not say how many machines are meant; choose again.")?;
            return Ok(BulkRequest::of_list(filter, found, change, provider));
        }
        if self.ids.is_empty() {
            return Err("Choose machines first: tick those you mean.".to_owned());
        }
        Ok(BulkRequest::of_ids(self.ids.clone(), change, provider))
    }
}

fn tags(typed: &str) -> std::result::Result<Vec<String>, &'static str> {
    let tags: Vec<String> =
        typed.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned).collect();
    if tags.is_empty() { Err("Name a tag.") } else { Ok(tags) }
}

/// A refusal as a person reads it: it knows no names of members.
fn in_words(sentence: &str) -> String {
    let names = [
        ("change.expire_date", "The date"),
        ("change.add_tags", "The tag"),
        ("change.remove_tags", "The tag"),
        ("change.provider_id", "The provider"),
        ("change.tags", "The tags"),
        ("name", "The name of the provider"),
        ("ids", "The choice is out of date:"),
    ];
    let Some((field, reason)) = sentence.split_once(": ") else { return sentence.to_owned() };
    if (field == "filter" || field == "ids") && reason.starts_with("means more") {
        return format!("These are more than {MAX_MACHINES} machines; change fewer at once.");
    }
    if ["change.add_tags", "change.remove_tags"].contains(&field) {
        return format!("The tags {reason}.");
    }
    // Members of lists have their number after them.
    let field = field.split('[').next().unwrap_or(field);
    match names.iter().find(|(name, _)| *name == field) {
        Some((_, words)) => format!("{words} {reason}."),
        None => sentence.to_owned(),
    }
}

fn done(button: &str, result: &BulkResult) -> String {
    let word = match button {
        "delete" => "deleted-many",
        "retire" => "retired-many",
        _ => "changed",
    };
    match result.bulk {
        Some(bulk) => format!("{word}.{}.{bulk}", result.changed),
        None => "same".to_owned(),
    }
}

/// Does it to all machines that were chosen, or to none and says why.
pub(in crate::http) async fn change(
    State(hub): AppState,
    client: Client,
    headers: HeaderMap,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let (now, bulk) = (Timestamp::now(), Bulk::of(&form));
    let place = [("q", form.get("q")), ("sort", form.get("sort")), ("page", form.get("page"))];
    let changed = match bulk.request(&form) {
        Ok(request) => hub.change_many(now, &caller.actor, request).await.map_err(ApiError::from),
        Err(sentence) => Err(ApiError::bad_request(sentence)),
    };
    match changed {
        Ok(result) => Ok(go(client, &address(&place), &done(form.get("do"), &result))),
        Err(error) if error.status().is_server_error() => Err(error),
        Err(error) => {
            let parameters = place.map(|(name, value)| (name.to_owned(), value.to_owned()));
            fleet::page(&hub, (client, &headers), frame, &parameters, bulk.refused(&error)).await
        }
    }
}

/// What could not be taken back, and why.
#[derive(Template)]
#[template(path = "undone.html")]
struct UndonePage {
    frame: Frame,
    result: UndoResult,
    back: String,
}

impl UndonePage {
    fn stays(&self) -> String {
        format!(
            "Of {} something stays as it is:",
            machines(u64::try_from(self.result.kept).unwrap_or(u64::MAX))
        )
    }

    fn more(&self) -> usize {
        self.result.kept.saturating_sub(self.result.reasons.len())
    }
}

/// Takes a bulk change back, and goes to where the person is; first to what stays, if something does.
pub(in crate::http) async fn undo(
    State(hub): AppState,
    client: Client,
    headers: HeaderMap,
    Editor(caller): Editor,
    mut frame: Frame,
    Id(id): Id,
) -> Result<Response> {
    let result = hub.undo(Timestamp::now(), &caller.actor, id).await?;
    let done = of_undo(&result);
    let back = where_from(&headers);
    if result.kept == 0 && result.undone > 0 {
        return Ok(go(client, ours(&back, "/"), &done));
    }
    frame.notice = Notice::of(&done).filter(|_| result.undone > 0);
    let back = ours(&back, "/").to_owned();
    Ok(html(StatusCode::OK, &UndonePage { frame, result, back }))
}

/// The page on which the button was.
pub(super) fn where_from(headers: &HeaderMap) -> String {
    let page = headers.get(REFERER).and_then(|value| value.to_str().ok()?.parse::<Uri>().ok());
    page.and_then(|page| page.into_parts().path_and_query).map_or_else(String::new, |path| path.to_string())
}
