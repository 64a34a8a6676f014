//! The DAX door beside the JSON door, and beside `redis-server` where there is one.
//!
//! The same cached items, read in turn over 64 connections, one request under way on each. The DAX load is made by the
//! small client of `doors/dax`, its requests encoded beforehand.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use dax_door::{Layering, client::Client};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};

use crate::{
    KEYS, ROUNDS,
    load::{self, Ask, Figures, figures},
    process::{Server, median},
};

const CONNECTIONS: usize = 64;
const SPAN: Duration = Duration::from_secs(2);
/// As many as an item of the load has.
const VALUE_BYTES: usize = 400;

/// Prints throughput, latency and CPU of hits.
pub(crate) fn compare() {
    let origin = Server::bare();
    let node = Server::before(&origin.url, &["--cache", "on", "--dax", "127.0.0.1:0"]);
    let redis = Server::redis();
    load::measure(&node, Ask::Get, 1, KEYS, Duration::ZERO, KEYS);
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let http = || load::measure(&node, Ask::Get, CONNECTIONS, KEYS, SPAN, 0);
        let (over_http, over_dax) = match round % 2 {
            0 => (http(), over_dax(&node)),
            _ => {
                let over_dax = over_dax(&node);
                (http(), over_dax)
            }
        };
        let of_redis = redis.as_ref().map(|redis| load::run_as("load-redis", redis, &plan(&redis.url)));
        rounds.push((over_http, over_dax, of_redis));
    }
    println!("cached GetItem over DAX, {CONNECTIONS} connections, {ROUNDS} rounds, medians:");
    print("DAX", "HTTP", &rounds.iter().map(|(http, dax, _)| (dax, http)).collect::<Vec<_>>());
    let beside_redis: Vec<_> =
        rounds.iter().filter_map(|(_, dax, redis)| Some((dax, redis.as_ref()?))).collect();
    match beside_redis.is_empty() {
        true => println!("  redis-server is not on this machine: not compared"),
        false => print("DAX", &format!("redis GET of {VALUE_BYTES} bytes"), &beside_redis),
    }
}

fn over_dax(node: &Server) -> Figures {
    load::run_as("load-dax", node, &plan(node.dax.as_ref().expect("the node has a DAX door")))
}

fn plan(address: &str) -> Value {
    json!({ "address": address, "connections": CONNECTIONS, "keys": KEYS, "millis": SPAN.as_millis() as u64 })
}

fn print(one: &str, other: &str, rounds: &[(&Figures, &Figures)]) {
    let of = |pick: &dyn Fn(&Figures) -> f64| {
        let values =
            |which: &dyn Fn(&(&Figures, &Figures)) -> f64| median(rounds.iter().map(which).collect());
        let ratio = values(&|(one, other)| pick(one) / pick(other));
        (values(&|(one, _)| pick(one)), values(&|(_, other)| pick(other)), ratio)
    };
    let (a, b, ratio) = of(&|figures| figures.cpu_micros);
    println!("  server CPU a request: {one} {a:.2} us, {other} {b:.2} us, ratio {ratio:.2}");
    let (a, b, ratio) = of(&|figures| figures.per_second);
    println!("  requests a second:    {one} {a:.0}, {other} {b:.0}, ratio {ratio:.2}");
    let (a, b, ratio) = of(&|figures| figures.p50_micros);
    println!("  50th percentile:      {one} {a:.0} us, {other} {b:.0} us, ratio {ratio:.2}");
}

/// The DAX load generator's own process.
pub(crate) fn run(arguments: &[String]) {
    println!("{}", runtime().block_on(generate(&arguments[0])));
}

/// The Redis load generator's own process.
pub(crate) fn run_redis(arguments: &[String]) {
    println!("{}", runtime().block_on(generate_redis(&arguments[0])));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

struct Plan {
    address: SocketAddr,
    connections: usize,
    keys: usize,
    span: Duration,
}

impl Plan {
    fn read(text: &str) -> Plan {
        let plan: Value = serde_json::from_str(text).unwrap();
        let number = |name: &str| plan[name].as_u64().unwrap();
        Plan {
            address: plan["address"].as_str().unwrap().parse().unwrap(),
            connections: number("connections") as usize,
            keys: number("keys") as usize,
            span: Duration::from_millis(number("millis")),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn generate(plan: &str) -> Value {
    let Plan { address, connections, keys, span } = Plan::read(plan);
    let mut clients = Vec::new();
    for _ in 0..connections {
        clients.push(Client::connect(address, Layering::Plain).await.unwrap());
    }
    let mut requests = Vec::with_capacity(keys);
    for key in 0..keys {
        let key = json!({ "pk": { "S": format!("user#{key:010}") }, "sk": { "S": "profile" } });
        let get = json!({ "TableName": "Users", "Key": key });
        requests.push(clients[0].encode("GetItem", &get).await.unwrap());
    }
    let requests = Arc::new(requests);
    let began = Instant::now();
    let ends = began + span;
    let mut tasks = JoinSet::new();
    for (connection, mut client) in clients.into_iter().enumerate() {
        let requests = Arc::clone(&requests);
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            let mut turn = connection;
            while Instant::now() < ends {
                let sent = Instant::now();
                client.round_trip(&requests[turn % keys]).await.unwrap();
                latencies.push(sent.elapsed().as_nanos() as u64);
                turn += connections;
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await.into_iter().flatten().collect();
    figures(latencies, began.elapsed())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures real time")]
async fn generate_redis(plan: &str) -> Value {
    let Plan { address, connections, keys, span } = Plan::read(plan);
    let words = |words: &[&str]| {
        let each = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len()));
        format!("*{}\r\n{}", words.len(), each.collect::<String>())
    };
    let mut stream = TcpStream::connect(address).await.unwrap();
    for key in 0..keys {
        let set = words(&["SET", &format!("user#{key:010}"), &"x".repeat(VALUE_BYTES)]);
        stream.write_all(set.as_bytes()).await.unwrap();
        let mut answer = [0; 5];
        stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"+OK\r\n");
    }
    let began = Instant::now();
    let ends = began + span;
    let mut tasks = JoinSet::new();
    for connection in 0..connections {
        let requests: Vec<String> = (connection..keys)
            .step_by(connections)
            .map(|key| words(&["GET", &format!("user#{key:010}")]))
            .collect();
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut answer = vec![0; format!("${VALUE_BYTES}\r\n\r\n").len() + VALUE_BYTES];
            let mut latencies = Vec::new();
            for request in requests.iter().cycle() {
                if Instant::now() >= ends {
                    break;
                }
                let sent = Instant::now();
                stream.write_all(request.as_bytes()).await.unwrap();
                stream.read_exact(&mut answer).await.unwrap();
                assert_eq!(answer[0], b'$', "a value");
                latencies.push(sent.elapsed().as_nanos() as u64);
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await.into_iter().flatten().collect();
    figures(latencies, began.elapsed())
}
