//! `BatchWriteItem`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Present;
use crate::{Item, UniqueMap};

/// The request, as far as a proxy reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BatchWriteItem {
    /// Writes by table name or ARN.
    pub request_items: UniqueMap<Vec<WriteRequest>>,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_consumed_capacity: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_item_collection_metrics: Present,
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
    /// The item as the client wrote it.
    pub item: Box<RawValue>,
}

/// A delete of a batch.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeleteRequest {
    /// The whole primary key.
    pub key: Item,
}
