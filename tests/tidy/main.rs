//! Reads the source and fails on what would be a lie: about who imports whom, where time and chance come from,
//! what can be configured, what is counted.
//!
//! `source.rs` reads the rooms; the rest are tests by theme.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod arrows;
mod config;
mod metrics;
mod source;
mod time;
