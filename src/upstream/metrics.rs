//! What the remote backend counts.

use std::time::Duration;

use backend::{Failure, FailureKind, Reply};
use prometheus::{HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use crate::{breaker::Position, endpoint::Service};

/// The counters of the remote backend; made once for a process.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    seconds: HistogramVec,
    pub(crate) retries: IntCounter,
    breaker_state: IntGaugeVec,
    breaker_transitions: IntCounterVec,
    breaker_refused: IntCounterVec,
    pub(crate) hedges: IntCounter,
    pub(crate) hedges_won: IntCounter,
    pub(crate) hedges_refused: IntCounter,
}

impl Metrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When the registry has a metric of one of the names.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let counters = |name: &str, help: &str, labels: &[&str]| -> prometheus::Result<IntCounterVec> {
            let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        let counter = |name: &str, help: &str| -> prometheus::Result<IntCounter> {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            Ok(counter)
        };
        let seconds = HistogramOpts::new("upstream_request_seconds", "Time until the origin had answered.")
            .buckets(prometheus::exponential_buckets(0.000_25, 2.0, 17)?);
        let seconds = HistogramVec::new(seconds, &["operation"])?;
        registry.register(Box::new(seconds.clone()))?;
        let state = "Where the circuit breaker stands: 0 closed, 1 half-open, 2 open.";
        let breaker_state = IntGaugeVec::new(Opts::new("upstream_breaker_state", state), &["service"])?;
        registry.register(Box::new(breaker_state.clone()))?;
        Ok(Metrics {
            requests: counters(
                "upstream_requests_total",
                "Requests sent to the origin, retries and hedges included.",
                &["operation", "result"],
            )?,
            seconds,
            retries: counter("upstream_retries_total", "Requests sent once more.")?,
            breaker_state,
            breaker_transitions: counters(
                "upstream_breaker_transitions_total",
                "How often the circuit breaker moved, by where to.",
                &["service", "to"],
            )?,
            breaker_refused: counters(
                "upstream_breaker_refused_total",
                "Requests that were not sent, as the circuit breaker was open.",
                &["service"],
            )?,
            hedges: counter("upstream_hedges_total", "Reads sent a second time, since the first took long.")?,
            hedges_won: counter(
                "upstream_hedges_won_total",
                "Reads whose second sending was answered first.",
            )?,
            hedges_refused: counter(
                "upstream_hedges_refused_total",
                "Reads that took long, and that the budget did not let be sent a second time at once.",
            )?,
        })
    }

    pub(crate) fn attempt(&self, operation: &str, result: &Result<Reply, Failure>, took: Duration) {
        self.requests.with_label_values(&[operation, word(result)]).inc();
        self.seconds.with_label_values(&[operation]).observe(took.as_secs_f64());
    }

    /// Shows a breaker where it stands from the first.
    pub(crate) fn breaker_begins(&self, service: Service) {
        self.breaker_state.with_label_values(&[service.word()]).set(level(Position::Closed));
    }

    pub(crate) fn breaker_moved(&self, service: Service, to: Position) {
        self.breaker_state.with_label_values(&[service.word()]).set(level(to));
        let to = match to {
            Position::Closed => "closed",
            Position::HalfOpen => "half-open",
            Position::Open => "open",
        };
        self.breaker_transitions.with_label_values(&[service.word(), to]).inc();
    }

    pub(crate) fn breaker_refused(&self, service: Service) {
        self.breaker_refused.with_label_values(&[service.word()]).inc();
    }
}

/// The greater, the worse.
fn level(position: Position) -> i64 {
    match position {
        Position::Closed => 0,
        Position::HalfOpen => 1,
        Position::Open => 2,
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
