//! The streams of tables: what was written, in which shard, and how shards go on.

use std::time::Duration;

use base::{Chance, Instant};

use crate::keys::{KEYS, KeyNumber, TABLES, keys_of, pick};

/// The streams that a table has had, oldest first. At most the last one takes records.
#[derive(Debug)]
pub(crate) struct Streams {
    table: usize,
    all: Vec<Stream>,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) is_enabled: bool,
    /// A shard's place is its number.
    pub(crate) shards: Vec<Shard>,
}

#[derive(Debug)]
pub(crate) struct Shard {
    pub(crate) parent: Option<usize>,
    pub(crate) is_open: bool,
    /// A record's place is its sequence number.
    pub(crate) records: Vec<Record>,
    /// The oldest record that is still there.
    pub(crate) horizon: usize,
    keys: Vec<KeyNumber>,
}

/// That a key came into a state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record {
    pub(crate) key: KeyNumber,
    /// The state's place in the key's life.
    pub(crate) place: usize,
    pub(crate) at: Instant,
}

impl Streams {
    /// A table begins with a stream of one shard.
    pub(crate) fn new(table: usize) -> Streams {
        let mut streams = Streams { table, all: Vec::new() };
        streams.enable();
        streams
    }

    /// Begins a new stream.
    pub(crate) fn enable(&mut self) {
        let shard = Shard::new(None, keys_of(self.table).collect());
        self.all.push(Stream { is_enabled: true, shards: vec![shard] });
    }

    /// Ends the stream: it takes no more records.
    pub(crate) fn disable(&mut self) {
        let newest = self.newest_mut();
        newest.is_enabled = false;
        newest.shards.iter_mut().for_each(|shard| shard.is_open = false);
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.all.last().is_some_and(|stream| stream.is_enabled)
    }

    /// The number of the newest stream, by which it is found.
    pub(crate) fn newest(&self) -> usize {
        self.all.len() - 1
    }

    pub(crate) fn stream(&self, number: usize) -> Option<&Stream> {
        self.all.get(number)
    }

    /// A key came into a state.
    pub(crate) fn note(&mut self, record: Record) {
        let mut shards = self.newest_mut().shards.iter_mut();
        if let Some(shard) = shards.find(|shard| shard.is_open && shard.keys.contains(&record.key)) {
            shard.records.push(record);
        }
    }

    /// Some open shard ends, and goes on as one or two others.
    pub(crate) fn go_on(&mut self, chance: &Chance) {
        let shards = &mut self.newest_mut().shards;
        let open: Vec<usize> = (0..shards.len()).filter(|number| shards[*number].is_open).collect();
        if open.is_empty() {
            return;
        }
        let parent = *pick(chance, &open);
        shards[parent].is_open = false;
        let first = shards[parent].keys.first().map(|key| KEYS[*key].1);
        let splits = chance.happens(0.5);
        let heirs: (Vec<KeyNumber>, Vec<KeyNumber>) =
            shards[parent].keys.iter().partition(|key| !splits || Some(KEYS[**key].1) == first);
        let heirs = [heirs.0, heirs.1].into_iter().filter(|keys| !keys.is_empty());
        let heirs: Vec<Shard> = heirs.map(|keys| Shard::new(Some(parent), keys)).collect();
        shards.extend(heirs);
    }

    /// What is there now is thrown away.
    pub(crate) fn trim(&mut self) {
        for shard in &mut self.newest_mut().shards {
            shard.horizon = shard.records.len();
        }
    }

    fn newest_mut(&mut self) -> &mut Stream {
        self.all.last_mut().expect("a table has had a stream")
    }
}

impl Shard {
    fn new(parent: Option<usize>, keys: Vec<KeyNumber>) -> Shard {
        Shard { parent, is_open: true, records: Vec::new(), horizon: 0, keys }
    }

    /// How many records can be read that are so old at least.
    pub(crate) fn visible(&self, now: Instant, lag: Duration) -> usize {
        self.records.partition_point(|record| record.at + lag <= now)
    }
}

/// The streams of all tables.
pub(crate) fn streams() -> Vec<Streams> {
    (0..TABLES.len()).map(Streams::new).collect()
}
