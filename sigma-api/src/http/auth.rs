//! Who calls: taken from the request once, checked against the table of routes, and handed to handlers as an argument.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use sigma_protocol::API_KEY_HEADER;

use super::client::Client;
use super::cookies;
use super::error::{ApiError, Result};
use super::web::ended::to_sign_in;
use crate::model::audit::ActorKind;
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::Hub;
use crate::service::access::Identity;
use crate::service::sessions::Signed;

/// Who may call a URL. There is no default: a route without this does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody, without a key.
    Open,
    /// Whoever has a key of one of these roles, or an account of one.
    Keys(&'static [Role]),
    /// A person who signed in to an account of one of these roles; no key.
    Persons(&'static [Role]),
    /// The same, for a page: a browser without a session is sent to where one signs in.
    Page(&'static [Role]),
}

/// Stands in the extensions of an answer to somebody who showed a valid key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed;

/// Lets a request through if the table of routes does. This comes before the body is read.
pub(super) async fn authorize(
    State((hub, access)): State<(Hub, Access)>,
    client: Client,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    let (roles, caller) = match access {
        Access::Open => return Ok(next.run(request).await),
        Access::Keys(roles) => (roles, identify(&hub, client, request.headers()).await?),
        Access::Persons(roles) => (roles, identify_person(&hub, client, request.headers()).await?),
        Access::Page(roles) => match signed(&hub, client, request.headers()).await? {
            Some(signed) => (roles, Caller::Person(signed)),
            None => return Ok(to_sign_in(client, &request)),
        },
    };
    let (mut identity, signed) = match caller {
        Caller::Key(identity) => (identity, None),
        Caller::Person(signed) => (signed.identity.clone(), Some(signed)),
    };
    if !roles.contains(&identity.role) {
        return match signed.filter(|_| matches!(access, Access::Page(_))) {
            Some(signed) => Ok(not_this_person(roles, &signed)),
            None => Err(forbidden(&identity)),
        };
    }
    identity.actor.client_ip = client.ip;
    if let Some(mut signed) = signed {
        signed.identity = identity.clone();
        request.extensions_mut().insert(signed);
    }
    request.extensions_mut().insert(identity);
    let mut response = next.run(request).await;
    response.extensions_mut().insert(Keyed);
    Ok(response)
}

/// Who calls.
enum Caller {
    Key(Identity),
    Person(Signed),
}

fn unauthorized(sentence: &'static str) -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, sentence)
}

/// Who calls: whoever shows a key is who the key is for, whatever else the browser sends.
async fn identify(hub: &Hub, client: Client, headers: &HeaderMap) -> Result<Caller> {
    if let Some(key) = key_of(headers) {
        let identity = hub.identify(Timestamp::now(), key).await?;
        return identity
            .map(Caller::Key)
            .ok_or_else(|| unauthorized("This key is not known, it has expired, or it was revoked."));
    }
    let none = "A key is needed: send it as X-Api-Key, or as Authorization: Bearer. Persons sign in.";
    signed(hub, client, headers).await?.map(Caller::Person).ok_or_else(|| unauthorized(none))
}

async fn identify_person(hub: &Hub, client: Client, headers: &HeaderMap) -> Result<Caller> {
    match identify(hub, client, headers).await? {
        Caller::Key(_) => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "This is for persons who signed in; a key has no account.",
        )),
        person @ Caller::Person(_) => Ok(person),
    }
}

async fn signed(hub: &Hub, client: Client, headers: &HeaderMap) -> Result<Option<Signed>> {
    match cookies::session(headers, client) {
        Some(token) => Ok(hub.session(Timestamp::now(), token).await?),
        None => Ok(None),
    }
}

fn key_of(headers: &HeaderMap) -> Option<&str> {
    if let Some(key) = headers.get(API_KEY_HEADER) {
        return key.to_str().ok();
    }
    let (scheme, key) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// A caller who reports for machines: an agent, or an administrator who tries out what an agent does. Operators and
/// readers do not speak for machines.
pub(super) struct Reporter(pub(super) Identity);

/// A caller who may look at the fleet, which agents may not.
pub(super) struct Viewer;

/// A caller who may change the inventory.
pub(super) struct Editor(pub(super) Identity);

/// A caller who may change who may do what.
pub(super) struct Admin(pub(super) Identity);

/// A caller of any role, who asks about itself.
pub(super) struct Anyone(pub(super) Identity);

/// A person who signed in, with the session.
pub(super) struct Person(pub(super) Signed);

impl Anyone {
    /// Who that may be.
    pub(super) const ROLES: &'static [Role] = &[Role::Agent, Role::Admin, Role::Operator, Role::Readonly];
}

impl Reporter {
    /// Who that may be.
    pub(super) const ROLES: &'static [Role] = &[Role::Agent, Role::Admin];
}

impl Viewer {
    /// Who that may be.
    pub(super) const ROLES: &'static [Role] = &[Role::Admin, Role::Operator, Role::Readonly];
}

impl Editor {
    /// Who that may be.
    pub(super) const ROLES: &'static [Role] = &[Role::Admin, Role::Operator];
}

impl Admin {
    /// Who that may be.
    pub(super) const ROLES: &'static [Role] = &[Role::Admin];
}

/// Makes an extractor of the identity that the guard found, checked once more against what the signature asks for.
macro_rules! extracted {
    ($($caller:ident)*) => {$(
        impl<S: Sync> FromRequestParts<S> for $caller {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
                checked(parts, Self::ROLES).map(Self)
            }
        }
    )*};
}

impl<S: Sync> FromRequestParts<S> for Person {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let signed = parts.extensions.get::<Signed>().cloned();
        signed.map(Self).ok_or_else(|| unauthorized("This is for persons who signed in."))
    }
}

extracted!(Anyone Reporter Editor Admin);

impl<S: Sync> FromRequestParts<S> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        checked(parts, Self::ROLES).map(|_| Self)
    }
}

fn checked(parts: &Parts, roles: &[Role]) -> Result<Identity> {
    let identity = parts.extensions.get::<Identity>().cloned();
    let identity = identity.ok_or_else(|| unauthorized("A key is needed here."))?;
    if roles.contains(&identity.role) { Ok(identity) } else { Err(forbidden(&identity)) }
}

fn forbidden(identity: &Identity) -> ApiError {
    let caller = if identity.actor.kind == ActorKind::Account { "An account" } else { "A key" };
    ApiError::new(
        StatusCode::FORBIDDEN,
        format!("{caller} of the role {} may not do this.", identity.role.name()),
    )
}

/// Says to a person who may open a page; what stands around that page is made for the person.
fn not_this_person(roles: &[Role], signed: &Signed) -> Response {
    let who =
        if roles.contains(&Role::Operator) { "an operator or an administrator" } else { "an administrator" };
    let role = signed.account.role.name();
    let sentence = format!("This takes {who}. Your role is {role}; an administrator can change that.");
    ApiError::new(StatusCode::FORBIDDEN, sentence).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        headers
    }

    #[test]
    fn a_key_is_found_in_both_headers() {
        assert_eq!(key_of(&headers("x-api-key", "sgm_a")), Some("sgm_a"));
        assert_eq!(key_of(&headers("authorization", "Bearer sgm_a")), Some("sgm_a"));
        assert_eq!(key_of(&headers("authorization", "bearer  sgm_a")), Some("sgm_a"));
        assert_eq!(key_of(&headers("authorization", "Basic sgm_a")), None);
        assert_eq!(key_of(&HeaderMap::new()), None);
    }
}
