//! What the node knows of tables: identity, key schema and rule, learnt by an internal `DescribeTable`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use backend::{Backend, Call, Outcome};
use base::{Clock, Drain, Instant};
use bytes::Bytes;
use model::{ErrorCode, Item, KeyError, PrimaryKey, TableDefinition, TableRef, Target};

use crate::{
    announcement::Announcement,
    coherence::{ItemSlot, Rule, Rules, Stamps, TableSlot},
    config::{Config, Rule as TableRule},
    metrics::{Metrics, OTHER_TABLES, TableMetrics},
};

/// After a table could not be described, for so long its reads pass by without asking again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Names remembered at once, ARNs counting as names. Past it names that led nowhere are forgotten first.
const NAMES_MAX: usize = 10_000;

/// Tables with metrics of their own.
const LABELS_MAX: usize = 200;

/// A table as the cache sees it. A table that is made again is another one.
#[derive(Debug)]
pub(crate) struct Table {
    /// Begins the cache key of its items: never used twice.
    number: u32,
    definition: TableDefinition,
    bare_name: String,
    pub(crate) slot: TableSlot,
    pub(crate) rule: TableRule,
    pub(crate) metrics: TableMetrics,
}

/// An item of a table, found in a request.
#[derive(Debug)]
pub(crate) struct Located {
    /// The key of the cache entry.
    pub(crate) cache_key: Vec<u8>,
    pub(crate) slot: ItemSlot,
}

/// Tables by every name that they were asked for.
pub(crate) struct Catalog {
    origin: Arc<dyn Backend>,
    stamps: Arc<Stamps>,
    clock: Clock,
    drain: Drain,
    default_rule: TableRule,
    table_rules: HashMap<String, TableRule>,
    describe_timeout: Duration,
    rules: Rules,
    metrics: Metrics,
    /// Calls that name no known table.
    pub(crate) other: TableMetrics,
    names: RwLock<HashMap<String, Known>>,
    made: Mutex<Made>,
}

#[derive(Debug, Clone)]
enum Known {
    Table(Arc<Table>),
    Learning(Announcement<Option<Arc<Table>>>),
    Unavailable { until: Instant },
}

/// The tables made so far, by identity: an ARN where the origin gives one, so that a name and its ARN meet.
#[derive(Debug, Default)]
struct Made {
    count: u32,
    by_identity: HashMap<String, Arc<Table>>,
    labels: usize,
}

impl Table {
    /// Finds the item of a whole primary key.
    pub(crate) fn locate_key(&self, key: &Item, stamps: &Stamps, rules: Rules) -> Result<Located, KeyError> {
        Ok(self.located(&self.definition.key_schema.key_of_key_map(key)?, stamps, rules))
    }

    /// Finds an item by the key attributes among its attributes.
    pub(crate) fn locate_item(
        &self,
        item: &Item,
        stamps: &Stamps,
        rules: Rules,
    ) -> Result<Located, KeyError> {
        Ok(self.located(&self.definition.key_schema.key_of_item(item)?, stamps, rules))
    }

    fn located(&self, key: &PrimaryKey, stamps: &Stamps, rules: Rules) -> Located {
        let slot = stamps.item_slot(&self.bare_name, key.as_bytes());
        let mut cache_key = Vec::with_capacity(4 + key.as_bytes().len());
        cache_key.extend_from_slice(&self.number.to_le_bytes());
        match rules.hold(Rule::WholeKeys) {
            true => cache_key.extend_from_slice(key.as_bytes()),
            false => cache_key.push(key.as_bytes().iter().fold(0, |sum, byte| sum ^ byte) & 1),
        }
        Located { cache_key, slot }
    }

    /// The name without account and region.
    pub(crate) fn bare_name(&self) -> &str {
        &self.bare_name
    }
}

impl Catalog {
    pub(crate) fn new(
        origin: Arc<dyn Backend>,
        stamps: Arc<Stamps>,
        (clock, drain): (Clock, Drain),
        config: &Config,
        metrics: Metrics,
        rules: Rules,
    ) -> Catalog {
        Catalog {
            origin,
            stamps,
            clock,
            drain,
            default_rule: config.default_rule.clone(),
            table_rules: config.table_rules.clone(),
            describe_timeout: config.fill_timeout,
            rules,
            other: metrics.of_table(OTHER_TABLES),
            metrics,
            names: RwLock::default(),
            made: Mutex::default(),
        }
    }

    /// The table of this name or ARN, if it is known by now.
    pub(crate) fn known(&self, name: &str) -> Option<Arc<Table>> {
        match self.names.read().unwrap_or_else(PoisonError::into_inner).get(name) {
            Some(Known::Table(table)) => Some(Arc::clone(table)),
            _ => None,
        }
    }

    /// A table of this bare name, if one is known by whatever name.
    pub(crate) fn known_otherwise(&self, bare_name: &str) -> Option<Arc<Table>> {
        self.tables_called(bare_name).pop()
    }

    /// Whether the schema of a table of this bare name is known, or ever was.
    pub(crate) fn was_known(&self, bare_name: &str) -> bool {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.by_identity.values().any(|table| table.bare_name == bare_name)
    }

    /// The tables of this bare name that are known, once for each of their names.
    fn tables_called(&self, bare_name: &str) -> Vec<Arc<Table>> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let tables = names.values().filter_map(|known| match known {
            Known::Table(table) if table.bare_name == bare_name => Some(Arc::clone(table)),
            _ => None,
        });
        tables.collect()
    }

    /// The table of this name or ARN, described if need be; `None` if that does not work out by `deadline`.
    pub(crate) async fn learn(self: &Arc<Catalog>, name: &str, deadline: Instant) -> Option<Arc<Table>> {
        loop {
            let learning = match self.begin_learning(name) {
                Known::Table(table) => return Some(table),
                Known::Unavailable { .. } => return None,
                Known::Learning(learning) => learning,
            };
            let heard = self.clock.timeout_at(deadline, learning.heard()).await.flatten()?;
            if heard.is_some() {
                return heard;
            }
            // Either it is noted as unavailable by now, or its name was forgotten meanwhile: then it is asked
            // again.
        }
    }

    /// The table of this name or ARN, if it is known by now; if not, sees to it that it is known soon.
    pub(crate) fn learn_soon(self: &Arc<Catalog>, name: &str) -> Option<Arc<Table>> {
        match self.begin_learning(name) {
            Known::Table(table) => Some(table),
            Known::Learning(_) | Known::Unavailable { .. } => None,
        }
    }

    fn begin_learning(self: &Arc<Catalog>, name: &str) -> Known {
        if let Some(table) = self.known(name) {
            return Known::Table(table);
        }
        let Some(reference) = TableRef::parse(name) else {
            return Known::Unavailable { until: self.clock.now() };
        };
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        match names.get(name) {
            Some(Known::Unavailable { until }) if *until <= self.clock.now() => {}
            // Whoever was to describe it died.
            Some(Known::Learning(learning)) if !learning.is_awaited() => {}
            Some(known) => return known.clone(),
            None if names.len() >= NAMES_MAX => {
                names.retain(|_, known| !matches!(known, Known::Unavailable { .. }));
                if names.len() >= NAMES_MAX {
                    return Known::Unavailable { until: self.clock.now() };
                }
            }
            None => {}
        }
        let (tell, learning) = Announcement::new();
        names.insert(name.to_owned(), Known::Learning(learning.clone()));
        drop(names);
        let catalog = Arc::clone(self);
        let listed = learning.clone();
        let name = name.to_owned();
        self.drain.spawn(async move {
            let table = catalog.describe(&name, &reference).await;
            let known = match &table {
                Some(table) => Known::Table(Arc::clone(table)),
                None => Known::Unavailable { until: catalog.clock.now() + RETRY_AFTER },
            };
            // Race: the table was dropped or made while it was being described. Then this may be the old one,
            // and whoever dropped or made it had its name forgotten.
            let is_news = catalog.note(&name, &listed, known);
            // Nobody may be left to hear it.
            drop(tell.send(table.filter(|_| is_news)));
        });
        Known::Learning(learning)
    }

    /// Notes what came of learning, unless the name was forgotten meanwhile; says whether it did.
    fn note(&self, name: &str, ours: &Announcement<Option<Arc<Table>>>, known: Known) -> bool {
        let mut names = self.names.write().unwrap_or_else(PoisonError::into_inner);
        let is_ours = |listed: &Known| matches!(listed, Known::Learning(learning) if learning.is(ours));
        let is_listed = names.get(name).is_some_and(is_ours);
        if is_listed {
            names.insert(name.to_owned(), known);
        }
        is_listed
    }

    async fn describe(&self, name: &str, reference: &TableRef) -> Option<Arc<Table>> {
        let body = serde_json::json!({ "TableName": name }).to_string();
        let deadline = self.clock.now() + self.describe_timeout;
        let call = Call::internal(Target::of("DescribeTable"), Bytes::from(body), deadline);
        let reply = match self.clock.timeout_at(deadline, self.origin.call(call)).await? {
            Ok(reply) => reply,
            Err(failure) => {
                tracing::warn!(table = name, %failure, "table cannot be described, so its reads pass by");
                return None;
            }
        };
        let Some(definition) = reply.success().and_then(|body| TableDefinition::from_description(body))
        else {
            tracing::debug!(table = name, status = reply.status().as_u16(), "table is not described");
            return None;
        };
        definition.is_active.then(|| self.make(reference, definition))
    }

    /// The table of this definition: the one already made, if nothing about it changed.
    fn make(&self, reference: &TableRef, definition: TableDefinition) -> Arc<Table> {
        let identity = definition.arn.clone().unwrap_or_else(|| reference.bare_name().to_owned());
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(table) = made.by_identity.get(&identity)
            && table.definition == definition
        {
            return Arc::clone(table);
        }
        let bare_name = reference.bare_name().to_owned();
        let rule = self.table_rules.get(&bare_name).unwrap_or(&self.default_rule).clone();
        made.count += 1;
        made.labels += 1;
        let label = if made.labels <= LABELS_MAX { &bare_name } else { OTHER_TABLES };
        let table = Arc::new(Table {
            number: made.count,
            slot: self.stamps.table_slot(&bare_name),
            rule,
            metrics: self.metrics.of_table(label),
            definition,
            bare_name,
        });
        made.by_identity.insert(identity, Arc::clone(&table));
        table
    }

    /// Forgets tables by their bare names, under every name that they have.
    pub(crate) fn forget(&self, bare_names: &dyn Fn(&str) -> bool) {
        if !self.rules.hold(Rule::TablesHaveGenerations) {
            return;
        }
        let is_meant = |name: &str| TableRef::parse(name).is_some_and(|table| bare_names(table.bare_name()));
        self.names.write().unwrap_or_else(PoisonError::into_inner).retain(|name, _| !is_meant(name));
    }

    /// Looks at an answer that passes by for news of a table, by its bare name: that it is gone, or is
    /// another one now.
    pub(crate) fn observe(&self, target: &Target, bare_name: &str, reply: &backend::Reply) {
        let is_gone = reply.status().is_client_error()
            && ErrorCode::in_body(reply.body()) == Some(ErrorCode::ResourceNotFoundException);
        let described = (target.word() == "DescribeTable")
            .then(|| reply.success().and_then(|body| TableDefinition::from_description(body)))
            .flatten();
        let is_other_now = |table: &Table| {
            // Tables of one name in two regions are two tables.
            described.as_ref().is_some_and(|now| now.arn == table.definition.arn && *now != table.definition)
        };
        let is_news = |table: &Arc<Table>| is_gone || is_other_now(table);
        if (is_gone || described.is_some()) && self.tables_called(bare_name).iter().any(is_news) {
            self.stamps.touch([], [self.stamps.table_slot(bare_name)]);
            self.forget(&|name| name == bare_name);
        }
    }

    /// Counts a call by the table that it names.
    pub(crate) fn count(&self, table: Option<&Table>, outcome: Outcome) {
        table.map_or(&self.other, |table| &table.metrics).count(outcome);
    }
}
