//! `TransactGetItems`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{Projecting, ReturnConsumedCapacity};
use crate::{ApiError, Item, UniqueMap};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct TransactGetItems {
    /// The reads, in order.
    pub transact_items: Vec<TransactGetItem>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// What is wrong with the action behind the last one here, if the rest was left out for that: it counts
    /// once the expressions of these have none.
    #[serde(skip)]
    pub first_fault: Option<ApiError>,
}

/// One read of a transaction, which is always a `Get`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct TransactGetItem {
    /// The read.
    pub get: TransactGet,
}

/// A read of a transaction.
#[skip_serializing_none]
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct TransactGet {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
    /// Which parts of the item to return.
    pub projection_expression: Option<String>,
    /// Placeholders of the projection.
    pub expression_attribute_names: Option<UniqueMap<String>>,
}

impl TransactGet {
    /// What it wants of the item.
    pub fn projecting(&self) -> Projecting<'_> {
        Projecting {
            expression: self.projection_expression.as_deref(),
            names: self.expression_attribute_names.as_ref(),
            attributes: None,
        }
    }
}
