//! Following tables' DynamoDB Streams: what others wrote beside this node.
//!
//! A task for each table reads every open shard of the table's stream, the bundled engine's or the upstream's alike,
//! and tells a [`Sink`] of each change, in the order of its shard. Knows nothing of caches: what a change means to
//! them is the sink's business. It neither stores nor remembers changes, and does not know how far others have come.
//!
//! Start at [`Follower::follow`]. `task.rs` asks the origin and tells the sink; `walk.rs` says what to ask next, and
//! keeps to the service's limits; `lineage.rs` knows the shards, their order and the lag; `answers.rs` reads what
//! the origin says.

mod answers;
mod lineage;
mod metrics;
mod pace;
mod task;
mod walk;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use backend::Backend;
use base::{Chance, Clock, Drain};
use model::Item;
use serde::Deserialize;
use tokio::sync::{Semaphore, oneshot};

pub(crate) use metrics::Metrics;

use lineage::Mark;
use pace::Pace;
use task::Task;

/// Tables that are followed at once; each is a task, and has metrics of its own.
pub(crate) const TABLES_MAX: usize = 200;

/// Calls to the origin that are under way at once, and so the pages of records that are held, whatever the number
/// of tables and shards.
const CALLS_MAX: usize = 32;

/// DynamoDB: ten `DescribeStream` a second (API reference, `DescribeStream`). Half of them are left to others.
const BETWEEN_DESCRIPTIONS: Duration = Duration::from_millis(200);

/// What a follower tells of tables. It is called from the tasks that follow, so it must be quick.
pub(crate) trait Sink: Send + Sync + 'static {
    /// An item changed. The changes of an item come in their order, but some may come twice.
    fn changed(&self, table: &str, change: &Change);

    /// What is kept of the table can no longer be trusted: it is followed from now on, or from now on no longer, or
    /// something happened to it that could not be read.
    ///
    /// When following begins, or begins again after a gap, this is said once whatever is written from then on will
    /// be seen.
    fn lost_track(&self, table: &str);
}

/// A change of an item, as a stream tells it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Change {
    pub(crate) event: Event,
    pub(crate) key: Item,
    /// The item before.
    pub(crate) old: Image,
    /// The item after.
    pub(crate) new: Image,
    pub(crate) sequence_number: String,
    /// When it happened, if the record says so. DynamoDB: in whole seconds.
    pub(crate) created_at: Option<SystemTime>,
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Event {
    Insert,
    Modify,
    Remove,
}

/// One side of a change.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Image {
    /// This was the whole item.
    Item(Item),
    /// There was no item.
    Absent,
    /// The stream's view does not show it.
    Hidden,
}

/// Settings of a follower.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// How long a shard that had nothing new is left alone; 200 ms at least.
    pub(crate) poll_interval: Duration,
}

/// Whether a table is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It soon will be, or the origin does not answer yet.
    Starting,
    /// It is.
    Following {
        /// How old a change may be that was not seen yet. An idle stream lags as far as the last read of it that
        /// found nothing. A service that shows changes late (Alternator does, by seconds) lags by that much more.
        ///
        /// DynamoDB: a page may be empty although there are records further on (API reference, `GetRecords`). That
        /// cannot be told from the end, so where it happens the lag is more by the few reads that it takes.
        lag: Duration,
    },
    /// It is not, and will be tried again after a while.
    Lost(Loss),
}

/// Why a stream is not followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loss {
    /// The table never had one.
    NoStream,
    /// It was switched off.
    Disabled,
    /// There is no such table, stream or shard any more.
    Gone,
    /// Changes were thrown away before they were read.
    Trimmed,
    /// Reading stood still for so long that nobody can say where to go on.
    Expired,
    /// The origin's answers are of another shape.
    Unreadable,
    /// The origin does not answer such questions, or not to this node.
    Refused,
    /// It has more open shards than are followed.
    TooManyShards,
}

/// A table too many is asked to be followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooManyTables;

/// What a follower is handed from outside.
pub(crate) struct Parts {
    pub(crate) origin: Arc<dyn Backend>,
    pub(crate) sink: Arc<dyn Sink>,
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) drain: Drain,
    pub(crate) metrics: Metrics,
}

/// Follows tables, each once.
pub(crate) struct Follower {
    shared: Arc<Shared>,
    followed: Mutex<HashMap<String, Followed>>,
}

/// What the tasks of all tables share.
struct Shared {
    parts: Parts,
    config: Config,
    descriptions: Pace,
    calls: Semaphore,
}

struct Followed {
    notes: Arc<Notes>,
    /// Dropped, it ends the table's task.
    _forgotten: oneshot::Sender<()>,
}

/// What is known of one table's following: the task writes it, whoever asks reads it.
struct Notes {
    table: String,
    metrics: Metrics,
    noted: Mutex<Noted>,
}

#[derive(Debug, Clone, Copy)]
enum Noted {
    Starting,
    Following(Mark),
    Lost(Loss),
    /// The task is about to end, and must leave no trace.
    Forgotten,
}

impl Follower {
    pub(crate) fn new(parts: Parts, config: Config) -> Follower {
        let shared = Shared {
            parts,
            config,
            descriptions: Pace::new(BETWEEN_DESCRIPTIONS),
            calls: Semaphore::new(CALLS_MAX),
        };
        Follower { shared: Arc::new(shared), followed: Mutex::default() }
    }

    /// Sees to it that a table is followed, by its name or ARN, until it is forgotten or the process ends.
    ///
    /// # Errors
    /// [`TooManyTables`], and it is not followed.
    pub(crate) fn follow(&self, table: &str) -> Result<(), TooManyTables> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if followed.contains_key(table) {
            return Ok(());
        }
        if followed.len() >= TABLES_MAX {
            return Err(TooManyTables);
        }
        let Parts { drain, metrics, .. } = &self.shared.parts;
        let notes = Arc::new(Notes {
            table: table.to_owned(),
            metrics: metrics.clone(),
            noted: Mutex::new(Noted::Starting),
        });
        metrics.not_following(table);
        let (forget, forgotten) = oneshot::channel();
        let task = Task::new(Arc::clone(&self.shared), Arc::clone(&notes));
        drain.spawn(task.run(forgotten));
        followed.insert(table.to_owned(), Followed { notes, _forgotten: forget });
        Ok(())
    }

    /// Whether a table is followed; `None` if nobody asked for that.
    pub(crate) fn state(&self, table: &str) -> Option<State> {
        let followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        followed.get(table)?.notes.state(&self.shared.parts.clock)
    }

    /// Stops following a table.
    pub(crate) fn forget(&self, table: &str) {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(followed) = followed.remove(table) {
            followed.notes.forget();
        }
    }
}

impl Notes {
    fn state(&self, clock: &Clock) -> Option<State> {
        match *self.noted.lock().unwrap_or_else(PoisonError::into_inner) {
            Noted::Starting => Some(State::Starting),
            Noted::Following(mark) => Some(State::Following { lag: mark.lag(clock.now()) }),
            Noted::Lost(why) => Some(State::Lost(why)),
            Noted::Forgotten => None,
        }
    }

    /// Notes how it stands, unless nobody wants to know any more; how it stood until now.
    fn note(&self, noted: Noted, now: base::Instant) -> Noted {
        let mut place = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *place;
        // Race: a table is forgotten on one thread, and followed again, while its first task is still at work on
        // another. Under the lock, the first one's numbers cannot come after the second one's.
        if matches!(before, Noted::Forgotten) {
            return before;
        }
        *place = noted;
        match noted {
            Noted::Following(mark) => self.metrics.following(&self.table, mark.lag(now).as_secs_f64()),
            Noted::Starting | Noted::Lost(_) => self.metrics.not_following(&self.table),
            Noted::Forgotten => self.metrics.forget(&self.table),
        }
        before
    }

    fn forget(&self) {
        let mut place = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        *place = Noted::Forgotten;
        self.metrics.forget(&self.table);
    }
}

impl Loss {
    /// For metrics, logs and the status page.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Loss::NoStream => "no_stream",
            Loss::Disabled => "disabled",
            Loss::Gone => "gone",
            Loss::Trimmed => "trimmed",
            Loss::Expired => "expired_iterator",
            Loss::Unreadable => "unreadable",
            Loss::Refused => "refused",
            Loss::TooManyShards => "too_many_shards",
        }
    }
}

#[cfg(test)]
mod scenarios;
