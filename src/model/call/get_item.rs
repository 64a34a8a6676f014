//! `GetItem`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Projecting, ReturnConsumedCapacity};
use crate::{Item, UniqueMap};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct GetItem {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
    /// Whether the answer must reflect every write acknowledged before.
    pub consistent_read: Option<bool>,
    /// Which parts of the item to return.
    pub projection_expression: Option<String>,
    /// Placeholders of the projection.
    pub expression_attribute_names: Option<UniqueMap<String>>,
    /// The older way to name top-level attributes.
    pub attributes_to_get: Option<Vec<String>>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
}

impl GetItem {
    /// Whether a strongly consistent read was asked for.
    pub fn is_strong(&self) -> bool {
        self.consistent_read == Some(true)
    }

    /// What it wants of the item.
    pub fn projecting(&self) -> Projecting<'_> {
        Projecting {
            expression: self.projection_expression.as_deref(),
            names: self.expression_attribute_names.as_ref(),
            attributes: self.attributes_to_get.as_deref(),
        }
    }
}
