//! The remote origin: a DynamoDB-compatible service behind HTTP, as a [`backend::Backend`].
//!
//! Forwards a call as it came, with a signature of this node's own; gives back the answer byte for byte. Knows
//! nothing of what operations mean, but whether they only read. Start at [`Remote`].

mod config;
mod endpoint;
mod metrics;
mod remote;
mod retry;

pub use config::{Config, Origin};
pub use endpoint::{AwsHost, Endpoints};
pub use metrics::Metrics;
pub use remote::{Parts, Remote, SetupError};
