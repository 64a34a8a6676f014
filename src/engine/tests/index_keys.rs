//! Values that an index's key does not take, on every way that they may come.

use serde_json::{Value, json};

use crate::rig::{Rig, definition};

const KEY_EMPTY: &str = "One or more parameter values are not valid. The AttributeValue for a key attribute cannot \
                         contain an empty string value. Key: pk";
const ITEM_EMPTY: &str = "One or more parameter values are not valid. A value specified for a secondary index key is \
                          not supported. The AttributeValue for a key attribute cannot contain an empty string \
                          value. IndexName: alpha, IndexKey: i";
const UPDATE_EMPTY: &str = "One or more parameter values are not valid. The update expression attempted to update a \
                            secondary index key to a value that is not supported. The AttributeValue for a key \
                            attribute cannot contain an empty string value.";

/// Three indexes have `i` in their keys; the first by name is neither local nor created first.
async fn rig() -> Rig {
    let rig = Rig::in_memory();
    let key = |partition: &str, sort: &str| {
        json!([
            { "AttributeName": partition, "KeyType": "HASH" }, { "AttributeName": sort, "KeyType": "RANGE" },
        ])
    };
    let index = |name: &str, key: Value| json!({ "IndexName": name, "KeySchema": key, "Projection": { "ProjectionType": "ALL" } });
    let body = json!({
        "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST", "KeySchema": key("pk", "sk"),
        "AttributeDefinitions": [definition("pk", "S"), definition("sk", "S"), definition("i", "S")],
        "LocalSecondaryIndexes": [index("beta", key("pk", "i"))],
        "GlobalSecondaryIndexes": [index("gamma", key("i", "sk")), index("alpha", key("i", "pk"))],
    });
    rig.done("CreateTable", body).await;
    rig
}

fn key() -> Value {
    json!({ "pk": { "S": "p" }, "sk": { "S": "s" } })
}

fn put(value: &Value) -> Value {
    let mut item = key();
    item["i"] = value.clone();
    json!({ "TableName": "Tab", "Item": item })
}

fn update(expression: &str, value: &Value) -> Value {
    json!({
        "TableName": "Tab", "Key": key(), "UpdateExpression": expression,
        "ExpressionAttributeValues": { ":v": value },
    })
}

fn batch(value: &Value) -> Value {
    json!({ "RequestItems": { "Tab": [{ "PutRequest": { "Item": put(value)["Item"] } }] } })
}

#[tokio::test]
async fn of_several_indexes_the_first_by_name_is_told() {
    let rig = rig().await;
    for (value, found) in [(json!({ "N": "1" }), "N"), (json!({ "L": [] }), "L")] {
        let expected = format!(
            "One or more parameter values were invalid: Type mismatch for Index Key i Expected: S Actual: {found} \
             IndexName: alpha"
        );
        let copied = update("SET j = :v", &value);
        rig.done("UpdateItem", copied).await;
        let of_what_is_there = json!({ "TableName": "Tab", "Key": key(), "UpdateExpression": "SET i = j" });
        for (operation, body) in [
            ("PutItem", put(&value)),
            ("BatchWriteItem", batch(&value)),
            ("UpdateItem", update("SET i = :v", &value)),
            ("UpdateItem", of_what_is_there),
        ] {
            assert_eq!(rig.refused(operation, body).await.body["message"], expected, "{operation}");
        }
        for action in [json!({ "Put": put(&value) }), json!({ "Update": update("SET i = :v", &value) })] {
            let refusal = rig.refused("TransactWriteItems", json!({ "TransactItems": [action] })).await;
            let reason = json!({ "Code": "ValidationError", "Message": expected });
            assert_eq!(refusal.body["CancellationReasons"], json!([reason]));
        }
    }
}

#[tokio::test]
async fn an_empty_value_is_the_fault_of_the_whole_request() {
    let rig = rig().await;
    let empty = json!({ "S": "" });
    let sound = json!({ "Put": { "TableName": "Tab", "Item": { "pk": { "S": "q" }, "sk": { "S": "s" } } } });
    let no_key = json!({ "pk": empty, "sk": { "S": "s" } });
    let condition = "attribute_exists(i)";
    for (action, expected) in [
        (json!({ "Put": put(&empty) }), ITEM_EMPTY),
        (json!({ "Update": update("SET i = :v", &empty) }), UPDATE_EMPTY),
        (json!({ "Put": { "TableName": "Tab", "Item": no_key } }), KEY_EMPTY),
        (json!({ "Delete": { "TableName": "Tab", "Key": no_key } }), KEY_EMPTY),
        (
            json!({ "Update": { "TableName": "Tab", "Key": no_key, "UpdateExpression": "REMOVE i" } }),
            KEY_EMPTY,
        ),
        (
            json!({ "ConditionCheck": { "TableName": "Tab", "Key": no_key, "ConditionExpression": condition } }),
            KEY_EMPTY,
        ),
    ] {
        let body = json!({ "TransactItems": [sound, action] });
        let refusal = rig.refused("TransactWriteItems", body).await;
        assert_eq!(
            (refusal.code.as_str(), &refusal.body["message"]),
            ("ValidationException", &json!(expected))
        );
    }
    for (operation, body, expected) in [
        ("PutItem", put(&empty), ITEM_EMPTY),
        ("BatchWriteItem", batch(&empty), ITEM_EMPTY),
        ("UpdateItem", update("SET i = :v", &empty), UPDATE_EMPTY),
    ] {
        assert_eq!(rig.refused(operation, body).await.body["message"], expected, "{operation}");
    }
    assert_eq!(rig.done("Scan", json!({ "TableName": "Tab" })).await["Count"], 0);
}

/// In the words for a key, not in those of PutItem.
#[tokio::test]
async fn a_batch_refuses_an_item_whose_key_is_not_that_of_the_table() {
    let rig = rig().await;
    for item in [
        json!({ "pk": { "S": "p" } }),
        json!({ "pk": { "N": "1" }, "sk": { "S": "s" } }),
        json!({ "pk": { "S": "p" }, "sk": { "L": [] } }),
    ] {
        let body = json!({ "RequestItems": { "Tab": [{ "PutRequest": { "Item": item } }] } });
        let message = &rig.refused("BatchWriteItem", body).await.body["message"];
        assert_eq!(message, "The provided key element does not match the schema", "{item}");
    }
}
