//! What a write may touch: slots, and the images that it may leave.

use std::{collections::BTreeMap, sync::Arc};

use backend::Call;
use model::{
    Effect, Item, TableRef,
    call::{
        ItemToPut, Request, StatementEffect, TransactDelete, TransactUpdate, TransactWriteItem, WriteRequest,
        tables_named,
    },
    json, limits,
};
use serde_json::value::RawValue;

use crate::{
    Core,
    coherence::{Rule, Slot},
    indexes::{Changes, Touches, UpdatedIndexes},
    schema::{Located, Table},
};

/// What a write may touch, and what it may leave in the cache.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    /// Touched for certain.
    pub(crate) slots: Vec<Slot>,
    /// Global indexes of which only the answer tells, if anything does, which partitions are touched.
    pub(crate) indexes: Vec<Slot>,
    pub(crate) tables: BTreeMap<Slot, String>,
    pub(crate) everything: bool,
    pub(crate) images: Vec<Image>,
    /// The tables as they were known when the write began, each once.
    pub(crate) known: Vec<Arc<Table>>,
    /// Counted under this table.
    pub(crate) table: Option<Arc<Table>>,
    /// The indexes that are made, dropped or changed.
    pub(crate) updated: Option<UpdatedIndexes>,
}

impl Scope {
    /// Notes what the write will leave of an item. DynamoDB: a batch of more than 25 writes is refused, as is
    /// one that names an item twice; an origin that takes them may carry them out in any order.
    fn expect(&mut self, image: Image) {
        let has_room = self.images.len() < limits::BATCH_WRITE_REQUESTS_MAX;
        let is_same = |other: &&mut Image| other.located.cache_key == image.located.cache_key;
        match self.images.iter_mut().find(is_same) {
            Some(twice) => twice.content = Content::Unknown,
            None if has_room => self.images.push(image),
            None => {}
        }
    }

    fn know(&mut self, table: &Arc<Table>) {
        if !self.known.iter().any(|known| Arc::ptr_eq(known, table)) {
            self.known.push(Arc::clone(table));
        }
    }
}

/// An item whose state after the write is known, if the write was applied.
#[derive(Debug)]
pub(crate) struct Image {
    pub(crate) table: Arc<Table>,
    pub(crate) located: Located,
    pub(crate) content: Content,
}

#[derive(Debug)]
pub(crate) enum Content {
    /// The item as the client wrote it, which is as the origin gives it back.
    Put(Box<RawValue>),
    /// The item in the answer.
    Answered,
    /// No item.
    Absent,
    /// Not known.
    Unknown,
}

/// Where a request names the key of an item that it writes.
#[derive(Clone, Copy)]
enum Key<'a> {
    Alone(&'a Item),
    Within(&'a Item),
}

impl<'a> Key<'a> {
    fn attributes(self) -> &'a Item {
        let (Key::Alone(item) | Key::Within(item)) = self;
        item
    }
}

impl Core {
    /// What a write may touch: the keys that it names, else its tables, else all tables.
    pub(crate) fn scope(self: &Arc<Self>, call: &Call) -> Scope {
        let mut scope = Scope::default();
        let images_from_transactions = !self.rules.hold(Rule::NoImagesFromTransactions);
        match (call.target().known().map(|row| row.effect), call.request()) {
            (Some(Effect::WritesItems), Ok(request)) if is_within_limits(request) => match request {
                Request::PutItem(put) => {
                    let key = Key::Within(&put.item.attributes);
                    self.cover(&mut scope, &put.table_name, key, put_content(&put.item), &Changes::Anything);
                }
                Request::UpdateItem(update) => {
                    let content = if update.returns_all_new() { Content::Answered } else { Content::Unknown };
                    let key = Key::Alone(&update.key);
                    // What it changes matters to global indexes alone, and takes parsing to find out.
                    let table = self.catalog.known(&update.table_name);
                    let changes = match table.is_some_and(|table| table.global_indexes().next().is_some()) {
                        true => Changes::of(update),
                        false => Changes::Anything,
                    };
                    self.cover(&mut scope, &update.table_name, key, content, &changes);
                }
                Request::DeleteItem(delete) => {
                    let key = Key::Alone(&delete.key);
                    self.cover(&mut scope, &delete.table_name, key, Content::Absent, &Changes::Anything);
                }
                Request::BatchWriteItem(batch) => {
                    for (table, write) in
                        batch.request_items.iter().flat_map(|(t, ws)| ws.iter().map(move |w| (t, w)))
                    {
                        match write {
                            WriteRequest::Put(put) => {
                                let key = Key::Within(&put.item.attributes);
                                self.cover(
                                    &mut scope,
                                    table,
                                    key,
                                    put_content(&put.item),
                                    &Changes::Anything,
                                );
                            }
                            WriteRequest::Delete(delete) => {
                                let key = Key::Alone(&delete.key);
                                self.cover(&mut scope, table, key, Content::Absent, &Changes::Anything);
                            }
                        }
                    }
                }
                // A repeated ClientRequestToken answers success without writing, and SDKs send tokens by
                // themselves: so a transaction's images are never known.
                Request::TransactWriteItems(transaction) => {
                    for action in &transaction.transact_items {
                        match action {
                            TransactWriteItem::Put(put) => {
                                let content = match images_from_transactions {
                                    true => put_content(&put.item),
                                    false => Content::Unknown,
                                };
                                let key = Key::Within(&put.item.attributes);
                                self.cover(&mut scope, &put.table_name, key, content, &Changes::Anything);
                            }
                            TransactWriteItem::Update(TransactUpdate { table_name, key, .. })
                            | TransactWriteItem::Delete(TransactDelete { table_name, key, .. }) => {
                                let key = Key::Alone(key);
                                self.cover(&mut scope, table_name, key, Content::Unknown, &Changes::Anything);
                            }
                            TransactWriteItem::ConditionCheck(_) => {}
                        }
                    }
                }
                _ => scope.everything = true,
            },
            (Some(Effect::Executes), Ok(request)) => {
                for statement in request.statements().unwrap_or_default() {
                    match statement.effect() {
                        StatementEffect::Reads => {}
                        StatementEffect::Writes(table) => self.cover_table(&mut scope, table),
                        StatementEffect::Unclear => scope.everything = true,
                    }
                }
                if !self.rules.hold(Rule::OpaqueWritesGuardTables) {
                    return Scope::default();
                }
            }
            (Some(Effect::ReplacesIndexes), _) => self.cover_indexes(&mut scope, &call.wire().body),
            (Some(Effect::ReplacesTables), _) if !self.rules.hold(Rule::TablesHaveGenerations) => {}
            _ => match tables_named(&call.wire().body) {
                Some(names) => names.iter().for_each(|name| self.cover_table(&mut scope, name)),
                None => scope.everything = true,
            },
        }
        scope
    }

    /// Covers an item, and with it what shows it; its whole table, if its key cannot be told.
    fn cover(
        self: &Arc<Self>,
        scope: &mut Scope,
        table_name: &str,
        key: Key<'_>,
        content: Content,
        changes: &Changes,
    ) {
        let table = self.catalog.learn_soon(table_name);
        let located = table.as_ref().and_then(|table| match key {
            Key::Alone(key) => table.locate_key(key, &self.stamps, self.rules).ok(),
            Key::Within(item) => table.locate_item(item, &self.stamps, self.rules).ok(),
        });
        match (table, located) {
            (Some(table), Some(located)) => {
                scope.slots.push(located.place.own);
                self.cover_results(scope, &table, key.attributes(), changes);
                scope.know(&table);
                scope.table = Some(Arc::clone(&table));
                if table.rule.get_item.is_on() && !matches!(content, Content::Unknown) {
                    scope.expect(Image { table, located, content });
                }
            }
            _ => self.cover_table(scope, table_name),
        }
    }

    /// Covers the results that may show an item: of its partition, of scans, and of indexes.
    fn cover_results(&self, scope: &mut Scope, table: &Table, key: &Item, changes: &Changes) {
        if self.rules.hold(Rule::WritesMovePartitions) {
            scope.slots.extend(table.partition_slot(key, &self.stamps));
        }
        if self.rules.hold(Rule::WritesMoveScans) {
            scope.slots.extend(table.scan_slot);
        }
        if !self.rules.hold(Rule::WritesMoveIndexes) {
            return;
        }
        for index in table.global_indexes() {
            match changes.touches(table, index, key, &self.stamps) {
                Touches::Nothing => {}
                Touches::Partition(slot) => scope.slots.push(slot),
                Touches::AnyPartition => scope.indexes.push(index.slot),
            }
        }
    }

    /// Covers an item that the origin changes by itself.
    pub(crate) fn cover_changed(self: &Arc<Self>, scope: &mut Scope, table_name: &str, key: &Item) {
        self.cover(scope, table_name, Key::Alone(key), Content::Unknown, &Changes::Anything);
    }

    /// Covers the indexes that an UpdateTable names; its whole table, if they cannot be told.
    fn cover_indexes(&self, scope: &mut Scope, body: &[u8]) {
        let Some(updated) = UpdatedIndexes::read(body) else {
            return match tables_named(body) {
                Some(names) => names.iter().for_each(|name| self.cover_table(scope, name)),
                None => scope.everything = true,
            };
        };
        if self.rules.hold(Rule::IndexesHaveGenerations) {
            let slot = |index: &String| self.stamps.index_slot(&updated.bare_name, index);
            scope.slots.extend(updated.indexes.iter().map(slot));
        }
        scope.updated = Some(updated);
    }

    fn cover_table(&self, scope: &mut Scope, name: &str) {
        match TableRef::parse(name) {
            Some(table) => {
                let slot = self.stamps.table_slot(table.bare_name());
                scope.tables.insert(slot, table.bare_name().to_owned());
            }
            None => scope.everything = true,
        }
    }
}

/// Whether the origin can accept so many writes. One request too large must not have thousands of tables described.
fn is_within_limits(request: &Request) -> bool {
    match request {
        Request::BatchWriteItem(batch) => {
            let writes = batch.request_items.iter().map(|(_, writes)| writes.len()).sum::<usize>();
            writes <= limits::BATCH_WRITE_REQUESTS_MAX
        }
        Request::TransactWriteItems(transaction) => {
            transaction.transact_items.len() <= limits::TRANSACT_ACTIONS_MAX
        }
        _ => true,
    }
}

/// What is known of an item that was put. Only a form that every origin gives back unchanged will do.
fn put_content(item: &ItemToPut) -> Content {
    match &item.text {
        Some(text) if json::is_settled_form(text.get()) => Content::Put(text.clone()),
        _ => Content::Unknown,
    }
}
