//! The real agent and the real hub in network namespaces of their own: how a machine is addressed, what becomes of it
//! when its hub comes late, moves or forgets, and what a bad line may cost.
//!
//! Needs root, iproute2 and nftables. Nothing leaves the namespaces; they are gone when a story ends, however it ends.

#![expect(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test runs programs, tells what it measured, and ends where it finds something else than it expects"
)]

mod addresses;
mod bad_lines;
mod chroot;
mod hub;
mod hubs;
mod lab;
mod program;
mod services;
mod tls;
