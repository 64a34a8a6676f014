//! Time as a value that is passed in.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

pub use tokio::time::Instant;

/// The only reader of the real clock.
///
/// It reads the runtime's clock, so a test that pauses tokio's time stops everything that holds a `Clock`.
#[derive(Debug, Clone)]
pub struct Clock {
    origin: Instant,
    /// By how many milliseconds a test turned the calendar forward.
    turned_millis: Arc<AtomicU64>,
}

impl Clock {
    /// Starts a clock. Everything in one process should share clones of one clock, since
    /// [`Clock::millis_since_origin`] counts from here.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
    pub fn start() -> Clock {
        Clock { origin: Instant::now(), turned_millis: Arc::default() }
    }

    /// The present moment, monotonic.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// Whole milliseconds since this clock was started: the coarse time that fits in an atomic word.
    pub fn millis_since_origin(&self) -> u64 {
        u64::try_from(self.now().saturating_duration_since(self.origin).as_millis()).unwrap_or(u64::MAX)
    }

    /// Calendar time, for signatures and dates: the system's clock, corrections of it included.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
    pub fn wall(&self) -> SystemTime {
        SystemTime::now() + Duration::from_millis(self.turned_millis.load(Ordering::Relaxed))
    }

    /// Turns calendar time forward, for this clock and its clones: for tests of what takes hours.
    #[cfg(any(test, feature = "scripted"))]
    pub fn turn_calendar(&self, span: Duration) {
        let millis = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
        self.turned_millis.fetch_add(millis, Ordering::Relaxed);
    }

    /// Waits until `moment`.
    pub async fn sleep_until(&self, moment: Instant) {
        tokio::time::sleep_until(moment).await;
    }

    /// Waits for `span`.
    pub async fn sleep(&self, span: Duration) {
        tokio::time::sleep(span).await;
    }

    /// What `work` gives, or `None` if `deadline` comes first. Dropped then, `work` ends where it stands.
    pub async fn timeout_at<T>(&self, deadline: Instant, work: impl Future<Output = T>) -> Option<T> {
        tokio::time::timeout_at(deadline, work).await.ok()
    }
}
