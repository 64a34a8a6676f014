//! What happened to a few items, as those saw it who did it; and whether that can be told as one thing after
//! another.
//!
//! A history is strictly serializable if its transactions can be put into an order in which each one that ended
//! before another began comes before it, and in which each finds what those before it left. The checker looks
//! for such an order by trying (after Wing and Gong), and remembers what it tried.

use std::collections::{BTreeMap, HashSet};

/// Which item.
pub(crate) type Key = usize;

/// What an item held: a number that nobody else writes, or that there was no item.
pub(crate) type Version = Option<u64>;

/// A single operation or a transaction. Times are of one counter that everybody moves.
#[derive(Debug, Clone)]
pub(crate) struct Event {
    /// Before it was asked for.
    pub(crate) start: u64,
    /// After it was answered.
    pub(crate) end: u64,
    pub(crate) facts: Vec<(Key, Fact)>,
    pub(crate) writes: Vec<(Key, Version)>,
}

/// What was learnt of an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fact {
    Is(Version),
    IsNot(Version),
}

/// The items at some point of an order.
type State = BTreeMap<Key, Version>;

/// How far an order was found.
#[derive(Debug)]
pub(crate) struct Stuck {
    /// The longest beginning of an order; no event that could come next fits.
    pub(crate) longest: Vec<usize>,
}

/// An order of the events that explains all of them, if there is one. Nothing is there at first.
pub(crate) fn find_order(events: &[Event]) -> Result<Vec<usize>, Stuck> {
    let mut order: Vec<Step> = Vec::new();
    let mut done = vec![false; events.len()];
    let mut state = State::new();
    let mut tried: HashSet<(Vec<bool>, State)> = HashSet::new();
    let mut longest = Vec::new();
    let mut candidates = next_candidates(events, &done);
    loop {
        if order.len() == events.len() {
            return Ok(order.into_iter().map(|step| step.event).collect());
        }
        let Some(event) = candidates.pop() else {
            // Nothing fits here: take the last step back.
            let Some(step) = order.pop() else { return Err(Stuck { longest }) };
            done[step.event] = false;
            (state, candidates) = (step.state_before, step.others);
            continue;
        };
        if !events[event].fits(&state) {
            continue;
        }
        let state_before = state.clone();
        state.extend(events[event].writes.iter().copied());
        done[event] = true;
        if !tried.insert((done.clone(), state.clone())) {
            (state, done[event]) = (state_before, false);
            continue;
        }
        order.push(Step { event, state_before, others: std::mem::take(&mut candidates) });
        if order.len() > longest.len() {
            longest = order.iter().map(|step| step.event).collect();
        }
        candidates = next_candidates(events, &done);
    }
}

struct Step {
    event: usize,
    state_before: State,
    /// What else could have come here.
    others: Vec<usize>,
}

/// The events that began before any other that is left had ended; the one that ended first comes last.
fn next_candidates(events: &[Event], done: &[bool]) -> Vec<usize> {
    let left = || (0..events.len()).filter(|&event| !done[event]);
    let Some(first_end) = left().map(|event| events[event].end).min() else { return Vec::new() };
    let mut candidates: Vec<usize> = left().filter(|&event| events[event].start < first_end).collect();
    candidates.sort_by_key(|&event| std::cmp::Reverse(events[event].end));
    candidates
}

impl Event {
    fn fits(&self, state: &State) -> bool {
        let version = |key: &Key| state.get(key).copied().flatten();
        self.facts.iter().all(|(key, fact)| match fact {
            Fact::Is(expected) => version(key) == *expected,
            Fact::IsNot(other) => version(key) != *other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Fact::*, *};

    fn event((start, end): (u64, u64), facts: &[(Key, Fact)], writes: &[(Key, Version)]) -> Event {
        Event { start, end, facts: facts.to_vec(), writes: writes.to_vec() }
    }

    /// The history, and one that is like it but for one mistake.
    fn check(claim: &str, right: &[Event], wrong: &[Event]) {
        assert!(find_order(right).is_ok(), "{claim}: refused though nothing is wrong");
        assert!(find_order(wrong).is_err(), "{claim}: not noticed");
    }

    #[test]
    fn a_lost_update_is_noticed() {
        let first = event((0, 1), &[], &[(0, Some(1))]);
        // Two at once replace what they read.
        let one = event((2, 5), &[(0, Is(Some(1)))], &[(0, Some(2))]);
        let both = event((3, 4), &[(0, Is(Some(1)))], &[(0, Some(3))]);
        let after_the_other = event((3, 4), &[(0, Is(Some(2)))], &[(0, Some(3))]);
        check("update", &[first.clone(), one.clone(), after_the_other], &[first, one, both]);
    }

    #[test]
    fn an_update_that_nobody_sees_is_noticed() {
        let write = event((0, 1), &[], &[(0, Some(1))]);
        let found = event((2, 3), &[(0, Is(Some(1)))], &[]);
        let lost = event((2, 3), &[(0, Is(None))], &[]);
        check("write", &[write.clone(), found], &[write, lost]);
    }

    #[test]
    fn a_half_applied_transaction_is_noticed() {
        let both = event((0, 3), &[], &[(0, Some(1)), (1, Some(2))]);
        let reading = |one, two| event((1, 2), &[(0, Is(one)), (1, Is(two))], &[]);
        let after = event((4, 5), &[(0, Is(Some(1))), (1, Is(Some(2)))], &[]);
        let half = event((4, 5), &[(0, Is(Some(1))), (1, Is(None))], &[]);
        check("after it", &[both.clone(), after], &[both.clone(), half]);
        check("meanwhile", &[both.clone(), reading(None, None)], &[both.clone(), reading(Some(1), None)]);
        // Two single reads, one after the other, see the halves.
        let single = |time, key, version| event(time, &[(key, Is(version))], &[]);
        let (new, old) = (single((1, 2), 0, Some(1)), single((3, 4), 1, None));
        let long = Event { end: 5, ..both };
        let (old_first, new_second) = (single((1, 2), 1, None), single((3, 4), 0, Some(1)));
        check("by single reads", &[long.clone(), old_first, new_second], &[long, new, old]);
    }

    #[test]
    fn a_transaction_that_was_refused_and_applied_is_noticed() {
        let refused = |writes: &[(Key, Version)]| event((0, 1), &[(0, IsNot(Some(9)))], writes);
        let read = event((2, 3), &[(1, Is(None))], &[]);
        check("refused", &[refused(&[]), read.clone()], &[refused(&[(1, Some(1))]), read]);
    }

    #[test]
    fn a_reading_transaction_of_two_moments_is_noticed() {
        let writes = [
            event((0, 1), &[], &[(0, Some(1)), (1, Some(2))]),
            event((2, 7), &[(0, Is(Some(1)))], &[(0, Some(3))]),
            event((3, 6), &[(1, Is(Some(2)))], &[(1, Some(4))]),
        ];
        let reading = |time, one, two| event(time, &[(0, Is(Some(one))), (1, Is(Some(two)))], &[]);
        let with = |readings: [Event; 2]| [writes.to_vec(), readings.to_vec()].concat();
        // They see the writes in two orders, of which only one can be.
        check(
            "two readers",
            &with([reading((4, 5), 3, 2), reading((4, 5), 3, 4)]),
            &with([reading((4, 5), 3, 2), reading((4, 5), 1, 4)]),
        );
        // What was seen once is not there any more.
        check(
            "twice in a row",
            &with([reading((3, 4), 1, 2), reading((5, 6), 3, 2)]),
            &with([reading((3, 4), 3, 2), reading((5, 6), 1, 2)]),
        );
    }

    #[test]
    fn a_stale_read_is_noticed() {
        let writes = [event((0, 1), &[], &[(0, Some(1))]), event((2, 4), &[], &[(0, Some(2))])];
        let reading = |time, version| event(time, &[(0, Is(Some(version)))], &[]);
        let with = |reading: Event| [writes.to_vec(), vec![reading]].concat();
        // While the write is under way both may be seen; once it was answered, only the new one.
        assert!(find_order(&with(reading((3, 5), 1))).is_ok());
        check("after an answer", &with(reading((5, 6), 2)), &with(reading((5, 6), 1)));
    }

    #[test]
    fn what_came_before_may_not_be_moved_behind() {
        let later = event((2, 3), &[], &[(0, Some(1))]);
        let early = |version| event((0, 1), &[(0, Is(version))], &[]);
        check("from the future", &[early(None), later.clone()], &[early(Some(1)), later]);
    }
}
