//! A checker that cannot fail is worthless: it must catch every build with one rule removed.

use cache::CoherenceRule;

use crate::{at_once, climate::Climate, world::Plan};

/// Runs of a mutant, at most, and operations of each.
const SEEDS: u64 = 40;
const OPERATIONS_PER_RUN: u64 = 8_000;

#[test]
fn every_rule_is_missed_when_it_is_removed() {
    let mut survivors = Vec::new();
    for (rule, caught) in at_once(&CoherenceRule::ALL, hunt) {
        match caught {
            Some(caught) => println!("{rule:?}: {caught}"),
            None => survivors.push(rule),
        }
    }
    assert!(survivors.is_empty(), "the checker does not miss {survivors:?}");
}

/// The first run in which the lack of a rule shows, in words.
fn hunt(rule: CoherenceRule) -> Option<String> {
    for seed in 0..SEEDS {
        for climate in Climate::ALL {
            let plan = Plan { seed, climate, operations: OPERATIONS_PER_RUN, removed: Some(rule) };
            let summary = plan.run();
            if let Some(violation) = summary.violation {
                let (promise, operations) = (violation.promise, summary.operations);
                return Some(format!("{promise:?} broken, seed {seed}, {climate:?}, operation {operations}"));
            }
        }
    }
    None
}
