//! What is asked for twice near its end is fetched anew ahead of it: once, and nobody waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use crate::{
    client::{Answer, PATIENCE},
    dynamo::{Dynamo, get, item, query},
    faults::arrived,
    node::Node,
    stub::{Ending, Stub},
    time::pass,
};

const TABLE: &str = "Albums";
const TTL: Duration = Duration::from_secs(1000);
/// An entry is due in the second half of its life.
const SETTINGS: [(&str, &str); 3] =
    [("cache.ttl", "1000s"), ("cache.jitter", "0"), ("cache.refresh_ahead", "0.5")];
const READS: [&str; 2] = ["GetItem", "Query"];
const CLIENTS: usize = 50;
/// How often a read is sent, if it fails.
const ATTEMPTS: usize = 3;

/// A DynamoDB that answers reads only while its gate is open, and none while it fails, and a node before it.
struct Rig {
    dynamo: Arc<Dynamo>,
    stub: Stub,
    gate: Arc<Semaphore>,
    fails: Arc<AtomicBool>,
    node: Node,
}

impl Rig {
    async fn new() -> Rig {
        let (dynamo, gate, fails) = (Dynamo::new(), Arc::new(Semaphore::new(1)), Arc::default());
        let script = (Arc::clone(&dynamo), Arc::clone(&gate), Arc::<AtomicBool>::clone(&fails));
        let stub = Stub::with_tables(move |received| {
            let (dynamo, gate, fails) = script.clone();
            async move {
                let _passed = gate.acquire().await;
                if fails.load(Ordering::SeqCst) { Ending::Reset } else { dynamo.serve(&received) }
            }
        });
        let node = Node::with(&stub, &SETTINGS).await;
        let rig = Rig { dynamo, stub, gate, fails, node };
        rig.write("hot", 1);
        rig.write("cold", 1);
        rig
    }

    /// Leaves a version of what `name` stands for, beside the node.
    fn write(&self, name: &str, v: u64) {
        let place = format!("{name}/1");
        self.dynamo.write((TABLE.into(), place.clone()), item(&place, v));
    }

    /// The outcome and the version of a read.
    async fn read(&self, operation: &str, name: &str) -> (String, u64) {
        let request =
            if operation == "Query" { query(TABLE, name) } else { get(TABLE, &format!("{name}/1")) };
        let answer = self.node.post(operation, request).await;
        (answer.outcome(), version(&answer))
    }

    /// Waits until what is hot is a hit at this version.
    async fn is_refreshed(&self, operation: &str, v: u64) {
        let refreshed = async {
            while self.read(operation, "hot").await != told("hit", v) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        assert!(tokio::time::timeout(PATIENCE, refreshed).await.is_ok(), "{operation}: it is not refreshed");
    }

    async fn refreshes(&self) -> f64 {
        self.node.metric("linac_cache_refreshes_total", &[]).await
    }
}

fn version(answer: &Answer) -> u64 {
    let json = answer.json();
    let item = if json["Item"].is_null() { &json["Items"][0] } else { &json["Item"] };
    item["v"]["N"].as_str().and_then(|v| v.parse().ok()).unwrap_or_else(|| panic!("{answer:?}"))
}

fn told(outcome: &str, v: u64) -> (String, u64) {
    (outcome.to_owned(), v)
}

#[tokio::test]
async fn a_hot_entry_is_fetched_anew_once_while_everybody_gets_a_hit() {
    for operation in READS {
        let rig = Rig::new().await;
        assert_eq!(rig.read(operation, "hot").await, told("fwd=miss; stored", 1));
        rig.write("hot", 2);
        pass(TTL.mul_f64(0.4)).await;
        assert_eq!(rig.read(operation, "hot").await, told("hit", 1));
        assert_eq!(rig.refreshes().await, 0.0, "{operation}: it is not due yet");

        pass(TTL.mul_f64(0.2)).await;
        // What goes up from here on is not answered: who waited for it would not be answered either.
        let closed = rig.gate.acquire().await.unwrap();
        let everybody = join_all((0..CLIENTS).map(|_| rig.read(operation, "hot"))).await;
        assert_eq!(everybody, vec![told("hit", 1); CLIENTS], "{operation}");
        arrived(&rig.stub, operation, 2).await;
        assert_eq!(rig.read(operation, "hot").await, told("hit", 1));
        assert_eq!((rig.refreshes().await, rig.stub.count(operation)), (1.0, 2), "{operation}");

        drop(closed);
        rig.is_refreshed(operation, 2).await;
        // It lives a new life, since it was asked for.
        pass(TTL.mul_f64(0.45)).await;
        assert_eq!(rig.read(operation, "hot").await, told("hit", 2));
        assert_eq!((rig.refreshes().await, rig.stub.count(operation)), (1.0, 2), "{operation}");
    }
}

#[tokio::test]
async fn a_cold_entry_is_not_fetched_anew() {
    for operation in READS {
        let rig = Rig::new().await;
        rig.read(operation, "cold").await;
        rig.read(operation, "hot").await;
        rig.write("hot", 2);
        rig.write("cold", 2);
        pass(TTL.mul_f64(0.6)).await;
        assert_eq!(rig.read(operation, "cold").await, told("hit", 1), "{operation}");
        rig.is_refreshed(operation, 2).await;
        pass(TTL.mul_f64(0.45)).await;
        // Nobody has asked again for the other one, and it has expired.
        assert_eq!((rig.refreshes().await, rig.stub.count(operation)), (1.0, 3), "{operation}");
        assert_eq!(rig.read(operation, "hot").await, told("hit", 2), "{operation}");
        assert_eq!(rig.read(operation, "cold").await, told("fwd=miss; stored", 2), "{operation}");
    }
}

#[tokio::test]
async fn a_refresh_that_fails_takes_nothing_away() {
    for operation in READS {
        let rig = Rig::new().await;
        rig.read(operation, "hot").await;
        rig.write("hot", 2);
        pass(TTL.mul_f64(0.6)).await;
        rig.fails.store(true, Ordering::SeqCst);
        for _ in 0..CLIENTS {
            assert_eq!(rig.read(operation, "hot").await, told("hit", 1), "{operation}");
        }
        arrived(&rig.stub, operation, 1 + ATTEMPTS).await;
        assert_eq!(rig.read(operation, "hot").await, told("hit", 1), "{operation}");
        assert_eq!(rig.refreshes().await, 1.0, "{operation}: a dead origin is not asked for every hit");
        rig.fails.store(false, Ordering::SeqCst);
        pass(TTL.mul_f64(0.45)).await;
        assert_eq!(rig.read(operation, "hot").await, told("fwd=miss; stored", 2), "{operation}");
    }
}
