//! `DescribeStream`.

use serde::Deserialize;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DescribeStream {
    /// Which stream.
    pub stream_arn: String,
    /// How many shards to return. DynamoDB: 100 if it is not said.
    pub limit: Option<u32>,
    /// Where an earlier page ended.
    pub exclusive_start_shard_id: Option<String>,
    /// Which of its shards are wanted; else all.
    pub shard_filter: Option<ShardFilter>,
}

/// Which shards are wanted. An admitted one has both members: there is but one type, and that needs a shard.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ShardFilter {
    /// By what they are chosen.
    #[serde(rename = "Type")]
    pub kind: ShardFilterType,
    /// The shard whose children are wanted.
    pub shard_id: String,
}

/// By what shards are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ShardFilterType {
    /// The shards that a closed one went over into.
    #[serde(rename = "CHILD_SHARDS")]
    ChildShards,
}
