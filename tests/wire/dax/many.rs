//! Many connections, idle and busy.

use dax_door::{Layering, client::Client};
use futures_util::future::join_all;
use serde_json::json;

use super::{get, put};
use crate::{
    client,
    node::{Process, check_descriptors},
};

const CALLS: usize = 50;

/// Guards the bound; a debug build says little else about a release one.
#[tokio::test]
async fn hundreds_of_idle_connections_cost_little() {
    connect_and_measure(300, 50).await;
}

/// Prints what an idle connection costs. By hand:
/// `cargo test --release --test wire -- --ignored --nocapture idle_connections`.
#[tokio::test]
#[ignore = "measures; opens two thousand connections"]
async fn idle_connections_cost_little_while_others_are_busy() {
    connect_and_measure(2000, 200).await;
}

/// So many connections that are idle, and so many that are busy.
async fn connect_and_measure(idle_count: usize, busy_count: usize) {
    check_descriptors(idle_count + busy_count);
    let process = Process::start(&["--in-memory", "--dax", "127.0.0.1:0"], &[]).await;
    let table = json!({
        "TableName": "Music", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
    });
    assert_eq!(client::post(process.json, "CreateTable", table.to_string()).await.status, 200);
    let address = process.dax.unwrap();
    let connect = async || Client::connect(address, Layering::Plain).await.unwrap();
    let mut first = connect().await;
    first.call("PutItem", &put("a", 1)).await.unwrap();
    first.call("GetItem", &get("a")).await.unwrap();
    let (before, _) = process.resident_bytes();
    let mut idle = Vec::with_capacity(idle_count);
    for _ in 0..idle_count {
        let mut client = connect().await;
        // As connections of a pool: each was used before.
        client.call("GetItem", &get("a")).await.unwrap();
        idle.push(client);
    }
    let (with_idle, _) = process.resident_bytes();
    let each = with_idle.saturating_sub(before) / idle_count as u64;
    println!("{each} bytes of resident memory for each of {idle_count} idle connections");
    let mut busy = Vec::with_capacity(busy_count);
    for _ in 0..busy_count {
        busy.push(connect().await);
    }
    let work = busy.into_iter().map(async |mut client| {
        for _ in 0..CALLS {
            assert_eq!(client.call("GetItem", &get("a")).await.unwrap()["Item"]["v"]["N"], "1");
        }
    });
    join_all(work).await;
    let (_, most) = process.resident_bytes();
    println!("{} KiB more at most while {busy_count} others are busy", most.saturating_sub(with_idle) >> 10);
    assert!(each < 16 << 10, "{each} bytes for each idle connection");
    let mut last = idle.pop().unwrap();
    assert_eq!(last.call("GetItem", &get("a")).await.unwrap()["Item"]["v"]["N"], "1");
}
