//! A change in the making: reads see it, and nothing of it is kept unless it succeeds.

use std::{collections::BTreeMap, iter::Peekable, ops::RangeBounds};

use bytes::Bytes;

use crate::{
    Direction, KEY_BYTES_MAX, Space, StoreError, View,
    backing::{Bounds, ReadFailure, Row},
    rows::{Life, OWN, PREFIX_BYTES, Tick, full_bounds, full_key},
};

/// Rows and spaces that lie over committed ones. `None` hides a row.
#[derive(Default)]
pub(crate) struct Layer {
    pub(crate) rows: BTreeMap<Bytes, Option<Bytes>>,
    pub(crate) spaces: BTreeMap<Space, Life>,
    pub(crate) bytes: usize,
}

impl Layer {
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.spaces.is_empty()
    }

    /// Lays `upper` over this one.
    pub(crate) fn absorb(&mut self, upper: Layer) {
        self.rows.extend(upper.rows);
        self.spaces.extend(upper.spaces);
        self.bytes += upper.bytes;
    }

    fn set(&mut self, key: Bytes, value: Option<Bytes>) {
        self.bytes += key.len() + value.as_ref().map_or(0, Bytes::len);
        self.rows.insert(key, value);
    }
}

/// One change on its way: what was committed, what earlier changes of its group did, and what it did itself.
///
/// # Panics
/// What cannot be stored is a mistake of the caller's: [`Transaction::put`] and the like panic, and the change
/// ends with [`crate::Refusal::Panicked`].
pub struct Transaction<'a> {
    committed: &'a View,
    group: &'a Layer,
    own: Layer,
    tick: Tick,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(committed: &'a View, group: &'a Layer, tick: Tick) -> Transaction<'a> {
        Transaction { committed, group, own: Layer::default(), tick }
    }

    pub(crate) fn into_layer(self) -> Layer {
        self.own
    }

    /// The number of this transaction: greater than that of every one before, also across restarts. Numbers may
    /// be left out.
    pub fn sequence(&self) -> u64 {
        self.tick.sequence
    }

    /// When this transaction happens, in milliseconds since the epoch. It never goes back.
    pub fn commit_time(&self) -> u64 {
        self.tick.time_millis
    }

    /// Whether the space exists.
    pub fn has(&self, space: Space) -> bool {
        let life = self.own.spaces.get(&space).or_else(|| self.group.spaces.get(&space));
        life.map_or_else(|| self.committed.has(space), |life| *life == Life::Live)
    }

    /// The value under `key`. A space that does not exist is empty.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] or [`StoreError::Unreadable`].
    pub fn get(&self, space: Space, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        if !self.has(space) {
            return Ok(None);
        }
        let key = full_key(space, key);
        let changed = self.own.rows.get(&key).or_else(|| self.group.rows.get(&key));
        match changed {
            Some(value) => Ok(value.clone()),
            None => self.committed.snapshot.get(&key).map_err(|failure| failure.within(space)),
        }
    }

    /// The rows whose keys lie within `bounds`, in order. A space that does not exist is empty.
    pub fn range(
        &self,
        space: Space,
        bounds: impl RangeBounds<[u8]>,
        direction: Direction,
    ) -> impl Iterator<Item = Result<(Bytes, Bytes), StoreError>> + '_ {
        let bounds = full_bounds(space, &bounds).filter(|_| self.has(space));
        let merged = bounds.into_iter().flat_map(move |bounds| self.merged(bounds, direction));
        merged.map(move |row| match row {
            Ok((key, value)) => Ok((key.slice(PREFIX_BYTES..), value)),
            Err(failure) => Err(failure.within(space)),
        })
    }

    /// Sets the value under `key`.
    pub fn put(&mut self, space: Space, key: &[u8], value: impl Into<Bytes>) {
        self.check_writable(space, key);
        let value = value.into();
        assert!(u32::try_from(value.len()).is_ok(), "a value of {} bytes is too long", value.len());
        self.own.set(full_key(space, key), Some(value));
    }

    /// Removes `key`, if it is there.
    pub fn delete(&mut self, space: Space, key: &[u8]) {
        self.check_writable(space, key);
        self.own.set(full_key(space, key), None);
    }

    /// Makes an empty space. Its number must never have been used before.
    pub fn create_space(&mut self, space: Space) {
        assert!(space != OWN, "{space:?} is the store's own");
        let known = [&self.own.spaces, &self.group.spaces, &*self.committed.spaces];
        assert!(!known.iter().any(|spaces| spaces.contains_key(&space)), "{space:?} was in use before");
        self.set_life(space, Life::Live);
    }

    /// Drops a space with everything in it: gone at once for readers, while its rows are swept away later.
    pub fn drop_space(&mut self, space: Space) {
        assert!(space != Space(0), "{space:?} always exists");
        assert!(self.has(space), "{space:?} does not exist");
        self.set_life(space, Life::Dropped);
    }

    fn set_life(&mut self, space: Space, life: Life) {
        self.own.spaces.insert(space, life);
        self.own.set(Life::key(space), Some(life.encode()));
    }

    fn check_writable(&self, space: Space, key: &[u8]) {
        assert!(self.has(space), "{space:?} does not exist");
        assert!(key.len() <= KEY_BYTES_MAX, "a key of {} bytes is too long", key.len());
    }

    fn merged(&self, bounds: Bounds, direction: Direction) -> Merged<'_> {
        let layer = |layer: &'a Layer| layered(layer, &bounds, direction);
        // The shorter borrow of what is this change's own.
        let own = layered(&self.own, &bounds, direction);
        let committed = self.committed.snapshot.range(bounds.clone(), direction);
        let committed = committed.map(|row| row.map(|(key, value)| (key, Some(value))));
        let sources: [Source<'_>; 3] = [own, layer(self.group), Box::new(committed)];
        Merged { sources: sources.map(Iterator::peekable), direction, has_failed: false }
    }
}

/// Rows of one layer: `None` hides the row below.
type Source<'a> = Box<dyn Iterator<Item = Result<(Bytes, Option<Bytes>), ReadFailure>> + 'a>;

fn layered<'l>(layer: &'l Layer, bounds: &Bounds, direction: Direction) -> Source<'l> {
    let rows = layer.rows.range::<Bytes, _>(bounds.clone());
    let owned = |(key, value): (&Bytes, &Option<Bytes>)| Ok((key.clone(), value.clone()));
    match direction {
        Direction::Forward => Box::new(rows.map(owned)),
        Direction::Backward => Box::new(rows.rev().map(owned)),
    }
}

/// Several layers as one, the first on top.
struct Merged<'a> {
    sources: [Peekable<Source<'a>>; 3],
    direction: Direction,
    has_failed: bool,
}

impl Merged<'_> {
    /// The next key of all layers; a failure comes before everything.
    fn next_key(&mut self) -> Option<Result<Bytes, ReadFailure>> {
        let mut next: Option<Bytes> = None;
        for source in &mut self.sources {
            let key = match source.peek() {
                Some(Ok((key, _))) => key,
                Some(Err(failure)) => return Some(Err(failure.clone())),
                None => continue,
            };
            let comes_first = next.as_ref().is_none_or(|next| match self.direction {
                Direction::Forward => key < next,
                Direction::Backward => key > next,
            });
            if comes_first {
                next = Some(key.clone());
            }
        }
        next.map(Ok)
    }

    /// Takes `key` from every layer; the topmost one's word counts.
    fn take(&mut self, key: &Bytes) -> Option<Bytes> {
        let mut taken: Option<Option<Bytes>> = None;
        for source in &mut self.sources {
            let row = source.next_if(|row| matches!(row, Ok((found, _)) if found == key));
            if let Some(Ok((_, value))) = row {
                taken.get_or_insert(value);
            }
        }
        taken.flatten()
    }
}

impl Iterator for Merged<'_> {
    type Item = Result<Row, ReadFailure>;

    fn next(&mut self) -> Option<Self::Item> {
        while !self.has_failed {
            match self.next_key()? {
                Ok(key) => {
                    if let Some(value) = self.take(&key) {
                        return Some(Ok((key, value)));
                    }
                }
                Err(failure) => {
                    self.has_failed = true;
                    return Some(Err(failure));
                }
            }
        }
        None
    }
}
