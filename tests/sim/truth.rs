//! What really happened: every state that every item was ever in, in the order in which they came about.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
    time::Duration,
};

use base::Instant;

use crate::{
    indexes::{Design, INDEXES, IndexNumber, indexes_of},
    keys::{Attributes, KEYS, KeyNumber, TABLES, keys_of},
    streams::{Record, Streams, streams},
};

/// The origin's memory, which the checker reads too.
#[derive(Debug)]
pub(crate) struct Truth {
    /// By key.
    pub(crate) lives: Vec<Life>,
    /// What became of each index, oldest first, by its place in [`INDEXES`].
    pub(crate) indexes: Vec<Vec<IndexState>>,
    /// How the node was last told that each index is.
    pub(crate) described: Vec<Described>,
    /// How often each table was made; `None` while it does not exist.
    pub(crate) tables: Vec<Option<u32>>,
    pub(crate) tables_made: u32,
    /// The streams of each table.
    pub(crate) streams: Vec<Streams>,
    /// Until when nobody is answered who reads, and who asks about streams.
    pub(crate) reads_out_until: Instant,
    pub(crate) streams_out_until: Instant,
    /// Up to when the node says that it has seen all that was written to each table.
    pub(crate) seen_until: Vec<Instant>,
    /// The tokens of transactions that were applied.
    pub(crate) tokens: HashSet<String>,
    /// When the writes began that the node has not heard of yet.
    under_way: BTreeMap<u64, Instant>,
    writes: u64,
}

/// The states of an item, oldest first. A state's place is its version.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) states: Vec<State>,
    /// The newest state that was written through the node.
    pub(crate) newest_through: usize,
    /// The newest state that a strong read showed.
    pub(crate) newest_shown: usize,
    /// The newest state that the table's stream has told the node of.
    newest_told: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct State {
    pub(crate) content: Content,
    pub(crate) applied_at: Instant,
    pub(crate) writer: Writer,
}

/// What a read of a key finds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Content {
    /// The table does not exist.
    NoTable,
    /// The table has no such item.
    Absent,
    /// The item exactly as the origin gives it back.
    Item(Arc<Attributes>),
}

/// How an index was made, or that it was dropped.
#[derive(Debug, Clone)]
pub(crate) struct IndexState {
    /// `None` while it does not exist.
    pub(crate) design: Option<&'static Design>,
    pub(crate) applied_at: Instant,
    /// When it has been filled; nobody can ask it before.
    pub(crate) active_at: Instant,
    pub(crate) writer: Writer,
}

/// How the node was last told that an index is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Described {
    pub(crate) design: Option<&'static Design>,
    pub(crate) is_active: bool,
    /// The state of the index with which this was news.
    pub(crate) place: usize,
}

/// Whose write made a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writer {
    /// A client of the node's.
    Through,
    /// Somebody who knows nothing of the node.
    Beside,
}

impl Truth {
    /// All tables exist and are empty.
    pub(crate) fn new(now: Instant) -> Truth {
        let born = State { content: Content::Absent, applied_at: now, writer: Writer::Through };
        let life = || Life { states: vec![born.clone()], newest_through: 0, newest_shown: 0, newest_told: 0 };
        let index = |design| {
            let writer = Writer::Through;
            vec![IndexState { design: Some(design), applied_at: now, active_at: now, writer }]
        };
        let described = |design| Described { design: Some(design), is_active: true, place: 0 };
        Truth {
            lives: KEYS.iter().map(|_| life()).collect(),
            indexes: INDEXES.iter().map(|made| index(&made.designs[0])).collect(),
            described: INDEXES.iter().map(|made| described(&made.designs[0])).collect(),
            tables: vec![Some(0); TABLES.len()],
            tables_made: 0,
            streams: streams(),
            reads_out_until: now,
            streams_out_until: now,
            seen_until: vec![now; TABLES.len()],
            tokens: HashSet::new(),
            under_way: BTreeMap::new(),
            writes: 0,
        }
    }

    /// A write sets out; by its number it is over once the node hears of it, or gives up.
    pub(crate) fn begin_write(&mut self, now: Instant) -> u64 {
        self.writes += 1;
        self.under_way.insert(self.writes, now);
        self.writes
    }

    pub(crate) fn end_write(&mut self, number: u64) {
        self.under_way.remove(&number);
    }

    /// Up to when the node has heard of whatever was applied, or gave it up.
    pub(crate) fn heard_until(&self, now: Instant) -> Instant {
        let oldest = self.under_way.values().min().copied();
        oldest.map_or(now, |oldest| oldest.checked_sub(Duration::from_nanos(1)).unwrap_or(oldest))
    }

    /// The newest state of a key.
    pub(crate) fn newest(&self, key: KeyNumber) -> &Content {
        &self.lives[key].states.last().expect("a life begins with a state").content
    }

    /// The state of a key before its newest one.
    pub(crate) fn newest_but_one(&self, key: KeyNumber) -> &Content {
        let states = &self.lives[key].states;
        &states[states.len().saturating_sub(2)].content
    }

    /// Writes an item.
    pub(crate) fn write(&mut self, key: KeyNumber, content: Content, now: Instant, writer: Writer) {
        let is_item = |content: &Content| matches!(content, Content::Item(_));
        let is_change = is_item(&content) || (content == Content::Absent && is_item(self.newest(key)));
        let life = &mut self.lives[key];
        life.states.push(State { content, applied_at: now, writer });
        if is_change {
            let record = Record { key, place: life.states.len() - 1, at: now };
            self.streams[KEYS[key].0].note(record);
        }
        let life = &mut self.lives[key];
        if writer == Writer::Through {
            life.newest_through = life.states.len() - 1;
        }
    }

    /// Drops a table, or makes it.
    pub(crate) fn exist(&mut self, table: usize, exists: bool, now: Instant) {
        self.tables_made += u32::from(exists);
        self.tables[table] = exists.then_some(self.tables_made);
        let content = if exists { Content::Absent } else { Content::NoTable };
        keys_of(table).for_each(|key| self.write(key, content.clone(), now, Writer::Through));
        // DynamoDB: who makes a table again makes another stream.
        if exists {
            self.streams[table].enable()
        } else {
            self.streams[table].disable()
        }
        for index in indexes_of(table) {
            let designs = INDEXES[index].designs;
            let design = exists.then(|| &designs[self.tables_made as usize % designs.len()]);
            self.make_index(index, design, (now, now), Writer::Through);
        }
    }

    /// The node has heard from a stream that a key came into a state.
    pub(crate) fn tell(&mut self, key: KeyNumber, place: usize) {
        let life = &mut self.lives[key];
        life.newest_told = life.newest_told.max(place);
    }

    /// The node has heard that it knows nothing any more of what a table holds.
    pub(crate) fn tell_all(&mut self, table: usize) {
        keys_of(table).for_each(|key| self.tell(key, self.lives[key].states.len() - 1));
    }

    /// The newest state of a key of which the node has heard, or says that it has.
    pub(crate) fn told(&self, key: KeyNumber) -> usize {
        let life = &self.lives[key];
        life.newest_told.max(life.seen_by_replica(self.seen_until[KEYS[key].0]))
    }

    /// Makes an index, or drops it.
    pub(crate) fn make_index(
        &mut self,
        index: IndexNumber,
        design: Option<&'static Design>,
        (now, active_at): (Instant, Instant),
        writer: Writer,
    ) {
        self.indexes[index].push(IndexState { design, applied_at: now, active_at, writer });
    }

    /// The node has heard how an index is, or was in the state of this place a moment ago.
    pub(crate) fn describe(&mut self, index: IndexNumber, told: Described) {
        let known = &mut self.described[index];
        if (known.design, known.is_active) != (told.design, told.is_active) {
            *known = told;
        }
    }

    /// The newest state of an index.
    pub(crate) fn newest_index(&self, index: IndexNumber) -> &IndexState {
        self.indexes[index].last().expect("a life begins with a state")
    }
}

impl Life {
    /// What a replica shows that has seen everything up to `as_of`. That a table was made or dropped shows at
    /// once everywhere.
    pub(crate) fn seen_by_replica(&self, as_of: Instant) -> usize {
        let mut place = self.states.len() - 1;
        if self.states[place].content == Content::NoTable {
            return place;
        }
        while place > 0 && self.states[place].applied_at > as_of {
            if self.states[place - 1].content == Content::NoTable {
                break;
            }
            place -= 1;
        }
        place
    }
    /// The newest state up to a place that was written through the node.
    pub(crate) fn newest_through_before(&self, place: usize) -> usize {
        (0..=place).rev().find(|place| self.states[*place].writer == Writer::Through).unwrap_or(0)
    }
}
