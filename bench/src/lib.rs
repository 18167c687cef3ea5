//! What the benchmarks share.

#![forbid(unsafe_code)]

pub mod https_hub;
pub mod process;
