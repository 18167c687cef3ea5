//! The form of a machine: making one that has no agent, and changing what a person says of one.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::fields::{ADDRESSES, Fields, NAMES};
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::Id;
use crate::http::client::Client;
use crate::http::error::{ApiError, Result};
use crate::http::form::{Form, LargeForm};
use crate::http::web::audit_words::{AuditLine, lines_of_it};
use crate::http::web::notice::go;
use crate::http::web::words::by_name;
use crate::http::web::{Frame, Wrong, html, retry_after, wrong};
use crate::model::audit::AuditFilter;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::version::Expected;
use crate::model::vps::{Status, Vps};
use crate::model::vps_change::VpsChange;
use crate::service::{Error, Hub};

#[derive(Template)]
#[template(path = "machine_edit.html")]
struct EditPage {
    frame: Frame,
    wrong: Wrong,
    fields: Fields,
    /// Absent as long as the machine is not made.
    machine: Option<Machine>,
    /// What others did since the form was made.
    meanwhile: Vec<AuditLine>,
    providers: Vec<(Uuid, String)>,
}

/// What the form is about.
struct Machine {
    id: Uuid,
    hostname: String,
    version: i64,
    /// When it was changed last, as the person saw it.
    changed_ms: i64,
    has_agent: bool,
    status: Status,
    reported_hostname: Option<String>,
}

/// The form.
pub(in crate::http) async fn show(
    State(hub): AppState,
    _: Editor,
    frame: Frame,
    Id(id): Id,
) -> Result<Response> {
    let now = Timestamp::now();
    let vps = hub.vps(now, id).await?;
    if vps.status == Status::Deleted {
        return Ok(Redirect::to(&format!("/vps/{id}")).into_response());
    }
    let fields = Fields::of(&vps, &hub.address_history(now, id).await?);
    let page = EditPage::new(&hub, frame, Some(machine(&vps)), fields).await?;
    Ok(html(StatusCode::OK, &page))
}

/// Changes a machine.
pub(in crate::http) async fn submit(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    Id(id): Id,
    LargeForm(form): LargeForm,
) -> Result<Response> {
    let now = Timestamp::now();
    let vps = hub.vps(now, id).await?;
    let fields = Fields::of(&vps, &hub.address_history(now, id).await?).filled(&form);
    let changed = match fields.change().and_then(|change| seen(&form, change)) {
        Ok(change) => hub.update_vps(now, &caller.actor, id, Expected::default(), change).await,
        Err(invalid) => Err(invalid.into()),
    };
    match changed {
        Ok(_) => Ok(go(client, &format!("/vps/{id}"), "machine")),
        Err(error) => again(&hub, frame, id, &form, fields.all_wrong(wrong_of(error)?)).await,
    }
}

/// The form with the person's words, what is wrong with them, and what others did meanwhile.
async fn again(hub: &Hub, frame: Frame, id: Uuid, form: &Form, wrong: Wrong) -> Result<Response> {
    let now = Timestamp::now();
    let vps = hub.vps(now, id).await?;
    let fields = Fields::of(&vps, &hub.address_history(now, id).await?).filled(form);
    let is_as_seen = form.get("version") == vps.version.to_string();
    let mut page = EditPage::new(hub, frame, Some(machine(&vps)), fields).await?;
    if !is_as_seen {
        page.meanwhile = meanwhile(hub, now, id, form.get("changed")).await?;
    }
    Ok(page.again(wrong))
}

/// The form of a machine that is yet to be made.
pub(in crate::http) async fn show_new(State(hub): AppState, _: Editor, frame: Frame) -> Result<Response> {
    let page = EditPage::new(&hub, frame, None, blank()).await?;
    Ok(html(StatusCode::OK, &page))
}

/// Makes a machine that no agent reported.
pub(in crate::http) async fn submit_new(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    LargeForm(form): LargeForm,
) -> Result<Response> {
    let fields = blank().filled(&form);
    let made = match fields.change() {
        Ok(change) => hub.create_vps(Timestamp::now(), &caller.actor, change).await,
        Err(invalid) => Err(invalid.into()),
    };
    match made {
        Ok(vps) => Ok(go(client, &format!("/vps/{}", vps.id), "machine-made")),
        Err(error) => {
            let wrong = fields.all_wrong(wrong_of(error)?);
            Ok(EditPage::new(&hub, frame, None, fields).await?.again(wrong))
        }
    }
}

/// The change, of the version that the person saw.
fn seen(form: &Form, change: VpsChange) -> std::result::Result<VpsChange, Invalid> {
    let version = form.get("version");
    let version = version.parse().map_err(|_| Invalid::new("version", "of the record is missing"))?;
    Ok(VpsChange { version: Some(version), ..change })
}

/// A machine of which nothing is known.
fn blank() -> Fields {
    Fields::of(&Vps::blank(Timestamp::now(), Uuid::nil()), &[])
}

fn machine(vps: &Vps) -> Machine {
    Machine {
        id: vps.id,
        hostname: vps.hostname.clone(),
        version: vps.version,
        changed_ms: vps.updated_at.ms(),
        has_agent: vps.reported.is_some(),
        status: vps.status,
        reported_hostname: vps.reported_hostname.clone(),
    }
}

/// An error as the form shows it. What no other words of the person would mend is none of the form's.
fn wrong_of(error: Error) -> Result<Wrong> {
    let is_of_name = matches!(error, Error::Conflict(_));
    if matches!(error, Error::Stale(_)) {
        let status = ApiError::from(error).status();
        let sentence = "Somebody else changed this machine while you did. Nothing of yours is saved yet.";
        return Ok(Wrong { status, sentence: sentence.to_owned(), ..Wrong::default() });
    }
    let error = ApiError::from(error);
    if error.status() == StatusCode::NOT_FOUND {
        return Err(error);
    }
    let mut wrong = at_a_field(error);
    if is_of_name {
        wrong.field = "hostname".to_owned();
    }
    Ok(wrong)
}

/// An error as the field shows it that it names.
fn at_a_field(error: ApiError) -> Wrong {
    let mut names = NAMES.to_vec();
    names.push(ADDRESSES);
    let mut wrong = wrong(error, &names);
    // A member of a list is said at the list, and nothing is called null in a form.
    if let Some((path, reason)) = wrong.sentence.clone().split_once(": ")
        && let Some(name) =
            path.split(['[', '.']).next().and_then(|name| names.iter().find(|it| **it == name))
    {
        wrong.field = (*name).to_owned();
        wrong.sentence = format!("One of them {reason}.");
    }
    wrong.sentence = wrong.sentence.replace(", or null", ", or empty").replace("This are", "These are");
    wrong
}

impl Fields {
    /// The fields that are wrong beside the one that was found first.
    fn all_wrong(&self, first: Wrong) -> Wrong {
        let others = self.alone().filter_map(|field| field.change().and_then(VpsChange::checked).err());
        let others = others.map(|invalid| at_a_field(Error::from(invalid).into()));
        first.and(others)
    }
}

/// What was done to a machine since it was changed last as the person saw it.
async fn meanwhile(hub: &Hub, now: Timestamp, id: Uuid, changed: &str) -> Result<Vec<AuditLine>> {
    let since = Timestamp::from_ms(changed.parse().unwrap_or(i64::MAX));
    let lines = hub.vps_audit(id, AuditFilter::default()).await?.data;
    let later = lines.into_iter().take_while(|line| line.at > since).collect();
    Ok(lines_of_it(hub, now, later).await?)
}

impl EditPage {
    async fn new(hub: &Hub, frame: Frame, machine: Option<Machine>, fields: Fields) -> Result<Self> {
        let providers = by_name(hub.provider_names().await?);
        Ok(Self { frame, wrong: Wrong::default(), fields, machine, meanwhile: Vec::new(), providers })
    }

    /// The form with the person's words and what is wrong with them.
    fn again(mut self, wrong: Wrong) -> Response {
        self.wrong = wrong;
        (retry_after(&self.wrong), html(self.wrong.status, &self)).into_response()
    }

    /// Where the form is sent.
    fn action(&self) -> String {
        self.machine.as_ref().map_or_else(|| "/vps/new".to_owned(), |it| format!("/vps/{}/edit", it.id))
    }

    /// What is to be said at a field: what is wrong, or what somebody else made of it.
    fn at(&self, name: &str) -> String {
        match self.fields.theirs(name) {
            Some(_) if !self.wrong.at(name).is_empty() => self.wrong.at(name).to_owned(),
            Some("") => "Somebody else emptied this meanwhile.".to_owned(),
            Some(theirs) if name == "provider_id" => {
                let known = self.providers.iter().find(|(id, _)| id.to_string() == theirs);
                let name = known.map_or("another provider", |(_, name)| name);
                format!("Somebody else chose {name} meanwhile.")
            }
            Some(theirs) => format!("Somebody else wrote “{theirs}” meanwhile."),
            None => self.wrong.at(name).to_owned(),
        }
    }

    /// As many lines as the tags take, more or less.
    fn tag_lines(&self) -> usize {
        self.fields.get("tags").len().div_ceil(110).clamp(2, 12)
    }

    fn statuses(&self) -> [&'static str; 5] {
        Status::LIVING.map(Status::name)
    }

    fn has_agent(&self) -> bool {
        self.machine.as_ref().is_some_and(|machine| machine.has_agent)
    }
}
