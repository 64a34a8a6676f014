//! What calls say that they consumed.

use serde_json::{Value, json};

use crate::rig::{Rig, definition};

const KIB: usize = 1024;

/// An item of exactly so many bytes.
fn item(name: &str, bytes: usize) -> Value {
    let filler = bytes - "pk".len() - name.len() - "f".len();
    json!({ "pk": { "S": name }, "f": { "S": "x".repeat(filler) } })
}

async fn put(rig: &Rig, item: Value) -> f64 {
    let body = json!({ "TableName": "Tab", "Item": item, "ReturnConsumedCapacity": "TOTAL" });
    units(&rig.done("PutItem", body).await)
}

async fn get(rig: &Rig, name: &str, is_strong: bool) -> f64 {
    let body = json!({
        "TableName": "Tab", "Key": { "pk": { "S": name } }, "ConsistentRead": is_strong,
        "ReturnConsumedCapacity": "TOTAL",
    });
    units(&rig.done("GetItem", body).await)
}

fn units(answer: &Value) -> f64 {
    answer["ConsumedCapacity"]["CapacityUnits"].as_f64().unwrap()
}

/// The exercises that every course on DynamoDB sets: so many items of such a size in a second.
#[tokio::test]
async fn rates_of_writes_cost_what_courses_teach() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", false).await;
    for (writes, seconds, bytes, expected) in
        [(10, 1, 2 * KIB, 20.0), (6, 1, 4 * KIB + KIB / 2, 30.0), (120, 60, 2 * KIB, 4.0)]
    {
        let mut sum = 0.0;
        for number in 0..writes {
            // A larger item that it replaced would be what it costs.
            sum += put(&rig, item(&format!("{bytes}-{number:03}"), bytes)).await;
        }
        assert_eq!(sum / f64::from(seconds), expected, "{writes} of {bytes} bytes in {seconds} s");
    }
}

#[tokio::test]
async fn rates_of_reads_cost_what_courses_teach() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", false).await;
    for (reads, bytes, is_strong, expected) in
        [(10, 4 * KIB, true, 10.0), (16, 12 * KIB, false, 24.0), (10, 6 * KIB, true, 20.0)]
    {
        let mut sum = 0.0;
        for number in 0..reads {
            let name = format!("{number:03}");
            put(&rig, item(&name, bytes)).await;
            sum += get(&rig, &name, is_strong).await;
        }
        assert_eq!(sum, expected, "{reads} of {bytes} bytes");
    }
}

/// DynamoDB: a Query adds up what it read and rounds that up once; a batch rounds each item.
#[tokio::test]
async fn a_query_rounds_its_sum_and_a_batch_each_item() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", true).await;
    for number in 0..10 {
        let item =
            json!({ "pk": { "S": "p" }, "sk": { "S": number.to_string() }, "f": { "S": "x".repeat(1000) } });
        rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
    }
    // 10 times 1,007 bytes are 2.46 units of 4 KB.
    let query = json!({
        "TableName": "Tab", "KeyConditionExpression": "pk = :p", "ReturnConsumedCapacity": "TOTAL",
        "ExpressionAttributeValues": { ":p": { "S": "p" } }, "Select": "COUNT",
    });
    assert_eq!(units(&rig.done("Query", query.clone()).await), 1.5);
    let strong = json!({ "TableName": "Tab", "ConsistentRead": true, "ReturnConsumedCapacity": "TOTAL" });
    assert_eq!(units(&rig.done("Scan", strong).await), 3.0);
    let keys: Vec<Value> =
        (0..10).map(|number| json!({ "pk": { "S": "p" }, "sk": { "S": number.to_string() } })).collect();
    let batch = json!({ "RequestItems": { "Tab": { "Keys": keys } }, "ReturnConsumedCapacity": "TOTAL" });
    let got = rig.done("BatchGetItem", batch).await;
    assert_eq!(got["ConsumedCapacity"][0]["CapacityUnits"], 5.0);
}

#[tokio::test]
async fn a_transaction_costs_twice_as_much() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", false).await;
    let write = json!({
        "TransactItems": [{ "Put": { "TableName": "Tab", "Item": item("a", 3 * KIB) } }],
        "ReturnConsumedCapacity": "TOTAL",
    });
    let wrote = rig.done("TransactWriteItems", write).await;
    assert_eq!(wrote["ConsumedCapacity"][0]["CapacityUnits"], 6.0);
    let read = json!({
        "TransactItems": [{ "Get": { "TableName": "Tab", "Key": { "pk": { "S": "a" } } } }],
        "ReturnConsumedCapacity": "TOTAL",
    });
    let read = rig.done("TransactGetItems", read).await;
    assert_eq!(read["ConsumedCapacity"][0]["CapacityUnits"], 2.0);
}

/// DynamoDB: developer guide, "Provisioned throughput considerations for global secondary indexes".
#[tokio::test]
async fn an_index_costs_what_changes_in_it() {
    let rig = Rig::in_memory();
    let global = |name: &str, projection: Value| {
        let key_schema = json!([{ "AttributeName": "g", "KeyType": "HASH" }]);
        json!({ "IndexName": name, "KeySchema": key_schema, "Projection": projection })
    };
    rig.done(
        "CreateTable",
        json!({
            "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "AttributeDefinitions": [definition("pk", "S"), definition("g", "S")],
            "GlobalSecondaryIndexes": [
                global("keys", json!({ "ProjectionType": "KEYS_ONLY" })),
                global("some", json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": ["i"] })),
                global("whole", json!({ "ProjectionType": "ALL" })),
            ],
        }),
    )
    .await;
    let with = |g: Option<&str>, i: &str, f: usize| {
        let mut item = json!({ "pk": { "S": "a" }, "i": { "S": i }, "f": { "S": "x".repeat(f) } });
        if let Some(g) = g {
            item["g"] = json!({ "S": g });
        }
        item
    };
    let steps = [
        ("without the key, nothing", with(None, "1", 1), [0.0, 0.0, 0.0]),
        ("a new entry is one write", with(Some("g"), "1", 1), [1.0, 1.0, 1.0]),
        ("the same again changes nothing", with(Some("g"), "1", 1), [0.0, 0.0, 0.0]),
        ("what only one projects costs one", with(Some("g"), "1", 2), [0.0, 0.0, 1.0]),
        ("what two project costs two", with(Some("g"), "2", 2), [0.0, 1.0, 1.0]),
        ("an entry that moves is two writes", with(Some("h"), "2", 2), [2.0, 2.0, 2.0]),
        ("by the size of what is projected", with(Some("h"), "2", 2500), [0.0, 0.0, 3.0]),
        ("a large entry moves for its size twice", with(Some("g"), "2", 2500), [2.0, 2.0, 6.0]),
        ("a dropped entry is one write of its size", with(None, "2", 2500), [1.0, 1.0, 3.0]),
    ];
    for (claim, item, expected) in steps {
        let body = json!({ "TableName": "Tab", "Item": item, "ReturnConsumedCapacity": "INDEXES" });
        let consumed = rig.done("PutItem", body).await["ConsumedCapacity"].take();
        let of = |name: &str| {
            consumed["GlobalSecondaryIndexes"][name]["CapacityUnits"].as_f64().unwrap_or_default()
        };
        assert_eq!(["keys", "some", "whole"].map(of), expected, "{claim}");
        let table = consumed["Table"]["CapacityUnits"].as_f64().unwrap();
        assert_eq!(consumed["CapacityUnits"], table + expected.iter().sum::<f64>(), "{claim}");
    }
}
