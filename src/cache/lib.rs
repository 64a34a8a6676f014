//! The cache: a [`Backend`] around another one, through which nobody reads a stale item.
//!
//! Reads of whole keys are answered from memory; everything else goes to the origin, and writes move the
//! stamps by which entries count. Knows no wire but JSON bodies, and nothing of what its origin is.
//!
//! Start here, with the two walks in [`Caching`]: `plan.rs` says what a call is to the cache, `read.rs`,
//! `batch.rs` and `write.rs` do it, `coherence/` holds the rules, `item.rs` the entries, `flight.rs` makes one
//! read of many, `schema.rs` knows the tables.

mod answer;
mod batch;
mod coherence;
mod config;
mod flight;
mod item;
mod metrics;
mod plan;
mod purge;
mod read;
mod schema;
mod write;

use std::{sync::Arc, time::Duration};

use backend::{Backend, Bypass, Call, Document, Failure, Outcome, Reply};
use base::{Action, Chance, Clock, Drain};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use model::TableRef;
use serde_json::{Value, json, value::RawValue};

pub use coherence::{AtomicWord, Look, Rule as CoherenceRule, Slots, TooManyWrites};
pub use config::{Config, Mode, Rule};
pub use metrics::Metrics;

use coherence::{Rules, Sight, Stamps};
use flight::Flights;
use item::{ABSENT, Asked, Entry, ItemCache};
use plan::{Plan, plan};
use read::Arrival;
use schema::{Catalog, Located, Table};

/// The caching layer.
pub struct Caching {
    core: Arc<Core>,
    mode: Mode,
}

/// What the cache is handed from outside.
#[derive(Debug, Clone)]
pub struct Parts {
    /// Time.
    pub clock: Clock,
    /// Chance, for jitter and hash seeds.
    pub chance: Chance,
    /// Where its tasks are registered.
    pub drain: Drain,
    /// What it counts.
    pub metrics: Metrics,
}

/// What the tasks of the cache share.
struct Core {
    origin: Arc<dyn Backend>,
    stamps: Arc<Stamps>,
    catalog: Arc<Catalog>,
    items: ItemCache,
    flights: Flights<Arrival>,
    clock: Clock,
    chance: Chance,
    drain: Drain,
    metrics: Metrics,
    rules: Rules,
    jitter: f64,
    doubt: Duration,
    fill_timeout: Duration,
}

impl Caching {
    /// Puts a cache in front of `origin`.
    pub fn new(config: Config, origin: Arc<dyn Backend>, parts: Parts) -> Arc<Caching> {
        Caching::under(Rules::default(), config, origin, parts)
    }

    /// The same with one rule of coherence removed, for tests of the checkers.
    #[cfg(feature = "mutants")]
    pub fn without(
        removed: Option<CoherenceRule>,
        config: Config,
        origin: Arc<dyn Backend>,
        parts: Parts,
    ) -> Arc<Caching> {
        Caching::under(Rules::without(removed), config, origin, parts)
    }

    fn under(rules: Rules, config: Config, origin: Arc<dyn Backend>, parts: Parts) -> Arc<Caching> {
        let Parts { clock, chance, drain, metrics } = parts;
        let stamps = Arc::new(Stamps::new(clock.clone(), &chance, config.settle, config.doubt, rules));
        let catalog = Arc::new(Catalog::new(
            Arc::clone(&origin),
            Arc::clone(&stamps),
            (clock.clone(), drain.clone()),
            &config,
            metrics.clone(),
            rules,
        ));
        let core = Core {
            origin,
            stamps,
            catalog,
            items: ItemCache::new(config.bytes_max, &chance, rules),
            flights: Flights::default(),
            clock,
            chance,
            drain,
            metrics,
            rules,
            jitter: config.jitter,
            doubt: config.doubt,
            fill_timeout: config.fill_timeout,
        };
        Arc::new(Caching { core: Arc::new(core), mode: config.mode })
    }

    /// The operator's purge.
    pub fn purge_action(&self) -> Arc<dyn Action> {
        Arc::new(purge::Purge(Arc::clone(&self.core)))
    }
}

impl Backend for Caching {
    fn ready(&self, call: &Call) -> Option<Reply> {
        match (self.mode, plan(call)) {
            (Mode::On, Plan::Item(get)) => self.core.ready_item(call, get),
            _ => None,
        }
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        let core = &self.core;
        let answer = async move {
            if self.mode == Mode::Off {
                return core.pass(&call, None, Bypass::CacheOff).await;
            }
            match plan(&call) {
                Plan::Item(get) => core.get_item(&call, get).await,
                Plan::Items(batch) => core.batch_get_item(&call, batch).await,
                Plan::StrongItem(get) => core.strong_item(&call, get).await,
                Plan::StrongItems(batch) => core.strong_batch(&call, batch).await,
                Plan::Pass(why) => core.pass(&call, None, why).await,
                Plan::Write(why) => core.write(call.clone(), why).await,
            }
        };
        answer.boxed()
    }
}

impl Core {
    /// Asks the origin as if there were no cache.
    async fn pass(&self, call: &Call, table: Option<&Table>, why: Bypass) -> Result<Reply, Failure> {
        let outcome = Outcome::Bypass(why);
        self.catalog.count(table, outcome);
        let reply = self.origin.call(call.clone()).await?;
        if call.target().only_reads() {
            self.observe(call, &reply);
        }
        Ok(reply.with(outcome))
    }

    /// Takes note if an answer shows that a table is gone, or is another one now.
    fn observe(&self, call: &Call, reply: &Reply) {
        let may_tell = reply.success().is_none() || call.target().word() == "DescribeTable";
        if may_tell && let Some(names) = model::call::tables_named(&call.wire().body) {
            names.iter().for_each(|name| self.catalog.observe(call.target(), name, reply));
        }
    }

    /// Passes a read by whose tables cannot be described. Clients may rely on their writes all the same, so it
    /// is asked strongly while any of its tables is unsettled.
    async fn pass_settled(&self, call: &Call, names: &[&str], why: Bypass) -> Result<Reply, Failure> {
        let is_unsettled = |name: &&&str| {
            TableRef::parse(name).is_some_and(|table| {
                let slot = self.stamps.table_slot(table.bare_name());
                self.stamps.sight_of_table(slot).is_unsettled
            })
        };
        let unsettled: Vec<&str> = names.iter().filter(is_unsettled).copied().collect();
        match strengthened(&call.wire().body, &unsettled) {
            Some(body) if !unsettled.is_empty() => self.pass(&call.with_body(body), None, why).await,
            _ => self.pass(call, None, why).await,
        }
    }

    /// Stores what the origin answered, unless a write may have overtaken it; says whether it was stored.
    fn land(
        &self,
        table: &Table,
        located: &Located,
        item: Option<&RawValue>,
        sight: Sight,
        asked: Asked,
    ) -> (Arc<Entry>, bool) {
        let now = self.clock.now();
        let body = item.map_or(Bytes::from_static(ABSENT), |item| Bytes::from(item::body_of(item.get())));
        let current = self.stamps.current(located.slot, table.slot);
        let is_stamped = self.rules.hold(coherence::Rule::FillsAreStamped);
        let entry = Arc::new(Entry {
            document: Document::new(body),
            stamp: if is_stamped { sight.stamp } else { current },
            asked,
            expires_at: item::expiry(now, item.is_none(), &table.rule, self.jitter, &self.chance),
        });
        // Race: reader A misses, writer B updates and finishes, then A's older answer arrives. Storing it would
        // do no harm, since B moved the stamp that it carries, but it would take a newer entry's place.
        let may_land = !is_stamped || (sight.may_land && sight.stamp == current);
        if may_land {
            self.items.store(&located.cache_key, Arc::clone(&entry), now);
            self.metrics.entries.set(self.items.count() as i64);
            self.metrics.bytes.set(self.items.bytes() as i64);
        } else {
            self.metrics.overtaken_fills.inc();
        }
        (entry, may_land)
    }
}

/// A `GetItem` or `BatchGetItem` that asks strongly for what it reads of these tables.
fn strengthened(body: &[u8], names: &[&str]) -> Option<Bytes> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    match request.get_mut("RequestItems") {
        Some(tables) => names.iter().for_each(|name| tables[*name]["ConsistentRead"] = json!(true)),
        None => request["ConsistentRead"] = json!(true),
    }
    Some(Bytes::from(request.to_string()))
}
