//! What coherence costs: what the origin is asked beside what clients ask, and what it charges for that.

use std::time::Duration;

use serde_json::{Value, json};

use crate::{
    dynamo::{Dynamo, get, item, key, put, query},
    node::{Node, config, over_engine},
    stub::Stub,
};

/// For whatever a node might ask behind a client's back.
const AFTERWARDS: Duration = Duration::from_millis(100);

/// A write of `Music/a` of each kind, and whether it leaves an image in the cache.
fn writes() -> [(&'static str, Value, bool); 5] {
    let update = json!({
        "TableName": "Music", "Key": key("a"), "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": { ":v": { "N": "2" } },
    });
    let batch = json!({ "RequestItems": { "Music": [{ "PutRequest": { "Item": item("a", 2) } }] } });
    let transaction = json!({ "TransactItems": [{ "Put": { "TableName": "Music", "Item": item("a", 2) } }] });
    [
        ("PutItem", serde_json::from_str(&put("Music", "a", 2)).unwrap(), true),
        ("UpdateItem", update, false),
        ("DeleteItem", serde_json::from_str(&get("Music", "a")).unwrap(), true),
        ("BatchWriteItem", batch, true),
        ("TransactWriteItems", transaction, false),
    ]
}

/// A node in front of a stub that has `Music/a`, which is cached, and so is the query of its partition.
async fn warmed(settle: &str) -> (Stub, Node) {
    let dynamo = Dynamo::new();
    dynamo.write(("Music".into(), "a".into()), item("a", 1));
    let stub = dynamo.stub();
    let node = Node::with(&stub, &[("cache.settle", settle)]).await;
    for (operation, body) in [("GetItem", get("Music", "a")), ("Query", query("Music", "a"))] {
        node.post(operation, body.clone()).await;
        assert_eq!(node.post(operation, body).await.outcome(), "hit", "{operation}");
    }
    stub.forget();
    (stub, node)
}

#[tokio::test]
async fn a_write_asks_the_origin_what_its_client_asked_and_nothing_else() {
    for (operation, body, _) in writes() {
        let (stub, node) = warmed("2s").await;
        assert_eq!(node.post(operation, body.to_string()).await.status, 200);
        tokio::time::sleep(AFTERWARDS).await;
        let asked = stub.only();
        assert_eq!((asked.operation(), asked.json()), (operation, body));
        assert_eq!(stub.count("DescribeTable"), 0, "{operation}");
    }
}

#[tokio::test]
async fn what_a_write_ended_is_asked_for_once_and_strongly_while_the_write_settles() {
    for (operation, body, leaves_image) in writes() {
        let (stub, node) = warmed("20s").await;
        node.post(operation, body.to_string()).await;
        for (read, body, asks) in
            [("GetItem", get("Music", "a"), usize::from(!leaves_image)), ("Query", query("Music", "a"), 1)]
        {
            stub.forget();
            node.post(read, body.clone()).await;
            assert!(node.post(read, body).await.outcome().starts_with("hit"), "{read} after {operation}");
            let asked = stub.received();
            assert_eq!(asked.len(), asks, "{read} after {operation}");
            assert!(
                asked.iter().all(|each| each.json()["ConsistentRead"] == true),
                "{read} after {operation}"
            );
        }
    }
}

#[tokio::test]
async fn a_write_that_has_settled_makes_no_read_strong() {
    let (stub, node) = warmed("100ms").await;
    let [.., (operation, body, _)] = writes();
    node.post(operation, body.to_string()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    for (read, body) in [("GetItem", get("Music", "a")), ("Query", query("Music", "a"))] {
        stub.forget();
        assert_eq!(node.post(read, body).await.outcome(), "fwd=miss; stored");
        assert_ne!(stub.only().json()["ConsistentRead"], true, "{read}");
    }
}

/// A node in front of an engine that charges, with `Music` and its global index `ByGenre`.
async fn before_an_engine(settings: &[(&str, &str)]) -> (Node, Node) {
    let engine = over_engine(&[("cache.mode", "off")]).await;
    let attributes = ["p", "genre"].map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
    let table = json!({
        "TableName": "Music",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "ByGenre",
            "KeySchema": [{ "AttributeName": "genre", "KeyType": "HASH" }],
            "Projection": { "ProjectionType": "ALL" },
        }],
    });
    assert_eq!(engine.post("CreateTable", table.to_string()).await.status, 200);
    let is_active = async || {
        let told = engine.post("DescribeTable", r#"{"TableName":"Music"}"#).await.json();
        told["Table"]["TableStatus"] == "ACTIVE"
    };
    while !is_active().await {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let node = Node::start(config(&format!("http://{}", engine.json), settings)).await;
    (engine, node)
}

/// An item of somewhat less than 4 KB: a strong read of it costs 1, any other one 0.5.
fn large(text: &str, genre: &str) -> Value {
    let mut item = key(text);
    item["genre"] = json!({ "S": genre });
    item["lyrics"] = json!({ "S": "la".repeat(1_900) });
    item
}

/// What is charged for a call that must succeed.
async fn charged(node: &Node, operation: &str, mut request: Value) -> Value {
    request["ReturnConsumedCapacity"] = json!("INDEXES");
    let answer = node.post(operation, request.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()["ConsumedCapacity"].clone()
}

#[tokio::test]
async fn only_reads_while_a_write_settles_cost_more_and_then_half_a_unit() {
    let (engine, node) = before_an_engine(&[("cache.settle", "2s")]).await;
    // What was written before the node began might still settle.
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    for text in ["a", "b"] {
        let put = json!({ "TableName": "Music", "Item": large(text, "x") });
        assert_eq!(engine.post("PutItem", put.to_string()).await.status, 200);
    }
    let units = async |text: &str| {
        let read = json!({ "TableName": "Music", "Key": key(text) });
        charged(&node, "GetItem", read).await["CapacityUnits"].as_f64()
    };
    assert_eq!([units("a").await, units("a").await], [Some(0.5), Some(0.0)]);
    let update = json!({
        "TableName": "Music", "Key": key("b"), "UpdateExpression": "SET plays = :v",
        "ExpressionAttributeValues": { ":v": { "N": "2" } },
    });
    charged(&node, "UpdateItem", update).await;
    assert_eq!([units("b").await, units("b").await], [Some(1.0), Some(0.0)]);
}

/// How a write of the item of a key is asked for.
type OfKey = fn(&str) -> Value;

/// The life of an item, of which no part touches the items of other genres than `x` and `y`.
const LIFE: [(&str, OfKey); 4] = [
    ("PutItem", |text| json!({ "TableName": "Music", "Item": large(text, "x") })),
    ("PutItem", |text| json!({ "TableName": "Music", "Item": large(text, "y") })),
    ("UpdateItem", |text| {
        json!({
            "TableName": "Music", "Key": key(text), "UpdateExpression": "SET plays = :v",
            "ExpressionAttributeValues": { ":v": { "N": "2" } },
        })
    }),
    ("DeleteItem", |text| json!({ "TableName": "Music", "Key": key(text) })),
];

#[tokio::test]
async fn a_write_is_charged_as_without_the_node_even_where_images_are_asked_for() {
    for settings in [&[][..], &[("cache.ask_for_images", "true")]] {
        let (engine, node) = before_an_engine(settings).await;
        let other = json!({
            "TableName": "Music",
            "IndexName": "ByGenre",
            "KeyConditionExpression": "genre = :g",
            "ExpressionAttributeValues": { ":g": { "S": "other" } },
        })
        .to_string();
        node.post("Query", other.clone()).await;
        let asked_before = engine.metric("linac_json_requests_total", &[]).await;
        for (operation, request) in LIFE {
            // The origin answers with images, so the client must not see them and the results beside stay.
            let answer = node.post(operation, request("unasked").to_string()).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, json!({})), "{operation}");
            let is_kept = node.post("Query", other.clone()).await.outcome().starts_with("hit");
            assert_eq!(is_kept, !settings.is_empty(), "{operation} {settings:?}");

            let through = charged(&node, operation, request("one")).await;
            let direct = charged(&engine, operation, request("two")).await;
            assert!(through["CapacityUnits"].as_f64().unwrap() >= 1.0, "{through}");
            assert_eq!(through, direct, "{operation} {settings:?}");
        }
        let asked = engine.metric("linac_json_requests_total", &[]).await - asked_before;
        let reads = engine.metric("linac_json_requests_total", &["operation=\"Query\""]).await;
        // Per kind: two writes through the node and one beside it; and what queries were not hits.
        let refetched = if settings.is_empty() { 4.0 } else { 0.0 };
        assert_eq!((asked - refetched, reads - refetched), (12.0, 1.0), "{settings:?}");
    }
}
