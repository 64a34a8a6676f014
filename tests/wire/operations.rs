//! The bundled engine as clients see it. Every script runs on three ways to it: its answers have to be right on
//! each of them, and the same on all.

mod administration;
mod batches;
mod errors;
mod indexes;
mod items;
mod reads;
mod settings;
mod statements;
mod streams;
mod tables;
mod transactions;

use std::{sync::Mutex, time::Duration};

use serde_json::{Map, Value, json};

use crate::{
    client::Answer,
    forwarding::crc32,
    node::{Node, config, over_engine},
};

/// Members that differ from node to node, or from moment to moment.
const VOLATILE: [&str; 20] = [
    "ApproximateCreationDateTime",
    "CreationDateTime",
    "CreationRequestDateTime",
    "EndingSequenceNumber",
    "LastDecreaseDateTime",
    "LastEvaluatedShardId",
    "LastEvaluatedStreamArn",
    "LastIncreaseDateTime",
    "LastUpdateToPayPerRequestDateTime",
    "LatestStreamArn",
    "LatestStreamLabel",
    "NextShardIterator",
    "SequenceNumber",
    "ShardId",
    "ShardIterator",
    "StartingSequenceNumber",
    "StreamArn",
    "StreamLabel",
    "TableId",
    "eventID",
];
const ARN: &str = "arn:aws:dynamodb:us-east-1:123456789012:table/";

/// Runs a script on every way, and compares what it was answered.
async fn on_every_way(script: impl AsyncFn(&Way)) {
    let direct = Way::uncached().await.run(&script).await;
    for way in [Way::cached().await, Way::through_another_node().await] {
        let name = way.name;
        let answers = way.run(&script).await;
        for ((asked, direct), (_, answer)) in direct.iter().zip(&answers) {
            assert_eq!(answer, direct, "{name}: {asked}");
        }
        assert_eq!(answers.len(), direct.len(), "{name}");
    }
}

/// A way to an engine that has no tables yet and that nobody else uses.
struct Way {
    name: &'static str,
    node: Node,
    /// What `node` is in front of, if that is not an engine of its own.
    _origin: Option<Node>,
    /// What was asked, and the status and body of the answer without what is volatile.
    answers: Mutex<Vec<(String, (u16, Value))>>,
}

impl Way {
    async fn uncached() -> Way {
        Way::to("the engine alone", over_engine(&[("cache.mode", "off")]).await, None)
    }

    async fn cached() -> Way {
        Way::to("the engine behind the cache", over_engine(&[]).await, None)
    }

    async fn through_another_node() -> Way {
        let origin = over_engine(&[("cache.mode", "off")]).await;
        let node = Node::start(config(&format!("http://{}", origin.json), &[])).await;
        Way::to("the engine of another node", node, Some(origin))
    }

    fn to(name: &'static str, node: Node, origin: Option<Node>) -> Way {
        Way { name, node, _origin: origin, answers: Mutex::default() }
    }

    async fn run(self, script: &impl AsyncFn(&Way)) -> Vec<(String, (u16, Value))> {
        script(&self).await;
        self.answers.into_inner().unwrap()
    }

    async fn ask(&self, operation: &str, body: &Value) -> (String, Answer) {
        let written = body.to_string();
        let answer = self.node.post(operation, written.clone()).await;
        let asked = format!("{}: {operation} {}", self.name, written.chars().take(500).collect::<String>());
        assert_eq!(answer.header("content-type"), "application/x-amz-json-1.0", "{asked}");
        assert_eq!(answer.header("x-amzn-requestid").len(), 52, "{asked}");
        assert_eq!(answer.header("x-amz-crc32"), crc32(&answer.body).to_string(), "{asked}");
        // UntagResource and the like have no body.
        let json = if answer.body.is_empty() { Value::Null } else { answer.json() };
        self.answers.lock().unwrap().push((asked.clone(), (answer.status.as_u16(), normalised(json))));
        (asked, answer)
    }

    /// Calls an operation that must succeed.
    async fn ok(&self, operation: &str, body: Value) -> Value {
        let (asked, answer) = self.ask(operation, &body).await;
        assert_eq!(answer.status, 200, "{asked}: {answer:?}");
        if answer.body.is_empty() { Value::Null } else { answer.json() }
    }

    /// Calls an operation that must be refused in exactly these words, if there are any.
    async fn refused(&self, operation: &str, body: Value, code: &str, message: &str) -> Value {
        let (asked, answer) = self.ask(operation, &body).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, code), "{asked}: {answer:?}");
        let json = answer.json();
        let said = [&json["message"], &json["Message"]].into_iter().find_map(Value::as_str);
        assert_eq!(said.unwrap_or_default(), message, "{asked}");
        json
    }

    /// Calls an operation that must be refused as invalid.
    async fn invalid(&self, operation: &str, body: Value, message: &str) -> Value {
        self.refused(operation, body, "ValidationException", message).await
    }

    /// An item, read eventually and again strongly: the same, wherever it came from.
    async fn item(&self, table: &str, key: Value) -> Value {
        let get = json!({ "TableName": table, "Key": key });
        let item = self.ok("GetItem", get.clone()).await["Item"].clone();
        let strong = self.ok("GetItem", with(&get, json!({ "ConsistentRead": true }))).await;
        assert_eq!(strong["Item"], item, "{}: {key}", self.name);
        assert_eq!(self.ok("GetItem", get).await["Item"], item, "{}: {key}", self.name);
        item
    }

    /// Waits, unseen by the comparison, until a table and its indexes are there for use.
    async fn active(&self, table: &str) {
        for _ in 0..200 {
            let answer = self.node.post("DescribeTable", json!({ "TableName": table }).to_string()).await;
            let described = answer.json()["Table"].clone();
            let indexes = described["GlobalSecondaryIndexes"].as_array().cloned().unwrap_or_default();
            if described["TableStatus"] == "ACTIVE" && indexes.iter().all(|i| i["IndexStatus"] == "ACTIVE") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{}: {table} never gets ready", self.name);
    }

    /// Makes the table of orders.
    async fn with_orders(&self) {
        self.ok("CreateTable", orders()).await;
        self.active("Orders").await;
    }

    /// Makes a table with a partition key alone, `p`, which is a string.
    async fn with_table(&self, name: &str) {
        self.ok("CreateTable", plain(name)).await;
        self.active(name).await;
    }
}

fn normalised(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let member = |(name, value): (String, Value)| {
                let value = match VOLATILE.contains(&name.as_str()) {
                    true => json!("volatile"),
                    false => normalised(value),
                };
                (name, value)
            };
            Value::Object(members.into_iter().map(member).collect())
        }
        Value::Array(elements) => elements.into_iter().map(normalised).collect(),
        other => other,
    }
}

/// A request with more members.
fn with(base: &Value, more: Value) -> Value {
    let mut members: Map<String, Value> = base.as_object().unwrap().clone();
    members.extend(more.as_object().unwrap().clone());
    Value::Object(members)
}

fn s(text: &str) -> Value {
    json!({ "S": text })
}

fn n(number: impl ToString) -> Value {
    json!({ "N": number.to_string() })
}

fn plain(name: &str) -> Value {
    json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
    })
}

fn schema(partition: &str, sort: &str) -> Value {
    json!([
        { "AttributeName": partition, "KeyType": "HASH" },
        { "AttributeName": sort, "KeyType": "RANGE" },
    ])
}

/// The orders of each customer by number; within one customer also by cost, and over all by state.
fn orders() -> Value {
    json!({
        "TableName": "Orders",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [
            { "AttributeName": "customer", "AttributeType": "S" },
            { "AttributeName": "number", "AttributeType": "N" },
            { "AttributeName": "cost", "AttributeType": "N" },
            { "AttributeName": "state", "AttributeType": "S" },
        ],
        "KeySchema": schema("customer", "number"),
        "LocalSecondaryIndexes": [{
            "IndexName": "by-cost",
            "KeySchema": schema("customer", "cost"),
            "Projection": { "ProjectionType": "KEYS_ONLY" },
        }],
        "GlobalSecondaryIndexes": [{
            "IndexName": "by-state",
            "KeySchema": schema("state", "number"),
            "Projection": { "ProjectionType": "INCLUDE", "NonKeyAttributes": ["note"] },
        }],
    })
}

fn order_key(customer: &str, number: u32) -> Value {
    json!({ "customer": s(customer), "number": n(number) })
}

/// Costs fall while numbers rise; two states take turns.
fn order(customer: &str, number: u32) -> Value {
    let state = if number.is_multiple_of(2) { "paid" } else { "open" };
    with(
        &order_key(customer, number),
        json!({ "cost": n(1000 - number), "state": s(state), "note": s("-"), "size": n(number % 3) }),
    )
}
