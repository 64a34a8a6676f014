//! What a node costs, each figure beside something measured in the same run.
//!
//! `cargo build --release && cargo bench -p linac-app` starts the release binary, a bare hyper server that answers
//! the same bytes, and a load generator, each as a process of its own (pinned to one core each where `taskset` is there), and prints:
//! server CPU and throughput of a cached `GetItem` against the bare server, the latency that a miss adds and that a write costs, resident
//! memory for each cached item, and start-up time and memory of an idle node; then what the bundled engine costs
//! (`engine.rs`). `cargo bench -p linac-app -- engine 1024 /mnt/disk` measures the engine alone, with 1,024 MB of items in a directory on
//! that disk; `cargo bench -p linac-app -- dax` the DAX door alone, beside the JSON door and Redis (`dax.rs`).
//!
//! Loopback only. Read the ratios: single figures drift with the machine.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod bare;
mod dax;
mod engine;
mod load;
mod process;

use std::time::Duration;

use load::Ask;
use process::{Server, median};

/// Rounds of every comparison; odd rounds go in the opposite order.
const ROUNDS: usize = 5;

/// Keys that are asked for in turn.
const KEYS: usize = 4096;

/// Items of the memory measurement.
const ITEMS: usize = 200_000;

fn main() {
    // Cargo adds a flag of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.first().map(String::as_str) {
        Some("bare") => bare::serve(),
        Some("load") => load::run(&arguments[1..]),
        Some("engine") => engine::compare(&arguments[1..]),
        Some("dax") => dax::compare(),
        Some("load-dax") => dax::run(&arguments[1..]),
        Some("load-redis") => dax::run_redis(&arguments[1..]),
        _ => {
            compare();
            dax::compare();
            engine::compare(&[]);
        }
    }
}

fn compare() {
    hits();
    misses();
    writes();
    memory();
    start_up();
}

/// A cached GetItem against a bare hyper server that answers the same bytes.
fn hits() {
    let origin = Server::bare();
    let node = Server::before(&origin.url, &["--cache", "on"]);
    let bare = Server::bare();
    for server in [&node, &bare] {
        load::measure(server, Ask::Get, 1, KEYS, Duration::ZERO, KEYS);
    }
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let run = |server: &Server| load::measure(server, Ask::Get, 64, KEYS, Duration::from_secs(2), 0);
        let (node, bare) = match round % 2 {
            0 => (run(&node), run(&bare)),
            _ => {
                let bare = run(&bare);
                (run(&node), bare)
            }
        };
        rounds.push((node, bare));
    }
    let of =
        |pick: &dyn Fn(&(load::Figures, load::Figures)) -> f64| median(rounds.iter().map(pick).collect());
    println!("cached GetItem, 64 connections, {ROUNDS} rounds, medians:");
    println!(
        "  server CPU a request: node {:.2} us, bare hyper {:.2} us, ratio {:.2}",
        of(&|(node, _)| node.cpu_micros),
        of(&|(_, bare)| bare.cpu_micros),
        of(&|(node, bare)| node.cpu_micros / bare.cpu_micros),
    );
    println!(
        "  requests a second:    node {:.0}, bare hyper {:.0}, ratio {:.2}",
        of(&|(node, _)| node.per_second),
        of(&|(_, bare)| bare.per_second),
        of(&|(node, bare)| node.per_second / bare.per_second),
    );
}

/// What a miss adds to the origin's own latency, one request at a time.
fn misses() {
    let origin = Server::bare();
    let node = Server::before(&origin.url, &["--cache", "on"]);
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let first_key = 1_000_000 * (round + 1);
        let through = load::measure_from(&node, Ask::Get, 1, first_key, 2000);
        let direct = load::measure_from(&origin, Ask::Get, 1, first_key, 2000);
        rounds.push((through.p50_micros, direct.p50_micros));
    }
    let through = median(rounds.iter().map(|(through, _)| *through).collect());
    let direct = median(rounds.iter().map(|(_, direct)| *direct).collect());
    println!("a miss, one connection, {ROUNDS} rounds of 2000, medians of the 50th percentile:");
    println!(
        "  through the node {through:.0} us, straight to the origin {direct:.0} us: adds {:.0} us, ratio {:.2}",
        through - direct,
        through / direct
    );
}

/// What keeping its promises adds to a write of 400 bytes, one request at a time.
fn writes() {
    let origin = Server::bare();
    let nodes = ["on", "off"].map(|cache| Server::before(&origin.url, &["--cache", cache]));
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let run = |node: &Server| load::measure_from(node, Ask::Put, 1, 1_000_000 * round, 2000);
        rounds.push(nodes.each_ref().map(run));
    }
    let of = |pick: &dyn Fn(&[load::Figures; 2]) -> f64| median(rounds.iter().map(pick).collect());
    println!("a write, one connection, {ROUNDS} rounds of 2000, medians:");
    println!(
        "  50th percentile: cache on {:.0} us, off {:.0} us: adds {:.0} us; server CPU: adds {:.0} us",
        of(&|[on, _]| on.p50_micros),
        of(&|[_, off]| off.p50_micros),
        of(&|[on, off]| on.p50_micros - off.p50_micros),
        of(&|[on, off]| on.cpu_micros - off.cpu_micros),
    );
}

/// Resident memory for each cached item of 400 bytes.
fn memory() {
    let origin = Server::bare();
    let node = Server::before(&origin.url, &["--cache", "on"]);
    load::measure_from(&node, Ask::Get, 16, 0, 2000);
    let before = node.resident_bytes();
    load::measure_from(&node, Ask::Get, 16, 10_000_000, ITEMS);
    let each = (node.resident_bytes() - before) as f64 / ITEMS as f64;
    let (counted, entries) = (node.metric("linac_cache_bytes"), node.metric("linac_cache_entries"));
    println!("memory, {ITEMS} items of 400 bytes:");
    println!(
        "  resident growth {each:.0} bytes an item; the budget counts {:.0}; ratio {:.2}",
        counted / entries,
        each * entries / counted
    );
}

/// From the start of the process to the first answer, and what an idle one holds.
fn start_up() {
    let origin = Server::bare();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        let node = Server::before(&origin.url, &[]);
        let bare = Server::bare();
        rounds.push((
            node.start_up,
            bare.start_up,
            node.resident_bytes() as f64,
            bare.resident_bytes() as f64,
        ));
    }
    let millis = |span: Duration| span.as_secs_f64() * 1000.0;
    let node = median(rounds.iter().map(|round| millis(round.0)).collect());
    let bare = median(rounds.iter().map(|round| millis(round.1)).collect());
    println!(
        "start-up to the first answer: node {node:.1} ms, bare hyper {bare:.1} ms, ratio {:.2}",
        node / bare
    );
    let mib = f64::from(1 << 20);
    let node = median(rounds.iter().map(|round| round.2 / mib).collect());
    let bare = median(rounds.iter().map(|round| round.3 / mib).collect());
    println!("resident when idle: node {node:.1} MiB, bare hyper {bare:.1} MiB, ratio {:.2}", node / bare);
}
