//! Judges queries and scans, row by row.
//!
//! What an answer shows of a row, be it the item or that there is none, must be a state of that key that is
//! no older than its floor and no newer than the end. Of a table or a local index the floor is that of an
//! item: the newest state that was written through the node before the query began. Of a global index it is
//! the newest that had been written twice the index's lag before. Where writes end no results, the floor is what was
//! there a TTL before. An answer that came past the cache is only
//! as good as the origin promises. Rows are judged each for itself: no two of them need to be of one moment.

use std::{collections::HashSet, time::Duration};

use backend::Outcome;
use base::Instant;

use super::{Checker, Promise, Promises, Strength, story::Queried};
use crate::{
    indexes::{Design, INDEXES, IndexNumber},
    keys::{Attributes, KeyNumber, key_in, key_names, keys_of},
    query::{Position, Query, Select},
    truth::{Content, IndexState, Life, State, Truth, Writer},
};

/// A query that began.
#[derive(Debug, Clone)]
pub(crate) struct Querying {
    pub(crate) query: Query,
    pub(crate) client: usize,
    pub(crate) started_at: Instant,
    /// The oldest state that may be shown of each key of the table.
    rows: Vec<Floors>,
    /// The oldest state of the index that may be shown, by what the node promises.
    index: usize,
    /// The newest, which the origin shows.
    newest_index: usize,
}

#[derive(Debug, Clone, Copy)]
struct Floors {
    key: KeyNumber,
    /// What the node promises: who wrote through it is seen at once, who wrote beside it after a TTL.
    through: usize,
    told: usize,
    /// By what it shows, rows or nothing, each fresh or within its grace.
    by_ttl: [[usize; 2]; 2],
    /// What the origin promises, whoever wrote.
    by_origin: usize,
}

/// The oldest state of a row that may be shown.
#[derive(Debug, Clone, Copy)]
struct Floor {
    key: KeyNumber,
    place: usize,
    /// What it would be if it were not for a TTL, and for others than those who write through the node.
    through: usize,
    told: usize,
}

/// What a query was answered.
#[derive(Debug, Clone)]
pub(crate) enum Answered {
    NoTable,
    /// It is not what the table, or the index, can be asked.
    Refused,
    Page(Page),
}

#[derive(Debug, Clone)]
pub(crate) struct Page {
    /// `None` if only their number was wanted.
    pub(crate) items: Option<Vec<Attributes>>,
    pub(crate) count: usize,
    pub(crate) scanned: usize,
    pub(crate) last: Option<Attributes>,
}

/// What is wrong with an answer.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) promise: Promise,
    /// The row that it shows in, if it is one, and the oldest state that it might show.
    pub(super) row: Option<(KeyNumber, usize)>,
    pub(super) why: String,
}

/// An answer, as it is held against what happened.
struct Judging<'a> {
    truth: &'a Truth,
    querying: &'a Querying,
    page: &'a Page,
    floors: Vec<Floor>,
    ended_at: Instant,
}

impl Checker {
    /// A query begins.
    pub(crate) fn start_query(&self, client: usize, query: Query) -> Querying {
        let truth = self.truth();
        let started_at = self.clock.now();
        let place = query.index.map(|index| self.oldest_index(&truth, index));
        let made_at = query.index.zip(place).map(|(index, place)| truth.indexes[index][place].applied_at);
        let is_known = query.index.zip(place).is_none_or(|(index, place)| is_known(&truth, index, place));
        let before = |span: Duration| started_at.checked_sub(span).unwrap_or(started_at);
        let since_made = |moment: Instant| made_at.map_or(moment, |made_at| moment.max(made_at));
        let Promises { query_ttl, query_negative_ttl, grace, lag, index_lag, .. } = self.promises;
        let ttls = [query_ttl, query_negative_ttl].map(|ttl| [ttl, ttl + grace]);
        let floors = |key| {
            let life: &Life = &truth.lives[key];
            let newest = life.states.len() - 1;
            let seen = |lag| life.seen_by_replica(since_made(before(lag)));
            let told = truth.told(key);
            let (through, told, by_ttl, by_origin) = match (query.is_strong, query.is_global()) {
                (true, _) => (newest, newest, [[newest; 2]; 2], newest),
                (false, false) => (
                    life.newest_through,
                    told,
                    ttls.map(|ttls| ttls.map(|ttl| life.seen_by_replica(before(ttl + lag)))),
                    life.seen_by_replica(before(lag)),
                ),
                // Of an index that somebody replaced, the node cannot know what a write touches.
                (false, true) if !is_known => {
                    (0, 0, ttls.map(|ttls| ttls.map(|ttl| seen(ttl + index_lag))), seen(index_lag))
                }
                (false, true) => {
                    // Of what was written through the node a result of a global index shows what was
                    // acknowledged: such results end once the node has heard what the write did.
                    let heard = life.seen_by_replica(since_made(truth.heard_until(started_at)));
                    let through = life.newest_through_before(seen(index_lag * 2).min(heard));
                    let told = told.min(seen(index_lag * 2));
                    (through, told, ttls.map(|ttls| ttls.map(|ttl| seen(ttl + index_lag))), seen(index_lag))
                }
            };
            Floors { key, through, told, by_ttl, by_origin }
        };
        let rows = keys_of(query.table).map(floors).collect();
        let newest_index = query.index.map_or(0, |index| truth.indexes[index].len() - 1);
        Querying { query, client, started_at, rows, index: place.unwrap_or(0), newest_index }
    }

    /// The oldest state of an index that may be shown: what was done to it through the node is known at once; what
    /// was done beside it, once the node was told how the index is now, or after a TTL.
    fn oldest_index(&self, truth: &Truth, index: IndexNumber) -> usize {
        let Promises { query_ttl, query_negative_ttl, grace, .. } = self.promises;
        let kept = query_ttl.max(query_negative_ttl) + grace;
        let now = self.clock.now();
        let must_be_seen =
            |state: &IndexState| state.writer == Writer::Through || state.applied_at + kept < now;
        let oldest = truth.indexes[index].iter().rposition(must_be_seen).unwrap_or(0);
        oldest.max(truth.described[index].place)
    }

    /// A query ends.
    pub(crate) fn end_query(&self, querying: Querying, answered: Answered, outcome: Outcome) {
        let mut querying = querying;
        if matches!(outcome, Outcome::Bypass(_)) {
            querying.index = querying.newest_index;
        }
        let is_strong = querying.query.is_strong;
        self.check_stale(outcome, if is_strong { Strength::Strong } else { Strength::Eventual });
        let truth = self.truth();
        let ended_at = self.clock.now();
        let is_from_node = !matches!(outcome, Outcome::Bypass(_) | Outcome::PartialHit);
        let is_stale = matches!(outcome, Outcome::StaleHit { .. });
        let shows_nothing = matches!(&answered, Answered::Page(Page { count: 0, last: None, .. }));
        let ends_by_writes = self.promises.writes_end_results || is_strong;
        let floor = |&Floors { key, through, told, by_ttl, by_origin }: &Floors| {
            let by_ttl = by_ttl[usize::from(shows_nothing)][usize::from(is_stale)];
            match (is_from_node, ends_by_writes) {
                (true, true) => Floor { key, place: through.max(told).max(by_ttl), through, told },
                (true, false) => Floor { key, place: by_ttl, through: 0, told: 0 },
                (false, _) => Floor { key, place: by_origin, through: by_origin, told: by_origin },
            }
        };
        let floors: Vec<Floor> = querying.rows.iter().map(floor).collect();
        let fault = match &answered {
            Answered::NoTable => no_table(&truth, &floors),
            Answered::Refused => refused(&truth, &querying),
            Answered::Page(page) => {
                Judging { truth: &truth, querying: &querying, page, floors, ended_at }.fault()
            }
        };
        let queried = Queried { querying, answered, outcome, ended_at };
        if let Some(fault) = fault {
            self.report(fault.promise, || self.story_of_query(&truth, &queried, &fault));
        }
        self.found().remembered.query(queried);
    }
}

/// Whether the node knows how an index is, and how it was since that place.
fn is_known(truth: &Truth, index: IndexNumber, place: usize) -> bool {
    let (states, known) = (&truth.indexes[index], truth.described[index]);
    // Whatever was done through the node, it learns the index again.
    let is_through = |state: &IndexState| state.writer == Writer::Through;
    let learned = states.iter().rposition(is_through).unwrap_or(0).max(known.place);
    let is_as_known = |state: &IndexState| state.design.is_none() || state.design == known.design;
    learned + 1 == states.len() || states[place.min(learned)..].iter().all(is_as_known)
}

/// All keys of a table are without it together.
fn no_table(truth: &Truth, floors: &[Floor]) -> Option<Fault> {
    floors.iter().find_map(|floor| {
        let why = || "it says that there is no such table".to_owned();
        fault_of_row(truth, *floor, why, |state| state.content == Content::NoTable)
    })
}

/// Whether the index was gone or of another design at some time, or is never asked so.
fn refused(truth: &Truth, Querying { query, started_at, index, .. }: &Querying) -> Option<Fault> {
    let refuses = |state: &IndexState| {
        state.design.is_none_or(|design| !query.fits(design)) || state.active_at > *started_at
    };
    let states = query.index.map_or(&[][..], |index| &truth.indexes[index]);
    if (query.is_strong && query.is_global()) || states.iter().skip(*index).any(refuses) {
        return None;
    }
    let promise = if states.iter().any(refuses) { Promise::IndexesAreNew } else { Promise::NeverInvented };
    Some(Fault { promise, row: None, why: "nothing is wrong with what it asks".to_owned() })
}

/// What is wrong with a row none of whose states since the floor fits, if that is so.
fn fault_of_row(
    truth: &Truth,
    Floor { key, place, through, told }: Floor,
    why: impl Fn() -> String,
    fits: impl Fn(&State) -> bool,
) -> Option<Fault> {
    let states = &truth.lives[key].states;
    // Most show what is newest.
    if states[place..].iter().rev().any(&fits) {
        return None;
    }
    let promise = match states[..place].iter().rposition(fits) {
        Some(shown) if shown < through => Promise::QueriesNeverStale,
        Some(shown) if shown < told => Promise::StreamsAreHeard,
        Some(_) => Promise::StaleForATtl,
        None => Promise::NeverInvented,
    };
    Some(Fault { promise, row: Some((key, place)), why: why() })
}

impl Judging<'_> {
    /// What is wrong whatever the index was like meanwhile.
    fn fault(&self) -> Option<Fault> {
        let Querying { query, index: floor, .. } = self.querying;
        let Some(index) = query.index else { return self.fault_under(&Design::of_table(query.table)) };
        let fault_under = |state: &IndexState| match state.design {
            Some(design) if query.fits(design) && state.active_at <= self.ended_at => {
                Some(self.fault_under(design))
            }
            _ => None,
        };
        let states = &self.truth.indexes[index];
        let mut faults = states[*floor..].iter().filter_map(fault_under).collect::<Vec<_>>();
        if faults.iter().any(Option::is_none) {
            return None;
        }
        let fits_an_older_one = states[..*floor].iter().filter_map(fault_under).any(|fault| fault.is_none());
        let why = format!("it shows {:?} as it no longer is", INDEXES[index].name);
        match faults.pop().flatten() {
            Some(fault) if !fits_an_older_one => Some(fault),
            _ => Some(Fault { promise: Promise::IndexesAreNew, row: None, why }),
        }
    }

    /// What is wrong if the index was of this design.
    fn fault_under(&self, design: &Design) -> Option<Fault> {
        let Querying { query, .. } = self.querying;
        let last = self.page.last.as_ref().map(|last| query.position_of_key(design, last));
        let last = match last {
            Some(None) => return Some(misfit("the last key is not one of this index".to_owned())),
            Some(Some(last)) => Some(last),
            None => None,
        };
        self.fault_of_shape(design)
            .or_else(|| self.fault_of_items(design, last.as_ref()))
            .or_else(|| self.fault_of_last(design, last.as_ref()))
            .or_else(|| self.fault_of_counts(design, last.as_ref()))
    }

    /// Whether the parts of the answer fit each other.
    fn fault_of_shape(&self, design: &Design) -> Option<Fault> {
        let Querying { query, .. } = self.querying;
        let Page { items, count, scanned, last } = self.page;
        let shown = items.as_ref().map(Vec::len);
        let is_counted = shown == (query.select != Select::Count).then_some(*count)
            && (count == scanned || (count < scanned && query.above.is_some()));
        if !is_counted {
            return Some(misfit(format!("it shows {shown:?}, counts {count}, scanned {scanned}")));
        }
        if query.limit.is_some_and(|limit| *scanned > limit)
            || last.is_some() != (query.limit == Some(*scanned))
        {
            let why =
                format!("{scanned} of at most {:?} and what it ends with do not go together", query.limit);
            return Some(misfit(why));
        }
        let items = items.as_deref().unwrap_or_default();
        let tells = |item: &Attributes, names: &[&str]| names.iter().all(|name| item.contains_key(*name));
        let ordering = design.ordering(query.table);
        let needed = if query.select == Select::Whole { &ordering } else { &key_names(query.table) };
        if let Some(item) = items.iter().find(|item| !tells(item, needed)) {
            return Some(misfit(format!("an item is not of this index: {item:?}")));
        }
        let keys: HashSet<KeyNumber> = items.iter().map(|item| key_in(query.table, item)).collect();
        let positions = items.iter().filter_map(|item| query.position_of_key(design, item));
        let positions: Vec<Position> = positions.collect();
        let is_in_order = positions.windows(2).all(|two| query.direction.comes_first(&two[0], &two[1]));
        (keys.len() != items.len() || !is_in_order).then(|| misfit("items are not in order".to_owned()))
    }

    /// Whether each row is shown as it was at some time.
    fn fault_of_items(&self, design: &Design, last: Option<&Position>) -> Option<Fault> {
        let items = self.page.items.as_ref()?;
        let Querying { query, .. } = self.querying;
        self.floors.iter().find_map(|floor| {
            let shown = items.iter().find(|item| key_in(query.table, item) == floor.key);
            let fits = |state: &State| match (&state.content, shown) {
                (Content::NoTable, _) => false,
                (Content::Absent, shown) => shown.is_none(),
                (Content::Item(item), None) => !self.lists(design, last, item),
                (Content::Item(item), Some(shown)) => {
                    self.lists(design, last, item) && query.show(design, item) == *shown
                }
            };
            let what = if shown.is_some() { "not as it shows it" } else { "missing" };
            fault_of_row(self.truth, *floor, || format!("the row of key {} is {what}", floor.key), fits)
        })
    }

    /// Whether the row that the page ends with was where it says.
    fn fault_of_last(&self, design: &Design, last: Option<&Position>) -> Option<Fault> {
        let Querying { query, .. } = self.querying;
        let position = last?;
        let key = key_in(query.table, self.page.last.as_ref()?);
        let floor = self.floors.iter().find(|floor| floor.key == key)?;
        let is_there = |state: &State| match &state.content {
            Content::Item(item) => query.row(design, item).is_some_and(|row| row.position == *position),
            Content::NoTable | Content::Absent => false,
        };
        let why = || format!("the row of key {key}, with which the page ends, is not there");
        fault_of_row(self.truth, *floor, why, is_there)
    }

    /// Whether as many rows were there, and passed the filter, as it says.
    fn fault_of_counts(&self, design: &Design, last: Option<&Position>) -> Option<Fault> {
        let Page { ref items, count, scanned, .. } = *self.page;
        // Where all rows are shown they have been judged.
        if items.is_some() && count == scanned {
            return None;
        }
        let is_scanned = |state: &State| match &state.content {
            Content::Item(item) => self.scans(design, last, item),
            Content::NoTable | Content::Absent => false,
        };
        let is_listed = |state: &State| match &state.content {
            Content::Item(item) => self.lists(design, last, item),
            Content::NoTable | Content::Absent => false,
        };
        let is_right = |from_floor| {
            self.may_be_as_many(scanned, from_floor, &is_scanned)
                && self.may_be_as_many(count, from_floor, &is_listed)
        };
        if is_right(true) {
            return None;
        }
        let promise = if is_right(false) { Promise::QueriesNeverStale } else { Promise::PagesFit };
        let why = format!("there were not {count} rows, or {scanned} before the filter");
        Some(Fault { promise, row: None, why })
    }

    /// Whether so many rows may have been of a kind: since their floors, or ever.
    fn may_be_as_many(&self, number: usize, from_floor: bool, is_one: &impl Fn(&State) -> bool) -> bool {
        let (mut surely, mut perhaps) = (0, 0);
        for Floor { key, place, .. } in &self.floors {
            let states = &self.truth.lives[*key].states[if from_floor { *place } else { 0 }..];
            surely += usize::from(states.iter().all(is_one));
            perhaps += usize::from(states.iter().any(is_one));
        }
        (surely..=perhaps).contains(&number)
    }

    /// Whether an item is among those that the page looked at.
    fn scans(&self, design: &Design, last: Option<&Position>, item: &Attributes) -> bool {
        let Querying { query, .. } = self.querying;
        query.row(design, item).is_some_and(|row| self.is_within(last, &row.position))
    }

    /// Whether an item is among those that the page shows.
    fn lists(&self, design: &Design, last: Option<&Position>, item: &Attributes) -> bool {
        let Querying { query, .. } = self.querying;
        query.row(design, item).is_some_and(|row| row.passes && self.is_within(last, &row.position))
    }

    fn is_within(&self, last: Option<&Position>, position: &Position) -> bool {
        last.is_none_or(|last| !self.querying.query.direction.comes_first(last, position))
    }
}

fn misfit(why: String) -> Fault {
    Fault { promise: Promise::PagesFit, row: None, why }
}
