//! The load generator: closed loop, one request under way on each connection.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::process::{Server, pinned};

/// What the load asks for.
#[derive(Debug, Clone, Copy, serde::Serialize, serde::Deserialize)]
pub(crate) enum Ask {
    /// `GetItem` of a key.
    Get,
    /// `PutItem` of an item of 400 bytes.
    Put,
    /// `BatchWriteItem` of 25 items of 1 KB; a key is a batch.
    Fill,
    /// `Query` of a page of 100 items.
    Query,
}

/// What a run showed.
pub(crate) struct Figures {
    pub(crate) per_second: f64,
    pub(crate) cpu_micros: f64,
    pub(crate) p50_micros: f64,
}

/// Loads a server from a process of its own, for `span` or for `count` requests, over `keys` keys in turn.
pub(crate) fn measure(
    server: &Server,
    ask: Ask,
    connections: usize,
    keys: usize,
    span: Duration,
    count: usize,
) -> Figures {
    let plan = json!({ "url": server.url, "ask": ask, "connections": connections, "first": 0, "keys": keys,
        "millis": span.as_millis() as u64, "count": count });
    run_apart(server, &plan)
}

/// Asks once for each of `count` keys.
pub(crate) fn measure_from(
    server: &Server,
    ask: Ask,
    connections: usize,
    first: usize,
    count: usize,
) -> Figures {
    let plan = json!({ "url": server.url, "ask": ask, "connections": connections, "first": first, "keys": count,
        "millis": 0, "count": count });
    run_apart(server, &plan)
}

fn run_apart(server: &Server, plan: &Value) -> Figures {
    run_as("load", server, plan)
}

/// Has a generator load a server: one of the words that this program understands.
pub(crate) fn run_as(generator: &str, server: &Server, plan: &Value) -> Figures {
    let this = std::env::current_exe().unwrap();
    let before = server.cpu();
    let mut command = pinned(1, this.to_str().unwrap());
    let output = command.args([generator, &plan.to_string()]).stderr(Stdio::inherit()).output().unwrap();
    let used = server.cpu() - before;
    let seen: Value = serde_json::from_slice(&output.stdout).expect("the load generator prints its figures");
    let requests = seen["requests"].as_f64().unwrap();
    Figures {
        per_second: requests / seen["seconds"].as_f64().unwrap(),
        cpu_micros: used.as_secs_f64() * 1e6 / requests,
        p50_micros: seen["p50_micros"].as_f64().unwrap(),
    }
}

/// The load generator's own process.
pub(crate) fn run(arguments: &[String]) {
    let plan: Value = serde_json::from_str(&arguments[0]).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    println!("{}", runtime.block_on(generate(&plan)));
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn generate(plan: &Value) -> Value {
    let number = |name: &str| plan[name].as_u64().unwrap() as usize;
    let (connections, first, keys, count) =
        (number("connections"), number("first"), number("keys"), number("count"));
    let ask: Ask = serde_json::from_value(plan["ask"].clone()).unwrap();
    let address = plan["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
    let began = Instant::now();
    let ends = began + Duration::from_millis(number("millis") as u64);
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let address = address.clone();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(&address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut latencies = Vec::new();
            let mut buffer = Vec::with_capacity(4096);
            // Each connection takes every n-th key.
            let mut turn = connection;
            while if count > 0 { turn < count } else { Instant::now() < ends } {
                let request = request(ask, first + turn % keys);
                let sent = Instant::now();
                stream.write_all(request.as_bytes()).await.unwrap();
                read_answer(&mut stream, &mut buffer).await;
                latencies.push(sent.elapsed().as_nanos() as u64);
                turn += connections;
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await.into_iter().flatten().collect();
    figures(latencies, began.elapsed())
}

/// What a generator prints.
pub(crate) fn figures(mut latencies: Vec<u64>, took: Duration) -> Value {
    let seconds = took.as_secs_f64();
    latencies.sort_unstable();
    let p50 = latencies.get(latencies.len() / 2).copied().unwrap_or(0);
    json!({ "requests": latencies.len(), "seconds": seconds, "p50_micros": p50 as f64 / 1000.0 })
}

/// Half of it looks random, so that it compresses about as well as what people store.
fn text(key: usize, bytes: usize) -> String {
    let mut state = key as u64;
    let mut text = String::with_capacity(bytes + 16);
    while text.len() < bytes / 2 {
        state = state.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        text.push_str(&format!("{:016x}", state ^ state >> 29));
    }
    text.truncate(bytes / 2);
    text.extend(std::iter::repeat_n('-', bytes - text.len()));
    text
}

/// A request as an SDK sends it, with a signature of the usual length.
fn request(ask: Ask, key: usize) -> String {
    let user = |key: usize, bytes: usize| {
        let text = text(key, bytes - 40);
        format!(r#"{{"pk":{{"S":"user#{key:010}"}},"sk":{{"S":"profile"}},"text":{{"S":"{text}"}}}}"#)
    };
    let (operation, body) = match ask {
        Ask::Get => (
            "GetItem",
            format!(r#"{{"TableName":"Users","Key":{{"pk":{{"S":"user#{key:010}"}},"sk":{{"S":"profile"}}}}}}"#),
        ),
        Ask::Put => ("PutItem", format!(r#"{{"TableName":"Users","Item":{}}}"#, user(key, 400))),
        Ask::Fill => {
            let put = |key| format!(r#"{{"PutRequest":{{"Item":{}}}}}"#, user(key, 1024));
            let puts: Vec<String> = (25 * key..25 * key + 25).map(put).collect();
            ("BatchWriteItem", format!(r#"{{"RequestItems":{{"Users":[{}]}}}}"#, puts.join(",")))
        }
        Ask::Query => (
            "Query",
            r#"{"TableName":"Users","KeyConditionExpression":"pk = :p","ExpressionAttributeValues":{":p":{"S":"page"}},"Limit":100}"#
                .to_owned(),
        ),
    };
    format!(
        "POST / HTTP/1.1\r\nhost: 127.0.0.1:8000\r\ncontent-type: application/x-amz-json-1.0\r\n\
         x-amz-target: DynamoDB_20120810.{operation}\r\nx-amz-user-agent: aws-sdk-js/3.1162.0\r\n\
         user-agent: aws-sdk-js/3.1162.0 ua/2.1 os/linux#6.18 lang/js md/nodejs#20.20.2 api/dynamodb#3.1162.0\r\n\
         amz-sdk-invocation-id: 8f1d3c9a-7a9e-4e0a-9c55-0c9d5c1f2b3a\r\namz-sdk-request: attempt=1; max=3\r\n\
         x-amz-date: 20261121T101500Z\r\n\
         x-amz-content-sha256: 0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\r\n\
         content-length: {}\r\nauthorization: AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261121/us-east-1/dynamodb/\
         aws4_request, SignedHeaders=amz-sdk-invocation-id;content-type;host;x-amz-content-sha256;x-amz-date;\
         x-amz-target;x-amz-user-agent, Signature=0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0\
         \r\naccept: */*\r\nconnection: keep-alive\r\n\r\n{body}",
        body.len()
    )
}

/// Reads one whole answer, which must be a success.
async fn read_answer(stream: &mut TcpStream, buffer: &mut Vec<u8>) {
    buffer.clear();
    let mut whole = usize::MAX;
    while buffer.len() < whole {
        assert_ne!(stream.read_buf(buffer).await.unwrap(), 0, "the server hung up");
        if whole == usize::MAX
            && let Some(head) = buffer.windows(4).position(|window| window == b"\r\n\r\n")
        {
            let text = std::str::from_utf8(&buffer[..head]).unwrap();
            assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
            let length = text.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
            whole = head + 4 + length.parse::<usize>().unwrap();
        }
    }
}
