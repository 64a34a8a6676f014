//! The remote origin: a DynamoDB-compatible service behind HTTP, as a [`backend::Backend`].
//!
//! Forwards a call as it came, with a signature of this node's own; gives back the answer byte for byte. Knows
//! nothing of what operations mean, but whether they only read. Start at [`Remote`]; `circuits.rs` keeps it from asking
//! a host that has stopped answering, `retry.rs` says what is sent again. [`Hedged`] is a layer around it that sends
//! slow reads twice.

mod breaker;
mod budget;
mod circuits;
mod config;
mod endpoint;
mod hedge;
mod latency;
mod metrics;
mod remote;
mod retry;

pub use breaker::BreakerConfig;
pub use config::{Config, Origin};
pub use endpoint::{AwsHost, Endpoints};
pub use hedge::{HedgeConfig, Hedged};
pub use metrics::Metrics;
pub use remote::{Parts, Remote, SetupError};
