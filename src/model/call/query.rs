//! `Query`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Condition, ConditionalOperator, Projecting, ReturnConsumedCapacity, Select, select};
use crate::{ApiError, AttributeValue, Item, UniqueMap};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Query {
    /// Name or ARN.
    pub table_name: String,
    /// The index to read instead of the table.
    pub index_name: Option<String>,
    /// What to return of what is found.
    pub select: Option<Select>,
    /// The older way to name top-level attributes.
    pub attributes_to_get: Option<Vec<String>>,
    /// How many items to look at.
    pub limit: Option<u32>,
    /// Whether the answer must reflect every write acknowledged before.
    pub consistent_read: Option<bool>,
    /// The older way to say which items.
    pub key_conditions: Option<UniqueMap<Condition>>,
    /// The older way to filter them.
    pub query_filter: Option<UniqueMap<Condition>>,
    /// Whether all conditions of the filter must be met.
    pub conditional_operator: Option<ConditionalOperator>,
    /// Ascending unless it is `false`.
    pub scan_index_forward: Option<bool>,
    /// Where an earlier page ended.
    pub exclusive_start_key: Option<Item>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// Which parts of the items to return.
    pub projection_expression: Option<String>,
    /// Which of the items to return.
    pub filter_expression: Option<String>,
    /// Which items.
    pub key_condition_expression: Option<String>,
    /// Placeholders of the expressions.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// Values of the expressions.
    pub expression_attribute_values: Option<UniqueMap<AttributeValue>>,
}

impl Query {
    /// Whether a strongly consistent read was asked for.
    pub fn is_strong(&self) -> bool {
        self.consistent_read == Some(true)
    }

    /// That what is selected fits what is projected; to be asked once the expressions are parsed.
    ///
    /// DynamoDB: counted as a validation error, other than for a Scan (dynoxide and others, from captures).
    ///
    /// # Errors
    /// The first fault.
    pub fn check_select(&self) -> Result<(), ApiError> {
        match select::fault(self.select, &self.projecting(), self.index_name.is_some()) {
            Some(fault) => Err(ApiError::validation(format!("1 validation error detected: {fault}"))),
            None => Ok(()),
        }
    }

    /// What it wants of the items.
    pub fn projecting(&self) -> Projecting<'_> {
        Projecting {
            expression: self.projection_expression.as_deref(),
            names: self.expression_attribute_names.as_ref(),
            attributes: self.attributes_to_get.as_deref(),
        }
    }
}
