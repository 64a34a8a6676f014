//! What the door does when there is too much, or too slow.

use std::time::Duration;

use futures_util::future::join_all;

use crate::{
    client::{Client, Wire},
    manners::call,
    node::Node,
    stub::{Answer, Stub},
};

/// An upstream that takes its time.
fn slow(span: Duration) -> Stub {
    Stub::with_tables(move |_| async move {
        tokio::time::sleep(span).await;
        Answer::ok("{}").into()
    })
}

#[tokio::test]
async fn more_requests_than_may_be_under_way_are_refused_for_now() {
    let stub = slow(Duration::from_millis(400));
    let node = Node::with(&stub, &[("json.requests_max", "3")]).await;
    // Large enough that it does not fit into the sockets' buffers.
    let body = vec![b' '; 8 << 20];
    let answers = join_all((0..8).map(|_| node.post("Query", body.clone()))).await;
    let (served, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((served.len(), refused.len()), (3, 5));
    for answer in refused {
        // SDKs retry this by its status.
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (503, "ServiceUnavailable"));
        assert_eq!(answer.outcome(), "fwd=bypass; detail=refused");
    }
    assert_eq!(node.metric("linac_json_refused_total", &["what=\"request\""]).await, 5.0);
    assert_eq!(node.post("Query", "{}").await.status, 200, "room again");
}

#[tokio::test]
async fn more_bytes_than_may_be_held_are_refused_for_now() {
    let stub = slow(Duration::from_millis(1_500));
    let node = Node::with(&stub, &[("json.request_bytes_max", "16 MiB")]).await;
    let body = vec![b' '; 10 << 20];
    let first = node.post("Query", body.clone());
    let second = async {
        while stub.received().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Both the one who looks at the answer while it sends, and the one who sends all of it first.
        let mut patient = Wire::connect(node.json).await;
        let head = call("", "").strip_suffix(b"Content-Length: 0\r\n\r\n").unwrap().to_vec();
        let declared = format!("Content-Length: {}\r\n\r\n", body.len());
        assert!(patient.write(&[&head, declared.as_bytes(), &body].concat()).await, "all of it is taken");
        (node.post("Query", body.clone()).await, patient.answer().await.expect("an answer"))
    };
    let (first, (second, third)) = tokio::join!(first, second);
    assert_eq!(first.status, 200);
    for refused in [second, third] {
        assert_eq!((refused.status.as_u16(), refused.error().as_str()), (503, "ServiceUnavailable"));
    }
    assert_eq!(node.metric("linac_json_refused_total", &["what=\"bytes\""]).await, 2.0);
    assert_eq!(node.post("Query", body).await.status, 200, "room again");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_given_up() {
    let stub = slow(Duration::ZERO);
    let node = Node::with(&stub, &[("json.read_timeout", "300ms")]).await;
    let mut wire = Wire::connect(node.json).await;
    let whole = call("{\"TableName\":\"Music\"}", "");
    wire.write(&whole[..whole.len() - 5]).await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.error().as_str()), (408, "RequestTimeoutException"));
    assert_eq!(answer.header("connection"), "close");
    assert!(wire.is_closed_within(Duration::from_secs(5)).await);
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn at_the_cap_connections_wait_and_none_is_refused() {
    let stub = slow(Duration::ZERO);
    let node = Node::with(&stub, &[("json.connections_max", "2")]).await;
    let mut first = Client::connect(node.json).await;
    let mut second = Client::connect(node.json).await;
    for client in [&mut first, &mut second] {
        assert_eq!(client.post("Query", "{}").await.status, 200);
    }
    let third = node.post("Query", "{}");
    tokio::pin!(third);
    assert!(tokio::time::timeout(Duration::from_millis(300), &mut third).await.is_err());
    drop(first);
    assert_eq!(third.await.status, 200);
    assert!(node.metric("linac_json_refused_total", &["what=\"connection\""]).await >= 1.0);
}
