//! What the cache counts.

use backend::Outcome;
use model::{CachedAs, Target};
use prometheus::{Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, Opts, Registry};

use crate::{check::Verdict, follow};

/// The counters of the cache; made once for a process.
#[derive(Debug, Clone)]
pub struct Metrics {
    outcomes: IntCounterVec,
    batch_keys: IntCounterVec,
    shadow: IntCounterVec,
    checks: IntCounterVec,
    pub(crate) disagreement_age: Histogram,
    pub(crate) streams: follow::Metrics,
    pub(crate) entries: IntGauge,
    pub(crate) bytes: IntGauge,
    pub(crate) flights: IntGauge,
    pub(crate) doubtful_writes: IntCounter,
    pub(crate) images: IntCounter,
    pub(crate) overtaken_fills: IntCounter,
    pub(crate) contradictions: IntCounter,
    pub(crate) refreshes: IntCounter,
    pub(crate) refused_writes: IntCounter,
}

/// The counters of one table, found once: counting a hit is one addition.
#[derive(Debug, Clone)]
pub(crate) struct TableMetrics {
    /// By [`Counted`], then by outcome.
    outcomes: [Vec<IntCounter>; 3],
    pub(crate) key_hits: IntCounter,
    pub(crate) key_misses: IntCounter,
    /// Reads that the cache would have answered, and those that it would not, where it is only watched.
    pub(crate) shadow_hits: IntCounter,
    pub(crate) shadow_misses: IntCounter,
    /// By [`Verdict`].
    pub(crate) checks: [IntCounter; 3],
}

/// What calls are counted as: the two caches of DAX, and what neither is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Counted {
    Items,
    Results,
    Others,
}

impl Counted {
    /// What a call is counted as.
    pub(crate) fn of(target: &Target) -> Counted {
        match target.known().map(|operation| operation.cached_as) {
            Some(CachedAs::Items) => Counted::Items,
            Some(CachedAs::Results) => Counted::Results,
            Some(CachedAs::Nothing) | None => Counted::Others,
        }
    }

    const ALL: [Counted; 3] = [Counted::Items, Counted::Results, Counted::Others];

    fn word(self) -> &'static str {
        match self {
            Counted::Items => "item",
            Counted::Results => "query",
            Counted::Others => "none",
        }
    }
}

/// The label of calls that name no known table, and of tables beyond the number that gets labels.
pub(crate) const OTHER_TABLES: &str = "other";

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
        let gauge = |name: &str, help: &str| -> prometheus::Result<IntGauge> {
            let gauge = IntGauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok(gauge)
        };
        Ok(Metrics {
            outcomes: counters(
                "cache_outcomes_total",
                "Calls by table, by the cache that they ask (item or query), and by what it did with them.",
                &["table", "cache", "outcome"],
            )?,
            batch_keys: counters(
                "cache_batch_keys_total",
                "Keys of BatchGetItem calls by outcome.",
                &["table", "outcome"],
            )?,
            shadow: counters(
                "cache_shadow_total",
                "Reads, and keys of batches, that the cache would have answered, while it is only watched.",
                &["table", "outcome"],
            )?,
            checks: counters(
                "cache_checks_total",
                "Entries compared with what the origin said later: in shadow mode, and of verified hits.",
                &["table", "verdict"],
            )?,
            disagreement_age: {
                let age = HistogramOpts::new(
                    "cache_disagreement_age_seconds",
                    "Age of entries that disagreed with what the origin said.",
                )
                .buckets(vec![0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0, 3600.0]);
                let age = Histogram::with_opts(age)?;
                registry.register(Box::new(age.clone()))?;
                age
            },
            streams: follow::Metrics::register(registry)?,
            entries: gauge("cache_entries", "Entries held, dead ones that were not evicted yet included.")?,
            bytes: gauge("cache_bytes", "Bytes held, as the budget counts them.")?,
            flights: gauge("cache_flights", "Reads of the origin that other readers can join.")?,
            doubtful_writes: counter(
                "cache_doubtful_writes_total",
                "Writes without a definite answer, after which their keys are in doubt.",
            )?,
            images: counter("cache_images_total", "Items that a write left in the cache.")?,
            overtaken_fills: counter(
                "cache_overtaken_fills_total",
                "Answers that were not stored, since a write overtook them.",
            )?,
            contradictions: counter(
                "cache_contradictions_total",
                "Entries that a strongly consistent answer contradicted: somebody wrote beside this node.",
            )?,
            refreshes: counter(
                "cache_refreshes_total",
                "Entries that were fetched anew ahead of their end.",
            )?,
            refused_writes: counter(
                "cache_refused_writes_total",
                "Writes refused, as too many were under way.",
            )?,
        })
    }

    pub(crate) fn of_table(&self, label: &str) -> TableMetrics {
        let outcomes = |counted: Counted| {
            let outcome =
                |outcome: Outcome| self.outcomes.with_label_values(&[label, counted.word(), outcome.word()]);
            Outcome::all().map(outcome).collect()
        };
        let keys = |word: &str| self.batch_keys.with_label_values(&[label, word]);
        let shadow = |word: &str| self.shadow.with_label_values(&[label, word]);
        let checks = |verdict: Verdict| self.checks.with_label_values(&[label, verdict.word()]);
        TableMetrics {
            outcomes: Counted::ALL.map(outcomes),
            key_hits: keys("hit"),
            key_misses: keys("miss"),
            shadow_hits: shadow("hit"),
            shadow_misses: shadow("miss"),
            checks: Verdict::ALL.map(checks),
        }
    }
}

impl TableMetrics {
    pub(crate) fn count(&self, counted: Counted, outcome: Outcome) {
        self.outcomes[counted as usize][outcome.index()].inc();
    }

    /// How many calls of any kind came out so.
    pub(crate) fn counted(&self, outcome: Outcome) -> u64 {
        self.outcomes.iter().map(|outcomes| outcomes[outcome.index()].get()).sum()
    }
}
