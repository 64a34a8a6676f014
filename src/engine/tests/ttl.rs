//! Time to live: what is deleted, what is not, and who is told.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use backend::{Busy, Ending, OwnChange, Watched, Watcher};
use serde_json::{Value, json};

use crate::rig::{Rig, definition, key_element};

const HOUR: Duration = Duration::from_secs(60 * 60);
const FIVE_YEARS: u64 = 5 * 365 * 24 * 60 * 60;

async fn create(rig: &Rig) -> String {
    let body = json!({
        "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [key_element((&"pk", "HASH"))],
        "AttributeDefinitions": [definition("pk", "S"), definition("kind", "S")],
        "GlobalSecondaryIndexes": [{
            "IndexName": "kinds", "KeySchema": [key_element((&"kind", "HASH"))],
            "Projection": { "ProjectionType": "ALL" },
        }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
    });
    let made = rig.done("CreateTable", body).await;
    made["TableDescription"]["LatestStreamArn"].as_str().unwrap().to_owned()
}

async fn switch(rig: &Rig, is_on: bool) {
    let specification = json!({ "AttributeName": "ends", "Enabled": is_on });
    let body = json!({ "TableName": "Tab", "TimeToLiveSpecification": specification });
    rig.done("UpdateTimeToLive", body).await;
}

/// In seconds since the epoch.
fn now(rig: &Rig) -> u64 {
    rig.clock.wall().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

async fn put(rig: &Rig, key: &str, ends: Value) {
    let item = json!({ "pk": { "S": key }, "kind": { "S": "x" }, "ends": ends });
    rig.done("PutItem", json!({ "TableName": "Tab", "Item": item })).await;
}

fn seconds(moment: u64) -> Value {
    json!({ "N": moment.to_string() })
}

async fn keys(rig: &Rig, index: Option<&str>) -> Vec<String> {
    let items = rig.scan("Tab", index).await;
    let mut keys: Vec<String> =
        items.iter().map(|item| item["pk"]["S"].as_str().unwrap().to_owned()).collect();
    keys.sort();
    keys
}

/// Waits until these are the keys that are left.
async fn left(rig: &Rig, expected: &[&str]) {
    for _ in 0..500 {
        if keys(rig, None).await == expected {
            return;
        }
        rig.clock.sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(keys(rig, None).await, expected, "that is what should be left");
}

/// Long enough for several sweeps.
async fn sweeps(rig: &Rig) {
    rig.clock.sleep(Duration::from_millis(200)).await;
}

async fn removals(rig: &Rig, arn: &str) -> Vec<Value> {
    let mut removals = Vec::new();
    let description = rig.done("DescribeStream", json!({ "StreamArn": arn })).await;
    for shard in description["StreamDescription"]["Shards"].as_array().unwrap() {
        let place = json!({
            "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON",
        });
        let iterator = rig.done("GetShardIterator", place).await;
        let page = rig.done("GetRecords", json!({ "ShardIterator": iterator["ShardIterator"] })).await;
        let records = page["Records"].as_array().unwrap().clone();
        removals.extend(records.into_iter().filter(|record| record["eventName"] == "REMOVE"));
    }
    removals
}

#[tokio::test]
async fn items_go_when_their_time_is_over_and_not_before() {
    let rig = Rig::in_memory();
    create(&rig).await;
    switch(&rig, true).await;
    let now = now(&rig);
    put(&rig, "soon", seconds(now + 30 * 60)).await;
    put(&rig, "later", seconds(now + 3 * 60 * 60)).await;
    put(&rig, "over", seconds(now - 10)).await;
    put(&rig, "over, with a fraction", json!({ "N": format!("{}.5", now - 10) })).await;
    // None of these is a moment that counts.
    put(&rig, "text", json!({ "S": (now - 10).to_string() })).await;
    put(&rig, "list", json!({ "L": [seconds(now - 10)] })).await;
    put(&rig, "zero", json!({ "N": "0" })).await;
    put(&rig, "negative", json!({ "N": "-1" })).await;
    put(&rig, "ancient", seconds(now - FIVE_YEARS - 60)).await;
    put(&rig, "old", seconds(now - FIVE_YEARS + 60 * 60)).await;
    left(&rig, &["ancient", "later", "list", "negative", "soon", "text", "zero"]).await;
    sweeps(&rig).await;
    rig.clock.turn_calendar(HOUR);
    left(&rig, &["ancient", "later", "list", "negative", "text", "zero"]).await;
}

#[tokio::test]
async fn a_deletion_takes_index_entries_along_and_is_recorded_as_the_service_s() {
    let rig = Rig::in_memory();
    let arn = create(&rig).await;
    switch(&rig, true).await;
    let ends = seconds(now(&rig) - 10);
    put(&rig, "stays", seconds(now(&rig) + 3600)).await;
    put(&rig, "goes", ends.clone()).await;
    left(&rig, &["stays"]).await;
    assert_eq!(keys(&rig, Some("kinds")).await, ["stays"]);
    let description = rig.describe("Tab").await;
    assert_eq!(description["ItemCount"], 1);
    assert_eq!(description["GlobalSecondaryIndexes"][0]["ItemCount"], 1);
    rig.done("DeleteItem", json!({ "TableName": "Tab", "Key": { "pk": { "S": "stays" } } })).await;
    let removals = removals(&rig, &arn).await;
    assert_eq!(removals.len(), 2);
    let of = |key: &str| removals.iter().find(|of| of["dynamodb"]["Keys"]["pk"]["S"] == key).unwrap();
    // DynamoDB: with capitals (developer guide, "DynamoDB Streams and Time to Live").
    assert_eq!(
        of("goes")["userIdentity"],
        json!({ "Type": "Service", "PrincipalId": "dynamodb.amazonaws.com" })
    );
    assert_eq!(of("goes")["dynamodb"]["OldImage"]["ends"], ends);
    assert!(of("stays").get("userIdentity").is_none());
}

#[tokio::test]
async fn an_item_lives_as_long_as_its_last_write_says() {
    let rig = Rig::in_memory();
    create(&rig).await;
    switch(&rig, true).await;
    let soon = seconds(now(&rig) + 30 * 60);
    for key in ["prolonged", "freed", "replaced", "left"] {
        put(&rig, key, soon.clone()).await;
    }
    let update = |key: &str, expression: &str, values: Value| {
        let mut body = json!({
            "TableName": "Tab", "Key": { "pk": { "S": key } }, "UpdateExpression": expression,
        });
        if !values.is_null() {
            body["ExpressionAttributeValues"] = values;
        }
        body
    };
    let longer = json!({ ":ends": seconds(now(&rig) + 2 * 60 * 60) });
    rig.done("UpdateItem", update("prolonged", "SET ends = :ends", longer)).await;
    rig.done("UpdateItem", update("freed", "REMOVE ends", Value::Null)).await;
    put(&rig, "replaced", json!({ "NULL": true })).await;
    rig.clock.turn_calendar(HOUR);
    left(&rig, &["freed", "prolonged", "replaced"]).await;
    rig.clock.turn_calendar(2 * HOUR);
    left(&rig, &["freed", "replaced"]).await;
}

#[tokio::test]
async fn items_from_before_it_was_switched_on_expire_too() {
    const ITEMS: usize = 250;
    let rig = Rig::in_memory();
    create(&rig).await;
    let ends = seconds(now(&rig) - 10);
    for n in 0..ITEMS {
        put(&rig, &format!("{n}"), ends.clone()).await;
    }
    put(&rig, "stays", json!({ "S": "x" })).await;
    sweeps(&rig).await;
    assert_eq!(keys(&rig, None).await.len(), ITEMS + 1, "nobody asked for it yet");
    switch(&rig, true).await;
    left(&rig, &["stays"]).await;
    // Switched off, it deletes no more; switched on again, it finds what came meanwhile.
    switch(&rig, false).await;
    put(&rig, "goes", ends).await;
    sweeps(&rig).await;
    assert_eq!(keys(&rig, None).await, ["goes", "stays"]);
    switch(&rig, true).await;
    left(&rig, &["stays"]).await;
}

#[tokio::test]
async fn moments_of_expiry_outlive_the_process() {
    let directory = tempfile::tempdir().unwrap();
    let rig = Rig::in_directory(directory.path());
    create(&rig).await;
    switch(&rig, true).await;
    put(&rig, "goes", seconds(now(&rig) + 30 * 60)).await;
    put(&rig, "stays", seconds(now(&rig) + 3 * 60 * 60)).await;
    rig.close().await;
    let rig = Rig::in_directory(directory.path());
    sweeps(&rig).await;
    assert_eq!(keys(&rig, None).await, ["goes", "stays"]);
    rig.clock.turn_calendar(HOUR);
    left(&rig, &["stays"]).await;
    rig.close().await;
}

/// Writes down what it is told; as long as it is busy, it lets nothing happen.
#[derive(Default)]
struct Layer {
    told: Arc<Mutex<Vec<String>>>,
    is_busy: Mutex<bool>,
}

struct Told(Arc<Mutex<Vec<String>>>);

impl Watcher for Layer {
    fn begins(&self, changes: &[OwnChange]) -> Result<Box<dyn Watched>, Busy> {
        if *self.is_busy.lock().unwrap() {
            return Err(Busy);
        }
        let keys = changes.iter().map(|change| serde_json::to_string(&change.key).unwrap());
        let keys = keys.collect::<Vec<_>>().join(" ");
        self.told.lock().unwrap().push(format!("{} {keys}", changes[0].table));
        Ok(Box::new(Told(Arc::clone(&self.told))))
    }
}

impl Watched for Told {
    fn end(self: Box<Self>, ending: Ending) {
        self.0.lock().unwrap().push(format!("{ending:?}"));
    }
}

#[tokio::test]
async fn layers_in_front_are_told_before_and_after_and_can_put_it_off() {
    let rig = Rig::in_memory();
    create(&rig).await;
    switch(&rig, true).await;
    let layer = Arc::new(Layer::default());
    *layer.is_busy.lock().unwrap() = true;
    let watcher: Arc<dyn Watcher> = layer.clone();
    rig.backend().changes().unwrap().watch(Arc::downgrade(&watcher));
    put(&rig, "goes", seconds(now(&rig) - 10)).await;
    sweeps(&rig).await;
    assert_eq!(keys(&rig, None).await, ["goes"], "a layer that cannot follow is waited for");
    *layer.is_busy.lock().unwrap() = false;
    left(&rig, &[]).await;
    sweeps(&rig).await;
    assert_eq!(*layer.told.lock().unwrap(), [r#"Tab {"pk":{"S":"goes"}}"#, "Known"]);
}
