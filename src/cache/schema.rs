//! What the node knows of tables: identity, keys, indexes and rule, learnt by an internal `DescribeTable`.

use std::{
    collections::{HashMap, HashSet},
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use backend::{Backend, Call, Outcome};
use base::{Announcement, Clock, Drain, Instant};
use bytes::Bytes;
use model::{
    ErrorCode, IndexDefinition, IndexScope, Item, KeyError, KeySchema, PrimaryKey, TableDefinition, TableRef,
    Target,
};

use crate::{
    coherence::{Place, Rule, Rules, Slot, Stamps},
    config::{RuleBook, TableRule},
    entry::{Shelf, Shelves},
    metrics::{Counted, Metrics, OTHER_TABLES, TableMetrics},
};

/// After a table could not be described, for so long its reads pass by without asking again.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(2);

/// Names remembered at once, ARNs counting as names. Past it names that led nowhere are forgotten first.
const NAMES_MAX: usize = 10_000;

/// Tables with metrics of their own.
const LABELS_MAX: usize = 200;

/// A table as the cache sees it. A table that is made again is another one.
#[derive(Debug)]
pub(crate) struct Table {
    /// Begins the cache key of its entries: tables of unlike numbers share none.
    number: u32,
    definition: TableDefinition,
    /// What tells it from others of its name in other accounts and regions, where the origin says so.
    identity: String,
    bare_name: String,
    pub(crate) slot: Slot,
    /// The slot that all its writes move; where no scans are kept, none does.
    pub(crate) scan_slot: Option<Slot>,
    /// In the order of their names.
    pub(crate) indexes: Vec<Index>,
    pub(crate) rule: TableRule,
    pub(crate) shelf: Shelf,
    pub(crate) metrics: TableMetrics,
    /// Whether its stream is followed, or at least somebody saw to that.
    pub(crate) is_followed: AtomicBool,
    /// When it was last described, in milliseconds on the node's clock.
    described_at: AtomicU64,
}

/// An index as the cache sees it. An index that is made again is another one.
#[derive(Debug)]
pub(crate) struct Index {
    /// Never given twice.
    pub(crate) number: u32,
    pub(crate) definition: IndexDefinition,
    /// Of the index as a whole.
    pub(crate) slot: Slot,
}

/// An entry's key and slots.
#[derive(Debug, Clone)]
pub(crate) struct Located {
    /// The key of the cache entry.
    pub(crate) cache_key: Vec<u8>,
    pub(crate) place: Place,
}

/// Tables by every name that they were asked for.
pub(crate) struct Catalog {
    origin: Arc<dyn Backend>,
    stamps: Arc<Stamps>,
    clock: Clock,
    drain: Drain,
    book: RwLock<RuleBook>,
    shelves: Arc<Shelves>,
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
    /// How many numbers were given to tables and indexes.
    numbers: u32,
    by_identity: HashMap<String, Arc<Table>>,
    /// The numbers of indexes that are not given again, though their definitions be.
    retired: HashSet<u32>,
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
        let own = stamps.item_slot(&self.bare_name, key.as_bytes());
        let mut cache_key = self.cache_key(Keeping::Items);
        match rules.hold(Rule::WholeKeys) {
            true => cache_key.extend_from_slice(key.as_bytes()),
            false => cache_key.push(key.as_bytes().iter().fold(0, |sum, byte| sum ^ byte) & 1),
        }
        Located { cache_key, place: Place { own, index: None, table: self.slot } }
    }

    /// What all keys of entries of this kind begin with.
    pub(crate) fn cache_key(&self, keeping: Keeping) -> Vec<u8> {
        let mut key = Vec::with_capacity(64);
        key.extend_from_slice(&self.number.to_le_bytes());
        key.push(keeping as u8);
        key
    }

    /// The slot of the partition that a key of the table lies in.
    pub(crate) fn partition_slot(&self, key: &Item, stamps: &Stamps) -> Result<Slot, KeyError> {
        let key = self.definition.key_schema.key_of_item(key)?;
        Ok(stamps.partition_slot(&self.bare_name, None, key.partition_bytes()))
    }

    /// The attributes of the primary key.
    pub(crate) fn key_schema(&self) -> &KeySchema {
        &self.definition.key_schema
    }

    /// The index of this name.
    pub(crate) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes.iter().find(|index| index.definition.name == name)
    }

    /// The name without account and region.
    pub(crate) fn bare_name(&self) -> &str {
        &self.bare_name
    }

    /// The indexes that do not follow the partitions of the table.
    pub(crate) fn global_indexes(&self) -> impl Iterator<Item = &Index> {
        self.indexes.iter().filter(|index| index.definition.scope == IndexScope::Global)
    }
}

/// What an entry is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keeping {
    Items = 0,
    Queries = 1,
    Scans = 2,
}

impl Catalog {
    pub(crate) fn new(
        origin: Arc<dyn Backend>,
        stamps: Arc<Stamps>,
        (clock, drain): (Clock, Drain),
        (book, shelves): (RuleBook, Arc<Shelves>),
        describe_timeout: Duration,
        metrics: Metrics,
        rules: Rules,
    ) -> Catalog {
        Catalog {
            origin,
            stamps,
            clock,
            drain,
            book: RwLock::new(book),
            shelves,
            describe_timeout,
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

    /// The tables of this bare name that are known, or were when they were last described: what is kept of them
    /// may count although they are being learnt again.
    pub(crate) fn ever_known(&self, bare_name: &str) -> Vec<Arc<Table>> {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.by_identity.values().filter(|table| table.bare_name == bare_name).cloned().collect()
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
            if let Known::Table(table) = &known {
                let is_the_same = |other: &Arc<Table>| other.identity == table.identity;
                // A name and its ARN are one table: what one of them was described as later, the other is too.
                for other in names.values_mut() {
                    if matches!(other, Known::Table(other) if is_the_same(other)) {
                        *other = known.clone();
                    }
                }
            }
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

    /// The table of this definition: the one already made, if nothing about it changed. What did not change
    /// keeps its number, and its entries with it.
    fn make(&self, reference: &TableRef, definition: TableDefinition) -> Arc<Table> {
        let identity = definition.arn.clone().unwrap_or_else(|| reference.bare_name().to_owned());
        let now = self.clock.millis_since_origin();
        let bare_name = reference.bare_name().to_owned();
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        // Race: rules are exchanged meanwhile. What is made later has later rules.
        let rule = self.book.read().unwrap_or_else(PoisonError::into_inner).of_table(&bare_name).clone();
        let old = made.by_identity.get(&identity).cloned();
        let is_retired = |made: &Made, index: &Index| made.retired.contains(&index.number);
        let has_retired = |old: &Table| old.indexes.iter().any(|index| is_retired(&made, index));
        let is_same =
            |old: &&Arc<Table>| old.definition == definition && old.rule == rule && !has_retired(old);
        if let Some(table) = old.as_ref().filter(is_same) {
            table.described_at.store(now, Ordering::Relaxed);
            return Arc::clone(table);
        }
        // A changed rule begins anew, since it may count entries under other slots.
        let same = old.as_ref().filter(|old| old.definition.is_same_table(&definition) && old.rule == rule);
        let number = same.map_or_else(|| made.next_number(), |old| old.number);
        let mut indexes = Vec::with_capacity(definition.indexes.len());
        for index in &definition.indexes {
            let known = same.and_then(|old| old.indexes.iter().find(|known| known.definition == *index));
            let known = known.filter(|known| known.definition.is_active && !is_retired(&made, known));
            let slot = self.stamps.index_slot(&bare_name, &index.name);
            if known.is_none() && self.rules.hold(Rule::IndexesHaveGenerations) {
                // It may have been filled until this moment, which is a write like others.
                self.stamps.touch([slot]);
            }
            let number = known.map_or_else(|| made.next_number(), |known| known.number);
            indexes.push(Index { number, definition: index.clone(), slot });
        }
        let metrics = match &old {
            Some(old) => old.metrics.clone(),
            None if made.by_identity.len() < LABELS_MAX => self.metrics.of_table(&bare_name),
            None => self.metrics.of_table(OTHER_TABLES),
        };
        let table = Arc::new(Table {
            number,
            slot: self.stamps.table_slot(&bare_name),
            scan_slot: rule.keeps_scans().then(|| self.stamps.scan_slot(&bare_name)),
            indexes,
            shelf: self.shelves.of_table(&bare_name),
            rule,
            metrics,
            definition,
            identity: identity.clone(),
            bare_name,
            // Following goes on if only its indexes are others now; to begin it twice does nothing.
            is_followed: AtomicBool::new(false),
            described_at: AtomicU64::new(now),
        });
        made.by_identity.insert(identity, Arc::clone(&table));
        table
    }

    /// Whether a table is still known as it was when it was looked up.
    pub(crate) fn is_current(&self, table: &Arc<Table>) -> bool {
        let made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        made.by_identity.get(&table.identity).is_some_and(|current| Arc::ptr_eq(current, table))
    }

    /// Begins a new generation of indexes of a table, of those that are meant: even if they are described as
    /// before, they are others.
    pub(crate) fn retire_indexes(&self, bare_names: &dyn Fn(&str) -> bool, is_meant: &dyn Fn(&str) -> bool) {
        if !self.rules.hold(Rule::IndexesHaveGenerations) {
            return;
        }
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let tables = made.by_identity.values().filter(|table| bare_names(&table.bare_name));
        let meant = tables.flat_map(|table| &table.indexes).filter(|index| is_meant(&index.definition.name));
        let numbers: Vec<u32> = meant.map(|index| index.number).collect();
        made.retired.extend(numbers);
    }

    /// Describes a table anew if that was last done so long ago; until then it is known as before.
    pub(crate) fn look_again(self: &Arc<Catalog>, table: &Arc<Table>, after: Duration) {
        let (now, last) = (self.clock.millis_since_origin(), table.described_at.load(Ordering::Relaxed));
        let is_due = Duration::from_millis(now.saturating_sub(last)) >= after;
        let take = || table.described_at.compare_exchange(last, now, Ordering::Relaxed, Ordering::Relaxed);
        if !is_due || take().is_err() {
            return;
        }
        let (catalog, table) = (Arc::clone(self), Arc::clone(table));
        self.drain.spawn(async move {
            let name = table.definition.arn.as_deref().unwrap_or(&table.bare_name);
            let Some(reference) = TableRef::parse(name) else { return };
            let Some(described) = catalog.describe(name, &reference).await else { return };
            let mut names = catalog.names.write().unwrap_or_else(PoisonError::into_inner);
            // Race: names that were forgotten meanwhile are learnt again by whoever asks for them.
            for known in names.values_mut() {
                if matches!(known, Known::Table(known) if Arc::ptr_eq(known, &table)) {
                    *known = Known::Table(Arc::clone(&described));
                }
            }
        });
    }

    /// Puts other rules into force. Tables whose rules change begin a new life.
    pub(crate) fn exchange_rules(&self, book: RuleBook) {
        let mut in_force = self.book.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *in_force, book.clone());
        drop(in_force);
        // Race: a table that is being learnt under the old rules is forgotten too.
        self.learn_again(&|name| old.of_table(name) != book.of_table(name));
    }

    /// The tables that are known, each once.
    pub(crate) fn tables(&self) -> Vec<Arc<Table>> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner);
        let mut tables: Vec<Arc<Table>> = Vec::new();
        for known in names.values() {
            if let Known::Table(table) = known
                && !tables.iter().any(|listed| Arc::ptr_eq(listed, table))
            {
                tables.push(Arc::clone(table));
            }
        }
        tables.sort_by(|one, other| one.bare_name.cmp(&other.bare_name));
        tables
    }

    /// Forgets tables by their bare names, under every name that they have.
    pub(crate) fn forget(&self, bare_names: &dyn Fn(&str) -> bool) {
        if self.rules.hold(Rule::TablesHaveGenerations) {
            self.learn_again(bare_names);
        }
    }

    /// Has tables learnt again, under every name that they have; what is described as before goes on.
    pub(crate) fn learn_again(&self, bare_names: &dyn Fn(&str) -> bool) {
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
        // Tables of one name in two regions are two tables.
        let is_described =
            |table: &&Table| described.as_ref().is_some_and(|now| now.arn == table.definition.arn);
        let is_other_now = |table: &Table| {
            Some(table).filter(is_described).is_some()
                && described
                    .as_ref()
                    .is_some_and(|now| !now.is_same_table(&table.definition) || !now.is_active)
        };
        let has_other_indexes = |table: &Table| {
            Some(table).filter(is_described).is_some() && described.as_ref() != Some(&table.definition)
        };
        if !is_gone && described.is_none() {
            return;
        }
        let tables = self.tables_called(bare_name);
        if tables.iter().any(|table| is_gone || is_other_now(table)) {
            self.stamps.touch([self.stamps.table_slot(bare_name)]);
            self.forget(&|name| name == bare_name);
        } else if self.rules.hold(Rule::DescriptionsAreNews)
            && tables.iter().any(|table| has_other_indexes(table))
        {
            self.learn_again(&|name| name == bare_name);
        }
    }

    /// Counts a call by the table that it names.
    pub(crate) fn count(&self, table: Option<&Table>, target: &Target, outcome: Outcome) {
        table.map_or(&self.other, |table| &table.metrics).count(Counted::of(target), outcome);
    }
}

impl Made {
    fn next_number(&mut self) -> u32 {
        self.numbers += 1;
        self.numbers
    }
}
