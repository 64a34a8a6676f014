//! What the JSON door counts.

use std::{sync::Arc, sync::OnceLock, time::Duration};

use backend::Outcome;
use http::StatusCode;
use model::{OPERATIONS, Target};
use prometheus::{Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

/// The counters of the JSON door; made once for a process.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    /// The counters of `requests` that were used, so that a hit looks nothing up.
    used: Arc<Vec<OnceLock<IntCounter>>>,
    seconds: Vec<Histogram>,
    failed_seconds: Histogram,
    pub(crate) unreadable: IntCounter,
    pub(crate) refused_connections: IntCounter,
    pub(crate) refused_requests: IntCounter,
    pub(crate) refused_bytes: IntCounter,
    pub(crate) refused_origins: IntCounter,
}

const STATUS_CLASSES: usize = 6;

impl Metrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When the registry has a metric of one of the names.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let requests =
            Opts::new("json_requests_total", "Calls answered, by operation, outcome and status class.");
        let requests = IntCounterVec::new(requests, &["operation", "outcome", "status"])?;
        registry.register(Box::new(requests.clone()))?;
        let seconds = HistogramOpts::new("json_request_seconds", "Time to answer a call, by outcome.")
            .buckets(prometheus::exponential_buckets(0.000_025, 2.5, 16)?);
        let seconds = HistogramVec::new(seconds, &["outcome"])?;
        registry.register(Box::new(seconds.clone()))?;
        let refused = Opts::new(
            "json_refused_total",
            "What the door turned away or made wait, by what there was no room for.",
        );
        let refused = IntCounterVec::new(refused, &["what"])?;
        registry.register(Box::new(refused.clone()))?;
        let unreadable = IntCounter::new("json_unreadable_total", "Requests that called no operation.")?;
        registry.register(Box::new(unreadable.clone()))?;
        let cells = (OPERATIONS.len() + 1) * Outcome::all().count() * STATUS_CLASSES;
        Ok(Metrics {
            used: Arc::new((0..cells).map(|_| OnceLock::new()).collect()),
            seconds: Outcome::all().map(|outcome| seconds.with_label_values(&[outcome.word()])).collect(),
            failed_seconds: seconds.with_label_values(&["failed"]),
            requests,
            unreadable,
            refused_connections: refused.with_label_values(&["connection"]),
            refused_requests: refused.with_label_values(&["request"]),
            refused_bytes: refused.with_label_values(&["bytes"]),
            refused_origins: refused.with_label_values(&["origin"]),
        })
    }

    pub(crate) fn count(&self, target: &Target, outcome: Outcome, status: StatusCode, took: Duration) {
        let operation = target.known().map_or(OPERATIONS.len(), |row| row.index());
        let class = usize::from(status.as_u16() / 100).min(STATUS_CLASSES - 1);
        let cell = (operation * self.seconds.len() + outcome.index()) * STATUS_CLASSES + class;
        let counter =
            || self.requests.with_label_values(&[target.word(), outcome.word(), status_class(status)]);
        self.used[cell].get_or_init(counter).inc();
        self.seconds[outcome.index()].observe(took.as_secs_f64());
    }

    pub(crate) fn failed(&self, target: &Target, status: u16, took: Duration) {
        let class = StatusCode::from_u16(status).map_or("other", status_class);
        self.requests.with_label_values(&[target.word(), "failed", class]).inc();
        self.failed_seconds.observe(took.as_secs_f64());
    }
}

fn status_class(status: StatusCode) -> &'static str {
    match status.as_u16() / 100 {
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}
