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

    /// Takes `units` now if so many as `rest` are left then; to refuse is for the caller to count, who may try again.
    pub fn try_take(&self, units: usize, rest: usize) -> Option<Permit> {
        let all = u32::try_from(units.checked_add(rest)?).ok()?;
        let mut permit = Permit(Arc::clone(&self.free).try_acquire_many_owned(all).ok()?);
        permit.keep(units);
        Some(permit)
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

    /// Gives back all but `units`.
    pub fn keep(&mut self, units: usize) {
        let excess = self.0.num_permits().saturating_sub(units);
        drop(self.0.split(excess));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_to_be_left_is_left_and_what_is_not_kept_is_given_back() {
        let permits = Permits::new(10, IntCounter::new("refused", "refused").unwrap());
        assert!(permits.try_take(8, 3).is_none());
        let mut permit = permits.try_take(7, 3).unwrap();
        assert_eq!(permits.in_use(), 7);
        assert!(permits.try_take(1, 3).is_none());
        permit.keep(9);
        assert_eq!(permits.in_use(), 7);
        permit.keep(2);
        assert_eq!(permits.in_use(), 2);
        permit.keep(0);
        assert_eq!(permits.in_use(), 0);
    }
}
