//! The node over real sockets, in front of a scripted upstream or over its own engine.
//!
//! `stub.rs` is the upstream and remembers what it was asked, `dynamo.rs` is a small DynamoDB for it to play,
//! `node.rs` starts nodes, `client.rs` talks to them, `faulty_link.rs` may lie between, `time.rs` lets minutes pass at
//! once. The rest are tests by theme.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod admin;
mod breaker;
mod cache;
mod client;
mod codings;
mod cost;
mod crash;
mod dax;
mod dynamo;
mod faults;
mod faulty_link;
mod forwarding;
mod hedge;
mod history;
mod limits;
mod malformed;
mod manners;
mod node;
mod operations;
mod process;
mod refresh;
mod signature;
mod stale;
mod streams;
mod stub;
mod time;
