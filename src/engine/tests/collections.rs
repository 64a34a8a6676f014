//! Item collections: what a table with local indexes holds under one partition key.

use serde_json::{Value, json};

use crate::rig::{Rig, definition};

/// Room for four items of 100 bytes, each with an entry of 100 bytes in the index.
const BYTES_MAX: u64 = 800;

/// With a local index, which has all of every item that has `l`.
async fn create(rig: &Rig) {
    let key = |sort: &str| {
        [("pk", "HASH"), (sort, "RANGE")]
            .map(|(name, role)| json!({ "AttributeName": name, "KeyType": role }))
    };
    let body = json!({
        "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("sk"),
        "AttributeDefinitions": [definition("pk", "S"), definition("sk", "S"), definition("l", "S")],
        "LocalSecondaryIndexes": [
            { "IndexName": "by-l", "KeySchema": key("l"), "Projection": { "ProjectionType": "ALL" } },
        ],
    });
    rig.done("CreateTable", body).await;
}

/// An item of exactly so many bytes, keys of one letter.
fn item(pk: &str, sk: &str, is_indexed: bool, bytes: usize) -> Value {
    let mut item = json!({ "pk": { "S": pk }, "sk": { "S": sk } });
    let mut left = bytes - "pk.sk.f".len();
    if is_indexed {
        item["l"] = json!({ "S": "l" });
        left -= "ll".len();
    }
    item["f"] = json!({ "S": "x".repeat(left) });
    item
}

fn put(item: Value) -> Value {
    json!({ "TableName": "Tab", "Item": item })
}

fn delete(sk: &str) -> Value {
    json!({ "TableName": "Tab", "Key": { "pk": { "S": "p" }, "sk": { "S": sk } } })
}

fn grow(sk: &str) -> Value {
    let mut body = delete(sk);
    body["UpdateExpression"] = json!("SET g = :g");
    body["ExpressionAttributeValues"] = json!({ ":g": { "S": "" } });
    body
}

async fn refused(rig: &Rig, operation: &str, body: Value) {
    let refusal = rig.refused(operation, body.clone()).await;
    assert_eq!(refusal.code, "ItemCollectionSizeLimitExceededException", "{operation} {body}");
    assert_eq!(refusal.body["message"], "Collection size exceeded.");
}

#[tokio::test]
async fn a_collection_grows_to_its_limit_and_not_further() {
    let rig = Rig::with_collections_of(BYTES_MAX);
    create(&rig).await;
    for sk in ["1", "2", "3"] {
        rig.done("PutItem", put(item("p", sk, true, 100))).await;
    }
    refused(&rig, "PutItem", put(item("p", "4", true, 101))).await;
    refused(&rig, "PutItem", put(item("p", "4", false, 201))).await;
    rig.done("PutItem", put(item("p", "4", false, 200))).await;
    // It is full.
    refused(&rig, "PutItem", put(item("p", "5", false, 8))).await;
    refused(&rig, "UpdateItem", grow("1")).await;
    assert_eq!(rig.scan("Tab", None).await.len(), 4);
    // Other collections have room, and what does not grow is written.
    rig.done("PutItem", put(item("q", "1", true, 400))).await;
    rig.done("PutItem", put(item("p", "1", false, 200))).await;
    rig.done("PutItem", put(item("p", "1", false, 200))).await;
    rig.done("DeleteItem", delete("4")).await;
    rig.done("UpdateItem", grow("1")).await;
}

#[tokio::test]
async fn a_collection_that_is_too_large_already_may_shrink() {
    let directory = tempfile::tempdir().unwrap();
    let rig = Rig::in_directory(directory.path());
    create(&rig).await;
    rig.done("PutItem", put(item("p", "1", true, 500))).await;
    rig.close().await;
    let rig = Rig::in_directory_with_collections_of(directory.path(), BYTES_MAX);
    refused(&rig, "PutItem", put(item("p", "2", false, 8))).await;
    refused(&rig, "UpdateItem", grow("1")).await;
    // Still too large, but smaller.
    rig.done("PutItem", put(item("p", "1", true, 499))).await;
    rig.done("PutItem", put(item("p", "1", true, 499))).await;
    rig.done("PutItem", put(item("p", "1", false, 499))).await;
    rig.done("PutItem", put(item("p", "2", false, 301))).await;
    refused(&rig, "UpdateItem", grow("1")).await;
    rig.done("DeleteItem", delete("1")).await;
    rig.close().await;
}

#[tokio::test]
async fn a_batch_or_a_transaction_grows_no_collection_too_far() {
    let rig = Rig::with_collections_of(BYTES_MAX);
    create(&rig).await;
    let batch = |bytes: usize| {
        let put = |sk: &str, bytes| json!({ "PutRequest": { "Item": item("p", sk, true, bytes) } });
        json!({ "RequestItems": { "Tab": [put("1", 300), put("2", bytes)] } })
    };
    refused(&rig, "BatchWriteItem", batch(101)).await;
    assert_eq!(rig.scan("Tab", None).await, Vec::<Value>::new());
    rig.done("BatchWriteItem", batch(100)).await;
    let actions = json!({ "TransactItems": [
        { "Put": put(item("q", "1", true, 100)) },
        { "Update": grow("1") },
        { "Delete": delete("3") },
    ] });
    let refusal = rig.refused("TransactWriteItems", actions).await;
    assert_eq!(
        refusal.body["CancellationReasons"],
        json!([
            { "Code": "None" },
            { "Code": "ItemCollectionSizeLimitExceeded", "Message": "Collection size exceeded." },
            { "Code": "None" },
        ])
    );
    assert_eq!(rig.scan("Tab", None).await.len(), 2);
}

#[tokio::test]
async fn a_table_without_local_indexes_has_no_collections() {
    let rig = Rig::with_collections_of(BYTES_MAX);
    rig.create_plain_table("Tab", true).await;
    for sk in ["1", "2"] {
        rig.done("PutItem", put(item("p", sk, false, 1000))).await;
    }
}
