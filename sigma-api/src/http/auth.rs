//! Who calls: taken from the request once, checked against the table of routes, and handed to handlers as an argument.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use sigma_protocol::API_KEY_HEADER;

use super::error::{ApiError, Result};
use crate::model::key::Role;
use crate::model::time::Timestamp;
use crate::service::Hub;
use crate::service::access::Identity;

/// Who may call a URL. There is no default: a route without this does not compile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Anybody, without a key.
    Open,
    /// Whoever has a key of one of these roles.
    Keys(&'static [Role]),
}

/// Stands in the extensions of an answer to somebody who showed a valid key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Keyed;

/// Lets a request through if the table of routes does. This comes before the body is read.
pub(super) async fn authorize(
    State((hub, access)): State<(Hub, Access)>,
    mut request: Request,
    next: Next,
) -> Result<Response> {
    if let Access::Keys(roles) = access {
        let identity = identify(&hub, request.headers()).await?;
        if !roles.contains(&identity.role) {
            return Err(forbidden(&identity));
        }
        request.extensions_mut().insert(identity);
        let mut response = next.run(request).await;
        response.extensions_mut().insert(Keyed);
        return Ok(response);
    }
    Ok(next.run(request).await)
}

async fn identify(hub: &Hub, headers: &HeaderMap) -> Result<Identity> {
    let unauthorized = |sentence: &'static str| ApiError::new(StatusCode::UNAUTHORIZED, sentence);
    let key = key_of(headers)
        .ok_or_else(|| unauthorized("A key is needed: send it as X-Api-Key, or as Authorization: Bearer."))?;
    let identity = hub.identify(Timestamp::now(), key).await?;
    identity.ok_or_else(|| unauthorized("This key is not known, or it was revoked."))
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
pub(super) struct Viewer(pub(super) Identity);

/// A caller who may change the inventory.
pub(super) struct Editor(pub(super) Identity);

/// A caller who may change who may do what.
pub(super) struct Admin(pub(super) Identity);

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

extracted!(Reporter Viewer Editor Admin);

fn checked(parts: &Parts, roles: &[Role]) -> Result<Identity> {
    let identity = parts.extensions.get::<Identity>().cloned();
    let identity =
        identity.ok_or_else(|| ApiError::new(StatusCode::UNAUTHORIZED, "A key is needed here."))?;
    if roles.contains(&identity.role) { Ok(identity) } else { Err(forbidden(&identity)) }
}

fn forbidden(identity: &Identity) -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        format!("A key of the role {} may not do this.", identity.role.name()),
    )
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
