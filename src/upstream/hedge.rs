//! Hedged reads: a read that takes unusually long is sent a second time, and the first success answers it.
//!
//! A layer around the remote backend, so each of the two is a whole call, with retries and a deadline of its own. Only
//! reads that may lag anyway are sent twice, and only as many as the budget lets.

use std::{sync::Arc, time::Duration};

use backend::{Backend, Call, ChangeFeed, Failure, Reply};
use base::{Clock, Instant};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Either, select},
};
use model::{call::Request, table_name_in_arn};

use crate::{
    budget::Budget,
    latency::{Latencies, Series},
    metrics::Metrics,
};

/// Second sendings that can be saved up: enough for a moment in which the origin stalls.
const SAVED_MAX: u32 = 100;

/// Timers are no finer.
const SOONEST: Duration = Duration::from_millis(1);

/// The budget counts in millionths of a read.
const ONE: u32 = 1_000_000;

/// Whether, and how often, reads are hedged.
#[derive(Debug, Clone, PartialEq)]
pub struct HedgeConfig {
    /// The share, 0 to 1, of the reads that may be sent twice.
    pub budget: f64,
}

/// A backend around the remote one that hedges reads.
pub struct Hedged {
    inner: Arc<dyn Backend>,
    clock: Clock,
    budget: Budget,
    latencies: Latencies,
    metrics: Metrics,
}

impl Hedged {
    /// Hedges the reads that go to `inner`.
    pub fn new(config: &HedgeConfig, inner: Arc<dyn Backend>, clock: Clock, metrics: Metrics) -> Hedged {
        let gain = (config.budget.clamp(0.0, 1.0) * f64::from(ONE)) as u32;
        let budget = Budget::empty(gain, ONE, SAVED_MAX);
        Hedged { inner, clock, budget, latencies: Latencies::default(), metrics }
    }

    async fn race(&self, series: &Series, call: Call) -> Result<Reply, Failure> {
        self.budget.earn();
        let began = self.clock.now();
        let mut first = self.inner.call(call.clone());
        if let Some(result) = self.in_usual_time(&mut first, began, self.latencies.usual(series)).await {
            // How long a failure took says nothing of successes.
            if is_success(&result) {
                self.note(series, began);
            }
            return result;
        }
        self.metrics.hedges.inc();
        let second = self.inner.call(call);
        match select(first, second).await {
            Either::Left((result, _)) if is_success(&result) => {
                self.note(series, began);
                result
            }
            Either::Left((result, second)) => match second.await {
                other if is_success(&other) => {
                    self.metrics.hedges_won.inc();
                    other
                }
                _ => result,
            },
            Either::Right((result, _)) if is_success(&result) => {
                self.metrics.hedges_won.inc();
                // The first was beyond the percentile, and how far does not move that.
                self.note(series, began);
                result
            }
            Either::Right((_, first)) => first.await,
        }
    }

    /// What the first sending gives before a second one is due and paid for; `None` then.
    async fn in_usual_time(
        &self,
        first: &mut BoxFuture<'_, Result<Reply, Failure>>,
        began: Instant,
        usual: Option<Duration>,
    ) -> Option<Result<Reply, Failure>> {
        let Some(usual) = usual else { return Some(first.await) };
        let mut patience = usual.max(SOONEST);
        let mut was_refused = false;
        loop {
            if let Some(result) = self.clock.timeout_at(began + patience, &mut *first).await {
                return Some(result);
            }
            if self.budget.spend() {
                return None;
            }
            if !was_refused {
                self.metrics.hedges_refused.inc();
                was_refused = true;
            }
            // Most that are late are so by a little, and all of them ask. One that is very late asks again.
            patience *= 2;
        }
    }

    fn note(&self, series: &Series, began: Instant) {
        let now = self.clock.now();
        self.latencies.record(series, now.saturating_duration_since(began), now);
    }
}

impl Backend for Hedged {
    fn ready(&self, call: &Call) -> Option<Reply> {
        self.inner.ready(call)
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        match series_of(&call) {
            Some(series) => async move { self.race(&series, call).await }.boxed(),
            None => self.inner.call(call),
        }
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.inner.changes()
    }
}

/// What a call is measured with; `None` if it is not one to be sent twice: all but eventually consistent reads of
/// items that are understood to the last member.
fn series_of(call: &Call) -> Option<Series> {
    let operation = call.target().known()?.name;
    let of = |table: &str| {
        let table = table_name_in_arn(table).unwrap_or(table).to_owned();
        Some(Series { operation, table })
    };
    match call.request().ok()? {
        Request::GetItem(get) if !get.is_strong() => of(&get.table_name),
        Request::Query(query) if !query.is_strong() => of(&query.table_name),
        Request::Scan(scan) if !scan.is_strong() => of(&scan.table_name),
        Request::BatchGetItem(batch) if batch.request_items.iter().all(|(_, keys)| !keys.is_strong()) => {
            let mut tables = batch.request_items.iter().map(|(table, _)| table);
            match (tables.next(), tables.next()) {
                (Some(table), None) => of(table),
                _ => of(""),
            }
        }
        _ => None,
    }
}

fn is_success(result: &Result<Reply, Failure>) -> bool {
    result.as_ref().is_ok_and(|reply| reply.success().is_some())
}

#[cfg(test)]
mod tests;
