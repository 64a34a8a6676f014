//! How long reads usually take, by operation and table: a running estimate of the 95th percentile.
//!
//! Reads are counted in windows. When a window is full its percentile is what holds for the next one, so a change of
//! the origin's pace is known one window later. What is kept is bounded: a histogram of some kilobytes for each of at
//! most [`SERIES_MAX`] pairs of an operation and a table.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use base::Instant;
use hdrhistogram::Histogram;

/// What of all reads is "usually".
const QUANTILE: f64 = 0.95;

/// A percentile of fewer reads is a guess.
const SAMPLES_MIN: u64 = 100;

/// A window that has so many reads is full, however short it was.
const SAMPLES_MAX: u64 = 1_000;

/// A window of so long is full, once it has [`SAMPLES_MIN`] reads.
const WINDOW: Duration = Duration::from_secs(10);

/// Pairs of an operation and a table that are measured at once.
const SERIES_MAX: usize = 256;

/// A pair that was not read for so long makes room for another.
const IDLE: Duration = Duration::from_secs(600);

/// Histograms count microseconds up to this; what takes longer counts as this.
const LONGEST: Duration = Duration::from_secs(60);

/// Two digits, an error of at most a hundredth.
const DIGITS: u8 = 2;

/// What is measured together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Series {
    pub(crate) operation: &'static str,
    /// Empty for a batch that reads several tables: all such batches are measured together.
    pub(crate) table: String,
}

#[derive(Debug, Default)]
pub(crate) struct Latencies(Mutex<HashMap<Series, Window>>);

#[derive(Debug)]
struct Window {
    counts: Histogram<u16>,
    began: Instant,
    read_at: Instant,
    /// Of the window before.
    usual: Option<Duration>,
}

impl Latencies {
    /// What 95 of 100 such reads do not exceed; `None` until that is known.
    pub(crate) fn usual(&self, series: &Series) -> Option<Duration> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(series)?.usual
    }

    /// Takes note of how long a read took, or at least took.
    pub(crate) fn record(&self, series: &Series, took: Duration, now: Instant) {
        let mut windows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !windows.contains_key(series) {
            if windows.len() >= SERIES_MAX {
                windows.retain(|_, window| now.saturating_duration_since(window.read_at) < IDLE);
            }
            if windows.len() >= SERIES_MAX {
                return;
            }
            windows.insert(series.clone(), Window::since(now));
        }
        if let Some(window) = windows.get_mut(series) {
            window.record(took, now);
        }
    }
}

impl Window {
    fn since(began: Instant) -> Window {
        let longest = LONGEST.as_micros() as u64;
        let counts = Histogram::new_with_bounds(1, longest, DIGITS).expect("the bounds are far apart");
        Window { counts, began, read_at: began, usual: None }
    }

    fn record(&mut self, took: Duration, now: Instant) {
        self.counts.saturating_record(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        self.read_at = now;
        let is_over = self.usual.is_none() || now.saturating_duration_since(self.began) >= WINDOW;
        let samples = self.counts.len();
        if samples >= SAMPLES_MAX || samples >= SAMPLES_MIN && is_over {
            self.usual = Some(Duration::from_micros(self.counts.value_at_quantile(QUANTILE)));
            self.counts.reset();
            self.began = now;
        }
    }
}

#[cfg(test)]
mod tests {
    use base::Clock;

    use super::*;

    fn series(table: impl ToString) -> Series {
        Series { operation: "GetItem", table: table.to_string() }
    }

    fn is_about(found: Option<Duration>, millis: u64) -> bool {
        found.is_some_and(|found| (found.as_secs_f64() * 1000.0 / millis as f64 - 1.0).abs() < 0.02)
    }

    #[test]
    fn it_is_known_after_a_hundred_reads() {
        let (latencies, now) = (Latencies::default(), Clock::start().now());
        for millis in 1..=100 {
            assert_eq!(latencies.usual(&series("a")), None);
            latencies.record(&series("a"), Duration::from_millis(millis), now);
        }
        assert!(is_about(latencies.usual(&series("a")), 95), "{:?}", latencies.usual(&series("a")));
        assert_eq!(latencies.usual(&series("b")), None, "another table is another series");
        let query = Series { operation: "Query", ..series("a") };
        assert_eq!(latencies.usual(&query), None, "another operation, too");
    }

    #[test]
    fn it_follows_the_origin_s_pace() {
        let (latencies, now) = (Latencies::default(), Clock::start().now());
        let record = |count, millis, now| {
            (0..count).for_each(|_| latencies.record(&series("a"), Duration::from_millis(millis), now));
        };
        record(SAMPLES_MIN, 10, now);
        // Neither enough nor long enough.
        record(SAMPLES_MIN, 50, now);
        assert!(is_about(latencies.usual(&series("a")), 10));
        record(1, 50, now + WINDOW);
        assert!(is_about(latencies.usual(&series("a")), 50));
        // Many fill a window, however fast they come.
        record(SAMPLES_MAX, 20, now + WINDOW);
        assert!(is_about(latencies.usual(&series("a")), 20));
        // Few do not, however long it takes.
        record(SAMPLES_MIN - 1, 70, now + 100 * WINDOW);
        assert!(is_about(latencies.usual(&series("a")), 20));
    }

    #[test]
    fn beyond_the_longest_is_the_longest() {
        let (latencies, now) = (Latencies::default(), Clock::start().now());
        (0..SAMPLES_MIN).for_each(|_| latencies.record(&series("a"), Duration::from_secs(1 << 40), now));
        assert!(is_about(latencies.usual(&series("a")), 60_000), "{:?}", latencies.usual(&series("a")));
    }

    #[test]
    fn tables_without_end_take_no_memory_without_end() {
        let (latencies, now) = (Latencies::default(), Clock::start().now());
        let record = |table, now| latencies.record(&series(table), Duration::from_millis(1), now);
        let count = || latencies.0.lock().unwrap().len();
        (0..10 * SERIES_MAX).for_each(|table| record(table, now));
        assert_eq!(count(), SERIES_MAX);
        // Whoever is read stays; others make room.
        record(7, now + IDLE / 2);
        record(SERIES_MAX, now + IDLE);
        let kept = latencies.0.lock().unwrap();
        assert_eq!(kept.len(), 2);
        assert!(kept.contains_key(&series(7)) && kept.contains_key(&series(SERIES_MAX)));
    }
}
