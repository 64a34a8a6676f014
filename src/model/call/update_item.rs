//! `UpdateItem`.

use serde::Deserialize;

use super::Present;
use crate::Item;

/// The request, as far as a proxy reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct UpdateItem {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
    /// Which image of the item the answer carries.
    pub return_values: Option<String>,
    /// Known, and the origin's business.
    #[serde(default)]
    pub attribute_updates: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub expected: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub conditional_operator: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_consumed_capacity: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_item_collection_metrics: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub update_expression: Present,
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

impl UpdateItem {
    /// Whether the answer carries the whole new item.
    pub fn returns_all_new(&self) -> bool {
        self.return_values.as_deref() == Some("ALL_NEW")
    }
}
