//! The coherence contract, checked in simulated time.
//!
//! Many clients use a node in front of an origin that lags, fails, delays, and applies writes after it said
//! nothing; every read is judged against what really happened. `world.rs` puts a run together from a seed, of
//! `climate.rs`, `keys.rs` and `indexes.rs`; `clients.rs` uses the node, with `view.rs` and `query.rs` for what it may ask;
//! `origin.rs` is what it stands in front of, with the tables' `streams.rs`; `truth.rs` is what really happened.
//! `lags.rs` is what the node says of streams. `checker.rs` judges reads of
//! items, `checker/rows.rs` queries and scans; `mutants.rs` shows that they can fail.
//!
//! `SIM_SEED=17 cargo test --test sim` runs the world of one seed in every climate and tells the story of
//! what went wrong; `SIM_CLIMATE=Stormy` besides, in one climate.

mod checker;
mod clients;
mod climate;
mod indexes;
mod keys;
mod lags;
mod mutants;
mod origin;
mod query;
mod streams;
mod truth;
mod view;
mod world;

use std::sync::atomic::{AtomicUsize, Ordering};

use climate::Climate;
use world::{Plan, Summary, Tally};

/// In all runs together.
const OPERATIONS: u64 = 1_000_000;

/// In one run: enough for everything to expire several times.
const OPERATIONS_PER_RUN: u64 = 12_500;

/// A run with few hits proves nothing: of items, and of queries.
const HITS_MIN: [f64; 2] = [0.4, 0.15];

/// And so does one in which nobody was shown what had expired: reads of items, and queries.
const STALE_MIN: [u64; 2] = [200, 20];

#[test]
fn a_million_operations_keep_the_contract() {
    let is_replay = seed_to_replay().is_some() || climates_to_replay().count() < Climate::ALL.len();
    let seeds: Vec<u64> = match seed_to_replay() {
        Some(seed) => vec![seed],
        None => {
            let runs = OPERATIONS / OPERATIONS_PER_RUN;
            (0..runs.div_ceil(Climate::ALL.len() as u64)).collect()
        }
    };
    let plans: Vec<Plan> = seeds
        .iter()
        .flat_map(|seed| climates_to_replay().map(|climate| (*seed, climate)))
        .map(|(seed, climate)| Plan { seed, climate, operations: OPERATIONS_PER_RUN, removed: None })
        .collect();
    let runs = at_once(&plans, |plan: Plan| plan.run());
    for climate in Climate::ALL {
        report(&format!("{climate:?}"), runs.iter().filter(|(plan, _)| plan.climate == climate));
    }
    let tallies = report("all", runs.iter());
    for (plan, summary) in &runs {
        if let Some(violation) = &summary.violation {
            let Plan { seed, climate, .. } = plan;
            panic!("SIM_SEED={seed} ({climate:?}) broke {:?}:\n{}", violation.promise, violation.story);
        }
    }
    let has_hits = tallies.iter().zip(HITS_MIN).all(|(tally, min)| tally.hit_ratio() > min)
        && tallies.iter().zip(STALE_MIN).all(|(tally, min)| tally.stale >= min);
    assert!(is_replay || has_hits, "too few hits to prove anything");
}

#[test]
fn a_seed_replays_its_run() {
    // Evictions follow the real clock, so a cramped run replays only nearly.
    for climate in Climate::ALL.into_iter().filter(|climate| *climate != Climate::Cramped) {
        let run = || Plan { seed: 1, climate, operations: 2_000, removed: None }.run();
        let what_happened =
            |summary: Summary| (summary.operations, summary.items, summary.queries, summary.states);
        assert_eq!(what_happened(run()), what_happened(run()), "{climate:?}");
    }
}

/// Works on all of these, on as many at a time as there are cores: runs are worlds of their own, so they do not mix.
fn at_once<T: Copy + Send + Sync, R: Send>(all: &[T], work: impl Fn(T) -> R + Sync) -> Vec<(T, R)> {
    let next = AtomicUsize::new(0);
    let some = || {
        let take = || all.get(next.fetch_add(1, Ordering::Relaxed)).copied();
        std::iter::from_fn(take).map(|one| (one, work(one))).collect::<Vec<_>>()
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(some)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("runs do not panic")).collect()
    })
}

/// Prints what runs show; what the cache did with items and with queries.
fn report<'a>(title: &str, runs: impl Iterator<Item = &'a (Plan, Summary)>) -> [Tally; 2] {
    let (mut operations, mut items, mut queries) = (0, Tally::default(), Tally::default());
    for (_, summary) in runs {
        operations += summary.operations;
        items.add(summary.items);
        queries.add(summary.queries);
    }
    println!("{title}: {operations} operations, items {items}, queries {queries}");
    [items, queries]
}

#[expect(clippy::disallowed_methods, reason = "whoever replays a failure names its seed")]
fn seed_to_replay() -> Option<u64> {
    std::env::var("SIM_SEED").ok()?.parse().ok()
}

#[expect(clippy::disallowed_methods, reason = "whoever replays a failure may name its climate")]
fn climates_to_replay() -> impl Iterator<Item = Climate> {
    let name = std::env::var("SIM_CLIMATE").ok();
    Climate::ALL
        .into_iter()
        .filter(move |climate| name.as_ref().is_none_or(|name| *name == format!("{climate:?}")))
}
