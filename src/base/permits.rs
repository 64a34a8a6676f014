//! Named, bounded admission: how much may be under way at once, and how often somebody was turned away.

use std::sync::Arc;

use prometheus::IntCounter;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A bounded number of units (requests, bytes, connections) that may be in use at once.
#[derive(Debug, Clone)]
pub struct Permits {
    free: Arc<Semaphore>,
    total: usize,
    refused: IntCounter,
}

/// Some units of [`Permits`], given back when dropped.
#[derive(Debug)]
pub struct Permit(OwnedSemaphorePermit);

impl Permits {
    /// Allows `total` units at once; every refusal is counted in `refused`.
    pub fn new(total: usize, refused: IntCounter) -> Permits {
        let total = total.min(Semaphore::MAX_PERMITS).min(u32::MAX as usize);
        Permits { free: Arc::new(Semaphore::new(total)), total, refused }
    }

    /// Takes `units` now, or counts a refusal. Nobody waits, so nothing queues without bound.
    pub fn take(&self, units: usize) -> Option<Permit> {
        let units = u32::try_from(units).ok()?;
        match Arc::clone(&self.free).try_acquire_many_owned(units) {
            Ok(permit) => Some(Permit(permit)),
            Err(_) => {
                self.refused.inc();
                None
            }
        }
    }

    /// Waits for `units` in turn. Only for a caller that by waiting stops taking in more work, such as an
    /// accept loop; nothing is counted.
    pub async fn wait_for(&self, units: usize) -> Permit {
        let units = u32::try_from(units.min(self.total)).expect("the total fits");
        let permit = Arc::clone(&self.free).acquire_many_owned(units).await;
        Permit(permit.expect("the semaphore is never closed"))
    }

    /// Units in use at this moment.
    pub fn in_use(&self) -> usize {
        self.total - self.free.available_permits()
    }
}

impl Permit {
    /// Adds `more` units of the same kind to this permit.
    pub fn absorb(&mut self, more: Permit) {
        self.0.merge(more.0);
    }
}
