//! How long an entry lives: pure functions of the time that they are told.

use std::time::Duration;

use base::{Chance, Instant};

use crate::config::{Rule, Ttl};

/// The stations of an entry's life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Life {
    /// From here on a hot entry is fetched anew.
    pub(crate) refresh_from: Instant,
    /// From here on it is stale.
    pub(crate) expires_at: Instant,
    /// Up to here it may be shown to whom the origin fails.
    pub(crate) stale_until: Instant,
}

/// Longer than any node runs.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

impl Life {
    /// The life of an answer that was asked for then. What somebody wrote beside this node while it was on
    /// its way is hidden no longer than what was written later.
    ///
    /// The rule's TTL is shortened at random, so that what was stored together does not expire together, and
    /// cut to `at_most`, if anything does.
    pub(crate) fn of(
        asked_at: Instant,
        is_negative: bool,
        rule: &Rule,
        at_most: Option<Duration>,
        (jitter, chance): (f64, &Chance),
    ) -> Life {
        let ttl = match if is_negative { rule.negative_ttl } else { rule.ttl } {
            Ttl::Off => Duration::ZERO,
            Ttl::For(ttl) => chance.shorten(ttl, jitter),
            Ttl::Forever => FOREVER,
        };
        let ttl = at_most.map_or(ttl, |at_most| ttl.min(at_most));
        let expires_at = asked_at + ttl;
        let ahead = if ttl < FOREVER { ttl.mul_f64(rule.refresh_ahead) } else { Duration::ZERO };
        // What may be kept for so long only, for a reason, is not shown beyond that to anybody.
        let stale_until = expires_at + rule.stale_grace;
        // An item may say that it expires after the end of time.
        let ends_at = at_most.and_then(|at_most| asked_at.checked_add(at_most));
        let stale_until = ends_at.map_or(stale_until, |end| stale_until.min(end));
        Life { refresh_from: expires_at - ahead, expires_at, stale_until }
    }

    /// Whether it ends before it begins.
    pub(crate) fn is_over(&self, now: Instant) -> bool {
        self.expires_at <= now
    }

    /// How much longer it is fresh.
    pub(crate) fn ttl(&self, now: Instant) -> Duration {
        self.expires_at.saturating_duration_since(now)
    }

    /// How much of its grace is left, which begins when it is fresh no more.
    pub(crate) fn grace(&self, now: Instant) -> Duration {
        self.stale_until.saturating_duration_since(now.max(self.expires_at))
    }
}

#[cfg(test)]
mod tests {
    use base::Clock;

    use super::*;

    fn rule() -> Rule {
        Rule {
            ttl: Ttl::For(Duration::from_secs(100)),
            negative_ttl: Ttl::For(Duration::from_secs(10)),
            entry_bytes_max: 1 << 20,
            stale_grace: Duration::from_secs(30),
            refresh_ahead: 0.25,
        }
    }

    fn stations(rule: &Rule, is_negative: bool, at_most: Option<u64>) -> [u64; 3] {
        let start = Clock::start().now();
        let at_most = at_most.map(Duration::from_secs);
        let life = Life::of(start, is_negative, rule, at_most, (0.0, &Chance::seeded(1)));
        [life.refresh_from, life.expires_at, life.stale_until].map(|station| (station - start).as_secs())
    }

    #[test]
    fn a_life_follows_its_rule() {
        assert_eq!(stations(&rule(), false, None), [75, 100, 130]);
        assert_eq!(stations(&rule(), true, None), [7, 10, 40]);
        assert_eq!(stations(&rule(), false, Some(500)), [75, 100, 130]);
        assert_eq!(stations(&rule(), false, Some(40)), [30, 40, 40]);
        assert_eq!(stations(&rule(), false, Some(110)), [75, 100, 110]);
        let off = Rule { negative_ttl: Ttl::Off, ..rule() };
        assert_eq!(stations(&off, true, None), [0, 0, 30]);
        let forever = Rule { ttl: Ttl::Forever, ..rule() };
        assert!(stations(&forever, false, None)[1] > 1 << 31);
        assert_eq!(stations(&forever, false, Some(4)), [3, 4, 4]);
    }

    #[test]
    fn jitter_only_shortens() {
        let (start, chance) = (Clock::start().now(), Chance::seeded(1));
        let ttl = |_| (Life::of(start, false, &rule(), None, (0.5, &chance)).expires_at - start).as_millis();
        let spread: Vec<u128> = (0..1_000).map(ttl).collect();
        assert!(spread.iter().all(|ttl| (50_000..=100_000).contains(ttl)));
        assert!(spread.iter().any(|ttl| *ttl < 60_000) && spread.iter().any(|ttl| *ttl > 90_000));
    }
}
