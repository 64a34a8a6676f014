//! The engine as its clients see it: JSON in, JSON out, beside models and checkers that know nothing of how it
//! works. `rig.rs` starts an engine; the rest are tests by theme.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod boundaries;
mod collections;
mod consumption;
mod contention;
mod filling;
mod history;
mod idempotency;
mod index_keys;
mod order;
mod queries;
mod rig;
mod scalar;
mod several_attributes;
mod statements;
mod streams;
mod ttl;
