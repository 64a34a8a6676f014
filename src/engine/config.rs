//! What can be set.

use std::time::Duration;

/// The settings of an engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the data is kept, and how surely.
    pub store: store::Config,
    /// How often items whose time to live is over are looked for; `None` leaves them.
    pub ttl_sweep: Option<Duration>,
    /// The region that ARNs name.
    pub region: String,
    /// The account that ARNs name: twelve digits.
    pub account: String,
    /// What a table with local indexes may hold under one partition key, those indexes included; DynamoDB has
    /// [`ITEM_COLLECTION_BYTES_MAX`](model::limits::ITEM_COLLECTION_BYTES_MAX).
    pub item_collection_bytes_max: u64,
}
