//! `BatchGetItem` and `BatchWriteItem`.

use serde_json::{Value, json};

use super::{n, on_every_way, order, order_key, s, with};

fn key(p: &str) -> Value {
    json!({ "p": s(p) })
}

fn in_order(items: &Value) -> Vec<Value> {
    let mut items = items.as_array().cloned().unwrap_or_default();
    items.sort_by_key(ToString::to_string);
    items
}

#[tokio::test]
async fn a_batch_is_its_single_operations() {
    on_every_way(async |way| {
        way.with_orders().await;
        way.with_table("Music").await;
        for number in 0..4 {
            way.ok("PutItem", json!({ "TableName": "Orders", "Item": order("ada", number) })).await;
        }
        // What is in the cache by then has to be written over.
        for number in 0..4 {
            way.item("Orders", order_key("ada", number)).await;
        }
        let song = json!({ "p": s("a"), "v": n(1), "w": s("x") });
        let written = way
            .ok(
                "BatchWriteItem",
                json!({
                    "RequestItems": {
                        "Orders": [
                            { "DeleteRequest": { "Key": order_key("ada", 0) } },
                            { "PutRequest": { "Item": with(&order("ada", 1), json!({ "note": s("new") })) } },
                            { "DeleteRequest": { "Key": order_key("ada", 99) } },
                        ],
                        "Music": [{ "PutRequest": { "Item": song } }],
                    },
                    "ReturnConsumedCapacity": "TOTAL",
                    "ReturnItemCollectionMetrics": "SIZE",
                }),
            )
            .await;
        assert_eq!(written["UnprocessedItems"], json!({}));
        let consumed = in_order(&written["ConsumedCapacity"]);
        // Of Orders: an item and two entries are removed; an item and an entry change; nothing is removed.
        assert_eq!(consumed[0]["TableName"], "Music");
        assert_eq!(
            (&consumed[0]["CapacityUnits"], &consumed[1]["CapacityUnits"]),
            (&json!(1.0), &json!(6.0))
        );
        let metrics = &written["ItemCollectionMetrics"];
        assert_eq!(metrics["Orders"].as_array().unwrap().len(), 3, "{metrics}");
        assert_eq!(metrics["Orders"][0]["ItemCollectionKey"], json!({ "customer": s("ada") }));
        assert!(metrics.get("Music").is_none());

        let keys = [0, 1, 2, 99].map(|number| order_key("ada", number));
        let wanted = json!({
            "Orders": { "Keys": keys, "ConsistentRead": true },
            "Music": {
                "Keys": [key("a"), key("b")], "ProjectionExpression": "#v",
                "ExpressionAttributeNames": { "#v": "v" }, "ConsistentRead": true,
            },
        });
        let found = way
            .ok("BatchGetItem", json!({ "RequestItems": wanted, "ReturnConsumedCapacity": "TOTAL" }))
            .await;
        assert_eq!(found["UnprocessedKeys"], json!({}));
        assert_eq!(found["Responses"]["Music"], json!([{ "v": n(1) }]));
        let orders = vec![with(&order("ada", 1), json!({ "note": s("new") })), order("ada", 2)];
        assert_eq!(in_order(&found["Responses"]["Orders"]), in_order(&json!(orders)));
        let consumed = in_order(&found["ConsumedCapacity"]);
        assert_eq!(
            (&consumed[0]["CapacityUnits"], &consumed[1]["CapacityUnits"]),
            (&json!(2.0), &json!(4.0))
        );
        // The same, read eventually: out of the cache, if there is one.
        let mut eventual = json!({ "RequestItems": wanted });
        for table in ["Orders", "Music"] {
            eventual["RequestItems"][table].as_object_mut().unwrap().remove("ConsistentRead");
        }
        for _ in 0..2 {
            let found = way.node.post("BatchGetItem", eventual.to_string()).await.json();
            assert_eq!(found["Responses"]["Music"], json!([{ "v": n(1) }]), "{}", way.name);
            assert_eq!(in_order(&found["Responses"]["Orders"]), in_order(&json!(orders)), "{}", way.name);
        }
    })
    .await;
}

#[tokio::test]
async fn batches_that_make_no_sense_change_nothing() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let put = |p: &str| json!({ "PutRequest": { "Item": key(p) } });
        let delete = |p: &str| json!({ "DeleteRequest": { "Key": key(p) } });
        let write = |requests: Vec<Value>| json!({ "RequestItems": { "Music": requests } });
        let duplicates = "Provided list of item keys contains duplicates";
        way.invalid("BatchWriteItem", write(vec![put("a"), put("a")]), duplicates).await;
        way.invalid("BatchWriteItem", write(vec![put("a"), delete("a")]), duplicates).await;
        let many = write((0..26).map(|number| put(&number.to_string())).collect());
        let answer = way.node.post("BatchWriteItem", many.to_string()).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"));
        assert!(
            String::from_utf8_lossy(&answer.body)
                .contains("Member must have length less than or equal to 25"),
            "{answer:?}"
        );
        let no_item = json!({ "PutRequest": { "Item": { "q": s("a") } } });
        way.invalid(
            "BatchWriteItem",
            write(vec![put("a"), no_item]),
            "The provided key element does not match the schema",
        )
        .await;
        way.refused(
            "BatchWriteItem",
            json!({ "RequestItems": { "Music": [put("a")], "Nowhere": [put("b")] } }),
            "ResourceNotFoundException",
            "Requested resource not found",
        )
        .await;
        assert_eq!(way.ok("Scan", json!({ "TableName": "Music" })).await["Count"], 0);
        let read = |keys: Vec<Value>| json!({ "RequestItems": { "Music": { "Keys": keys } } });
        way.invalid("BatchGetItem", read(vec![key("a"), key("a")]), duplicates).await;
        way.invalid(
            "BatchGetItem",
            read(vec![key("a"), json!({ "q": s("a") })]),
            "The provided key element does not match the schema",
        )
        .await;
        let of_all = (0..100).map(|number| key(&number.to_string())).collect();
        assert_eq!(way.ok("BatchGetItem", read(of_all)).await["Responses"], json!({ "Music": [] }));
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_in_an_answer_is_left_for_the_next() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let names: Vec<String> = (0..44).map(|number| format!("k{number}")).collect();
        for some in names.chunks(22) {
            let put = |p: &String| {
                json!({ "PutRequest": { "Item": { "p": s(p), "text": s(&"x".repeat(390_000)) } } })
            };
            let puts: Vec<Value> = some.iter().map(put).collect();
            way.ok("BatchWriteItem", json!({ "RequestItems": { "Music": puts } })).await;
        }
        // Not compared between ways: nobody says which are left.
        let mut wanted = json!({
            "Music": { "Keys": names.iter().map(|p| key(p)).collect::<Vec<_>>(), "ConsistentRead": true },
        });
        let mut found = Vec::new();
        for calls in 1..5 {
            let answer = way.node.post("BatchGetItem", json!({ "RequestItems": wanted }).to_string()).await;
            assert!(answer.body.len() < 17 << 20, "{} bytes", answer.body.len());
            let answer = answer.json();
            let items = answer["Responses"]["Music"].as_array().unwrap();
            found.extend(items.iter().map(|item| item["p"]["S"].as_str().unwrap().to_owned()));
            wanted = answer["UnprocessedKeys"].clone();
            if wanted == json!({}) {
                assert_eq!(calls, 2, "44 items of 390 KB are 17 MB");
                break;
            }
            assert_eq!(wanted["Music"]["ConsistentRead"], true, "it can be sent as it is");
        }
        found.sort();
        let mut all = names.clone();
        all.sort();
        assert_eq!(found, all);
    })
    .await;
}
