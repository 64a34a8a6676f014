//! The JSON door: DynamoDB JSON 1.0 over HTTP.
//!
//! Turns HTTP requests into calls and replies into HTTP answers, in the manner of the service: request ids,
//! checksums, content types, limits. Knows no backend, only the seam. Start at [`Door`].

mod answer;
mod body;
mod coding;
mod config;
mod cors;
mod door;
mod metrics;

pub use config::Config;
pub use door::{Door, Parts, serve};
pub use metrics::Metrics;

type Body = http_body_util::Full<bytes::Bytes>;
