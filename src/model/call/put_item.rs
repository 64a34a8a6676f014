//! `PutItem`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Present;

/// The request, as far as a proxy reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct PutItem {
    /// Name or ARN.
    pub table_name: String,
    /// The item as the client wrote it.
    pub item: Box<RawValue>,
    /// Known, and the origin's business.
    #[serde(default)]
    pub expected: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_values: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_consumed_capacity: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_item_collection_metrics: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub conditional_operator: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub condition_expression: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub expression_attribute_names: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub expression_attribute_values: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_values_on_condition_check_failure: Present,
}
