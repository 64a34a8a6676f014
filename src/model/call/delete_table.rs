//! `DeleteTable`.

use serde::Deserialize;

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeleteTable {
    /// Name or ARN.
    pub table_name: String,
}
