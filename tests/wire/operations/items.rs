//! Single items: what writes do, what they answer, and what they refuse.

use serde_json::{Value, json};

use super::{Way, n, on_every_way, order, order_key, s, with};

const FAILED: &str = "ConditionalCheckFailedException";
const FAILED_MESSAGE: &str = "The conditional request failed";
const MISMATCH: &str = "The provided key element does not match the schema";

fn key(p: &str) -> Value {
    json!({ "p": s(p) })
}

fn put(item: &Value) -> Value {
    json!({ "TableName": "Music", "Item": item })
}

fn keyed(p: &str) -> Value {
    json!({ "TableName": "Music", "Key": key(p) })
}

#[tokio::test]
async fn every_kind_of_value_comes_back_as_it_went() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let item = json!({
            "p": s("a"),
            "binary": { "B": "AAEC/w==" },
            "binaries": { "BS": ["AA==", "/w=="] },
            "empty": s(""),
            "flag": { "BOOL": false },
            "list": { "L": [n(1), { "L": [] }, { "M": { "deep": { "NULL": true } } }] },
            "map": { "M": { "a.b": s("dotted"), "nothing": { "M": {} } } },
            "numbers": { "NS": ["-1", "2.5", "3"] },
            "strings": { "SS": ["a", "b", "\u{e4}"] },
            "text": s("quoted \" \u{1f6b2} \\ \n"),
        });
        way.ok("PutItem", put(&item)).await;
        let mut found = way.item("Music", key("a")).await;
        for (set, kind) in [("binaries", "BS"), ("numbers", "NS"), ("strings", "SS")] {
            let elements = found[set][kind].as_array_mut().unwrap();
            elements
                .sort_by_key(|element| item[set][kind].as_array().unwrap().iter().position(|e| e == element));
        }
        assert_eq!(found, item);
        // DynamoDB: numbers come back without zeros in front and behind, and without an exponent.
        for (written, read) in [
            ("0", "0"),
            ("-0", "0"),
            ("007", "7"),
            ("1.10", "1.1"),
            ("-0.50", "-0.5"),
            ("1E+3", "1000"),
            ("1e-3", "0.001"),
            ("1234567890.1234567890123456789012345678", "1234567890.1234567890123456789012345678"),
        ] {
            way.ok("PutItem", put(&json!({ "p": s("n"), "n": n(written) }))).await;
            assert_eq!(way.item("Music", key("n")).await["n"], n(read), "{written}");
        }
    })
    .await;
}

#[tokio::test]
async fn writes_return_what_they_are_asked_for() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let first = json!({ "p": s("a"), "v": n(1), "w": s("x") });
        let second = json!({ "p": s("a"), "v": n(2), "w": s("x") });
        let of = |base: &Value, returned: &str| with(base, json!({ "ReturnValues": returned }));
        assert_eq!(way.ok("PutItem", put(&first)).await, json!({}));
        assert_eq!(way.ok("PutItem", of(&put(&second), "ALL_OLD")).await, json!({ "Attributes": first }));
        assert_eq!(way.ok("PutItem", of(&put(&first), "NONE")).await, json!({}));
        assert_eq!(way.ok("PutItem", of(&put(&key("b")), "ALL_OLD")).await, json!({}), "there was none");
        assert_eq!(way.item("Music", key("a")).await, first);

        let set = with(
            &keyed("a"),
            json!({
                "UpdateExpression": "SET v = v + :one, fresh = :one REMOVE w",
                "ExpressionAttributeValues": { ":one": n(1) },
            }),
        );
        for (returned, attributes) in [
            ("NONE", None),
            ("ALL_OLD", Some(first.clone())),
            ("ALL_NEW", Some(json!({ "p": s("a"), "v": n(2), "fresh": n(1) }))),
            ("UPDATED_OLD", Some(json!({ "v": n(1), "w": s("x") }))),
            ("UPDATED_NEW", Some(json!({ "v": n(2), "fresh": n(1) }))),
        ] {
            way.ok("PutItem", put(&first)).await;
            let answer = way.ok("UpdateItem", of(&set, returned)).await;
            assert_eq!(answer.get("Attributes").cloned(), attributes, "{returned}");
            assert_eq!(way.item("Music", key("a")).await, json!({ "p": s("a"), "v": n(2), "fresh": n(1) }));
        }

        let left = json!({ "p": s("a"), "v": n(2), "fresh": n(1) });
        assert_eq!(way.ok("DeleteItem", of(&keyed("a"), "ALL_OLD")).await, json!({ "Attributes": left }));
        assert!(way.item("Music", key("a")).await.is_null());
        assert_eq!(way.ok("DeleteItem", of(&keyed("a"), "ALL_OLD")).await, json!({}));
        for (operation, request, returned) in [
            ("PutItem", put(&first), "ALL_NEW"),
            ("PutItem", put(&first), "UPDATED_OLD"),
            ("DeleteItem", keyed("a"), "ALL_NEW"),
            ("DeleteItem", keyed("a"), "UPDATED_NEW"),
        ] {
            let only = "1 validation error detected: ReturnValues can only be ALL_OLD or NONE";
            way.invalid(operation, of(&request, returned), only).await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_failed_condition_changes_nothing_and_may_show_the_item() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let item = json!({ "p": s("a"), "v": n(1), "songs": { "L": [s("x"), s("y")] } });
        way.ok("PutItem", with(&put(&item), json!({ "ConditionExpression": "attribute_not_exists(p)" })))
            .await;
        let other = json!({ "p": s("a"), "v": n(9) });
        let update = with(&keyed("a"), json!({ "UpdateExpression": "REMOVE v" }));
        for (operation, request) in
            [("PutItem", put(&other)), ("UpdateItem", update), ("DeleteItem", keyed("a"))]
        {
            let request = with(
                &request,
                json!({
                    "ConditionExpression": "#v > :least AND NOT contains(songs, :x)",
                    "ExpressionAttributeNames": { "#v": "v" },
                    "ExpressionAttributeValues": { ":least": n(0), ":x": s("x") },
                }),
            );
            let refusal = way.refused(operation, request.clone(), FAILED, FAILED_MESSAGE).await;
            assert!(refusal.get("Item").is_none(), "{refusal}");
            let telling = with(&request, json!({ "ReturnValuesOnConditionCheckFailure": "ALL_OLD" }));
            let refusal = way.refused(operation, telling, FAILED, FAILED_MESSAGE).await;
            assert_eq!(refusal["Item"], item, "{operation}");
            assert_eq!(way.item("Music", key("a")).await, item, "{operation}");
            let absent = with(
                &if operation == "PutItem" {
                    put(&key("none"))
                } else {
                    with(&request, json!({ "Key": key("none") }))
                },
                json!({
                    "ConditionExpression": "attribute_exists(p)",
                    "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
                }),
            );
            let mut absent = absent;
            for unused in ["ExpressionAttributeNames", "ExpressionAttributeValues"] {
                absent.as_object_mut().unwrap().remove(unused);
            }
            let refusal = way.refused(operation, absent, FAILED, FAILED_MESSAGE).await;
            assert!(refusal.get("Item").is_none(), "there is none to show: {refusal}");
            assert!(way.item("Music", key("none")).await.is_null());
        }
    })
    .await;
}

#[tokio::test]
async fn conditions_hold_as_they_should() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        way.ok(
            "PutItem",
            put(&json!({
                "p": s("a"), "n": n(5), "title": s("abcdef"), "tags": { "SS": ["x", "y"] },
                "m": { "M": { "in": { "L": [n(1), n(2)] } } },
            })),
        )
        .await;
        let values = json!({
            ":4": n(4), ":5": n("5.0"), ":6": n(6), ":ab": s("ab"), ":x": s("x"), ":S": s("S"), ":2": n(2),
        });
        for (condition, holds) in [
            ("n = :5", true),
            ("n <> :5", false),
            ("n BETWEEN :4 AND :6", true),
            ("n IN (:4, :6)", false),
            ("n IN (:4, :5, :6)", true),
            ("n < title", false),
            ("begins_with(title, :ab)", true),
            ("contains(title, :ab)", true),
            ("contains(tags, :x)", true),
            ("contains(tags, :ab)", false),
            ("attribute_type(title, :S)", true),
            ("size(title) = :6", true),
            ("size(tags) = :2 AND size(m.#in) >= :2", true),
            ("m.#in[1] = :2", true),
            ("m.#in[7] = :2", false),
            ("attribute_exists(m.#in[1]) AND attribute_not_exists(m.#in[2])", true),
            ("NOT (n = :5 OR n = :6)", false),
            ("n = :6 OR n = :4 AND n = :5 OR n = :5", true),
        ] {
            let only_used = |all: &Value| -> Value {
                let all = all.as_object().unwrap().iter().filter(|(name, _)| {
                    condition
                        .split(|c: char| !c.is_alphanumeric() && c != ':' && c != '#')
                        .any(|w| w == *name)
                });
                Value::Object(all.map(|(name, value)| (name.clone(), value.clone())).collect())
            };
            let (names, values) = (only_used(&json!({ "#in": "in" })), only_used(&values));
            let mut update = with(
                &keyed("a"),
                json!({
                    "UpdateExpression": "SET seen = p", "ConditionExpression": condition,
                }),
            );
            for (member, map) in [("ExpressionAttributeNames", names), ("ExpressionAttributeValues", values)]
            {
                if !map.as_object().unwrap().is_empty() {
                    update[member] = map;
                }
            }
            match holds {
                true => drop(way.ok("UpdateItem", update).await),
                false => drop(way.refused("UpdateItem", update, FAILED, FAILED_MESSAGE).await),
            }
        }
    })
    .await;
}

#[tokio::test]
async fn updates_change_what_they_name() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let update = async |expression: &str, values: Value| {
            let mut request = with(
                &keyed("a"),
                json!({
                    "UpdateExpression": expression, "ReturnValues": "ALL_NEW",
                }),
            );
            if values != json!({}) {
                request["ExpressionAttributeValues"] = values;
            }
            let new = way.ok("UpdateItem", request).await["Attributes"].clone();
            assert_eq!(way.item("Music", key("a")).await, new, "{expression}");
            new
        };
        assert_eq!(
            update(
                "ADD seen :1, tags :x SET #l = :l".replace("#l", "lst").as_str(),
                json!({
                    ":1": n(1), ":x": { "SS": ["x"] }, ":l": { "L": [n(1)] },
                })
            )
            .await,
            json!({ "p": s("a"), "seen": n(1), "tags": { "SS": ["x"] }, "lst": { "L": [n(1)] } }),
            "it is made"
        );
        let new = update(
            "ADD seen :1, tags :y SET lst = list_append(:l, lst), m = if_not_exists(m, :m), k = p",
            json!({ ":1": n("-0.5"), ":y": { "SS": ["y", "x"] }, ":l": { "L": [n(0)] }, ":m": { "M": {} } }),
        )
        .await;
        assert_eq!(
            (&new["seen"], &new["lst"], &new["k"]),
            (&n("0.5"), &json!({ "L": [n(0), n(1)] }), &s("a"))
        );
        let new = update("SET m.deep = :d, lst[9] = :d REMOVE lst[0]", json!({ ":d": s("d") })).await;
        assert_eq!(
            (&new["m"], &new["lst"]),
            (&json!({ "M": { "deep": s("d") } }), &json!({ "L": [n(1), s("d")] }))
        );
        let new =
            update("DELETE tags :all REMOVE m.deep, nothing", json!({ ":all": { "SS": ["x", "y"] } })).await;
        assert_eq!((new.get("tags"), &new["m"]), (None, &json!({ "M": {} })), "an empty set is none");
        // All of it is decided by the item as it was.
        update("SET a = :1, b = :2", json!({ ":1": n(1), ":2": n(2) })).await;
        let new = update("SET a = b, b = a", json!({})).await;
        assert_eq!((&new["a"], &new["b"]), (&n(2), &n(1)));
    })
    .await;
}

#[tokio::test]
async fn keys_have_to_match_the_schema() {
    on_every_way(async |way| {
        way.with_orders().await;
        let of = |key: &Value| json!({ "TableName": "Orders", "Key": key });
        let update = |key: &Value| with(&of(key), json!({ "UpdateExpression": "REMOVE note" }));
        for key in [
            json!({}),
            json!({ "customer": s("ada") }),
            json!({ "customer": s("ada"), "number": s("1") }),
            json!({ "customer": s("ada"), "numero": n(1) }),
            json!({ "customer": s("ada"), "number": n(1), "more": n(1) }),
        ] {
            way.invalid("GetItem", of(&key), MISMATCH).await;
            way.invalid("DeleteItem", of(&key), MISMATCH).await;
            way.invalid("UpdateItem", update(&key), MISMATCH).await;
            let batch = json!({ "RequestItems": { "Orders": { "Keys": [key] } } });
            way.invalid("BatchGetItem", batch, MISMATCH).await;
        }
        let empty = json!({ "customer": s(""), "number": n(1) });
        let message = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
                       contain an empty string value. Key: customer";
        way.invalid("GetItem", of(&empty), message).await;
        let put = |item: Value| json!({ "TableName": "Orders", "Item": item });
        way.invalid("PutItem", put(empty), message).await;
        let invalid = "One or more parameter values were invalid: ";
        for (item, fault) in [
            (json!({ "number": n(1) }), "Missing the key customer in the item".to_owned()),
            (json!({ "customer": s("ada") }), "Missing the key number in the item".to_owned()),
            (
                json!({ "customer": s("ada"), "number": s("1") }),
                "Type mismatch for key number expected: N actual: S".to_owned(),
            ),
            (
                with(&order("ada", 1), json!({ "state": n(1) })),
                "Type mismatch for Index Key state Expected: S Actual: N IndexName: by-state".to_owned(),
            ),
            (
                with(&order("ada", 1), json!({ "cost": s("1") })),
                "Type mismatch for Index Key cost Expected: N Actual: S IndexName: by-cost".to_owned(),
            ),
        ] {
            way.invalid("PutItem", put(item), &format!("{invalid}{fault}")).await;
        }
        way.invalid(
            "UpdateItem",
            with(&of(&order_key("ada", 1)), json!({
                "UpdateExpression": "SET #n = :n", "ExpressionAttributeNames": { "#n": "number" },
                "ExpressionAttributeValues": { ":n": n(2) },
            })),
            &format!("{invalid}Cannot update attribute number. This attribute is part of the key"),
        )
        .await;
        assert_eq!(way.ok("Scan", json!({ "TableName": "Orders" })).await["Count"], 0);
    })
    .await;
}

#[tokio::test]
async fn an_item_has_four_hundred_kilobytes_at_most() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        // The name of the attribute and the key count, too.
        let of = |bytes: usize| json!({ "p": s("a"), "t": s(&"x".repeat(bytes - 3)) });
        way.ok("PutItem", put(&of(400 * 1024))).await;
        assert_eq!(way.item("Music", key("a")).await, of(400 * 1024));
        let message = "Item size has exceeded the maximum allowed size";
        way.invalid("PutItem", put(&of(400 * 1024 + 1)), message).await;
        let batch =
            json!({ "RequestItems": { "Music": [{ "PutRequest": { "Item": of(400 * 1024 + 1) } }] } });
        way.invalid("BatchWriteItem", batch, message).await;
        let update = with(
            &keyed("a"),
            json!({
                "UpdateExpression": "SET u = :u", "ExpressionAttributeValues": { ":u": s("") },
            }),
        );
        way.invalid("UpdateItem", update, "Item size to update has exceeded the maximum allowed size").await;
        assert_eq!(way.item("Music", key("a")).await, of(400 * 1024));
    })
    .await;
}

#[tokio::test]
async fn what_writes_consume_is_told_as_asked() {
    on_every_way(async |way| {
        way.with_orders().await;
        let put = |item: Value, wanted: &str| {
            json!({
                "TableName": "Orders", "Item": item, "ReturnConsumedCapacity": wanted,
                "ReturnItemCollectionMetrics": "SIZE",
            })
        };
        let answer = way.ok("PutItem", put(order("ada", 1), "INDEXES")).await;
        let one = json!({ "CapacityUnits": 1.0 });
        assert_eq!(
            answer,
            json!({
                "ConsumedCapacity": {
                    "TableName": "Orders",
                    "CapacityUnits": 3.0,
                    "Table": one,
                    "LocalSecondaryIndexes": { "by-cost": one },
                    "GlobalSecondaryIndexes": { "by-state": one },
                },
                "ItemCollectionMetrics": {
                    "ItemCollectionKey": { "customer": s("ada") },
                    "SizeEstimateRangeGB": [0.0, 1.0],
                },
            })
        );
        // An entry that moves is removed in one place and put in another.
        let moved = with(&order("ada", 1), json!({ "state": s("paid"), "note": s(&"x".repeat(1500)) }));
        let answer = way.ok("PutItem", put(moved, "INDEXES")).await["ConsumedCapacity"].clone();
        assert_eq!(answer["Table"], json!({ "CapacityUnits": 2.0 }));
        assert_eq!(answer["GlobalSecondaryIndexes"]["by-state"], json!({ "CapacityUnits": 3.0 }));
        assert!(answer.get("LocalSecondaryIndexes").is_none(), "its entry stayed as it was: {answer}");
        let sum = json!({ "TableName": "Orders", "CapacityUnits": 3.0 });
        assert_eq!(way.ok("PutItem", put(order("bob", 1), "TOTAL")).await["ConsumedCapacity"], sum);
        assert!(way.ok("PutItem", put(order("bob", 1), "NONE")).await.get("ConsumedCapacity").is_none());
        let get = |more| with(&json!({ "TableName": "Orders", "Key": order_key("eve", 1) }), more);
        let strong = get(json!({ "ConsistentRead": true, "ReturnConsumedCapacity": "INDEXES" }));
        assert_eq!(
            way.ok("GetItem", strong).await,
            json!({ "ConsumedCapacity": { "TableName": "Orders", "CapacityUnits": 1.0, "Table": one } })
        );
        // Where there is no local index, there are no item collections.
        way.with_table("Music").await;
        let put = with(&self::put(&key("a")), json!({ "ReturnItemCollectionMetrics": "SIZE" }));
        assert_eq!(way.ok("PutItem", put).await, json!({}));
    })
    .await;
}

/// What is wrong with an expression is said before anything is looked at.
#[tokio::test]
async fn expressions_that_are_none_are_refused() {
    on_every_way(async |way| {
        way.with_table("Music").await;
        let update = async |more: Value, message: &str| {
            way.invalid("UpdateItem", with(&keyed("a"), more), message).await;
        };
        let condition = "Invalid ConditionExpression: ";
        let expression = "Invalid UpdateExpression: ";
        for (more, message) in [
            (
                json!({ "UpdateExpression": "SET v = :v" }),
                format!(
                    "{expression}An expression attribute value used in expression is not defined; attribute value: \
                     :v"
                ),
            ),
            (
                json!({ "UpdateExpression": "REMOVE #v" }),
                format!(
                    "{expression}An expression attribute name used in the document path is not defined; attribute \
                     name: #v"
                ),
            ),
            (
                json!({ "UpdateExpression": "REMOVE v", "ExpressionAttributeNames": { "#v": "v" } }),
                "Value provided in ExpressionAttributeNames unused in expressions: keys: {#v}".to_owned(),
            ),
            (
                json!({ "UpdateExpression": "REMOVE v", "ExpressionAttributeValues": { ":v": n(1) } }),
                "Value provided in ExpressionAttributeValues unused in expressions: keys: {:v}".to_owned(),
            ),
            (json!({ "UpdateExpression": "" }), format!("{expression}The expression can not be empty;")),
            (
                json!({ "UpdateExpression": "REMOVE v[" }),
                format!("{expression}Syntax error; token: \"<EOF>\", near: \"[\""),
            ),
            (
                json!({ "UpdateExpression": "REMOVE name" }),
                format!("{expression}Attribute name is a reserved keyword; reserved keyword: name"),
            ),
            (
                json!({ "UpdateExpression": "REMOVE v, v.w" }),
                format!(
                    "{expression}Two document paths overlap with each other; must remove or rewrite one of these \
                     paths; path one: [v], path two: [v, w]"
                ),
            ),
            (
                json!({ "UpdateExpression": "REMOVE v", "ConditionExpression": "frob(v)" }),
                format!("{condition}Invalid function name; function: frob"),
            ),
            (
                json!({ "UpdateExpression": "REMOVE v", "ConditionExpression": "v = v" }),
                format!(
                    "{condition}The first operand must be distinct from the remaining operands for this operator or \
                     function; operator: =, first operand: [v]"
                ),
            ),
        ] {
            // What is wrong with the request itself is counted, what it is at odds with is not.
            update(more, &format!("1 validation error detected: {message}")).await;
        }
        way.ok("PutItem", put(&json!({ "p": s("a"), "v": s("text") }))).await;
        let values = json!({ ":1": n(1) });
        for (expression, message) in [
            ("SET w = w + :1", "The provided expression refers to an attribute that does not exist in the item"),
            ("SET v = v + :1", "An operand in the update expression has an incorrect data type"),
            ("ADD v :1", "An operand in the update expression has an incorrect data type"),
            ("SET w.x = :1", "The document path provided in the update expression is invalid for update"),
        ] {
            update(json!({ "UpdateExpression": expression, "ExpressionAttributeValues": values }), message).await;
        }
    })
    .await;
}

/// The parameters that expressions have replaced.
#[tokio::test]
async fn legacy_parameters_do_the_same() {
    on_every_way(async |way: &Way| {
        way.with_table("Music").await;
        let updates = json!({
            "v": { "Action": "ADD", "Value": n(2) },
            "w": { "Action": "PUT", "Value": s("x") },
            "gone": { "Action": "DELETE" },
        });
        let expected = json!({ "v": { "Exists": false } });
        let update = with(
            &keyed("a"),
            json!({
                "AttributeUpdates": updates, "Expected": expected, "ReturnValues": "ALL_NEW",
            }),
        );
        let item = json!({ "p": s("a"), "v": n(2), "w": s("x") });
        assert_eq!(way.ok("UpdateItem", update.clone()).await["Attributes"], item);
        way.refused("UpdateItem", update, FAILED, FAILED_MESSAGE).await;
        assert_eq!(way.item("Music", key("a")).await, item);
        let get = with(&keyed("a"), json!({ "AttributesToGet": ["w", "none"] }));
        assert_eq!(way.ok("GetItem", get).await["Item"], json!({ "w": s("x") }));
        let expected = json!({ "v": { "ComparisonOperator": "GT", "AttributeValueList": [n(5)] } });
        way.refused("DeleteItem", with(&keyed("a"), json!({ "Expected": expected })), FAILED, FAILED_MESSAGE)
            .await;
        way.invalid(
            "DeleteItem",
            with(&keyed("a"), json!({ "Expected": expected, "ConditionExpression": "attribute_exists(p)" })),
            "1 validation error detected: Can not use both expression and non-expression parameters in the same request: Non-expression \
             parameters: {Expected} Expression parameters: {ConditionExpression}",
        )
        .await;
    })
    .await;
}
