//! An upstream that stops answering is left alone, and comes back by itself.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base::Drain;
use tokio::net::TcpListener;

use crate::{
    client::{self, PATIENCE},
    dynamo::{get, put},
    faults::arrived,
    node::{Node, Process, config, metric},
    stub::{Answer, Ending, Received, Stub},
};

/// A breaker that cools down in a moment.
const SETTINGS: [(&str, &str); 2] = [("upstream.breaker_cool_down", "300ms"), ("cache.mode", "off")];

/// An upstream that answers while the switch is on, and resets connections while it is off.
fn switched(is_alive: &Arc<AtomicBool>) -> Stub {
    let is_alive = Arc::clone(is_alive);
    Stub::with_tables(move |_| {
        let is_alive = is_alive.load(Ordering::SeqCst);
        std::future::ready(if is_alive { Answer::ok("{}").into() } else { Ending::Reset })
    })
}

/// Waits until a call is answered again.
async fn recovered(json: SocketAddr) {
    let again = async {
        while client::post(json, "Query", "{}").await.status != 200 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, again).await.is_ok(), "the upstream answers, and nobody asks it");
}

/// Listens where a stub has been that is gone.
async fn listen_again(address: SocketAddr) -> TcpListener {
    for _ in 0..200 {
        if let Ok(listener) = base::listen(address) {
            return listener;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{address} stays taken");
}

#[tokio::test]
async fn a_dead_upstream_is_not_dialled_for_each_call_and_comes_back_by_itself() {
    let alive = |_: Received| std::future::ready(Answer::ok("{}").into());
    let stub = Stub::start(alive);
    let address = stub.address;
    let node = Node::start(config(&stub.url(), &SETTINGS)).await;
    assert_eq!(node.post("Query", "{}").await.status, 200);
    assert_eq!(node.metric("linac_upstream_breaker_state", &["service=\"dynamodb\""]).await, 0.0);

    drop(stub);
    // Nobody else takes the port meanwhile: connections are made and fall at once.
    let dead = Drain::new();
    let (listener, until) = (listen_again(address).await, dead.clone());
    let dials = dead.spawn(async move {
        let mut dials = 0;
        loop {
            tokio::select! {
                _ = listener.accept() => dials += 1,
                () = until.begun() => return dials,
            }
        }
    });
    for _ in 0..100 {
        let answer = node.post("Query", "{}").await;
        assert!([500, 503].contains(&answer.status.as_u16()), "{answer:?}");
    }
    let refused = node.post("Query", "{}").await;
    assert_eq!((refused.status.as_u16(), refused.error().as_str()), (503, "ServiceUnavailable"));
    assert_eq!(node.metric("linac_upstream_breaker_state", &[]).await, 2.0);
    assert!(node.metric("linac_upstream_breaker_refused_total", &[]).await > 50.0);
    assert!(node.metric("linac_upstream_breaker_transitions_total", &["to=\"open\""]).await >= 1.0);

    let ready = client::get(node.admin, "/readyz").await;
    let trouble = format!("ready\nthe upstream does not answer (breaker open): {address}\n");
    assert_eq!((ready.status.as_u16(), &*ready.body), (200, trouble.as_bytes()));
    assert_eq!(client::get(node.admin, "/healthz").await.status, 200);

    dead.begin();
    let dials: usize = dials.await.unwrap();
    // A hundred calls of three attempts each would be 300: there were 20, some of them on a connection that there was,
    // and three probes now and then.
    assert!((15..60).contains(&dials), "dialled {dials} times");

    let stub = Stub::on(listen_again(address).await, alive);
    recovered(node.json).await;
    for _ in 0..5 {
        node.post("Query", "{}").await;
    }
    assert_eq!(node.metric("linac_upstream_breaker_state", &[]).await, 0.0);
    assert_eq!(node.metric("linac_upstream_breaker_transitions_total", &["to=\"closed\""]).await, 1.0);
    assert_eq!(&*client::get(node.admin, "/readyz").await.body, b"ready\n");
    assert!(stub.count("Query") >= 3);
}

#[tokio::test]
async fn a_write_that_it_refuses_is_one_that_sdks_send_again_and_never_in_doubt() {
    let is_alive = Arc::new(AtomicBool::new(false));
    let stub = switched(&is_alive);
    let node = Node::with(&stub, &[("upstream.breaker_cool_down", "1h")]).await;
    for _ in 0..20 {
        node.post("Query", "{}").await;
    }
    assert_eq!(node.metric("linac_upstream_breaker_state", &[]).await, 2.0);
    for operation in ["PutItem", "UpdateItem", "TransactWriteItems", "ExecuteStatement", "Frobnicate"] {
        let answer = node.post(operation, put("Music", "a", 1)).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (503, "ServiceUnavailable"));
        assert_eq!(stub.count(operation), 0, "{operation}");
    }
    assert_eq!(node.post("GetItem", get("Music", "a")).await.error(), "ServiceUnavailable");
    assert_eq!(node.metric("linac_cache_doubtful_writes_total", &[]).await, 0.0);
}

#[tokio::test]
async fn hits_are_answered_while_it_is_open() {
    let is_alive = Arc::new(AtomicBool::new(true));
    let stub = switched(&is_alive);
    let node = Node::with(&stub, &[("upstream.breaker_cool_down", "1h")]).await;
    assert_eq!(node.post("GetItem", get("Music", "a")).await.status, 200);
    is_alive.store(false, Ordering::SeqCst);
    for _ in 0..20 {
        node.post("Query", "{}").await;
    }
    assert_eq!(node.metric("linac_upstream_breaker_state", &[]).await, 2.0);
    assert_eq!(node.post("GetItem", get("Music", "a")).await.outcome(), "hit; detail=negative");
}

#[tokio::test]
async fn refusals_and_throttling_keep_it_closed() {
    for (status, code) in [
        (400, "ValidationException"),
        (400, "ProvisionedThroughputExceededException"),
        (400, "ThrottlingException"),
        (503, "ThrottlingException"),
    ] {
        let stub = Stub::answering(Answer::error(status, code, "words of theirs"));
        let node = Node::with(&stub, &SETTINGS).await;
        for _ in 0..100 {
            assert_eq!(node.post("PutItem", "{}").await.error(), code);
        }
        assert_eq!(stub.count("PutItem"), 100, "{code}");
    }
}

#[tokio::test]
async fn service_errors_open_it() {
    for status in [500, 502, 503, 504] {
        let stub = Stub::answering(Answer::error(status, "InternalServerError", ""));
        let node = Node::with(&stub, &[("upstream.breaker_cool_down", "1h")]).await;
        for _ in 0..100 {
            node.post("PutItem", "{}").await;
        }
        assert_eq!(stub.count("PutItem"), 20, "{status}");
    }
}

#[tokio::test]
async fn off_it_lets_everything_through() {
    let stub = Stub::answering(Answer::error(500, "InternalServerError", ""));
    let node = Node::with(&stub, &[("upstream.breaker", "off")]).await;
    for _ in 0..100 {
        node.post("PutItem", "{}").await;
    }
    assert_eq!(stub.count("PutItem"), 100);
    assert_eq!(&*client::get(node.admin, "/readyz").await.body, b"ready\n");
}

#[tokio::test]
async fn an_upstream_that_hangs_opens_it_too() {
    let stub = Stub::with_tables(|_| std::future::ready(Ending::Silence));
    let settings = [("upstream.timeout", "300ms"), ("upstream.breaker_cool_down", "1h")];
    let node = Node::with(&stub, &settings).await;
    let calls = (0..30).map(|_| node.post("PutItem", "{}"));
    futures_util::future::join_all(calls).await;
    // What was under way ran into its own timeout; nothing follows.
    assert_eq!(stub.count("PutItem"), 30);
    assert_eq!(node.post("PutItem", "{}").await.error(), "ServiceUnavailable");
    assert_eq!(stub.count("PutItem"), 30);
}

#[tokio::test]
async fn what_is_under_way_when_it_opens_is_not_cut_off() {
    let stub = Stub::with_tables(|received: Received| async move {
        if received.operation() != "Scan" {
            return Ending::Reset;
        }
        tokio::time::sleep(Duration::from_millis(700)).await;
        Answer::ok("{\"Count\":7}").into()
    });
    let node = Node::with(&stub, &[("upstream.breaker_cool_down", "1h")]).await;
    let under_way = Drain::new().spawn(client::post(node.json, "Scan", "{}"));
    arrived(&stub, "Scan", 1).await;
    for _ in 0..20 {
        node.post("Query", "{}").await;
    }
    assert_eq!(node.metric("linac_upstream_breaker_state", &[]).await, 2.0);
    let answer = under_way.await.unwrap();
    assert_eq!((answer.status.as_u16(), &*answer.body), (200, &b"{\"Count\":7}"[..]));
    // Nor does its success close what opened meanwhile.
    assert_eq!(node.post("Scan", "{}").await.error(), "ServiceUnavailable");
}

#[tokio::test]
async fn the_log_says_once_that_it_opened_and_once_that_it_closed() {
    let is_alive = Arc::new(AtomicBool::new(false));
    let stub = switched(&is_alive);
    let variables = [("LINAC__UPSTREAM__BREAKER_COOL_DOWN", "100ms")];
    let process = Process::before(&stub, &["--cache", "off"], &variables).await;
    for _ in 0..60 {
        process.post("Query", "{}").await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    is_alive.store(true, Ordering::SeqCst);
    recovered(process.json).await;
    process.logged("upstream breaker opened").await;
    let closed = async {
        while metric(process.admin, "linac_upstream_breaker_state", &[]).await != 0.0 {
            process.post("Query", "{}").await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, closed).await.is_ok());
    process.logged("upstream breaker closed").await;
    let log = process.log();
    let lines = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    let reopened = metric(process.admin, "linac_upstream_breaker_transitions_total", &["to=\"open\""]).await;
    assert!(reopened >= 2.0, "{reopened}");
    assert_eq!((lines("upstream breaker opened"), lines("upstream breaker closed")), (1, 1), "{log}");
    let opened = log.lines().find(|line| line.contains("upstream breaker opened")).unwrap();
    for part in ["WARN", "connection lost", &stub.address.to_string()] {
        assert!(opened.contains(part), "{part} is not in {opened}");
    }
}
