//! `TransactWriteItems`.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Present;
use crate::Item;

/// The request, as far as a proxy reads it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct TransactWriteItems {
    /// The actions, in order.
    pub transact_items: Vec<TransactWriteItem>,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_consumed_capacity: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub return_item_collection_metrics: Present,
    /// Known, and the origin's business.
    #[serde(default)]
    pub client_request_token: Present,
}

/// One action of a transaction.
#[derive(Debug, Deserialize)]
pub enum TransactWriteItem {
    /// Puts an item.
    Put(TransactPut),
    /// Updates an item.
    Update(TransactKeyed),
    /// Deletes an item.
    Delete(TransactKeyed),
    /// Changes nothing.
    ConditionCheck(TransactKeyed),
}

/// A put of a transaction. Members that do not say which item it is are left to the origin.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactPut {
    /// Name or ARN.
    pub table_name: String,
    /// The item as the client wrote it.
    pub item: Box<RawValue>,
}

/// An action of a transaction on a key. Members that do not say which item it is are left to the origin.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TransactKeyed {
    /// Name or ARN.
    pub table_name: String,
    /// The whole primary key.
    pub key: Item,
}
