//! `BatchGetItem`.

use serde::Deserialize;

use super::{Projecting, ReturnConsumedCapacity};
use crate::{Item, UniqueMap};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BatchGetItem {
    /// Keys by table name or ARN.
    pub request_items: UniqueMap<KeysAndAttributes>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

/// What is wanted of one table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct KeysAndAttributes {
    /// Whole primary keys.
    pub keys: Vec<Item>,
    /// Whether the answer must reflect every write acknowledged before.
    pub consistent_read: Option<bool>,
    /// Which parts of the items to return.
    pub projection_expression: Option<String>,
    /// Placeholders of the projection.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// The older way to name top-level attributes.
    pub attributes_to_get: Option<Vec<String>>,
}

impl KeysAndAttributes {
    /// Whether a strongly consistent read was asked for.
    pub fn is_strong(&self) -> bool {
        self.consistent_read == Some(true)
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
