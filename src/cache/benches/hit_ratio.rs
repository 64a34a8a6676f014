//! How many reads of a trace are hits: the cache's policy beside LRU and beside the optimum.
//!
//! `cargo bench -p linac-cache --bench hit_ratio` sends each trace through a cache as clients would, with room
//! for 1 % and for 10 % of the keys. All items are of one size, so that room is a number of entries for all
//! three. The optimum is Belady's, which knows the future: it keeps what is asked for soonest, and takes
//! nothing in that is asked for later than all that it has.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on stops")]

mod rig;

use std::{
    collections::{BTreeSet, HashMap},
    num::NonZeroUsize,
};

use bytes::Bytes;
use lru::LruCache;
use rand::{SeedableRng, rngs::SmallRng};
use rand_distr::{Distribution, Zipf};
use rig::{Node, body_of, key_of};

const KEYS: u64 = 100_000;
const READS: usize = 500_000;
const EXPONENT: f64 = 0.99;
const SEED: u64 = 6;
/// After so many reads by clients comes a scan of so many keys.
const SCAN_EVERY: usize = 40_000;
const SCAN: usize = 10_000;
/// After so many reads other keys are the hot ones.
const SHIFT_EVERY: usize = 50_000;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let weight = runtime.block_on(weight());
    println!("hits in % of {READS} reads; {KEYS} keys, Zipf {EXPONENT}\n");
    println!("{:<22} {:>5} {:>8} {:>8} {:>8}", "trace", "room", "linac", "LRU", "optimum");
    for (name, trace) in
        [("Zipf", zipf()), ("Zipf and scans", scanned()), ("Zipf, hot keys move", shifting())]
    {
        for percent in [1, 10] {
            let entries = KEYS as usize * percent / 100;
            let linac = runtime.block_on(hits(&trace, entries as u64 * weight));
            let ratios = [linac, lru(&trace, entries), optimum(&trace, entries)]
                .map(|hits| 100.0 * hits as f64 / trace.len() as f64);
            let [linac, lru, optimum] = ratios;
            println!("{name:<22} {percent:>3} % {linac:>8.1} {lru:>8.1} {optimum:>8.1}");
        }
    }
}

/// Keys by rank: the first is the hottest.
fn ranks() -> impl Iterator<Item = u64> {
    let zipf = Zipf::new(KEYS as f64, EXPONENT).unwrap();
    zipf.sample_iter(SmallRng::seed_from_u64(SEED)).map(|rank: f64| rank as u64 - 1)
}

fn zipf() -> Vec<u64> {
    ranks().take(READS).collect()
}

/// Every so often somebody reads a run of keys that nobody else asks for, each once.
fn scanned() -> Vec<u64> {
    let (mut ranks, mut cold) = (ranks(), KEYS..);
    let mut trace = Vec::with_capacity(READS + SCAN);
    while trace.len() < READS {
        trace.extend(ranks.by_ref().take(SCAN_EVERY));
        trace.extend(cold.by_ref().take(SCAN));
    }
    trace.truncate(READS);
    trace
}

/// The hottest keys become cold at once, and others hot.
fn shifting() -> Vec<u64> {
    let shifted = |(read, rank): (usize, u64)| (rank + (read / SHIFT_EVERY) as u64 * KEYS / 10) % KEYS;
    ranks().take(READS).enumerate().map(shifted).collect()
}

fn node(bytes_max: u64) -> Node {
    let filling = "-".repeat(800);
    Node::new(bytes_max, move |call| {
        let key = key_of(call);
        Bytes::from(format!(r#"{{"Item":{{"p":{{"S":"{key:08}"}},"a":{{"S":"{filling}"}}}}}}"#))
    })
}

/// What each of the entries takes of the budget.
async fn weight() -> u64 {
    let node = node(1 << 30);
    for key in 0..10_000 {
        node.is_hit(node.call("GetItem", body_of("GetItem", key))).await;
    }
    (node.gauge("cache_bytes") / node.gauge("cache_entries")) as u64
}

async fn hits(trace: &[u64], bytes_max: u64) -> usize {
    let node = node(bytes_max);
    let mut hits = 0;
    for key in trace {
        hits += usize::from(node.is_hit(node.call("GetItem", body_of("GetItem", *key))).await);
    }
    hits
}

fn lru(trace: &[u64], entries: usize) -> usize {
    let mut kept = LruCache::new(NonZeroUsize::new(entries).unwrap());
    trace.iter().filter(|key| kept.put(**key, ()).is_some()).count()
}

fn optimum(trace: &[u64], entries: usize) -> usize {
    let mut asked_later = HashMap::new();
    let mut next: Vec<Option<usize>> = Vec::with_capacity(trace.len());
    next.extend(trace.iter().enumerate().rev().map(|(read, key)| asked_later.insert(key, read)));
    next.reverse();
    // What is kept, as the moments when it will be asked for.
    let mut kept = BTreeSet::new();
    let mut hits = 0;
    for (read, next) in next.into_iter().enumerate() {
        hits += usize::from(kept.remove(&read));
        kept.extend(next);
        if kept.len() > entries {
            kept.pop_last();
        }
    }
    hits
}
