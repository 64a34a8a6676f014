//! What the DAX door counts.

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use backend::Outcome;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, Opts, Registry,
};

use crate::{methods::Method, reply::Reply};

/// The counters of the DAX door; made once for a process.
#[derive(Debug, Clone)]
pub struct Metrics {
    requests: IntCounterVec,
    /// The counters of `requests` that were used, so that a hit looks nothing up.
    used: Arc<Vec<OnceLock<IntCounter>>>,
    /// By outcome; behind them that of requests that the door answered by itself.
    seconds: Vec<Histogram>,
    pub(crate) connections: IntGauge,
    pub(crate) attribute_lists: IntGauge,
    pub(crate) nodes: IntGauge,
    pub(crate) unreadable: IntCounter,
    pub(crate) strangers: IntCounter,
    pub(crate) unauthorized: IntCounter,
    pub(crate) refused_connections: IntCounter,
    pub(crate) refused_bytes: IntCounter,
    pub(crate) refused_replies: IntCounter,
    pub(crate) refused_lists: IntCounter,
}

/// The word for what did not come from the cache or the origin.
const OWN: &str = "door";
const STATUS_CLASSES: usize = 6;

impl Metrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When the registry has a metric of one of the names.
    pub fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let requests =
            Opts::new("dax_requests_total", "Requests answered, by method, outcome and status class.");
        let requests = IntCounterVec::new(requests, &["method", "outcome", "status"])?;
        registry.register(Box::new(requests.clone()))?;
        let seconds = HistogramOpts::new("dax_request_seconds", "Time to answer a request, by outcome.")
            .buckets(prometheus::exponential_buckets(0.000_025, 2.5, 16)?);
        let seconds = HistogramVec::new(seconds, &["outcome"])?;
        registry.register(Box::new(seconds.clone()))?;
        let refused = Opts::new(
            "dax_refused_total",
            "What the door turned away or made wait, by what there was no room for.",
        );
        let refused = IntCounterVec::new(refused, &["what"])?;
        registry.register(Box::new(refused.clone()))?;
        let counter = |name, help| {
            let counter = IntCounter::new(name, help)?;
            registry.register(Box::new(counter.clone()))?;
            prometheus::Result::Ok(counter)
        };
        let gauge = |name, help| {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            prometheus::Result::Ok(gauge)
        };
        let outcomes = Outcome::all().map(Outcome::word).chain([OWN]);
        let seconds: Vec<_> = outcomes.map(|outcome| seconds.with_label_values(&[outcome])).collect();
        let cells = Method::all().len() * seconds.len() * STATUS_CLASSES;
        Ok(Metrics {
            requests,
            used: Arc::new((0..cells).map(|_| OnceLock::new()).collect()),
            seconds,
            connections: gauge("dax_connections", "Connections that are open.")?,
            attribute_lists: gauge("dax_attribute_lists", "Lists of attribute names that have a number.")?,
            nodes: gauge("dax_nodes", "Nodes that clients are shown, this one included.")?,
            unreadable: counter("dax_unreadable_total", "Requests that could not be read.")?,
            strangers: counter("dax_strangers_total", "Connections that did not begin as a client's does.")?,
            unauthorized: counter(
                "dax_unauthorized_total",
                "Requests refused for want of an authorization that is right and not over.",
            )?,
            refused_connections: refused.with_label_values(&["connection"]),
            refused_bytes: refused.with_label_values(&["bytes"]),
            refused_replies: refused.with_label_values(&["reply_bytes"]),
            refused_lists: refused.with_label_values(&["attribute_list"]),
        })
    }

    /// Counters that nobody reads.
    #[cfg(test)]
    pub(crate) fn of_a_test() -> Metrics {
        Metrics::register(&Registry::new()).expect("the names are free")
    }

    pub(crate) fn count(&self, method: Method, reply: &Reply, took: Duration) {
        let outcome = reply.outcome.map_or(self.seconds.len() - 1, Outcome::index);
        let class = usize::from(reply.status / 100).min(STATUS_CLASSES - 1);
        let cell = (method.index() * self.seconds.len() + outcome) * STATUS_CLASSES + class;
        let counter = || {
            let outcome = reply.outcome.map_or(OWN, Outcome::word);
            self.requests.with_label_values(&[method.name(), outcome, status_class(reply.status)])
        };
        self.used[cell].get_or_init(counter).inc();
        self.seconds[outcome].observe(took.as_secs_f64());
    }
}

fn status_class(status: u16) -> &'static str {
    match status / 100 {
        2 => "2xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}
