//! What the allocator has handed out for entries, beside the budget that the cache was given.
//!
//! `cargo bench -p linac-cache --bench memory` has clients read, and write, through small caches far more than
//! fits, from several tasks at once, and shows how full the allocator says the cache was: at the worst moment,
//! and once all was quiet. What a cache has before its first entry (the slots of its stamps) is not counted.
//! Beside it stands by how much the process grew, which holds the allocator's own needs too; each load has a
//! process to itself.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod rig;

use std::{
    alloc::System,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use backend::Call;
use bytes::{Bytes, BytesMut};
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng};
use rig::{Node, body_of, key_of};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const BUDGET: u64 = 64 << 20;
/// The keys that are asked for at a time are so many times those that fit.
const WINDOW: f64 = 1.5;
/// By the end so many times the keys that fit were asked for, each several times.
const TURNS: f64 = 3.0;
const TASKS: u64 = 16;
/// An HTTP client gives out bodies as parts of the buffer that it reads into.
const READ_BUFFER: usize = 64 << 10;

/// What clients ask for, and how large the answers are.
#[derive(Debug, Clone, Copy)]
enum Load {
    /// Items with so many bytes beside the key.
    Items(usize),
    /// Items of three sizes.
    Mixed,
    /// Keys without an item.
    Absent,
    /// Queries whose pages have ten items of so many bytes.
    Pages(usize),
    /// Items that are read and replaced, half and half.
    Written(usize),
}

const LOADS: [Load; 8] = [
    Load::Items(100),
    Load::Items(1_000),
    Load::Items(10_000),
    Load::Mixed,
    Load::Absent,
    Load::Written(1_000),
    Load::Pages(100),
    Load::Pages(1_000),
];

fn main() {
    // Cargo adds a flag of its own.
    let number = std::env::args().skip(1).find_map(|argument| argument.parse::<usize>().ok());
    if let Some(number) = number {
        return churn(LOADS[number]);
    }
    println!(
        "budget {} MiB; in % of it: as the cache counts, as the allocator does, resident\n",
        BUDGET >> 20
    );
    println!(
        "{:<16} {:>8} {:>8} {:>8} {:>9} {:>8} {:>14}",
        "load", "counted", "worst", "quiet", "resident", "entries", "uncounted each"
    );
    for number in 0..LOADS.len() {
        let program = std::env::current_exe().unwrap();
        let status = std::process::Command::new(program).arg(number.to_string()).status();
        assert!(status.unwrap().success());
    }
}

/// Bytes that were handed out and not given back.
fn allocated() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated)
}

fn churn(load: Load) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build().unwrap();
    let node = Arc::new(Node::new(BUDGET, move |call| load.answer(call)));
    let mut random = SmallRng::seed_from_u64(6);
    // The table is described, and threads have what they need.
    runtime.block_on(node.is_hit(load.call(&node, 0, &mut random)));
    let (before, resident_before) = (allocated(), resident());
    let worst = Arc::new(AtomicUsize::new(0));
    let fitting = BUDGET as f64 / (load.bytes() + 700) as f64;
    let reads = (fitting * TURNS * 2.0) as u64 / TASKS;
    runtime.block_on(async {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let (node, worst) = (Arc::clone(&node), Arc::clone(&worst));
            tasks.spawn(async move {
                let mut random = SmallRng::seed_from_u64(task);
                for read in 0..reads {
                    let first = fitting * TURNS * read as f64 / reads as f64;
                    let key = first + fitting * WINDOW * random.random::<f64>();
                    node.is_hit(load.call(&node, key as u64, &mut random)).await;
                    worst.fetch_max(allocated(), Ordering::Relaxed);
                }
            });
        }
        tasks.join_all().await;
        // The cache tidies up now and then, at the occasion of a read.
        for _ in 0..200 {
            tokio::time::sleep(Duration::from_millis(5)).await;
            node.ready(&load.call(&node, 0, &mut random));
        }
        node.is_hit(load.call(&node, u64::MAX >> 40, &mut random)).await;
    });
    let percent = |bytes: usize| 100.0 * bytes as f64 / BUDGET as f64;
    let (quiet, grown) = (allocated() - before, resident().saturating_sub(resident_before));
    let (counted, entries) = (node.gauge("cache_bytes"), node.gauge("cache_entries"));
    println!(
        "{:<16} {:>8.1} {:>8.1} {:>8.1} {:>9.1} {entries:>8} {:>14.0}",
        load.name(),
        percent(counted as usize),
        percent(worst.load(Ordering::Relaxed) - before),
        percent(quiet),
        percent(grown),
        (quiet as f64 - counted) / entries,
    );
}

/// What of this process lies in memory.
fn resident() -> usize {
    let figures = std::fs::read_to_string("/proc/self/statm").unwrap();
    figures.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

impl Load {
    fn name(self) -> String {
        match self {
            Load::Items(bytes) => format!("items of {bytes}"),
            Load::Mixed => "mixed items".to_owned(),
            Load::Absent => "absent items".to_owned(),
            Load::Pages(bytes) => format!("pages of 10x{bytes}"),
            Load::Written(bytes) => format!("written, {bytes}"),
        }
    }

    /// About what a body takes.
    fn bytes(self) -> usize {
        match self {
            Load::Items(bytes) | Load::Written(bytes) => bytes,
            Load::Mixed => 3_700,
            Load::Absent => 0,
            Load::Pages(bytes) => 10 * bytes,
        }
    }

    fn call(self, node: &Node, key: u64, random: &mut SmallRng) -> Call {
        match self {
            Load::Pages(_) => node.call("Query", body_of("Query", key)),
            Load::Written(bytes) if random.next_u64().is_multiple_of(2) => {
                let item = item(key, bytes);
                node.call("PutItem", format!(r#"{{"TableName":"Tab","Item":{item}}}"#))
            }
            _ => node.call("GetItem", body_of("GetItem", key)),
        }
    }

    fn answer(self, call: &Call) -> Bytes {
        let key = key_of(call);
        let body = match (call.target().word(), self) {
            ("GetItem", Load::Items(bytes) | Load::Written(bytes)) => {
                format!(r#"{{"Item":{}}}"#, item(key, bytes))
            }
            ("GetItem", Load::Mixed) => {
                format!(r#"{{"Item":{}}}"#, item(key, [100, 1_000, 10_000][key as usize % 3]))
            }
            ("Query", Load::Pages(bytes)) => {
                let items = [(); 10].map(|()| item(key, bytes)).join(",");
                format!(r#"{{"Items":[{items}],"Count":10,"ScannedCount":10}}"#)
            }
            _ => "{}".to_owned(),
        };
        let mut buffer = BytesMut::with_capacity(READ_BUFFER);
        buffer.extend_from_slice(body.as_bytes());
        buffer.split().freeze()
    }
}

fn item(key: u64, bytes: usize) -> String {
    format!(r#"{{"p":{{"S":"{key:08}"}},"a":{{"S":"{:-<bytes$}"}}}}"#, "")
}
