//! `GetRecords`.

use serde::Deserialize;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct GetRecords {
    /// Where to read, as `GetShardIterator` or the last page said it.
    pub shard_iterator: String,
    /// How many records to return. DynamoDB: 1000 if it is not said.
    pub limit: Option<u32>,
}
