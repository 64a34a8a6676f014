//! What the remote backend counts.

use std::time::Duration;

use backend::{Failure, FailureKind, Reply};
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, Opts, Registry};

/// The counters of the remote backend; made once for a process.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    pub(crate) retries: IntCounter,
}

impl Metrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When the registry has a metric of one of the names.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let requests = Opts::new("upstream_requests_total", "Requests sent to the origin, retries included.");
        let seconds = HistogramOpts::new("upstream_request_seconds", "Time until the origin had answered.")
            .buckets(prometheus::exponential_buckets(0.000_25, 2.0, 17)?);
        let metrics = Metrics {
            requests: IntCounterVec::new(requests, &["operation", "result"])?,
            seconds: HistogramVec::new(seconds, &["operation"])?,
            retries: IntCounter::new("upstream_retries_total", "Requests sent once more.")?,
        };
        registry.register(Box::new(metrics.requests.clone()))?;
        registry.register(Box::new(metrics.seconds.clone()))?;
        registry.register(Box::new(metrics.retries.clone()))?;
        Ok(metrics)
    }

    pub(crate) fn attempt(&self, operation: &str, result: &Result<Reply, Failure>, took: Duration) {
        self.requests.with_label_values(&[operation, word(result)]).inc();
        self.seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
    }
}

fn word(result: &Result<Reply, Failure>) -> &'static str {
    match result {
        Ok(reply) => match reply.status().as_u16() / 100 {
            2 => "2xx",
            4 => "4xx",
            5 => "5xx",
            _ => "other",
        },
        Err(failure) => match failure.kind {
            FailureKind::Unreachable => "unreachable",
            FailureKind::NoCredentials => "no-credentials",
            FailureKind::Refused => "refused",
            FailureKind::Unavailable => "unavailable",
            FailureKind::Overloaded => "overloaded",
            FailureKind::Lost => "lost",
            FailureKind::TimedOut => "timed-out",
            FailureKind::Internal => "internal",
        },
    }
}
