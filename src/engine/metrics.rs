//! What the engine counts.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};
use store::{Refusal, StoreError};

/// The counters of the engine; made once for a process.
#[derive(Debug, Clone)]
pub struct Metrics {
    commit_seconds: Histogram,
    failures: IntCounterVec,
    pub(crate) expired_items: IntCounter,
    pub(crate) disk_bytes: IntGauge,
    pub(crate) tables: IntGauge,
}

impl Metrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When the registry has a metric of one of the names.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let seconds =
            HistogramOpts::new("engine_commit_seconds", "Time until a write was durable, its turn included.")
                .buckets(prometheus::exponential_buckets(0.000_05, 2.0, 17)?);
        let failures =
            Opts::new("engine_failures_total", "Reads and writes that the storage failed, by why.");
        let metrics = Metrics {
            commit_seconds: Histogram::with_opts(seconds)?,
            failures: IntCounterVec::new(failures, &["why"])?,
            expired_items: IntCounter::new(
                "engine_expired_items_total",
                "Items that were deleted since their time to live was over.",
            )?,
            disk_bytes: IntGauge::new("engine_disk_bytes", "What the data takes of the disk.")?,
            tables: IntGauge::new("engine_tables", "Tables that there are.")?,
        };
        registry.register(Box::new(metrics.commit_seconds.clone()))?;
        registry.register(Box::new(metrics.failures.clone()))?;
        registry.register(Box::new(metrics.expired_items.clone()))?;
        registry.register(Box::new(metrics.disk_bytes.clone()))?;
        registry.register(Box::new(metrics.tables.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn committed(&self, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
    }

    pub(crate) fn failed(&self, error: &StoreError) {
        self.failures.with_label_values(&[word(error)]).inc();
    }
}

fn word(error: &StoreError) -> &'static str {
    match error {
        StoreError::NotApplied(Refusal::QueueFull(_)) => "queue-full",
        StoreError::NotApplied(Refusal::Closed) => "closed",
        StoreError::NotApplied(Refusal::Panicked(_)) => "panicked",
        StoreError::NotApplied(Refusal::DiskFull { .. }) => "disk-full",
        StoreError::NotApplied(Refusal::Unavailable(_)) => "unavailable",
        StoreError::Unknown { .. } => "unknown",
        StoreError::Corrupt { .. } => "corrupt",
        StoreError::Unreadable { .. } => "unreadable",
    }
}
