//! Every URL of the hub, with who may call it. The router and the authorization are both made from this table.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::extract::{MatchedPath, Request};
use axum::handler::Handler;
use axum::http::{Method, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodFilter, MethodRouter, on};
use axum::{Extension, Router};
use tower_http::csrf::{CsrfLayer, ProtectionError};

use super::api::{
    account, accounts, agent, discovery, editing, exchange, health, history, identity, inbox, ip_checks,
    keys, metrics, providers, session, stats, suggestion, vps,
};
use super::auth::{Access, Admin, Anyone, Editor, Reporter, Viewer, authorize};
use super::client::recognize;
use super::compression::{self, is_compressed};
use super::error::ApiError;
use super::headers::guard;
use super::metrics::{Metrics, count};
use super::{openapi, web};
use crate::model::key::Role;
use crate::service::Hub;

/// No answer takes longer; the body of the request has a deadline of its own within this.
const ANSWER_WITHIN: Duration = Duration::from_secs(45);

const REPORTERS: Access = Access::Keys(Reporter::ROLES);
const VIEWERS: Access = Access::Keys(Viewer::ROLES);
const EDITORS: Access = Access::Keys(Editor::ROLES);
const ADMINS: Access = Access::Keys(Admin::ROLES);
const ANYONE: Access = Access::Keys(Anyone::ROLES);
/// Every person who signed in.
const PERSONS: Access = Access::Persons(Viewer::ROLES);
const PAGES: Access = Access::Page(Viewer::ROLES);
const PAGE_EDITORS: Access = Access::Page(Editor::ROLES);
const PAGE_ADMINS: Access = Access::Page(Admin::ROLES);

/// One URL and method.
pub(super) struct Route {
    pub(super) method: Method,
    pub(super) path: &'static str,
    pub(super) access: Access,
    handler: MethodRouter<Hub>,
}

/// The table.
pub(super) fn table() -> Vec<Route> {
    vec![
        post("/api/agent/register", REPORTERS, agent::register),
        post("/api/agent/heartbeat", REPORTERS, agent::heartbeat),
        get("/api/vps", VIEWERS, vps::list),
        get("/api/vps/{id}", VIEWERS, vps::read),
        post("/api/vps", EDITORS, editing::create),
        post("/api/vps/bulk", EDITORS, editing::bulk),
        post("/api/vps/bulk/{id}/undo", EDITORS, editing::undo),
        put("/api/vps/{id}", EDITORS, editing::update),
        delete("/api/vps/{id}", EDITORS, editing::delete),
        post("/api/vps/{id}/restore", EDITORS, editing::restore),
        post("/api/vps/{id}/retire", EDITORS, editing::retire),
        get("/api/vps/{id}/addresses", VIEWERS, history::addresses),
        get("/api/vps/{id}/audit", VIEWERS, history::of_vps),
        get("/api/audit", EDITORS, history::audit),
        get("/api/providers", VIEWERS, providers::list),
        get("/api/providers/{id}", VIEWERS, providers::read),
        post("/api/providers", EDITORS, providers::create),
        put("/api/providers/{id}", EDITORS, providers::update),
        delete("/api/providers/{id}", EDITORS, providers::delete),
        get("/api/ip-checks", VIEWERS, ip_checks::list),
        post("/api/ip-checks", EDITORS, ip_checks::create),
        post("/api/vps/{id}/suggestion/accept", EDITORS, suggestion::accept_one),
        get("/api/suggestions", VIEWERS, suggestion::list),
        post("/api/suggestions/accept", EDITORS, suggestion::accept),
        get("/api/vps/{id}/identity", VIEWERS, identity::read),
        get("/api/vps/{id}/presence", VIEWERS, identity::presence),
        post("/api/vps/{id}/merge", EDITORS, identity::merge),
        post("/api/vps/{id}/distinct", EDITORS, identity::distinct),
        post("/api/vps/{id}/acknowledge", EDITORS, identity::acknowledge),
        get("/api/stats", VIEWERS, stats::read),
        get("/api/inbox", VIEWERS, inbox::read),
        get("/api/vps/export", VIEWERS, exchange::export_vps),
        post("/api/vps/import", EDITORS, exchange::import_vps),
        get("/api/providers/export", VIEWERS, exchange::export_providers),
        post("/api/providers/import", EDITORS, exchange::import_providers),
        get("/api/prometheus/targets", VIEWERS, discovery::prometheus),
        get("/api/ansible/inventory", VIEWERS, discovery::ansible),
        get("/metrics", VIEWERS, metrics::read),
        // Says nothing about the fleet, and tools that read it seldom have a key.
        get("/api/openapi.json", Access::Open, openapi::document),
        get("/healthz", Access::Open, health::check),
        // Links, accounts and sessions.
        post("/api/setup", Access::Open, session::set_up),
        post("/api/session", Access::Open, session::sign_in),
        delete("/api/session", PERSONS, session::sign_out),
        get("/api/sessions", PERSONS, session::list),
        delete("/api/sessions/{id}", PERSONS, session::end),
        get("/api/account", ANYONE, account::read),
        post("/api/account/password", PERSONS, account::change_password),
        post("/api/account/totp", PERSONS, account::begin_totp),
        delete("/api/account/totp", PERSONS, account::remove_totp),
        post("/api/account/totp/confirm", PERSONS, account::confirm_totp),
        get("/api/accounts", ADMINS, accounts::list),
        post("/api/accounts", ADMINS, accounts::create),
        put("/api/accounts/{id}", ADMINS, accounts::update),
        delete("/api/accounts/{id}", ADMINS, accounts::delete),
        get("/api/keys", ADMINS, keys::list),
        post("/api/keys", ADMINS, keys::create),
        get("/api/keys/{id}", ADMINS, keys::read),
        put("/api/keys/{id}", ADMINS, keys::update),
        post("/api/keys/{id}/rotate", ADMINS, keys::rotate),
        delete("/api/keys/{id}", ADMINS, keys::revoke),
        // Pages and their forms.
        get("/", PAGES, web::fleet::show),
        get("/live", PAGES, web::live::show),
        post("/fleet/view", PAGES, web::fleet::choose_view),
        post("/fleet/bulk", PAGE_EDITORS, web::bulk::change),
        get("/undo/{id}", PAGE_EDITORS, web::undo::show),
        post("/undo/{id}", PAGE_EDITORS, web::bulk::undo),
        post("/vps/{id}/accept", PAGE_EDITORS, web::fleet::accept),
        get("/vps/new", PAGE_EDITORS, web::machine::edit::show_new),
        post("/vps/new", PAGE_EDITORS, web::machine::edit::submit_new),
        get("/vps/{id}", PAGES, web::machine::show),
        get("/vps/{id}/audit", PAGES, web::machine::audit),
        get("/vps/{id}/edit", PAGE_EDITORS, web::machine::edit::show),
        post("/vps/{id}/edit", PAGE_EDITORS, web::machine::edit::submit),
        post("/vps/{id}/retire", PAGE_EDITORS, web::machine::acts::retire),
        post("/vps/{id}/delete", PAGE_EDITORS, web::machine::acts::delete),
        post("/vps/{id}/restore", PAGE_EDITORS, web::machine::acts::restore),
        post("/vps/{id}/merge", PAGE_EDITORS, web::machine::acts::merge),
        post("/vps/{id}/distinct", PAGE_EDITORS, web::machine::acts::distinct),
        post("/vps/{id}/acknowledge", PAGE_EDITORS, web::machine::acts::acknowledge),
        get("/inbox", PAGES, web::inbox::show),
        post("/inbox/assign", PAGE_EDITORS, web::inbox::assign),
        post("/inbox/distinct", PAGE_EDITORS, web::inbox::distinct),
        post("/inbox/merge", PAGE_EDITORS, web::inbox::merge),
        post("/inbox/acknowledge", PAGE_EDITORS, web::inbox::acknowledge),
        post("/inbox/retire", PAGE_EDITORS, web::inbox::retire),
        post("/inbox/restore", PAGE_EDITORS, web::inbox::restore),
        post("/inbox/expiry", PAGE_EDITORS, web::inbox::set_expiry),
        get("/providers", PAGES, web::providers::list),
        get("/providers/new", PAGE_EDITORS, web::provider_form::blank),
        post("/providers", PAGE_EDITORS, web::provider_form::create),
        get("/providers/{id}", PAGES, web::providers::show),
        get("/providers/{id}/edit", PAGE_EDITORS, web::provider_form::edit),
        post("/providers/{id}/edit", PAGE_EDITORS, web::provider_form::change),
        post("/providers/{id}/delete", PAGE_EDITORS, web::provider_form::delete),
        get("/audit", PAGE_EDITORS, web::audit::show),
        get("/settings", PAGES, web::settings::show),
        get("/import", PAGES, web::import::show),
        post("/import/preview", PAGE_EDITORS, web::import::preview),
        post("/import/apply", PAGE_EDITORS, web::import::apply),
        get("/assets/{file}", Access::Open, web::assets::serve),
        get("/setup", Access::Open, web::setup::show),
        post("/setup", Access::Open, web::setup::submit),
        get("/sign-in", Access::Open, web::sign_in::show),
        post("/sign-in", Access::Open, web::sign_in::submit),
        post("/sign-in/code", Access::Open, web::sign_in::submit_code),
        post("/sign-out", PAGES, web::sign_in::sign_out),
        get("/account", PAGES, web::account::show),
        post("/account/password", PAGES, web::account::change_password),
        post("/account/totp", PAGES, web::account::begin_totp),
        post("/account/totp/confirm", PAGES, web::account::confirm_totp),
        post("/account/totp/remove", PAGES, web::account::remove_totp),
        post("/account/sessions/end", PAGES, web::account::end_other_sessions),
        post("/account/sessions/{id}/end", PAGES, web::account::end_session),
        get("/add", PAGE_ADMINS, web::add::show),
        post("/add", PAGE_ADMINS, web::add::make),
        get("/add/{id}", PAGE_ADMINS, web::add::watch),
        get("/add/{id}/count", PAGE_ADMINS, web::add::count),
        get("/add/{id}/machines", PAGE_ADMINS, web::add::machines),
        get("/keys", PAGE_ADMINS, web::keys::list),
        post("/keys", PAGE_ADMINS, web::keys::make),
        get("/keys/{id}", PAGE_ADMINS, web::key::show),
        post("/keys/{id}", PAGE_ADMINS, web::key::change),
        post("/keys/{id}/rotate", PAGE_ADMINS, web::key::rotate),
        post("/keys/{id}/revoke", PAGE_ADMINS, web::key::revoke),
        get("/accounts", PAGE_ADMINS, web::accounts::list),
        post("/accounts", PAGE_ADMINS, web::accounts::invite),
        post("/accounts/{id}/role", PAGE_ADMINS, web::accounts::change_role),
        post("/accounts/{id}/delete", PAGE_ADMINS, web::accounts::delete),
    ]
}

/// The router over all of the table.
pub(crate) fn router(hub: Hub) -> Router {
    let mut router = Router::new();
    let counted = Metrics::new(table().iter().map(|route| (route.method.clone(), route.path)));
    for route in table() {
        let guard = from_fn_with_state((hub.clone(), route.access), authorize);
        let mut handler = route.handler;
        if is_compressed(&route.method, route.path) {
            handler = handler.route_layer(compression::layer());
        }
        router = router.route(route.path, handler.route_layer(guard));
    }
    router
        .fallback(no_such_url)
        .method_not_allowed_fallback(no_such_method)
        .layer(Extension(Arc::<web::live::Boards>::default()))
        .layer(Extension(Arc::clone(&counted)))
        .layer(from_fn(within_deadline))
        .layer(from_fn_with_state(counted, count))
        .layer(cross_site(hub.entrance.public_url.origin()))
        .layer(from_fn(web::notice::said_once))
        .layer(from_fn_with_state(hub.clone(), web::errors::for_browsers))
        .layer(from_fn(guard))
        .layer(from_fn_with_state(hub.clone(), recognize))
        .layer(from_fn(logged))
        .with_state(hub)
}

/// Whether there is a page at that path.
pub(super) fn is_page(path: &str) -> bool {
    static PAGES: LazyLock<Vec<&str>> = LazyLock::new(|| {
        let pages = table().into_iter();
        let pages =
            pages.filter(|route| route.method == Method::GET && matches!(route.access, Access::Page(_)));
        pages.map(|route| route.path).collect()
    });
    let is_at = |page: &&str| {
        page.split('/').count() == path.split('/').count()
            && page.split('/').zip(path.split('/')).all(|(part, it)| part.starts_with('{') || part == it)
    };
    PAGES.iter().any(is_at)
}

/// Refuses what a page of another site makes a browser send. Agents and clients send no `Origin` and are let through.
fn cross_site(own: &str) -> CsrfLayer<fn(ProtectionError) -> Response> {
    let layer = CsrfLayer::new();
    // A proxy may change the `Host` that an `Origin` is compared with.
    let layer = layer.clone().add_trusted_origin(own).unwrap_or(layer);
    layer.with_rejection_response(|_| {
        let sentence = "This request came from a page of another site; open the hub itself and try again.";
        ApiError::new(StatusCode::FORBIDDEN, sentence).into_response()
    })
}

/// A line per route: method, path, and who may call it.
pub(crate) fn list_routes() -> Vec<String> {
    table().iter().map(|route| format!("{} {}: {}", route.method, route.path, who(route.access))).collect()
}

fn who(access: Access) -> String {
    let names = |roles: &[Role]| roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" ");
    match access {
        Access::Open => "open".to_owned(),
        Access::Keys(roles) => names(roles),
        Access::Persons(roles) => format!("signed in: {}", names(roles)),
        Access::Page(roles) => format!("page: {}", names(roles)),
    }
}

fn get<H: Handler<T, Hub>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::GET, path, access, handler: on(MethodFilter::GET, handler) }
}

fn post<H: Handler<T, Hub>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::POST, path, access, handler: on(MethodFilter::POST, handler) }
}

fn put<H: Handler<T, Hub>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::PUT, path, access, handler: on(MethodFilter::PUT, handler) }
}

fn delete<H: Handler<T, Hub>, T: 'static>(path: &'static str, access: Access, handler: H) -> Route {
    Route { method: Method::DELETE, path, access, handler: on(MethodFilter::DELETE, handler) }
}

async fn no_such_url() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "There is nothing at this address.")
}

async fn no_such_method() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "This address does not know that method.")
}

async fn within_deadline(request: Request, next: Next) -> Response {
    match tokio::time::timeout(ANSWER_WITHIN, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            log::warn!("no answer within {} s", ANSWER_WITHIN.as_secs());
            ApiError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The hub could not answer in time; try again soon.",
            )
            .into_response()
        }
    }
}

/// A line per request, for those who ask for it: the route, not the path or the query, where somebody may have put a key.
async fn logged(request: Request, next: Next) -> Response {
    if !log::log_enabled!(log::Level::Debug) {
        return next.run(request).await;
    }
    let route = request.extensions().get::<MatchedPath>().map_or("(no route)", MatchedPath::as_str);
    let line = format!("{} {route}", request.method());
    let response = next.run(request).await;
    log::debug!("{line} {}", response.status().as_u16());
    response
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn who_may_call_what_is_as_it_was_agreed() {
        let agreed = [
            "POST /api/agent/register: agent admin",
            "POST /api/agent/heartbeat: agent admin",
            "GET /api/vps: admin operator readonly",
            "GET /api/vps/{id}: admin operator readonly",
            "POST /api/vps: admin operator",
            "POST /api/vps/bulk: admin operator",
            "POST /api/vps/bulk/{id}/undo: admin operator",
            "PUT /api/vps/{id}: admin operator",
            "DELETE /api/vps/{id}: admin operator",
            "POST /api/vps/{id}/restore: admin operator",
            "POST /api/vps/{id}/retire: admin operator",
            "GET /api/vps/{id}/addresses: admin operator readonly",
            "GET /api/vps/{id}/audit: admin operator readonly",
            "GET /api/audit: admin operator",
            "GET /api/providers: admin operator readonly",
            "GET /api/providers/{id}: admin operator readonly",
            "POST /api/providers: admin operator",
            "PUT /api/providers/{id}: admin operator",
            "DELETE /api/providers/{id}: admin operator",
            "GET /api/ip-checks: admin operator readonly",
            "POST /api/ip-checks: admin operator",
            "POST /api/vps/{id}/suggestion/accept: admin operator",
            "GET /api/suggestions: admin operator readonly",
            "POST /api/suggestions/accept: admin operator",
            "GET /api/vps/{id}/identity: admin operator readonly",
            "GET /api/vps/{id}/presence: admin operator readonly",
            "POST /api/vps/{id}/merge: admin operator",
            "POST /api/vps/{id}/distinct: admin operator",
            "POST /api/vps/{id}/acknowledge: admin operator",
            "GET /api/stats: admin operator readonly",
            "GET /api/inbox: admin operator readonly",
            "GET /api/vps/export: admin operator readonly",
            "POST /api/vps/import: admin operator",
            "GET /api/providers/export: admin operator readonly",
            "POST /api/providers/import: admin operator",
            "GET /api/prometheus/targets: admin operator readonly",
            "GET /api/ansible/inventory: admin operator readonly",
            "GET /metrics: admin operator readonly",
            "GET /api/openapi.json: open",
            "GET /healthz: open",
            "POST /api/setup: open",
            "POST /api/session: open",
            "DELETE /api/session: signed in: admin operator readonly",
            "GET /api/sessions: signed in: admin operator readonly",
            "DELETE /api/sessions/{id}: signed in: admin operator readonly",
            "GET /api/account: agent admin operator readonly",
            "POST /api/account/password: signed in: admin operator readonly",
            "POST /api/account/totp: signed in: admin operator readonly",
            "DELETE /api/account/totp: signed in: admin operator readonly",
            "POST /api/account/totp/confirm: signed in: admin operator readonly",
            "GET /api/accounts: admin",
            "POST /api/accounts: admin",
            "PUT /api/accounts/{id}: admin",
            "DELETE /api/accounts/{id}: admin",
            "GET /api/keys: admin",
            "POST /api/keys: admin",
            "GET /api/keys/{id}: admin",
            "PUT /api/keys/{id}: admin",
            "POST /api/keys/{id}/rotate: admin",
            "DELETE /api/keys/{id}: admin",
            "GET /: page: admin operator readonly",
            "GET /live: page: admin operator readonly",
            "POST /fleet/view: page: admin operator readonly",
            "POST /fleet/bulk: page: admin operator",
            "GET /undo/{id}: page: admin operator",
            "POST /undo/{id}: page: admin operator",
            "POST /vps/{id}/accept: page: admin operator",
            "GET /vps/new: page: admin operator",
            "POST /vps/new: page: admin operator",
            "GET /vps/{id}: page: admin operator readonly",
            "GET /vps/{id}/audit: page: admin operator readonly",
            "GET /vps/{id}/edit: page: admin operator",
            "POST /vps/{id}/edit: page: admin operator",
            "POST /vps/{id}/retire: page: admin operator",
            "POST /vps/{id}/delete: page: admin operator",
            "POST /vps/{id}/restore: page: admin operator",
            "POST /vps/{id}/merge: page: admin operator",
            "POST /vps/{id}/distinct: page: admin operator",
            "POST /vps/{id}/acknowledge: page: admin operator",
            "GET /inbox: page: admin operator readonly",
            "POST /inbox/assign: page: admin operator",
            "POST /inbox/distinct: page: admin operator",
            "POST /inbox/merge: page: admin operator",
            "POST /inbox/acknowledge: page: admin operator",
            "POST /inbox/retire: page: admin operator",
            "POST /inbox/restore: page: admin operator",
            "POST /inbox/expiry: page: admin operator",
            "GET /providers: page: admin operator readonly",
            "GET /providers/new: page: admin operator",
            "POST /providers: page: admin operator",
            "GET /providers/{id}: page: admin operator readonly",
            "GET /providers/{id}/edit: page: admin operator",
            "POST /providers/{id}/edit: page: admin operator",
            "POST /providers/{id}/delete: page: admin operator",
            "GET /audit: page: admin operator",
            "GET /settings: page: admin operator readonly",
            "GET /import: page: admin operator readonly",
            "POST /import/preview: page: admin operator",
            "POST /import/apply: page: admin operator",
            "GET /assets/{file}: open",
            "GET /setup: open",
            "POST /setup: open",
            "GET /sign-in: open",
            "POST /sign-in: open",
            "POST /sign-in/code: open",
            "POST /sign-out: page: admin operator readonly",
            "GET /account: page: admin operator readonly",
            "POST /account/password: page: admin operator readonly",
            "POST /account/totp: page: admin operator readonly",
            "POST /account/totp/confirm: page: admin operator readonly",
            "POST /account/totp/remove: page: admin operator readonly",
            "POST /account/sessions/end: page: admin operator readonly",
            "POST /account/sessions/{id}/end: page: admin operator readonly",
            "GET /add: page: admin",
            "POST /add: page: admin",
            "GET /add/{id}: page: admin",
            "GET /add/{id}/count: page: admin",
            "GET /add/{id}/machines: page: admin",
            "GET /keys: page: admin",
            "POST /keys: page: admin",
            "GET /keys/{id}: page: admin",
            "POST /keys/{id}: page: admin",
            "POST /keys/{id}/rotate: page: admin",
            "POST /keys/{id}/revoke: page: admin",
            "GET /accounts: page: admin",
            "POST /accounts: page: admin",
            "POST /accounts/{id}/role: page: admin",
            "POST /accounts/{id}/delete: page: admin",
        ];
        assert_eq!(list_routes(), agreed);
    }

    /// What programs use; pages are for persons.
    fn described() -> Vec<Route> {
        let is_described =
            |route: &Route| route.path.starts_with("/api/") || matches!(route.path, "/healthz" | "/metrics");
        table().into_iter().filter(is_described).collect()
    }

    #[test]
    fn every_route_is_described_and_nothing_else() {
        let routes: BTreeSet<_> =
            described().iter().map(|route| format!("{} {}", route.method, route.path)).collect();
        let described = serde_json::to_value(openapi::describe()).unwrap();
        let described = described["paths"].as_object().unwrap().iter().flat_map(|(path, methods)| {
            methods.as_object().unwrap().keys().map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        assert_eq!(routes, described.collect());
    }

    #[test]
    fn what_is_described_as_open_is_open_and_nothing_else() {
        let document = serde_json::to_value(openapi::describe()).unwrap();
        for route in described() {
            let operation = &document["paths"][route.path][route.method.as_str().to_lowercase()];
            let needs_none = operation["security"] == serde_json::json!([{}]);
            assert_eq!(needs_none, route.access == Access::Open, "{}", route.path);
        }
    }
}
