//! `ListStreams`.

use serde::Deserialize;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ListStreams {
    /// The table whose streams are wanted; else those of all tables.
    pub table_name: Option<String>,
    /// How many streams to return. DynamoDB: 100 if it is not said.
    pub limit: Option<u32>,
    /// Where an earlier page ended.
    pub exclusive_start_stream_arn: Option<String>,
}
