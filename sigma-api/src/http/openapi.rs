//! The description of the API, made from the code.

use axum::Json as Answer;
use sigma_protocol::API_KEY_HEADER;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::api::{agent, health, stats, vps};

#[derive(OpenApi)]
#[openapi(
    info(title = "Sigma hub", description = "Inventory and presence of a fleet of rented servers."),
    paths(agent::register, agent::heartbeat, vps::list, vps::read, stats::read, document, health::check),
    modifiers(&Keys),
    security(("key" = []), ("bearer" = []))
)]
struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(API_KEY_HEADER)));
        components.add_security_scheme("key", key);
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// The OpenAPI 3.1 document.
pub(crate) fn describe() -> utoipa::openapi::OpenApi {
    Api::openapi()
}

/// This document. Needs no key: it says nothing about the fleet.
#[utoipa::path(get, path = "/api/openapi.json", tag = "operation", security(()), responses(
    (status = 200, description = "OpenAPI 3.1"),
))]
pub(in crate::http) async fn document() -> Answer<utoipa::openapi::OpenApi> {
    Answer(describe())
}
