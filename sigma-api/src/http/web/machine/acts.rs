//! What a person does to a machine with a click.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::page::MachinePage;
use crate::http::AppState;
use crate::http::auth::Editor;
use crate::http::body::Id;
use crate::http::client::Client;
use crate::http::error::{ApiError, Result};
use crate::http::form::Form;
use crate::http::web::notice::go;
use crate::http::web::{Frame, html, ours, seen, wrong};
use crate::model::audit::Actor;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::model::vps::Vps;
use crate::model::vps_change::Action;
use crate::service::{Error, Hub};

/// An act on a machine, and where it came from.
pub(in crate::http) struct Act {
    client: Client,
    frame: Frame,
    id: Uuid,
    back: String,
}

impl Act {
    fn new(client: Client, frame: Frame, id: Uuid, form: &Form) -> Self {
        Self { client, frame, id, back: form.get("back").to_owned() }
    }

    /// To where the person came from, or the machine, which says what was `done`; or the machine with what is wrong.
    async fn end(self, hub: &Hub, result: std::result::Result<Vps, Error>, done: &str) -> Result<Response> {
        let error = match result {
            Ok(_) => return Ok(go(self.client, ours(&self.back, &format!("/vps/{}", self.id)), done)),
            Err(error) => ApiError::from(error),
        };
        // Only what a person may mend here is said on the page.
        if !matches!(
            error.status(),
            StatusCode::BAD_REQUEST
                | StatusCode::CONFLICT
                | StatusCode::GONE
                | StatusCode::PRECONDITION_FAILED
        ) {
            return Err(error);
        }
        let mut page = MachinePage::load(hub, Timestamp::now(), self.frame, self.id).await?;
        page.wrong = wrong(error, &[]);
        Ok(html(page.wrong.status, &page))
    }
}

/// Makes a page form of an action of the service.
macro_rules! action {
    ($(#[$doc:meta])* $name:ident, $action:expr, $done:literal) => {
        $(#[$doc])*
        pub(in crate::http) async fn $name(
            State(hub): AppState,
            client: Client,
            Editor(caller): Editor,
            frame: Frame,
            Id(id): Id,
            form: Form,
        ) -> Result<Response> {
            let result = hub.act_on_vps(Timestamp::now(), &caller.actor, id, seen(&form), $action).await;
            Act::new(client, frame, id, &form).end(&hub, result, $done).await
        }
    };
}

action!(
    /// Gives it the status `retired`.
    retire,
    Action::Retire,
    "retired"
);
action!(
    /// Deletes it, until it is restored.
    delete,
    Action::Delete,
    "deleted"
);
action!(
    /// Brings it back.
    restore,
    Action::Restore,
    "restored"
);

/// Says that another record is the same machine, and goes.
pub(in crate::http) async fn merge(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let is_forced = !form.get("force").is_empty();
    let result = match other(&form) {
        Ok(other) => hub.merge(Timestamp::now(), &caller.actor, id, other, is_forced).await,
        Err(invalid) => Err(invalid.into()),
    };
    Act::new(client, frame, id, &form).end(&hub, result, "merged").await
}

/// Says that another record, or all that it is marked with, is another machine.
pub(in crate::http) async fn distinct(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let result = differ(&hub, &caller.actor, id, &form).await;
    Act::new(client, frame, id, &form).end(&hub, result, "distinct").await
}

async fn differ(hub: &Hub, actor: &Actor, id: Uuid, form: &Form) -> std::result::Result<Vps, Error> {
    let other = if form.get("other").is_empty() { None } else { Some(other(form)?) };
    hub.distinct(Timestamp::now(), actor, id, other).await
}

/// Says that a flag was seen.
pub(in crate::http) async fn acknowledge(
    State(hub): AppState,
    client: Client,
    Editor(caller): Editor,
    frame: Frame,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let result = hub.acknowledge(Timestamp::now(), &caller.actor, id, form.get("flag")).await;
    Act::new(client, frame, id, &form).end(&hub, result, "seen").await
}

fn other(form: &Form) -> std::result::Result<Uuid, Invalid> {
    form.get("other").parse().map_err(|_| Invalid::new("other", "is the id of a record"))
}
