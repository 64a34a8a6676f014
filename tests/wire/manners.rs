//! How the JSON door speaks HTTP.

use std::{io::Write, time::Duration};

use flate2::{Compression, write::GzEncoder};
use http::{HeaderValue, Request};
use http_body_util::Full;

use crate::{
    client::{Client, Wire, get, request},
    dynamo::{self, Dynamo},
    forwarding::crc32,
    node::Node,
    stub::{Answer, Stub},
};

/// DynamoDB's limit of a request's body.
pub(crate) const BODY_BYTES_MAX: usize = 16 << 20;

pub(crate) fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

/// A call of `Query` as bytes, with more header lines.
pub(crate) fn call(body: &str, more: &str) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.Query\r\n\
         Content-Type: application/x-amz-json-1.0\r\nContent-Length: {length}\r\n{more}\r\n"
    );
    (head + body).into_bytes()
}

/// An upstream that answers with what it is sent.
fn echo() -> Stub {
    Stub::with_tables(|received| async move { Answer::ok(received.body).into() })
}

#[tokio::test]
async fn get_answers_that_it_is_healthy() {
    let stub = echo();
    let node = Node::before(&stub).await;
    for path in ["/", "/?at=all"] {
        let answer = get(node.json, path).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.body, "healthy: dynamodb.us-east-1.amazonaws.com ");
        assert_eq!(answer.header("x-amz-crc32"), "3128867991");
        assert_eq!(answer.header("x-amzn-requestid").len(), 52);
        assert_eq!(answer.header("server"), "Server");
        assert!(!answer.headers.contains_key("content-type"));
    }
    for path in ["/abc", "/-", "/index.html", "//", "/health"] {
        let answer = get(node.json, path).await;
        assert_eq!(
            (answer.status.as_u16(), &answer.body[..]),
            (404, &b"<UnknownOperationException/>\n"[..]),
            "{path}"
        );
    }
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn requests_that_call_nothing_are_refused_as_dynamodb_does() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let json = "application/x-amz-json-1.0";
    let unknown_page = (404, "<UnknownOperationException/>\n");
    let serialization = (400, r#"{"__type":"com.amazon.coral.service#SerializationException"}"#);
    let unknown = (400, r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#);
    let cases = [
        ("PUT", json, "DynamoDB_20120810.Query", "{}", unknown_page),
        ("HEAD", json, "DynamoDB_20120810.Query", "", (404, "")),
        ("OPTIONS", json, "", "", unknown_page),
        ("POST", json, "", "{}", unknown),
        ("POST", json, "Query", "{}", unknown),
        ("POST", json, "DynamoDB_20111205.Query", "{}", unknown),
        ("POST", json, "", "{", serialization),
        ("POST", json, "", "", unknown),
        ("POST", "text/plain", "", "{}", unknown_page),
        ("POST", "application/json", "", "{}", unknown),
    ];
    for (method, content_type, target, body, (status, expected)) in cases {
        let mut sent = request("", body);
        *sent.method_mut() = method.parse().unwrap();
        sent.headers_mut().insert("content-type", HeaderValue::from_static(content_type));
        sent.headers_mut().insert("x-amz-target", target.parse().unwrap());
        let answer = Client::connect(node.json).await.send(sent).await;
        let found = (answer.status.as_u16(), str::from_utf8(&answer.body).unwrap());
        assert_eq!(found, (status, expected), "{method} {content_type} {target:?} {body:?}");
        assert_eq!(answer.header("x-amzn-requestid").len(), 52);
        if method != "HEAD" {
            assert_eq!(answer.header("x-amz-crc32"), crc32(&answer.body).to_string());
        }
    }
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn a_connection_serves_until_somebody_asks_to_close() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let mut wire = Wire::connect(node.json).await;
    for body in ["{\"n\":1}", "{\"n\":2}", "{\"n\":3}"] {
        wire.write(&call(body, "")).await;
        let answer = wire.answer().await.unwrap();
        assert_eq!((answer.body.as_ref(), answer.header("connection")), (body.as_bytes(), ""));
    }
    wire.write(&call("{}", "Connection: close\r\n")).await;
    assert_eq!(wire.answer().await.unwrap().header("connection"), "close");
    assert!(wire.is_closed_within(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let stub = Stub::with_tables(|received| async move {
        // The later one is asked, the sooner it is answered.
        let n = received.json()["n"].as_u64().unwrap_or(0);
        tokio::time::sleep(Duration::from_millis(40 - 2 * n.min(20))).await;
        Answer::ok(received.body).into()
    });
    let node = Node::before(&stub).await;
    let mut wire = Wire::connect(node.json).await;
    let bodies: Vec<String> = (0..20).map(|n| format!("{{\"n\":{n}}}")).collect();
    let mut all: Vec<u8> = bodies.iter().flat_map(|body| call(body, "")).collect();
    all.extend(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    wire.write(&all).await;
    for body in bodies {
        assert_eq!(wire.answer().await.unwrap().body, body);
    }
    assert!(wire.answer().await.unwrap().body.starts_with(b"healthy"));
}

#[tokio::test]
async fn pipelined_hits_are_answered_in_order() {
    let stub = Dynamo::new().stub();
    let node = Node::before(&stub).await;
    for v in 0..10 {
        node.post("PutItem", dynamo::put("Music", &format!("k{v}"), v)).await;
        // The first write of a table comes before it is described.
        node.post("GetItem", dynamo::get("Music", &format!("k{v}"))).await;
    }
    stub.forget();
    let mut wire = Wire::connect(node.json).await;
    let reads = (0..500).flat_map(|n| {
        let body = dynamo::get("Music", &format!("k{}", n % 10));
        let call = String::from_utf8(call(&body, "")).unwrap();
        call.replace("20120810.Query", "20120810.GetItem").into_bytes()
    });
    wire.write(&reads.collect::<Vec<u8>>()).await;
    for n in 0..500 {
        let answer = wire.answer().await.unwrap();
        assert_eq!(answer.outcome(), "hit");
        assert_eq!(answer.json()["Item"]["v"]["N"], (n % 10).to_string());
    }
    assert!(stub.received().is_empty());
}

#[tokio::test]
async fn an_answer_does_not_wait_for_the_rest_of_the_next_request() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let (first, second) = (call("{\"n\":1}", ""), call("{\"n\":2}", ""));
    for cut in [1, 30, second.len() - 1] {
        let mut wire = Wire::connect(node.json).await;
        wire.write(&[&first[..], &second[..cut]].concat()).await;
        assert_eq!(wire.answer().await.unwrap().body, "{\"n\":1}", "{cut} bytes of the next");
        wire.write(&second[cut..]).await;
        assert_eq!(wire.answer().await.unwrap().body, "{\"n\":2}");
    }
    // Nor does it get lost, if no request follows after all.
    let mut wire = Wire::connect(node.json).await;
    wire.write(&[&call("{\"n\":1}", "Connection: close\r\n")[..], b"\r\nrubbish"].concat()).await;
    assert_eq!(wire.answer().await.unwrap().body, "{\"n\":1}");
}

/// Time does not pass here: when everybody waits, it jumps to the next timer.
#[tokio::test(start_paused = true)]
async fn a_connection_that_asks_nothing_is_closed() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let whole = call("{}", "");
    for said in [&b""[..], b"P", b"PRI * HTTP/2.0\r\n", &whole[..20]] {
        let clock = base::Clock::start();
        let mut wire = Wire::connect(node.json).await;
        wire.write(said).await;
        assert!(wire.is_closed_within(Duration::from_secs(100)).await, "{said:?}");
        let waited = clock.millis_since_origin();
        assert!((74_000..76_000).contains(&waited), "{said:?}: closed after {waited} ms");
    }
}

#[tokio::test]
async fn http2_by_prior_knowledge_serves_many_at_once() {
    let stub = Stub::with_tables(|received| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Answer::ok(received.body).into()
    });
    let node = Node::before(&stub).await;
    let client = Client::connect_http2(node.json).await;
    let began = base::Clock::start();
    let calls = (0..100).map(|n| {
        let mut client = client.share();
        async move { (n, client.post("Query", format!("{{\"n\":{n}}}")).await) }
    });
    for (n, answer) in futures_util::future::join_all(calls).await {
        assert_eq!((answer.status.as_u16(), answer.json()["n"].as_i64()), (200, Some(n)));
        assert!(!answer.header("x-amzn-requestid").is_empty());
    }
    assert!(began.millis_since_origin() < 5_000, "one after the other would take 10 s");
}

#[tokio::test]
async fn gzip_is_taken_off_or_refused() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let mut client = Client::connect(node.json).await;
    let whole = gzip(b"{\"TableName\":\"Music\"}");
    let twice = [gzip(b"{\"Table"), gzip(b"Name\":\"Music\"}")].concat();
    let bomb = gzip(&vec![b' '; BODY_BYTES_MAX + 1]);
    let cut = whole[..whole.len() - 6].to_vec();
    let mut damaged = whole.clone();
    let middle = damaged.len() - 7;
    damaged[middle] ^= 1;
    let music = Some("{\"TableName\":\"Music\"}");
    let cases = [
        (&whole[..], "gzip", 200, "", music),
        (&whole, "GZIP", 200, "", music),
        (&twice, "gzip", 200, "", music),
        (b"{}", "gzip", 500, "InternalServerError", None),
        (b"", "gzip", 500, "InternalServerError", None),
        (&cut, "gzip", 500, "InternalServerError", None),
        (&damaged, "gzip", 500, "InternalServerError", None),
        // Not ours to understand, so it goes up as it came.
        (b"{}", "identity", 200, "", Some("{}")),
    ];
    for (body, coding, status, error, upstream) in cases {
        stub.forget();
        let mut sent = request("Query", body.to_vec());
        sent.headers_mut().insert("content-encoding", coding.parse().unwrap());
        let answer = client.send(sent).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, error), "{body:?}");
        let received = stub.received().pop();
        assert_eq!(received.as_ref().map(|received| received.body.as_ref()), upstream.map(str::as_bytes));
    }
    assert!(bomb.len() < 200_000);
    let mut sent = request("Query", bomb);
    sent.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    let answer = client.send(sent).await;
    assert_eq!(answer.status, 413, "{answer:?}");
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let mut wire = Wire::connect(node.json).await;
    for body in ["{\"n\":1}", "{\"n\":2}"] {
        let whole = call(body, "Expect: 100-continue\r\n");
        let (head, body) = whole.split_at(whole.len() - body.len());
        wire.write(head).await;
        assert_eq!(wire.answer().await.unwrap().status, 100);
        wire.write(body).await;
        assert_eq!(wire.answer().await.unwrap().body, body);
    }
    assert!(stub.received().iter().all(|received| !received.headers.contains_key("expect")));
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_before_it_is_sent() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let mut wire = Wire::connect(node.json).await;
    let head = "POST / HTTP/1.1\r\nHost: x\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n\
        Content-Length: 20971520\r\nExpect: 100-continue\r\n\r\n";
    wire.write(head.as_bytes()).await;
    let answer = wire.answer().await.unwrap();
    assert_eq!((answer.status.as_u16(), answer.body.len()), (413, 0));
    assert!(wire.is_closed_within(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn a_client_that_sends_too_much_can_read_that_it_did() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let fits = vec![b' '; BODY_BYTES_MAX];
    let too_large = vec![b' '; BODY_BYTES_MAX + 1];
    let much_too_large = vec![b' '; 20 << 20];
    for (body, status) in [(fits, 200), (too_large, 413), (much_too_large, 413)] {
        // With its length declared. The client reads nothing before all is sent.
        let mut wire = Wire::connect(node.json).await;
        let head = call("", "").strip_suffix(b"Content-Length: 0\r\n\r\n").unwrap().to_vec();
        let declared = format!("Content-Length: {}\r\n\r\n", body.len());
        assert!(wire.write(&[&head, declared.as_bytes(), &body].concat()).await);
        assert_eq!(wire.answer().await.unwrap().status.as_u16(), status, "{} declared", body.len());
        // In chunks, so that nobody knows before.
        let mut wire = Wire::connect(node.json).await;
        assert!(wire.write(&[&head, &b"Transfer-Encoding: chunked\r\n\r\n"[..]].concat()).await);
        for chunk in body.chunks(1 << 20) {
            let size = format!("{:x}\r\n", chunk.len());
            assert!(wire.write(&[size.as_bytes(), chunk, b"\r\n"].concat()).await);
        }
        assert!(wire.write(b"0\r\n\r\n").await);
        assert_eq!(wire.answer().await.unwrap().status.as_u16(), status, "{} in chunks", body.len());
    }
    assert_eq!(stub.received().len(), 2);
}

#[tokio::test]
async fn answers_have_the_content_type_that_was_asked_for() {
    let stub = Dynamo::new().stub();
    let node = Node::before(&stub).await;
    let mut client = Client::connect(node.json).await;
    client.post("GetItem", dynamo::get("Music", "a")).await;
    for (asked, answered) in [
        (Some("application/x-amz-json-1.0"), "application/x-amz-json-1.0"),
        (Some("application/x-amz-json-1.0; charset=utf-8"), "application/x-amz-json-1.0"),
        (Some("application/json"), "application/json"),
        (Some("text/plain"), "application/json"),
        (None, "application/x-amz-json-1.0"),
    ] {
        let mut sent = request("GetItem", dynamo::get("Music", "a"));
        sent.headers_mut().remove("content-type");
        if let Some(asked) = asked {
            sent.headers_mut().insert("content-type", HeaderValue::from_static(asked));
        }
        let answer = client.send(sent).await;
        assert_eq!(
            (answer.outcome().as_str(), answer.header("content-type")),
            ("hit; detail=negative", answered)
        );
    }
}

#[tokio::test]
async fn http_1_0_is_answered() {
    let stub = echo();
    let node = Node::before(&stub).await;
    let mut wire = Wire::connect(node.json).await;
    let body = String::from_utf8(call("{\"n\":1}", "")).unwrap().replace("HTTP/1.1", "HTTP/1.0");
    wire.write(body.as_bytes()).await;
    assert_eq!(wire.answer().await.unwrap().body, "{\"n\":1}");
    assert!(wire.is_closed_within(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn web_pages_are_refused_unless_they_are_allowed() {
    let stub = echo();
    let allowed = "https://app.example, http://localhost:3000";
    for (setting, origin, is_allowed) in [
        ("", "https://app.example", false),
        ("", "null", false),
        ("", "http://127.0.0.1:8000", false),
        (allowed, "https://app.example", true),
        (allowed, "http://localhost:3000", true),
        (allowed, "http://localhost", false),
        (allowed, "https://app.example.evil.example", false),
        (allowed, "http://app.example", false),
        (allowed, "https://app.example:444", false),
        (allowed, "null", false),
        (allowed, "", false),
    ] {
        let node = Node::with(&stub, &[("json.cors", setting)]).await;
        let mut client = Client::connect(node.json).await;
        stub.forget();
        let mut sent = request("Query", "{}");
        sent.headers_mut().insert("origin", origin.parse().unwrap());
        let answer = client.send(sent).await;
        let preflight = Request::options("/")
            .header("host", "x")
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type, x-amz-target");
        let before = client.send(preflight.body(Full::default()).unwrap()).await;
        let healthy = Request::get("/").header("host", "x").header("origin", origin);
        let healthy = client.send(healthy.body(Full::default()).unwrap()).await;
        for answer in [&answer, &before, &healthy] {
            let what = format!("{setting:?} {origin:?} {answer:?}");
            assert_eq!(
                answer.header("access-control-allow-origin"),
                if is_allowed { origin } else { "" },
                "{what}"
            );
            assert_eq!(answer.status, if is_allowed { 200 } else { 400 }, "{what}");
            assert!(!answer.header("x-amzn-requestid").is_empty());
            if is_allowed {
                assert_eq!(answer.header("vary"), "origin");
                assert!(answer.header("access-control-expose-headers").contains("x-amz-crc32"));
            } else {
                assert_eq!(answer.error(), "AccessDeniedException", "{what}");
            }
        }
        assert_eq!(stub.received().len(), usize::from(is_allowed));
        if is_allowed {
            assert_eq!(before.header("access-control-allow-methods"), "POST");
            assert_eq!(before.header("access-control-allow-headers"), "content-type, x-amz-target");
            assert_eq!(before.header("access-control-max-age"), "172800");
            // The origin is this node's business; the upstream's own rules must not get in the way.
            assert!(!stub.only().headers.contains_key("origin"));
        }
    }
}

#[tokio::test]
async fn who_is_no_web_page_sees_nothing_of_cors() {
    let stub = echo();
    let node = Node::with(&stub, &[("json.cors", "https://app.example")]).await;
    let answer = node.post("Query", "{}").await;
    assert_eq!(answer.status, 200);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}
