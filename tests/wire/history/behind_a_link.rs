//! An origin behind a faulty link, whose stream tells afterwards what was written: the bundled engine, or another
//! vendor's server.

use std::{net::SocketAddr, time::Duration};

use base::{Chance, Clock, Instant};
use serde_json::{Value, json};

use super::{Clients, LATE, SETTINGS, TABLE, Versions, text, violations};
use crate::{
    dynamo::Version,
    faulty_link::FaultyLink,
    node::{Node, config, over_engine},
};

/// A run with fewer shows nothing.
const FAULTS: usize = 20;

/// All reads of these origins are consistent.
const CONSISTENT: (&str, &str) = ("cache.settle", "0s");
const UNCACHED: (&str, &str) = ("cache.mode", "off");
/// A server that is slower than the engine is later with what the link delivers late.
const LONGER_DOUBT: (&str, &str) = ("cache.doubt", "1s");

/// Runs against the engine of another node.
pub(super) async fn an_engine(settings: &[(&str, &str)], span: Duration) -> Vec<String> {
    let engine = over_engine(&[UNCACHED]).await;
    an_origin(engine.json, &engine, settings, span).await
}

/// Runs against the server of another vendor, which has no such table yet.
pub(super) async fn a_vendor(address: SocketAddr, settings: &[(&str, &str)], span: Duration) -> Vec<String> {
    // It signs, which some want before they answer at all.
    let beside = Node::start(config(&format!("http://{address}"), &[UNCACHED])).await;
    an_origin(address, &beside, &[&[LONGER_DOUBT], settings].concat(), span).await
}

/// Runs against what listens at `address`, which is also reached, without trouble, through `beside`.
async fn an_origin(
    address: SocketAddr,
    beside: &Node,
    settings: &[(&str, &str)],
    span: Duration,
) -> Vec<String> {
    let start = Clock::start().now();
    create_table(beside).await;
    let link = FaultyLink::to(address, Chance::real());
    let settings = [&SETTINGS[..], &[CONSISTENT], settings].concat();
    let node = Node::start(config(&format!("http://{}", link.address), &settings)).await;
    let clients = Clients { caches: !settings.contains(&UNCACHED), ..Clients::of(node) };
    clients.work(span, || link.faults() > FAULTS).await;
    // What the link still holds back is in the stream too before it is read.
    tokio::time::sleep(Duration::from_millis(3 * LATE)).await;
    assert!(link.faults() > FAULTS, "the link was too good: {} faults", link.faults());
    violations(&clients, &recorded(beside, start).await)
}

async fn create_table(beside: &Node) {
    let attributes = ["p", "s"].map(|name| json!({ "AttributeName": name, "AttributeType": "S" }));
    let key =
        [("p", "HASH"), ("s", "RANGE")].map(|(name, kind)| json!({ "AttributeName": name, "KeyType": kind }));
    let table = json!({
        "TableName": TABLE,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": key,
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_IMAGE" },
    });
    let answer = beside.post("CreateTable", table.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
}

/// Every version of every item, as the stream of the table has it; it does not tell when. Nor would it tell who
/// deleted an item, so nobody may.
async fn recorded(beside: &Node, start: Instant) -> Versions {
    let ask = async |operation: &str, request: Value| {
        let answer = beside.post(operation, request.to_string()).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    };
    let arn = ask("DescribeTable", json!({ "TableName": TABLE })).await["Table"]["LatestStreamArn"].clone();
    let stream = ask("DescribeStream", json!({ "StreamArn": arn })).await;
    let mut versions = Versions::new();
    for shard in stream["StreamDescription"]["Shards"].as_array().unwrap() {
        let from =
            json!({ "StreamArn": arn, "ShardId": shard["ShardId"], "ShardIteratorType": "TRIM_HORIZON" });
        let mut iterator = ask("GetShardIterator", from).await["ShardIterator"].clone();
        loop {
            let page = ask("GetRecords", json!({ "ShardIterator": iterator })).await;
            let records = page["Records"].as_array().unwrap();
            for record in records.iter().map(|record| &record["dynamodb"]) {
                let item = record["NewImage"].clone();
                let writer = item["v"]["N"].as_str().map(|v| format!("w{v}")).unwrap_or_default();
                let of_key = versions.entry(text(&record["Keys"])).or_default();
                of_key.push(Version { since: start, item, writer });
            }
            iterator = page["NextShardIterator"].clone();
            if records.is_empty() || iterator.is_null() {
                break;
            }
        }
    }
    versions
}
