//! Two nodes over real sockets: one is an engine, to which somebody writes directly; the other one is in front of it
//! and hears of these writes from the stream of the table alone.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use base::{Clock, Instant};
use futures_util::future::join;
use serde_json::{Value, json};

use crate::{
    client::{Answer, Client, PATIENCE},
    dynamo::{get, put, query},
    node::{Node, config, over_engine},
};

const TABLE: &str = "Music";
const KEYS: usize = 10;
const WRITES: u64 = 300;
/// Writes come so far apart; reads of the node come closer, so that most of them are hits.
const BETWEEN_WRITES: Duration = Duration::from_millis(12);
const BETWEEN_READS: Duration = Duration::from_millis(1);
/// What is not seen by then is taken for never seen.
const AFTERMATH: Duration = Duration::from_secs(3);
/// What the slowest write but one in a hundred may take until it is read through the node that heard of it.
const SEEN_WITHIN: Duration = Duration::from_secs(1);

/// An engine with a table that has a stream, and a node in front of it.
struct Pair {
    engine: Node,
    node: Node,
}

impl Pair {
    async fn with(coherence: &str) -> Pair {
        let engine = over_engine(&[("cache.mode", "off")]).await;
        let settings = [("cache.coherence", coherence), ("cache.stream_poll", "200ms"), ("cache.ttl", "1h")];
        let more = [("cache.negative_ttl", "1h")];
        let config = config(&format!("http://{}", engine.json), &[&settings[..], &more].concat());
        let pair = Pair { engine, node: Node::start(config).await };
        pair.create_table().await;
        pair
    }

    async fn create_table(&self) {
        let table = json!({
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
            "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" },
        });
        self.change_tables("CreateTable", table).await;
    }

    async fn set_stream(&self, is_on: bool) {
        let specification = match is_on {
            true => json!({ "StreamEnabled": true, "StreamViewType": "NEW_AND_OLD_IMAGES" }),
            false => json!({ "StreamEnabled": false }),
        };
        let change = json!({ "TableName": TABLE, "StreamSpecification": specification });
        self.change_tables("UpdateTable", change).await;
    }

    /// Does something to the table beside the node, once the table is ready for it, and waits until it is done.
    async fn change_tables(&self, operation: &str, request: Value) {
        until(operation, async || {
            let answer = self.engine.post(operation, request.to_string()).await;
            let is_busy = answer.error() == "ResourceInUseException";
            assert!(is_busy || answer.status == 200, "{answer:?}");
            !is_busy
        })
        .await;
        until("the table's change", async || {
            let answer = self.engine.post("DescribeTable", json!({ "TableName": TABLE }).to_string()).await;
            match operation {
                "DeleteTable" => answer.error() == "ResourceNotFoundException",
                _ => answer.status == 200 && answer.json()["Table"]["TableStatus"] == "ACTIVE",
            }
        })
        .await;
    }

    /// Writes beside the node.
    async fn write(&self, key: &str, v: u64) {
        let answer = self.engine.post("PutItem", put(TABLE, key, v)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    /// What the node shows of an item, by a read and by a query.
    async fn shown(&self, key: &str) -> [Option<u64>; 2] {
        let read = self.node.post("GetItem", get(TABLE, key)).await;
        [version(&read), version(&self.node.post("Query", query(TABLE, key)).await)]
    }

    async fn is_shown(&self, key: &str, v: Option<u64>) {
        until(&format!("{key} with {v:?}"), async || self.shown(key).await == [v, v]).await;
    }

    /// Waits until the node says that it follows the stream, or that it does not.
    async fn follows(&self, expected: bool) {
        let labels = [&*format!("table=\"{TABLE}\"")];
        until(&format!("following: {expected}"), async || {
            self.node.metric("linac_cache_stream_following", &labels).await == f64::from(u8::from(expected))
        })
        .await;
    }
}

/// Waits for something that must come about.
async fn until(what: &str, mut has_come: impl AsyncFnMut() -> bool) {
    let clock = Clock::start();
    let end = clock.now() + PATIENCE;
    while !has_come().await {
        assert!(clock.now() < end, "never: {what}");
        clock.sleep(Duration::from_millis(20)).await;
    }
}

/// The version of the item in an answer, if it shows one.
fn version(answer: &Answer) -> Option<u64> {
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = answer.json();
    let item = if answer["Items"].is_array() { &answer["Items"][0] } else { &answer["Item"] };
    item["v"]["N"].as_str().map(|v| v.parse().unwrap())
}

fn key(n: usize) -> String {
    format!("k{n}")
}

/// Reads of one key by one operation, in order: when each ended, and the version that it showed.
type Seen = Vec<(Instant, u64)>;

/// A write beside the node.
struct Written {
    key: usize,
    v: u64,
    acknowledged: Instant,
}

/// How long after its acknowledgement a write was in every later read; `None` if that never came about.
fn lag(write: &Written, seen: &Seen) -> Option<Duration> {
    let next = seen.iter().rposition(|(_, v)| *v < write.v).map_or(0, |last_without| last_without + 1);
    let (first_with, _) = seen.get(next)?;
    Some(first_with.saturating_duration_since(write.acknowledged))
}

/// What came of a run.
struct Run {
    /// For each write and each kind of read, from the shortest to the longest.
    lags: Vec<Duration>,
    never_seen: usize,
    reads: usize,
    hits: usize,
}

/// Writes to the engine for some seconds while others read through the node.
async fn run(pair: &Pair, clock: &Clock) -> Run {
    let is_over = AtomicBool::new(false);
    let (reads, hits) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let read = async |operation: &str, body: fn(&str, &str) -> String| {
        let mut client = Client::connect(pair.node.json).await;
        let mut seen: HashMap<usize, Seen> = HashMap::new();
        while !is_over.load(Ordering::SeqCst) {
            for n in 0..KEYS {
                let answer = client.post(operation, body(TABLE, &key(n))).await;
                let v = version(&answer).unwrap_or_default();
                seen.entry(n).or_default().push((clock.now(), v));
                reads.fetch_add(1, Ordering::SeqCst);
                hits.fetch_add(usize::from(answer.outcome().starts_with("hit")), Ordering::SeqCst);
                clock.sleep(BETWEEN_READS).await;
            }
        }
        seen
    };
    let write = async {
        let mut client = Client::connect(pair.engine.json).await;
        let mut written = Vec::new();
        for v in 1..=WRITES {
            let key_of = usize::try_from(v).unwrap() % KEYS;
            let answer = client.post("PutItem", put(TABLE, &key(key_of), v)).await;
            assert_eq!(answer.status, 200, "{answer:?}");
            written.push(Written { key: key_of, v, acknowledged: clock.now() });
            clock.sleep(BETWEEN_WRITES).await;
        }
        clock.sleep(AFTERMATH).await;
        is_over.store(true, Ordering::SeqCst);
        written
    };
    let (written, (by_get, by_query)) = join(write, join(read("GetItem", get), read("Query", query))).await;
    let of_both =
        written.iter().flat_map(|write| [&by_get, &by_query].map(|seen| lag(write, &seen[&write.key])));
    let (seen, never): (Vec<_>, Vec<_>) = of_both.partition(Option::is_some);
    let mut lags: Vec<Duration> = seen.into_iter().flatten().collect();
    lags.sort();
    Run { lags, never_seen: never.len(), reads: reads.into_inner(), hits: hits.into_inner() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_write_is_seen_within_a_second_and_reads_between_writes_are_hits() {
    let pair = Pair::with("stream").await;
    // The first read makes the node follow.
    pair.shown("k0").await;
    pair.follows(true).await;
    let Run { lags, never_seen, reads, hits } = run(&pair, &Clock::start()).await;
    let of_hundred = |share: usize| lags[lags.len() * share / 100];
    println!("{reads} reads, {hits} hits; seen after {:?}, p99 {:?}", of_hundred(50), of_hundred(99));
    assert_eq!((never_seen, lags.len()), (0, 2 * usize::try_from(WRITES).unwrap()));
    assert!(of_hundred(99) < SEEN_WITHIN, "{:?}", of_hundred(99));
    assert!(hits > 0, "of {reads} reads none was a hit");
    assert!(pair.node.metric("linac_cache_stream_records_total", &[]).await >= 300.0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_stream_the_same_writes_are_not_seen() {
    let pair = Pair::with("write").await;
    pair.shown("k0").await;
    let Run { never_seen, lags, .. } = run(&pair, &Clock::start()).await;
    assert!(never_seen > lags.len(), "{never_seen} were not seen, {} were", lags.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_is_made_again_is_followed_again() {
    let pair = Pair::with("stream").await;
    pair.write("a", 1).await;
    pair.is_shown("a", Some(1)).await;
    pair.follows(true).await;
    pair.change_tables("DeleteTable", json!({ "TableName": TABLE })).await;
    pair.create_table().await;
    pair.is_shown("a", None).await;
    pair.follows(true).await;
    pair.write("a", 2).await;
    pair.is_shown("a", Some(2)).await;
    pair.write("a", 3).await;
    pair.is_shown("a", Some(3)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_was_off_is_followed_once_it_is_on_again() {
    let pair = Pair::with("stream").await;
    pair.write("a", 1).await;
    pair.is_shown("a", Some(1)).await;
    pair.follows(true).await;
    pair.set_stream(false).await;
    pair.follows(false).await;
    // Nobody tells of this one; what is kept from before is dropped when following begins again.
    assert_eq!(pair.shown("a").await, [Some(1), Some(1)]);
    pair.write("a", 2).await;
    assert_eq!(pair.shown("a").await, [Some(1), Some(1)], "it is not followed, so this is not seen");
    pair.set_stream(true).await;
    pair.follows(true).await;
    pair.is_shown("a", Some(2)).await;
    pair.write("a", 3).await;
    pair.is_shown("a", Some(3)).await;
}

#[test]
fn a_lag_counts_until_every_later_read_shows_the_write() {
    let start = Clock::start().now();
    let at = |millis| start + Duration::from_millis(millis);
    let write = Written { key: 0, v: 5, acknowledged: at(100) };
    let check = |seen: &[(u64, u64)], expected: Option<u64>| {
        let seen = seen.iter().map(|(millis, v)| (at(*millis), *v)).collect();
        assert_eq!(lag(&write, &seen), expected.map(Duration::from_millis));
    };
    check(&[(90, 4), (120, 4), (150, 5), (160, 7)], Some(50));
    check(&[(90, 5), (120, 6)], Some(0));
    check(&[(110, 5), (120, 4), (170, 5)], Some(70));
    check(&[(110, 4), (120, 4)], None);
}
