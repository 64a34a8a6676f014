//! Randomness as a value that is passed in.

use std::{
    cell::RefCell,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use fastrand::Rng;

thread_local! {
    static THREAD_RNG: RefCell<Rng> = RefCell::new(Rng::new());
}

/// The only source of randomness. Not for secrets: it spreads out timers and names requests.
#[derive(Debug, Clone)]
pub struct Chance(Source);

#[derive(Debug, Clone)]
enum Source {
    /// A generator of each thread, seeded by the operating system.
    Threads,
    /// One generator for all clones, so that a simulation replays from its seed.
    Seeded(Arc<Mutex<Rng>>),
}

impl Chance {
    /// Unpredictable, for production.
    pub fn real() -> Chance {
        Chance(Source::Threads)
    }

    /// Repeats itself for the same seed and the same order of questions.
    pub fn seeded(seed: u64) -> Chance {
        Chance(Source::Seeded(Arc::new(Mutex::new(Rng::with_seed(seed)))))
    }

    /// 64 random bits.
    pub fn bits(&self) -> u64 {
        self.ask(|rng| rng.u64(..))
    }

    /// A whole number in `0..end`; 0 when `end` is 0.
    pub fn below(&self, end: u64) -> u64 {
        if end == 0 {
            return 0;
        }
        self.ask(|rng| rng.u64(0..end))
    }

    /// A fraction in `0.0..1.0`.
    pub fn fraction(&self) -> f64 {
        self.ask(|rng| rng.f64())
    }

    /// True with the given probability.
    pub fn happens(&self, probability: f64) -> bool {
        self.fraction() < probability
    }

    /// `span` shortened at random by up to the share `spread` (0.1 takes off at most a tenth), so that
    /// what was stored together does not expire together.
    pub fn shorten(&self, span: Duration, spread: f64) -> Duration {
        span.mul_f64(1.0 - self.fraction() * spread.clamp(0.0, 1.0))
    }

    fn ask<T>(&self, question: impl FnOnce(&mut Rng) -> T) -> T {
        match &self.0 {
            Source::Threads => THREAD_RNG.with_borrow_mut(question),
            Source::Seeded(rng) => question(&mut rng.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}
