//! Rows in memory: a persistent map, of which a snapshot is one cheap clone.

use std::{collections::VecDeque, ops::Bound, sync::Arc};

use bytes::Bytes;
use imbl::OrdMap;

use crate::{
    Direction, Refusal,
    backing::{Backing, Bounds, CommitFailure, Durability, Prepared, ReadFailure, Row, Rows, Snapshot},
};

/// How many rows a range takes from the map at once: enough to make seeking cheap, few enough to waste little.
const CHUNK_ROWS: usize = 32;

#[derive(Default)]
pub(crate) struct Memory {
    rows: OrdMap<Bytes, Bytes>,
}

struct MemorySnapshot {
    rows: OrdMap<Bytes, Bytes>,
}

impl Backing for Memory {
    fn prepare(&mut self) -> Result<Prepared, Refusal> {
        Ok(Prepared::Same)
    }

    fn commit(&mut self, rows: Vec<(Bytes, Option<Bytes>)>, _: Durability) -> Result<(), CommitFailure> {
        for (key, value) in rows {
            match value {
                Some(value) => self.rows.insert(key, value),
                None => self.rows.remove(&key),
            };
        }
        Ok(())
    }

    fn sync(&mut self) -> Result<(), CommitFailure> {
        Ok(())
    }

    fn snapshot(&self) -> Arc<dyn Snapshot> {
        Arc::new(MemorySnapshot { rows: self.rows.clone() })
    }
}

impl Snapshot for MemorySnapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadFailure> {
        Ok(self.rows.get(key).cloned())
    }

    fn range(&self, bounds: Bounds, direction: Direction) -> Rows {
        Box::new(MemoryRange {
            rows: self.rows.clone(),
            rest: Some(bounds),
            direction,
            chunk: VecDeque::with_capacity(CHUNK_ROWS),
        })
    }
}

/// Owns its map, so that it may outlive the snapshot; therefore it seeks anew for each chunk.
struct MemoryRange {
    rows: OrdMap<Bytes, Bytes>,
    rest: Option<Bounds>,
    direction: Direction,
    chunk: VecDeque<Row>,
}

impl MemoryRange {
    fn refill(&mut self) {
        let Some(bounds) = self.rest.take() else { return };
        let range = self.rows.range::<_, Bytes>(bounds.clone());
        let owned = |(key, value): (&Bytes, &Bytes)| (key.clone(), value.clone());
        match self.direction {
            Direction::Forward => self.chunk.extend(range.take(CHUNK_ROWS).map(owned)),
            Direction::Backward => self.chunk.extend(range.rev().take(CHUNK_ROWS).map(owned)),
        }
        if self.chunk.len() == CHUNK_ROWS {
            let last = self.chunk.back().expect("a full chunk has a last row").0.clone();
            self.rest = match self.direction {
                Direction::Forward => non_empty((Bound::Excluded(last), bounds.1)),
                Direction::Backward => non_empty((bounds.0, Bound::Excluded(last))),
            };
        }
    }
}

impl Iterator for MemoryRange {
    type Item = Result<Row, ReadFailure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.chunk.is_empty() {
            self.refill();
        }
        self.chunk.pop_front().map(Ok)
    }
}

/// The bounds, unless nothing can lie between them: ordered maps may panic on such.
pub(crate) fn non_empty(bounds: Bounds) -> Option<Bounds> {
    let is_empty = match (&bounds.0, &bounds.1) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => false,
        (Bound::Included(lower), Bound::Included(upper)) => lower > upper,
        (Bound::Included(lower), Bound::Excluded(upper))
        | (Bound::Excluded(lower), Bound::Included(upper))
        | (Bound::Excluded(lower), Bound::Excluded(upper)) => lower >= upper,
    };
    (!is_empty).then_some(bounds)
}
