//! Writes through the cache: guarded, in a task of their own, the origin's word being final.

use std::{collections::BTreeMap, sync::Arc};

use backend::{Bypass, Call, Failure, FailureKind, Outcome, Reply};
use base::Instant;
use model::{
    Effect, Item, TableRef, WriteVerdict,
    call::{
        ItemToPut, Request, StatementEffect, TransactDelete, TransactUpdate, TransactWriteItem, WriteRequest,
        tables_named,
    },
    json, limits,
};
use serde_json::value::RawValue;

use crate::{
    Core,
    answer::{processed_everything, updated_image},
    coherence::{Closed, Guard, ItemSlot, Rule, Sight, Stamp, TableSlot, TooManyWrites, Verdict},
    config::Mode,
    item::{Asked, Strength},
    schema::{Located, Table},
};

/// What a write may touch, and what it may leave in the cache.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    items: Vec<ItemSlot>,
    tables: BTreeMap<TableSlot, String>,
    everything: bool,
    images: Vec<Image>,
    /// Counted under this table.
    table: Option<Arc<Table>>,
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
}

/// An item whose state after the write is known, if the write was applied.
#[derive(Debug)]
struct Image {
    table: Arc<Table>,
    located: Located,
    content: Content,
}

#[derive(Debug)]
enum Content {
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
enum Key<'a> {
    Alone(&'a Item),
    Within(&'a Item),
}

impl Core {
    /// Forwards a write in a task of its own: a client that hangs up cancels nothing.
    pub(crate) async fn write(self: &Arc<Self>, call: Call, why: Bypass) -> Result<Reply, Failure> {
        let core = Arc::clone(self);
        let deadline = call.deadline;
        let task = self.drain.spawn(async move { core.perform(call, why).await });
        match self.clock.timeout_at(deadline, task).await {
            None => Err(Failure::deadline()),
            Some(Ok(result)) => result,
            Some(Err(died)) => Err(Failure::new(FailureKind::Internal, died.to_string())),
        }
    }

    async fn perform(self: Arc<Self>, call: Call, why: Bypass) -> Result<Reply, Failure> {
        let scope = self.scope(&call);
        let too_many = |_| {
            self.metrics.refused_writes.inc();
            Failure::new(FailureKind::Overloaded, "too many writes of one slot under way")
        };
        let open = || self.open(&scope);
        let guard = match self.rules.hold(Rule::MoveBeforeForwarding) {
            true => Some(open().map_err(too_many)?),
            false => None,
        };
        self.forget_tables(&call, &scope);
        let sights: Vec<Sight> =
            scope.images.iter().map(|image| self.stamps.sight_of_table(image.table.slot)).collect();

        let asked_at = self.clock.now();
        // The origin has deadlines of its own; this one only keeps a guard from being held for ever.
        let latest = asked_at + self.doubt;
        let answered = self.clock.timeout_at(latest, self.origin.call(call.clone())).await;
        let result = answered.unwrap_or_else(|| Err(Failure::deadline()));

        let ending = ending(&result);
        let verdict = match ending {
            Ending::Applied | Ending::Refused => Verdict::Definite,
            Ending::Unknown => {
                self.metrics.doubtful_writes.inc();
                Verdict::Unknown
            }
        };
        let guard = match guard {
            Some(guard) => guard,
            None => open().map_err(too_many)?,
        };
        let closed = guard.close(verdict);
        self.forget_tables(&call, &scope);
        if let (Ending::Applied, Ok(reply)) = (ending, &result) {
            self.keep_images(&call, scope.images.iter().zip(&sights), &closed, reply, asked_at);
        }
        let outcome = Outcome::Bypass(why);
        self.catalog.count(scope.table.as_deref(), outcome);
        result.map(|reply| reply.with(outcome))
    }

    /// Begins a write of everything in its scope.
    pub(crate) fn open(&self, scope: &Scope) -> Result<Guard, TooManyWrites> {
        let everything = scope.everything.then(|| self.stamps.every_table()).into_iter().flatten();
        self.stamps.guard(scope.items.iter().copied(), scope.tables.keys().copied().chain(everything))
    }

    /// A table that is made, dropped or filled begins a new life: what was known of it is learnt again.
    fn forget_tables(&self, call: &Call, scope: &Scope) {
        let replaces = call.target().known().is_none_or(|row| row.effect == Effect::ReplacesTables);
        if replaces {
            self.catalog.forget(&|name| scope.everything || scope.tables.values().any(|table| table == name));
        }
    }

    /// Stores what the write left, where no other write overlapped it.
    fn keep_images<'a>(
        &self,
        call: &Call,
        images: impl Iterator<Item = (&'a Image, &'a Sight)>,
        closed: &BTreeMap<ItemSlot, Closed>,
        reply: &Reply,
        asked_at: Instant,
    ) {
        if call.target().word() == "BatchWriteItem" && !processed_everything(reply.body()) {
            return;
        }
        for (image, sight) in images {
            let word = match closed.get(&image.located.slot) {
                Some(Closed::Alone(word)) => *word,
                _ if !self.rules.hold(Rule::ImagesOnlyAlone) => self.stamps.current_item(image.located.slot),
                _ => continue,
            };
            let item = match &image.content {
                Content::Put(item) => Some(&**item),
                Content::Absent => None,
                Content::Answered => match updated_image(reply.body()) {
                    Some(item) => Some(item),
                    None => continue,
                },
                Content::Unknown => continue,
            };
            let sight = Sight { stamp: Stamp::of_image(word, sight.stamp.table()), ..*sight };
            let asked = Asked { strength: Strength::Strong, at: asked_at };
            let (_, is_stored) = self.land(&image.table, &image.located, item, sight, asked);
            self.metrics.images.inc_by(u64::from(is_stored));
        }
    }

    /// What a write may touch: the keys that it names, else its tables, else all tables.
    fn scope(self: &Arc<Self>, call: &Call) -> Scope {
        let mut scope = Scope::default();
        let images_from_transactions = !self.rules.hold(Rule::NoImagesFromTransactions);
        match (call.target().known().map(|row| row.effect), call.request()) {
            (Some(Effect::WritesItems), Ok(request)) if is_within_limits(request) => match request {
                Request::PutItem(put) => {
                    self.cover(
                        &mut scope,
                        &put.table_name,
                        Key::Within(&put.item.attributes),
                        put_content(&put.item),
                    );
                }
                Request::UpdateItem(update) => {
                    let content = if update.returns_all_new() { Content::Answered } else { Content::Unknown };
                    self.cover(&mut scope, &update.table_name, Key::Alone(&update.key), content);
                }
                Request::DeleteItem(delete) => {
                    self.cover(&mut scope, &delete.table_name, Key::Alone(&delete.key), Content::Absent);
                }
                Request::BatchWriteItem(batch) => {
                    for (table, write) in
                        batch.request_items.iter().flat_map(|(t, ws)| ws.iter().map(move |w| (t, w)))
                    {
                        match write {
                            WriteRequest::Put(put) => {
                                self.cover(
                                    &mut scope,
                                    table,
                                    Key::Within(&put.item.attributes),
                                    put_content(&put.item),
                                );
                            }
                            WriteRequest::Delete(delete) => {
                                self.cover(&mut scope, table, Key::Alone(&delete.key), Content::Absent);
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
                                self.cover(
                                    &mut scope,
                                    &put.table_name,
                                    Key::Within(&put.item.attributes),
                                    content,
                                );
                            }
                            TransactWriteItem::Update(TransactUpdate { table_name, key, .. })
                            | TransactWriteItem::Delete(TransactDelete { table_name, key, .. }) => {
                                self.cover(&mut scope, table_name, Key::Alone(key), Content::Unknown);
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
            (Some(Effect::ReplacesTables), _) if !self.rules.hold(Rule::TablesHaveGenerations) => {}
            _ => match tables_named(&call.wire().body) {
                Some(names) => names.iter().for_each(|name| self.cover_table(&mut scope, name)),
                None => scope.everything = true,
            },
        }
        scope
    }

    /// Covers an item; its whole table, if its key cannot be told.
    fn cover(self: &Arc<Self>, scope: &mut Scope, table_name: &str, key: Key<'_>, content: Content) {
        let table = self.catalog.learn_soon(table_name);
        let located = table.as_ref().and_then(|table| match key {
            Key::Alone(key) => table.locate_key(key, &self.stamps, self.rules).ok(),
            Key::Within(item) => table.locate_item(item, &self.stamps, self.rules).ok(),
        });
        match (table, located) {
            (Some(table), Some(located)) => {
                scope.items.push(located.slot);
                scope.table = Some(Arc::clone(&table));
                if table.rule.mode == Mode::On && !matches!(content, Content::Unknown) {
                    scope.expect(Image { table, located, content });
                }
            }
            _ => self.cover_table(scope, table_name),
        }
    }

    /// Covers an item that the origin changes by itself.
    pub(crate) fn cover_changed(self: &Arc<Self>, scope: &mut Scope, table_name: &str, key: &Item) {
        self.cover(scope, table_name, Key::Alone(key), Content::Unknown);
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

/// How a write ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// The origin says that it was done, at least in part.
    Applied,
    /// The origin says that it was not done, or it never got there.
    Refused,
    /// It may have been applied, or may yet be.
    Unknown,
}

fn ending(result: &Result<Reply, Failure>) -> Ending {
    let verdict = match result {
        Ok(reply) if reply.status().is_success() => return Ending::Applied,
        Ok(reply) if reply.status().is_client_error() => {
            model::ErrorCode::in_body(reply.body()).map_or(WriteVerdict::Unknown, model::ErrorCode::verdict)
        }
        Ok(_) => WriteVerdict::Unknown,
        Err(failure) => failure.verdict(),
    };
    match verdict {
        WriteVerdict::NotApplied => Ending::Refused,
        WriteVerdict::Unknown => Ending::Unknown,
    }
}
