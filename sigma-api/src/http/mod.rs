//! The only place that knows HTTP: URLs, who may call them, and what is answered.

mod api;
mod auth;
mod body;
mod connection;
mod error;
mod etag;
mod metrics;
pub(crate) mod openapi;
mod places;
mod routes;
pub(crate) mod server;

use axum::extract::State;

use crate::service::Hub;
pub(crate) use connection::Patience;
pub(crate) use routes::router;

/// Keeps the state's type out of every handler's signature.
type AppState = State<Hub>;
