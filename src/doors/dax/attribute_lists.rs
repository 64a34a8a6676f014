//! The numbers of lists of attribute names, by which items travel without their names.
//!
//! DAX: clients remember numbers and names for as long as they live, and write with a number that they remember without
//! asking. A number must therefore mean the same list for ever, on every node: it is a hash of the list, and is on the
//! disk together with the names (`log.rs`) before anybody hears of it. The names the nodes tell one another
//! (`shared.rs`).
//!
//! What remains: two lists with the same hash, one pair in 2^53, get numbers in the order in which a node meets them.

mod log;
mod shared;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base::Clock;
use dax_wire::item::NO_ATTRIBUTES;
use prometheus::{IntCounter, IntGauge};
use tokio::sync::Mutex;
use xxhash_rust::xxh3::Xxh3;

use self::log::Log;
pub use self::log::LogError;
pub(crate) use self::shared::SharedLists;
use crate::metrics::Metrics;

/// DAX: JavaScript's numbers are whole up to here.
const ID_MAX: i64 = (1 << 53) - 1;
/// Numbers behind that of the empty list.
const IDS: u64 = (ID_MAX - NO_ATTRIBUTES) as u64;
/// The names of a list stand in an item, and DynamoDB's items have at most 400 KB. Each counts for a byte at least:
/// there are no empty ones.
const LIST_BYTES_MAX: usize = model::limits::ITEM_BYTES_MAX;
/// What a name takes in memory beyond its bytes: sixteen where it is referred to, and no more than this with what the
/// allocator adds to a short one.
const NAME_OVERHEAD: u64 = 48;
/// What a list takes beyond its names: its place in the table, half of which may be free, and its header.
const LIST_OVERHEAD: u64 = 128;
/// What waits for the file counts for so much at most, and is written at once.
const WAITING_BYTES_MAX: u64 = 1 << 20;
/// For the disk to take a list, and those that came before it. What waits for it is the reply to a read, or to a write
/// that is done.
const PATIENCE: Duration = Duration::from_secs(2);

/// What the registry may hold, and where.
#[derive(Debug, Clone)]
pub struct ListsConfig {
    /// Where it outlives the process; `None` keeps it in memory.
    pub directory: Option<PathBuf>,
    /// Lists at most. New ones are refused then; none is forgotten.
    pub lists_max: usize,
    /// Bytes of memory at most, likewise. The file is smaller.
    pub bytes_max: u64,
}

/// All lists that were ever numbered here.
#[derive(Debug)]
pub(crate) struct AttributeLists {
    known: Arc<RwLock<Known>>,
    refused: IntCounter,
    clock: Clock,
    /// `None` where nothing is written.
    log: Option<Arc<Mutex<Log>>>,
    waiting: std::sync::Mutex<Waiting>,
    lists_max: usize,
    bytes_max: u64,
}

/// The names of a list, in its order.
pub(crate) type Names = Arc<[Box<str>]>;

/// Lists by their numbers.
#[derive(Debug, Default)]
struct Lists {
    by_id: HashMap<i64, Names>,
    /// What they count for.
    bytes: u64,
}

#[derive(Debug)]
struct Known {
    lists: Lists,
    /// How many there are.
    count: IntGauge,
}

/// New lists that whoever writes next writes as well.
#[derive(Debug, Default)]
struct Waiting {
    lists: Vec<Names>,
    bytes: u64,
}

/// Why a list has no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Undefined {
    /// There are as many as may be.
    #[error("there are too many lists of attribute names already")]
    Full,
    /// No item could have so long a list.
    #[error("the names are longer than an item may be")]
    TooLong,
    /// The disk did not take it.
    #[error("the list could not be written")]
    Unwritable,
    /// The disk did not take it in time. It may do so yet.
    #[error("the list was not written in time")]
    Late,
}

impl AttributeLists {
    /// Reads what is known. This is work for a thread that may block.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged. A last record that was not written to its end, as a crash leaves it,
    /// is no damage: its number was never told.
    pub(crate) fn open(
        config: &ListsConfig,
        clock: Clock,
        metrics: &Metrics,
    ) -> Result<AttributeLists, LogError> {
        let mut known = Known::new(metrics);
        let log = match &config.directory {
            Some(directory) => {
                let (log, lists) = Log::open(directory)?;
                let mut kept = Lists::default();
                lists.into_iter().for_each(|(id, names)| kept.add(id, names));
                known.extend(kept);
                Some(Arc::new(Mutex::new(log)))
            }
            None => {
                tracing::warn!(
                    "the numbers of attribute lists are in memory alone: clients of the DAX door that outlive this \
                    process are refused writes until they are restarted too; a directory in dax.state_dir keeps them"
                );
                None
            }
        };
        Ok(AttributeLists {
            known: Arc::new(RwLock::new(known)),
            refused: metrics.refused_lists.clone(),
            clock,
            log,
            waiting: std::sync::Mutex::default(),
            lists_max: config.lists_max,
            bytes_max: config.bytes_max,
        })
    }

    /// With these numbers, whatever they would be here.
    #[cfg(test)]
    pub(crate) fn holding(lists: impl Iterator<Item = (i64, Names)>) -> AttributeLists {
        let config = ListsConfig { directory: None, lists_max: usize::MAX, bytes_max: u64::MAX };
        let holding =
            AttributeLists::open(&config, Clock::start(), &Metrics::of_a_test()).expect("nothing is read");
        let mut held = Lists::default();
        lists.for_each(|(id, names)| held.add(id, names));
        holding.write().extend(held);
        holding
    }

    /// The number of a list that has one. This is what an item costs that is sent: a hash, and no allocation.
    fn known_id<'n, N>(&self, names: N) -> Option<i64>
    where
        N: Iterator<Item = &'n str> + Clone,
    {
        self.read().find(names, None).ok()
    }

    /// The number of a list, which it gets now if it has none.
    ///
    /// Dropped while it waits, it may have numbered the list or not.
    ///
    /// # Errors
    /// [`Undefined`]; then the list has no number.
    pub(crate) async fn id_of(&self, names: &[&str]) -> Result<i64, Undefined> {
        if let Some(id) = self.known_id(names.iter().copied()) {
            return Ok(id);
        }
        let deadline = self.clock.now() + PATIENCE;
        let defined =
            self.clock.timeout_at(deadline, self.define(names)).await.unwrap_or(Err(Undefined::Late));
        defined.inspect_err(|why| match why {
            Undefined::Full => self.refused.inc(),
            Undefined::Late => tracing::error!("the disk takes no list of attribute names"),
            Undefined::TooLong | Undefined::Unwritable => {}
        })
    }

    async fn define(&self, names: &[&str]) -> Result<i64, Undefined> {
        if names.iter().map(|name| name.len().max(1)).sum::<usize>() > LIST_BYTES_MAX {
            return Err(Undefined::TooLong);
        }
        let names: Names = names.iter().map(|name| Box::from(*name)).collect();
        let Some(log) = &self.log else {
            let mut known = self.write();
            let mut new = Lists::default();
            let id = known.place(&names, &mut new, self)?;
            known.extend(new);
            return Ok(id);
        };
        self.waiting().push(&names);
        let mut log = Arc::clone(log).lock_owned().await;
        // Race: whoever had the file before may have written this list as well.
        if let Some(id) = self.known_id(names.iter().map(|name| &**name)) {
            return Ok(id);
        }
        let (id, new) = self.next_record(&names)?;
        let known = Arc::clone(&self.known);
        // The guard goes along: a caller that gives up leaves no half-written record behind.
        let written = tokio::task::spawn_blocking(move || {
            log.append(&new.by_id)?;
            write_lock(&known).extend(new);
            Ok::<(), LogError>(())
        });
        match written.await {
            Ok(Ok(())) => Ok(id),
            Ok(Err(error)) => {
                tracing::error!(%error, "a list of attribute names cannot be kept, and is refused");
                Err(Undefined::Unwritable)
            }
            Err(panicked) => {
                tracing::error!(%panicked, "a list of attribute names cannot be kept, and is refused");
                Err(Undefined::Unwritable)
            }
        }
    }

    /// A new list with its number, and with all that wait: one sync is as good as another.
    fn next_record(&self, names: &Names) -> Result<(i64, Lists), Undefined> {
        let known = self.read();
        let mut new = Lists::default();
        let id = known.place(names, &mut new, self)?;
        for waiting in self.waiting().take() {
            // One for which there is no room is told so when its turn comes.
            let _full = known.place(&waiting, &mut new, self);
        }
        Ok((id, new))
    }

    /// Whether the number of this list is, or would be, this one.
    pub(crate) fn would_be(&self, names: &[&str], id: i64) -> bool {
        let found = self.read().find(names.iter().copied(), None);
        found.unwrap_or_else(|free| free) == id
    }

    /// The names behind a number; `None` if nobody here ever gave it out.
    pub(crate) fn names_of(&self, id: i64) -> Option<Names> {
        if id == NO_ATTRIBUTES {
            return Some(Arc::default());
        }
        self.read().lists.by_id.get(&id).cloned()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        write_lock(&self.known)
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write_lock(known: &RwLock<Known>) -> std::sync::RwLockWriteGuard<'_, Known> {
    known.write().unwrap_or_else(PoisonError::into_inner)
}

impl Lists {
    fn add(&mut self, id: i64, names: Names) {
        self.bytes += size(&names);
        self.by_id.insert(id, names);
    }
}

impl Waiting {
    /// As far as there is room: what is not here is written by whoever wants it.
    fn push(&mut self, names: &Names) {
        self.bytes += size(names);
        if self.bytes <= WAITING_BYTES_MAX {
            self.lists.push(Arc::clone(names));
        }
    }

    fn take(&mut self) -> Vec<Names> {
        std::mem::take(self).lists
    }
}

impl Known {
    fn new(metrics: &Metrics) -> Known {
        Known { lists: Lists::default(), count: metrics.attribute_lists.clone() }
    }

    /// The number of a list, or else the one that it would get beside `new` ones.
    fn find<'n>(
        &self,
        names: impl Iterator<Item = &'n str> + Clone,
        new: Option<&Lists>,
    ) -> Result<i64, i64> {
        if names.clone().next().is_none() {
            return Ok(NO_ATTRIBUTES);
        }
        let mut id = first_place(names.clone());
        let list_of = |id| self.lists.by_id.get(&id).or_else(|| new?.by_id.get(&id));
        // Lists with the same hash stand one behind the other, and none is ever taken out.
        while let Some(list) = list_of(id) {
            if list.iter().map(|name| &**name).eq(names.clone()) {
                return Ok(id);
            }
            id = next_place(id);
        }
        Err(id)
    }

    /// The number of a list, which is put among the new ones if it is one.
    fn place(&self, names: &Names, new: &mut Lists, bounds: &AttributeLists) -> Result<i64, Undefined> {
        self.find(names.iter().map(|name| &**name), Some(new)).or_else(|id| {
            let count = self.lists.by_id.len() + new.by_id.len();
            let bytes = self.lists.bytes + new.bytes + size(names);
            if count >= bounds.lists_max || bytes > bounds.bytes_max {
                return Err(Undefined::Full);
            }
            new.add(id, Arc::clone(names));
            Ok(id)
        })
    }

    fn extend(&mut self, new: Lists) {
        self.lists.bytes += new.bytes;
        self.lists.by_id.extend(new.by_id);
        self.count.set(self.lists.by_id.len() as i64);
    }
}

/// What a list counts for: what it takes.
fn size(names: &Names) -> u64 {
    LIST_OVERHEAD + names.iter().map(|name| NAME_OVERHEAD + name.len() as u64).sum::<u64>()
}

/// The number of a list that nobody else has: its hash. It stands in files and in the memory of clients, so it is never
/// to change.
fn first_place<'n>(names: impl Iterator<Item = &'n str>) -> i64 {
    let mut hash = Xxh3::new();
    for name in names {
        // With its length, so that `a, bc` is another list than `ab, c`.
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
    }
    NO_ATTRIBUTES + 1 + (hash.digest() % IDS) as i64
}

fn next_place(id: i64) -> i64 {
    if id == ID_MAX { NO_ATTRIBUTES + 1 } else { id + 1 }
}

#[cfg(test)]
mod tests;
