//! What can go wrong, and whether a change may have been applied all the same.

use std::{io, path::PathBuf, sync::Arc};

use crate::Space;

/// Why a store did not open. Nothing was changed that [`crate::Opened`] would not have told.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Somebody else has it open.
    #[error("{} is in use: another process holds its lock", .0.display())]
    InUse(PathBuf),
    /// There is something in the directory, and it is no store.
    #[error("{} is not empty and no store: it holds {found:?}", path.display())]
    NotAStore {
        /// The directory.
        path: PathBuf,
        /// One of the strangers in it.
        found: String,
    },
    /// Written by another, probably newer build.
    #[error("{} has format {found:?}; this build reads format {known}", path.display())]
    UnknownFormat {
        /// The file that tells the format.
        path: PathBuf,
        /// What it tells.
        found: String,
        /// What this build reads.
        known: u32,
    },
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was attempted, as a verb phrase.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// How it was refused.
        #[source]
        source: io::Error,
    },
    /// The files are there and cannot be made sense of.
    #[error("{} cannot be read: {detail}", path.display())]
    Unreadable {
        /// The directory.
        path: PathBuf,
        /// What the storage engine says.
        detail: String,
    },
}

/// Why a read or a change failed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The change was not applied and never will be.
    #[error("not applied: {0}")]
    NotApplied(Refusal),
    /// Writing or syncing failed: the change may be applied, now or after the next opening.
    #[error("may be applied: {detail}")]
    Unknown {
        /// What failed, for the log.
        detail: Arc<str>,
    },
    /// What is stored does not match its checksum.
    #[error("{space:?} is corrupt: {detail}")]
    Corrupt {
        /// Where it was found.
        space: Space,
        /// What was found, for the log.
        detail: Arc<str>,
    },
    /// The file system refused a read.
    #[error("{space:?} cannot be read: {detail}")]
    Unreadable {
        /// What was asked.
        space: Space,
        /// How it was refused, for the log.
        detail: Arc<str>,
    },
}

/// Why a change was not applied.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Too many changes wait already.
    #[error("{0} changes wait already")]
    QueueFull(usize),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
    /// The closure panicked.
    #[error("the change panicked: {0}")]
    Panicked(Arc<str>),
    /// What is kept free for the store's own upkeep would be touched.
    #[error("the disk is full: {free_bytes} bytes are free, {reserve_bytes} are kept")]
    DiskFull {
        /// What the file system can still give.
        free_bytes: u64,
        /// What is kept free.
        reserve_bytes: u64,
    },
    /// An earlier write or sync failed, and reopening does not succeed yet.
    #[error("writes are refused since a failure: {0}")]
    Unavailable(Arc<str>),
}

impl StoreError {
    /// Whether the change may be applied, now or later. A failed read is none.
    pub fn may_be_applied(&self) -> bool {
        matches!(self, StoreError::Unknown { .. })
    }
}

impl From<Refusal> for StoreError {
    fn from(refusal: Refusal) -> StoreError {
        StoreError::NotApplied(refusal)
    }
}
