//! `TransactGetItems` and `TransactWriteItems`.
//!
//! A transaction is one turn of the store's writer, and a reading one is one view of the store: nothing comes
//! between. So transactions never conflict here, neither with each other nor with single operations; they wait
//! for each other.
//!
//! DynamoDB: what meets an item of a transaction under way gets a TransactionConflictException, or a reason
//! `TransactionConflict` if it is a transaction itself, and a request under a token whose first one is under way
//! a TransactionInProgressException (developer guide, "Transaction conflict handling in DynamoDB"; API reference,
//! TransactWriteItems). All three say "not now, try again", and an application can count on none of them: which
//! of two requests gets one, if any, is a matter of milliseconds. Waiting gives every request the answer that its
//! next try would have had, and a second request under one token that of the first one's repetition.

use std::{
    collections::{BTreeMap, HashSet},
    sync::Arc,
};

use expr::{Expressions, asked};
use model::{
    Item, KeyError, PrimaryKey,
    call::{
        ReturnConsumedCapacity, ReturnValuesOnConditionCheckFailure, TransactGetItems, TransactWriteItem,
        TransactWriteItems,
    },
    limits::TRANSACT_BYTES_MAX,
};
use serde::Serialize;
use store::Transaction;

use super::{checks, items};
use crate::{
    Core, EngineError,
    answer::{add_member, json, write_shown},
    capacity::{Consumed, ConsumedCapacity, Kind, Reading},
    error::{Reason, item_key_fault, key_fault},
    index::{self, Given},
    keys,
    record::Record,
    table::Table,
    tokens::{ReadUnits, Token},
    write::{Action, Write, Written},
};

const ITEM_TWICE: &str = "Transaction request cannot include multiple operations on one item";
const TOO_LARGE: &str =
    "Aggregate size of all items in the transaction has exceeded the maximum allowed limit";

/// The answer to a `TransactGetItems`, but for the items.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TransactGot {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
}

/// The answer to a `TransactWriteItems`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct TransactWrote {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    consumed_capacity: Vec<ConsumedCapacity>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_collection_metrics: Option<BTreeMap<String, Vec<items::ItemCollectionMetrics>>>,
}

/// How a transaction ended that was not refused.
pub(super) enum Ended {
    Now(Vec<Written>),
    /// It was carried out before, under the same token.
    Before(ReadUnits),
}

impl Core {
    pub(crate) fn transact_get_items(&self, transaction: &TransactGetItems) -> Result<Vec<u8>, EngineError> {
        let gets = transaction.transact_items.iter().map(|action| &action.get);
        let projections =
            gets.clone().map(|get| items::projection(get.projecting())).collect::<Result<Vec<_>, _>>()?;
        if let Some(fault) = &transaction.first_fault {
            return Err(fault.clone().into());
        }
        let tables = gets.clone().map(|get| self.table(&get.table_name));
        let tables = tables.collect::<Result<Vec<_>, EngineError>>()?;
        let checked: Vec<_> = gets
            .zip(&projections)
            .zip(&tables)
            .map(|((get, projection), table)| {
                items::check_projection(table, projection.as_ref())?;
                checks::key(table, &get.key)
            })
            .collect();
        let wanted = all_or_cancelled(checked)?;
        refuse_twice(tables.iter().zip(&wanted))?;
        let view = self.store.view();
        let mut records = Vec::new();
        let mut consumed: BTreeMap<String, Consumed> = BTreeMap::new();
        let mut bytes = 0;
        for (table, key) in tables.iter().zip(&wanted) {
            let record = view.get(table.space, &keys::item_key(key))?.map(Record::decode).transpose()?;
            let size = record.as_ref().map_or(0, Record::size);
            bytes += size;
            let units = Consumed::of_table(Reading::Transactional.units(size));
            consumed.entry(table.name().to_owned()).or_default().add(&units);
            records.push(record);
        }
        if bytes > TRANSACT_BYTES_MAX {
            return Err(EngineError::validation(TOO_LARGE));
        }
        let told = |(name, units): (&String, &Consumed)| {
            units.told(name, transaction.return_consumed_capacity, Kind::TransactRead)
        };
        let mut answer = json(&TransactGot { consumed_capacity: consumed.iter().filter_map(told).collect() });
        add_member(&mut answer, "Responses", |out| {
            out.push(b'[');
            for (place, (record, projection)) in records.iter().zip(&projections).enumerate() {
                if place > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(b"{}");
                if let Some(record) = record {
                    add_member(out, "Item", |out| write_shown(out, record, projection.as_ref()))?;
                }
            }
            out.push(b']');
            Ok(())
        })?;
        Ok(answer)
    }

    pub(crate) async fn transact_write_items(
        &self,
        transaction: &TransactWriteItems,
        body: &[u8],
    ) -> Result<Vec<u8>, EngineError> {
        let actions =
            transaction.transact_items.iter().map(Asked::of).collect::<Result<Vec<_>, EngineError>>()?;
        if let Some(fault) = &transaction.first_fault {
            return Err(fault.clone().into());
        }
        let token = transaction.client_request_token.as_ref();
        let token = token.map(|token| Token::new(token, &what_is_done(body, "TransactItems")));
        let (tables, ended) = self
            .turn(|| {
                let writes = self.transaction_writes(&actions)?;
                let tables: Vec<Arc<Table>> = writes.iter().map(|write| Arc::clone(&write.table)).collect();
                let token = token.clone();
                Ok((tables, move |tx: &mut Transaction<'_>| carry_out(tx, &writes, token)))
            })
            .await?;
        let mut metrics: BTreeMap<String, Vec<items::ItemCollectionMetrics>> = BTreeMap::new();
        if let Ended::Now(written) = &ended {
            for ((asked, table), written) in actions.iter().zip(&tables).zip(written) {
                let wanted = transaction.return_item_collection_metrics;
                if let Some(of) = items::collection_metrics(table, asked.key_or_item, written, wanted) {
                    metrics.entry(table.name().to_owned()).or_default().push(of);
                }
            }
        }
        Ok(json(&TransactWrote {
            consumed_capacity: told(&tables, &ended, transaction.return_consumed_capacity),
            item_collection_metrics: (!metrics.is_empty()).then_some(metrics),
        }))
    }

    /// DynamoDB: what is wrong with single actions is reported as the transaction's reasons, action by action;
    /// that a table is missing, an item named twice or a key attribute empty is reported alone (the last one:
    /// conformance suite, "TransactWriteItems — exact error messages" and "— index key error messages").
    fn transaction_writes(&self, actions: &[Asked<'_>]) -> Result<Vec<Write>, EngineError> {
        let tables = actions
            .iter()
            .map(|asked| self.table(asked.table_name))
            .collect::<Result<Vec<_>, EngineError>>()?;
        for (asked, table) in actions.iter().zip(&tables) {
            asked.refuse_empty_keys(table)?;
        }
        let checked = actions.iter().zip(&tables).map(|(asked, table)| asked.write(table)).collect();
        let writes = all_or_cancelled(checked)?;
        refuse_twice(writes.iter().map(|write| (&write.table, &write.key)))?;
        Ok(writes)
    }
}

/// An action, its expressions bound.
struct Asked<'a> {
    table_name: &'a str,
    key_or_item: &'a Item,
    condition: Option<expr::Condition>,
    shows_item: bool,
    kind: AskedKind,
}

enum AskedKind {
    Put,
    Delete,
    Check,
    Update(expr::Update),
}

impl<'a> Asked<'a> {
    fn of(action: &'a TransactWriteItem) -> Result<Asked<'a>, EngineError> {
        match action {
            TransactWriteItem::Put(put) => {
                let expressions = Expressions {
                    condition: put.condition_expression.as_deref(),
                    names: asked::slice(&put.expression_attribute_names),
                    values: asked::slice(&put.expression_attribute_values),
                    ..Expressions::default()
                };
                let shows = put.return_values_on_condition_check_failure;
                let item = &put.item.attributes;
                let asked = Asked::bound(&put.table_name, item, expressions, shows, |_| AskedKind::Put)?;
                put.item.check_size()?;
                Ok(asked)
            }
            TransactWriteItem::Delete(delete) => {
                let expressions = Expressions {
                    condition: delete.condition_expression.as_deref(),
                    names: asked::slice(&delete.expression_attribute_names),
                    values: asked::slice(&delete.expression_attribute_values),
                    ..Expressions::default()
                };
                let shows = delete.return_values_on_condition_check_failure;
                Asked::bound(&delete.table_name, &delete.key, expressions, shows, |_| AskedKind::Delete)
            }
            TransactWriteItem::ConditionCheck(check) => {
                let expressions = Expressions {
                    condition: Some(&check.condition_expression),
                    names: asked::slice(&check.expression_attribute_names),
                    values: asked::slice(&check.expression_attribute_values),
                    ..Expressions::default()
                };
                let shows = check.return_values_on_condition_check_failure;
                Asked::bound(&check.table_name, &check.key, expressions, shows, |_| AskedKind::Check)
            }
            TransactWriteItem::Update(update) => {
                let expressions = Expressions {
                    update: Some(&update.update_expression),
                    condition: update.condition_expression.as_deref(),
                    names: asked::slice(&update.expression_attribute_names),
                    values: asked::slice(&update.expression_attribute_values),
                    ..Expressions::default()
                };
                let shows = update.return_values_on_condition_check_failure;
                Asked::bound(&update.table_name, &update.key, expressions, shows, |bound| {
                    AskedKind::Update(bound.expect("an update was asked for"))
                })
            }
        }
    }

    fn bound(
        table_name: &'a str,
        key_or_item: &'a Item,
        expressions: Expressions<'_>,
        shows: Option<ReturnValuesOnConditionCheckFailure>,
        kind: impl FnOnce(Option<expr::Update>) -> AskedKind,
    ) -> Result<Asked<'a>, EngineError> {
        let bound = expressions.bind()?;
        let (condition, kind) = (bound.condition, kind(bound.update));
        Ok(Asked { table_name, key_or_item, condition, shows_item: items::shows_item(shows), kind })
    }

    fn refuse_empty_keys(&self, table: &Table) -> Result<(), EngineError> {
        let key = match self.kind {
            AskedKind::Put => table.key.key_of_item(self.key_or_item),
            _ => table.key.key_of_key_map(self.key_or_item),
        };
        if let Err(empty @ KeyError::Empty { .. }) = key {
            return Err(key_fault(empty));
        }
        match &self.kind {
            AskedKind::Put => index::refuse_empty(table, |name| self.key_or_item.get(name), Given::Item),
            AskedKind::Update(update) => {
                index::refuse_empty(table, |name| update.assigned_value(name), Given::Update)
            }
            AskedKind::Delete | AskedKind::Check => Ok(()),
        }
    }

    fn write(&self, table: &Arc<Table>) -> Result<Write, EngineError> {
        let key: PrimaryKey = match &self.kind {
            AskedKind::Put => {
                let key = table.key.key_of_item(self.key_or_item).map_err(item_key_fault)?;
                index::check_keys(table, self.key_or_item, Given::Item)?;
                key
            }
            _ => checks::key(table, self.key_or_item)?,
        };
        checks::check_condition(table, self.condition.as_ref())?;
        let action = match &self.kind {
            AskedKind::Put => Action::Put(self.key_or_item.clone()),
            AskedKind::Delete => Action::Delete,
            AskedKind::Check => Action::Check,
            AskedKind::Update(update) => {
                items::check_update(table, update)?;
                Action::Update { update: update.clone(), key: self.key_or_item.clone() }
            }
        };
        let (table, condition) = (Arc::clone(table), self.condition.clone());
        Ok(Write { table, key, condition, shows_item: self.shows_item, action })
    }
}

/// All of it, or nothing.
pub(super) fn carry_out(
    tx: &mut Transaction<'_>,
    writes: &[Write],
    token: Option<Token>,
) -> Result<Ended, EngineError> {
    if let Some(token) = &token
        && let Some(read_units) = token.done_before(tx)?
    {
        return Ok(Ended::Before(read_units));
    }
    let written = all_or_cancelled(writes.iter().map(|write| write.apply(tx)).collect())?;
    let bytes: usize = written.iter().filter_map(|written| written.new.as_ref()).map(Item::size).sum();
    if bytes > TRANSACT_BYTES_MAX {
        return Err(EngineError::validation(TOO_LARGE));
    }
    if let Some(token) = token {
        let mut read_units = ReadUnits::new();
        for (write, written) in writes.iter().zip(&written) {
            // DynamoDB: by the larger image, also where it is gone now (dynoxide, captured in August 2026).
            let images = [&written.old, &written.new];
            let size = images.into_iter().flatten().map(Item::size).max().unwrap_or(0);
            *read_units.entry(write.table.name().to_owned()).or_default() +=
                Reading::Transactional.units(size);
        }
        token.remember(tx, read_units)?;
    }
    Ok(Ended::Now(written))
}

/// What all actions came to, or the reasons of those that failed by their own fault.
fn all_or_cancelled<T>(outcomes: Vec<Result<T, EngineError>>) -> Result<Vec<T>, EngineError> {
    if outcomes.iter().all(Result::is_ok) {
        return outcomes.into_iter().collect();
    }
    let mut reasons = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome.map_err(|error| (error.reason(), error)) {
            Ok(_) => reasons.push(Reason::none()),
            Err((Some(reason), _)) => reasons.push(reason),
            Err((None, error)) => return Err(error),
        }
    }
    Err(EngineError::Cancelled(reasons))
}

/// No item may be named by two actions.
pub(super) fn refuse_twice<'a>(
    mut items: impl Iterator<Item = (&'a Arc<Table>, &'a PrimaryKey)>,
) -> Result<(), EngineError> {
    let mut seen = HashSet::new();
    match items.all(|(table, key)| seen.insert((table.space, key))) {
        true => Ok(()),
        false => Err(EngineError::validation(ITEM_TWICE)),
    }
}

fn sums(tables: &[Arc<Table>], written: &[Written]) -> BTreeMap<String, Consumed> {
    let mut sums: BTreeMap<String, Consumed> = BTreeMap::new();
    for (table, written) in tables.iter().zip(written) {
        sums.entry(table.name().to_owned()).or_default().add(&written.consumed.clone().in_transaction());
    }
    sums
}

/// What a transaction consumed: one that was carried out before, what reading it costs.
pub(super) fn told(
    tables: &[Arc<Table>],
    ended: &Ended,
    wanted: Option<ReturnConsumedCapacity>,
) -> Vec<ConsumedCapacity> {
    let (kind, consumed) = match ended {
        Ended::Now(written) => (Kind::TransactWrite, sums(tables, written)),
        Ended::Before(units) => {
            let consumed = |(name, units): (&String, &f64)| (name.clone(), Consumed::of_table(*units));
            (Kind::TransactRead, units.iter().map(consumed).collect())
        }
    };
    consumed.iter().filter_map(|(name, units)| units.told(name, wanted, kind)).collect()
}

/// The actions of a request, members of objects in one order.
pub(super) fn what_is_done(body: &[u8], actions: &str) -> String {
    let asked = serde_json::from_slice::<serde_json::Value>(body).unwrap_or_default();
    asked[actions].to_string()
}
