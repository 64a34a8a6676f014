//! `PutItem`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{
    ConditionalOperator, ExpectedAttributeValue, ItemToPut, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, ReturnValues, ReturnValuesOnConditionCheckFailure,
};
use crate::{AttributeValue, UniqueMap};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct PutItem {
    /// Name or ARN.
    pub table_name: String,
    /// The item.
    pub item: ItemToPut,
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
    /// What must be so for the write to happen.
    pub condition_expression: Option<String>,
    /// Placeholders of the expression.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// Values of the expression.
    pub expression_attribute_values: Option<UniqueMap<AttributeValue>>,
    /// Whether a refusal carries the item.
    pub return_values_on_condition_check_failure: Option<ReturnValuesOnConditionCheckFailure>,
}
