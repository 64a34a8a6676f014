//! `ListTables`.

use serde::Deserialize;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ListTables {
    /// Where an earlier page ended.
    pub exclusive_start_table_name: Option<String>,
    /// How many names to return. DynamoDB: 100 if it is not said.
    pub limit: Option<u32>,
}
