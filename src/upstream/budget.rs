//! What may be spent on asking more often than callers do: a share of their calls, saved up to a limit.

use std::sync::atomic::{AtomicU32, Ordering};

/// A budget of extra requests. Many small gains pay for one of them, all in whole numbers, so that it is exact.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicU32,
    most: u32,
    gain: u32,
    cost: u32,
}

impl Budget {
    /// One that holds nothing: each gain is `gain`, each extra request costs `cost`, and at most `saved` of them can
    /// be saved up.
    pub(crate) fn empty(gain: u32, cost: u32, saved: u32) -> Budget {
        Budget { left: AtomicU32::new(0), most: saved * cost, gain, cost }
    }

    /// The same with all that can be saved up.
    pub(crate) fn full(gain: u32, cost: u32, saved: u32) -> Budget {
        let budget = Budget::empty(gain, cost, saved);
        Budget { left: AtomicU32::new(budget.most), ..budget }
    }

    /// Adds one gain.
    pub(crate) fn earn(&self) {
        let earn = |left: u32| (left < self.most).then(|| left.saturating_add(self.gain).min(self.most));
        // Full already: nothing to earn.
        let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, earn);
    }

    /// Pays for one extra request; false if there is not enough left.
    pub(crate) fn spend(&self) -> bool {
        let spend = |left: u32| left.checked_sub(self.cost);
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_was_earned() {
        let budget = Budget::empty(3, 100, 2);
        // After so many gains, what has been spent in all, whenever there was enough.
        let mut spent = 0;
        for gains in 1..=1000 {
            budget.earn();
            spent += u32::from(budget.spend());
            assert_eq!(spent, gains * 3 / 100);
            assert!(!budget.spend());
        }
    }

    #[test]
    fn so_much_is_saved_and_no_more() {
        let budget = Budget::empty(3, 100, 2);
        (0..1000).for_each(|_| budget.earn());
        assert_eq!((0..10).filter(|_| budget.spend()).count(), 2);
        let budget = Budget::full(3, 100, 5);
        assert_eq!((0..10).filter(|_| budget.spend()).count(), 5);
    }
}
