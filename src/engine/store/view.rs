//! Reading: everything as it was at one moment.

use std::{collections::BTreeMap, ops::RangeBounds, sync::Arc};

use bytes::Bytes;

use crate::{
    Direction, Space, StoreError,
    backing::{Rows, Snapshot},
    rows::{Life, PREFIX_BYTES, Tick, full_bounds, full_key},
};

/// All spaces at one moment. Cheap to clone; holding one for long keeps old rows from being cleared away.
#[derive(Clone)]
pub struct View {
    pub(crate) snapshot: Arc<dyn Snapshot>,
    pub(crate) spaces: Arc<BTreeMap<Space, Life>>,
    pub(crate) tick: Tick,
}

impl View {
    /// The value under `key`. A space that does not exist is empty.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::Unreadable`].
    pub fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if !self.has(space) {
            return Ok(None);
        }
        self.snapshot.get(&full_key(space, key)).map_err(|failure| failure.within(space))
    }

    /// The rows whose keys lie within `bounds`, in order. A space that does not exist is empty.
    pub fn range(&self, space: Space, bounds: impl RangeBounds<[u8]>, direction: Direction) -> Range {
        let bounds = full_bounds(space, &bounds).filter(|_| self.has(space));
        Range { space, rows: bounds.map(|bounds| self.snapshot.range(bounds, direction)) }
    }

    /// Whether the space exists.
    pub fn has(&self, space: Space) -> bool {
        self.spaces.get(&space) == Some(&Life::Live)
    }

    /// The number of the last transaction that this view shows.
    pub fn sequence(&self) -> u64 {
        self.tick.sequence
    }

    /// When that transaction happened, in milliseconds since the epoch: every transaction that this view does not
    /// show happens then or later.
    pub fn commit_time(&self) -> u64 {
        self.tick.time_millis
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").field("sequence", &self.tick.sequence).finish_non_exhaustive()
    }
}

/// Rows of one space, in order. After an error it ends.
pub struct Range {
    space: Space,
    rows: Option<Rows>,
}

impl Iterator for Range {
    type Item = Result<(Bytes, Bytes), StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.rows.as_mut()?.next();
        match row {
            Some(Ok((key, value))) => Some(Ok((key.slice(PREFIX_BYTES..), value))),
            Some(Err(failure)) => {
                self.rows = None;
                Some(Err(failure.within(self.space)))
            }
            None => {
                self.rows = None;
                None
            }
        }
    }
}
