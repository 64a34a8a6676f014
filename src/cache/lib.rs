//! The cache: a [`Backend`] around another one, through which nobody reads a stale item.
//!
//! Reads of items, queries and scans are answered from memory; everything else goes to the origin, and writes
//! move the stamps by which entries count. Knows no wire but JSON bodies, and nothing of what its origin is.
//!
//! Start here, with the two walks in [`Caching`]: `plan.rs` says what a call is to the cache. A read goes
//! through `read.rs`, `batch.rs` or `query.rs` (with `page.rs`, the canonical form of what is asked) into
//! `fetch.rs`, which answers from an entry (`entry.rs`, `freshness.rs`) or boards a flight (`flight.rs`, one
//! read of many). A write goes through `write.rs`; `scope.rs` says what it may touch, `indexes.rs` of which
//! indexes. `coherence/` holds the rules, `schema.rs` knows the tables; `own_changes.rs` and `stream_changes.rs` (with
//! `follow.rs`) hear of writes that do not pass through. `check.rs` and
//! `report.rs` say whether all this is right, and worth it. `purge.rs` and `explain.rs` are for operators.

mod answer;
mod batch;
mod check;
mod coherence;
mod config;
mod entry;
mod explain;
mod fetch;
mod flight;
mod follow;
mod freshness;
mod indexes;
mod metrics;
mod own_changes;
mod page;
mod plan;
mod purge;
mod query;
mod read;
mod report;
#[cfg(test)]
mod scenarios;
mod schema;
mod scope;
mod stream_changes;
mod write;

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backend::{Backend, Bypass, Call, ChangeFeed, Failure, Outcome, Reply, Watcher};
use base::{Action, Chance, Clock, Drain};
use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use model::{Item, TableRef, call::Request};
use serde_json::{Value, json, value::RawValue};

pub use coherence::{AtomicWord, Look, Rule as CoherenceRule, Slots, TooManyWrites};
pub use config::{Coherence, Config, Mode, ResultRules, Rule, RuleBook, TableRule, Ttl};
pub use metrics::Metrics;

use coherence::{Rules, Sight, Stamps};
use entry::{Asked, Entry, Shelves};
use fetch::{Arrival, Landing, kept_item};
use flight::Flights;
use follow::Follower;
use own_changes::OwnChanges;
use plan::{Plan, plan};
use schema::{Catalog, Located, Table};

/// The caching layer.
pub struct Caching {
    core: Arc<Core>,
    mode: Mode,
    /// The origin tells it what it changes by itself, for as long as it is there.
    _own_changes: Arc<OwnChanges>,
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
    shelves: Arc<Shelves>,
    serial: AtomicU64,
    /// Set once the cache is put together, as it tells the cache what it hears.
    follower: OnceLock<Follower>,
    flights: Flights<Arrival>,
    clock: Clock,
    chance: Chance,
    drain: Drain,
    metrics: Metrics,
    rules: Rules,
    jitter: f64,
    doubt: Duration,
    fill_timeout: Duration,
    keeps_forms: bool,
}

impl Caching {
    /// Puts a cache in front of `origin`.
    pub fn new(config: Config, origin: Arc<dyn Backend>, parts: Parts) -> Arc<Caching> {
        Caching::under(Rules::default(), config, origin, parts)
    }

    /// The same with one rule of coherence removed, for tests of the checkers.
    #[cfg(any(test, feature = "mutants"))]
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
        let reserved = config.rules.tables.iter().map(|(name, rule)| (name.clone(), rule.bytes_reserved));
        let shelves = Arc::new(Shelves::new(config.bytes_max, reserved, &chance, rules));
        let catalog = Arc::new(Catalog::new(
            Arc::clone(&origin),
            Arc::clone(&stamps),
            (clock.clone(), drain.clone()),
            (config.rules, Arc::clone(&shelves)),
            config.fill_timeout,
            metrics.clone(),
            rules,
        ));
        let core = Core {
            origin,
            stamps,
            catalog,
            shelves,
            // The serial number 0 is nobody's.
            serial: AtomicU64::new(1),
            follower: OnceLock::new(),
            flights: Flights::default(),
            clock,
            chance,
            drain,
            metrics,
            rules,
            jitter: config.jitter,
            doubt: config.doubt,
            fill_timeout: config.fill_timeout,
            keeps_forms: config.keeps_forms,
        };
        let core = Arc::new(core);
        core.follow_streams(config.stream_poll);
        let own_changes = Arc::new(OwnChanges(Arc::clone(&core)));
        if let Some(feed) = core.origin.changes().filter(|_| config.mode != Mode::Off) {
            let watcher: Arc<dyn Watcher> = own_changes.clone();
            feed.watch(Arc::downgrade(&watcher));
        }
        Arc::new(Caching { core, mode: config.mode, _own_changes: own_changes })
    }

    /// Puts other rules into force. Tables whose rules change begin anew; the others keep their entries. What
    /// memory tables reserve is what it was when the cache was made.
    pub fn exchange_rules(&self, book: RuleBook) {
        self.core.unfollow(&book);
        self.core.catalog.exchange_rules(book);
    }

    /// The operator's purge.
    pub fn purge_action(&self) -> Arc<dyn Action> {
        Arc::new(purge::Purge(Arc::clone(&self.core)))
    }

    /// What the cache does for each table, or would do.
    pub fn report_action(&self) -> Arc<dyn Action> {
        Arc::new(report::Report(Arc::clone(&self.core)))
    }

    /// Tells an operator what would become of a request.
    pub fn explain_action(&self) -> Arc<dyn Action> {
        Arc::new(explain::Explain { core: Arc::clone(&self.core), mode: self.mode })
    }
}

impl Backend for Caching {
    fn ready(&self, call: &Call) -> Option<Reply> {
        match (self.mode, plan(call)) {
            (Mode::On, Plan::Item(get)) => self.core.ready_item(call, get),
            (Mode::On, Plan::Page(asking)) => self.core.ready_page(call, asking),
            _ => None,
        }
    }

    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        let core = &self.core;
        let answer = async move {
            match (self.mode, plan(&call)) {
                (Mode::Off, _) => core.pass(&call, None, Bypass::CacheOff).await,
                (Mode::Shadow, Plan::Item(get)) => core.shadow_item(&call, get).await,
                (Mode::Shadow, Plan::Items(batch)) => core.shadow_batch(&call, batch).await,
                (Mode::Shadow, Plan::Page(asking)) => core.shadow_page(&call, asking).await,
                (_, plan) => core.carry_out(&call, plan).await,
            }
        };
        answer.boxed()
    }

    fn changes(&self) -> Option<ChangeFeed> {
        self.core.origin.changes()
    }
}

impl Core {
    async fn carry_out(self: &Arc<Self>, call: &Call, plan: Plan<'_>) -> Result<Reply, Failure> {
        match plan {
            Plan::Item(get) => self.get_item(call, get).await,
            Plan::Items(batch) => self.batch_get_item(call, batch).await,
            Plan::StrongItem(get) => self.strong_item(call, get).await,
            Plan::StrongItems(batch) => self.strong_batch(call, batch).await,
            Plan::Page(asking) => self.page(call, asking).await,
            Plan::Pass(why) => self.pass(call, None, why).await,
            Plan::Write(why) => self.write(call.clone(), why).await,
        }
    }

    /// Asks the origin as if there were no cache.
    async fn pass(&self, call: &Call, table: Option<&Table>, why: Bypass) -> Result<Reply, Failure> {
        let outcome = Outcome::Bypass(why);
        self.catalog.count(table, call.target(), outcome);
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

    /// Passes by a read that is understood but cannot be answered here. Clients may rely on their writes all
    /// the same, so it is asked strongly of tables whose keys are unsettled.
    async fn pass_settled(&self, call: &Call, why: Bypass) -> Result<Reply, Failure> {
        let unsettled: Vec<&str> = match call.request() {
            Ok(Request::GetItem(get)) if self.is_unsettled(&get.table_name, [&get.key]) => {
                vec![&get.table_name]
            }
            Ok(Request::BatchGetItem(batch)) => {
                let tables =
                    batch.request_items.iter().filter(|(name, wanted)| self.is_unsettled(name, &wanted.keys));
                tables.map(|(name, _)| name.as_str()).collect()
            }
            _ => vec![],
        };
        let strengthens = !unsettled.is_empty() && self.rules.hold(coherence::Rule::PassedReadsSettle);
        let body = if strengthens { strengthened(&call.wire().body, &unsettled) } else { None };
        let reply = match body {
            Some(body) => self.pass(&call.with_body(body), None, why).await?,
            None => self.pass(call, None, why).await?,
        };
        if let (Ok(Request::BatchGetItem(batch)), Some(_)) = (call.request(), reply.success()) {
            self.contradict_strong(batch);
        }
        Ok(reply)
    }

    /// Whether an eventual read of these keys may lack what was written through this node.
    fn is_unsettled<'k>(&self, table_name: &str, keys: impl IntoIterator<Item = &'k Item>) -> bool {
        if let Some(table) = self.catalog.known(table_name) {
            let sight = |key| {
                let located = table.locate_key(key, &self.stamps, self.rules).ok()?;
                Some(self.stamps.sight(&located.place))
            };
            let mut sights = keys.into_iter().filter_map(sight);
            return table.rule.get_item.is_on() && sights.any(|sight| sight.is_unsettled);
        }
        TableRef::parse(table_name).is_some_and(|table| {
            let slot = self.stamps.table_slot(table.bare_name());
            // While its schema was known, or is by another of its names, writes guard items alone: what is
            // unsettled cannot be told from the table then.
            self.stamps.sight_of_table(slot).is_unsettled
                || !self.catalog.ever_known(table.bare_name()).is_empty()
        })
    }

    /// Stores what the origin answered a client's strong read. If that cannot be done, no entry may
    /// contradict it: clients who go on with eventual reads find nothing older.
    fn refresh(
        &self,
        table: &Table,
        located: &Located,
        item: Option<&RawValue>,
        sight: Sight,
        asked: Asked,
    ) -> (Arc<Entry>, bool) {
        let landing = Landing::of_read(table, located, &table.rule.get_item);
        let (entry, is_stored) = self.land(landing, kept_item(item.map(RawValue::get)), sight, asked);
        match self.lookup(table, located) {
            Some(present) if present.agrees_with(&entry) => {}
            Some(_) => self.contradict(located),
            // Race: a write overtook this answer, so that it was not stored. What is on its way by now may
            // lack what somebody wrote beside this node in the meantime, and this answer shows: another fill,
            // which may land, or the image of a write that was applied before and is not acknowledged yet.
            None => {
                let may_land = self.stamps.sight(&located.place).may_land;
                if !is_stored && (may_land || self.stamps.is_in_flight(located.place.own)) {
                    self.stamps.touch([located.place.own]);
                }
            }
        }
        (entry, is_stored)
    }

    /// The table of this name, described if need be, and followed if its rule says so.
    async fn learn(&self, name: &str, deadline: base::Instant) -> Option<Arc<Table>> {
        let table = self.catalog.learn(name, deadline).await?;
        self.follow(&table);
        Some(table)
    }

    /// A number for the next entry.
    fn next_serial(&self) -> u64 {
        self.serial.fetch_add(1, Ordering::Relaxed)
    }

    /// Drops what is kept of items, or is on its way: a strong answer may have contradicted it, and was not
    /// looked into.
    fn contradict_unread(&self, table_name: &str, keys: &[Item]) {
        let Some(reference) = TableRef::parse(table_name) else { return };
        if !self.rules.hold(coherence::Rule::StrongAnswersRefresh) {
            return;
        }
        // Race: the table is being learnt again, and its entries will count again once it is.
        for table in self.catalog.ever_known(reference.bare_name()) {
            let located = keys.iter().filter_map(|key| table.locate_key(key, &self.stamps, self.rules).ok());
            self.stamps.touch(located.map(|located| located.place.own));
        }
    }
}

/// A read that asks strongly for what it reads of these tables; of the one that it reads, unless it is a batch.
fn strengthened(body: &[u8], names: &[&str]) -> Option<Bytes> {
    let mut request: Value = serde_json::from_slice(body).ok()?;
    match request.get_mut("RequestItems") {
        Some(tables) => names.iter().for_each(|name| tables[*name]["ConsistentRead"] = json!(true)),
        None => request["ConsistentRead"] = json!(true),
    }
    Some(Bytes::from(request.to_string()))
}
