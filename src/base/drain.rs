//! Orderly shutdown: the register of spawned tasks, and the word that it is time to end.

use std::{future::Future, time::Duration};

use tokio::task::JoinHandle;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Every task of the process is spawned here, so that shutdown can wait for what is under way.
///
/// Clones share one register.
#[derive(Debug, Clone, Default)]
pub struct Drain {
    begun: CancellationToken,
    tasks: TaskTracker,
}

impl Drain {
    /// An open register.
    pub fn new() -> Drain {
        Drain::default()
    }

    /// Spawns a task that shutdown waits for. A task that could run for ever listens to [`Drain::begun`].
    #[expect(clippy::disallowed_methods, reason = "this is where tasks are spawned")]
    pub fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        tokio::spawn(self.tasks.track_future(task))
    }

    /// Says that the process is to end: doors stop accepting, loops return, work under way is finished.
    pub fn begin(&self) {
        self.begun.cancel();
    }

    /// Resolves once [`Drain::begin`] was called.
    pub async fn begun(&self) {
        self.begun.cancelled().await;
    }

    /// Whether [`Drain::begin`] was called.
    pub fn has_begun(&self) -> bool {
        self.begun.is_cancelled()
    }

    /// How many registered tasks are still running.
    pub fn running(&self) -> usize {
        self.tasks.len()
    }

    /// Waits until every registered task has ended, at most for `patience`; the number still running then.
    pub async fn finished(&self, patience: Duration) -> usize {
        self.tasks.close();
        match tokio::time::timeout(patience, self.tasks.wait()).await {
            Ok(()) => 0,
            Err(_) => self.tasks.len(),
        }
    }
}
