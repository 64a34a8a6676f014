//! What an INSERT, an UPDATE or a DELETE writes.

use std::sync::Arc;

use expr::{
    Condition,
    partiql::{Returning, Statement},
};
use model::{Item, KeyError, PrimaryKey, limits::ITEM_BYTES_MAX};
use store::Transaction;

use super::key_mismatch;
use crate::{
    Core, EngineError,
    error::item_key_fault,
    index,
    ops::{checks, items},
    table::Table,
    write::{Action, Write, Written},
};

impl Core {
    pub(super) async fn carry_out_statement(
        &self,
        statement: &Statement,
        shows_item: bool,
    ) -> Result<(Arc<Table>, Written), EngineError> {
        self.turn(|| {
            let table = self.table(statement.table())?;
            let write = prepare(statement, &table, shows_item)?;
            Ok((table, move |tx: &mut Transaction<'_>| write.apply(tx)))
        })
        .await
    }
}

/// # Errors
/// What can be said without the item.
pub(super) fn prepare(
    statement: &Statement,
    table: &Arc<Table>,
    shows_item: bool,
) -> Result<Write, EngineError> {
    let write =
        |key, condition, action| Write { table: Arc::clone(table), key, condition, shows_item, action };
    Ok(match statement {
        Statement::Insert(insert) => {
            let key = primary_key(table, &insert.item)?;
            index::check_keys(table, &insert.item, index::Given::Item)?;
            if insert.item.size() > ITEM_BYTES_MAX {
                return Err(EngineError::validation("Item size has exceeded the maximum allowed size"));
            }
            write(key, None, Action::Insert(insert.item.clone()))
        }
        // DynamoDB: an UPDATE creates nothing. That the key equals something can only hold of an item.
        Statement::Update(update) => {
            let (condition, key_item, key) = condition_and_key(table, update.condition.as_ref())?;
            items::check_update(table, &update.update)?;
            let action = Action::Update { update: update.update.clone(), key: key_item };
            write(key, Some(condition.clone()), action)
        }
        // DynamoDB: nothing to delete is no failure, whatever else the condition says.
        Statement::Delete(delete) => {
            let (condition, _key_item, key) = condition_and_key(table, delete.condition.as_ref())?;
            let attribute = table.key.attributes().next().expect("a key has an attribute");
            write(key, Some(condition.clone().or_missing(&attribute.name)), Action::Delete)
        }
        Statement::Exists(select) | Statement::Select(select) => {
            let (condition, _key_item, key) = condition_and_key(table, select.condition.as_ref())?;
            write(key, Some(condition.clone()), Action::Check)
        }
    })
}

/// A condition that names one item, and the key of that.
pub(super) fn condition_and_key<'c>(
    table: &Table,
    condition: Option<&'c Condition>,
) -> Result<(&'c Condition, Item, PrimaryKey), EngineError> {
    let condition = condition.ok_or_else(no_key)?;
    let mut key_item = Item::new();
    for attribute in table.key.attributes() {
        match condition.pinned(&attribute.name).as_slice() {
            [] => return Err(no_key()),
            [value] => key_item.insert(&attribute.name, (*value).clone()),
            _ => {
                return Err(EngineError::validation(format!(
                    "Multiple conditions on same key {}. Only single item Update/Insert/Delete are supported",
                    attribute.name
                )));
            }
        };
    }
    let key = primary_key(table, &key_item)?;
    checks::check_condition(table, Some(condition))?;
    Ok((condition, key_item, key))
}

/// The key of the one item that a condition names, if it asks for nothing else.
///
/// DynamoDB: a SELECT of a batch or a transaction does not filter (conformance suite, functions; checked against
/// the service by floci's authors).
pub(super) fn only_key(table: &Table, condition: Option<&Condition>) -> Result<PrimaryKey, EngineError> {
    let (condition, _item, key) = condition_and_key(table, condition)?;
    if asks_more(table, condition) { Err(no_key()) } else { Ok(key) }
}

/// Whether a condition that names an item asks for more than its key.
pub(super) fn asks_more(table: &Table, condition: &Condition) -> bool {
    let is_key = |name: &str| table.key.attributes().any(|attribute| attribute.name == name);
    !condition.attributes().all(is_key)
}

fn no_key() -> EngineError {
    EngineError::validation("Where clause does not contain a mandatory equality on all key attributes")
}

fn primary_key(table: &Table, item: &Item) -> Result<PrimaryKey, EngineError> {
    table.key.key_of_item(item).map_err(|error| match error {
        KeyError::Missing { name } => {
            EngineError::validation(format!("Key attribute should be present in the item: Key {name}"))
        }
        KeyError::WrongType { name, .. } => key_mismatch(&name),
        other => item_key_fault(other),
    })
}

/// What RETURNING shows of a write.
///
/// DynamoDB: nothing at all where nothing of what was modified is there (dynoxide's captures).
pub(super) fn returned(statement: &Statement, written: &Written) -> Option<Item> {
    let touched = |item: &Option<Item>| match statement {
        Statement::Update(update) => item.as_ref().map(|item| update.update.touched(item)),
        _ => None,
    };
    let shown = match statement.returning()? {
        Returning::AllOld => written.old.clone(),
        Returning::AllNew => written.new.clone(),
        Returning::ModifiedOld => touched(&written.old),
        Returning::ModifiedNew => touched(&written.new),
    };
    shown.filter(|item| !item.is_empty())
}
