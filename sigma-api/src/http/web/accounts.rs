//! Everybody's accounts: who there is, inviting, roles, and the end of an account.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use uuid::Uuid;

use super::notice::go;
use super::words::Moment;
use super::{Frame, Wrong, html, wrong};
use crate::http::AppState;
use crate::http::auth::{Admin, Person};
use crate::http::body::Id;
use crate::http::client::Client;
use crate::http::error::Result;
use crate::http::form::Form;
use crate::model::account::{Account, check_role};
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::{Error, Hub};

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage {
    frame: Frame,
    wrong: Wrong,
    /// The account that something is wrong with; none where it is the invitation.
    at: Option<Uuid>,
    email: String,
    role: String,
    rows: Vec<Row>,
}

struct Row {
    id: Uuid,
    email: String,
    role: Role,
    signed_in: Option<Moment>,
    is_invited: bool,
    has_totp: bool,
    is_me: bool,
}

#[derive(Template)]
#[template(path = "invited.html")]
struct InvitedPage {
    frame: Frame,
    email: String,
    role: &'static str,
    link: String,
    until: Moment,
}

/// What is sent when an invitation or a change is not taken.
#[derive(Default)]
struct Refused {
    wrong: Wrong,
    at: Option<Uuid>,
    email: String,
    role: String,
}

impl AccountsPage {
    /// Roles of persons, with what each may do.
    fn roles(&self) -> [(&'static str, &'static str); 3] {
        [
            (Role::Readonly.name(), "Sees all of the fleet and changes nothing."),
            (Role::Operator.name(), "Changes machines and providers, too."),
            (Role::Admin.name(), "May do everything, keys and accounts included."),
        ]
    }

    /// What is wrong with an account.
    fn wrong_at(&self, row: &Row) -> &str {
        if self.at == Some(row.id) { &self.wrong.sentence } else { "" }
    }

    /// What is wrong above the page.
    fn above(&self) -> &str {
        if self.at.is_none() { self.wrong.above() } else { "" }
    }
}

/// The page.
pub(in crate::http) async fn list(
    State(hub): AppState,
    Person(signed): Person,
    frame: Frame,
) -> Result<Response> {
    page(&hub, frame, signed.account.id, Refused::default()).await
}

/// Invites somebody, or makes another link for somebody who has not come yet. The link is shown this once.
pub(in crate::http) async fn invite(
    State(hub): AppState,
    Admin(caller): Admin,
    Person(signed): Person,
    frame: Frame,
    form: Form,
) -> Result<Response> {
    let now = Timestamp::now();
    let invited = match check_role(form.get("role")) {
        Ok(role) => hub.invite(now, &caller, form.get("email"), role).await,
        Err(invalid) => Err(invalid.into()),
    };
    match invited {
        Ok(invited) => {
            let until = Moment::new(now, invited.expires_at);
            let (email, role) = (invited.account.email, invited.account.role.name());
            Ok(html(StatusCode::OK, &InvitedPage { frame, email, role, link: invited.link, until }))
        }
        Err(error) => {
            let (email, role) = (form.get("email").to_owned(), form.get("role").to_owned());
            let refused = Refused { wrong: of_invitation(error), at: None, email, role };
            page(&hub, frame, signed.account.id, refused).await
        }
    }
}

/// What is wrong with an invitation.
fn of_invitation(error: Error) -> Wrong {
    let is_taken = matches!(error, Error::Conflict(_));
    let wrong = wrong(error, &["email", "role"]);
    if !is_taken {
        return wrong;
    }
    Wrong { sentence: "Somebody has an account with this e-mail already.".to_owned(), ..wrong }
}

/// Gives an account another role.
pub(in crate::http) async fn change_role(
    State(hub): AppState,
    client: Client,
    Admin(caller): Admin,
    Person(signed): Person,
    frame: Frame,
    Id(id): Id,
    form: Form,
) -> Result<Response> {
    let changed = match check_role(form.get("role")) {
        Ok(role) => hub.change_role(Timestamp::now(), &caller, id, role).await,
        Err(invalid) => Err(invalid.into()),
    };
    match changed {
        Ok(_) => Ok(go(client, "/accounts", "role")),
        Err(error) => refuse(&hub, frame, signed.account.id, id, error).await,
    }
}

/// Deletes an account.
pub(in crate::http) async fn delete(
    State(hub): AppState,
    client: Client,
    Admin(caller): Admin,
    Person(signed): Person,
    frame: Frame,
    Id(id): Id,
) -> Result<Response> {
    match hub.delete_account(Timestamp::now(), &caller, id).await {
        Ok(()) => Ok(go(client, "/accounts", "removed")),
        Err(error) => refuse(&hub, frame, signed.account.id, id, error).await,
    }
}

/// The page, with what is wrong at the account that was to be changed.
async fn refuse(hub: &Hub, frame: Frame, me: Uuid, id: Uuid, error: Error) -> Result<Response> {
    let is_known = !matches!(error, Error::NotFound(_));
    let refused = Refused { wrong: wrong(error, &[]), at: is_known.then_some(id), ..Refused::default() };
    page(hub, frame, me, refused).await
}

async fn page(hub: &Hub, frame: Frame, me: Uuid, refused: Refused) -> Result<Response> {
    let now = Timestamp::now();
    let rows = hub.accounts().await?.into_iter().map(|account| row(now, me, account)).collect();
    let Refused { wrong, at, email, role } = refused;
    let status = wrong.status;
    Ok(html(status, &AccountsPage { frame, wrong, at, email, role, rows }))
}

fn row(now: Timestamp, me: Uuid, account: Account) -> Row {
    Row {
        is_me: account.id == me,
        id: account.id,
        role: account.role,
        signed_in: account.last_sign_in_at.map(|at| Moment::new(now, at)),
        is_invited: account.invited,
        has_totp: account.totp,
        email: account.email,
    }
}
