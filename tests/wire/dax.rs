//! The DAX door, by the small client of `doors/dax/client.rs`: that it answers as the JSON door does, that there is one
//! cache behind both, and what becomes of it when clients are hostile and origins break off.
//!
//! `tables.rs` has the tables, `random.rs` makes requests by chance.

mod cluster;
mod equivalence;
mod hostile;
mod many;
mod one_cache;
mod quirks;
mod random;
mod tables;
mod verdicts;

use dax_door::client::{CallError, Client, ErrorReply};
use serde_json::{Value, json};

use crate::node::Node;

const DAX: (&str, &str) = ("dax.listen", "127.0.0.1:0");

/// What an error says that is expected.
async fn refused(client: &mut Client, operation: &str, request: &Value) -> ErrorReply {
    match client.call(operation, request).await {
        Err(CallError::Refused(error)) => error,
        other => panic!("{operation} {request}: {other:?}"),
    }
}

/// Makes `Music`, whose key is `p`, a string.
async fn create_music(node: &Node) {
    let request = json!({
        "TableName": "Music",
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
    });
    assert_eq!(node.post("CreateTable", request.to_string()).await.status, 200);
}

fn get(key: &str) -> Value {
    json!({ "TableName": "Music", "Key": { "p": { "S": key } } })
}

fn put(key: &str, version: u64) -> Value {
    json!({ "TableName": "Music", "Item": { "p": { "S": key }, "v": { "N": version.to_string() } } })
}
