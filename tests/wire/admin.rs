//! The operator's port.

use std::time::Duration;

use http::{Method, Request};
use http_body_util::Full;

use crate::{
    client::{Answer, Client, get, post},
    dynamo::{self, Dynamo},
    node::Node,
    process::run,
    stub::{self, Stub},
};

async fn ask(node: &Node, method: Method, path: &str, origin: Option<&str>, body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(path).header("host", node.admin.to_string());
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    let request = request.body(Full::new(body.to_owned().into())).unwrap();
    Client::connect(node.admin).await.send(request).await
}

#[tokio::test]
async fn pages_and_actions_answer_as_they_should() {
    let stub = Dynamo::new().stub();
    let node = Node::before(&stub).await;
    node.post("GetItem", dynamo::get("Music", "a")).await;
    let long = format!("{{\"table\":\"{}\"}}", "x".repeat(100_000));
    let (get, post, head) = (Method::GET, Method::POST, Method::HEAD);
    let page = Some("https://page.example");
    let cases = [
        (&get, "/healthz", None, "", 200, "alive"),
        (&head, "/healthz", None, "", 200, ""),
        (&get, "/readyz", None, "", 200, "ready"),
        (&get, "/metrics", None, "", 200, "# TYPE linac_json_requests_total counter"),
        (&get, "/metrics", None, "", 200, "# TYPE linac_upstream_request_seconds histogram"),
        (&get, "/", None, "", 404, "no such page"),
        (&get, "/healthz/", None, "", 404, "no such page"),
        (&post, "/healthz", None, "", 405, "GET"),
        (&get, "/actions/purge", None, "", 405, "POST"),
        (&post, "/actions/frobnicate", None, "{}", 404, "no such action"),
        (&post, "/actions/purge", None, "{", 400, "not JSON"),
        (&post, "/actions/purge", None, "", 400, "name either"),
        (&post, "/actions/purge", None, "{\"tables\":\"Music\"}", 400, "expected"),
        (&post, "/actions/purge", None, "{\"all\":true,\"table\":\"Music\"}", 400, "name either"),
        (&post, "/actions/purge", None, "{\"all\":false}", 400, "name either"),
        (&post, "/actions/purge", None, "{\"table\":\"x y\"}", 400, "no table name"),
        (
            &post,
            "/actions/purge",
            None,
            "{\"table\":\"Music\",\"key\":{\"q\":{\"S\":\"\"}}}",
            400,
            "primary key",
        ),
        (&post, "/actions/purge", None, &long, 413, "too large"),
        (&post, "/actions/purge", None, "{\"all\":true}", 200, "purged"),
        (&post, "/actions/purge", page, "{\"all\":true}", 403, "web pages"),
        (&post, "/actions/purge", Some("null"), "{\"all\":true}", 403, "web pages"),
        (&get, "/metrics", page, "", 403, "web pages"),
    ];
    for (method, path, origin, body, status, words) in cases {
        let answer = ask(&node, method.clone(), path, origin, body).await;
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status.as_u16(), status, "{method} {path} {body}: {text}");
        assert!(text.contains(words), "{method} {path} {body}: {text}");
    }
}

#[tokio::test]
async fn a_refused_purge_purges_nothing() {
    let stub = Dynamo::new().stub();
    let node = Node::before(&stub).await;
    node.post("GetItem", dynamo::get("Music", "a")).await;
    ask(&node, Method::POST, "/actions/purge", Some("https://page.example"), "{\"all\":true}").await;
    assert_eq!(node.post("GetItem", dynamo::get("Music", "a")).await.outcome(), "hit; detail=negative");
}

#[tokio::test]
async fn report_has_a_line_for_each_table() {
    let stub = Dynamo::new().stub();
    let node = Node::before(&stub).await;
    for _ in 0..4 {
        node.post("GetItem", dynamo::get("Music", "a")).await;
    }
    let (code, out, said) = run(&["report", "--admin", &node.admin.to_string()], &[]).await;
    assert_eq!(code, 0, "{said}");
    let lines: Vec<Vec<&str>> = out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert_eq!(lines[0][0], "TABLE");
    assert_eq!(lines[1][..7], ["Music", "4", "75.0", "%", "0", "of", "0"], "{out}");
    assert!(out.contains("too little was seen to tell"), "{out}");
    let metric = node.metric("linac_cache_outcomes_total", &["table=\"Music\"", "outcome=\"negative-hit\""]);
    assert_eq!(metric.await, 3.0);
}

#[tokio::test]
async fn a_draining_node_is_not_ready_and_lives() {
    let stub = Stub::with_tables(|_| async {
        tokio::time::sleep(Duration::from_millis(600)).await;
        stub::Answer::ok("{}").into()
    });
    let node = Node::before(&stub).await;
    let (json, admin) = (node.json, node.admin);
    let under_way = base::Drain::new().spawn(post(json, "Query", "{}"));
    while stub.received().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let stopping = base::Drain::new().spawn(node.stop());
    tokio::time::sleep(Duration::from_millis(100)).await;
    let ready = get(admin, "/readyz").await;
    assert_eq!((ready.status.as_u16(), ready.body.as_ref()), (503, b"draining\n".as_ref()));
    assert_eq!(get(admin, "/healthz").await.status, 200);
    assert_eq!(under_way.await.unwrap().status, 200);
    assert_eq!(stopping.await.unwrap(), 0);
}

#[tokio::test]
async fn what_a_client_makes_up_is_no_label() {
    let stub = Stub::answering(stub::Answer::ok("{}"));
    let node = Node::before(&stub).await;
    for made_up in ["Made\"Up", "Frobnicate", "x y z"] {
        node.post(made_up, "{\"TableName\":\"Secret\"}").await;
    }
    let page = String::from_utf8(get(node.admin, "/metrics").await.body.to_vec()).unwrap();
    assert!(!page.contains("Frobnicate") && !page.contains("Made") && !page.contains("Secret"), "{page}");
    assert!(page.contains("operation=\"unknown\""), "{page}");
}
