//! What a form did, said once on the page that follows. It travels in a cookie, not in the address: anybody can write a
//! link. What the cookie may say stands here.

use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, SET_COOKIE};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{AppendHeaders, IntoResponse, Redirect, Response};
use uuid::Uuid;

use crate::http::client::Client;
use crate::http::cookies;
use crate::model::undo::UndoResult;

/// What the cookie says after a form that was sent without a session.
pub(in crate::http) const ENDED: &str = "ended";

/// What was done.
pub(super) struct Notice {
    pub(super) sentence: String,
    /// The bulk change that can be taken back.
    pub(super) undo: Option<Uuid>,
}

impl Notice {
    /// What a text of the cookie says: a word, and sometimes a number and the id of a bulk change after dots.
    pub(super) fn of(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let word = parts.next()?;
        let number = parts.next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
        let undo = parts.next().and_then(|id| id.parse().ok());
        let sentence = match word {
            "changed" => format!("{} changed.", machines(number)),
            "deleted-many" => format!("{} deleted.", are(number)),
            "retired-many" => format!("{} retired.", are(number)),
            "assigned-many" => assigned(parts_of(text)),
            "undone" => undone(number, text),
            "seen-many" => format!("{} seen.", machines(number)),
            "imported" => imported(number),
            "assigned-to" => format!("Assigned to {}.", name_in(text)),
            _ => known(word)?.to_owned(),
        };
        Some(Self { sentence, undo })
    }
}

/// The two numbers after the word.
fn parts_of(text: &str) -> (u64, u64) {
    let numbers = text.split('.').nth(1).and_then(|numbers| numbers.split_once('-'));
    numbers.map_or((0, 0), |(one, other)| (one.parse().unwrap_or(0), other.parse().unwrap_or(0)))
}

/// What the cookie says when a machine is assigned to the provider of that name.
pub(super) fn assigned_to(provider: &str) -> String {
    let name: String = form_urlencoded::byte_serialize(provider.as_bytes()).collect();
    format!("assigned-to.{name}")
}

/// The name after the word.
fn name_in(text: &str) -> String {
    let name = text.split_once('.').map_or("", |(_, name)| name);
    form_urlencoded::parse(name.as_bytes()).map(|(name, _)| name.into_owned()).next().unwrap_or_default()
}

/// So many are assigned now, and so many could not be.
fn assigned((assigned, skipped): (u64, u64)) -> String {
    let done = format!("{} assigned.", are(assigned));
    match skipped {
        0 => done,
        1 => format!("{done} 1 was changed meanwhile, and stays as it is."),
        skipped => format!("{done} {skipped} were changed meanwhile, and stay as they are."),
    }
}

/// What the cookie says when a change is taken back, and `again` takes that back in turn.
pub(super) fn of_undo(result: &UndoResult) -> String {
    let again = result.bulk.map(|bulk| bulk.to_string()).unwrap_or_default();
    let (deleted, kept) = (result.deleted_providers.len(), result.kept_providers.len());
    format!("undone.{}.{again}.{deleted}-{kept}", result.undone)
}

/// So many machines are as before, and what became of providers that the change had made.
fn undone(number: u64, text: &str) -> String {
    let numbers = text.split('.').nth(3).and_then(|numbers| numbers.split_once('-'));
    let number_of = |text: &str| text.parse::<u64>().unwrap_or(0);
    let (deleted, kept) = numbers.map_or((0, 0), |(deleted, kept)| (number_of(deleted), number_of(kept)));
    let deleted = match deleted {
        0 => String::new(),
        1 => " The provider that the change had made is deleted.".to_owned(),
        many => format!(" The {many} providers that the change had made are deleted."),
    };
    let kept = match kept {
        0 => String::new(),
        1 => " The provider that the change had made stays: it is in use, or was changed since.".to_owned(),
        many => format!(
            " {many} providers that the change had made stay: they are in use, or were changed since."
        ),
    };
    format!("{} as before.{deleted}{kept}", machines(number))
}

/// So many records of a file are new or other than before.
fn imported(records: u64) -> String {
    match records {
        0 => "Nothing was to be changed.".to_owned(),
        1 => "1 record is imported.".to_owned(),
        records => format!("{records} records are imported."),
    }
}

/// Sentences without a number.
fn known(word: &str) -> Option<&'static str> {
    Some(match word {
        "password" => "The password is changed, and all your other sessions have ended.",
        "totp" => "Signing in no longer asks for a code.",
        "assigned" => "The provider is assigned.",
        "machine" => "The machine is saved.",
        "machine-made" => "The machine is added.",
        "retired" => "The machine is retired.",
        "deleted" => "The machine is deleted.",
        "restored" => "The machine is back as it was.",
        "merged" => "The two records are one now.",
        "distinct" => "They are two machines, and will not be marked again.",
        "seen" => "It is marked as seen.",
        "expiry" => "The day is saved.",
        "key" => "The key is changed.",
        "revoked" => "The key is revoked.",
        "role" => "The role is changed. That person has to sign in again.",
        "removed" => "The account is deleted.",
        "provider-made" => "The provider is added.",
        "provider-changed" => "The provider is changed.",
        "provider-deleted" => "The provider is deleted.",
        "sessions" => "All your other sessions have ended.",
        "same" => "Nothing changed: it was like this already.",
        "session" => "The session has ended.",
        ENDED => {
            "Your session has ended, so nothing was saved. After signing in, going back may bring your words back."
        }
        _ => return None,
    })
}

/// So many machines, in words.
pub(super) fn machines(number: u64) -> String {
    if number == 1 { "1 machine".to_owned() } else { format!("{number} machines") }
}

/// So many machines are.
fn are(number: u64) -> String {
    format!("{} {}", machines(number), if number == 1 { "is" } else { "are" })
}

/// To the page that follows a form, which says what was done.
pub(super) fn go(client: Client, to: &str, done: &str) -> Response {
    (AppendHeaders([(SET_COOKIE, cookies::set_done(client, done))]), Redirect::to(to)).into_response()
}

/// Forgets what was done once a page has said it.
pub(in crate::http) async fn said_once(client: Client, request: Request, next: Next) -> Response {
    let is_told = request.method() == Method::GET && cookies::done(request.headers(), client).is_some();
    let mut response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    if is_told
        && response.status() == StatusCode::OK
        && kind.is_some_and(|kind| kind.starts_with("text/html"))
    {
        response.headers_mut().append(SET_COOKIE, cookies::set_done(client, ""));
    }
    response
}
