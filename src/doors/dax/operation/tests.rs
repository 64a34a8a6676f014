//! What real clients were seen to send means what they were told to send: the same, whichever client it was.

use std::collections::{BTreeMap, BTreeSet};

use backend::doubles::{Scripted, origin_reply};
use dax_wire::{Extent, Limits, testing::unhex};
use futures_util::FutureExt;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;

mod garbled;
mod hostile;
mod kept;

#[derive(Deserialize)]
struct Vectors {
    table_key_schemas: BTreeMap<String, Vec<(String, String)>>,
    /// By client, then by number.
    attribute_list_ids: BTreeMap<String, BTreeMap<i64, Vec<String>>>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    id: String,
    client: String,
    request_hex: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("../wire/fixtures/vectors.json")).unwrap()
}

impl Vectors {
    /// The description of a table of the stub that the clients talked to.
    fn description(&self, name: &str) -> Option<Value> {
        let keys = self.table_key_schemas.get(name)?;
        let roles = ["HASH", "RANGE"];
        let schema =
            keys.iter().zip(roles).map(|((name, _), role)| json!({ "AttributeName": name, "KeyType": role }));
        let types = keys.iter().map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind }));
        Some(json!({ "Table": {
            "TableName": name, "TableStatus": "ACTIVE",
            "KeySchema": schema.collect::<Vec<_>>(), "AttributeDefinitions": types.collect::<Vec<_>>(),
        }}))
    }

    /// Operations that know the lists that the stub gave a client, in front of an origin.
    fn operations(&self, client: &str, origin: Arc<Scripted>) -> Operations {
        let lists = self.attribute_list_ids.get(client).into_iter().flatten();
        let names = |names: &[String]| names.iter().map(|name| Box::from(name.as_str())).collect();
        let lists =
            crate::attribute_lists::AttributeLists::holding(lists.map(|(id, list)| (*id, names(list))));
        Operations::new(origin, Arc::new(SharedLists::alone(lists)), Clock::start(), Drain::new())
    }
}

impl Vector {
    /// What is asked for, and with which arguments.
    fn request(&self) -> (Method, Vec<u8>) {
        let bytes = unhex(&self.request_hex);
        let mut extent = Extent::new(Limits { bytes: 1 << 20, levels: 64 });
        let head = extent.of(2, &bytes).unwrap().unwrap();
        let mut decoder = minicbor::Decoder::new(&bytes);
        let method = Method::of_id(decoder.i64().and_then(|_service| decoder.i64()).unwrap()).unwrap();
        (method, bytes[head..].to_vec())
    }
}

fn asked(method: Method, arguments: &[u8]) -> Asked<'_> {
    let deadline = Clock::start().now() + std::time::Duration::from_secs(5);
    Asked { method, arguments, request_id: "R", deadline }
}

/// The request that reaches the stack, and why none does; nothing for what is no operation on data.
async fn asked_for(vectors: &Arc<Vectors>, vector: &Vector) -> Option<Result<Value, Vec<u8>>> {
    let (method, arguments) = vector.request();
    let operation = method.operation()?;
    let tables = Arc::clone(vectors);
    let origin = Scripted::new(move |call: Call| {
        let body: Value = serde_json::from_slice(&call.wire().body).unwrap();
        let described = match call.target().word() {
            "DescribeTable" => tables.description(body["TableName"].as_str().unwrap()),
            _ => None,
        };
        let reply = match described {
            Some(description) => origin_reply(200, description.to_string()),
            None => origin_reply(400, json!({ "__type": "ThrottlingException" }).to_string()),
        };
        std::future::ready(Ok(reply)).boxed()
    });
    let operations = vectors.operations(&vector.client, origin.clone());
    let reply = operations.answer(asked(method, &arguments)).await;
    let body = origin.asked(operation).pop();
    Some(body.map(|body| serde_json::from_str(&body).unwrap()).ok_or(reply.message.to_vec()))
}

/// Without what some clients say although it means nothing, and without what is each client's own.
fn bare(mut body: Value) -> Value {
    let members = body.as_object_mut().unwrap();
    members.remove("ClientRequestToken");
    let idle = [
        ("ReturnConsumedCapacity", json!("NONE")),
        ("ReturnItemCollectionMetrics", json!("NONE")),
        ("ReturnValues", json!("NONE")),
        ("ConsistentRead", json!(false)),
        ("ScanIndexForward", json!(true)),
    ];
    members.retain(|name, value| !idle.iter().any(|(idle, default)| idle == name && default == value));
    body
}

/// Where the programs of Python, JavaScript and Go told their clients different things; those of JavaScript are one.
const TOLD_OTHERWISE: [&str; 11] = [
    "batch_write/batchWriteItem",
    "delete_old/deleteItem",
    "put_all_types/putItem",
    "put_cond_fail/putItem",
    "put_return_old/putItem",
    "query_desc_limit/query",
    "query_filter_proj/query",
    "scan_seg/scan",
    "transact_get/transactGetItems",
    "transact_write/transactWriteItems",
    "update_updated_new/updateItem",
];

#[tokio::test]
async fn all_clients_are_understood_and_mean_the_same() {
    let vectors = Arc::new(vectors());
    let mut meant: BTreeMap<&str, BTreeMap<&str, Value>> = BTreeMap::new();
    let mut unknown_lists = BTreeSet::new();
    for vector in &vectors.vectors {
        match asked_for(&vectors, vector).await {
            None => {}
            Some(Ok(body)) => {
                let scenario = vector.id.split_once('/').unwrap().1;
                meant.entry(scenario).or_default().insert(&vector.client, bare(body));
            }
            Some(Err(message)) => {
                let text = String::from_utf8_lossy(&message).into_owned();
                // Not all lists were recorded.
                assert!(text.contains("No list of attribute names"), "{}: {text}", vector.id);
                unknown_lists.insert(&vector.id);
            }
        }
    }
    assert_eq!(unknown_lists.len(), 2, "{unknown_lists:?}");
    let mut compared = 0;
    for (scenario, mut by_client) in meant {
        if TOLD_OTHERWISE.contains(&scenario) {
            by_client.retain(|client, _| client.starts_with("js"));
        }
        let clients = by_client.len();
        let meanings: BTreeSet<String> = by_client.values().map(Value::to_string).collect();
        assert_eq!(meanings.len().min(clients), meanings.len().min(1), "{scenario}: {by_client:#?}");
        compared += clients.saturating_sub(1);
    }
    assert!(compared > 60, "{compared}");
}

/// What the callers of clients are known to have said: a few of each kind, in DynamoDB's own words.
#[tokio::test]
async fn captured_requests_say_what_their_callers_said() {
    let vectors = Arc::new(vectors());
    let cases = [
        (
            "js2/update_updated_new/updateItem",
            json!({
                "TableName": "HashS", "Key": { "pk": { "S": "a" } }, "ReturnValues": "UPDATED_NEW",
                "UpdateExpression": "SET v=v+:1,q=:2", "ConditionExpression": "v=:0",
                "ExpressionAttributeValues": { ":0": { "N": "2" }, ":1": { "N": "1" }, ":2": { "N": "2.5" } },
            }),
        ),
        (
            "js3/get_NS_12345678901234567890123_é/getItem",
            json!({
                "TableName": "NS",
                "Key": { "id": { "N": "12345678901234567890123" }, "sk": { "S": "é" } },
            }),
        ),
        (
            "python/query_index_page2/query",
            json!({
                "TableName": "SN", "IndexName": "idx", "Limit": 1, "KeyConditionExpression": "pk=:0",
                "ExpressionAttributeValues": { ":0": { "S": "q" } },
                "ExclusiveStartKey": { "pk": { "S": "q" }, "sk": { "N": "0" } },
            }),
        ),
        (
            "python/batch_get/batchGetItem",
            json!({
                "ReturnConsumedCapacity": "TOTAL",
                "RequestItems": {
                    "HashS": { "ConsistentRead": false, "Keys": [
                        { "pk": { "S": "b1" } }, { "pk": { "S": "b2" } }, { "pk": { "S": "none" } },
                        { "pk": { "S": "UNPROC" } },
                    ] },
                    // The client projects, and the stack is asked for whole items.
                    "SN": { "ConsistentRead": true, "Keys": [{ "pk": { "S": "q" }, "sk": { "N": "1" } }] },
                },
            }),
        ),
        (
            "go2/batch_write/batchWriteItem",
            json!({
                "ReturnConsumedCapacity": "TOTAL", "ReturnItemCollectionMetrics": "SIZE",
                "RequestItems": { "HashS": [
                    { "PutRequest": { "Item": { "pk": { "S": "b1" }, "x": { "N": "1" } } } },
                    { "PutRequest": { "Item": { "pk": { "S": "b2" } } } },
                    { "DeleteRequest": { "Key": { "pk": { "S": "ko" } } } },
                ] },
            }),
        ),
        (
            "go2/transact_write/transactWriteItems",
            json!({
                "ReturnConsumedCapacity": "TOTAL", "ReturnItemCollectionMetrics": "SIZE",
                "TransactItems": [
                    { "Put": {
                        "TableName": "HashS", "Item": { "pk": { "S": "t1" }, "a": { "N": "1" } },
                        "ConditionExpression": "attribute_not_exists(pk)",
                        "ReturnValuesOnConditionCheckFailure": "NONE",
                    } },
                    { "Update": {
                        "TableName": "HashS", "Key": { "pk": { "S": "b1" } }, "UpdateExpression": "SET x=x+:0",
                        "ExpressionAttributeValues": { ":0": { "N": "1" } },
                        "ReturnValuesOnConditionCheckFailure": "NONE",
                    } },
                    { "Delete": {
                        "TableName": "HashS", "Key": { "pk": { "S": "b2" } },
                        "ReturnValuesOnConditionCheckFailure": "NONE",
                    } },
                    { "ConditionCheck": {
                        "TableName": "SN", "Key": { "pk": { "S": "q" }, "sk": { "N": "1" } },
                        "ConditionExpression": "attribute_exists(v)",
                        "ReturnValuesOnConditionCheckFailure": "NONE",
                    } },
                ],
            }),
        ),
    ];
    for (id, expected) in cases {
        let vector = vectors.vectors.iter().find(|vector| vector.id == id).unwrap();
        let body = bare(asked_for(&vectors, vector).await.unwrap().unwrap());
        assert_eq!(body, expected, "{id}: {body}");
    }
}

#[tokio::test]
async fn keys_of_tables_are_no_matter_of_the_cache() {
    let vectors = Arc::new(vectors());
    let tables = Arc::clone(&vectors);
    let origin = Scripted::new(move |_| {
        let description = tables.description("SN").unwrap().to_string();
        std::future::ready(Ok(origin_reply(200, description))).boxed()
    });
    let operations = vectors.operations("python", origin.clone());
    for _ in 0..2 {
        let reply = operations.answer(asked(Method::DefineKeySchema, b"\x42SN")).await;
        assert_eq!((reply.status, reply.outcome), (200, None));
    }
    assert_eq!(origin.asked("DescribeTable").len(), 1);
    let reply = operations.answer(asked(Method::Endpoints, &[])).await;
    assert_eq!(reply.status, 400, "that is the door's");
}
