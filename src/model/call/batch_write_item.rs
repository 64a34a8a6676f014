//! `BatchWriteItem`.

use serde::{Deserialize, Serialize};
use serde_with::skip_serializing_none;

use super::{ItemToPut, ReturnConsumedCapacity, ReturnItemCollectionMetrics};
use crate::limits::BATCH_WRITE_REQUESTS_MAX;
use crate::{ApiError, Item, UniqueMap};

/// The request.
#[skip_serializing_none]
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct BatchWriteItem {
    /// Writes by table name or ARN.
    pub request_items: UniqueMap<Vec<WriteRequest>>,
    /// Whether to say what it consumed.
    pub return_consumed_capacity: Option<ReturnConsumedCapacity>,
    /// Whether to say how large its item collections are.
    pub return_item_collection_metrics: Option<ReturnItemCollectionMetrics>,
}

impl BatchWriteItem {
    pub(super) fn check_sizes(&self) -> Result<(), ApiError> {
        let writes = self.request_items.iter().flat_map(|(_, writes)| writes);
        writes.into_iter().try_for_each(|write| match write {
            WriteRequest::Put(put) => put.item.check_size(),
            WriteRequest::Delete(_) => Ok(()),
        })
    }

    /// How many writes there are over all tables; up to 25 of one table [`admit`](super::admit) has seen to.
    ///
    /// DynamoDB: after the tables were looked up, before their keys are (dynalite).
    ///
    /// # Errors
    /// That there are too many.
    pub fn check_count(&self) -> Result<(), ApiError> {
        match self.request_items.iter().map(|(_, writes)| writes.len()).sum::<usize>() {
            ..=BATCH_WRITE_REQUESTS_MAX => Ok(()),
            _ => Err(ApiError::validation("Too many items requested for the BatchWriteItem call")),
        }
    }
}

/// One write of a batch.
#[derive(Debug, Serialize, Deserialize)]
pub enum WriteRequest {
    /// Puts an item.
    #[serde(rename = "PutRequest")]
    Put(PutRequest),
    /// Deletes an item.
    #[serde(rename = "DeleteRequest")]
    Delete(DeleteRequest),
}

/// A put of a batch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct PutRequest {
    /// The item.
    pub item: ItemToPut,
}

/// A delete of a batch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct DeleteRequest {
    /// The whole primary key.
    pub key: Item,
}
