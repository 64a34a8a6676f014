//! The one thread that changes anything: takes all that is queued, evaluates it in order, commits it as one
//! batch with one sync, then answers.
//!
//! There is no timer: while one group syncs, the next one gathers.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, RwLock,
        mpsc::{Receiver, RecvTimeoutError, TryRecvError},
    },
    time::{Duration, UNIX_EPOCH},
};

use base::{Clock, Instant};

use crate::{
    Refusal, Space, StoreError, SyncPolicy, Transaction, View,
    backing::{Backing, CommitFailure, Durability, Prepared},
    rows::{Own, Tick},
    sweep::Sweep,
    transaction::Layer,
};

/// How many changes share a commit at most: a sync takes as long as some hundred evaluations.
const GROUP_CHANGES_MAX: usize = 1024;

/// How many bytes a group gathers before it is closed, which bounds memory and the time a sync takes.
const GROUP_BYTES_MAX: usize = 4 << 20;

/// How many groups may be committed before sweeping has its turn although changes wait.
const GROUPS_PER_SWEEP: u32 = 16;

/// What the writer is asked to do.
pub(crate) trait Job: Send {
    /// Evaluates the change. Its layer counts only if it succeeds.
    fn evaluate(&mut self, transaction: &mut Transaction<'_>) -> Evaluated;

    /// Tells whoever waits.
    fn answer(self: Box<Self>, fate: Result<(), StoreError>);
}

/// How a change ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evaluated {
    Succeeded,
    Failed,
}

/// A change and whom to tell.
pub(crate) struct Change<F, T, E, R> {
    change: Option<F>,
    outcome: Option<Result<Result<T, E>, StoreError>>,
    reply: R,
}

impl<F, T, E, R> Change<F, T, E, R>
where
    F: FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send,
    R: FnOnce(Result<Result<T, E>, StoreError>) + Send,
{
    pub(crate) fn new(change: F, reply: R) -> Change<F, T, E, R> {
        Change { change: Some(change), outcome: None, reply }
    }
}

impl<F, T, E, R> Job for Change<F, T, E, R>
where
    F: FnOnce(&mut Transaction<'_>) -> Result<T, E> + Send,
    T: Send,
    E: Send,
    R: FnOnce(Result<Result<T, E>, StoreError>) + Send,
{
    fn evaluate(&mut self, transaction: &mut Transaction<'_>) -> Evaluated {
        let change = self.change.take().expect("a change is evaluated once");
        // What a panic leaves half done lies in the transaction's own layer, which is dropped then.
        let outcome = catch_unwind(AssertUnwindSafe(|| change(transaction)));
        let outcome = outcome.map_err(|panic| Refusal::Panicked(words_of(&*panic)).into());
        let evaluated = if matches!(outcome, Ok(Ok(_))) { Evaluated::Succeeded } else { Evaluated::Failed };
        self.outcome = Some(outcome);
        evaluated
    }

    fn answer(self: Box<Self>, fate: Result<(), StoreError>) {
        let Change { outcome, reply, .. } = *self;
        let outcome = fate.and_then(|()| outcome.expect("what is committed was evaluated"));
        reply(outcome);
    }
}

pub(crate) fn words_of(panic: &(dyn std::any::Any + Send)) -> Arc<str> {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Arc::from(text.unwrap_or("no words"))
}

/// What the thread owns.
pub(crate) struct Writer {
    backing: Box<dyn Backing>,
    queue: Receiver<Box<dyn Job>>,
    published: Arc<RwLock<View>>,
    committed: View,
    /// The last tick handed out. Ahead of the committed one after changes that failed.
    tick: Tick,
    sync: SyncPolicy,
    /// When the oldest commit that is not synced yet was made.
    unsynced_since: Option<Instant>,
    sweep: Sweep,
    groups_since_sweep: u32,
    clock: Clock,
}

/// A change that was evaluated.
struct Pending {
    job: Box<dyn Job>,
    has_written: bool,
}

/// Changes that are committed together.
struct Group {
    pending: Vec<Pending>,
    layer: Layer,
}

impl Writer {
    pub(crate) fn new(
        backing: Box<dyn Backing>,
        queue: Receiver<Box<dyn Job>>,
        sync: SyncPolicy,
        clock: Clock,
    ) -> Result<(Writer, Arc<RwLock<View>>), StoreError> {
        let (committed, tick) = look(&*backing)?;
        let published = Arc::new(RwLock::new(committed.clone()));
        let writer = Writer {
            sweep: Sweep::over(&committed),
            backing,
            queue,
            published: Arc::clone(&published),
            committed,
            tick,
            sync,
            unsynced_since: None,
            groups_since_sweep: 0,
            clock,
        };
        Ok((writer, published))
    }

    /// Works until every handle of the store is gone.
    pub(crate) fn run(mut self) {
        while let Some(next) = self.next() {
            match next {
                Next::Job(job) => self.group(job),
                Next::Sync => self.sync(),
                Next::Sweep => self.sweep(),
            }
        }
        if self.sync != SyncPolicy::Never {
            self.sync();
        }
    }

    fn next(&mut self) -> Option<Next> {
        if self.sweep.has_work() && self.groups_since_sweep >= GROUPS_PER_SWEEP {
            return Some(Next::Sweep);
        }
        match self.queue.try_recv() {
            Ok(job) => return Some(Next::Job(job)),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) if self.sweep.has_work() => return Some(Next::Sweep),
            Err(TryRecvError::Empty) => {}
        }
        let Some(rest) = self.until_sync() else {
            return self.queue.recv().ok().map(Next::Job);
        };
        match self.queue.recv_timeout(rest) {
            Ok(job) => Some(Next::Job(job)),
            Err(RecvTimeoutError::Timeout) => Some(Next::Sync),
            Err(RecvTimeoutError::Disconnected) => None,
        }
    }

    /// How long what is not synced may stay so.
    fn until_sync(&self) -> Option<Duration> {
        let SyncPolicy::Every(span) = self.sync else { return None };
        let since = self.unsynced_since?;
        Some(span.saturating_sub(self.clock.now().saturating_duration_since(since)))
    }

    fn group(&mut self, first: Box<dyn Job>) {
        self.groups_since_sweep += 1;
        match self.backing.prepare() {
            Ok(Prepared::Same) => {}
            Ok(Prepared::Reopened) => {
                if let Err(error) = self.look_again() {
                    return self.refuse(first, &error);
                }
            }
            Err(refusal) => return self.refuse(first, &refusal.into()),
        }
        let group = self.evaluate(first);
        let fate = if group.layer.is_empty() { Ok(()) } else { self.commit(group.layer) };
        for Pending { job, has_written } in group.pending {
            let fate = match &fate {
                Err(StoreError::Unknown { detail }) if !has_written => {
                    // It wrote nothing, and what it saw of its group may not be so.
                    Err(Refusal::Unavailable(Arc::clone(detail)).into())
                }
                fate => fate.clone(),
            };
            job.answer(fate);
        }
        if self.until_sync().is_some_and(|rest| rest.is_zero()) {
            self.sync();
        }
    }

    /// Answers everything that is queued.
    fn refuse(&mut self, first: Box<dyn Job>, error: &StoreError) {
        first.answer(Err(error.clone()));
        for job in self.queue.try_iter().take(GROUP_CHANGES_MAX) {
            job.answer(Err(error.clone()));
        }
    }

    fn evaluate(&mut self, first: Box<dyn Job>) -> Group {
        let mut group = Group { pending: Vec::new(), layer: Layer::default() };
        let mut next = Some(first);
        while let Some(mut job) = next {
            self.tick = self.next_tick();
            let mut transaction = Transaction::new(&self.committed, &group.layer, self.tick);
            let evaluated = job.evaluate(&mut transaction);
            let own = transaction.into_layer();
            let has_written = evaluated == Evaluated::Succeeded && !own.is_empty();
            if has_written {
                group.layer.absorb(own);
            }
            group.pending.push(Pending { job, has_written });
            let is_full = group.pending.len() >= GROUP_CHANGES_MAX || group.layer.bytes >= GROUP_BYTES_MAX;
            next = if is_full { None } else { self.queue.try_recv().ok() };
        }
        group
    }

    fn next_tick(&self) -> Tick {
        let wall = self.clock.wall().duration_since(UNIX_EPOCH).unwrap_or_default();
        let wall_millis = u64::try_from(wall.as_millis()).unwrap_or(u64::MAX);
        Tick { sequence: self.tick.sequence + 1, time_millis: self.tick.time_millis.max(wall_millis) }
    }

    /// Makes the layer durable and lets readers see it.
    fn commit(&mut self, mut layer: Layer) -> Result<(), StoreError> {
        layer.rows.insert(Tick::key(), Some(self.tick.encode()));
        let durability = match self.sync {
            SyncPolicy::EachCommit => Durability::Synced,
            SyncPolicy::Every(_) | SyncPolicy::Never => Durability::Buffered,
        };
        match self.backing.commit(layer.rows.into_iter().collect(), durability) {
            Ok(()) => {}
            Err(CommitFailure::NotApplied(detail)) => return Err(Refusal::Unavailable(detail).into()),
            Err(CommitFailure::Unknown(detail)) => return self.find_out(detail),
        }
        if durability == Durability::Buffered && self.unsynced_since.is_none() {
            self.unsynced_since = Some(self.clock.now());
        }
        let mut spaces = Arc::clone(&self.committed.spaces);
        if !layer.spaces.is_empty() {
            Arc::make_mut(&mut spaces).extend(&layer.spaces);
        }
        let tick = self.tick;
        self.publish(View { snapshot: self.backing.snapshot(), spaces, tick });
        Ok(())
    }

    /// A commit failed half way. If reopening succeeds, what is there is the truth, and durable.
    fn find_out(&mut self, detail: Arc<str>) -> Result<(), StoreError> {
        tracing::warn!(%detail, "a commit failed; reopening");
        let attempted = self.tick.sequence;
        let found = match self.backing.prepare() {
            Ok(_) => self.look_again(),
            Err(_) => return Err(StoreError::Unknown { detail }),
        };
        match found {
            Ok(()) if self.committed.tick.sequence == attempted => Ok(()),
            Ok(()) => Err(Refusal::Unavailable(detail).into()),
            Err(_) => Err(StoreError::Unknown { detail }),
        }
    }

    /// After reopening: takes what is there for the truth.
    fn look_again(&mut self) -> Result<(), StoreError> {
        let (committed, tick) = look(&*self.backing)?;
        // Numbers that were handed out stay used, whether they are on disk or not.
        self.tick = Tick {
            sequence: self.tick.sequence.max(tick.sequence),
            time_millis: self.tick.time_millis.max(tick.time_millis),
        };
        self.unsynced_since = None;
        self.publish(committed);
        Ok(())
    }

    fn publish(&mut self, view: View) {
        self.sweep = Sweep::over(&view);
        self.committed = view.clone();
        *self.published.write().expect("nobody panics while holding it") = view;
    }

    fn sync(&mut self) {
        if self.unsynced_since.take().is_some()
            && let Err(CommitFailure::NotApplied(detail) | CommitFailure::Unknown(detail)) =
                self.backing.sync()
        {
            tracing::error!(%detail, "a sync failed: changes since the last one may be lost");
        }
    }

    /// Clears away some rows of a dropped space. Nobody waits for it and nobody can see it, so it is not synced:
    /// what is lost is swept again.
    fn sweep(&mut self) {
        self.groups_since_sweep = 0;
        let prepared = self.backing.prepare().map_err(StoreError::from);
        let swept = match prepared {
            Ok(Prepared::Same) => self.sweep.next_rows(&self.committed),
            Ok(Prepared::Reopened) => return drop(self.look_again()),
            Err(error) => Err(error),
        };
        let committed = swept.and_then(|swept| {
            let rows = swept.rows.into_iter().map(|key| (key, None)).collect();
            match self.backing.commit(rows, Durability::Buffered) {
                Ok(()) => Ok(swept.finished),
                Err(CommitFailure::NotApplied(detail) | CommitFailure::Unknown(detail)) => {
                    Err(StoreError::Unknown { detail })
                }
            }
        });
        match committed {
            Ok(finished) => self.swept(finished),
            // Whatever is wrong, the next change finds out; and the next change lets sweeping go on.
            Err(error) => {
                tracing::warn!(error = %error, "sweeping a dropped space stopped");
                self.sweep.stop();
            }
        }
    }

    fn swept(&mut self, finished: Option<Space>) {
        let mut spaces = Arc::clone(&self.committed.spaces);
        if let Some(space) = finished {
            Arc::make_mut(&mut spaces).remove(&space);
        }
        let tick = self.committed.tick;
        self.publish(View { snapshot: self.backing.snapshot(), spaces, tick });
    }
}

/// What the thread does next.
enum Next {
    Job(Box<dyn Job>),
    Sync,
    Sweep,
}

/// What is committed.
fn look(backing: &dyn Backing) -> Result<(View, Tick), StoreError> {
    let snapshot = backing.snapshot();
    let Own { tick, spaces } = Own::read(&*snapshot)?;
    Ok((View { snapshot, spaces: Arc::new(spaces), tick }, tick))
}
