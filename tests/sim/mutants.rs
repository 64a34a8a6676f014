//! A checker that cannot fail is worthless: it must catch every build with one rule removed, and every cache
//! of queries with one thing left out.

use cache::CoherenceRule;

use crate::{
    query_cache::Flaw,
    world::{Climate, Plan, Queries},
};

/// Runs of a mutant, at most, and operations of each.
const SEEDS: u64 = 40;
const OPERATIONS_PER_RUN: u64 = 8_000;

/// Runs of the simple cache of queries as it should be, in each climate, and the fewest hits in all of them:
/// what it does right it must have done.
const RIGHT_SEEDS: u64 = 2;
const RIGHT_HITS_MIN: u64 = 500;

#[test]
fn every_rule_is_missed_when_it_is_removed() {
    assert_caught(CoherenceRule::ALL.map(|rule| (rule, Queries::ByNode, Some(rule))));
}

#[test]
fn every_flaw_of_a_cache_of_queries_is_noticed() {
    assert_caught(Flaw::ALL.map(|flaw| (flaw, Queries::Simply(Some(flaw)), None)));
}

#[test]
fn a_simple_cache_of_queries_keeps_the_contract() {
    let mut hits = 0;
    for seed in 0..RIGHT_SEEDS {
        for climate in Climate::ALL {
            let summary = plan(seed, climate, Queries::Simply(None), None).run();
            if let Some(violation) = summary.violation {
                panic!("seed {seed} ({climate:?}) broke {:?}:\n{}", violation.promise, violation.story);
            }
            hits += summary.queries.hits;
        }
    }
    assert!(hits > RIGHT_HITS_MIN, "{hits} hits prove nothing");
}

fn plan(seed: u64, climate: Climate, queries: Queries, removed: Option<CoherenceRule>) -> Plan {
    Plan { seed, climate, operations: OPERATIONS_PER_RUN, removed, queries }
}

fn assert_caught<W: std::fmt::Debug>(mutants: impl IntoIterator<Item = (W, Queries, Option<CoherenceRule>)>) {
    let mut survivors = Vec::new();
    for (what, queries, removed) in mutants {
        match hunt(queries, removed) {
            Some(caught) => println!("{what:?}: {caught}"),
            None => survivors.push(what),
        }
    }
    assert!(survivors.is_empty(), "the checker does not miss {survivors:?}");
}

/// The first run in which a lack shows, in words.
fn hunt(queries: Queries, removed: Option<CoherenceRule>) -> Option<String> {
    for seed in 0..SEEDS {
        for climate in Climate::ALL {
            let summary = plan(seed, climate, queries, removed).run();
            if let Some(violation) = summary.violation {
                let (promise, operations) = (violation.promise, summary.operations);
                return Some(format!("{promise:?} broken, seed {seed}, {climate:?}, operation {operations}"));
            }
        }
    }
    None
}
