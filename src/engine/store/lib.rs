//! The store: ordered rows of bytes in numbered spaces, changed by transactions that are durable when they are
//! answered.
//!
//! The only code of the engine that touches a disk. Knows nothing of tables, items or DynamoDB. Start at
//! [`Store`]: readers take a [`View`], changes run as closures over a [`Transaction`] on one writer thread
//! (`writer.rs`), which commits everything that waits as one group with one sync. Below the seam
//! (`backing.rs`) rows lie in memory (`memory.rs`) or on disk (`disk.rs`, over fjall; `directory.rs` has the
//! files, `journal_repair.rs` mends what a crash left).

mod backing;
mod directory;
mod disk;
mod error;
mod journal_repair;
mod memory;
mod opened;
mod rows;
mod sweep;
#[cfg(test)]
mod tests;
mod transaction;
mod view;
mod writer;

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc, RwLock,
        mpsc::{SyncSender, TrySendError, sync_channel},
    },
    thread::JoinHandle,
    time::Duration,
};

use base::Clock;
use tokio::sync::oneshot;

pub use error::{OpenError, Refusal, StoreError};
pub use opened::{Opened, Repair};
pub use rows::KEY_BYTES_MAX;
pub use transaction::Transaction;
pub use view::{Range, View};

use backing::Backing;
use disk::Disk;
use memory::Memory;
use rows::Life;
use writer::{Change, Job, Writer};

/// Names a keyspace. Whoever creates spaces hands out the numbers and never uses one twice. `Space(0)` always
/// exists; `Space(u32::MAX)` is the store's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Space(pub u32);

/// In which order a range is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the smallest key up.
    Forward,
    /// From the greatest key down.
    Backward,
}

/// Where rows lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this directory, which is made if need be.
    Directory(PathBuf),
    /// In memory, until the store is dropped.
    Memory,
}

/// When a change counts as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SyncPolicy {
    /// When the disk has it: nothing acknowledged is lost, whatever fails.
    #[default]
    EachCommit,
    /// When the operating system has it. A power cut loses up to this much time.
    Every(Duration),
    /// When the operating system has it. A power cut loses what the operating system had not written.
    Never,
}

/// How to open a store.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where rows lie.
    pub place: Place,
    /// When a change counts as durable.
    pub sync: SyncPolicy,
    /// For blocks that were read from disk.
    pub cache_bytes: u64,
    /// How much is gathered in memory before it is written out as a sorted table. Up to three times as much may
    /// be held while writing out lags behind.
    pub memtable_bytes: u64,
    /// Changes are refused while the disk has less room than this: upkeep needs some, and reopening after a
    /// failure copies a journal.
    pub reserve_bytes: u64,
    /// How many changes may wait. More are refused.
    pub queue_max: usize,
}

impl Config {
    /// The defaults.
    pub fn new(place: Place) -> Config {
        Config {
            place,
            sync: SyncPolicy::default(),
            cache_bytes: 64 << 20,
            memtable_bytes: 32 << 20,
            reserve_bytes: 128 << 20,
            // Eight full groups: at the slowest disk that is some hundred milliseconds of waiting.
            queue_max: 8192,
        }
    }
}

/// A store. Clones are handles to the same one; the last one to go flushes it and stops its thread.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

struct Shared {
    /// Gone only while dropping.
    queue: Option<SyncSender<Box<dyn Job>>>,
    queue_max: usize,
    published: Arc<RwLock<View>>,
    writer: Option<JoinHandle<()>>,
    directory: Option<PathBuf>,
}

impl Store {
    /// Opens the store, or makes one if there is none, and starts its thread.
    ///
    /// # Errors
    /// [`OpenError`] says what is in the way. What a crash left is mended and told in [`Opened`].
    pub fn open(config: Config, clock: Clock) -> Result<(Store, Opened), OpenError> {
        let (backing, opened): (Box<dyn Backing>, Opened) = match &config.place {
            Place::Memory => (Box::new(Memory::default()), Opened::default()),
            Place::Directory(path) => {
                let (disk, opened) = Disk::open(path, &config, clock.clone())?;
                (Box::new(disk), opened)
            }
        };
        let directory = match config.place {
            Place::Directory(path) => Some(path),
            Place::Memory => None,
        };
        let (queue, jobs) = sync_channel(config.queue_max);
        let (writer, published) = Writer::new(backing, jobs, config.sync, clock)
            .map_err(|error| unreadable(directory.as_deref(), &error))?;
        let thread = std::thread::Builder::new().name("store-writer".into());
        let writer = thread.spawn(|| writer.run()).map_err(|source| OpenError::Io {
            action: "start the writer thread of",
            path: directory.clone().unwrap_or_default(),
            source,
        })?;
        let shared = Shared {
            queue: Some(queue),
            queue_max: config.queue_max,
            published,
            writer: Some(writer),
            directory,
        };
        Ok((Store { shared: Arc::new(shared) }, opened))
    }

    /// Everything that was committed up to this moment. Never waits for the writer.
    pub fn view(&self) -> View {
        self.shared.published.read().expect("nobody panics while holding it").clone()
    }

    /// Runs `change` on the writer thread, in the order of the queue, against everything committed and what
    /// earlier changes of its group did. An `Err` from it leaves no trace. Resolves once the whole group is
    /// durable. Dropping the future takes nothing back.
    ///
    /// # Errors
    /// [`StoreError::may_be_applied`] tells whether the change may be there all the same.
    pub async fn write<T, E>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<T, E>, StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.enqueue(Box::new(Change::new(change, move |outcome| drop(answer.send(outcome)))))?;
        answered.await.unwrap_or_else(|_| Err(writer_gone()))
    }

    /// The same for callers without a runtime; blocks the thread.
    ///
    /// # Errors
    /// As [`Store::write`].
    pub fn write_blocking<T, E>(
        &self,
        change: impl FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<T, E>, StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let (answer, answered) = sync_channel(1);
        self.enqueue(Box::new(Change::new(change, move |outcome| drop(answer.send(outcome)))))?;
        answered.recv().unwrap_or_else(|_| Err(writer_gone()))
    }

    /// Drops every space that is not among `spaces`, and says which. For start-up: what a crash left between
    /// two steps of a table's life is known to nobody any more.
    ///
    /// # Errors
    /// As [`Store::write`]; blocks the thread like [`Store::write_blocking`].
    pub fn retain(&self, spaces: &[Space]) -> Result<Vec<Space>, StoreError> {
        let view = self.view();
        let live = view.spaces.iter().filter(|(_, life)| **life == Life::Live).map(|(space, _)| *space);
        let unknown: Vec<Space> =
            live.filter(|space| *space != Space(0) && !spaces.contains(space)).collect();
        if unknown.is_empty() {
            return Ok(unknown);
        }
        let dropped = self.write_blocking(move |transaction| {
            let gone: Vec<Space> = unknown.into_iter().filter(|space| transaction.has(*space)).collect();
            gone.iter().for_each(|space| transaction.drop_space(*space));
            Ok::<_, std::convert::Infallible>(gone)
        })?;
        let Ok(dropped) = dropped;
        tracing::warn!(spaces = ?dropped, "spaces that nobody knows were dropped");
        Ok(dropped)
    }

    /// How much of the disk the store takes. Files that are going away meanwhile may or may not be counted.
    pub fn bytes_on_disk(&self) -> u64 {
        self.shared.directory.as_deref().map_or(0, directory::bytes_on_disk)
    }

    fn enqueue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let queue = self.shared.queue.as_ref().expect("it goes only with the last handle");
        queue.try_send(job).map_err(|refused| match refused {
            TrySendError::Full(_) => Refusal::QueueFull(self.shared.queue_max).into(),
            TrySendError::Disconnected(_) => Refusal::Closed.into(),
        })
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("directory", &self.shared.directory).finish_non_exhaustive()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.queue = None;
        let Some(writer) = self.writer.take() else { return };
        // The last handle may lie in a change, which the writer itself drops.
        if writer.thread().id() != std::thread::current().id() {
            // A panic of the writer's has been reported where it happened.
            let _ = writer.join();
        }
    }
}

/// The writer ended with a change in hand: it panicked outside any change.
fn writer_gone() -> StoreError {
    StoreError::Unknown { detail: Arc::from("the writer thread is gone") }
}

fn unreadable(directory: Option<&Path>, error: &StoreError) -> OpenError {
    OpenError::Unreadable {
        path: directory.unwrap_or(Path::new("memory")).to_owned(),
        detail: error.to_string(),
    }
}
