//! What following counts.

use prometheus::{GaugeVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry};

use super::{Loss, answers::Trouble};

/// The counters of followers; made once for a process. Tables that are followed have labels of their own, since
/// their number is limited.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    lag: GaugeVec,
    following: IntGaugeVec,
    records: IntCounterVec,
    reads: IntCounterVec,
    losses: IntCounterVec,
    pub(super) unread_records: IntCounter,
}

/// What came of one `GetRecords`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadOutcome {
    Records,
    Nothing,
    Trouble(Trouble),
}

impl Metrics {
    /// Registers the counters.
    ///
    /// # Errors
    /// When the registry has a metric of one of the names.
    pub(crate) fn register(registry: &Registry) -> prometheus::Result<Metrics> {
        let lag = GaugeVec::new(
            Opts::new(
                "cache_stream_lag_seconds",
                "How old a write beside this node may be that its table's stream did not show yet.",
            ),
            &["table"],
        )?;
        let following = IntGaugeVec::new(
            Opts::new("cache_stream_following", "Whether the stream of a table is followed: 1 or 0."),
            &["table"],
        )?;
        let counters = |name: &str, help: &str, label: &str| -> prometheus::Result<IntCounterVec> {
            let counters = IntCounterVec::new(Opts::new(name, help), &[label])?;
            registry.register(Box::new(counters.clone()))?;
            Ok(counters)
        };
        registry.register(Box::new(lag.clone()))?;
        registry.register(Box::new(following.clone()))?;
        let unread_records = IntCounter::new(
            "cache_stream_unread_records_total",
            "Records of streams that could not be read; what is kept of their tables was dropped.",
        )?;
        registry.register(Box::new(unread_records.clone()))?;
        Ok(Metrics {
            lag,
            following,
            records: counters("cache_stream_records_total", "Records of followed streams.", "table")?,
            reads: counters("cache_stream_reads_total", "GetRecords calls by what came of them.", "answer")?,
            losses: counters(
                "cache_stream_losses_total",
                "How often a stream could not be followed, or no longer, by reason.",
                "why",
            )?,
            unread_records,
        })
    }

    pub(super) fn following(&self, table: &str, lag_seconds: f64) {
        self.following.with_label_values(&[table]).set(1);
        self.lag.with_label_values(&[table]).set(lag_seconds);
    }

    /// A stream that is not followed has no lag: a number would be a lie.
    pub(super) fn not_following(&self, table: &str) {
        self.following.with_label_values(&[table]).set(0);
        // It may have had none before.
        let _ = self.lag.remove_label_values(&[table]);
    }

    pub(super) fn lost(&self, why: Loss) {
        self.losses.with_label_values(&[why.word()]).inc();
    }

    pub(super) fn forget(&self, table: &str) {
        // Some may never have been counted.
        let _ = self.lag.remove_label_values(&[table]);
        let _ = self.following.remove_label_values(&[table]);
        let _ = self.records.remove_label_values(&[table]);
    }

    pub(super) fn read(&self, outcome: ReadOutcome) {
        self.reads.with_label_values(&[outcome.word()]).inc();
    }

    pub(super) fn records(&self, table: &str, count: usize) {
        self.records.with_label_values(&[table]).inc_by(count as u64);
    }
}

impl ReadOutcome {
    fn word(self) -> &'static str {
        match self {
            ReadOutcome::Records => "records",
            ReadOutcome::Nothing => "nothing",
            ReadOutcome::Trouble(Trouble::Throttled) => "throttled",
            ReadOutcome::Trouble(Trouble::Failed) => "failed",
            ReadOutcome::Trouble(Trouble::Expired) => "expired",
            ReadOutcome::Trouble(Trouble::Lost(why)) => why.word(),
        }
    }
}
