//! What every page has around it: where one may go, who is signed in, and what was done just now.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::assets;
use super::notice::Notice;
use crate::http::client::Client;
use crate::http::cookies;
use crate::http::error::ApiError;
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::Hub;
use crate::service::sessions::Signed;

/// What every page has around it. A handler asks for it as an argument.
pub(in crate::http) struct Frame {
    /// Addresses of the stylesheet and the script, which change with what is in them.
    pub(super) style: &'static str,
    pub(super) script: &'static str,
    /// Whose page it is; nobody's, before signing in.
    pub(super) person: Option<Who>,
    /// Whether others on the way can read what the person sends.
    pub(super) is_readable: bool,
    /// What the form did that led here.
    pub(super) notice: Option<Notice>,
    path: String,
    /// Machines that wait for a person.
    waiting: u64,
}

/// Whose page it is.
pub(super) struct Who {
    pub(super) email: String,
    pub(super) role: Role,
}

/// A place that the navigation leads to.
pub(super) struct Door {
    pub(super) path: &'static str,
    pub(super) name: &'static str,
    /// What waits there.
    pub(super) count: u64,
}

impl Frame {
    /// For somebody who signed in, without what the database knows.
    pub(super) fn of(client: Client, signed: &Signed) -> Self {
        let who = Who { email: signed.account.email.clone(), role: signed.account.role };
        Self { person: Some(who), ..Self::of_stranger(client) }
    }

    /// For anybody.
    pub(super) fn of_stranger(client: Client) -> Self {
        Self {
            style: assets::style(),
            script: assets::script(),
            person: None,
            is_readable: !client.is_https,
            notice: None,
            path: String::new(),
            waiting: 0,
        }
    }

    /// Whether whoever looks may change the inventory.
    pub(super) fn can_edit(&self) -> bool {
        self.person.as_ref().is_some_and(|who| matches!(who.role, Role::Admin | Role::Operator))
    }

    /// Whether whoever looks decides who may do what.
    pub(super) fn is_admin(&self) -> bool {
        self.person.as_ref().is_some_and(|who| who.role == Role::Admin)
    }

    /// Where one may go.
    pub(super) fn doors(&self) -> Vec<Door> {
        let door = |path, name, count| Door { path, name, count };
        let mut doors = vec![door("/", "Fleet", 0), door("/inbox", "Inbox", self.waiting)];
        doors.push(door("/providers", "Providers", 0));
        if self.can_edit() {
            doors.push(door("/audit", "Audit", 0));
        }
        doors.push(door("/settings", "Settings", 0));
        doors
    }

    /// Whether this page is the one at `path`, or belongs to it.
    pub(super) fn is_in(&self, path: &str) -> bool {
        let below: &[&str] = match path {
            "/" => &["/vps", "/fleet", "/add", "/import"],
            "/settings" => &["/settings", "/account", "/accounts", "/keys"],
            "/audit" => &["/audit", "/undo"],
            _ => return is_below(&self.path, path),
        };
        self.path == path || below.iter().any(|path| is_below(&self.path, path))
    }
}

fn is_below(path: &str, top: &str) -> bool {
    path.strip_prefix(top).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl FromRequestParts<Hub> for Frame {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, hub: &Hub) -> Result<Self, ApiError> {
        let client = parts.extensions.get::<Client>().copied().unwrap_or_default();
        let Some(signed) = parts.extensions.get::<Signed>() else { return Ok(Self::of_stranger(client)) };
        let path = parts.uri.path().to_owned();
        let notice = cookies::done(&parts.headers, client).and_then(Notice::of);
        let waiting = hub.waiting(Timestamp::now()).await?;
        Ok(Self { notice, path, waiting, ..Self::of(client, signed) })
    }
}
