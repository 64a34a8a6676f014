//! Clearing away the rows of dropped spaces, a few at a time.

use bytes::Bytes;

use crate::{
    Direction, Space, StoreError, View,
    rows::{Life, full_bounds},
};

/// How many rows are deleted at once: short enough that a change that comes meanwhile hardly waits.
const SWEEP_ROWS: usize = 1024;

/// Which space is being swept.
pub(crate) struct Sweep {
    space: Option<Space>,
}

/// What one step deletes.
pub(crate) struct Swept {
    pub(crate) rows: Vec<Bytes>,
    /// The space that is done with then.
    pub(crate) finished: Option<Space>,
}

impl Sweep {
    /// The first dropped space, if any.
    pub(crate) fn over(view: &View) -> Sweep {
        let dropped = view.spaces.iter().find(|(_, life)| **life == Life::Dropped);
        Sweep { space: dropped.map(|(space, _)| *space) }
    }

    pub(crate) fn has_work(&self) -> bool {
        self.space.is_some()
    }

    /// Until the next commit.
    pub(crate) fn stop(&mut self) {
        self.space = None;
    }

    /// The next rows to delete. With the last of them goes the row that names the space.
    pub(crate) fn next_rows(&self, view: &View) -> Result<Swept, StoreError> {
        let space = self.space.expect("asked only while there is work");
        let bounds = full_bounds(space, &..).expect("a whole space is no empty range");
        let rows = view.snapshot.range(bounds, Direction::Forward).take(SWEEP_ROWS);
        let keys: Result<Vec<Bytes>, _> = rows.map(|row| row.map(|(key, _)| key)).collect();
        let mut rows = keys.map_err(|failure| failure.within(space))?;
        let is_last = rows.len() < SWEEP_ROWS;
        if is_last {
            rows.push(Life::key(space));
        }
        Ok(Swept { rows, finished: is_last.then_some(space) })
    }
}
