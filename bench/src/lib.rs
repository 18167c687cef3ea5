//! What the benchmarks share.

pub mod https_hub;
pub mod process;
