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

/// Two indexes on `Tab`: one has what `l` is in of a partition, the other has the keys alone of what `g` is in.
async fn create_indexed_table(rig: &Rig) {
    let key = |names: &[&str]| {
        let elements = names.iter().zip(["HASH", "RANGE"]);
        elements.map(|(name, role)| json!({ "AttributeName": name, "KeyType": role })).collect::<Vec<_>>()
    };
    let definitions: Vec<Value> = ["pk", "sk", "g", "l"].iter().map(|name| definition(name, "S")).collect();
    let index = |name: &str, keys: &[&str]| json!({ "IndexName": name, "KeySchema": key(keys), "Projection": { "ProjectionType": "KEYS_ONLY" } });
    let body = json!({
        "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": key(&["pk", "sk"]),
        "AttributeDefinitions": definitions, "LocalSecondaryIndexes": [index("local", &["pk", "l"])],
        "GlobalSecondaryIndexes": [index("global", &["g"])],
    });
    rig.done("CreateTable", body).await;
}

fn indexed(sk: &str, filler: usize) -> Value {
    json!({
        "pk": { "S": "p" }, "sk": { "S": sk }, "g": { "S": "g" }, "l": { "S": sk },
        "f": { "S": "x".repeat(filler) },
    })
}

fn put_action(item: Value) -> Value {
    json!({ "Put": { "TableName": "Tab", "Item": item } })
}

fn transaction(actions: &[Value]) -> Value {
    json!({ "TransactItems": actions, "ReturnConsumedCapacity": "INDEXES" })
}

/// DynamoDB: dynoxide, captured in August 2026.
#[tokio::test]
async fn a_transaction_costs_indexes_what_any_write_costs_them() {
    let rig = Rig::in_memory();
    create_indexed_table(&rig).await;
    let put = transaction(&[put_action(indexed("1", 1500)), put_action(indexed("2", 1))]);
    let units = |units: f64| json!({ "CapacityUnits": units, "WriteCapacityUnits": units });
    let mut expected = json!({
        "TableName": "Tab", "Table": units(6.0), "LocalSecondaryIndexes": { "local": units(2.0) },
        "GlobalSecondaryIndexes": { "global": units(2.0) },
    });
    expected.as_object_mut().unwrap().extend(units(10.0).as_object().unwrap().clone());
    assert_eq!(rig.done("TransactWriteItems", put.clone()).await["ConsumedCapacity"], json!([expected]));
    let again = rig.done("TransactWriteItems", put).await["ConsumedCapacity"].take();
    let mut expected = json!({ "TableName": "Tab", "Table": units(6.0) });
    expected.as_object_mut().unwrap().extend(units(6.0).as_object().unwrap().clone());
    assert_eq!(again, json!([expected]));
}

/// DynamoDB: dynoxide, captured in August 2026: a repeated transaction is read, by the larger image of each item.
#[tokio::test]
async fn a_transaction_that_was_carried_out_before_costs_reads() {
    let rig = Rig::in_memory();
    create_indexed_table(&rig).await;
    let key = |sk: &str| json!({ "pk": { "S": "p" }, "sk": { "S": sk } });
    for sk in ["shrinks", "goes", "stays"] {
        rig.done("PutItem", json!({ "TableName": "Tab", "Item": indexed(sk, 9000) })).await;
    }
    let actions = [
        (put_action(indexed("shrinks", 1)), 6.0),
        (put_action(indexed("grows", 9000)), 6.0),
        (json!({ "Delete": { "TableName": "Tab", "Key": key("goes") } }), 6.0),
        (json!({ "Delete": { "TableName": "Tab", "Key": key("missing") } }), 2.0),
        (
            json!({ "ConditionCheck": {
                "TableName": "Tab", "Key": key("stays"), "ConditionExpression": "attribute_exists(f)",
            } }),
            6.0,
        ),
    ];
    for (number, (action, expected)) in actions.into_iter().enumerate() {
        let mut body = transaction(std::slice::from_ref(&action));
        body["ClientRequestToken"] = json!(format!("token-{number}"));
        let first = rig.done("TransactWriteItems", body.clone()).await["ConsumedCapacity"][0].take();
        assert_eq!(first["CapacityUnits"], first["WriteCapacityUnits"], "{action}");
        let again = rig.done("TransactWriteItems", body).await["ConsumedCapacity"][0].take();
        assert_eq!(again["ReadCapacityUnits"], expected, "{action}");
        assert_eq!((&again["CapacityUnits"], &again["WriteCapacityUnits"]), (&json!(expected), &Value::Null));
    }
}

/// DynamoDB: developer guide, "Provisioned throughput considerations for local secondary indexes": what is read in
/// the index is rounded up as one, and each item that is fetched by itself.
#[tokio::test]
async fn a_local_index_costs_its_entries_and_what_is_fetched_for_them() {
    let rig = Rig::in_memory();
    create_indexed_table(&rig).await;
    for sk in ["1", "2", "3"] {
        rig.done("PutItem", json!({ "TableName": "Tab", "Item": indexed(sk, 5000) })).await;
    }
    let query = |more: Value| {
        let mut body = json!({
            "TableName": "Tab", "IndexName": "local", "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": { ":p": { "S": "p" } }, "ReturnConsumedCapacity": "INDEXES",
        });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    for (more, index, table) in [
        (json!({}), 0.5, 0.0),
        (json!({ "ConsistentRead": true }), 1.0, 0.0),
        (json!({ "Select": "COUNT" }), 0.5, 0.0),
        (json!({ "ProjectionExpression": "sk, l" }), 0.5, 0.0),
        (json!({ "ProjectionExpression": "f" }), 0.5, 3.0),
        (json!({ "Select": "ALL_ATTRIBUTES", "ConsistentRead": true }), 1.0, 6.0),
        (json!({ "Select": "ALL_ATTRIBUTES", "Limit": 2 }), 0.5, 2.0),
    ] {
        let consumed = rig.done("Query", query(more.clone())).await["ConsumedCapacity"].take();
        let expected = json!({
            "TableName": "Tab", "CapacityUnits": index + table, "Table": { "CapacityUnits": table },
            "LocalSecondaryIndexes": { "local": { "CapacityUnits": index } },
        });
        assert_eq!(consumed, expected, "{more}");
    }
}

#[tokio::test]
async fn a_batch_tells_of_each_table_once() {
    let rig = Rig::in_memory();
    create_indexed_table(&rig).await;
    let arn = rig.describe("Tab").await["TableArn"].as_str().unwrap().to_owned();
    let put = |sk: &str| json!({ "PutRequest": { "Item": indexed(sk, 1500) } });
    let batch = json!({
        "RequestItems": { "Tab": [put("1"), put("2")], arn.clone(): [put("3")] },
        "ReturnConsumedCapacity": "INDEXES",
    });
    let units = |units: f64| json!({ "CapacityUnits": units });
    let expected = json!([{
        "TableName": "Tab", "CapacityUnits": 12.0, "Table": units(6.0),
        "LocalSecondaryIndexes": { "local": units(3.0) }, "GlobalSecondaryIndexes": { "global": units(3.0) },
    }]);
    assert_eq!(rig.done("BatchWriteItem", batch).await["ConsumedCapacity"], expected);
    let keys = |sks: &[&str]| {
        let keys = sks.iter().map(|sk| json!({ "pk": { "S": "p" }, "sk": { "S": sk } }));
        keys.collect::<Vec<_>>()
    };
    let batch = json!({
        "RequestItems": {
            "Tab": { "Keys": keys(&["1", "missing"]), "ConsistentRead": true }, arn: { "Keys": keys(&["2"]) },
        },
        "ReturnConsumedCapacity": "TOTAL",
    });
    let expected = json!([{ "TableName": "Tab", "CapacityUnits": 2.5 }]);
    assert_eq!(rig.done("BatchGetItem", batch).await["ConsumedCapacity"], expected);
}
