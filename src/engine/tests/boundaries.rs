//! The last value that is allowed, and the first that is not.

use serde_json::{Value, json};

use crate::rig::{Rig, definition};

const ITEM_BYTES_MAX: usize = 409_600;
const MIB: usize = 1024 * 1024;

async fn rig(has_sort_key: bool) -> Rig {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", has_sort_key).await;
    rig
}

/// With `sk` if it is not empty.
fn item(pk: &str, sk: &str, bytes: usize) -> Value {
    let mut item = json!({ "pk": { "S": pk } });
    let mut keys = 2 + pk.len();
    if !sk.is_empty() {
        item["sk"] = json!({ "S": sk });
        keys += 2 + sk.len();
    }
    item["f"] = json!({ "S": "x".repeat(bytes - keys - 1) });
    item
}

async fn put(rig: &Rig, item: Value) {
    rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
}

/// A request's body, from an item.
type Body = fn(&Value) -> Value;

#[tokio::test]
async fn an_item_has_409_600_bytes_and_not_one_more() {
    let rig = rig(false).await;
    let (fits, too_large) = (item("a", "", ITEM_BYTES_MAX), item("b", "", ITEM_BYTES_MAX + 1));
    let ways: [(&str, Body); 3] = [
        ("PutItem", |item| json!({ "TableName": "Tab", "Item": item })),
        ("BatchWriteItem", |item| json!({ "RequestItems": { "Tab": [{ "PutRequest": { "Item": item } }] } })),
        (
            "TransactWriteItems",
            |item| json!({ "TransactItems": [{ "Put": { "TableName": "Tab", "Item": item } }] }),
        ),
    ];
    for (operation, body) in ways {
        rig.done(operation, body(&fits)).await;
        assert_eq!(rig.refused(operation, body(&too_large)).await.code, "ValidationException", "{operation}");
        assert_eq!(rig.item("Tab", json!({ "pk": { "S": "b" } })).await, None, "{operation}");
    }
    assert_eq!(rig.item("Tab", json!({ "pk": { "S": "a" } })).await, Some(fits));
}

/// DynamoDB: nubo-db/dynamodb-conformance, itemSizeBySurface.test.ts, measured in August 2026.
#[tokio::test]
async fn an_update_alone_is_measured_by_what_it_writes_too() {
    let rig = rig(false).await;
    let update = |pk: &str, expression: &str, bytes: usize| {
        json!({
            "TableName": "Tab", "Key": { "pk": { "S": pk } }, "UpdateExpression": expression,
            "ExpressionAttributeValues": { ":v": { "S": "x".repeat(bytes) } },
        })
    };
    let empty = json!({ "S": "" });
    let cases = [
        ("SET b = :v", json!({}), 3 + 19 + 1),
        ("SET b = :v, c = pk", json!({}), 3 + 2 * 19 + 1 + 2),
        ("SET b = :v REMOVE r", json!({ "r": empty }), 3 + 19 + 2 + 1),
        // What it leaves alone does not count.
        ("SET b = :v", json!({ "u": { "S": "y".repeat(10) } }), 3 + 19 + 1),
        // What it writes into does, as a whole; a list or a map has 3 bytes more, and 1 for each element.
        ("SET m.e = :v", json!({ "m": { "M": { "e": empty } } }), 3 + 19 + 1 + 4 + 1),
        ("SET l[0] = :v", json!({ "l": { "L": [empty] } }), 3 + 20 + 1 + 4),
    ];
    for (expression, others, measured) in cases {
        let mut item = json!({ "pk": { "S": "k" } });
        item.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
        put(&rig, item.clone()).await;
        // The new item itself would have less than an item may.
        let refusal = rig.refused("UpdateItem", update("k", expression, ITEM_BYTES_MAX - measured + 1)).await;
        let message = "Item size to update has exceeded the maximum allowed size";
        assert_eq!(refusal.body["message"], message, "{expression}");
        assert_eq!(rig.item("Tab", json!({ "pk": { "S": "k" } })).await, Some(item), "{expression}");
        rig.done("UpdateItem", update("k", expression, ITEM_BYTES_MAX - measured)).await;
    }
    // What goes too far for it alone is written in a transaction. With a long key nothing does.
    let most = ITEM_BYTES_MAX - 3 - 1;
    rig.refused("UpdateItem", update("n", "SET b = :v", most)).await;
    let action = json!({ "TransactItems": [{ "Update": update("n", "SET b = :v", most) }] });
    rig.done("TransactWriteItems", action).await;
    let long = "k".repeat(20);
    rig.done("UpdateItem", update(&long, "SET b = :v", ITEM_BYTES_MAX - 22 - 1)).await;
}

#[tokio::test]
async fn an_update_lets_an_item_grow_to_409_600_bytes_and_not_one_more() {
    let rig = rig(false).await;
    put(&rig, item("a", "", ITEM_BYTES_MAX - 5)).await;
    let set = |text: &str| {
        json!({
            "TableName": "Tab", "Key": { "pk": { "S": "a" } }, "UpdateExpression": "SET g = :g",
            "ExpressionAttributeValues": { ":g": { "S": text } },
        })
    };
    rig.done("UpdateItem", set("1234")).await;
    assert_eq!(rig.refused("UpdateItem", set("12345")).await.code, "ValidationException");
    let action = json!({ "TransactItems": [{ "Update": set("12345") }] });
    let refusal = rig.refused("TransactWriteItems", action).await;
    assert_eq!(refusal.body["CancellationReasons"][0]["Code"], "ValidationError");
    let left = rig.item("Tab", json!({ "pk": { "S": "a" } })).await.unwrap();
    assert_eq!(left["g"]["S"], "1234");
    assert_eq!(rig.describe("Tab").await["TableSizeBytes"], ITEM_BYTES_MAX);
}

/// A table without a sort key, and indexes by it, have the same limits for their parts.
#[tokio::test]
async fn keys_have_2_048_and_1_024_bytes_and_not_one_more() {
    let rig = Rig::in_memory();
    for (table, key_type) in [("Texts", "S"), ("Binaries", "B")] {
        let definitions = ["pk", "sk", "g", "r"].map(|name| definition(name, key_type));
        rig.done(
            "CreateTable",
            json!({
                "TableName": table, "BillingMode": "PAY_PER_REQUEST",
                "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }, { "AttributeName": "sk", "KeyType": "RANGE" }],
                "AttributeDefinitions": definitions,
                "GlobalSecondaryIndexes": [{
                    "IndexName": "index", "Projection": { "ProjectionType": "ALL" },
                    "KeySchema": [{ "AttributeName": "g", "KeyType": "HASH" }, { "AttributeName": "r", "KeyType": "RANGE" }],
                }],
            }),
        )
        .await;
        // A byte that is written as two in keys: it counts once.
        let value = |bytes: usize| match key_type {
            "S" => json!({ "S": "\0".repeat(bytes) }),
            _ => {
                use base64::{Engine as _, prelude::BASE64_STANDARD};
                json!({ "B": BASE64_STANDARD.encode(vec![0; bytes]) })
            }
        };
        let cases = [
            ([2048, 1024, 2048, 1024], true),
            ([1, 1, 1, 1], true),
            ([2049, 1024, 2048, 1024], false),
            ([2048, 1025, 2048, 1024], false),
            ([2048, 1024, 2049, 1024], false),
            ([2048, 1024, 2048, 1025], false),
            ([0, 1, 1, 1], false),
            ([1, 0, 1, 1], false),
            ([1, 1, 0, 1], false),
            ([1, 1, 1, 0], false),
        ];
        for (sizes, is_allowed) in cases {
            let [pk, sk, g, r] = sizes.map(value);
            let body = json!({ "TableName": table, "Item": { "pk": pk, "sk": sk, "g": g, "r": r } });
            match is_allowed {
                true => drop(rig.done("PutItem", body).await),
                false => {
                    assert_eq!(rig.refused("PutItem", body).await.code, "ValidationException", "{sizes:?}")
                }
            }
        }
        for index in [None, Some("index")] {
            assert_eq!(rig.scan(table, index).await.len(), 2);
        }
    }
}

/// DynamoDB: developer guide, "Paginating table query results": a page holds 1 MB before filters, whatever a
/// projection leaves of it.
#[tokio::test]
async fn a_page_ends_at_1_mb_of_what_is_read() {
    let rig = rig(true).await;
    // Ten make 1,024,000 bytes; an eleventh exceeds 1 MB.
    for number in 0..25 {
        put(&rig, item("p", &format!("{number:02}"), 102_400)).await;
    }
    let bodies = [
        json!({}),
        json!({ "Select": "COUNT" }),
        json!({ "ProjectionExpression": "sk" }),
        json!({ "FilterExpression": "attribute_not_exists(f)" }),
    ];
    for more in bodies {
        for operation in ["Query", "Scan"] {
            let mut body = json!({ "TableName": "Tab" });
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            if operation == "Query" {
                body["KeyConditionExpression"] = "pk = :p".into();
                body["ExpressionAttributeValues"] = json!({ ":p": { "S": "p" } });
            }
            let mut scanned = Vec::new();
            loop {
                let mut page = rig.done(operation, body.clone()).await;
                scanned.push(page["ScannedCount"].as_u64().unwrap());
                if page["LastEvaluatedKey"].is_null() {
                    break;
                }
                body["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
            }
            assert_eq!(scanned.iter().sum::<u64>(), 25);
            // Whether the item that passes 1 MB is the last of its page, no page says.
            let full = &scanned[..scanned.len() - 1];
            assert!(full.iter().all(|read| (10..=11).contains(read)), "{operation} {more}: {scanned:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_leaves_unread_what_would_make_its_answer_larger_than_16_mb() {
    let rig = rig(false).await;
    let names: Vec<String> = (0..50).map(|number| format!("{number:02}")).collect();
    for name in &names {
        put(&rig, item(name, "", ITEM_BYTES_MAX)).await;
    }
    let mut keys: Vec<Value> = names.iter().map(|name| json!({ "pk": { "S": name } })).collect();
    let mut found = Vec::new();
    let mut answers = 0;
    while !keys.is_empty() {
        let request = json!({ "Keys": keys, "ConsistentRead": true, "ProjectionExpression": "pk, #f",
            "ExpressionAttributeNames": { "#f": "f" } });
        let answer = rig.done("BatchGetItem", json!({ "RequestItems": { "Tab": request } })).await;
        let items = answer["Responses"]["Tab"].as_array().unwrap();
        assert!(items.len() * ITEM_BYTES_MAX <= 16 * MIB);
        found.extend(items.iter().map(|item| item["pk"]["S"].as_str().unwrap().to_owned()));
        let left = &answer["UnprocessedKeys"]["Tab"];
        keys = left["Keys"].as_array().cloned().unwrap_or_default();
        if !keys.is_empty() {
            // What is left can be sent as it is.
            let settings = ["ConsistentRead", "ProjectionExpression", "ExpressionAttributeNames"];
            assert!(settings.iter().all(|member| left[member] == request[member]), "{left}");
        }
        answers += 1;
    }
    // 40 items are 15.6 MB, 41 are more than 16 MB.
    assert_eq!(answers, 2);
    found.sort();
    assert_eq!(found, names);
}

#[tokio::test]
async fn a_transaction_has_4_mb_and_not_one_byte_more() {
    let rig = rig(false).await;
    // Ten of 400 KB and one of what is left to 4 MB.
    let last = 4 * MIB - 10 * ITEM_BYTES_MAX;
    for (bytes, is_allowed) in [(last, true), (last + 1, false)] {
        let sizes = std::iter::repeat_n(ITEM_BYTES_MAX, 10).chain([bytes]);
        let items: Vec<Value> =
            sizes.enumerate().map(|(number, bytes)| item(&format!("{number:02}"), "", bytes)).collect();
        let puts: Vec<Value> =
            items.iter().map(|item| json!({ "Put": { "TableName": "Tab", "Item": item } })).collect();
        let gets: Vec<Value> = items
            .iter()
            .map(|item| json!({ "Get": { "TableName": "Tab", "Key": { "pk": item["pk"] } } }))
            .collect();
        let written = rig.ask("TransactWriteItems", json!({ "TransactItems": puts })).await;
        assert_eq!(written.is_ok(), is_allowed, "{bytes}");
        for item in items {
            put(&rig, item).await;
        }
        let read = rig.ask("TransactGetItems", json!({ "TransactItems": gets })).await;
        assert_eq!(read.is_ok(), is_allowed, "{bytes}");
    }
}
