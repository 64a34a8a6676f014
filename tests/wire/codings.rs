//! Content codings: answers that are compressed if asked for, requests that come so, and those whose coding nobody
//! knows.

use std::io::{Read, Write};

use flate2::{
    Compression,
    read::{GzDecoder, ZlibDecoder},
    write::ZlibEncoder,
};
use serde_json::json;

use crate::{
    client::{Answer, Client, request},
    dynamo::{Dynamo, get},
    forwarding::crc32,
    node::{Node, over_engine},
    stub::{self, Stub},
};

/// From so many bytes on an answer is compressed.
const COMPRESSED_BYTES_MIN: usize = 4096;

/// The answer to a call that accepts a coding, with its checksum held against what was sent.
async fn accepting(client: &mut Client, coding: &str, operation: &str, body: &str) -> Answer {
    let mut sent = request(operation, body.to_owned());
    if !coding.is_empty() {
        sent.headers_mut().insert("accept-encoding", coding.parse().unwrap());
    }
    let answer = client.send(sent).await;
    assert_eq!(answer.header("x-amz-crc32"), crc32(&answer.body).to_string(), "{coding:?}");
    assert_eq!(answer.header("content-length"), answer.body.len().to_string(), "{coding:?}");
    answer
}

/// The body without its coding.
fn plain(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    match answer.header("content-encoding") {
        "" => plain.extend(&answer.body),
        "gzip" => drop(GzDecoder::new(&answer.body[..]).read_to_end(&mut plain).unwrap()),
        "deflate" => drop(ZlibDecoder::new(&answer.body[..]).read_to_end(&mut plain).unwrap()),
        other => panic!("{other}"),
    }
    plain
}

#[tokio::test]
async fn large_answers_are_compressed_if_that_is_asked_for() {
    let stub = Stub::with_tables(|received| async move { stub::Answer::ok(received.body).into() });
    let node = Node::before(&stub).await;
    let mut client = Client::connect(node.json).await;
    for length in [2, COMPRESSED_BYTES_MIN - 1, COMPRESSED_BYTES_MIN, 100_000, 1 << 20] {
        let body = " ".repeat(length);
        for (asked, put_on) in [
            ("", ""),
            ("identity", ""),
            ("br, zstd", ""),
            ("gzip;q=0", ""),
            ("gzip", "gzip"),
            ("deflate", "deflate"),
            ("gzip, deflate, br", "gzip"),
            ("gzip;q=0.5, deflate", "deflate"),
            ("*", "gzip"),
        ] {
            let answer = accepting(&mut client, asked, "Query", &body).await;
            let put_on = if length >= COMPRESSED_BYTES_MIN { put_on } else { "" };
            assert_eq!(answer.header("content-encoding"), put_on, "{length} {asked:?}");
            assert_eq!(answer.header("content-type"), "application/x-amz-json-1.0");
            assert!(plain(&answer) == body.as_bytes(), "{length} {asked:?}");
            let is_smaller = answer.body.len() < length / 20;
            assert_eq!(is_smaller, !put_on.is_empty(), "{length} {asked:?}: {}", answer.body.len());
        }
    }
    // What the client accepts is between it and this node.
    assert!(stub.received().iter().all(|received| !received.headers.contains_key("accept-encoding")));
}

#[tokio::test]
async fn a_coding_that_the_origin_put_on_is_left_alone() {
    let coded = "not really brotli, but how should a proxy know? ".repeat(1000);
    let coded_too = coded.clone();
    let stub = Stub::start(move |_| {
        let answer = stub::Answer::ok(coded_too.clone()).with("content-encoding", "br");
        std::future::ready(answer.into())
    });
    let node = Node::before(&stub).await;
    let answer = accepting(&mut Client::connect(node.json).await, "gzip", "PutItem", "{}").await;
    assert_eq!((answer.header("content-encoding"), &answer.body[..]), ("br", coded.as_bytes()));
}

#[tokio::test]
async fn hits_errors_and_the_engines_answers_are_compressed_too() {
    let node = over_engine(&[]).await;
    let mut client = Client::connect(node.json).await;
    let table = json!({
        "TableName": "Music",
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
        "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
    });
    assert_eq!(client.post("CreateTable", table.to_string()).await.status, 200);
    let item = json!({ "p": { "S": "a" }, "long": { "S": "la ".repeat(3000) } });
    let put = json!({ "TableName": "Music", "Item": item }).to_string();
    assert_eq!(client.post("PutItem", put).await.status, 200);
    let scan = json!({ "TableName": "Music" }).to_string();
    let get = get("Music", "a");
    let misplaced = json!({ "TableName": "x".repeat(5000), "Key": {} }).to_string();
    let calls = [("GetItem", &get, 200), ("Scan", &scan, 200), ("GetItem", &misplaced, 400)];
    // The first answer is put into the cache, where one serves whatever is accepted.
    for round in 0..3 {
        for (operation, body, status) in calls {
            let as_it_is = accepting(&mut client, "", operation, body).await;
            assert_eq!(as_it_is.status, status);
            for coding in ["gzip", "deflate"] {
                let answer = accepting(&mut client, coding, operation, body).await;
                assert_eq!((answer.status.as_u16(), answer.header("content-encoding")), (status, coding));
                assert!(plain(&answer) == as_it_is.body, "{operation} {coding}");
                if operation == "GetItem" && status == 200 && round > 0 {
                    assert_eq!(answer.outcome(), "hit");
                }
            }
        }
    }
}

#[tokio::test]
async fn deflate_is_taken_off_requests() {
    let stub = Stub::answering(stub::Answer::ok("{}"));
    let node = Node::before(&stub).await;
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(b"{\"TableName\":\"Music\"}").unwrap();
    let coded = encoder.finish().unwrap();
    let twice = coded.repeat(2);
    for (body, status, error) in [
        (&coded[..], 200, ""),
        (b"{}", 500, "InternalServerError"),
        (b"", 500, "InternalServerError"),
        (&coded[..coded.len() - 1], 500, "InternalServerError"),
        (&twice, 500, "InternalServerError"),
    ] {
        let mut sent = request("Query", body.to_vec());
        sent.headers_mut().insert("content-encoding", "Deflate".parse().unwrap());
        let answer = Client::connect(node.json).await.send(sent).await;
        assert_eq!((answer.status.as_u16(), answer.error().as_str()), (status, error), "{body:?}");
    }
    let received = stub.only();
    assert_eq!(received.body, "{\"TableName\":\"Music\"}");
    assert!(!received.headers.contains_key("content-encoding"));
}

#[tokio::test]
async fn a_request_whose_coding_nobody_knows_is_not_read() {
    let dynamo = Dynamo::new();
    dynamo.write(("Music".into(), "a".into()), crate::dynamo::item("a", 1));
    let stub = dynamo.stub();
    let node = Node::before(&stub).await;
    let mut client = Client::connect(node.json).await;
    for _ in 0..2 {
        client.post("GetItem", get("Music", "a")).await;
    }
    stub.forget();
    let coded = |operation: &str, coding: &str, body: String| {
        let mut sent = request(operation, body);
        sent.headers_mut().insert("content-encoding", coding.parse().unwrap());
        sent
    };
    // It looks like what is in the cache, but the origin may see something else in it.
    let answer = client.send(coded("GetItem", "rot13", get("Music", "a"))).await;
    assert_eq!(
        (answer.status.as_u16(), answer.outcome().as_str()),
        (200, "fwd=bypass; detail=not-understood")
    );
    assert_eq!(stub.only().header("content-encoding"), "rot13");
    let answer = client.send(coded("GetItem", "identity", get("Music", "a"))).await;
    assert_eq!(answer.outcome(), "hit");
    // And a write may be one of anything.
    let put = crate::dynamo::put("Music", "b", 2);
    assert_eq!(client.send(coded("PutItem", "rot13", put)).await.status, 200);
    assert_ne!(client.post("GetItem", get("Music", "a")).await.outcome(), "hit");

    let node = over_engine(&[]).await;
    let mut client = Client::connect(node.json).await;
    for (coding, status) in [("rot13", 500), ("gzip, gzip", 500), ("identity", 200)] {
        let answer = client.send(coded("ListTables", coding, "{}".to_owned())).await;
        assert_eq!(answer.status, status, "{coding}");
        assert_eq!(answer.error(), if status == 200 { "" } else { "InternalServerError" });
    }
}
