//! `GetShardIterator`.

use serde::Deserialize;

use super::ShardIteratorType;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct GetShardIterator {
    /// Which stream.
    pub stream_arn: String,
    /// Which of its shards.
    pub shard_id: String,
    /// Where in the shard to begin.
    pub shard_iterator_type: ShardIteratorType,
    /// The record that some of these places are told by.
    pub sequence_number: Option<String>,
}
