//! Global indexes whose partition and sort keys have several attributes each.
//!
//! DynamoDB: developer guide, "Multi-attribute keys pattern"; the words of refusals, nubo-db/dynamodb-conformance,
//! "Query - GSI with a multi-attribute key" (October 2026).

use serde_json::{Map, Value, json};

use crate::rig::{Rig, definition};

fn index() -> Value {
    let key = [("cup", "HASH"), ("area", "HASH"), ("round", "RANGE"), ("bracket", "RANGE")];
    let key = key.map(|(name, role)| json!({ "AttributeName": name, "KeyType": role }));
    json!({ "IndexName": "by-round", "KeySchema": key, "Projection": { "ProjectionType": "KEYS_ONLY" } })
}

fn definitions() -> Vec<Value> {
    let types = [("pk", "S"), ("cup", "S"), ("area", "S"), ("round", "N"), ("bracket", "S")];
    types.iter().map(|(name, key_type)| definition(name, key_type)).collect()
}

fn game(pk: &str, cup: &str, area: &str, round: &str, bracket: &str) -> Value {
    json!({
        "pk": { "S": pk }, "cup": { "S": cup }, "area": { "S": area }, "round": { "N": round },
        "bracket": { "S": bracket }, "score": { "N": "3" },
    })
}

async fn fill(rig: &Rig) {
    let games = [
        game("a", "w", "eu", "10", "lower"),
        game("b", "w", "eu", "9", "upper"),
        game("c", "w", "eu", "9", "lower"),
        game("d", "w", "us", "1", "upper"),
        game("e", "we", "u", "1", "upper"),
        game("f", "w", "eu", "-2", "upper"),
    ];
    for game in games {
        rig.done("PutItem", json!({ "TableName": "Games", "Item": game })).await;
    }
    for missing in ["cup", "area", "round", "bracket"] {
        let mut game = game(missing, "w", "eu", "1", "upper");
        game.as_object_mut().unwrap().remove(missing);
        rig.done("PutItem", json!({ "TableName": "Games", "Item": game })).await;
    }
}

async fn create(rig: &Rig) {
    let body = json!({
        "TableName": "Games", "BillingMode": "PAY_PER_REQUEST", "AttributeDefinitions": definitions(),
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }], "GlobalSecondaryIndexes": [index()],
    });
    rig.done("CreateTable", body).await;
    fill(rig).await;
}

fn query(condition: &str) -> Value {
    let all = json!({ ":w": { "S": "w" }, ":eu": { "S": "eu" }, ":n": { "N": "9" }, ":up": { "S": "up" },
        ":lower": { "S": "lower" } });
    let used: Map<String, Value> = all
        .as_object()
        .unwrap()
        .iter()
        .filter(|(name, _)| condition.contains(name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    json!({
        "TableName": "Games", "IndexName": "by-round", "KeyConditionExpression": condition,
        "ExpressionAttributeValues": used,
    })
}

async fn found(rig: &Rig, body: Value) -> String {
    let page = rig.done("Query", body).await;
    page["Items"].as_array().unwrap().iter().map(|item| item["pk"]["S"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_query_goes_from_left_to_right() {
    let rig = Rig::in_memory();
    create(&rig).await;
    for (condition, expected) in [
        ("cup = :w AND area = :eu", "fcba"),
        ("area = :eu AND cup = :w AND round = :n", "cb"),
        ("round > :n AND area = :eu AND cup = :w", "a"),
        ("cup = :w AND area = :eu AND round <= :n", "fcb"),
        ("cup = :w AND area = :eu AND round = :n AND begins_with(bracket, :up)", "b"),
        ("bracket = :lower AND cup = :w AND area = :eu AND round = :n", "c"),
    ] {
        assert_eq!(found(&rig, query(condition)).await, expected, "{condition}");
    }
    let mut backward = query("cup = :w AND area = :eu");
    backward["ScanIndexForward"] = json!(false);
    assert_eq!(found(&rig, backward).await, "abcf");
    let equals = |value: Value| json!({ "ComparisonOperator": "EQ", "AttributeValueList": [value] });
    let legacy = json!({
        "TableName": "Games", "IndexName": "by-round",
        "KeyConditions": {
            "round": { "ComparisonOperator": "GE", "AttributeValueList": [{ "N": "9" }] },
            "area": equals(json!({ "S": "eu" })), "cup": equals(json!({ "S": "w" })),
        },
    });
    assert_eq!(found(&rig, legacy).await, "cba");
}

#[tokio::test]
async fn a_page_ends_at_the_keys_of_the_index_and_of_the_table() {
    let rig = Rig::in_memory();
    create(&rig).await;
    let mut body = query("cup = :w AND area = :eu");
    body["Limit"] = json!(2);
    let page = rig.done("Query", body.clone()).await;
    let mut last = game("c", "w", "eu", "9", "lower");
    last.as_object_mut().unwrap().remove("score");
    assert_eq!(page["LastEvaluatedKey"], last);
    body["ExclusiveStartKey"] = last.clone();
    assert_eq!(found(&rig, body.clone()).await, "ba");
    for (name, value) in
        [("area", json!({ "S": "us" })), ("round", json!({ "S": "9" })), ("bracket", json!(null))]
    {
        let mut other = last.clone();
        other[name] = value;
        if other[name].is_null() {
            other.as_object_mut().unwrap().remove(name);
        }
        body["ExclusiveStartKey"] = other;
        let refusal = rig.refused("Query", body.clone()).await;
        assert_eq!(refusal.code, "ValidationException", "{name}");
        assert!(refusal.body["message"].as_str().unwrap().contains("starting key"), "{refusal:?}");
    }
}

#[tokio::test]
async fn what_leaves_a_gap_is_refused() {
    let rig = Rig::in_memory();
    create(&rig).await;
    let gap = "RANGE key attributes round must have equality conditions specified in the query because a \
               condition is present on key attribute bracket";
    for (condition, expected) in [
        ("cup = :w", "Query condition missed key schema element: area"),
        ("cup = :w AND area > :eu", "Query key condition not supported"),
        ("cup = :w AND area = :eu AND bracket = :lower", gap),
        ("cup = :w AND area = :eu AND round > :n AND bracket = :lower", gap),
    ] {
        assert_eq!(rig.refused("Query", query(condition)).await.body["message"], expected, "{condition}");
    }
    for attribute in ["cup", "area", "round", "bracket"] {
        let mut body = query("cup = :w AND area = :eu");
        body["FilterExpression"] = json!(format!("attribute_exists({attribute})"));
        let expected = format!(
            "Filter Expression can only contain non-primary key attributes: Primary key attribute: {attribute}"
        );
        assert_eq!(rig.refused("Query", body).await.body["message"], expected);
    }
}

#[tokio::test]
async fn what_no_key_may_hold_is_not_written() {
    let rig = Rig::in_memory();
    create(&rig).await;
    let long = "x".repeat(1020);
    for (name, value, expected) in [
        (
            "round",
            json!({ "S": "9" }),
            "One or more parameter values were invalid: Type mismatch for Index Key round Expected: N Actual: S \
             IndexName: by-round",
        ),
        (
            "area",
            json!({ "S": "" }),
            "One or more parameter values are not valid. A value specified for a secondary index key is not \
             supported. The AttributeValue for a key attribute cannot contain an empty string value. IndexName: \
             by-round, IndexKey: area",
        ),
        ("bracket", json!({ "S": long.clone() + "xxxx" }), "of1024 bytes"),
        ("cup", json!({ "S": long.repeat(2) + "xxxxxxx" }), "of2048 bytes"),
    ] {
        let mut item = game("z", "w", "eu", "1", "upper");
        item[name] = value.clone();
        let refusal = rig.refused("PutItem", json!({ "TableName": "Games", "Item": item })).await;
        let message = refusal.body["message"].as_str().unwrap();
        assert!(message.ends_with(expected), "{name}: {message}");
        let update = json!({
            "TableName": "Games", "Key": { "pk": { "S": "a" } }, "UpdateExpression": "SET #a = :v",
            "ExpressionAttributeNames": { "#a": name }, "ExpressionAttributeValues": { ":v": value },
        });
        let refusal = rig.refused("UpdateItem", update).await;
        let expected = if name == "area" { "cannot contain an empty string value." } else { expected };
        assert!(refusal.body["message"].as_str().unwrap().ends_with(expected), "{name}: {refusal:?}");
    }
}

#[tokio::test]
async fn an_index_is_described_as_it_was_asked_for_and_filled_when_it_comes_later() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Games", false).await;
    fill(&rig).await;
    let update = json!({
        "TableName": "Games", "AttributeDefinitions": definitions(),
        "GlobalSecondaryIndexUpdates": [{ "Create": index() }],
    });
    rig.done("UpdateTable", update).await;
    let described = rig.settled("Games").await;
    let described = &described["GlobalSecondaryIndexes"][0];
    assert_eq!(described["KeySchema"], index()["KeySchema"]);
    assert_eq!(described["ItemCount"], 6);
    assert_eq!(found(&rig, query("cup = :w AND area = :eu")).await, "fcba");
}
