//! How spaces and the store's own rows lie in one ordered map.
//!
//! Every key starts with the number of its space, big-endian, so that a space is a contiguous range. The last
//! number belongs to the store itself.

use std::{
    collections::BTreeMap,
    ops::{Bound, RangeBounds},
    sync::Arc,
};

use bytes::{BufMut, Bytes, BytesMut};

use crate::{
    Direction, Space, StoreError,
    backing::{Bounds, ReadFailure, Snapshot},
    memory::non_empty,
};

/// The store's own rows.
pub(crate) const OWN: Space = Space(u32::MAX);

/// A key's space, as a prefix.
pub(crate) const PREFIX_BYTES: usize = 4;

/// The longest key that can be stored: fjall counts key bytes in 16 bits, and the prefix is among them.
pub const KEY_BYTES_MAX: usize = u16::MAX as usize - PREFIX_BYTES;

const CLOCK: &[u8] = b"clock";
const SPACE: &[u8] = b"space";

/// A row's key in the one map.
pub(crate) fn full_key(space: Space, key: &[u8]) -> Bytes {
    let mut full = BytesMut::with_capacity(PREFIX_BYTES + key.len());
    full.put_u32(space.0);
    full.put_slice(key);
    full.freeze()
}

/// A range of a space in the one map; `None` if it is empty.
pub(crate) fn full_bounds(space: Space, bounds: &impl RangeBounds<[u8]>) -> Option<Bounds> {
    let lower = match bounds.start_bound() {
        Bound::Included(key) => Bound::Included(full_key(space, key)),
        Bound::Excluded(key) => Bound::Excluded(full_key(space, key)),
        Bound::Unbounded => Bound::Included(full_key(space, b"")),
    };
    let upper = match bounds.end_bound() {
        Bound::Included(key) => Bound::Included(full_key(space, key)),
        Bound::Excluded(key) => Bound::Excluded(full_key(space, key)),
        Bound::Unbounded => match space.0.checked_add(1) {
            Some(next) => Bound::Excluded(full_key(Space(next), b"")),
            None => Bound::Unbounded,
        },
    };
    non_empty((lower, upper))
}

/// Where the store stands in its own time; a row of its own, written with every group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Tick {
    /// Of the last transaction.
    pub(crate) sequence: u64,
    /// Milliseconds since the epoch, of the last transaction.
    pub(crate) time_millis: u64,
}

impl Tick {
    pub(crate) fn key() -> Bytes {
        full_key(OWN, CLOCK)
    }

    pub(crate) fn encode(self) -> Bytes {
        let mut value = BytesMut::with_capacity(16);
        value.put_u64(self.sequence);
        value.put_u64(self.time_millis);
        value.freeze()
    }

    fn decode(value: &[u8]) -> Option<Tick> {
        let (sequence, time) = value.split_first_chunk::<8>()?;
        Some(Tick {
            sequence: u64::from_be_bytes(*sequence),
            time_millis: u64::from_be_bytes(time.try_into().ok()?),
        })
    }
}

/// What a space is to the store. An unknown number has no row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// Can be read and written.
    Live,
    /// Dropped: its rows are being swept away.
    Dropped,
}

impl Life {
    pub(crate) fn key(space: Space) -> Bytes {
        full_key(OWN, &[SPACE, &space.0.to_be_bytes()].concat())
    }

    pub(crate) fn encode(self) -> Bytes {
        Bytes::from_static(match self {
            Life::Live => &[1],
            Life::Dropped => &[2],
        })
    }

    fn decode(value: &[u8]) -> Option<Life> {
        match value {
            [1] => Some(Life::Live),
            [2] => Some(Life::Dropped),
            _ => None,
        }
    }
}

/// What the store knows of itself, read from its own rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Own {
    pub(crate) tick: Tick,
    pub(crate) spaces: BTreeMap<Space, Life>,
}

impl Own {
    pub(crate) fn read(snapshot: &dyn Snapshot) -> Result<Own, StoreError> {
        let mut own = Own::default();
        own.spaces.insert(Space(0), Life::Live);
        if let Some(value) = snapshot.get(&Tick::key()).map_err(|failure| failure.within(OWN))? {
            own.tick = Tick::decode(&value).ok_or_else(|| corrupt("the clock's row"))?;
        }
        let bounds = full_bounds(OWN, &(Bound::Included(SPACE), Bound::Unbounded)).expect("it is not empty");
        for row in snapshot.range(bounds, Direction::Forward) {
            let (key, value) = row.map_err(|failure| failure.within(OWN))?;
            let number = key.strip_prefix(&full_key(OWN, SPACE)[..]).and_then(|rest| rest.try_into().ok());
            let space = number.map(u32::from_be_bytes).ok_or_else(|| corrupt("the key of a space's row"))?;
            let life = Life::decode(&value).ok_or_else(|| corrupt("a space's row"))?;
            own.spaces.insert(Space(space), life);
        }
        Ok(own)
    }
}

fn corrupt(what: &str) -> StoreError {
    StoreError::Corrupt { space: OWN, detail: Arc::from(format!("{what} cannot be understood")) }
}

impl ReadFailure {
    pub(crate) fn within(self, space: Space) -> StoreError {
        match self {
            ReadFailure::Corrupt(detail) => StoreError::Corrupt { space, detail },
            ReadFailure::Refused(detail) => StoreError::Unreadable { space, detail },
        }
    }
}
