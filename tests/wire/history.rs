//! Some seconds of many clients on few keys, over real sockets, in front of a DynamoDB that lags, fails, delays
//! and applies late: what a client was told is written, every later read must show.
//!
//! `tests/sim` asks the same of a million operations in simulated time; this shows that sockets, signals of
//! the runtime and real delays change nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use base::{Chance, Clock, Drain, Instant};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, request},
    dynamo::{Dynamo, Version, get, item, put},
    node::Node,
    stub::{self, Ending, Received, Stub},
};

const SPAN: Duration = Duration::from_secs(5);
const READERS: usize = 24;
const WRITERS: usize = 8;
const KEYS: u64 = 12;
const TABLE: &str = "Music";

/// How far replicas lag, and how late an unanswered write may be applied: both less than the node allows for.
const LAG: Duration = Duration::from_millis(80);
const LATE: u64 = 150;
const SETTINGS: [(&str, &str); 3] =
    [("cache.settle", "250ms"), ("upstream.timeout", "300ms"), ("cache.doubt", "400ms")];

/// What clients saw.
#[derive(Debug, Default)]
struct History {
    /// Writes that were acknowledged, by the id that they went by, and when.
    acknowledged: HashMap<String, Instant>,
    reads: Vec<Read>,
}

#[derive(Debug)]
struct Read {
    key: String,
    shown: Value,
    began: Instant,
    ended: Instant,
}

impl History {
    /// The first read of `key` that broke a promise, and how: it lacked a write that was acknowledged before it
    /// began, went behind what an earlier read had shown, or showed what never was.
    fn violation(&self, key: &str, versions: &[Version]) -> Option<String> {
        let acknowledged = versions
            .iter()
            .enumerate()
            .filter_map(|(place, version)| Some((*self.acknowledged.get(&version.writer)?, place)));
        // What holds from a moment on: at least this version.
        let mut floors: Vec<(Instant, usize)> = acknowledged.collect();
        let mut reads: Vec<&Read> = self.reads.iter().filter(|read| read.key == key).collect();
        reads.sort_by_key(|read| read.ended);
        for read in reads {
            let before = floors.iter().filter(|(from, _)| *from <= read.began);
            let floor = before.map(|(_, place)| *place).max();
            let is_shown =
                |place: &usize| versions[*place].item == read.shown && versions[*place].since <= read.ended;
            let shown = (floor.unwrap_or(0)..versions.len()).find(is_shown);
            match shown {
                Some(place) => floors.push((read.ended, place)),
                None if floor.is_none() && read.shown.is_null() => {}
                None => {
                    return Some(format!(
                        "{read:?} although from {:?} on: {:?}",
                        floors.iter().filter(|(from, _)| *from <= read.began).max_by_key(|(_, place)| place),
                        floor.map(|place| &versions[place])
                    ));
                }
            }
        }
        None
    }
}

/// A DynamoDB on a bad day.
struct Trouble {
    dynamo: Arc<Dynamo>,
    chance: Chance,
}

impl Trouble {
    async fn serve(self: Arc<Trouble>, received: Received) -> Ending {
        self.pause(15).await;
        let fault = self.chance.below(100);
        let ending = match received.operation() {
            "DescribeTable" => self.dynamo.serve(&received),
            "GetItem" | "BatchGetItem" => match fault {
                0..3 => stub::Answer::error(500, "InternalServerError", "").into(),
                3..5 => Ending::Reset,
                5..7 => broken(self.dynamo.serve(&received)),
                _ => self.dynamo.serve(&received),
            },
            _ => match fault {
                0..4 => stub::Answer::error(400, "ThrottlingException", "").into(),
                4..6 => stub::Answer::error(500, "InternalServerError", "").into(),
                6..8 => {
                    self.dynamo.serve(&received);
                    stub::Answer::error(500, "InternalServerError", "").into()
                }
                8..10 => broken(self.dynamo.serve(&received)),
                10..13 => {
                    let (late, received) = (Arc::clone(&self), received);
                    Drain::new().spawn(async move {
                        late.pause(LATE).await;
                        late.dynamo.serve(&received);
                    });
                    if fault == 12 { Ending::Silence } else { Ending::Reset }
                }
                _ => self.dynamo.serve(&received),
            },
        };
        self.pause(15).await;
        ending
    }

    async fn pause(&self, at_most: u64) {
        tokio::time::sleep(Duration::from_millis(self.chance.below(at_most))).await;
    }
}

fn broken(ending: Ending) -> Ending {
    match ending {
        Ending::Answer(answer) => Ending::HalfThenReset(answer),
        other => other,
    }
}

/// What all clients share.
struct Clients {
    node: Node,
    clock: Clock,
    chance: Chance,
    history: Mutex<History>,
    hits: AtomicUsize,
    writes: AtomicU64,
}

impl Clients {
    fn key(&self) -> String {
        format!("k{}", self.chance.below(KEYS))
    }

    async fn read(&self, client: &mut Client) {
        let keys = [self.key(), self.key(), self.key()];
        let began = self.clock.now();
        let shown: Vec<(String, Value)> = match self.chance.below(10) {
            0 => {
                let wanted: std::collections::BTreeSet<_> = keys.into_iter().collect();
                let wanted: Vec<_> = wanted.iter().map(|key| json!({ "p": { "S": key } })).collect();
                let batch = json!({ "RequestItems": { TABLE: { "Keys": wanted } } });
                let Some(answer) = self.post(client, "BatchGetItem", batch.to_string()).await else { return };
                let items = answer.json()["Responses"][TABLE].as_array().cloned().unwrap_or_default();
                let of = |key: &Value| items.iter().find(|item| item["p"] == key["p"]).cloned();
                let shown = wanted.iter().map(|key| (text(key), of(key).unwrap_or_default()));
                shown.collect()
            }
            _ => {
                let [key, ..] = keys;
                let Some(answer) = self.post(client, "GetItem", get(TABLE, &key)).await else { return };
                vec![(key, answer.json()["Item"].clone())]
            }
        };
        let ended = self.clock.now();
        let mut history = self.history.lock().unwrap();
        for (key, shown) in shown {
            history.reads.push(Read { key, shown, began, ended });
        }
    }

    /// The answer, if it is a success.
    async fn post(&self, client: &mut Client, operation: &str, body: String) -> Option<Answer> {
        let answer = client.try_send(request(operation, body)).await.ok()?;
        self.hits.fetch_add(usize::from(answer.outcome().starts_with("hit")), Ordering::SeqCst);
        (answer.status == 200).then_some(answer)
    }

    async fn write(&self, client: &mut Client) {
        let id = self.writes.fetch_add(1, Ordering::SeqCst);
        let (key, other) = (self.key(), self.key());
        let update = json!({
            "TableName": TABLE,
            "Key": { "p": { "S": key } },
            "UpdateExpression": "SET v = :v",
            "ExpressionAttributeValues": { ":v": { "N": id.to_string() } },
            "ReturnValues": if id.is_multiple_of(2) { "ALL_NEW" } else { "NONE" },
        });
        let requests = [&key, &other].map(|key| json!({ "PutRequest": { "Item": item(key, id) } }));
        let requests = &requests[..if key == other { 1 } else { 2 }];
        let puts = json!([{ "Put": { "TableName": TABLE, "Item": item(&key, id) } }]);
        let (operation, body) = match self.chance.below(10) {
            0..4 => ("PutItem", put(TABLE, &key, id)),
            4..7 => ("UpdateItem", update.to_string()),
            7 => ("DeleteItem", get(TABLE, &key)),
            8 => ("BatchWriteItem", json!({ "RequestItems": { TABLE: requests } }).to_string()),
            _ => ("TransactWriteItems", json!({ "TransactItems": puts }).to_string()),
        };
        let mut sent = request(operation, body);
        let id = format!("w{id}");
        sent.headers_mut().insert("x-test-write", id.parse().unwrap());
        // Some hang up before they know.
        let patience = if self.chance.happens(0.1) { self.chance.below(25) } else { 10_000 };
        let answer = tokio::time::timeout(Duration::from_millis(patience), client.try_send(sent)).await;
        match answer {
            Ok(Ok(answer)) if answer.status == 200 => {
                self.history.lock().unwrap().acknowledged.insert(id, self.clock.now());
            }
            Ok(Ok(_)) => {}
            Ok(Err(_)) | Err(_) => *client = Client::connect(self.node.json).await,
        }
        tokio::time::sleep(Duration::from_millis(self.chance.below(200))).await;
    }
}

fn text(key: &Value) -> String {
    key["p"]["S"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_read_ever_after() {
    let dynamo = Dynamo::lagging(LAG);
    let trouble = Arc::new(Trouble { dynamo: Arc::clone(&dynamo), chance: Chance::real() });
    let stub = Stub::start(move |received| Arc::clone(&trouble).serve(received));
    let clients = Clients {
        node: Node::with(&stub, &SETTINGS).await,
        clock: Clock::start(),
        chance: Chance::real(),
        history: Mutex::default(),
        hits: AtomicUsize::new(0),
        writes: AtomicU64::new(0),
    };
    let end = clients.clock.now() + SPAN;
    let work = (0..READERS + WRITERS).map(|n| {
        let clients = &clients;
        async move {
            let mut client = Client::connect(clients.node.json).await;
            while clients.clock.now() < end {
                if n < READERS { clients.read(&mut client).await } else { clients.write(&mut client).await }
            }
        }
    });
    join_all(work).await;

    let history = clients.history.lock().unwrap();
    let (reads, hits) = (history.reads.len(), clients.hits.load(Ordering::SeqCst));
    let acknowledged = history.acknowledged.len();
    println!("{reads} reads, {hits} hits, {acknowledged} writes acknowledged of {:?}", clients.writes);
    for key in (0..KEYS).map(|n| format!("k{n}")) {
        let versions = dynamo.versions(&(TABLE.into(), key.clone()));
        assert_eq!(history.violation(&key, &versions), None, "{key}");
    }
    let applied: std::collections::HashSet<_> = (0..KEYS)
        .flat_map(|n| dynamo.versions(&(TABLE.into(), format!("k{n}"))))
        .map(|version| version.writer)
        .collect();
    assert!(history.acknowledged.keys().all(|id| applied.contains(id)), "acknowledged and not applied");
    assert!(reads > 1_000 && acknowledged > 50 && hits * 10 > reads, "too little to prove anything");
}

#[test]
fn the_checker_can_fail() {
    let start = Clock::start().now();
    let at = |millis| start + Duration::from_millis(millis);
    let version =
        |since, v, writer: &str| Version { since: at(since), item: item("k", v), writer: writer.into() };
    let versions = [version(10, 1, "w1"), version(30, 2, "w2"), version(50, 3, "w3")];
    let read = |began, ended, v| Read {
        key: "k".into(),
        shown: if v == 0 { Value::Null } else { item("k", v) },
        began: at(began),
        ended: at(ended),
    };
    let check = |reads: Vec<Read>, is_kept: bool| {
        let acknowledged = HashMap::from([("w1".to_owned(), at(20)), ("w2".to_owned(), at(40))]);
        let history = History { acknowledged, reads };
        let violation = history.violation("k", &versions);
        assert_eq!(violation.is_none(), is_kept, "{violation:?}");
    };
    // Before, during and after the first write was acknowledged.
    check(vec![read(0, 5, 0), read(5, 25, 0), read(5, 25, 1), read(21, 25, 1)], true);
    check(vec![read(21, 25, 0)], false);
    check(vec![read(41, 45, 2)], true);
    check(vec![read(41, 45, 1)], false);
    check(vec![read(39, 45, 1)], true);
    // The third was never acknowledged: it may show or not, but not vanish again.
    check(vec![read(60, 65, 2), read(66, 70, 3)], true);
    check(vec![read(60, 65, 3), read(66, 70, 2)], false);
    check(vec![read(60, 65, 3), read(62, 70, 2)], true);
    // What was not there yet, or never.
    check(vec![read(41, 45, 3)], false);
    check(vec![read(60, 65, 9)], false);
}
