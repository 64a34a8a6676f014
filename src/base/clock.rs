//! Time as a value that is passed in.

use std::time::{Duration, SystemTime};

pub use tokio::time::Instant;

/// The only reader of the real clock.
///
/// It reads the runtime's clock, so a test that pauses tokio's time stops everything that holds a `Clock`.
#[derive(Debug, Clone)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// Starts a clock. Everything in one process should share clones of one clock, since
    /// [`Clock::millis_since_origin`] counts from here.
    #[expect(clippy::disallowed_methods, reason = "this is where time enters")]
    pub fn start() -> Clock {
        Clock { origin: Instant::now() }
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
        SystemTime::now()
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
