//! The only place that knows HTTP: URLs, who may call them, and what is answered.

mod api;
mod auth;
mod body;
mod client;
mod compression;
mod connection;
mod cookies;
mod error;
mod etag;
mod failures;
mod form;
mod headers;
mod large;
mod metrics;
pub(crate) mod openapi;
mod places;
mod routes;
pub(crate) mod server;
mod upload;
mod web;

use axum::extract::State;

use crate::service::Hub;
pub(crate) use connection::Patience;
pub(crate) use routes::{list_routes, router};

/// Keeps the state's type out of every handler's signature.
type AppState = State<Hub>;
