//! Is the cache right? Shadow mode, where the origin answers and the cache only says what it would have answered,
//! and verification of a share of hits.

use std::sync::Arc;

use backend::{Bypass, Call, Failure, Reply};
use model::{
    IndexScope,
    call::{BatchGetItem, GetItem},
};
use serde_json::Value;

use crate::{
    Core,
    answer::{Consumed, GotBatch, View},
    entry::{Asked, Entry, Strength},
    fetch::{Landing, Reading, Wants},
    page::{Asking, Page},
    read::LEARNING_PATIENCE,
    schema::{Located, Table},
};

/// What a comparison with the origin's answer shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Both say the same.
    Agrees,
    /// They do not, and no write through this node is the reason.
    Disagrees,
    /// A write passed meanwhile, so they need not say the same.
    Overtaken,
}

impl Core {
    /// Has the origin answer a `GetItem`, and looks what the cache would have said.
    pub(crate) async fn shadow_item(self: &Arc<Self>, call: &Call, get: &GetItem) -> Result<Reply, Failure> {
        let patience = call.deadline.min(self.clock.now() + LEARNING_PATIENCE);
        let table = self.learn(&get.table_name, patience).await;
        let reading = table.zip(View::of(get.projecting()));
        self.shadow(call, reading.and_then(|(table, view)| self.item_reading(call, get, view, table).ok()))
            .await
    }

    /// Has the origin answer a query or a scan, and looks what the cache would have said.
    pub(crate) async fn shadow_page(
        self: &Arc<Self>,
        call: &Call,
        asking: Asking<'_>,
    ) -> Result<Reply, Failure> {
        let patience = call.deadline.min(self.clock.now() + LEARNING_PATIENCE);
        let table = self.learn(asking.table_name(), patience).await;
        let reading = table.zip(Page::of(asking));
        self.shadow(call, reading.and_then(|(table, page)| self.page_reading(call, &page, table).ok())).await
    }

    async fn shadow(self: &Arc<Self>, call: &Call, reading: Option<Reading<'_>>) -> Result<Reply, Failure> {
        let Some(reading) = reading else { return self.pass(call, None, Bypass::Shadow).await };
        let held = self.lookup(&reading.table, &reading.located);
        let sight = self.stamps.sight(&reading.located.place);
        let asked = Asked { strength: Strength::Eventual, at: self.clock.now() };
        let reply = self.pass(call, Some(&reading.table), Bypass::Shadow).await?;
        let Some(body) = reply.success() else { return Ok(reply) };
        let metrics = &reading.table.metrics;
        match held {
            Some(entry) => {
                metrics.shadow_hits.inc();
                let shown = reading.wants.compose(&entry, Consumed::Unsaid);
                let agrees = shown.is_some_and(|shown| says_the_same(&shown.body, body));
                self.judge(&reading.table, &reading.located, &entry, agrees);
            }
            None => {
                metrics.shadow_misses.inc();
                // What is not settled would have been asked for strongly.
                if !sight.is_unsettled
                    && let Some(kept) = reading.wants.kept(body)
                {
                    let (table, located) = (&*reading.table, &reading.located);
                    let read = Landing::of_read(table, located, reading.rule());
                    let landing = Landing { until: reading.until, ..read };
                    self.land(landing, kept, sight, asked);
                }
            }
        }
        Ok(reply)
    }

    /// Has the origin answer a `BatchGetItem`, and looks what the cache would have said of each of its keys.
    pub(crate) async fn shadow_batch(
        self: &Arc<Self>,
        call: &Call,
        batch: &BatchGetItem,
    ) -> Result<Reply, Failure> {
        batch.request_items.iter().for_each(|(name, _)| drop(self.catalog.learn_soon(name)));
        let mut wanted = self.unboarded(batch).unwrap_or_default();
        let asked = Asked { strength: Strength::Eventual, at: self.clock.now() };
        let reply = self.pass(call, None, Bypass::Shadow).await?;
        let got = reply.success().and_then(|body| GotBatch::read(body));
        if let Some(got) = got.filter(|_| !batch.request_items.iter().any(|(_, keys)| keys.is_strong())) {
            for wanted in &mut wanted {
                let (held, missing) = wanted.counts();
                wanted.table.metrics.shadow_hits.inc_by(held);
                wanted.table.metrics.shadow_misses.inc_by(missing);
                for (located, entry, agrees) in self.compared(wanted, &got) {
                    self.judge(&wanted.table, located, entry, agrees);
                }
                if wanted.is_settled() {
                    self.absorb_whole(wanted, (&reply, &got), asked);
                }
            }
        }
        Ok(reply)
    }

    /// Compares a share of hits with what the origin says afterwards; nobody waits for it.
    pub(crate) fn perhaps_verify(self: &Arc<Self>, reading: &Reading<'_>, entry: &Arc<Entry>) {
        let share = reading.table.rule.verify;
        // A global index cannot be read strongly, and an eventual read that differs proves nothing: the index may
        // have caught up since.
        let is_global = matches!(reading.wants, Wants::Page { scope: Some(IndexScope::Global), .. });
        if share == 0.0 || is_global || !self.chance.happens(share) {
            return;
        }
        let call = reading.wants.fill(reading.call, Strength::Strong);
        let (table, located, entry) =
            (Arc::clone(&reading.table), reading.located.clone(), Arc::clone(entry));
        let core = Arc::clone(self);
        self.drain.spawn(async move {
            let call = call.until(core.clock.now() + core.fill_timeout);
            let answer = core.clock.timeout_at(call.deadline, core.origin.call(call.clone())).await;
            // An origin that does not answer verifies nothing.
            if let Some(Ok(reply)) = answer
                && let Some(body) = reply.success()
            {
                core.judge(&table, &located, &entry, says_the_same(&entry.document.body, body));
            }
        });
    }

    /// Takes note of a comparison of an entry with what the origin said later.
    fn judge(&self, table: &Table, located: &Located, entry: &Entry, agrees: bool) {
        let sight = self.stamps.sight(&located.place);
        let verdict = match agrees {
            true => Verdict::Agrees,
            false if sight.may_land && sight.stamp == entry.stamp => Verdict::Disagrees,
            false => Verdict::Overtaken,
        };
        table.metrics.checks[verdict as usize].inc();
        if verdict == Verdict::Disagrees {
            let age = self.clock.now().saturating_duration_since(entry.asked.at);
            self.metrics.disagreement_age.observe(age.as_secs_f64());
            tracing::debug!(table = table.bare_name(), ?age, "an entry disagrees with the origin");
            self.contradict(located);
        }
    }
}

impl Verdict {
    pub(crate) const ALL: [Verdict; 3] = [Verdict::Agrees, Verdict::Disagrees, Verdict::Overtaken];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Verdict::Agrees => "agrees",
            Verdict::Disagrees => "disagrees",
            Verdict::Overtaken => "overtaken",
        }
    }
}

/// Whether two answers say the same, but for what they say of capacity.
pub(crate) fn says_the_same(one: &[u8], other: &[u8]) -> bool {
    let read = |body: &[u8]| {
        let mut body = serde_json::from_slice::<Value>(body).ok()?;
        body.as_object_mut()?.remove("ConsumedCapacity");
        Some(body)
    };
    one == other || read(one).is_some_and(|one| Some(one) == read(other))
}
