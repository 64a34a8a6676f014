//! What the upstream room needs to be told.

use std::time::Duration;

use crate::{breaker::BreakerConfig, hedge::HedgeConfig};

/// Checked settings of the remote backend.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the DynamoDB-compatible service is.
    pub origin: Origin,
    /// The region in the signature, and in the host names of AWS.
    pub region: String,
    /// For a connection to be made.
    pub connect_timeout: Duration,
    /// For a call, from the first byte sent to the last byte of the answer, retries included.
    pub timeout: Duration,
    /// How often a call that is safe to send again is tried in all; 1 never repeats.
    pub attempts: u32,
    /// When a host that does not answer is not asked any more; `None` asks it whatever happens.
    pub breaker: Option<BreakerConfig>,
    /// Whether eventually consistent reads that take long are sent a second time, beside the first.
    pub hedge: Option<HedgeConfig>,
}

/// Which service a remote backend talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// AWS DynamoDB and DynamoDB Streams of the region.
    Aws,
    /// Any DynamoDB-compatible endpoint, `http://` or `https://`, without a path.
    Url(String),
}
