//! The seam: an ordered map of bytes with snapshots, on disk or in memory.
//!
//! One thread commits; any number of readers hold snapshots. Rows, spaces and groups are the business of the
//! rooms above.

use std::{ops::Bound, sync::Arc};

use bytes::Bytes;

use crate::{Direction, Refusal};

/// A key and its value.
pub(crate) type Row = (Bytes, Bytes);

/// From where to where; never empty, so that every ordered map accepts it.
pub(crate) type Bounds = (Bound<Bytes>, Bound<Bytes>);

/// Rows in order.
pub(crate) type Rows = Box<dyn Iterator<Item = Result<Row, ReadFailure>> + Send>;

/// Everything that was committed up to one moment.
pub(crate) trait Snapshot: Send + Sync {
    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, ReadFailure>;

    fn range(&self, bounds: Bounds, direction: Direction) -> Rows;
}

/// Where rows lie.
pub(crate) trait Backing: Send {
    /// Asked before every commit: makes good what failed earlier, and waits if upkeep lags behind.
    fn prepare(&mut self) -> Result<Prepared, Refusal>;

    /// Applies all of `rows` or none; `None` deletes. Durable on return if `durability` asks for it. Nothing
    /// of it can be seen in a snapshot before.
    fn commit(
        &mut self,
        rows: Vec<(Bytes, Option<Bytes>)>,
        durability: Durability,
    ) -> Result<(), CommitFailure>;

    /// Makes everything committed durable.
    fn sync(&mut self) -> Result<(), CommitFailure>;

    /// Everything committed. Only the committing thread may ask, between commits.
    fn snapshot(&self) -> Arc<dyn Snapshot>;
}

/// What [`Backing::prepare`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Prepared {
    /// All is as the last commit left it.
    Same,
    /// It was reopened: only a new snapshot tells whether the last commit is in it.
    Reopened,
}

/// How far a commit goes before it returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// To the disk.
    Synced,
    /// To the operating system.
    Buffered,
}

/// Why a read failed.
#[derive(Debug, Clone)]
pub(crate) enum ReadFailure {
    /// A checksum or a format does not match.
    Corrupt(Arc<str>),
    /// The file system refused.
    Refused(Arc<str>),
}

/// Why a commit failed. Only a new [`Backing::prepare`] can tell more.
#[derive(Debug, Clone)]
pub(crate) enum CommitFailure {
    /// Nothing was written.
    NotApplied(Arc<str>),
    /// It may be there, now or after reopening.
    Unknown(Arc<str>),
}
