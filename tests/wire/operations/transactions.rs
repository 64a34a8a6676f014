//! `TransactGetItems` and `TransactWriteItems`.

use serde_json::{Value, json};

use super::{Way, n, on_every_way, order, order_key, s, with};

const CANCELLED: &str = "TransactionCanceledException";
const NOT_HELD: &str = "The conditional request failed";

fn key(p: &str) -> Value {
    json!({ "p": s(p) })
}

fn song(p: &str, stock: u32) -> Value {
    json!({ "p": s(p), "stock": n(stock) })
}

fn put(item: Value) -> Value {
    json!({ "Put": { "TableName": "Music", "Item": item } })
}

/// Takes one out of stock, where there is one.
fn sell(p: &str) -> Value {
    json!({ "Update": {
        "TableName": "Music",
        "Key": key(p),
        "UpdateExpression": "SET stock = stock - :one",
        "ConditionExpression": "stock >= :one",
        "ExpressionAttributeValues": { ":one": n(1) },
    } })
}

fn check(p: &str, condition: &str) -> Value {
    json!({ "ConditionCheck": { "TableName": "Music", "Key": key(p), "ConditionExpression": condition } })
}

fn delete(p: &str) -> Value {
    json!({ "Delete": { "TableName": "Music", "Key": key(p) } })
}

/// The same action, which shows the item that its condition fails on.
fn showing(mut action: Value) -> Value {
    let inner = action.as_object_mut().unwrap().values_mut().next().unwrap();
    inner["ReturnValuesOnConditionCheckFailure"] = json!("ALL_OLD");
    action
}

fn transact(actions: &[Value]) -> Value {
    json!({ "TransactItems": actions })
}

/// A table with three songs, which have been read and may be in a cache.
async fn with_songs(way: &Way) {
    way.with_table("Music").await;
    way.with_orders().await;
    for (p, stock) in [("a", 1), ("b", 0), ("c", 5)] {
        way.ok("PutItem", json!({ "TableName": "Music", "Item": song(p, stock) })).await;
        way.item("Music", key(p)).await;
    }
    way.item("Orders", order_key("ada", 1)).await;
}

/// Which of the items there are, by name and stock.
async fn stock(way: &Way) -> Vec<(String, String)> {
    let mut stock = Vec::new();
    for p in ["a", "b", "c", "d"] {
        let item = way.item("Music", key(p)).await;
        if let Some(left) = item["stock"]["N"].as_str() {
            stock.push((p.to_owned(), left.to_owned()));
        }
    }
    stock
}

fn left(stock: &[(&str, &str)]) -> Vec<(String, String)> {
    stock.iter().map(|(p, left)| ((*p).to_owned(), (*left).to_owned())).collect()
}

#[tokio::test]
async fn a_transaction_does_all_of_it() {
    on_every_way(async |way| {
        with_songs(way).await;
        let buy = json!({ "Put": { "TableName": "Orders", "Item": order("ada", 1) } });
        let actions = [sell("a"), check("c", "attribute_exists(p)"), delete("b"), put(song("d", 7)), buy];
        let asked = json!({ "ReturnConsumedCapacity": "TOTAL", "ReturnItemCollectionMetrics": "SIZE" });
        let answer = way.ok("TransactWriteItems", with(&transact(&actions), asked)).await;
        assert_eq!(stock(way).await, left(&[("a", "0"), ("c", "5"), ("d", "7")]));
        assert_eq!(way.item("Orders", order_key("ada", 1)).await, order("ada", 1));
        let consumed = answer["ConsumedCapacity"].as_array().unwrap();
        assert_eq!(consumed.len(), 2, "{answer}");
        for consumed in consumed {
            // Each write costs the table twice, the check like a write; the two index entries of an order cost
            // what they always cost (dynoxide, captured from DynamoDB in August 2026).
            let units = if consumed["TableName"] == "Music" { 8.0 } else { 4.0 };
            assert_eq!(
                (&consumed["CapacityUnits"], &consumed["WriteCapacityUnits"]),
                (&json!(units), &json!(units))
            );
        }
        let metrics = &answer["ItemCollectionMetrics"];
        assert_eq!(metrics["Orders"][0]["ItemCollectionKey"], json!({ "customer": s("ada") }), "{answer}");
        assert!(metrics.get("Music").is_none());
    })
    .await;
}

#[tokio::test]
async fn a_cancelled_transaction_says_why_action_by_action_and_does_nothing() {
    on_every_way(async |way| {
        with_songs(way).await;
        let before = stock(way).await;
        let actions = [
            sell("a"),
            showing(sell("b")),
            put(song("d", 1)),
            check("c", "attribute_not_exists(p)"),
            showing(json!({ "Delete": {
                "TableName": "Music", "Key": key("none"), "ConditionExpression": "attribute_exists(p)",
            } })),
        ];
        let refusal = way
            .refused(
                "TransactWriteItems",
                transact(&actions),
                CANCELLED,
                "Transaction cancelled, please refer cancellation reasons for specific reasons [None, \
                 ConditionalCheckFailed, None, ConditionalCheckFailed, ConditionalCheckFailed]",
            )
            .await;
        let none = json!({ "Code": "None" });
        let failed = json!({ "Code": "ConditionalCheckFailed", "Message": NOT_HELD });
        assert_eq!(
            refusal["CancellationReasons"],
            json!([none, with(&failed, json!({ "Item": song("b", 0) })), none, failed, failed])
        );
        assert_eq!(stock(way).await, before);
        // What only shows when it is carried out cancels, too.
        let wrong = json!({ "Update": {
            "TableName": "Music", "Key": key("c"), "UpdateExpression": "SET x = nothing + :one",
            "ExpressionAttributeValues": { ":one": n(1) },
        } });
        let refusal = way
            .refused(
                "TransactWriteItems",
                transact(&[put(song("d", 1)), wrong]),
                CANCELLED,
                "Transaction cancelled, please refer cancellation reasons for specific reasons [None, \
                 ValidationError]",
            )
            .await;
        assert_eq!(
            refusal["CancellationReasons"][1],
            json!({
                "Code": "ValidationError",
                "Message": "The provided expression refers to an attribute that does not exist in the item",
            })
        );
        assert_eq!(stock(way).await, before);
    })
    .await;
}

#[tokio::test]
async fn transactions_that_make_no_sense_are_refused_as_a_whole() {
    on_every_way(async |way| {
        with_songs(way).await;
        let before = stock(way).await;
        let write = "TransactWriteItems";
        let twice = "Transaction request cannot include multiple operations on one item";
        way.invalid(write, transact(&[put(song("d", 1)), check("d", "attribute_exists(p)")]), twice).await;
        let arn = format!("{}Music", super::ARN);
        let by_arn = json!({ "Put": { "TableName": arn, "Item": song("d", 2) } });
        way.invalid(write, transact(&[put(song("d", 1)), by_arn]), twice).await;
        let nowhere = json!({ "Put": { "TableName": "Nowhere", "Item": song("d", 1) } });
        way.refused(
            write,
            transact(&[put(song("d", 1)), nowhere]),
            "ResourceNotFoundException",
            "Requested resource not found",
        )
        .await;
        let many: Vec<Value> = (0..101).map(|number| put(song(&format!("n{number}"), 1))).collect();
        let answer = way.node.post(write, transact(&many).to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"));
        assert!(String::from_utf8_lossy(&answer.body).contains("less than or equal to 100"), "{answer:?}");
        assert_eq!(way.ok(write, transact(&many[..100])).await, json!({}));
        assert_eq!(stock(way).await, before);
    })
    .await;
}

#[tokio::test]
async fn a_token_makes_a_transaction_happen_once() {
    on_every_way(async |way| {
        with_songs(way).await;
        let sale = with(&transact(&[sell("c")]), json!({ "ClientRequestToken": "token-1" }));
        let asked = with(&sale, json!({ "ReturnConsumedCapacity": "TOTAL" }));
        let first = way.ok("TransactWriteItems", asked.clone()).await["ConsumedCapacity"][0].clone();
        assert_eq!((&first["WriteCapacityUnits"], first.get("ReadCapacityUnits")), (&json!(2.0), None));
        assert_eq!(stock(way).await, left(&[("a", "1"), ("b", "0"), ("c", "4")]));
        // DynamoDB: the second time, it is told what it took to find out.
        let again = way.ok("TransactWriteItems", asked).await["ConsumedCapacity"][0].clone();
        assert_eq!((&again["ReadCapacityUnits"], again.get("WriteCapacityUnits")), (&json!(2.0), None));
        way.refused(
            "TransactWriteItems",
            with(&transact(&[sell("a")]), json!({ "ClientRequestToken": "token-1" })),
            "IdempotentParameterMismatchException",
            "Another transaction with the same token was already processed with different parameters",
        )
        .await;
        assert_eq!(stock(way).await, left(&[("a", "1"), ("b", "0"), ("c", "4")]));
        way.ok("TransactWriteItems", with(&sale, json!({ "ClientRequestToken": "token-2" }))).await;
        assert_eq!(stock(way).await, left(&[("a", "1"), ("b", "0"), ("c", "3")]));
        // One that failed may be tried again.
        let later = with(&transact(&[sell("b")]), json!({ "ClientRequestToken": "token-3" }));
        let answer = way.node.post("TransactWriteItems", later.to_string()).await;
        assert_eq!(answer.error(), CANCELLED);
        way.ok("PutItem", json!({ "TableName": "Music", "Item": song("b", 1) })).await;
        way.ok("TransactWriteItems", later).await;
        assert_eq!(stock(way).await, left(&[("a", "1"), ("b", "0"), ("c", "3")]));
    })
    .await;
}

#[tokio::test]
async fn a_reading_transaction_answers_in_the_order_of_its_keys() {
    on_every_way(async |way| {
        with_songs(way).await;
        let get = |p: &str| json!({ "Get": { "TableName": "Music", "Key": key(p) } });
        let projected = json!({ "Get": {
            "TableName": "Music", "Key": key("a"), "ProjectionExpression": "#s",
            "ExpressionAttributeNames": { "#s": "stock" },
        } });
        let asked = with(
            &transact(&[get("c"), get("none"), projected]),
            json!({ "ReturnConsumedCapacity": "TOTAL" }),
        );
        let answer = way.ok("TransactGetItems", asked).await;
        assert_eq!(answer["Responses"], json!([{ "Item": song("c", 5) }, {}, { "Item": { "stock": n(1) } }]));
        assert_eq!(
            answer["ConsumedCapacity"],
            json!([{ "TableName": "Music", "CapacityUnits": 6.0, "ReadCapacityUnits": 6.0 }])
        );
        way.invalid(
            "TransactGetItems",
            transact(&[get("a"), get("a")]),
            "Transaction request cannot include multiple operations on one item",
        )
        .await;
    })
    .await;
}

/// DynamoDB: recorded by the conformance suite (validation ordering of transactions).
#[tokio::test]
async fn faults_are_reported_action_by_action() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let malformed = check("a", "attribute_not_exists(");
        let syntax = "Invalid ConditionExpression: Syntax error; token: \"<EOF>\", near: \"(\"";
        let deep = (0..32).fold(s("leaf"), |inner, _| json!({ "M": { "n": inner } }));
        let deep = put(json!({ "p": s("b"), "data": deep }));
        let too_deep = "Nesting Levels have exceeded supported limits: Attributes in the item have nested levels \
                        beyond supported limit";
        let unused = json!({ "ConditionCheck": {
            "TableName": "Music",
            "Key": key("c"),
            "ConditionExpression": "attribute_not_exists(p)",
            "ExpressionAttributeValues": { ":v": s("x") },
        } });
        let nowhere = json!({ "Put": { "TableName": "Nowhere", "Item": { "p": s("a") } } });
        let unused_value = "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}";
        for (actions, message) in [
            (vec![nowhere.clone(), malformed.clone()], syntax),
            (vec![malformed.clone(), deep.clone()], syntax),
            (vec![deep.clone(), malformed], too_deep),
            (vec![nowhere.clone(), unused.clone()], unused_value),
            (vec![unused.clone(), nowhere], unused_value),
            (vec![put(song("c", 1)), unused], unused_value),
            (vec![put(song("c", 1)), deep], too_deep),
        ] {
            way.invalid("TransactWriteItems", transact(&actions), message).await;
        }
        assert_eq!(way.item("Music", key("c")).await, Value::Null);
    })
    .await;
}
