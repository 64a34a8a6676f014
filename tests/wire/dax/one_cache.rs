//! One cache behind both doors.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{DAX, create_music, get, put};
use crate::{
    client,
    dynamo::{Dynamo, item},
    node::{self, Node},
    stub::Stub,
};

fn version(answer: &Value) -> &str {
    answer["Item"]["v"]["N"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn what_is_written_over_one_door_is_read_fresh_over_the_other() {
    let node = node::over_engine(&[DAX]).await;
    create_music(&node).await;
    let mut dax = node.dax().await;
    assert_eq!(version(&dax.call("GetItem", &get("a")).await.unwrap()), "none");
    for round in 1..20 {
        let (over_http, over_dax) = (2 * round, 2 * round + 1);
        assert_eq!(node.post("PutItem", put("a", over_http).to_string()).await.status, 200);
        let read = dax.call("GetItem", &get("a")).await.unwrap();
        assert_eq!(version(&read), over_http.to_string());
        dax.call("PutItem", &put("a", over_dax)).await.unwrap();
        let read = node.post("GetItem", get("a").to_string()).await.json();
        assert_eq!(version(&read), over_dax.to_string());
    }
    assert!(node.metric("linac_dax_requests_total", &["method=\"getItem\"", "outcome=\"hit\""]).await > 0.0);
}

#[tokio::test]
async fn a_read_over_one_door_is_a_hit_over_the_other() {
    let dynamo = Dynamo::new();
    for key in ["a", "b"] {
        dynamo.write(("Music".into(), key.into()), item(key, 1));
    }
    let stub = dynamo.stub();
    let node = Node::with(&stub, &[DAX]).await;
    let mut dax = node.dax().await;
    let over_http = node.post("GetItem", get("a").to_string()).await;
    assert_eq!((over_http.outcome().as_str(), stub.count("GetItem")), ("fwd=miss; stored", 1));
    let over_dax = dax.call("GetItem", &get("a")).await.unwrap();
    assert_eq!((over_dax, stub.count("GetItem")), (over_http.json(), 1));
    let hits = ["method=\"getItem\"", "outcome=\"hit\"", "status=\"2xx\""];
    assert_eq!(node.metric("linac_dax_requests_total", &hits).await, 1.0);
    // The other way round, and once more from what the door keeps with the entry.
    let over_dax = dax.call("GetItem", &get("b")).await.unwrap();
    let over_http = node.post("GetItem", get("b").to_string()).await;
    assert_eq!((over_http.outcome().as_str(), over_http.json()), ("hit", over_dax.clone()));
    let mut projected = get("b");
    projected["ProjectionExpression"] = json!("v");
    let part = dax.call("GetItem", &projected).await.unwrap();
    assert_eq!(part, json!({ "Item": { "v": { "N": "1" } } }));
    assert_eq!(dax.call("GetItem", &get("b")).await.unwrap(), over_dax);
    assert_eq!(stub.count("GetItem"), 2);
}

#[tokio::test]
async fn one_flight_serves_both_doors() {
    const CALLERS: usize = 10;
    let dynamo = Dynamo::new();
    dynamo.write(("Music".into(), "a".into()), item("a", 1));
    let stub = Stub::start(move |received| {
        let dynamo = std::sync::Arc::clone(&dynamo);
        async move {
            if received.operation() == "GetItem" {
                tokio::time::sleep(Duration::from_millis(400)).await;
            }
            dynamo.serve(&received)
        }
    });
    let node = Node::with(&stub, &[DAX]).await;
    let mut over_dax = Vec::new();
    for _ in 0..CALLERS {
        let mut client = node.dax().await;
        // The table's keys are known before the clock runs.
        let encoded = client.encode("GetItem", &get("a")).await.unwrap();
        over_dax.push(async move { client.send(&encoded).await.unwrap() });
    }
    let over_http = (0..CALLERS).map(|_| client::post(node.json, "GetItem", get("a").to_string()));
    let (over_dax, over_http) = futures_util::future::join(join_all(over_dax), join_all(over_http)).await;
    assert_eq!(stub.count("GetItem"), 1);
    for answer in over_dax.into_iter().chain(over_http.iter().map(client::Answer::json)) {
        assert_eq!(version(&answer), "1");
    }
    let collapsed = ["method=\"getItem\"", "outcome=\"collapsed\""];
    assert!(node.metric("linac_dax_requests_total", &collapsed).await > 0.0);
}
