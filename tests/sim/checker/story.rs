//! What happened before a promise was broken, for whoever has to find out why.

use std::{collections::VecDeque, time::Duration};

use backend::Outcome;
use base::Instant;

use super::{
    Checker, Read, Reading,
    rows::{Answered, Fault, Page, Querying},
};
use crate::{
    indexes::INDEXES,
    keys::{KEYS, KeyNumber, keys_of},
    truth::{Content, State, Truth},
};

/// How many reads are remembered, and how many queries.
const REMEMBERED: usize = 300;

/// States of one key that are told.
const STATES_TOLD: usize = 40;

/// The latest reads and queries, oldest first.
#[derive(Default)]
pub(super) struct Remembered {
    reads: VecDeque<Read>,
    queries: VecDeque<Queried>,
}

/// A query that ended.
pub(super) struct Queried {
    pub(super) querying: Querying,
    pub(super) answered: Answered,
    pub(super) outcome: Outcome,
    pub(super) ended_at: Instant,
}

impl Remembered {
    pub(super) fn read(&mut self, read: Read) {
        remember(&mut self.reads, read);
    }

    pub(super) fn query(&mut self, query: Queried) {
        remember(&mut self.queries, query);
    }
}

fn remember<T>(latest: &mut VecDeque<T>, one: T) {
    if latest.len() == REMEMBERED {
        latest.pop_front();
    }
    latest.push_back(one);
}

impl Checker {
    /// What happened to a key that was read.
    pub(super) fn story(&self, truth: &Truth, read: &Read) -> String {
        let key = read.reading.key;
        let mut lines = vec![self.line(read)];
        lines.extend(self.states_of(truth, key, read.state.unwrap_or(0).min(read.floor)));
        let seen_until = self.since_start(truth.seen_until[KEYS[key].0]);
        let told = read.reading.newest_told;
        lines.push(format!(
            "streams had told of state {told}, and it says that it saw all until {seen_until:?}"
        ));
        lines.push("reads before it:".to_owned());
        let found = self.found();
        let reads = found.remembered.reads.iter().filter(|other| other.reading.key == key);
        lines.extend(reads.map(|read| format!("  {}", self.line(read))));
        lines.join("\n")
    }

    /// What happened to the row that a query should have shown otherwise; to all rows if it is none of them.
    pub(super) fn story_of_query(&self, truth: &Truth, queried: &Queried, fault: &Fault) -> String {
        let query = &queried.querying.query;
        let mut lines = vec![self.line_of_query(queried), format!("but {}", fault.why)];
        if let Some(index) = query.index {
            lines.push(format!("states of index {:?}:", INDEXES[index].name));
            let states = truth.indexes[index].iter().enumerate();
            lines.extend(states.map(|(place, state)| {
                let (made, active) = (self.since_start(state.applied_at), self.since_start(state.active_at));
                let design = state.design.map(|design| design.definition(INDEXES[index].name).to_string());
                format!("  {place} {made:?}, active {active:?}: {}", design.as_deref().unwrap_or("gone"))
            }));
        }
        match fault.row {
            Some((key, floor)) => {
                lines.push(format!("the oldest that it might show is state {floor}"));
                lines.extend(self.states_of(truth, key, floor));
            }
            None => {
                let latest = |key: KeyNumber| truth.lives[key].states.len().saturating_sub(STATES_TOLD / 4);
                lines.extend(keys_of(query.table).flat_map(|key| self.states_of(truth, key, latest(key))));
            }
        }
        lines.push("queries of the same before it:".to_owned());
        let found = self.found();
        let of_the_same = |other: &&Queried| {
            let other = &other.querying.query;
            (other.table, other.index, &other.keys) == (query.table, query.index, &query.keys)
        };
        let queries = found.remembered.queries.iter().filter(of_the_same);
        lines.extend(queries.map(|queried| format!("  {}", self.line_of_query(queried))));
        lines.join("\n")
    }

    /// States of a key, from a few before a place on.
    fn states_of(&self, truth: &Truth, key: KeyNumber, place: usize) -> Vec<String> {
        let mut lines = vec![format!("states of key {key}:")];
        let states = truth.lives[key].states.iter().enumerate();
        lines.extend(states.skip(place.saturating_sub(3)).take(STATES_TOLD).map(|(place, state)| {
            let State { content, applied_at, writer } = state;
            let content = match content {
                Content::Item(item) => serde_json::Value::Object((**item).clone()).to_string(),
                other => format!("{other:?}"),
            };
            format!("  {place} {:?} {writer:?} {content}", self.since_start(*applied_at))
        }));
        lines
    }

    fn line(&self, read: &Read) -> String {
        let Reading { key, view, strength, client, started_at, .. } = &read.reading;
        let Read { floor, ended_at, shown, outcome, state, .. } = read;
        let (start, end) = (self.since_start(*started_at), self.since_start(*ended_at));
        let outcome = outcome.word();
        format!(
            "client {client}, key {key}, {view:?}, {strength:?}, {start:?} to {end:?}, {outcome}: \
             state {state:?}, floor {floor}, {shown:?}"
        )
    }

    fn line_of_query(&self, queried: &Queried) -> String {
        let Queried { querying: Querying { query, client, started_at, .. }, answered, outcome, ended_at } =
            queried;
        let (start, end) = (self.since_start(*started_at), self.since_start(*ended_at));
        let outcome = outcome.word();
        let answer = match answered {
            Answered::NoTable => "no such table".to_owned(),
            Answered::Refused => "refused".to_owned(),
            Answered::Page(Page { items, count, scanned, last }) => {
                let json =
                    |item: &crate::keys::Attributes| serde_json::Value::Object(item.clone()).to_string();
                let items = items.iter().flatten().map(json).collect::<Vec<_>>().join(", ");
                let last = last.as_ref().map(json);
                format!("{count} of {scanned} [{items}], last {}", last.as_deref().unwrap_or("none"))
            }
        };
        format!("client {client}, {query}, {start:?} to {end:?}, {outcome}: {answer}")
    }

    fn since_start(&self, moment: Instant) -> Duration {
        let elapsed = Duration::from_millis(self.clock.millis_since_origin());
        elapsed.saturating_sub(self.clock.now().saturating_duration_since(moment))
    }
}
