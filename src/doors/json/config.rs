//! What the JSON door needs to be told.

use std::time::Duration;

/// Checked settings of the JSON door.
#[derive(Debug, Clone)]
pub struct Config {
    /// Origins of web pages that may call; none by default.
    pub cors: Vec<String>,
    /// Connections at once; more wait in the listener's backlog.
    pub connections_max: usize,
    /// Requests under way at once; more are refused as unavailable, which clients retry.
    pub requests_max: usize,
    /// Bytes of request bodies held at once, decompressed.
    pub request_bytes_max: usize,
    /// For the whole of a request's body to arrive.
    pub read_timeout: Duration,
    /// For a call to be answered.
    pub call_timeout: Duration,
    /// The host that `GET /` names as healthy.
    pub healthy_name: String,
}
