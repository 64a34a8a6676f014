//! What clients may conclude from an error of a write: that it did not happen, or that nobody knows.

use bytes::Bytes;
use dax_door::client::{CallError, Client, Encoded};
use serde_json::{Value, json};

use super::{DAX, create_music, get, put, refused};
use crate::{
    node::{self, Node},
    stub::{Answer, Ending, Received, Stub, describe},
};

/// The tuples that some client takes for a write in doubt.
fn leaves_doubt(codes: &[i64]) -> bool {
    let is_internal = codes.len() == 5 && codes[1] == 37 && codes[3..] == [39, 47];
    is_internal || matches!(codes, [1, 37, 38, 53 | 55, ..] | [3, 37, 54, ..])
}

/// A write of each kind.
fn writes() -> Vec<(&'static str, Value)> {
    let mut update = get("a");
    update["UpdateExpression"] = json!("SET v = :v");
    update["ExpressionAttributeValues"] = json!({ ":v": { "N": "2" } });
    let item = &put("a", 1)["Item"];
    vec![
        ("PutItem", put("a", 1)),
        ("UpdateItem", update),
        ("DeleteItem", get("a")),
        ("BatchWriteItem", json!({ "RequestItems": { "Music": [{ "PutRequest": { "Item": item } }] } })),
        (
            "TransactWriteItems",
            json!({ "TransactItems": [{ "Put": { "TableName": "Music", "Item": item } }] }),
        ),
    ]
}

async fn encoded_writes(client: &mut Client) -> Vec<(&'static str, Encoded)> {
    let mut encoded = Vec::new();
    for (operation, request) in writes() {
        encoded.push((operation, client.encode(operation, &request).await.unwrap()));
    }
    encoded
}

/// A node before an origin that knows its tables and ends all else in one way.
async fn before(ending: Ending) -> (Stub, Node) {
    behind(move |received| match received.operation() {
        "DescribeTable" => describe(&received.json()),
        _ => ending.clone(),
    })
    .await
}

/// A node before an origin that does as it is told.
async fn behind(script: impl Fn(Received) -> Ending + Send + Sync + 'static) -> (Stub, Node) {
    let stub = Stub::start(move |received| std::future::ready(script(received)));
    let settings =
        [DAX, ("upstream.attempts", "1"), ("upstream.breaker", "off"), ("upstream.timeout", "500ms")];
    let node = Node::with(&stub, &settings).await;
    (stub, node)
}

fn error(status: u16, code: &str) -> Ending {
    Ending::Answer(Answer::error(status, code, "as the script says"))
}

/// What a balancer answers by itself.
fn page(status: u16) -> Ending {
    let status = http::StatusCode::from_u16(status).unwrap();
    let body = Bytes::from_static(b"<html>the balancer has its own words</html>");
    Ending::Answer(Answer { status, body, ..Answer::default() })
}

#[tokio::test]
async fn a_write_that_nobody_knows_of_says_so_and_one_that_certainly_failed_never_does() {
    let endings = [
        (Ending::Close, true),
        (Ending::Reset, true),
        (Ending::Half(Answer::ok("{\"Attributes\":{}}")), true),
        (error(500, "InternalServerError"), true),
        (error(503, "ServiceUnavailable"), true),
        (error(400, "ProvisionedThroughputExceededException"), false),
        (error(400, "ThrottlingException"), false),
        (error(400, "ValidationException"), false),
        (error(400, "AccessDeniedException"), false),
        (error(400, "ConditionalCheckFailedException"), false),
        // What is between the node and its origin has errors of its own, and so has an origin of the future.
        (error(400, "OfTheFutureException"), true),
        (page(408), true),
        (page(413), true),
        (page(499), true),
        (page(502), true),
    ];
    for (ending, is_in_doubt) in endings {
        let (_stub, node) = before(ending.clone()).await;
        let mut client = node.dax().await;
        for (operation, request) in writes() {
            let error = refused(&mut client, operation, &request).await;
            assert_eq!(leaves_doubt(&error.codes), is_in_doubt, "{operation}, {ending:?}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_write_that_was_never_sent_certainly_failed() {
    let (stub, node) = before(Ending::Close).await;
    let mut client = node.dax().await;
    // What it takes to send the writes is known before nobody listens any more.
    let encoded = encoded_writes(&mut client).await;
    let _known = refused(&mut client, "PutItem", &put("a", 1)).await;
    stub.stop();
    // For the listener to be gone.
    while tokio::net::TcpStream::connect(stub.address).await.is_ok() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    for (operation, encoded) in &encoded {
        let Err(CallError::Refused(error)) = client.send(encoded).await else {
            panic!("{operation} has no origin")
        };
        assert!(!leaves_doubt(&error.codes), "{operation}: {error:?}");
        assert_eq!(error.codes[0], 1, "asking again may help: {error:?}");
    }
}

#[tokio::test]
async fn a_write_whose_table_cannot_be_described_was_never_sent() {
    let endings = [
        Ending::Close,
        Ending::Silence,
        Ending::Answer(Answer::ok("{}")),
        error(500, "InternalServerError"),
        error(503, "ServiceUnavailable"),
        error(400, "ThrottlingException"),
        error(400, "OfTheFutureException"),
        page(502),
    ];
    // Clients remember keys, and go on with them to a node that has not learnt them.
    let (_stub, elsewhere) = before(Ending::Close).await;
    let encoded = encoded_writes(&mut elsewhere.dax().await).await;
    for ending in endings {
        let script = ending.clone();
        let (stub, node) = behind(move |_| script.clone()).await;
        let mut client = node.dax().await;
        for (operation, encoded) in &encoded {
            let Err(CallError::Refused(error)) = client.send(encoded).await else {
                panic!("{operation} has no table, {ending:?}")
            };
            assert!(!leaves_doubt(&error.codes), "{operation}, {ending:?}: {error:?}");
        }
        assert!(writes().iter().all(|(operation, _)| stub.count(operation) == 0), "{ending:?}");
    }
}

#[tokio::test]
async fn a_write_that_was_done_and_cannot_be_answered_leaves_doubt_and_is_not_repeated() {
    let node = node::over_engine(&[DAX, ("dax.attribute_lists_max", "1")]).await;
    create_music(&node).await;
    let mut client = node.dax().await;
    client.call("PutItem", &put("a", 1)).await.unwrap();
    let unsendable = json!({ "TableName": "Music", "Item": { "p": { "S": "a" }, "w": { "N": "1" } } });
    let error = refused(&mut client, "PutItem", &unsendable).await;
    assert!(!leaves_doubt(&error.codes), "the node has as many lists as it may: {error:?}");
    for values in ["ALL_NEW", "UPDATED_NEW"] {
        let mut add = get("a");
        add["UpdateExpression"] = json!("ADD n :one, m :one");
        add["ExpressionAttributeValues"] = json!({ ":one": { "N": "1" } });
        add["ReturnValues"] = json!(values);
        let error = refused(&mut client, "UpdateItem", &add).await;
        assert!(leaves_doubt(&error.codes), "{values}: {error:?}");
        // Python repeats all that begins with another number, and these statuses.
        assert!(error.codes[0] == 3 && ![408, 429, 500, 503].map(Some).contains(&error.status), "{error:?}");
    }
    let written = node.post("GetItem", get("a").to_string()).await.json();
    assert_eq!(written["Item"]["n"], json!({ "N": "2" }), "each was applied once");
}

#[tokio::test]
async fn a_write_whose_answer_is_not_understood_leaves_doubt() {
    let unknown_table = "{\"UnprocessedItems\":{\"Other\":[{\"DeleteRequest\":{\"Key\":{}}}]}}";
    let no_key = "{\"UnprocessedItems\":{\"Music\":[{\"DeleteRequest\":{\"Key\":{}}}]}}";
    let none = ["UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems"];
    for (body, answered) in [("[1]", &[][..]), (unknown_table, &none), (no_key, &none)] {
        let (_stub, node) = before(Ending::Answer(Answer::ok(body))).await;
        let mut client = node.dax().await;
        for (operation, request) in writes() {
            match client.call(operation, &request).await {
                Ok(_) => assert!(answered.contains(&operation), "{operation}, {body}"),
                Err(CallError::Refused(error)) => {
                    assert!(leaves_doubt(&error.codes), "{operation}, {body}: {error:?}");
                }
                Err(other) => panic!("{operation}, {body}: {other}"),
            }
        }
    }
}
