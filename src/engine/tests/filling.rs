//! Indexes that are added to a table with items in it.

use std::collections::BTreeMap;

use base::Chance;
use serde_json::{Value, json};

use crate::rig::{Rig, definition};

const WRITERS: u64 = 6;

fn item(number: u64, group: Option<u64>) -> Value {
    let mut item = json!({ "pk": { "S": format!("item-{number:05}") } });
    if let Some(group) = group {
        item["g"] = json!({ "S": format!("group-{group}") });
    }
    item
}

async fn put(rig: &Rig, item: Value) {
    rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
}

async fn fill(rig: &Rig, items: u64) {
    for number in 0..items {
        put(rig, item(number, (number % 3 > 0).then_some(number % 7))).await;
    }
}

async fn add_index(rig: &Rig) -> Value {
    let index = json!({
        "IndexName": "by-g",
        "KeySchema": [{ "AttributeName": "g", "KeyType": "HASH" }],
        "Projection": { "ProjectionType": "ALL" },
    });
    let update = json!({
        "TableName": "Tab",
        "AttributeDefinitions": [definition("pk", "S"), definition("g", "S")],
        "GlobalSecondaryIndexUpdates": [{ "Create": index }],
    });
    rig.done("UpdateTable", update).await
}

/// The index holds just the items of the table that have its key, and says how many.
async fn check(rig: &Rig) {
    let description = rig.settled("Tab").await;
    let by_key = |items: Vec<Value>| -> BTreeMap<String, Value> {
        items.into_iter().map(|item| (item["pk"]["S"].as_str().unwrap().to_owned(), item)).collect()
    };
    let mut table = by_key(rig.scan("Tab", None).await);
    table.retain(|_, item| !item["g"].is_null());
    let index = by_key(rig.scan("Tab", Some("by-g")).await);
    assert_eq!(index, table);
    assert_eq!(description["GlobalSecondaryIndexes"][0]["ItemCount"], table.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_is_added_while_clients_write_has_what_they_wrote() {
    const ITEMS: u64 = 1_500;
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", false).await;
    fill(&rig, ITEMS).await;
    let writers = (0..WRITERS).map(|writer| {
        let rig = rig.clone();
        rig.drain.clone().spawn(async move {
            let chance = Chance::seeded(writer);
            for _ in 0..400 {
                let number = chance.below(ITEMS + 100);
                match chance.below(4) {
                    0 => {
                        let key = item(number, None);
                        rig.done("DeleteItem", json!({ "TableName": "Tab", "Key": key })).await;
                    }
                    pick => put(&rig, item(number, (pick > 1).then_some(pick))).await,
                }
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let description = add_index(&rig).await;
    assert_eq!(description["TableDescription"]["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING");
    for writer in writers {
        writer.await.unwrap();
    }
    check(&rig).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_was_being_filled_when_the_process_ended_is_filled_by_the_next_one() {
    const ITEMS: u64 = 3_000;
    let directory = tempfile::tempdir().unwrap();
    let rig = Rig::in_directory(directory.path());
    rig.create_plain_table("Tab", false).await;
    fill(&rig, ITEMS).await;
    add_index(&rig).await;
    rig.close().await;
    let rig = Rig::in_directory(directory.path());
    let query = json!({
        "TableName": "Tab", "IndexName": "by-g", "KeyConditionExpression": "g = :g",
        "ExpressionAttributeValues": { ":g": { "S": "group-1" } },
    });
    // Until it is whole nobody gets to see a part of it.
    if let Err(refusal) = rig.ask("Query", query).await {
        assert_eq!(refusal.code, "ValidationException");
    }
    check(&rig).await;
    rig.close().await;
}

#[tokio::test]
async fn an_index_that_is_dropped_and_added_again_begins_anew() {
    let rig = Rig::in_memory();
    rig.create_plain_table("Tab", false).await;
    fill(&rig, 50).await;
    for _ in 0..3 {
        add_index(&rig).await;
        check(&rig).await;
        let dropped = json!({
            "TableName": "Tab",
            "GlobalSecondaryIndexUpdates": [{ "Delete": { "IndexName": "by-g" } }],
        });
        rig.done("UpdateTable", dropped).await;
        put(&rig, item(7, None)).await;
    }
    assert!(rig.describe("Tab").await["GlobalSecondaryIndexes"].is_null());
}
