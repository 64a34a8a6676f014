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

    /// A name for a request: 52 characters of 0–9 and A–V, as the ids of AWS look.
    pub fn request_id(&self) -> String {
        const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
        const DIGITS_IN_A_WORD: usize = 12;
        let mut id = String::with_capacity(52);
        while id.len() < 52 {
            let mut bits = self.bits();
            for _ in 0..DIGITS_IN_A_WORD.min(52 - id.len()) {
                id.push(char::from(DIGITS[(bits & 31) as usize]));
                bits >>= 5;
            }
        }
        id
    }

    fn ask<T>(&self, question: impl FnOnce(&mut Rng) -> T) -> T {
        match &self.0 {
            Source::Threads => THREAD_RNG.with_borrow_mut(question),
            Source::Seeded(rng) => question(&mut rng.lock().unwrap_or_else(PoisonError::into_inner)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_ids_look_like_those_of_aws() {
        let chance = Chance::seeded(1);
        let (one, two) = (chance.request_id(), chance.request_id());
        assert_ne!(one, two);
        assert_eq!(one.len(), 52);
        assert!(one.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit()));
    }
}
