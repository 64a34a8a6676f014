//! How often something is asked: pauses that grow with failures, and turns that keep to a rate.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base::{Chance, Instant};

/// A pause is shortened by up to this share, so that followers who were refused together do not come back together.
const SPREAD: f64 = 0.5;

/// Pauses after failures: each may be twice as long as the one before it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pauses {
    pub(super) first: Duration,
    pub(super) longest: Duration,
}

/// Turns that are at least `spacing` apart, for whoever shares it.
#[derive(Debug)]
pub(super) struct Pace {
    spacing: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pauses {
    /// How long to wait after so many failures in a row.
    pub(super) fn after(&self, failures: u32, chance: &Chance) -> Duration {
        let doublings = failures.saturating_sub(1).min(20);
        let longest = self.first.saturating_mul(1 << doublings).min(self.longest);
        chance.shorten(longest, SPREAD)
    }
}

impl Pace {
    pub(super) fn new(spacing: Duration) -> Pace {
        Pace { spacing, next: Mutex::default() }
    }

    /// Takes the next turn; when it is.
    pub(super) fn take(&self, now: Instant) -> Instant {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = next.map_or(now, |next| next.max(now));
        *next = Some(turn + self.spacing);
        turn
    }
}

#[cfg(test)]
mod tests {
    use base::Clock;

    use super::*;

    #[test]
    fn pauses_grow_up_to_the_longest() {
        let pauses = Pauses { first: Duration::from_millis(100), longest: Duration::from_secs(1) };
        let chance = Chance::seeded(3);
        for (failures, expected) in [(0, 100), (1, 100), (2, 200), (4, 800), (5, 1000), (u32::MAX, 1000)] {
            for _ in 0..50 {
                let pause = pauses.after(failures, &chance).as_millis();
                assert!((expected / 2..=expected).contains(&pause), "{failures}: {pause}");
            }
        }
    }

    #[test]
    fn turns_are_apart_and_those_not_taken_are_not_saved_up() {
        let now = Clock::start().now();
        let pace = Pace::new(Duration::from_millis(200));
        let at = |millis| now + Duration::from_millis(millis);
        for (asked, expected) in [(0, 0), (0, 200), (50, 400), (1000, 1000), (1000, 1200)] {
            assert_eq!(pace.take(at(asked)), at(expected));
        }
    }
}
