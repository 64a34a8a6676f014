//! Judges every read against what really happened.
//!
//! The rule for one key: a read shows a state that is no older than its *floor*, and no newer than what was
//! applied by its end. The floor is set when the read starts: the newest state that a write through the node
//! had made by then (acknowledged or not, in doubt or not), or that a strong read had shown by then. Where
//! all writers go through the node this makes each item a linearizable register, whatever is asked
//! eventually. Who writes beside the node may not be seen for a TTL; where the node follows the tables' streams,
//! until a stream has told it, or for as long as it says that it lags.

mod rows;
mod story;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backend::{Bypass, Outcome};
use base::{Clock, Instant};

pub(crate) use self::rows::{Answered, Page};
use self::story::Remembered;
use crate::{
    keys::{Attributes, KEYS, KeyNumber},
    truth::{Content, Life, State, Truth},
    view::View,
};

/// The checker of one run.
pub(crate) struct Checker {
    truth: Arc<Mutex<Truth>>,
    clock: Clock,
    promises: Promises,
    found: Mutex<Found>,
}

/// What the node promises in this run, besides what it always does.
#[derive(Debug, Clone)]
pub(crate) struct Promises {
    /// How long it may show what was overwritten beside it: the TTL of items and that of absence, each with
    /// the lag of the replica that it was read from.
    pub(crate) ttl: Duration,
    pub(crate) negative_ttl: Duration,
    /// How long it may show what queries found, and that they found nothing, without the lag of what was asked.
    pub(crate) query_ttl: Duration,
    pub(crate) query_negative_ttl: Duration,
    /// How long after its TTL it may show what expired, to whom the origin fails, and who reads eventually.
    pub(crate) grace: Duration,
    /// Whether a result ends with the first write that may have changed it; else only with its TTL.
    pub(crate) writes_end_results: bool,
    /// How far replicas and local indexes lag, and global indexes, at most.
    pub(crate) lag: Duration,
    pub(crate) index_lag: Duration,
    /// A table of which it promises nothing, as it does not cache it.
    pub(crate) uncached: Option<usize>,
    /// Whether it remembers what a strong read showed it; not if entries are evicted for space.
    pub(crate) keeps_what_was_shown: bool,
}

#[derive(Default)]
struct Found {
    violation: Option<Violation>,
    remembered: Remembered,
}

/// A read that began.
#[derive(Debug, Clone)]
pub(crate) struct Reading {
    key: KeyNumber,
    view: View,
    strength: Strength,
    client: usize,
    started_at: Instant,
    /// When it began: the newest state of all, of those written through the node, and of those that a strong
    /// read had shown.
    newest: usize,
    newest_through: usize,
    newest_shown: usize,
    /// The newest of which a stream had told.
    newest_told: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Strength {
    Eventual,
    Strong,
}

/// A read that ended.
#[derive(Debug)]
struct Read {
    reading: Reading,
    /// The oldest state that it might show.
    floor: usize,
    ended_at: Instant,
    shown: Shown,
    outcome: Outcome,
    state: Option<usize>,
}

/// What a read showed.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shown {
    NoTable,
    Absent,
    Item(Attributes),
}

/// A broken promise.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) promise: Promise,
    pub(crate) story: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// Nobody reads what was overwritten through the node before the read began.
    NeverStale,
    /// Nobody reads what is older than what a strong read has shown.
    NeverBack,
    /// Nobody reads for longer than a TTL what was overwritten beside the node.
    StaleForATtl,
    /// Nobody reads what was overwritten beside the node before a stream told it so, or before it said that it
    /// had seen all that was written by then.
    StreamsAreHeard,
    /// Nobody reads what expired longer ago than its grace.
    GraceEnds,
    /// Nobody who reads strongly is shown what expired.
    StrongIsFresh,
    /// Nobody reads what never was.
    NeverInvented,
    /// Every call ends by its deadline.
    NeverHangs,
    /// A hit consumed nothing, and says so.
    HitsAreFree,
    /// Nobody finds by a query what was overwritten through the node before the query began; of a global
    /// index, twice the index's lag before.
    QueriesNeverStale,
    /// Nobody sees an index as it was before it was dropped or made again.
    IndexesAreNew,
    /// The items, counts and limits of a page fit each other.
    PagesFit,
}

impl Checker {
    pub(crate) fn new(truth: Arc<Mutex<Truth>>, clock: Clock, promises: Promises) -> Checker {
        Checker { truth, clock, promises, found: Mutex::default() }
    }

    /// A read begins.
    pub(crate) fn start(&self, client: usize, key: KeyNumber, view: View, strength: Strength) -> Reading {
        let truth = self.truth();
        let life = &truth.lives[key];
        Reading {
            key,
            view,
            strength,
            client,
            started_at: self.clock.now(),
            newest: life.states.len() - 1,
            newest_through: life.newest_through,
            newest_shown: life.newest_shown,
            newest_told: truth.told(key),
        }
    }

    /// A read ends.
    pub(crate) fn end(&self, reading: Reading, shown: Shown, outcome: Outcome) {
        self.check_stale(outcome, reading.strength);
        let mut truth = self.truth();
        let life = &mut truth.lives[reading.key];
        let fits = |state: &State| match (&state.content, &shown) {
            (Content::NoTable, Shown::NoTable) | (Content::Absent, Shown::Absent) => true,
            (Content::Item(item), Shown::Item(shown)) => reading.view.shows(item, shown),
            _ => false,
        };
        // What passes the cache by altogether neither tells it anything, nor learns what it knows.
        let passes_by = matches!(
            outcome,
            Outcome::Bypass(Bypass::SchemaUnknown | Bypass::NotUnderstood | Bypass::TableCacheOff)
        );
        let is_cached = self.promises.uncached != Some(KEYS[reading.key].0);
        let floor = match (reading.strength, self.promises.keeps_what_was_shown && !passes_by) {
            (Strength::Strong, _) => reading.newest,
            (Strength::Eventual, _) if !is_cached => 0,
            (Strength::Eventual, true) => {
                reading.newest_through.max(reading.newest_told).max(reading.newest_shown)
            }
            (Strength::Eventual, false) => reading.newest_through.max(reading.newest_told),
        };
        let oldest = (floor..life.states.len()).find(|place| fits(&life.states[*place]));
        let newest = (0..life.states.len()).rev().find(|place| fits(&life.states[*place]));
        let broken = match (oldest, newest) {
            (Some(_), Some(newest)) => {
                (self.is_too_old(life, newest, &reading, outcome)).then_some(Promise::StaleForATtl)
            }
            (None, Some(newest)) if newest < reading.newest_through => Some(Promise::NeverStale),
            (None, Some(newest)) if newest < reading.newest_told => Some(Promise::StreamsAreHeard),
            (None, Some(_)) => Some(Promise::NeverBack),
            (_, None) => Some(Promise::NeverInvented),
        };
        // A part of an item cannot replace what the cache holds, so only whole items are remembered.
        if let (Some(oldest), Strength::Strong, View::Whole, false) =
            (oldest, reading.strength, &reading.view, passes_by)
        {
            life.newest_shown = life.newest_shown.max(oldest);
        }
        let read =
            Read { floor, state: oldest.or(newest), ended_at: self.clock.now(), reading, shown, outcome };
        if let Some(promise) = broken {
            self.report(promise, || self.story(&truth, &read));
        }
        self.found().remembered.read(read);
    }

    /// The node says that it has seen all that was written to a table by then.
    pub(crate) fn node_says_seen(&self, table: usize, until: Instant) {
        let seen_until = &mut self.truth().seen_until[table];
        *seen_until = until.max(*seen_until);
    }

    /// Notes a broken promise; only the first counts.
    pub(crate) fn report(&self, promise: Promise, story: impl FnOnce() -> String) {
        if self.violation().is_none() {
            let story = story();
            self.found().violation = Some(Violation { promise, story });
        }
    }

    /// The first broken promise.
    pub(crate) fn violation(&self) -> Option<Violation> {
        self.found().violation.clone()
    }

    /// How many states all items were ever in.
    pub(crate) fn states(&self) -> usize {
        self.truth().lives.iter().map(|life| life.states.len()).sum()
    }

    /// What expired may be shown within its grace, and never to who reads strongly.
    fn check_stale(&self, outcome: Outcome, strength: Strength) {
        let Outcome::StaleHit { age } = outcome else { return };
        if strength == Strength::Strong {
            self.report(Promise::StrongIsFresh, || format!("shown to a strong read {age:?} after its end"));
        }
        if age >= self.promises.grace {
            self.report(Promise::GraceEnds, || format!("shown {age:?} after its end"));
        }
    }

    /// How long beyond a TTL an answer that came about like this may be.
    fn grace(&self, outcome: Outcome) -> Duration {
        if matches!(outcome, Outcome::StaleHit { .. }) { self.promises.grace } else { Duration::ZERO }
    }

    fn is_too_old(&self, life: &Life, place: usize, reading: &Reading, outcome: Outcome) -> bool {
        let ttl = match life.states[place].content {
            Content::NoTable => Duration::ZERO,
            Content::Absent => self.promises.negative_ttl,
            Content::Item(_) => self.promises.ttl,
        };
        let latest = reading.started_at.checked_sub(ttl + self.grace(outcome));
        life.states.get(place + 1).zip(latest).is_some_and(|(next, latest)| next.applied_at < latest)
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
