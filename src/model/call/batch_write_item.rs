//! `BatchWriteItem`.

use serde::Deserialize;

use super::{ItemToPut, ReturnConsumedCapacity, ReturnItemCollectionMetrics};
use crate::{Item, UniqueMap};

/// The request.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BatchWriteItem {
    /// Writes by table name or ARN.
    pub request_items: UniqueMap<Vec<WriteRequest>>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// Whether to say how large its item collections are.
    pub return_item_collection_metrics: Option<ReturnItemCollectionMetrics>,
}

/// One write of a batch.
#[derive(Debug, Deserialize)]
pub enum WriteRequest {
    /// Puts an item.
    #[serde(rename = "PutRequest")]
    Put(PutRequest),
    /// Deletes an item.
    #[serde(rename = "DeleteRequest")]
    Delete(DeleteRequest),
}

/// A put of a batch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct PutRequest {
    /// The item.
    pub item: ItemToPut,
}

/// A delete of a batch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeleteRequest {
    /// The whole primary key.
    pub key: Item,
}
