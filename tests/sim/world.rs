//! One run: an origin, a node, its clients, and a seed that decides all of it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use backend::{Bypass, Outcome, Reply};
use base::{Action, Chance, Clock, Drain, Instant};
use cache::{Caching, CoherenceRule, Metrics, Parts};
use prometheus::Registry;
use serde_json::{Value, json};

use crate::{
    checker::{Checker, Violation},
    clients::Client,
    climate::{Climate, Habits, Settings},
    keys::{KEYS, KeyNumber, TABLES, pick, spelled},
    lags::{Lags, SAID_EVERY},
    origin::Origin,
    query::Query,
    truth::Truth,
};

/// How many queries many ask at a time: so few that the same one is asked again before a write ends its result.
const POPULAR_QUERIES: usize = 4;

/// What a run is made from.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) climate: Climate,
    pub(crate) operations: u64,
    /// A rule that the node does not keep in this run.
    pub(crate) removed: Option<CoherenceRule>,
}

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) operations: u64,
    pub(crate) items: Tally,
    pub(crate) queries: Tally,
    /// How many states all items were ever in.
    pub(crate) states: usize,
    pub(crate) violation: Option<Violation>,
}

/// What the cache did with reads of a kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Those that it might have answered.
    pub(crate) lookups: u64,
    /// Those that it did answer.
    pub(crate) hits: u64,
    /// Those of them that it answered with what had expired.
    pub(crate) stale: u64,
}

/// What all clients share.
pub(crate) struct World {
    pub(crate) node: Arc<Caching>,
    pub(crate) origin: Origin,
    pub(crate) checker: Checker,
    pub(crate) clock: Clock,
    pub(crate) chance: Chance,
    pub(crate) habits: Habits,
    purge: Arc<dyn Action>,
    operations_left: AtomicU64,
    number: AtomicU64,
    items: Mutex<Tally>,
    queries: Mutex<Tally>,
    quiet_until: Mutex<Instant>,
    quiet_time: Duration,
    transactions: Mutex<Vec<Value>>,
    popular_queries: Mutex<Vec<Query>>,
    /// What the node says of the streams, if it follows any; a record can be read so long after its write.
    said: Option<(Lags, Duration)>,
    said_at: Mutex<Instant>,
}

impl Plan {
    /// Runs it, in simulated time.
    pub(crate) fn run(&self) -> Summary {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.expect("a runtime without sockets can always be built").block_on(self.simulate())
    }

    async fn simulate(&self) -> Summary {
        let drain = Drain::new();
        let (world, clients) = World::new(self, &drain);
        let world = Arc::new(world);
        let run = |number| drain.spawn(Client { number, world: Arc::clone(&world) }.run());
        for client in (0..clients).map(run).collect::<Vec<_>>() {
            client.await.expect("clients do not panic");
        }
        drain.begin();
        let running = drain.finished(Duration::from_secs(3600)).await;
        assert_eq!(running, 0, "tasks are left over: {self:?}");
        let left = world.operations_left.load(Ordering::Relaxed);
        Summary {
            operations: self.operations - left.min(self.operations),
            items: *lock(&world.items),
            queries: *lock(&world.queries),
            states: world.checker.states(),
            violation: world.checker.violation(),
        }
    }
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.lookups += other.lookups;
        self.hits += other.hits;
        self.stale += other.stale;
    }

    pub(crate) fn hit_ratio(self) -> f64 {
        self.hits as f64 / self.lookups.max(1) as f64
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{} lookups, hit ratio {:.2}", self.lookups, self.hit_ratio())?;
        if self.stale > 0 { write!(to, ", {} stale", self.stale) } else { Ok(()) }
    }
}

impl World {
    fn new(plan: &Plan, drain: &Drain) -> (World, usize) {
        let chance = Chance::seeded(plan.seed);
        let clock = Clock::start();
        let Settings { config, weather, habits, promises, quiet_time } = plan.climate.settings(&chance);
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).expect("names are unique");
        let lags = Lags(registry);
        let truth = Arc::new(Mutex::new(Truth::new(clock.now())));
        let tools = (clock.clone(), chance.clone(), drain.clone());
        let stream_lag = weather.streams.lag;
        let origin = Origin::new(Arc::clone(&truth), weather, tools, lags.clone());
        let parts = Parts { clock: clock.clone(), chance: chance.clone(), drain: drain.clone(), metrics };
        let node = Caching::without(plan.removed, config, Arc::new(origin.clone()), parts);
        let world = World {
            purge: node.purge_action(),
            node,
            origin,
            checker: Checker::new(truth, clock.clone(), promises),
            quiet_until: Mutex::new(clock.now()),
            quiet_time,
            said: (plan.climate == Climate::Streamed).then_some((lags, stream_lag)),
            said_at: Mutex::new(clock.now()),
            clock,
            operations_left: AtomicU64::new(plan.operations),
            number: AtomicU64::new(1),
            items: Mutex::default(),
            queries: Mutex::default(),
            habits,
            transactions: Mutex::default(),
            popular_queries: Mutex::default(),
            chance,
        };
        let clients = 10 + world.chance.below(40) as usize;
        (world, clients)
    }

    /// Whether there is another operation to do.
    pub(crate) fn take_operation(&self) -> bool {
        let take = |left: u64| left.checked_sub(1);
        self.checker.violation().is_none()
            && self.operations_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// A number that was never given before.
    pub(crate) fn new_number(&self) -> u64 {
        self.number.fetch_add(1, Ordering::Relaxed)
    }

    /// Listens to what the node says of how far behind the streams it is, every now and then.
    pub(crate) fn listen(&self) {
        let Some((lags, stream_lag)) = &self.said else { return };
        let now = self.clock.now();
        if now < *lock(&self.said_at) + SAID_EVERY {
            return;
        }
        *lock(&self.said_at) = now;
        for table in 0..TABLES.len() {
            // It was said a while ago, and of what could be read then.
            let seen_until =
                lags.of_table(table).and_then(|lag| now.checked_sub(lag + SAID_EVERY + *stream_lag));
            if let Some(seen_until) = seen_until {
                self.checker.node_says_seen(table, seen_until);
            }
        }
    }

    /// Makes all clients wait, so that writes settle and entries expire.
    pub(crate) fn begin_quiet_time(&self) {
        let quiet = self.quiet_time.mul_f64(self.chance.fraction());
        *lock(&self.quiet_until) = self.clock.now() + quiet;
    }

    /// Waits while everybody does.
    pub(crate) async fn quiet_time(&self) {
        let until = *lock(&self.quiet_until);
        self.clock.sleep_until(until).await;
    }

    /// Some transaction that was sent before.
    pub(crate) fn earlier_transaction(&self) -> Option<Value> {
        let transactions = lock(&self.transactions);
        (!transactions.is_empty()).then(|| pick(&self.chance, &transactions).clone())
    }

    /// Some query that many ask.
    pub(crate) fn popular_query(&self) -> Option<Query> {
        let popular = lock(&self.popular_queries);
        (!popular.is_empty()).then(|| pick(&self.chance, &popular).clone())
    }

    /// Takes a query for one of the few that many ask.
    pub(crate) fn make_popular(&self, query: Query) {
        let mut popular = lock(&self.popular_queries);
        if popular.len() == POPULAR_QUERIES {
            popular.remove(0);
        }
        popular.push(query);
    }

    pub(crate) fn remember_transaction(&self, request: &Value) {
        let mut transactions = lock(&self.transactions);
        // The latest few, since old tokens are forgotten.
        if transactions.len() == 8 {
            transactions.remove(0);
        }
        transactions.push(request.clone());
    }

    /// What an operator may do at any time: drop a key, a table, or all.
    pub(crate) fn purge(&self, key: KeyNumber) {
        let name = TABLES[KEYS[key].0].name;
        let request = match self.chance.below(3) {
            0 => json!({ "table": name, "key": spelled(key, &self.chance) }),
            1 => json!({ "table": name }),
            _ => json!({ "all": true }),
        };
        self.purge.run(&request).expect("a purge as it should be written");
    }

    /// The newest number that was given.
    pub(crate) fn newest_number(&self) -> u64 {
        self.number.load(Ordering::Relaxed)
    }

    /// Counts what the cache did with a read that it might have answered.
    pub(crate) fn count(&self, operation: &str, reply: &Reply) {
        if let Some(is_hit) = looked_up(reply.outcome) {
            let tally = if matches!(operation, "Query" | "Scan") { &self.queries } else { &self.items };
            let mut tally = lock(tally);
            tally.lookups += 1;
            tally.hits += u64::from(is_hit);
            tally.stale += u64::from(matches!(reply.outcome, Outcome::StaleHit { .. }));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a read that the cache might have answered was a hit.
fn looked_up(outcome: Outcome) -> Option<bool> {
    match outcome {
        Outcome::Hit { .. } | Outcome::NegativeHit { .. } | Outcome::StaleHit { .. } => Some(true),
        Outcome::Miss | Outcome::MissNotStored | Outcome::Collapsed | Outcome::PartialHit => Some(false),
        Outcome::Bypass(Bypass::SchemaUnknown | Bypass::NotUnderstood) => Some(false),
        Outcome::Bypass(_) => None,
    }
}
