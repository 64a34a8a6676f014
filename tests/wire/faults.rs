//! An upstream in trouble, and clients that leave.

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use base::{Clock, Drain};
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    client::{self, Client, PATIENCE, Wire},
    dynamo::{Dynamo, get, item, put},
    manners::call,
    node::{Node, check_descriptors, config},
    stub::{Answer, Ending, Received, Stub},
};

/// Operations that only read, and such as may write.
const READS: [&str; 4] = ["Query", "Scan", "DescribeLimits", "TransactGetItems"];
const WRITES: [&str; 5] = ["PutItem", "UpdateItem", "TransactWriteItems", "ExecuteStatement", "Frobnicate"];

/// An upstream that ends every exchange alike.
fn ending(ending: Ending) -> Stub {
    Stub::with_tables(move |_| std::future::ready(ending.clone()))
}

#[tokio::test]
async fn an_upstream_that_is_down_is_tried_again_and_reported() {
    let url = {
        let gone = base::listen(([127, 0, 0, 1], 0).into()).unwrap();
        format!("http://{}", gone.local_addr().unwrap())
    };
    let node = Node::start(config(&url, &[])).await;
    for operation in ["Query", "PutItem", "Frobnicate"] {
        let answer = node.post(operation, "{\"TableName\":\"Music\"}").await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (503, "ServiceUnavailable"));
        // Nothing was sent, so even a write may be tried again, and none is in doubt.
        let labels = [&*format!("operation=\"{}\"", word(operation)), "result=\"unreachable\""];
        assert_eq!(node.metric("linac_upstream_requests_total", &labels).await, 3.0);
    }
    assert_eq!(node.metric("linac_cache_doubtful_writes_total", &[]).await, 0.0);
}

fn word(operation: &str) -> &str {
    if operation == "Frobnicate" { "unknown" } else { operation }
}

#[tokio::test]
async fn a_read_is_sent_again_after_a_lost_connection_and_a_write_is_not() {
    let whole = Answer::ok("{\"Item\":{\"p\":{\"S\":\"a\"}}}");
    let endings =
        [Ending::Close, Ending::Reset, Ending::Half(whole.clone()), Ending::HalfThenReset(whole.clone())];
    for broken in endings {
        let stub = ending(broken.clone());
        // What each call does, however many fail in a row.
        let node = Node::with(&stub, &[("upstream.breaker", "off")]).await;
        for operation in READS.iter().chain(&WRITES) {
            let answer = node.post(operation, "{}").await;
            let what = format!("{operation} {broken:?}");
            assert_eq!((answer.status.as_u16(), &*answer.error()), (500, "InternalServerError"), "{what}");
            assert_eq!(stub.count(operation), if READS.contains(operation) { 3 } else { 1 }, "{what}");
        }
        // A fill is a read, too.
        assert_eq!(node.post("GetItem", get("Music", "a")).await.status, 500);
        assert_eq!(stub.count("GetItem"), 3);
        assert_eq!(node.metric("linac_cache_doubtful_writes_total", &[]).await, WRITES.len() as f64);
    }
}

#[tokio::test]
async fn a_read_is_sent_again_after_an_error_of_the_service_and_a_write_is_not() {
    for (status, reads) in [(500, 3), (502, 3), (503, 3), (504, 3), (501, 1), (400, 1), (429, 1)] {
        let stub = ending(Answer::error(status, "InternalServerError", "words of theirs").into());
        let node = Node::before(&stub).await;
        for operation in READS.iter().chain(&WRITES) {
            let answer = node.post(operation, "{}").await;
            assert_eq!(answer.status.as_u16(), status);
            assert_eq!(answer.json()["message"], "words of theirs");
            let expected = if READS.contains(operation) { reads } else { 1 };
            assert_eq!(stub.count(operation), expected, "{operation} {status}");
        }
    }
}

#[tokio::test]
async fn attempts_are_what_was_configured() {
    for (attempts, expected) in [("1", 1), ("2", 2), ("5", 5)] {
        let stub = ending(Ending::Close);
        let node = Node::with(&stub, &[("upstream.attempts", attempts)]).await;
        node.post("Query", "{}").await;
        assert_eq!(stub.count("Query"), expected);
    }
}

#[tokio::test]
async fn a_read_that_succeeds_at_last_is_a_success() {
    let asked = Arc::new(AtomicUsize::new(0));
    let stub = Stub::with_tables(move |_| {
        let ending = match asked.fetch_add(1, Ordering::SeqCst) {
            0 => Ending::Reset,
            1 => Answer::error(503, "ServiceUnavailable", "").into(),
            _ => Answer::ok("{\"Item\":{\"p\":{\"S\":\"a\"}}}").into(),
        };
        std::future::ready(ending)
    });
    let node = Node::before(&stub).await;
    let answer = node.post("GetItem", get("Music", "a")).await;
    assert_eq!((answer.status.as_u16(), answer.outcome().as_str()), (200, "fwd=miss; stored"));
    assert_eq!(node.metric("linac_upstream_retries_total", &[]).await, 2.0);
}

#[tokio::test]
async fn an_upstream_that_says_nothing_is_given_up_in_time() {
    let stub = ending(Ending::Silence);
    let node = Node::with(&stub, &[("upstream.timeout", "300ms")]).await;
    for operation in ["Query", "PutItem"] {
        let began = Clock::start();
        let answer = node.post(operation, "{}").await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (500, "InternalServerError"));
        assert!((250..3_000).contains(&began.millis_since_origin()));
        assert_eq!(stub.count(operation), 1);
    }
    assert_eq!(node.metric("linac_cache_doubtful_writes_total", &[]).await, 1.0);
}

#[tokio::test]
async fn a_struggling_upstream_is_not_asked_three_times_as_much() {
    let stub = ending(Answer::error(500, "InternalServerError", "").into());
    // The budget of retries alone: the breaker would soon let nothing through.
    let node = Node::with(&stub, &[("upstream.breaker", "off")]).await;
    let readers = (0..20).map(|_| async {
        let mut client = Client::connect(node.json).await;
        for _ in 0..30 {
            assert_eq!(client.post("Query", "{}").await.status, 500);
        }
    });
    join_all(readers).await;
    // The retries that are allowed at once, and not many that failures earn back.
    let retries = stub.count("Query") - 600;
    assert!((100..170).contains(&retries), "{retries} retries");
}

#[tokio::test]
async fn a_connection_that_the_upstream_closed_is_not_used_again() {
    let listener = base::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = Drain::new().spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _request = stream.read(&mut [0; 4096]).await.unwrap();
            // It does not say that it will close.
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}").await.unwrap();
        }
    });
    let node = Node::start(config(&url, &[])).await;
    let mut client = Client::connect(node.json).await;
    for _ in 0..10 {
        assert_eq!(client.post("PutItem", "{}").await.status, 200);
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.abort();
}

/// An upstream whose `GetItem` takes its time; other operations do not.
fn slow_reads(span: Duration, ending: Ending) -> Stub {
    Stub::with_tables(move |_| {
        let ending = ending.clone();
        async move {
            tokio::time::sleep(span).await;
            ending
        }
    })
}

const READERS: usize = 1_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_readers_of_a_cold_key_make_one_read() {
    check_descriptors(4 * READERS);
    let body = format!("{{\"Item\":{}}}", item("a", 1));
    let stub = slow_reads(Duration::from_millis(700), Answer::ok(body.clone()).into());
    let node = Node::before(&stub).await;
    let answers = join_all((0..READERS).map(|_| node.post("GetItem", get("Music", "a")))).await;
    assert_eq!((stub.count("GetItem"), stub.count("DescribeTable")), (1, 1));
    let of = |outcome: &str| answers.iter().filter(|answer| answer.outcome() == outcome).count();
    assert_eq!(of("fwd=miss; stored"), 1);
    assert_eq!(of("fwd=miss; collapsed") + of("hit"), READERS - 1);
    assert!(of("fwd=miss; collapsed") > 0);
    assert!(answers.iter().all(|answer| answer.body == body));
    let ids: HashSet<_> = answers.iter().map(|a| a.header("x-amzn-requestid")).collect();
    assert_eq!(ids.len(), READERS, "a follower's request has an id of its own");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flight_that_fails_fails_for_all_aboard_and_hangs_nobody() {
    for (broken, settings) in [
        (Ending::Reset, [("upstream.attempts", "1"), ("upstream.timeout", "5s")]),
        (Ending::Silence, [("upstream.attempts", "3"), ("upstream.timeout", "1s")]),
    ] {
        let stub = slow_reads(Duration::from_millis(300), broken);
        let node = Node::with(&stub, &settings).await;
        let answers = join_all((0..100).map(|_| node.post("GetItem", get("Music", "a")))).await;
        assert_eq!(stub.count("GetItem"), 1);
        assert!(answers.iter().all(|answer| answer.error() == "InternalServerError"), "{answers:?}");
        assert_eq!(node.metric("linac_cache_flights", &[]).await, 0.0);
    }
}

#[tokio::test]
async fn the_reader_who_began_a_flight_may_leave() {
    let body = format!("{{\"Item\":{}}}", item("a", 1));
    let stub = slow_reads(Duration::from_millis(400), Answer::ok(body).into());
    let node = Node::before(&stub).await;
    let first = node.post("GetItem", get("Music", "a"));
    tokio::select! {
        _ = first => panic!("answered at once"),
        () = arrived(&stub, "GetItem", 1) => {}
    }
    let others = join_all((0..20).map(|_| node.post("GetItem", get("Music", "a")))).await;
    assert!(others.iter().all(|answer| answer.status == 200 && answer.outcome() == "fwd=miss; collapsed"));
    assert_eq!(node.post("GetItem", get("Music", "a")).await.outcome(), "hit");
    assert_eq!(stub.count("GetItem"), 1);
}

/// Waits until so many calls of an operation have arrived.
pub(crate) async fn arrived(stub: &Stub, operation: &str, calls: usize) {
    let all = async {
        while stub.count(operation) < calls {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, all).await.is_ok();
    assert!(in_time, "{} of {calls} calls of {operation} arrived", stub.count(operation));
}

const WRITERS: usize = 1_000;
const KEYS: usize = 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_clients_that_hang_up_in_mid_write_leave_no_stale_entry() {
    check_descriptors(4 * WRITERS);
    let dynamo = Dynamo::new();
    let (arrived, applied) = (Arc::new(Mutex::new(HashSet::new())), Arc::new(AtomicUsize::new(0)));
    let script = (Arc::clone(&dynamo), Arc::clone(&arrived), Arc::clone(&applied));
    let stub = Stub::start(move |received: Received| {
        let (dynamo, arrived, applied) = script.clone();
        async move {
            if received.operation() != "PutItem" {
                return dynamo.serve(&received);
            }
            let v: usize = received.json()["Item"]["v"]["N"].as_str().unwrap().parse().unwrap();
            arrived.lock().unwrap().insert(v);
            // Applied late and in another order; some writes are answered, some are not.
            tokio::time::sleep(Duration::from_millis(50 + v as u64 * 7 % 400)).await;
            let answer = dynamo.serve(&received);
            applied.fetch_add(1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(v as u64 % 50)).await;
            if v.is_multiple_of(10) { Ending::Close } else { answer }
        }
    });
    let node = Node::with(&stub, &[("upstream.timeout", "4s"), ("cache.doubt", "4s")]).await;
    let key = |n: usize| format!("k{}", n % KEYS);
    node.post("GetItem", get("Music", "k0")).await;

    let writers = (0..WRITERS).map(|n| {
        let whole = String::from_utf8(call(&put("Music", &key(n), n as u64), "")).unwrap();
        let whole = whole.replace("20120810.Query", "20120810.PutItem").into_bytes();
        let (arrived, json) = (Arc::clone(&arrived), node.json);
        async move {
            let mut wire = Wire::connect(json).await;
            wire.write(&whole).await;
            // A request that was not read yet would be gone with its connection.
            let has_arrived = async {
                while !arrived.lock().unwrap().contains(&n) {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::select! {
                () = has_arrived => {}
                // On a busy machine it may never get there.
                _ = wire.answer() => {}
            }
            if n.is_multiple_of(2) {
                wire.reset();
            }
        }
    });
    // Somebody reads all the while, and would leave old answers in the cache if that were possible.
    let stop = Drain::new();
    let (reading, json) = (stop.clone(), node.json);
    let reader = stop.spawn(async move {
        let mut client = Client::connect(json).await;
        let mut n = 0;
        while !reading.has_begun() {
            client.post("GetItem", get("Music", &format!("k{}", n % KEYS))).await;
            n += 1;
        }
    });
    join_all(writers).await;
    let settled = async {
        let mut before = 0;
        loop {
            let (arrived, applied) = (arrived.lock().unwrap().len(), applied.load(Ordering::SeqCst));
            if arrived == applied && arrived == before {
                return arrived;
            }
            before = arrived;
            tokio::time::sleep(Duration::from_millis(600)).await;
        }
    };
    let arrived = tokio::time::timeout(PATIENCE, settled).await.expect("what arrived is applied in time");
    assert!(arrived > WRITERS / 2, "{arrived} writes arrived");
    stop.begin();
    reader.await.unwrap();
    for round in ["while in doubt", "afterwards"] {
        for n in 0..KEYS {
            let truth = dynamo.latest(&("Music".into(), key(n)));
            for _ in 0..2 {
                let answer = client::post(node.json, "GetItem", get("Music", &key(n))).await;
                assert_eq!(answer.json()["Item"], truth, "{} {round}: {}", key(n), answer.cache());
            }
        }
        tokio::time::sleep(Duration::from_millis(4_100)).await;
    }
    let again = client::post(node.json, "GetItem", get("Music", "k0")).await;
    assert_eq!(again.outcome(), "hit", "doubt ends");
}

#[tokio::test]
async fn a_client_that_is_cut_off_in_its_body_writes_nothing() {
    let stub = Dynamo::new().stub();
    let node = Node::before(&stub).await;
    let whole = call(&put("Music", "a", 1), "");
    for length in [1, 20, whole.len() / 2, whole.len() - 1] {
        let mut wire = Wire::connect(node.json).await;
        wire.write(&whole[..length]).await;
        if length % 2 == 0 {
            wire.reset();
        }
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(stub.received().is_empty());
    assert_eq!(node.post("Query", "{}").await.error(), "ValidationException");
}
