//! What a person says to what waits.

use axum::extract::State;
use axum::response::Response;
use uuid::Uuid;

use super::{Words, page};
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::client::Client;
use crate::http::error::{ApiError, Result};
use crate::http::form::Form;
use crate::http::web::notice::go;
use crate::http::web::{Frame, seen, wrong};
use crate::model::audit::Actor;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::vps_change::{Action, VpsChange};
use crate::service::Hub;
use crate::service::inbox::Biller;
use crate::service::suggestion::{Accepted, Choice};

const INBOX: &str = "/inbox";

/// Assigns machines: to the provider that is suggested for a group, or to one that the person chose.
pub(in crate::http) async fn assign(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let now = Timestamp::now();
    let done = match wanted(&form) {
        Ok(Wanted::Suggested(choice)) => hub.accept_suggestions(now, &caller.actor, &choice).await,
        Ok(Wanted::Chosen(ids, biller)) => hub.assign_unassigned(now, &caller.actor, &ids, &biller).await,
        Err(invalid) => Err(invalid.into()),
    };
    match done {
        Ok(Accepted { assigned, skipped, bulk, .. }) => {
            let undo = bulk.map_or_else(String::new, |bulk| format!(".{bulk}"));
            Ok(go(client, INBOX, &format!("assigned-many.{assigned}-{}{undo}", skipped.len())))
        }
        Err(error) => again(&hub, frame, error, &form).await,
    }
}

/// These two are two machines.
pub(in crate::http) async fn distinct(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let (id, other) = (id(&form, "id")?, id(&form, "other")?);
    match hub.distinct(Timestamp::now(), &caller.actor, id, Some(other)).await {
        Ok(_) => Ok(go(client, INBOX, "distinct")),
        Err(error) => again(&hub, frame, error, &form).await,
    }
}

/// These two are one machine.
pub(in crate::http) async fn merge(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let (stays, goes) = (id(&form, "id")?, id(&form, "other")?);
    let is_forced = !form.get("force").is_empty();
    match hub.merge(Timestamp::now(), &caller.actor, stays, goes, is_forced).await {
        Ok(_) => Ok(go(client, INBOX, "merged")),
        Err(error) => again(&hub, frame, error, &form).await,
    }
}

/// What happened to these machines was seen.
pub(in crate::http) async fn acknowledge(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let ids = ids(&form)?;
    match hub.acknowledge_all(Timestamp::now(), &caller.actor, &ids, form.get("flag")).await {
        Ok(seen) => Ok(go(client, INBOX, &format!("seen-many.{seen}"))),
        Err(error) => again(&hub, frame, error, &form).await,
    }
}

/// Nobody is to wait for this machine any more.
pub(in crate::http) async fn retire(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    act(&hub, client, &caller.actor, frame, &form, (Action::Retire, "retired")).await
}

/// A deleted machine is one of the fleet again.
pub(in crate::http) async fn restore(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    act(&hub, client, &caller.actor, frame, &form, (Action::Restore, "restored")).await
}

/// A machine expires on another day.
pub(in crate::http) async fn set_expiry(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let id = id(&form, "id")?;
    let day = Some(form.get("expire_date")).filter(|day| !day.is_empty()).map(str::to_owned);
    let change = VpsChange { expire_date: Some(day), ..VpsChange::default() };
    match hub.update_vps(Timestamp::now(), &caller.actor, id, seen(&form), change).await {
        Ok(_) => Ok(go(client, INBOX, "expiry")),
        Err(error) => again(&hub, frame, error, &form).await,
    }
}

async fn act(
    hub: &Hub,
    client: Client,
    actor: &Actor,
    frame: Frame,
    form: &Form,
    (action, done): (Action, &str),
) -> Result<Response> {
    let id = id(form, "id")?;
    match hub.act_on_vps(Timestamp::now(), actor, id, seen(form), action).await {
        Ok(_) => Ok(go(client, INBOX, done)),
        Err(error) => again(hub, frame, error, form).await,
    }
}

/// The page with what is wrong and the person's words.
async fn again(hub: &Hub, frame: Frame, error: impl Into<ApiError>, form: &Form) -> Result<Response> {
    let wrong = wrong(error, &["name", "provider", "expire_date"]);
    let words = Words {
        name: form.get("name").to_owned(),
        provider: form.get("provider").to_owned(),
        chosen: form.all("id").map(str::to_owned).collect(),
        id: form.get("id").to_owned(),
        expire_date: form.get("expire_date").to_owned(),
    };
    page(hub, frame, wrong, words).await
}

/// What a form of a group asks for.
enum Wanted {
    Suggested(Choice),
    Chosen(Vec<Uuid>, Biller),
}

fn wanted(form: &Form) -> std::result::Result<Wanted, Invalid> {
    let suggested = form.get("suggested");
    let ids = ids(form)?;
    if !suggested.is_empty() {
        let is_all = !form.get("all").is_empty();
        if !is_all && ids.is_empty() {
            return Err(Invalid::new("ids", "names no machine; choose some first"));
        }
        let ids = Some(ids).filter(|_| !is_all);
        return Ok(Wanted::Suggested(Choice {
            ids,
            machines: form.get("found").parse().ok().filter(|_| is_all),
            provider: Some(suggested.to_owned()),
            ..Choice::default()
        }));
    }
    if ids.is_empty() {
        return Err(Invalid::new("ids", "names no machine; choose some first"));
    }
    let (provider, name) = (form.get("provider"), form.get("name").trim());
    match (provider, name) {
        ("", "") => Err(Invalid::new("provider", "is missing: choose one, or type the name of a new one")),
        ("", name) => Ok(Wanted::Chosen(ids, Biller::Named(name.to_owned()))),
        (id, "") => {
            let id = id.parse().map_err(|_| Invalid::new("provider", "is none of the list"))?;
            Ok(Wanted::Chosen(ids, Biller::Known(id)))
        }
        _ => Err(Invalid::new("name", "is not needed where one of the list is chosen; empty one of them")),
    }
}

fn ids(form: &Form) -> std::result::Result<Vec<Uuid>, Invalid> {
    let parsed: std::result::Result<Vec<Uuid>, _> = form.all("id").map(str::parse).collect();
    let mut ids = parsed.map_err(|_| Invalid::new("id", "is the id of a machine"))?;
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

fn id(form: &Form, field: &str) -> std::result::Result<Uuid, Invalid> {
    form.get(field).parse().map_err(|_| Invalid::new(field, "is the id of a machine"))
}
