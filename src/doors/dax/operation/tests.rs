//! What real clients were seen to send means what they were told to send.

use std::collections::BTreeMap;

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

/// What callers said, in DynamoDB's own words: of every captured request, by its id. Found once by this room and held
/// against what the recorder of the bytes had noted.
fn meanings() -> BTreeMap<String, Value> {
    serde_json::from_str(include_str!("tests/meanings.json")).unwrap()
}

#[tokio::test]
async fn captured_requests_say_what_their_callers_said() {
    let (vectors, mut meanings) = (Arc::new(vectors()), meanings());
    let mut unknown_lists = Vec::new();
    for vector in &vectors.vectors {
        match asked_for(&vectors, vector).await {
            None => {}
            Some(Ok(body)) => assert_eq!(Some(body), meanings.remove(&vector.id), "{}", vector.id),
            Some(Err(message)) => {
                let text = String::from_utf8_lossy(&message).into_owned();
                // Not all lists were recorded.
                assert!(text.contains("No list of attribute names"), "{}: {text}", vector.id);
                unknown_lists.push(&vector.id);
            }
        }
    }
    assert_eq!(unknown_lists.len(), 2, "{unknown_lists:?}");
    assert!(meanings.is_empty(), "not captured: {meanings:?}");
}
