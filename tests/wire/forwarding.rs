//! What the upstream gets to see, and what the client gets to see of its answers.

use std::fmt::Write;

use bytes::Bytes;
use http::{HeaderValue, Request};
use http_body_util::Full;

use crate::{
    client::{Client, request},
    manners::{BODY_BYTES_MAX, gzip},
    node::Node,
    stub::{Answer, Stub},
};

/// A request with a target of any form.
fn targeted(target: &str, body: impl Into<Bytes>) -> Request<Full<Bytes>> {
    let mut request = request("", body);
    request.headers_mut().insert("x-amz-target", target.parse().unwrap());
    request
}

#[tokio::test]
async fn known_unknown_and_malformed_requests_go_up_as_they_came() {
    let stub = Stub::answering(Answer::error(400, "ValidationException", "no"));
    let node = Node::before(&stub).await;
    let mut client = Client::connect(node.json).await;
    let mut binary = b"{\"TableName\": \"".to_vec();
    binary.extend((0..=255).collect::<Vec<u8>>());
    let cases: [(&str, &[u8]); 24] = [
        ("DynamoDB_20120810.GetItem", br#"{ "TableName":"Music" , "Key":{"p":{"S":"a\u0062"}}}"#),
        ("DynamoDB_20120810.GetItem", br#"{"TableName":"Music","Key":{"p":{"S":"a"}},"Future":1}"#),
        ("DynamoDB_20120810.GetItem", br#"{"TableName":"Music","TableName":"Two"}"#),
        ("DynamoDB_20120810.GetItem", b"{"),
        ("DynamoDB_20120810.BatchGetItem", br#"{"RequestItems":{}}"#),
        ("DynamoDB_20120810.PutItem", br#"{"TableName":"Music","Item":{"p":{"S":"a"},"n":{"N":"1e0"}}}"#),
        ("DynamoDB_20120810.PutItem", b"\xef\xbb\xbf{}"),
        ("DynamoDB_20120810.PutItem", b""),
        ("DynamoDB_20120810.UpdateItem", b"[1,2"),
        ("DynamoDB_20120810.DeleteItem", b"null"),
        ("DynamoDB_20120810.BatchWriteItem", br#"{"RequestItems":{"Music":[{"PutRequest":{}}]}}"#),
        ("DynamoDB_20120810.TransactWriteItems", br#"{"TransactItems":[]}"#),
        ("DynamoDB_20120810.TransactGetItems", br#"{"TransactItems":[]}"#),
        ("DynamoDB_20120810.Query", br#"{"TableName":"Music","KeyConditionExpression":"p = :p"}"#),
        ("DynamoDB_20120810.Scan", br#"{"TableName":"Music","Segment":0,"TotalSegments":4}"#),
        ("DynamoDB_20120810.ExecuteStatement", br#"{"Statement":"SELECT * FROM \"Music\""}"#),
        ("DynamoDB_20120810.ExecuteStatement", br#"{"Statement":"DELETE FROM Music WHERE p='a'"}"#),
        ("DynamoDB_20120810.BatchExecuteStatement", br#"{"Statements":[{"Statement":"?"}]}"#),
        ("DynamoDB_20120810.UpdateTimeToLive", br#"{"TableName":"Music"}"#),
        ("DynamoDB_20120810.Frobnicate", br#"{"Anything":["goes"]}"#),
        ("DynamoDB_20120810.", &binary),
        ("DynamoDBStreams_20120810.GetRecords", br#"{"ShardIterator":"abc"}"#),
        ("DynamoDBStreams_20120810.ListStreams", b"{}"),
        ("DynamoDBStreams_20120810.Frobnicate", b"\x00\xff"),
    ];
    for (target, body) in cases {
        stub.forget();
        let answer = client.send(targeted(target, body.to_vec())).await;
        let received = stub.only();
        assert_eq!(received.target(), target);
        assert_eq!(received.body, body, "{target}");
        assert_eq!((received.method.as_str(), received.uri.path()), ("POST", "/"));
        assert_eq!(received.header("content-length"), body.len().to_string(), "{target}");
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (400, "ValidationException"));
    }
}

#[tokio::test]
async fn bodies_of_every_size_go_up_whole() {
    let stub = Stub::answering(Answer::ok("{}"));
    let node = Node::before(&stub).await;
    let mut client = Client::connect(node.json).await;
    // No part of it is like another, so that none can be lost or change its place unseen.
    let mut numbers = String::new();
    while numbers.len() < BODY_BYTES_MAX {
        write!(numbers, "{},", numbers.len()).unwrap();
    }
    let numbers = Bytes::from(numbers);
    for length in [0, 1, 1000, 10_000, 100_000, 300_000, 1 << 20, 5 << 20, BODY_BYTES_MAX] {
        stub.forget();
        let body = numbers.slice(..length);
        assert_eq!(client.post("Query", body.clone()).await.status, 200);
        assert!(stub.only().body == body, "{length} bytes");
        stub.forget();
        let mut sent = request("Query", gzip(&body));
        sent.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
        assert_eq!(client.send(sent).await.status, 200);
        assert!(stub.only().body == body, "{length} bytes, compressed");
    }
}

#[tokio::test]
async fn end_to_end_headers_go_up_and_those_of_the_connection_do_not() {
    let stub = Stub::answering(Answer::ok("{}"));
    let node = Node::before(&stub).await;
    let kept = [
        ("content-type", "application/x-amz-json-1.0; charset=utf-8"),
        ("user-agent", "aws-sdk-rust/1.0 os/linux"),
        ("amz-sdk-invocation-id", "3f5b1a2c"),
        ("amz-sdk-request", "attempt=1; max=3"),
        ("x-amz-user-agent", "aws-sdk-js/3"),
        ("x-amz-of-the-future", "1"),
        ("x-anything", "one"),
        ("x-anything", "two, three"),
        ("x-odd", "tab\there"),
        ("cookie", "a=b"),
        ("x-forwarded-for", "192.0.2.1"),
    ];
    let dropped = [
        ("connection", "keep-alive, X-Listed ,x-too"),
        ("connection", "x-third"),
        ("x-listed", "1"),
        ("x-too", "1"),
        ("x-third", "1"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("proxy-authorization", "Basic c2VjcmV0"),
        ("te", "trailers"),
        ("trailer", "x-later"),
        ("upgrade", "h2c"),
        ("accept-encoding", "gzip, br"),
    ];
    let replaced = [
        ("authorization", "AWS4-HMAC-SHA256 Credential=THEIRS/20200101/eu-west-1/dynamodb/aws4_request"),
        ("x-amz-date", "20200101T000000Z"),
        ("x-amz-security-token", "theirs"),
        ("x-amz-content-sha256", "0000"),
    ];
    let mut sent = request("Query", "{}");
    sent.headers_mut().remove("content-type");
    for (name, value) in kept.iter().chain(&dropped).chain(&replaced) {
        sent.headers_mut().append(*name, HeaderValue::from_str(value).unwrap());
    }
    Client::connect(node.json).await.send(sent).await;

    let received = stub.only();
    for (name, _) in kept {
        let of = |headers: &[(&str, &str)]| -> Vec<String> {
            headers.iter().filter(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()).collect()
        };
        let values = received.headers.get_all(name).iter().map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(values.collect::<Vec<_>>(), of(&kept), "{name}");
    }
    for (name, _) in dropped {
        assert!(!received.headers.contains_key(name), "{name}: {:?}", received.headers);
    }
    for (name, value) in replaced {
        assert_ne!(received.header(name), value, "{name}");
    }
    assert_eq!(received.header("host"), stub.address.to_string());
    assert_eq!(received.headers.get_all("x-amz-target").iter().count(), 1);
}

#[tokio::test]
async fn a_header_that_is_not_text_goes_up_too() {
    let stub = Stub::answering(Answer::ok("{}"));
    let node = Node::before(&stub).await;
    let mut sent = request("Query", "{}");
    sent.headers_mut().insert("x-binary", HeaderValue::from_bytes(b"\xff\xfe caf\xe9").unwrap());
    Client::connect(node.json).await.send(sent).await;
    assert_eq!(stub.only().headers["x-binary"].as_bytes(), b"\xff\xfe caf\xe9");
}

#[tokio::test]
async fn http2_and_gzip_stay_on_this_side() {
    let stub = Stub::answering(Answer::ok("{}"));
    let node = Node::before(&stub).await;
    let mut sent = request("Query", gzip(b"{\"TableName\":\"Music\"}"));
    sent.headers_mut().insert("content-encoding", HeaderValue::from_static("gzip"));
    Client::connect_http2(node.json).await.send(sent).await;
    let received = stub.only();
    assert_eq!(received.body, "{\"TableName\":\"Music\"}");
    assert!(!received.headers.contains_key("content-encoding"));
    assert_eq!(received.header("host"), stub.address.to_string());
}

#[tokio::test]
async fn answers_come_back_byte_for_byte() {
    let statuses = [200, 201, 302, 400, 403, 413, 429, 500, 503, 599];
    let bodies: [&[u8]; 4] = [b"", b"{\"Item\" : {}}", b"\x00\xff not json", &[b'x'; 100_000]];
    for (status, body) in statuses.into_iter().zip(bodies.into_iter().cycle()) {
        let answer = Answer::of(status, body)
            .with("x-amzn-requestid", "THEIRS")
            .with("x-amz-crc32", "12345")
            .with("server", "Server")
            .with("date", "Tue, 01 Jan 2030 00:00:00 GMT")
            .with("location", "http://elsewhere.example/")
            .with("x-anything", "one")
            .with("x-anything", "two");
        let expected = answer.headers.clone();
        let stub = Stub::answering(answer);
        let node = Node::before(&stub).await;
        // A write, so that nothing is asked twice.
        let mut got = node.post("PutItem", "{").await;
        assert_eq!(got.status.as_u16(), status);
        assert_eq!(got.body, body, "{status}");
        assert_eq!(got.header("content-length"), body.len().to_string());
        assert_eq!(got.outcome(), "fwd=bypass; detail=write");
        got.headers.remove("content-length");
        got.headers.remove("cache-status");
        assert_eq!(got.headers, expected, "{status}");
        assert_eq!(stub.received().len(), 1);
    }
}

#[tokio::test]
async fn what_an_upstream_leaves_out_is_added() {
    // A server of another vendor may know nothing of request ids and checksums.
    let stub = Stub::answering(Answer::ok("{}"));
    let node = Node::before(&stub).await;
    let answer = node.post("Query", "{}").await;
    assert_eq!(answer.header("x-amz-crc32"), crc32(b"{}").to_string());
    assert_eq!(answer.header("x-amzn-requestid").len(), 52);
    assert!(answer.headers.contains_key("date"));
}

#[tokio::test]
async fn headers_of_the_upstreams_connection_stay_there() {
    let stub = Stub::answering(
        Answer::ok("{}")
            .with("connection", "x-listed, keep-alive")
            .with("x-listed", "1")
            .with("keep-alive", "timeout=5")
            .with("proxy-authenticate", "Basic")
            .with("x-kept", "1"),
    );
    let node = Node::before(&stub).await;
    let answer = node.post("Query", "{}").await;
    for name in ["connection", "x-listed", "keep-alive", "proxy-authenticate"] {
        assert!(!answer.headers.contains_key(name), "{name}: {:?}", answer.headers);
    }
    assert_eq!(answer.header("x-kept"), "1");
}

#[tokio::test]
async fn the_cache_status_of_caches_farther_up_is_kept() {
    let stub = Stub::answering(Answer::ok("{}").with("cache-status", "dax; hit, edge; fwd=miss"));
    let node = Node::before(&stub).await;
    let answer = node.post("DescribeLimits", "{}").await;
    let statuses: Vec<_> = answer.headers.get_all("cache-status").iter().collect();
    assert_eq!(statuses, ["dax; hit, edge; fwd=miss", "linac; fwd=bypass; detail=not-cached"]);
}

#[tokio::test]
async fn an_answer_in_chunks_comes_back_whole() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let listener = base::listen(([127, 0, 0, 1], 0).into()).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    base::Drain::new().spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _head = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n\
            4\r\n{\"It\r\n8;ext=1\r\nem\":{} }\r\n0\r\nX-Sum: 1\r\n\r\n";
        stream.write_all(answer.as_bytes()).await.unwrap();
        // The node closes first, or the test ends.
        let _closed = stream.read(&mut [0]).await;
    });
    let node = Node::start(crate::node::config(&url, &[])).await;
    let answer = node.post("Query", "{}").await;
    assert_eq!(answer.body, "{\"Item\":{} }");
    assert_eq!(answer.header("content-length"), "12");
    assert!(!answer.headers.contains_key("transfer-encoding"));
    assert!(!answer.headers.contains_key("trailer"));
}

/// The checksum of `x-amz-crc32` (IEEE 802.3), bit by bit.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1)))
    })
}
