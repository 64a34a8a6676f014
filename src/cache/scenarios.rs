//! The room as its users see it: calls in, answers out, and what the origin was asked meanwhile.

mod batches;
mod checks;
mod explain;
mod freshness;
mod own_changes;
mod queries;
mod reads;
mod stream_changes;
mod tables;
mod writes;

use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use backend::{
    Backend, Call, Failure, Reply, Wire,
    doubles::{Scripted, origin_reply},
};
use base::{Chance, Clock, Drain};
use model::Target;
use prometheus::Registry;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::{Caching, Config, Metrics, Mode, Parts, Rule, RuleBook, TableRule, Ttl};

const SETTLE: Duration = Duration::from_secs(2);
const DOUBT: Duration = Duration::from_secs(30);
const TTL: Duration = Duration::from_secs(300);
const NEGATIVE_TTL: Duration = Duration::from_secs(10);
const FILL_TIMEOUT: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(60);

/// A node over an origin that does what a test says.
#[derive(Clone)]
struct Rig {
    node: Arc<Caching>,
    origin: Arc<Scripted>,
    clock: Clock,
    drain: Drain,
}

type Answer = Pin<Box<dyn Future<Output = Result<Reply, Failure>> + Send>>;

/// What an origin does with a call that is not one of the node's own descriptions.
trait Script: Fn(Asked) -> Answer + Send + Sync + 'static {}

impl<F: Fn(Asked) -> Answer + Send + Sync + 'static> Script for F {}

/// A call as the origin sees it.
#[derive(Debug, Clone)]
struct Asked {
    operation: &'static str,
    body: Value,
}

fn config() -> Config {
    let rule = Rule::new(Ttl::For(TTL), Ttl::For(NEGATIVE_TTL));
    let off = TableRule::new(rule.clone().off());
    Config {
        mode: Mode::On,
        bytes_max: 1 << 24,
        rules: RuleBook { default: TableRule::new(rule), tables: [("Uncached".to_owned(), off)].into() },
        jitter: 0.0,
        settle: SETTLE,
        doubt: DOUBT,
        fill_timeout: FILL_TIMEOUT,
        keeps_forms: false,
        stream_poll: Duration::from_millis(250),
    }
}

impl Rig {
    /// Tables have a partition key `p`: a number in those whose name begins with `Num`, else a string.
    fn new(script: impl Script) -> Rig {
        Rig::describing(described, script)
    }

    fn describing(describe: impl Fn(&str) -> Reply + Send + Sync + 'static, script: impl Script) -> Rig {
        Rig::configured(config(), describe, script)
    }

    fn configured(
        config: Config,
        describe: impl Fn(&str) -> Reply + Send + Sync + 'static,
        script: impl Script,
    ) -> Rig {
        let origin = Scripted::new(move |call| {
            let body: Value = serde_json::from_slice(&call.wire().body).unwrap_or_default();
            match (call.target().word(), call.caller()) {
                ("DescribeTable", backend::Caller::Internal) => {
                    let reply = describe(body["TableName"].as_str().unwrap());
                    Box::pin(async move { Ok(reply) })
                }
                (operation, _) => script(Asked { operation, body }),
            }
        });
        let (clock, drain) = (Clock::start(), Drain::new());
        let parts = Parts {
            clock: clock.clone(),
            chance: Chance::seeded(1),
            drain: drain.clone(),
            metrics: Metrics::register(&Registry::new()).unwrap(),
        };
        let node = Caching::new(config, Arc::clone(&origin) as Arc<dyn Backend>, parts);
        Rig { node, origin, clock, drain }
    }

    /// An origin that keeps one item for every key, whoever asks for it.
    fn with_item(item: Value) -> Rig {
        Rig::new(move |_| now(200, json!({ "Item": item })))
    }

    fn call(&self, operation: &str, body: &Value, patience: Duration) -> Call {
        self.call_as_written(operation, &body.to_string(), patience)
    }

    fn call_as_written(&self, operation: &str, body: &str, patience: Duration) -> Call {
        let target = Target::parse(&format!("DynamoDB_20120810.{operation}")).unwrap();
        let wire = Wire { body: body.to_owned().into(), ..Wire::default() };
        Call::from_client(target, wire, String::new(), self.clock.now() + patience)
    }

    /// Asks as a door would.
    async fn try_ask(&self, call: Call) -> Result<Reply, Failure> {
        match self.node.ready(&call) {
            Some(reply) => Ok(reply),
            None => self.node.call(call).await,
        }
    }

    async fn ask(&self, operation: &str, body: Value) -> Reply {
        self.try_ask(self.call(operation, &body, PATIENCE)).await.unwrap()
    }

    /// Asks in a task of its own.
    fn ask_aside(
        &self,
        operation: &str,
        body: Value,
        patience: Duration,
    ) -> JoinHandle<Result<Reply, Failure>> {
        let (rig, call) = (self.clone(), self.call(operation, &body, patience));
        self.drain.spawn(async move { rig.try_ask(call).await })
    }

    /// Reads an item of the table `Tab`; how the answer came about, and what it was.
    async fn get(&self, key: &str) -> (&'static str, Value) {
        told(&self.ask("GetItem", get(key)).await)
    }

    /// What the origin was asked, as JSON.
    fn asked(&self, operation: &str) -> Vec<Value> {
        self.origin.asked(operation).iter().map(|body| serde_json::from_str(body).unwrap()).collect()
    }

    /// Lets time pass.
    async fn pass(&self, span: Duration) {
        self.clock.sleep(span).await;
    }

    /// Lets everything settle that was written so far.
    async fn settle(&self) {
        self.pass(SETTLE + Duration::from_millis(1)).await;
    }
}

fn get(key: &str) -> Value {
    json!({ "TableName": "Tab", "Key": { "p": { "S": key } } })
}

fn item(key: &str, version: u32) -> Value {
    json!({ "p": { "S": key }, "v": { "N": version.to_string() } })
}

fn put(item: &Value) -> Value {
    json!({ "TableName": "Tab", "Item": item })
}

/// How an answer came about, and what it is.
fn told(reply: &Reply) -> (&'static str, Value) {
    (reply.outcome.word(), serde_json::from_slice(reply.body()).unwrap())
}

/// An answer at once.
fn now(status: u16, body: Value) -> Answer {
    Box::pin(async move { Ok(origin_reply(status, body.to_string())) })
}

/// An answer after a while.
fn later(span: Duration, answer: Answer) -> Answer {
    Box::pin(async move {
        tokio::time::sleep(span).await;
        answer.await
    })
}

/// No answer at all.
fn never() -> Answer {
    Box::pin(std::future::pending())
}

fn fails(failure: Failure) -> Answer {
    Box::pin(async move { Err(failure) })
}

fn error(code: &str) -> Value {
    json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no" })
}

/// The description of a table under a name or ARN.
fn described(name: &str) -> Reply {
    let bare = name.rsplit('/').next().unwrap();
    description(bare, "1")
}

fn description(bare: &str, id: &str) -> Reply {
    let kind = if bare.starts_with("Num") { "N" } else { "S" };
    let body = json!({ "Table": {
        "TableName": bare,
        "TableArn": arn(bare),
        "TableId": id,
        "TableStatus": "ACTIVE",
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": kind }],
    } });
    origin_reply(200, body.to_string())
}

fn arn(bare: &str) -> String {
    format!("arn:aws:dynamodb:eu-west-1:123456789012:table/{bare}")
}

/// A register that a test's origin answers from.
#[derive(Clone, Default)]
struct Register(Arc<Mutex<u32>>);

impl Register {
    fn set(&self, version: u32) {
        *self.0.lock().unwrap() = version;
    }

    fn version(&self) -> u32 {
        *self.0.lock().unwrap()
    }

    /// The answer to a `GetItem` of key `k`.
    fn item(&self) -> Value {
        json!({ "Item": item("k", self.version()) })
    }
}
