//! Streams, and items whose time to live is over.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{ARN, Way, n, on_every_way, over_engine, plain, s, with};

const SHARD: &str = "shardId-00000001700000000000-00000000";

fn streamed(name: &str, view: &str) -> Value {
    let specification = json!({ "StreamEnabled": true, "StreamViewType": view });
    with(&plain(name), json!({ "StreamSpecification": specification }))
}

/// Makes a table with a stream; the stream's ARN.
async fn with_stream(way: &Way, name: &str, view: &str) -> String {
    let made = way.ok("CreateTable", streamed(name, view)).await;
    way.active(name).await;
    made["TableDescription"]["LatestStreamArn"].as_str().unwrap().to_owned()
}

async fn description(way: &Way, arn: &str) -> Value {
    way.ok("DescribeStream", json!({ "StreamArn": arn })).await["StreamDescription"].take()
}

async fn iterator(way: &Way, arn: &str, shard: &Value, kind: &str) -> Value {
    let place = json!({ "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": kind });
    way.ok("GetShardIterator", place).await["ShardIterator"].take()
}

/// Every record of a stream, shard by shard.
async fn records(way: &Way, arn: &str) -> Vec<Value> {
    let mut records = Vec::new();
    for shard in description(way, arn).await["Shards"].as_array().unwrap() {
        let iterator = iterator(way, arn, shard, "TRIM_HORIZON").await;
        let page = way.ok("GetRecords", json!({ "ShardIterator": iterator })).await;
        records.extend(page["Records"].as_array().unwrap().iter().cloned());
    }
    records
}

#[tokio::test]
async fn a_stream_is_listed_described_and_read() {
    on_every_way(async |way| {
        let arn = with_stream(way, "Music", "NEW_AND_OLD_IMAGES").await;
        let label = arn.rsplit('/').next().unwrap();
        let listed = way.ok("ListStreams", json!({ "TableName": "Music" })).await;
        let summary = json!({ "StreamArn": arn, "TableName": "Music", "StreamLabel": label });
        assert_eq!(listed, json!({ "Streams": [summary] }));

        let mut described = description(way, &arn).await;
        let shards = described["Shards"].take();
        assert!(described["CreationRequestDateTime"].take().is_f64());
        let expected = json!({
            "StreamArn": arn, "StreamLabel": label, "StreamStatus": "ENABLED",
            "StreamViewType": "NEW_AND_OLD_IMAGES", "TableName": "Music",
            "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
            "Shards": null, "CreationRequestDateTime": null,
        });
        assert_eq!(described, expected);
        for shard in shards.as_array().unwrap() {
            let members: Vec<&String> = shard.as_object().unwrap().keys().collect();
            assert_eq!(members, ["SequenceNumberRange", "ShardId"]);
            assert!(shard["SequenceNumberRange"]["EndingSequenceNumber"].is_null());
        }

        for rating in [1, 2, 2] {
            let item = json!({ "p": s("k"), "rating": n(rating) });
            way.ok("PutItem", json!({ "TableName": "Music", "Item": item })).await;
        }
        way.ok("DeleteItem", json!({ "TableName": "Music", "Key": { "p": s("k") } })).await;
        let item = |rating: u32| json!({ "p": s("k"), "rating": n(rating) });
        let expected = [
            ("INSERT", Value::Null, item(1)),
            ("MODIFY", item(1), item(2)),
            ("REMOVE", item(2), Value::Null),
        ];
        let records = records(way, &arn).await;
        assert_eq!(records.len(), expected.len());
        for (record, (event, old, new)) in records.iter().zip(expected) {
            let change = &record["dynamodb"];
            assert_eq!((&record["eventName"], &change["OldImage"]), (&json!(event), &old));
            assert_eq!((&change["NewImage"], &change["Keys"]), (&new, &json!({ "p": s("k") })));
            let members: Vec<&String> = record.as_object().unwrap().keys().collect();
            let expected = ["awsRegion", "dynamodb", "eventID", "eventName", "eventSource", "eventVersion"];
            assert_eq!(members, expected);
            assert_eq!(record["awsRegion"], "us-east-1");
        }
    })
    .await;
}

#[tokio::test]
async fn a_stream_that_is_switched_off_ends() {
    on_every_way(async |way| {
        let arn = with_stream(way, "Music", "KEYS_ONLY").await;
        way.ok("PutItem", json!({ "TableName": "Music", "Item": { "p": s("k") } })).await;
        let enabled = json!({ "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" });
        let switch =
            |specification: &Value| json!({ "TableName": "Music", "StreamSpecification": specification });
        let message = "Table already has an enabled stream: TableName: Music";
        way.invalid("UpdateTable", switch(&enabled), message).await;
        way.ok("UpdateTable", switch(&json!({ "StreamEnabled": false }))).await;
        let described = description(way, &arn).await;
        assert_eq!(described["StreamStatus"], "DISABLED");
        let mut found = 0;
        for shard in described["Shards"].as_array().unwrap() {
            assert!(shard["SequenceNumberRange"]["EndingSequenceNumber"].is_string());
            let iterator = iterator(way, &arn, shard, "TRIM_HORIZON").await;
            let page = way.ok("GetRecords", json!({ "ShardIterator": iterator })).await;
            assert!(page.get("NextShardIterator").is_none(), "a closed shard ends");
            found += page["Records"].as_array().unwrap().len();
        }
        assert_eq!(found, 1);
        way.ok("DeleteTable", json!({ "TableName": "Music" })).await;
        assert_eq!(records(way, &arn).await.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn what_is_wrong_with_a_request_of_streams_is_said_in_dynamodb_s_words() {
    on_every_way(async |way| {
        let arn = with_stream(way, "Music", "KEYS_ONLY").await;
        let shard = description(way, &arn).await["Shards"][0].take();
        let none = format!("{ARN}Music/stream/2000-01-01T00:00:00.000");
        let not_found = format!("Requested resource not found: Stream: {none} not found");
        let missing = |operation, body| way.refused(operation, body, "ResourceNotFoundException", &not_found);
        missing("DescribeStream", json!({ "StreamArn": none })).await;
        let place = |arn: &str, shard: &Value, kind: &str| {
            json!({ "StreamArn": arn, "ShardId": shard, "ShardIteratorType": kind })
        };
        missing("GetShardIterator", place(&none, &json!(SHARD), "LATEST")).await;
        way.refused(
            "GetShardIterator",
            place(&arn, &json!(SHARD), "LATEST"),
            "ResourceNotFoundException",
            "Requested resource not found: Shard does not exist",
        )
        .await;
        let wrong_arn = json!({ "StreamArn": format!("{ARN}Music") });
        way.invalid("DescribeStream", wrong_arn, "Invalid StreamArn").await;
        way.invalid("GetRecords", json!({ "ShardIterator": "garbage" }), "Invalid ShardIterator").await;
        let changed = iterator(way, &arn, &shard, "LATEST").await.as_str().unwrap().replace("|1|A", "|1|B");
        way.invalid("GetRecords", json!({ "ShardIterator": changed }), "Invalid ShardIterator").await;
        way.invalid(
            "GetRecords",
            json!({ "Limit": 1001 }),
            "2 validation errors detected: Value null at 'shardIterator' failed to satisfy constraint: Member \
             must not be null; Value '1001' at 'limit' failed to satisfy constraint: Member must have value less \
             than or equal to 1000",
        )
        .await;
    })
    .await;
}

#[tokio::test]
async fn an_item_whose_time_is_over_is_gone_from_the_cache_too() {
    let sweep = ("engine.ttl_sweep", "20ms");
    let way = Way::to("the engine behind the cache", over_engine(&[sweep]).await, None);
    let arn = with_stream(&way, "Music", "OLD_IMAGE").await;
    let specification = json!({ "AttributeName": "ends", "Enabled": true });
    way.ok("UpdateTimeToLive", json!({ "TableName": "Music", "TimeToLiveSpecification": specification }))
        .await;
    let now = base::Clock::start().wall().duration_since(UNIX_EPOCH).unwrap().as_secs();
    for key in ["goes", "stays"] {
        let ends = if key == "goes" { now + 2 } else { now + 3600 };
        let item = json!({ "p": s(key), "ends": n(ends) });
        way.ok("PutItem", json!({ "TableName": "Music", "Item": item })).await;
    }
    let get = async |key: &str| {
        let body = json!({ "TableName": "Music", "Key": { "p": s(key) } });
        way.node.post("GetItem", body.to_string()).await
    };
    for key in ["goes", "stays"] {
        get(key).await;
        assert_eq!(get(key).await.outcome(), "hit");
    }
    // A Scan looks past the cache, and leaves nothing in it.
    for _ in 0..500 {
        let scanned = way.node.post("Scan", r#"{"TableName":"Music"}"#).await.json();
        if scanned["Count"] == 1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let gone = get("goes").await;
    assert_eq!((gone.outcome().as_str(), gone.json()), ("fwd=miss; stored", json!({})));
    assert_eq!(get("stays").await.outcome(), "hit");
    assert_eq!(way.node.metric("linac_engine_expired_items_total", &[]).await, 1.0);
    let removal = records(&way, &arn).await.into_iter().find(|record| record["eventName"] == "REMOVE");
    let identity = json!({ "PrincipalId": "dynamodb.amazonaws.com", "Type": "Service" });
    assert_eq!(removal.unwrap()["userIdentity"], identity);
}
