//! Slow reads are sent a second time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use base::Clock;
use futures_util::future::join_all;

use crate::{
    client::Client,
    dynamo::{get, put},
    node::Node,
    stub::{Answer, Received, Stub},
};

/// Longer than any answer on this machine that is not meant to be slow.
const SLOW: Duration = Duration::from_secs(4);

type Settings<'a> = &'a [(&'a str, &'a str)];

/// An upstream that is slow once, when told so.
fn slow_once(is_slow: &Arc<AtomicBool>) -> Stub {
    let is_slow = Arc::clone(is_slow);
    Stub::with_tables(move |_: Received| {
        let is_slow = is_slow.swap(false, Ordering::SeqCst);
        async move {
            if is_slow {
                tokio::time::sleep(SLOW).await;
            }
            Answer::ok("{\"Item\":{\"p\":{\"S\":\"a\"}}}").into()
        }
    })
}

/// How long the next call takes whose first sending is slow, after the node has seen enough reads.
async fn slow_call(settings: Settings<'_>, operation: &str, body: String) -> (Duration, Stub, Node) {
    let is_slow = Arc::new(AtomicBool::new(false));
    let stub = slow_once(&is_slow);
    let node = Node::with(&stub, &[&[("cache.mode", "off")], settings].concat()).await;
    let mut client = Client::connect(node.json).await;
    for _ in 0..100 {
        assert_eq!(client.post("GetItem", get("Music", "a")).await.status, 200);
        assert_eq!(client.post("Query", "{\"TableName\":\"Music\"}").await.status, 200);
    }
    stub.forget();
    is_slow.store(true, Ordering::SeqCst);
    let clock = Clock::start();
    let began = clock.now();
    assert_eq!(client.post(operation, body).await.status, 200);
    (clock.now() - began, stub, node)
}

#[tokio::test]
async fn a_slow_read_is_sent_again_and_the_faster_answer_comes_back() {
    let settings = [("upstream.hedge", "p95"), ("upstream.hedge_budget", "1")];
    let calls =
        [("GetItem", get("Music", "a").to_string()), ("Query", "{\"TableName\":\"Music\"}".to_owned())];
    for (operation, body) in calls {
        let (took, stub, node) = slow_call(&settings, operation, body).await;
        assert!(took < SLOW, "{operation} took {took:?}");
        assert_eq!(stub.count(operation), 2, "{operation}");
        assert!(node.metric("linac_upstream_hedges_won_total", &[]).await >= 1.0);
    }
}

#[tokio::test]
async fn what_must_not_be_sent_twice_is_not() {
    let on = [("upstream.hedge", "p95"), ("upstream.hedge_budget", "1")];
    let strong = "{\"TableName\":\"Music\",\"Key\":{\"p\":{\"S\":\"a\"}},\"ConsistentRead\":true}".to_owned();
    let calls: [(Settings<'_>, &str, String); 4] = [
        (&on, "PutItem", put("Music", "a", 1).to_string()),
        (&on, "GetItem", strong),
        (&on, "ExecuteStatement", "{\"Statement\":\"SELECT * FROM Music\"}".to_owned()),
        // It is off by default.
        (&[], "GetItem", get("Music", "a").to_string()),
    ];
    let checks = calls.into_iter().map(|(settings, operation, body)| async move {
        let (took, stub, _node) = slow_call(settings, operation, body).await;
        assert!(took >= SLOW, "{operation} took {took:?}");
        assert_eq!(stub.count(operation), 1, "{operation}");
    });
    join_all(checks).await;
}

#[tokio::test]
async fn a_few_reads_have_not_earned_a_second_sending_each() {
    let settings = [("upstream.hedge", "p95"), ("upstream.hedge_budget", "0.001")];
    let (took, stub, node) = slow_call(&settings, "GetItem", get("Music", "a").to_string()).await;
    assert!(took >= SLOW, "{took:?}");
    assert_eq!(stub.count("GetItem"), 1);
    assert_eq!(node.metric("linac_upstream_hedges_total", &[]).await, 0.0);
    assert!(node.metric("linac_upstream_hedges_refused_total", &[]).await >= 1.0);
}
