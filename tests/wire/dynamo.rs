//! A small DynamoDB for the stub to play: items of one string key `p`, in `Albums` of a sort key `s` as well, a few
//! operations, replicas that lag.
//!
//! A key is written as a text: that of `p` or, with a sort key, both with a stroke between.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use base::{Clock, Instant};
use serde_json::{Value, json};

use crate::stub::{Answer, Ending, Received, Stub, describe};

/// Every table that anybody asks for exists.
pub(crate) struct Dynamo {
    clock: Clock,
    /// How far eventually consistent reads look back.
    lag: Duration,
    items: Mutex<HashMap<Place, Vec<Version>>>,
}

/// Table and key.
pub(crate) type Place = (String, String);

/// An item, or its absence, from a moment on.
#[derive(Debug, Clone)]
pub(crate) struct Version {
    pub(crate) since: Instant,
    pub(crate) item: Value,
    /// The header `x-test-write` of the request that wrote it, or nothing.
    pub(crate) writer: String,
}

impl Dynamo {
    pub(crate) fn new() -> Arc<Dynamo> {
        Dynamo::lagging(Duration::ZERO)
    }

    /// One whose eventually consistent reads are so old.
    pub(crate) fn lagging(lag: Duration) -> Arc<Dynamo> {
        Arc::new(Dynamo { clock: Clock::start(), lag, items: Mutex::default() })
    }

    /// A stub that plays it.
    pub(crate) fn stub(self: &Arc<Dynamo>) -> Stub {
        let dynamo = Arc::clone(self);
        Stub::start(move |received| std::future::ready(dynamo.serve(&received)))
    }

    /// Carries out a request at once.
    pub(crate) fn serve(&self, received: &Received) -> Ending {
        let request = received.json();
        let writer = received.header("x-test-write");
        match received.operation() {
            "DescribeTable" => describe(&request),
            "GetItem" => {
                let item = self.read(&place(&request, &request["Key"]), &request);
                let mut answer = json!({});
                if !item.is_null() {
                    answer["Item"] = item;
                }
                if !request["ReturnConsumedCapacity"].is_null() {
                    answer["ConsumedCapacity"] =
                        json!({ "TableName": bare(&request["TableName"]), "CapacityUnits": 0.5 });
                }
                Answer::ok(answer.to_string()).into()
            }
            "BatchGetItem" => {
                let mut responses = json!({});
                for (table, wanted) in request["RequestItems"].as_object().into_iter().flatten() {
                    let keys = wanted["Keys"].as_array().into_iter().flatten();
                    let items = keys.map(|key| self.read(&(table.clone(), text(key)), wanted));
                    responses[table] = items.filter(|item| !item.is_null()).collect();
                }
                Answer::ok(json!({ "Responses": responses, "UnprocessedKeys": {} }).to_string()).into()
            }
            "Query" if request["TableName"].is_string() => {
                Answer::ok(self.query(&request).to_string()).into()
            }
            "PutItem" => {
                self.write_as(writer, place(&request, &request["Item"]), request["Item"].clone());
                Answer::ok("{}").into()
            }
            "DeleteItem" => {
                self.write_as(writer, place(&request, &request["Key"]), Value::Null);
                Answer::ok("{}").into()
            }
            "UpdateItem" => self.update(writer, &request),
            "BatchWriteItem" => {
                for (table, writes) in request["RequestItems"].as_object().into_iter().flatten() {
                    for write in writes.as_array().into_iter().flatten() {
                        let put = &write["PutRequest"]["Item"];
                        let key = if put.is_null() { &write["DeleteRequest"]["Key"] } else { put };
                        self.write_as(writer, (table.clone(), text(key)), put.clone());
                    }
                }
                Answer::ok(r#"{"UnprocessedItems":{}}"#).into()
            }
            "TransactWriteItems" => {
                for action in request["TransactItems"].as_array().into_iter().flatten() {
                    let put = &action["Put"];
                    self.write_as(writer, place(put, &put["Item"]), put["Item"].clone());
                }
                Answer::ok("{}").into()
            }
            _ => Answer::error(400, "ValidationException", "not in this DynamoDB").into(),
        }
    }

    /// What `SET v = :v` does, whatever the expression says.
    fn update(&self, writer: &str, request: &Value) -> Ending {
        let place = place(request, &request["Key"]);
        let mut item = self.latest(&place);
        if item.is_null() {
            item = request["Key"].clone();
        }
        item["v"] = request["ExpressionAttributeValues"][":v"].clone();
        self.write_as(writer, place, item.clone());
        match request["ReturnValues"].as_str() {
            Some("ALL_NEW") => Answer::ok(json!({ "Attributes": item }).to_string()).into(),
            _ => Answer::ok("{}").into(),
        }
    }

    /// Writes beside every node.
    pub(crate) fn write(&self, place: Place, item: Value) {
        self.write_as("", place, item);
    }

    fn write_as(&self, writer: &str, place: Place, item: Value) {
        let mut items = self.items.lock().unwrap();
        // Under the lock, so that versions are in the order of their moments.
        let since = self.clock.now();
        items.entry(place).or_default().push(Version { since, item, writer: writer.to_owned() });
    }

    /// Everything that an item has been, in order.
    pub(crate) fn versions(&self, place: &Place) -> Vec<Version> {
        self.items.lock().unwrap().get(place).cloned().unwrap_or_default()
    }

    /// What a strongly consistent read shows.
    pub(crate) fn latest(&self, place: &Place) -> Value {
        self.as_of(place, self.clock.now())
    }

    /// All of a partition, whatever the condition says beside `p = :p`.
    fn query(&self, request: &Value) -> Value {
        let moment = self.moment(request);
        let (table, partition) = (bare(&request["TableName"]), &request["ExpressionAttributeValues"][":p"]);
        let items = self.items.lock().unwrap();
        let places = items.iter().filter(|(place, _)| place.0 == table);
        let rows = places.map(|(_, versions)| shown_at(versions, moment));
        let mut rows: Vec<Value> = rows.filter(|row| row["p"] == *partition).collect();
        rows.sort_by_key(text);
        json!({ "Count": rows.len(), "ScannedCount": rows.len(), "Items": rows })
    }

    fn read(&self, place: &Place, request: &Value) -> Value {
        self.as_of(place, self.moment(request))
    }

    /// The moment that a read shows.
    fn moment(&self, request: &Value) -> Instant {
        let now = self.clock.now();
        match request["ConsistentRead"] == true {
            true => now,
            false => now.checked_sub(self.lag).unwrap_or(now),
        }
    }

    fn as_of(&self, place: &Place, moment: Instant) -> Value {
        shown_at(self.items.lock().unwrap().get(place).map_or(&[], Vec::as_slice), moment)
    }
}

fn shown_at(versions: &[Version], moment: Instant) -> Value {
    let past = versions.iter().take_while(|version| version.since <= moment);
    past.last().map_or(Value::Null, |version| version.item.clone())
}

fn place(request: &Value, key: &Value) -> Place {
    (bare(&request["TableName"]), text(key))
}

fn bare(table: &Value) -> String {
    table.as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
}

/// The key of an item, or of itself, as a text.
pub(crate) fn text(key: &Value) -> String {
    let [p, s] = ["p", "s"].map(|name| key[name]["S"].as_str());
    let p = p.unwrap_or_default();
    s.map_or_else(|| p.to_owned(), |s| format!("{p}/{s}"))
}

/// The key with that text.
pub(crate) fn key(text: &str) -> Value {
    match text.split_once('/') {
        Some((p, s)) => json!({ "p": { "S": p }, "s": { "S": s } }),
        None => json!({ "p": { "S": text } }),
    }
}

/// The body of a `GetItem`.
pub(crate) fn get(table: &str, text: &str) -> String {
    json!({ "TableName": table, "Key": key(text) }).to_string()
}

/// The body of a `Query` of a whole partition.
pub(crate) fn query(table: &str, partition: &str) -> String {
    json!({
        "TableName": table,
        "KeyConditionExpression": "p = :p",
        "ExpressionAttributeValues": { ":p": { "S": partition } },
    })
    .to_string()
}

/// The body of a `PutItem` that leaves `v` as a number.
pub(crate) fn put(table: &str, text: &str, v: u64) -> String {
    json!({ "TableName": table, "Item": item(text, v) }).to_string()
}

pub(crate) fn item(text: &str, v: u64) -> Value {
    let mut item = key(text);
    item["v"] = json!({ "N": v.to_string() });
    item
}
