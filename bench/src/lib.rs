//! What the benchmarks share.

#![forbid(unsafe_code)]

pub mod http;
pub mod https_hub;
pub mod process;
pub mod webdriver;
