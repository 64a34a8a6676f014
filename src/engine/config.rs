//! What can be set.

/// The settings of an engine.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the data is kept, and how surely.
    pub store: store::Config,
    /// The region that ARNs name.
    pub region: String,
    /// The account that ARNs name: twelve digits.
    pub account: String,
    /// What a table with local indexes may hold under one partition key, those indexes included; DynamoDB has
    /// [`ITEM_COLLECTION_BYTES_MAX`](model::limits::ITEM_COLLECTION_BYTES_MAX).
    pub item_collection_bytes_max: u64,
}
