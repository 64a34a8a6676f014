//! `TransactWriteItems`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{
    ItemToPut, ReturnConsumedCapacity, ReturnItemCollectionMetrics, ReturnValuesOnConditionCheckFailure,
};
use crate::{ApiError, AttributeValue, Item, UniqueMap};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct TransactWriteItems {
    /// The actions, in order.
    pub transact_items: Vec<TransactWriteItem>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// Whether to say how large its item collections are.
    pub return_item_collection_metrics: Option<ReturnItemCollectionMetrics>,
    /// What tells a repetition from another transaction.
    pub client_request_token: Option<String>,
    /// What is wrong with the action behind the last one here, if the rest was left out for that: it counts
    /// once the expressions of these have none.
    #[serde(skip)]
    pub first_fault: Option<ApiError>,
}

/// One action of a transaction.
///
/// A proxy ignores members of an action that it does not know: they do not say which item it is.
#[derive(Debug, Serialize, Deserialize)]
pub enum TransactWriteItem {
    /// Puts an item.
    Put(TransactPut),
    /// Updates an item.
    Update(TransactUpdate),
    /// Deletes an item.
    Delete(TransactDelete),
    /// Changes nothing.
    ConditionCheck(TransactConditionCheck),
}

/// A put of a transaction.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactPut {
    /// Name or ARN.
    pub table_name: String,
    /// The item.
    pub item: ItemToPut,
    /// What must be so for the transaction to happen.
    pub condition_expression: Option<String>,
    /// Placeholders of the expression.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// Values of the expression.
    pub expression_attribute_values: Option<UniqueMap<AttributeValue>>,
    /// Whether a refusal carries the item.
    pub return_values_on_condition_check_failure: Option<ReturnValuesOnConditionCheckFailure>,
}

/// An update of a transaction.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactUpdate {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
    /// What to change.
    pub update_expression: String,
    /// What must be so for the transaction to happen.
    pub condition_expression: Option<String>,
    /// Placeholders of the expressions.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// Values of the expressions.
    pub expression_attribute_values: Option<UniqueMap<AttributeValue>>,
    /// Whether a refusal carries the item.
    pub return_values_on_condition_check_failure: Option<ReturnValuesOnConditionCheckFailure>,
}

/// A delete of a transaction.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactDelete {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
    /// What must be so for the transaction to happen.
    pub condition_expression: Option<String>,
    /// Placeholders of the expression.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// Values of the expression.
    pub expression_attribute_values: Option<UniqueMap<AttributeValue>>,
    /// Whether a refusal carries the item.
    pub return_values_on_condition_check_failure: Option<ReturnValuesOnConditionCheckFailure>,
}

/// A condition of a transaction on an item that it does not write.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactConditionCheck {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
    /// What must be so for the transaction to happen.
    pub condition_expression: String,
    /// Placeholders of the expression.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// Values of the expression.
    pub expression_attribute_values: Option<UniqueMap<AttributeValue>>,
    /// Whether a refusal carries the item.
    pub return_values_on_condition_check_failure: Option<ReturnValuesOnConditionCheckFailure>,
}
