//! `UpdateTimeToLive`.

use serde::{Deserialize, Serialize};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct UpdateTimeToLive {
    /// Name or ARN.
    pub table_name: String,
    /// What is to be.
    pub time_to_live_specification: TimeToLiveSpecification,
}

/// Whether items expire, and by which attribute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimeToLiveSpecification {
    /// Whether they expire.
    pub enabled: bool,
    /// The attribute that says when.
    pub attribute_name: String,
}
