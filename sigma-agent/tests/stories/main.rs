//! Stories of the agent as its users and hubs see it: the real binary, made machines, a hub that does as it is told.
//!
//! One binary for all subjects, so that a story that waits does so beside the others. The few that need a network of
//! their own make a namespace; where that is not allowed they say so and pass, but fail where `CI` is set.

#![expect(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test runs the agent, and ends where it finds something else than it expects"
)]

mod common;
mod connection;
mod hostile;
mod journal;
mod life;
mod modes;
mod nat;
mod notify;
mod proxy;
mod settings;
mod signals;
mod tls;
