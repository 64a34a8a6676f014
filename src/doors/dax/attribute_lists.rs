//! The numbers of lists of attribute names, by which items travel without their names.
//!
//! DAX: clients remember numbers and names for as long as they live, and write with a number that they remember without
//! asking. A number must therefore mean the same list for ever, on every node: it is a hash of the list, so that no node
//! has to ask another, and is on the disk together with the names (`log.rs`) before anybody hears of it.
//!
//! What remains: a node that was never asked about a list does not know its names, and refuses a write with its number;
//! that happens to a client that moved to another node with what it had learnt. (DAX's clients learn for each node
//! anew, unless they connect through a load balancer.) Nodes that were given a copy of one another's file know all of
//! its lists. And two lists with the same hash, one pair in 2^53, get numbers in the order in which a node meets them.

mod log;

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
};

use tokio::sync::Mutex;
use xxhash_rust::xxh3::Xxh3;

use self::log::Log;
pub use self::log::LogError;

/// DAX: the list of an item that has its key alone; clients know it without asking.
pub const EMPTY: u64 = dax_wire::item::NO_ATTRIBUTES as u64;
/// DAX: JavaScript's numbers are whole up to here.
const ID_MAX: u64 = (1 << 53) - 1;
/// What a name takes in memory besides its bytes: a pointer, a length, and what the allocator adds.
const AROUND_NAME_BYTES: u64 = 32;
/// The names of a list stand in an item, and DynamoDB's items have at most 400 KB.
const LIST_BYTES_MAX: usize = model::limits::ITEM_BYTES_MAX;

/// What the registry may hold, and where.
#[derive(Debug, Clone)]
pub struct ListsConfig {
    /// Where it outlives the process; `None` keeps it in memory.
    pub directory: Option<PathBuf>,
    /// Lists at most. New ones are refused then; none is forgotten.
    pub lists_max: usize,
    /// Bytes of memory that the names may take.
    pub bytes_max: u64,
}

/// All lists that were ever numbered here.
#[derive(Debug)]
pub struct AttributeLists {
    known: Arc<RwLock<Known>>,
    /// `None` where nothing is written.
    log: Option<Arc<Mutex<Log>>>,
    lists_max: usize,
    bytes_max: u64,
}

/// The names of a list, in its order.
pub type Names = Arc<[Box<str>]>;

#[derive(Debug, Default)]
struct Known {
    lists: HashMap<u64, Names>,
    bytes: u64,
}

/// Why a list has no number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Undefined {
    /// There are as many as may be.
    #[error("there are too many lists of attribute names already")]
    Full,
    /// No item could have so long a list.
    #[error("the names are longer than an item may be")]
    TooLong,
    /// The disk did not take it.
    #[error("the list could not be written")]
    Unwritable,
}

impl AttributeLists {
    /// Reads what is known. This is work for a thread that may block.
    ///
    /// # Errors
    /// When the file cannot be read or is damaged. A last record that was not written to its end, as a crash leaves it,
    /// is no damage: its number was never told.
    pub fn open(config: &ListsConfig) -> Result<AttributeLists, LogError> {
        let mut known = Known::default();
        let log = match &config.directory {
            Some(directory) => {
                let (log, records) = Log::open(directory)?;
                known.lists.reserve(records.len());
                for (id, names) in records {
                    known.add(id, names);
                }
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
            log,
            lists_max: config.lists_max,
            bytes_max: config.bytes_max,
        })
    }

    /// With these numbers, whatever they would be here.
    #[cfg(test)]
    pub(crate) fn holding(lists: impl Iterator<Item = (u64, Names)>) -> AttributeLists {
        let mut known = Known::default();
        lists.for_each(|(id, names)| known.add(id, names));
        let known = Arc::new(RwLock::new(known));
        AttributeLists { known, log: None, lists_max: usize::MAX, bytes_max: u64::MAX }
    }

    /// The number of a list that has one. This is what an item costs that is sent: a hash, and no allocation.
    pub fn known_id<'n, N>(&self, names: N) -> Option<u64>
    where
        N: Iterator<Item = &'n str> + Clone,
    {
        self.read().find(names).ok()
    }

    /// The number of a list, which it gets now if it has none.
    ///
    /// Dropped while it waits, it may have numbered the list or not.
    ///
    /// # Errors
    /// [`Undefined`]; then the list has no number.
    pub async fn id_of(&self, names: &[&str]) -> Result<u64, Undefined> {
        if let Some(id) = self.known_id(names.iter().copied()) {
            return Ok(id);
        }
        if names.iter().map(|name| name.len()).sum::<usize>() > LIST_BYTES_MAX {
            return Err(Undefined::TooLong);
        }
        let names: Names = names.iter().map(|name| Box::from(*name)).collect();
        let Some(log) = &self.log else { return self.write().define(&names, self) };
        // Race: two connections define the same list. The second waits here, and finds it.
        let mut log = Arc::clone(log).lock_owned().await;
        let id = match self.read().place(&names, self)? {
            Place::Taken(id) => return Ok(id),
            Place::Free(id) => id,
        };
        let known = Arc::clone(&self.known);
        // The guard goes along: a caller that gives up leaves no half-written record behind.
        let written = tokio::task::spawn_blocking(move || {
            log.append(id, &names)?;
            write_lock(&known).add(id, names);
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

    /// The names behind a number; `None` if nobody here ever gave it out.
    pub fn names_of(&self, id: u64) -> Option<Names> {
        if id == EMPTY {
            return Some(Arc::default());
        }
        self.read().lists.get(&id).cloned()
    }

    /// How many lists there are.
    pub fn count(&self) -> usize {
        self.read().lists.len()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Known> {
        self.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Known> {
        write_lock(&self.known)
    }
}

fn write_lock(known: &RwLock<Known>) -> std::sync::RwLockWriteGuard<'_, Known> {
    known.write().unwrap_or_else(PoisonError::into_inner)
}

/// Where a list is, or would be.
enum Place {
    Taken(u64),
    Free(u64),
}

impl Known {
    /// The number of a list, or else the one that it would get.
    fn find<'n>(&self, names: impl Iterator<Item = &'n str> + Clone) -> Result<u64, u64> {
        if names.clone().next().is_none() {
            return Ok(EMPTY);
        }
        let mut id = first_place(names.clone());
        // Lists with the same hash stand one behind the other, and none is ever taken out.
        while let Some(list) = self.lists.get(&id) {
            if list.iter().map(|name| &**name).eq(names.clone()) {
                return Ok(id);
            }
            id = next_place(id);
        }
        Err(id)
    }

    fn place(&self, names: &Names, bounds: &AttributeLists) -> Result<Place, Undefined> {
        match self.find(names.iter().map(|name| &**name)) {
            Ok(id) => Ok(Place::Taken(id)),
            Err(id) => {
                let is_full =
                    self.lists.len() >= bounds.lists_max || self.bytes + size(names) > bounds.bytes_max;
                if is_full { Err(Undefined::Full) } else { Ok(Place::Free(id)) }
            }
        }
    }

    /// In memory alone.
    fn define(&mut self, names: &Names, bounds: &AttributeLists) -> Result<u64, Undefined> {
        match self.place(names, bounds)? {
            Place::Taken(id) => Ok(id),
            Place::Free(id) => {
                self.add(id, Arc::clone(names));
                Ok(id)
            }
        }
    }

    fn add(&mut self, id: u64, names: Names) {
        self.bytes += size(&names);
        self.lists.insert(id, names);
    }
}

/// What a list counts for: its names, and what each of them takes besides, so that many short ones are no way around the
/// bound.
fn size(names: &Names) -> u64 {
    names.iter().map(|name| name.len() as u64 + AROUND_NAME_BYTES).sum()
}

/// The number of a list that nobody else has: its hash. It stands in files and in the memory of clients, so it is never
/// to change.
fn first_place<'n>(names: impl Iterator<Item = &'n str>) -> u64 {
    let mut hash = Xxh3::new();
    for name in names {
        // With its length, so that `a, bc` is another list than `ab, c`.
        hash.update(&(name.len() as u64).to_le_bytes());
        hash.update(name.as_bytes());
    }
    hash.digest() % (ID_MAX - EMPTY) + EMPTY + 1
}

fn next_place(id: u64) -> u64 {
    if id == ID_MAX { EMPTY + 1 } else { id + 1 }
}

#[cfg(test)]
mod tests;
