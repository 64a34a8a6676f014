//! Some seconds of many clients on few keys, over real sockets, in front of a DynamoDB that lags, fails, delays
//! and applies late, and of the bundled engine and other vendors' servers behind a faulty link: what a client was told
//! is written, every later read must show, and every later query of its partition.
//!
//! `tests/sim` asks the same of a million operations in simulated time; this shows that sockets, signals of
//! the runtime and real delays change nothing.

mod another_vendor;
mod behind_a_link;

use std::{
    collections::{HashMap, HashSet},
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
    dynamo::{Dynamo, Version, get, item, key, put, query, text},
    node::Node,
    stub::{self, Ending, Received, Stub},
};

const SPAN: Duration = Duration::from_secs(5);
/// How much longer a slow machine, or a slow origin, may take to show enough.
const MORE: Duration = Duration::from_secs(60);
const READERS: usize = 24;
const WRITERS: usize = 8;
const PARTITIONS: u64 = 8;
const ROWS: u64 = 2;
const TABLE: &str = "Albums";

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

/// An item in an answer, or its absence.
#[derive(Debug)]
struct Read {
    operation: &'static str,
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
            "GetItem" | "BatchGetItem" | "Query" => match fault {
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
    /// Whether items are deleted too.
    deletes: bool,
    /// Whether the node's cache is on.
    caches: bool,
    history: Mutex<History>,
    hits: AtomicUsize,
    hits_of_queries: AtomicUsize,
    writes: AtomicU64,
}

impl Clients {
    /// Those of a node whose cache is on, who delete nothing.
    fn of(node: Node) -> Clients {
        Clients {
            node,
            clock: Clock::start(),
            chance: Chance::real(),
            deletes: false,
            caches: true,
            history: Mutex::default(),
            hits: AtomicUsize::new(0),
            hits_of_queries: AtomicUsize::new(0),
            writes: AtomicU64::new(0),
        }
    }

    /// Reads and writes for a while, and on until enough is seen and enough has gone wrong.
    async fn work(&self, span: Duration, is_enough: impl Fn() -> bool) {
        let end = self.clock.now() + span;
        let is_over = || match self.clock.now() {
            now if now < end => false,
            now => now > end + MORE || (self.have_seen_enough() && is_enough()),
        };
        let work = (0..READERS + WRITERS).map(|n| async move {
            let mut client = Client::connect(self.node.json).await;
            while !is_over() {
                if n < READERS { self.read(&mut client).await } else { self.write(&mut client).await }
            }
        });
        join_all(work).await;
    }

    /// Whether there was enough of everything to tell whether the promise was kept.
    fn have_seen_enough(&self) -> bool {
        let history = self.history.lock().unwrap();
        let hits = [&self.hits, &self.hits_of_queries].map(|hits| hits.load(Ordering::SeqCst));
        let has_hits = |hits| if self.caches { hits > 100 } else { hits == 0 };
        history.reads.len() > 500 && history.acknowledged.len() > 20 && hits.into_iter().all(has_hits)
    }

    fn key(&self) -> String {
        format!("{}/s{}", self.partition(), self.chance.below(ROWS))
    }

    fn partition(&self) -> String {
        format!("p{}", self.chance.below(PARTITIONS))
    }

    async fn read(&self, client: &mut Client) {
        let keys = [self.key(), self.key(), self.key()];
        let began = self.clock.now();
        let (operation, shown): (_, Vec<(String, Value)>) = match self.chance.below(10) {
            0 => {
                let wanted: std::collections::BTreeSet<_> = keys.into_iter().collect();
                let of_keys: Vec<_> = wanted.iter().map(|text| key(text)).collect();
                let batch = json!({ "RequestItems": { TABLE: { "Keys": of_keys } } });
                let Some(answer) = self.post(client, "BatchGetItem", batch.to_string()).await else { return };
                let items = answer.json()["Responses"][TABLE].as_array().cloned().unwrap_or_default();
                ("BatchGetItem", rows(wanted, &items))
            }
            1..6 => {
                let partition = self.partition();
                let Some(answer) = self.post(client, "Query", query(TABLE, &partition)).await else { return };
                let is_hit = answer.outcome().starts_with("hit");
                self.hits_of_queries.fetch_add(usize::from(is_hit), Ordering::SeqCst);
                let items = answer.json()["Items"].as_array().cloned().unwrap();
                ("Query", rows((0..ROWS).map(|n| format!("{partition}/s{n}")), &items))
            }
            _ => {
                let [key, ..] = keys;
                let Some(answer) = self.post(client, "GetItem", get(TABLE, &key)).await else { return };
                ("GetItem", vec![(key, answer.json()["Item"].clone())])
            }
        };
        let ended = self.clock.now();
        let mut history = self.history.lock().unwrap();
        for (key, shown) in shown {
            history.reads.push(Read { operation, key, shown, began, ended });
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
            "Key": crate::dynamo::key(&key),
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
            7 if self.deletes => ("DeleteItem", get(TABLE, &key)),
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

/// What an answer with these items says of each key.
fn rows(keys: impl IntoIterator<Item = String>, items: &[Value]) -> Vec<(String, Value)> {
    let of = |key: &str| items.iter().find(|item| text(item) == key).cloned().unwrap_or_default();
    keys.into_iter()
        .map(|key| {
            let shown = of(&key);
            (key, shown)
        })
        .collect()
}

/// The versions of every key.
type Versions = HashMap<String, Vec<Version>>;

/// What clients saw that broke a promise; panics if they saw too little to tell.
fn violations(clients: &Clients, versions: &Versions) -> Vec<String> {
    let is_enough = clients.have_seen_enough();
    let history = clients.history.lock().unwrap();
    let queries = history.reads.iter().filter(|read| read.operation == "Query").count();
    let (reads, acknowledged) = (history.reads.len(), history.acknowledged.len());
    let [hits, hits_of_queries] = [&clients.hits, &clients.hits_of_queries].map(|n| n.load(Ordering::SeqCst));
    println!(
        "{reads} items read, {queries} of them by queries, {hits} hits, {hits_of_queries} of them of queries, \
        {acknowledged} writes acknowledged of {:?}",
        clients.writes
    );
    assert!(is_enough, "too little is proved, or a cache took part that was off");
    let applied: HashSet<_> = versions.values().flatten().map(|version| &version.writer).collect();
    assert!(history.acknowledged.keys().all(|id| applied.contains(id)), "acknowledged and not applied");
    versions.iter().filter_map(|(key, versions)| history.violation(key, versions)).collect()
}

/// Runs against a DynamoDB on a bad day.
async fn in_front_of_trouble(settings: &[(&str, &str)], span: Duration) -> Vec<String> {
    let dynamo = Dynamo::lagging(LAG);
    let trouble = Arc::new(Trouble { dynamo: Arc::clone(&dynamo), chance: Chance::real() });
    let stub = Stub::start(move |received| Arc::clone(&trouble).serve(received));
    let node = Node::with(&stub, &[&SETTINGS[..], settings].concat()).await;
    let clients = Clients { deletes: true, ..Clients::of(node) };
    clients.work(span, || true).await;
    let keys = (0..PARTITIONS).flat_map(|p| (0..ROWS).map(move |s| format!("p{p}/s{s}")));
    let versions = keys.map(|key| {
        let versions = dynamo.versions(&(TABLE.into(), key.clone()));
        (key, versions)
    });
    violations(&clients, &versions.collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_read_ever_after() {
    assert_eq!(in_front_of_trouble(&[], SPAN).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_is_read_ever_after_from_an_engine_behind_a_faulty_link() {
    assert_eq!(behind_a_link::an_engine(&[], SPAN).await, [""; 0]);
}

/// The same runs against a node whose results of queries outlive writes: that is found out.
#[tokio::test(flavor = "multi_thread")]
async fn results_that_outlive_writes_are_caught() {
    let settings = [("cache.coherence", "ttl")];
    is_caught(&in_front_of_trouble(&settings, SPAN / 2).await);
    is_caught(&behind_a_link::an_engine(&settings, SPAN / 2).await);
}

/// Queries, and they alone, have shown what they must not.
fn is_caught(violations: &[String]) {
    assert!(!violations.is_empty());
    assert!(violations.iter().all(|violation| violation.contains("Query")), "{violations:?}");
}

#[test]
fn the_checker_can_fail() {
    let start = Clock::start().now();
    let at = |millis| start + Duration::from_millis(millis);
    let version =
        |since, v, writer: &str| Version { since: at(since), item: item("k", v), writer: writer.into() };
    let versions = [version(10, 1, "w1"), version(30, 2, "w2"), version(50, 3, "w3")];
    let read = |began, ended, v| Read {
        operation: "GetItem",
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
