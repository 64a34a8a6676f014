//! Two nodes in front of one origin.

use serde_json::json;

use super::{DAX, get, put};
use crate::{dynamo::Dynamo, node::Node};

#[tokio::test]
async fn a_client_writes_through_one_node_with_the_list_that_another_has_numbered() {
    let stub = Dynamo::new().stub();
    let first = Node::with(&stub, &[DAX]).await;
    let mut client = first.dax().await;
    let encoded = client.encode("PutItem", &put("a", 1)).await.unwrap();
    let alone = Node::with(&stub, &[DAX]).await;
    let refused = alone.dax().await.send(&encoded).await.unwrap_err().to_string();
    assert!(refused.contains("No list of attribute names"), "{refused}");
    assert_eq!(stub.count("PutItem"), 0, "nothing is written under names that nobody knows");
    let address = first.dax_address();
    let others = format!("{} leader dax={}", address.ip(), address.port());
    let second = Node::with(&stub, &[DAX, ("dax.role", "replica"), ("dax.nodes", &others)]).await;
    // A load balancer sends the client there.
    let mut moved = second.dax().await;
    moved.encode("GetItem", &get("a")).await.unwrap();
    moved.send(&encoded).await.unwrap();
    let read = second.post("GetItem", get("a").to_string()).await.json();
    assert_eq!(read["Item"], json!({ "p": { "S": "a" }, "v": { "N": "1" } }));
    assert_eq!(second.metric("linac_dax_nodes", &[]).await, 2.0);
}
