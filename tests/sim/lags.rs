//! What the node says of how far behind the tables' streams it is.

use std::time::Duration;

use prometheus::Registry;

use crate::keys::TABLES;

/// The node says it so often.
pub(crate) const SAID_EVERY: Duration = Duration::from_millis(250);

/// The node's gauges of lag.
#[derive(Clone)]
pub(crate) struct Lags(pub(crate) Registry);

impl Lags {
    /// How far behind the stream of a table it says it is; `None` if it does not follow that.
    pub(crate) fn of_table(&self, table: usize) -> Option<Duration> {
        let families = self.0.gather();
        let lags = families.iter().find(|family| family.name() == "cache_stream_lag_seconds")?;
        let is_of_table = |metric: &&prometheus::proto::Metric| {
            metric.get_label().iter().any(|label| label.value() == TABLES[table].name)
        };
        let lag = lags.get_metric().iter().find(is_of_table)?;
        Some(Duration::from_secs_f64(lag.get_gauge().get_value()))
    }
}
