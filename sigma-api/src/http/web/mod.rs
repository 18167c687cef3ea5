//! Pages: each is a struct and a template that name each other. Their handlers are siblings of those of the API over the
//! same services. A form is answered with a redirect, or with itself, the person's words and the reason.

pub(super) mod account;
pub(super) mod accounts;
pub(super) mod add;
mod arrivals;
pub(super) mod assets;
pub(super) mod audit;
mod audit_words;
mod bills;
mod browsers;
pub(super) mod bulk;
mod columns;
mod commands;
pub(super) mod ended;
pub(super) mod errors;
pub(super) mod fleet;
mod frame;
pub(super) mod import;
pub(super) mod inbox;
pub(super) mod key;
mod key_row;
pub(super) mod keys;
pub(super) mod live;
pub(super) mod machine;
pub(super) mod notice;
pub(super) mod provider_form;
pub(super) mod providers;
mod qr;
mod row;
pub(super) mod settings;
pub(super) mod setup;
pub(super) mod sign_in;
mod terms;
pub(super) mod undo;
mod words;

use askama::Template;
use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use uuid::Uuid;

use super::client::Client;
use super::cookies;
use super::error::ApiError;
use super::form::Form;
use crate::model::version::Expected;
use crate::service::Hub;
use frame::Frame;

/// What is wrong with a form: shown above it, and beside the field that it names.
#[derive(Default)]
pub(super) struct Wrong {
    status: StatusCode,
    sentence: String,
    field: String,
    /// Other fields that are wrong, and what is said at them.
    others: Vec<(String, String)>,
    retry_after: Option<u64>,
}

impl Wrong {
    /// What is to be said at `field`, if it is about that.
    fn at(&self, field: &str) -> &str {
        if self.field == field {
            return &self.sentence;
        }
        self.others.iter().find(|(other, _)| other == field).map_or("", |(_, sentence)| sentence)
    }

    /// This, and other fields that are wrong.
    fn and(mut self, others: impl Iterator<Item = Self>) -> Self {
        self.others.extend(others.filter(|it| it.field != self.field).map(|it| (it.field, it.sentence)));
        self
    }

    /// How many fields are wrong.
    fn fields(&self) -> usize {
        self.others.len().saturating_add(usize::from(!self.field.is_empty()))
    }

    /// What is to be said above the form.
    fn above(&self) -> &str {
        if self.field.is_empty() { &self.sentence } else { "" }
    }
}

/// An error as a form of `fields` shows it. `field: is wrong` becomes a sentence at the field.
fn wrong(error: impl Into<ApiError>, fields: &[&str]) -> Wrong {
    let error = error.into();
    let whole = Wrong { status: error.status(), retry_after: error.retry_after(), ..Wrong::default() };
    let sentence = without_id(&error.sentence());
    if let Some((field, reason)) = sentence.split_once(": ")
        && fields.contains(&field)
    {
        let sentence = format!("This {reason}.");
        return Wrong { sentence, field: field.to_owned(), ..whole };
    }
    Wrong { sentence, ..whole }
}

/// A sentence that names a record and its id, without the id: persons know names.
fn without_id(sentence: &str) -> String {
    let cut = sentence.split(": ").find_map(|part| {
        let id = part.get(..Uuid::nil().hyphenated().to_string().len())?;
        id.parse::<Uuid>().ok().map(|_| format!(": {id}"))
    });
    cut.map_or_else(|| sentence.to_owned(), |id| sentence.replacen(&id, "", 1))
}

/// What is wrong with a search, for persons, who have a field and no parameter `q`.
fn of_search(sentence: &str) -> String {
    match sentence.strip_prefix("q: at character ") {
        Some(place) => format!("The search cannot be understood at character {place}."),
        None => sentence.to_owned(),
    }
}

/// When a form that was not taken may be sent again, for the programs among those that send forms.
fn retry_after(wrong: &Wrong) -> HeaderMap {
    wrong.retry_after.map(|seconds| (RETRY_AFTER, seconds.into())).into_iter().collect()
}

/// The version of a record that the page showed with a button. Scripts may leave it out.
fn seen(form: &Form) -> Expected {
    Expected::default().and(form.get("version").parse().ok())
}

/// A page that was made.
fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => (status, Html(text)).into_response(),
        Err(error) => {
            log::error!("internal error: a page cannot be made: {error}");
            let sentence = "The hub made a mistake; its log says more.";
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, sentence).into_response()
        }
    }
}

/// To where a person wanted to go before signing in, if that is a page of ours.
fn back_to(next: &str) -> Redirect {
    Redirect::to(ours(next, "/"))
}

/// `next`, if it is a page of ours.
fn ours<'a>(next: &'a str, otherwise: &'a str) -> &'a str {
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(char::is_control);
    if is_ours { next } else { otherwise }
}

/// Whether a browser has a session already.
async fn is_signed_in(hub: &Hub, client: Client, headers: &HeaderMap) -> bool {
    let Some(token) = cookies::session(headers, client) else { return false };
    hub.session(crate::model::time::Timestamp::now(), token).await.is_ok_and(|signed| signed.is_some())
}

#[cfg(test)]
mod tests {
    use axum::http::header::LOCATION;

    use super::*;

    #[test]
    fn a_person_reads_of_a_search_and_not_of_a_parameter() {
        let said = of_search("q: at character 3: this quote is never closed");
        assert_eq!(said, "The search cannot be understood at character 3: this quote is never closed.");
        assert_eq!(of_search("page: is a number"), "page: is a number");
    }

    #[test]
    fn nobody_is_sent_to_another_site() {
        for (next, to) in [
            ("/account", "/account"),
            ("/account?a=b", "/account?a=b"),
            ("", "/"),
            ("https://evil.example", "/"),
            ("//evil.example", "/"),
            ("/\\evil.example", "/"),
            ("/\t/evil.example", "/"),
            ("/\u{1}", "/"),
            ("/\u{7f}", "/"),
        ] {
            assert_eq!(back_to(next).into_response().headers()[LOCATION], to, "{next:?}");
        }
    }
}
