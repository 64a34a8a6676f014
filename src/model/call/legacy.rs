//! The parameters from before there were expressions, as plain data; crate `expr` gives them their meaning.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::AttributeAction;
use crate::AttributeValue;

/// What `Expected` asks of one attribute.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct ExpectedAttributeValue {
    /// The value to compare with.
    pub value: Option<AttributeValue>,
    /// Whether the attribute is to be there.
    pub exists: Option<bool>,
    /// How to compare.
    pub comparison_operator: Option<String>,
    /// The values to compare with.
    pub attribute_value_list: Option<Vec<AttributeValue>>,
}

/// What `KeyConditions`, `QueryFilter` and `ScanFilter` ask of one attribute.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct Condition {
    /// How to compare.
    pub comparison_operator: String,
    /// The values to compare with.
    pub attribute_value_list: Option<Vec<AttributeValue>>,
}

/// What `AttributeUpdates` do to one attribute.
#[skip_serializing_none]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct AttributeValueUpdate {
    /// The value to set, add or remove.
    pub value: Option<AttributeValue>,
    /// What to do; DynamoDB: `PUT` if it is not said.
    pub action: Option<AttributeAction>,
}
