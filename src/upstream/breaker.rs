//! A circuit breaker: whether a host that has stopped answering is asked at all.
//!
//! *Closed*, every request passes, and how requests end is counted over the last ten seconds. When enough of them
//! say that nobody answers, it is *open*: nothing passes. After a cool-down it is *half-open*: now and then a few
//! probes pass; when they are answered it is closed again, and the first that is not opens it anew.
//!
//! It is a plain value: it is told the time, logs nothing and counts nothing (`circuits.rs` does). There are crates
//! for this (`failsafe`, `recloser`), but they read the real clock themselves, so that no test could stop time, and
//! count failures in a row or the last so many, not a share over a span.

use std::time::Duration;

use base::{Chance, Instant};

/// What is counted is at most so old.
const WINDOW: Duration = Duration::from_secs(SLOTS as u64);

/// The window moves on a second at a time.
const SLOTS: usize = 10;

/// As many probes pass in each round of the half-open state, and as many must be answered for it to close: one
/// answer may be luck.
const PROBES: u32 = 3;

/// By up to this share a cool-down is shortened at random, so that nodes do not probe in step.
const JITTER: f64 = 0.25;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, PartialEq)]
pub struct BreakerConfig {
    /// The share, 0 to 1, of the requests of the last ten seconds that must have failed.
    pub failure_share: f64,
    /// With fewer requests in these ten seconds it stays closed.
    pub requests_min: u32,
    /// How long it refuses everything before it lets probes pass.
    pub cool_down: Duration,
}

/// Where a breaker stands, in the words of Envoy and resilience4j.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Closed,
    HalfOpen,
    Open,
}

/// What the end of a request says of the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Evidence {
    Answers,
    DoesNotAnswer,
}

/// What the end of a request changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// So many of so many requests had failed.
    Opened { failures: u32, requests: u32 },
    /// A probe failed.
    Reopened,
    /// The probes were answered, and it had been open for so long.
    Closed { after: Duration },
}

/// That a request passed, and in which life of the breaker: what ends in a later one says nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ticket(u64);

#[derive(Debug)]
pub(crate) struct Breaker {
    config: BreakerConfig,
    state: State,
    /// Moves with every change of the position.
    life: u64,
    /// When it last was closed.
    trouble_since: Instant,
}

#[derive(Debug)]
enum State {
    Closed(Window),
    Open {
        until: Instant,
    },
    HalfOpen {
        /// When further probes pass, whatever became of these: some may hang, or their callers be gone.
        next_round: Instant,
        passed: u32,
        answered: u32,
    },
}

impl Breaker {
    pub(crate) fn closed(config: BreakerConfig, now: Instant) -> Breaker {
        Breaker { config, state: State::Closed(Window::since(now)), life: 0, trouble_since: now }
    }

    pub(crate) fn position(&self) -> Position {
        match self.state {
            State::Closed(_) => Position::Closed,
            State::Open { .. } => Position::Open,
            State::HalfOpen { .. } => Position::HalfOpen,
        }
    }

    /// Whether a request passes; `None` refuses it.
    pub(crate) fn admit(&mut self, now: Instant) -> Option<Ticket> {
        match &mut self.state {
            State::Closed(_) => Some(Ticket(self.life)),
            State::Open { until } if now < *until => None,
            State::HalfOpen { next_round, passed, .. } if now < *next_round => {
                let is_probe = *passed < PROBES;
                *passed += u32::from(is_probe);
                is_probe.then_some(Ticket(self.life))
            }
            State::HalfOpen { next_round, passed, .. } => {
                *next_round = now + self.config.cool_down;
                *passed = 1;
                Some(Ticket(self.life))
            }
            State::Open { .. } => {
                let next_round = now + self.config.cool_down;
                Some(self.enter(State::HalfOpen { next_round, passed: 1, answered: 0 }))
            }
        }
    }

    /// Takes note of how a request ended that had passed.
    pub(crate) fn record(
        &mut self,
        ticket: Ticket,
        evidence: Evidence,
        now: Instant,
        chance: &Chance,
    ) -> Option<Change> {
        if ticket != Ticket(self.life) {
            return None;
        }
        let change = match (&mut self.state, evidence) {
            (State::Closed(window), evidence) => {
                let Slot { requests, failures, .. } = window.count(evidence, now);
                let is_trouble = evidence == Evidence::DoesNotAnswer
                    && requests >= self.config.requests_min
                    && f64::from(failures) >= self.config.failure_share * f64::from(requests);
                is_trouble.then_some(Change::Opened { failures, requests })
            }
            (State::HalfOpen { .. }, Evidence::DoesNotAnswer) => Some(Change::Reopened),
            (State::HalfOpen { answered, .. }, Evidence::Answers) => {
                *answered += 1;
                let after = now.saturating_duration_since(self.trouble_since);
                (*answered >= PROBES).then_some(Change::Closed { after })
            }
            (State::Open { .. }, _) => unreachable!("nothing passes in this life"),
        }?;
        if let Change::Opened { .. } = change {
            self.trouble_since = now;
        }
        self.enter(match change {
            Change::Closed { .. } => State::Closed(Window::since(now)),
            Change::Opened { .. } | Change::Reopened => {
                State::Open { until: now + chance.shorten(self.config.cool_down, JITTER) }
            }
        });
        Some(change)
    }

    fn enter(&mut self, state: State) -> Ticket {
        self.state = state;
        self.life += 1;
        Ticket(self.life)
    }
}

/// How the requests of the last seconds ended, a slot a second.
#[derive(Debug)]
struct Window {
    began: Instant,
    slots: [Slot; SLOTS],
}

#[derive(Debug, Clone, Copy, Default)]
struct Slot {
    second: u64,
    requests: u32,
    failures: u32,
}

impl Window {
    fn since(began: Instant) -> Window {
        Window { began, slots: [Slot::default(); SLOTS] }
    }

    /// Counts one more; the sum over the window.
    fn count(&mut self, evidence: Evidence, now: Instant) -> Slot {
        let second = now.saturating_duration_since(self.began).as_secs();
        let slot = &mut self.slots[(second % WINDOW.as_secs()) as usize];
        if slot.second != second {
            *slot = Slot { second, ..Slot::default() };
        }
        slot.requests += 1;
        slot.failures += u32::from(evidence == Evidence::DoesNotAnswer);
        let recent = self.slots.iter().filter(|slot| slot.second + WINDOW.as_secs() > second);
        recent.fold(Slot::default(), |sum, slot| Slot {
            second,
            requests: sum.requests + slot.requests,
            failures: sum.failures + slot.failures,
        })
    }
}

#[cfg(test)]
mod tests {
    use base::Clock;

    use super::*;

    const COOL_DOWN: Duration = Duration::from_secs(5);

    /// A breaker, and the time it is told.
    struct Rig {
        breaker: Breaker,
        now: Instant,
        chance: Chance,
    }

    impl Rig {
        fn new(failure_share: f64, requests_min: u32) -> Rig {
            let config = BreakerConfig { failure_share, requests_min, cool_down: COOL_DOWN };
            let now = Clock::start().now();
            Rig { breaker: Breaker::closed(config, now), now, chance: Chance::seeded(1) }
        }

        /// One that has just opened.
        fn open() -> Rig {
            let mut rig = Rig::new(0.5, 1);
            assert_eq!(rig.request(false), Some(Change::Opened { failures: 1, requests: 1 }));
            rig
        }

        fn wait(&mut self, seconds: f64) {
            self.now += Duration::from_secs_f64(seconds);
        }

        fn admit(&mut self) -> Option<Ticket> {
            self.breaker.admit(self.now)
        }

        fn end(&mut self, ticket: Ticket, is_answered: bool) -> Option<Change> {
            let evidence = if is_answered { Evidence::Answers } else { Evidence::DoesNotAnswer };
            self.breaker.record(ticket, evidence, self.now, &self.chance)
        }

        fn request(&mut self, is_answered: bool) -> Option<Change> {
            let ticket = self.admit().expect("it passes");
            self.end(ticket, is_answered)
        }
    }

    #[test]
    fn it_opens_at_a_share_of_a_least_number() {
        // Answered and failed requests, in this order, and whether the last of them opens it.
        for (share, least, answered, failed, opens) in [
            (0.5, 20, 0, 19, false),
            (0.5, 20, 0, 20, true),
            (0.5, 20, 10, 10, true),
            (0.5, 20, 11, 10, false),
            (0.5, 20, 100, 100, true),
            (1.0, 3, 1, 50, false),
            (1.0, 3, 0, 3, true),
            (0.1, 10, 9, 1, true),
        ] {
            let mut rig = Rig::new(share, least);
            (0..answered).for_each(|_| assert_eq!(rig.request(true), None));
            (1..failed).for_each(|_| assert_eq!(rig.request(false), None));
            let opened = Change::Opened { failures: failed, requests: answered + failed };
            let what = format!("{failed} of {} at {share} of {least}", answered + failed);
            assert_eq!(rig.request(false), opens.then_some(opened), "{what}");
            assert_eq!(rig.breaker.position() == Position::Open, opens, "{what}");
        }
    }

    #[test]
    fn an_answer_never_opens_it() {
        let mut rig = Rig::new(0.5, 4);
        (0..3).for_each(|_| assert_eq!(rig.request(false), None));
        assert_eq!(rig.request(true), None);
        assert_eq!(rig.breaker.position(), Position::Closed);
    }

    #[test]
    fn what_is_older_than_ten_seconds_does_not_count() {
        for (pause, opens) in [(0.0, true), (4.4, true), (4.9, true), (5.1, false), (1e6, false)] {
            let mut rig = Rig::new(0.5, 3);
            rig.request(false);
            rig.wait(pause);
            rig.request(false);
            rig.wait(pause);
            assert_eq!(rig.request(false).is_some(), opens, "{pause}");
        }
    }

    #[test]
    fn open_it_lets_nothing_pass_until_it_has_cooled_down() {
        let mut rig = Rig::open();
        rig.wait(COOL_DOWN.as_secs_f64() * (1.0 - JITTER) - 0.01);
        assert_eq!((rig.admit(), rig.breaker.position()), (None, Position::Open));
        rig.wait(COOL_DOWN.as_secs_f64() * JITTER + 0.01);
        assert!(rig.admit().is_some());
        assert_eq!(rig.breaker.position(), Position::HalfOpen);
    }

    #[test]
    fn half_open_a_few_pass_and_their_answers_close_it() {
        let mut rig = Rig::open();
        rig.wait(6.0);
        let probes = [rig.admit(), rig.admit(), rig.admit()].map(Option::unwrap);
        assert_eq!(rig.admit(), None);
        rig.wait(1.0);
        assert_eq!(rig.end(probes[1], true), None);
        assert_eq!(rig.end(probes[0], true), None);
        assert_eq!(rig.admit(), None, "answers make no room for more");
        assert_eq!(rig.end(probes[2], true), Some(Change::Closed { after: Duration::from_secs(7) }));
        assert!((0..100).all(|_| rig.admit().is_some()));
    }

    #[test]
    fn half_open_one_failure_opens_it_again() {
        let mut rig = Rig::open();
        rig.wait(6.0);
        let probes = [rig.admit(), rig.admit()].map(Option::unwrap);
        assert_eq!(rig.end(probes[0], true), None);
        assert_eq!(rig.end(probes[1], false), Some(Change::Reopened));
        assert_eq!(rig.admit(), None);
        rig.wait(6.0);
        // The next time needs all its answers anew.
        (1..PROBES).for_each(|_| assert_eq!(rig.request(true), None));
        assert_eq!(rig.request(true), Some(Change::Closed { after: Duration::from_secs(12) }));
    }

    #[test]
    fn probes_that_never_end_do_not_keep_it_half_open_for_ever() {
        let mut rig = Rig::open();
        rig.wait(6.0);
        (0..PROBES).for_each(|_| assert!(rig.admit().is_some()));
        rig.wait(4.9);
        assert_eq!(rig.admit(), None);
        rig.wait(0.2);
        (1..PROBES).for_each(|_| assert_eq!(rig.request(true), None));
        assert!(matches!(rig.request(true), Some(Change::Closed { .. })));
    }

    #[test]
    fn what_ends_in_a_later_life_says_nothing() {
        let mut rig = Rig::new(0.5, 1);
        let early: Vec<Ticket> = (0..20).map(|_| rig.admit().unwrap()).collect();
        assert!(rig.request(false).is_some());
        // Still open: what was under way neither closes it nor prolongs it.
        (0..10).for_each(|n| assert_eq!(rig.end(early[n], n % 2 == 0), None));
        rig.wait(6.0);
        assert!(rig.admit().is_some());
        (10..15).for_each(|n| assert_eq!(rig.end(early[n], n % 2 == 0), None));
        assert_eq!(rig.breaker.position(), Position::HalfOpen);
        (1..PROBES).for_each(|_| assert_eq!(rig.request(true), None));
        rig.wait(5.0);
        assert!(rig.request(true).is_some());
        // Closed, and what failed before it opened does not open it again.
        (15..20).for_each(|n| assert_eq!(rig.end(early[n], false), None));
        assert_eq!(rig.breaker.position(), Position::Closed);
    }
}
