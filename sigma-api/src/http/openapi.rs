//! The description of the API, made from the code.

use axum::Json as Answer;
use sigma_protocol::API_KEY_HEADER;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::api::{
    account, accounts, agent, discovery, editing, exchange, health, history, identity, inbox, ip_checks,
    keys, metrics, providers, session, stats, suggestion, vps,
};

#[derive(OpenApi)]
#[openapi(
    info(title = "Sigma hub", description = "Inventory and presence of a fleet of rented servers."),
    paths(
        agent::register,
        agent::heartbeat,
        vps::list,
        vps::read,
        editing::create,
        editing::update,
        editing::delete,
        editing::restore,
        editing::retire,
        editing::bulk,
        editing::undo,
        history::addresses,
        history::of_vps,
        history::audit,
        providers::list,
        providers::read,
        providers::create,
        providers::update,
        providers::delete,
        ip_checks::list,
        ip_checks::create,
        identity::read,
        identity::presence,
        identity::merge,
        identity::distinct,
        identity::acknowledge,
        stats::read,
        inbox::read,
        exchange::export_vps,
        exchange::import_vps,
        exchange::export_providers,
        exchange::import_providers,
        discovery::prometheus,
        discovery::ansible,
        metrics::read,
        suggestion::list,
        suggestion::accept,
        suggestion::accept_one,
        session::set_up,
        session::sign_in,
        session::sign_out,
        session::list,
        session::end,
        account::read,
        account::change_password,
        account::begin_totp,
        account::remove_totp,
        account::confirm_totp,
        accounts::list,
        accounts::create,
        accounts::update,
        accounts::delete,
        keys::list,
        keys::create,
        keys::read,
        keys::update,
        keys::rotate,
        keys::revoke,
        document,
        health::check,
    ),
    modifiers(&Keys, &Names),
    security(("key" = []), ("bearer" = []), ("session" = []))
)]
struct Api;

struct Keys;

impl Modify for Keys {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        let components = api.components.get_or_insert_default();
        let key = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(API_KEY_HEADER)));
        components.add_security_scheme("key", key);
        let session = SecurityScheme::ApiKey(ApiKey::Cookie(ApiKeyValue::new("__Host-sigma")));
        components.add_security_scheme("session", session);
        components.add_security_scheme("bearer", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    }
}

/// Gives every operation a name of its own, as generated clients need it: handlers of several files share theirs.
struct Names;

impl Modify for Names {
    fn modify(&self, api: &mut utoipa::openapi::OpenApi) {
        for (path, item) in &mut api.paths.paths {
            let place: Vec<&str> = path
                .split('/')
                .map(|part| part.trim_matches(['{', '}']))
                .filter(|part| !matches!(*part, "" | "api"))
                .collect();
            let place = place.join("_").replace(['.', '-'], "_");
            let methods = [
                ("get", &mut item.get),
                ("post", &mut item.post),
                ("put", &mut item.put),
                ("patch", &mut item.patch),
                ("delete", &mut item.delete),
            ];
            for (method, operation) in methods {
                if let Some(operation) = operation {
                    operation.operation_id = Some(format!("{method}_{place}"));
                }
            }
        }
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
