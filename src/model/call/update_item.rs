//! `UpdateItem`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{
    AttributeValueUpdate, ConditionalOperator, ExpectedAttributeValue, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, ReturnValues, ReturnValuesOnConditionCheckFailure,
};
use crate::{AttributeValue, Item, UniqueMap};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct UpdateItem {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
    /// The older way to say what to change.
    pub attribute_updates: Option<UniqueMap<AttributeValueUpdate>>,
    /// The older way to make it conditional.
    pub expected: Option<UniqueMap<ExpectedAttributeValue>>,
    /// Whether all that is expected must be met.
    pub conditional_operator: Option<ConditionalOperator>,
    /// Which image of the item the answer carries.
    pub return_values: Option<ReturnValues>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// Whether to say how large its item collections are.
    pub return_item_collection_metrics: Option<ReturnItemCollectionMetrics>,
    /// What to change.
    pub update_expression: Option<String>,
    /// What must be so for the write to happen.
    pub condition_expression: Option<String>,
    /// Placeholders of the expressions.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// Values of the expressions.
    pub expression_attribute_values: Option<UniqueMap<AttributeValue>>,
    /// Whether a refusal carries the item.
    pub return_values_on_condition_check_failure: Option<ReturnValuesOnConditionCheckFailure>,
}

impl UpdateItem {
    /// Whether the answer carries the whole new item.
    pub fn returns_all_new(&self) -> bool {
        self.return_values == Some(ReturnValues::AllNew)
    }
}
