//! The same requests, by chance, over HTTP to one node and over DAX to another of the same content: the same answers.

use std::collections::BTreeMap;

use base::Chance;
use dax_door::{
    Layering,
    client::{CallError, Client as Dax, ErrorReply},
};
use serde_json::{Value, json};

use super::{
    DAX,
    random::{NOWHERE, Random},
    tables::TABLES,
};
use crate::{
    client::Client,
    node::{self, Node},
};

const ROUNDS: u32 = 1200;
/// Pages of one question that are followed.
const PAGES_MAX: usize = 4;

/// Both ways to ask.
struct Pair {
    http: Client,
    dax: Dax,
    /// Whether a cache may have answered one of the two and not the other.
    capacity: Capacity,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Capacity {
    Same,
    /// A hit consumes nothing, and the two doors need not ask for the same parts of items.
    NotCompared,
}

#[derive(Debug, Clone, PartialEq)]
enum Answer {
    Success(Value),
    Error { code: String, message: String, reasons: Value },
}

impl Pair {
    async fn ask(&mut self, operation: &str, request: &Value) -> (Answer, Answer) {
        let over_dax = match self.dax.call(operation, request).await {
            Err(CallError::Refused(error)) => of_refusal(error),
            Err(other) => panic!("{other}: {operation} {request:#}"),
            Ok(answer) => Answer::Success(answer),
        };
        let over_http = self.http.post(operation, request.to_string()).await;
        let over_http = match over_http.status.as_u16() {
            200 => Answer::Success(over_http.json()),
            _ => {
                let json = over_http.json();
                let message = json["message"].as_str().or(json["Message"].as_str()).unwrap_or_default();
                Answer::Error {
                    code: over_http.error(),
                    message: message.to_owned(),
                    reasons: json["CancellationReasons"].clone(),
                }
            }
        };
        (self.comparable(over_http), self.comparable(over_dax))
    }

    fn comparable(&self, mut answer: Answer) -> Answer {
        if let Answer::Success(Value::Object(members)) = &mut answer
            && self.capacity == Capacity::NotCompared
        {
            members.remove("ConsumedCapacity");
        }
        answer
    }
}

fn of_refusal(error: ErrorReply) -> Answer {
    let ErrorReply { message, name, reasons, .. } = error;
    Answer::Error {
        code: name.unwrap_or_default(),
        message,
        reasons: reasons.map_or(Value::Null, Value::Array),
    }
}

/// Asks both the same, and then for the pages that follow.
async fn compare(pair: &mut Pair, operation: &str, mut request: Value, seen: &mut Seen, about: &str) {
    for _ in 0..PAGES_MAX {
        let (over_http, over_dax) = pair.ask(operation, &request).await;
        let agree = over_dax == over_http || is_of_no_table(&request, &over_dax, &over_http);
        assert!(
            agree,
            "{operation} {request:#}\nover DAX:  {over_dax:?}\nover HTTP: {over_http:?}\n({about})"
        );
        seen.count(operation, &over_http);
        let Answer::Success(answer) = over_http else { return };
        match answer.get("LastEvaluatedKey") {
            Some(key) => request["ExclusiveStartKey"] = key.clone(),
            None => return,
        }
    }
}

/// A client cannot send a request for a table whose keys it does not know, and so hears that there is none before anybody
/// looks at what else is wrong with the request.
fn is_of_no_table(request: &Value, over_dax: &Answer, over_http: &Answer) -> bool {
    let code = |answer: &Answer| match answer {
        Answer::Error { code, .. } => code.clone(),
        _ => String::new(),
    };
    request.to_string().contains(NOWHERE)
        && code(over_dax) == "ResourceNotFoundException"
        && code(over_http) == "ValidationException"
}

/// What was seen, so that a generator that makes nothing but nonsense is noticed.
#[derive(Debug, Default)]
struct Seen {
    successes: BTreeMap<String, u32>,
    errors: BTreeMap<String, u32>,
}

impl Seen {
    fn count(&mut self, operation: &str, answer: &Answer) {
        match answer {
            Answer::Success(_) => *self.successes.entry(operation.to_owned()).or_default() += 1,
            Answer::Error { code, .. } => *self.errors.entry(code.clone()).or_default() += 1,
        }
    }

    fn check(&self) {
        assert_eq!(self.successes.len(), 10, "each operation succeeds now and then: {self:#?}");
        for code in ["ConditionalCheckFailedException", "ValidationException", "TransactionCanceledException"]
        {
            assert!(self.errors.contains_key(code), "{self:#?}");
        }
    }
}

async fn run(http: &Node, dax: &Node, layering: Layering, capacity: Capacity) {
    let seed = Chance::real().bits();
    for table in &TABLES {
        for node in [http, dax] {
            let created = node.post("CreateTable", table.create().to_string()).await;
            assert_eq!(created.status, 200, "{}", created.json());
        }
    }
    let over_dax = Dax::connect(dax.dax_address(), layering).await.unwrap();
    let mut pair = Pair { http: Client::connect(http.json).await, dax: over_dax, capacity };
    let (mut random, mut seen) = (Random::seeded(seed), Seen::default());
    for round in 0..ROUNDS {
        let (operation, request) = random.request();
        compare(&mut pair, operation, request, &mut seen, &format!("seed {seed}, round {round}")).await;
    }
    for table in &TABLES {
        let everything = json!({ "TableName": table.name, "ConsistentRead": true });
        compare(&mut pair, "Scan", everything, &mut seen, &format!("seed {seed}, at the end")).await;
    }
    seen.check();
}

#[tokio::test]
async fn over_an_engine_without_a_cache_dax_answers_as_http() {
    let off = [("cache.mode", "off")];
    let http = node::over_engine(&off).await;
    let dax = node::over_engine(&[&off[..], &[DAX]].concat()).await;
    run(&http, &dax, Layering::Plain, Capacity::Same).await;
}

#[tokio::test]
async fn with_a_cache_dax_answers_as_http() {
    let http = node::over_engine(&[]).await;
    let dax = node::over_engine(&[DAX]).await;
    run(&http, &dax, Layering::Plain, Capacity::NotCompared).await;
}

#[tokio::test]
async fn in_front_of_a_remote_upstream_dax_answers_as_http() {
    let http = node::over_engine(&[]).await;
    let upstream = node::over_engine(&[]).await;
    let url = format!("http://{}", upstream.json);
    let dax = Node::start(node::config(&url, &[DAX, ("upstream.region", "us-east-1")])).await;
    run(&http, &dax, Layering::Framed, Capacity::NotCompared).await;
}
