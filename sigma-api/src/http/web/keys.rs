//! Keys of agents and programs: all of them, and making one for a program.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::key::shown_once;
use super::key_row::{KeyRow, may};
use super::terms::{FIELDS, TermsForm};
use super::{Frame, Wrong, html, wrong};
use crate::http::AppState;
use crate::http::auth::Admin;
use crate::http::error::Result;
use crate::http::form::Form;
use crate::model::key::Role;
use crate::model::text::Invalid;
use crate::model::time::Timestamp;
use crate::service::Hub;

#[derive(Template)]
#[template(path = "keys.html")]
struct KeysPage {
    frame: Frame,
    wrong: Wrong,
    terms: TermsForm,
    rows: Vec<KeyRow>,
}

impl KeysPage {
    /// Roles of programs, with what each may do.
    fn roles(&self) -> [(&'static str, &'static str); 3] {
        [Role::Readonly, Role::Operator, Role::Admin].map(|role| (role.name(), may(role)))
    }

    /// Whether the form was sent and not taken.
    fn is_refused(&self) -> bool {
        !self.wrong.sentence.is_empty()
    }
}

/// The page.
pub(in crate::http) async fn list(State(hub): AppState, frame: Frame) -> Result<Response> {
    let terms = TermsForm::new();
    page(&hub, frame, terms, Wrong::default()).await
}

/// Makes a key. It is shown this once, so there is no redirect.
pub(in crate::http) async fn make(
    State(hub): AppState,
    Admin(caller): Admin,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let (now, typed) = (Timestamp::now(), TermsForm::of(&form));
    let made = match typed.terms(now).and_then(|terms| Ok((role_of(&typed.role)?, terms))) {
        Ok((role, terms)) => hub.make_key(now, &caller.actor, &typed.name, role, terms).await,
        Err(invalid) => Err(invalid.into()),
    };
    match made {
        Ok((record, key)) => shown_once(&hub, frame, record, &key, false).await,
        Err(error) => page(&hub, frame, typed, wrong(error, &[&FIELDS[..], &["role"]].concat())).await,
    }
}

fn role_of(name: &str) -> std::result::Result<Role, Invalid> {
    Role::from_name(name).ok_or_else(|| Invalid::new("role", "is none of those to choose from"))
}

async fn page(hub: &Hub, frame: Frame, terms: TermsForm, wrong: Wrong) -> Result<Response> {
    let now = Timestamp::now();
    let providers = hub.provider_names().await?;
    let mut rows: Vec<KeyRow> =
        hub.keys().await?.into_iter().map(|key| KeyRow::new(now, key, &providers)).collect();
    // What is over comes last, and the newest first.
    rows.reverse();
    rows.sort_by_key(|row| row.state.is_revoked);
    let status = wrong.status;
    Ok(html(status, &KeysPage { frame, wrong, terms, rows }))
}
