//! What writes do to items, tables and indexes.

use std::{sync::Arc, time::Duration};

use base::Instant;
use model::ErrorCode;
use serde_json::{Value, json};

use super::{attributes, table_of};
use crate::{
    indexes::{Design, INDEXES, IndexNumber},
    keys::{Attributes, KeyNumber, canonical, key_in, key_names, table_named},
    truth::{Content, Truth, Writer},
};

/// What a write does to one item, to a table or to an index.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    Put(KeyNumber, Attributes),
    /// Puts an item that is not there yet.
    Insert(KeyNumber, Attributes),
    /// Sets `v`, the member `a` of `m`, and nothing else.
    Set(KeyNumber, Value, Attributes),
    Delete(KeyNumber),
    DropTable(usize),
    MakeTable(usize),
    DropIndex(IndexNumber),
    /// Makes an index, which takes a while.
    MakeIndex(IndexNumber, &'static Design, Duration),
}

impl Effect {
    pub(super) fn check(&self, truth: &Truth) -> Result<(), ErrorCode> {
        let exists = |key: &KeyNumber| match truth.newest(*key) {
            Content::NoTable => Err(ErrorCode::ResourceNotFoundException),
            Content::Absent | Content::Item(_) => Ok(()),
        };
        match self {
            Effect::Insert(key, _) if matches!(truth.newest(*key), Content::Item(_)) => {
                Err(ErrorCode::DuplicateItemException)
            }
            Effect::Put(key, _) | Effect::Insert(key, _) | Effect::Set(key, ..) | Effect::Delete(key) => {
                exists(key)
            }
            Effect::MakeTable(table) if truth.tables[*table].is_some() => {
                Err(ErrorCode::ResourceInUseException)
            }
            Effect::DropTable(table) => {
                truth.tables[*table].map(drop).ok_or(ErrorCode::ResourceNotFoundException)
            }
            Effect::MakeTable(_) => Ok(()),
            Effect::DropIndex(index) | Effect::MakeIndex(index, ..)
                if truth.tables[INDEXES[*index].table].is_none() =>
            {
                Err(ErrorCode::ResourceNotFoundException)
            }
            Effect::DropIndex(index) if truth.newest_index(*index).design.is_none() => {
                Err(ErrorCode::ResourceNotFoundException)
            }
            Effect::MakeIndex(index, ..) if truth.newest_index(*index).design.is_some() => {
                Err(ErrorCode::ValidationException)
            }
            Effect::DropIndex(_) | Effect::MakeIndex(..) => Ok(()),
        }
    }

    pub(super) fn carry_out(&self, truth: &mut Truth, now: Instant) {
        let mut write = |key: KeyNumber, content| truth.write(key, content, now, Writer::Through);
        match self {
            Effect::Put(key, item) | Effect::Insert(key, item) => {
                write(*key, Content::Item(Arc::new(stored(item.clone()))));
            }
            Effect::Set(key, value, key_attributes) => {
                let mut item = match truth.newest(*key) {
                    Content::Item(item) => (**item).clone(),
                    _ => stored(key_attributes.clone()),
                };
                item.insert("v".to_owned(), value.clone());
                item.insert("m".to_owned(), json!({ "M": { "a": value, "b": { "S": "set" } } }));
                truth.write(*key, Content::Item(Arc::new(item)), now, Writer::Through);
            }
            Effect::Delete(key) => write(*key, Content::Absent),
            Effect::DropTable(table) => truth.exist(*table, false, now),
            Effect::MakeTable(table) => truth.exist(*table, true, now),
            Effect::DropIndex(index) => truth.make_index(*index, None, (now, now), Writer::Through),
            Effect::MakeIndex(index, design, takes) => {
                truth.make_index(*index, Some(design), (now, now + *takes), Writer::Through);
            }
        }
    }
}

/// What a request does.
pub(super) fn effects(word: &str, request: &Value) -> Vec<Effect> {
    let one = match word {
        "PutItem" => put(table_of(request), &request["Item"]),
        "UpdateItem" => set(table_of(request), request, &request["ExpressionAttributeValues"][":v"]),
        "DeleteItem" => delete(table_of(request), &request["Key"]),
        "TransactWriteItems" => {
            let actions = request["TransactItems"].as_array().expect("a transaction has actions");
            return actions.iter().filter_map(transact_effect).collect();
        }
        "ExecuteStatement" => statement_effect(request),
        "BatchExecuteStatement" => {
            let statements = request["Statements"].as_array().expect("a batch has statements");
            return statements.iter().map(statement_effect).collect();
        }
        "DeleteTable" => Effect::DropTable(table_of(request)),
        "CreateTable" => Effect::MakeTable(table_of(request)),
        "unknown" => put(table_named(request["Where"].as_str().expect("it says where")), &request["Item"]),
        other => unreachable!("clients do not use {other}"),
    };
    vec![one]
}

fn transact_effect(action: &Value) -> Option<Effect> {
    let (word, action) = attributes(action).iter().next().expect("an action is of some kind");
    Some(match word.as_str() {
        "Put" => put(table_of(action), &action["Item"]),
        "Update" => set(table_of(action), action, &action["ExpressionAttributeValues"][":v"]),
        "Delete" => delete(table_of(action), &action["Key"]),
        _ => return None,
    })
}

pub(super) fn batch_effect(table: &str, write: &Value) -> Effect {
    match write.get("PutRequest") {
        Some(request) => put(table_named(table), &request["Item"]),
        None => delete(table_named(table), &write["DeleteRequest"]["Key"]),
    }
}

/// `UPDATE "T" SET v=? WHERE …`, or anything else with an item as its parameter; the table is in quotes.
fn statement_effect(statement: &Value) -> Effect {
    let text = statement["Statement"].as_str().expect("a statement has a text");
    let table = table_named(text.split('"').nth(1).expect("the table is in quotes"));
    let parameters = statement["Parameters"].as_array().expect("statements have parameters");
    if text.starts_with("UPDATE") {
        let names = key_names(table).into_iter().map(str::to_owned);
        let key = names.zip(parameters[1..].iter().cloned()).collect::<Attributes>();
        return Effect::Set(key_in(table, &key), parameters[0].clone(), key);
    }
    let item = attributes(&parameters[0]["M"]);
    match text.starts_with("INSERT") {
        true => Effect::Insert(key_in(table, item), item.clone()),
        false => Effect::Put(key_in(table, item), item.clone()),
    }
}

fn put(table: usize, item: &Value) -> Effect {
    let item = attributes(item);
    Effect::Put(key_in(table, item), item.clone())
}

fn set(table: usize, request: &Value, value: &Value) -> Effect {
    let key = attributes(&request["Key"]);
    Effect::Set(key_in(table, key), value.clone(), key.clone())
}

fn delete(table: usize, key: &Value) -> Effect {
    Effect::Delete(key_in(table, attributes(key)))
}

/// An item as the origin keeps it: numbers canonical, sets in an order of its own.
pub(super) fn stored(item: Attributes) -> Attributes {
    item.into_iter().map(|(name, value)| (name, stored_value(value))).collect()
}

fn stored_value(value: Value) -> Value {
    let (kind, value) = attributes(&value).iter().next().expect("a value has a type");
    let number = |value: &Value| json!(canonical(value.as_str().expect("numbers are strings")));
    match (kind.as_str(), value) {
        ("N", value) => json!({ "N": number(value) }),
        ("NS", Value::Array(set)) => json!({ "NS": set.iter().rev().map(number).collect::<Vec<_>>() }),
        ("SS", Value::Array(set)) => json!({ "SS": set.iter().rev().collect::<Vec<_>>() }),
        ("L", Value::Array(list)) => {
            json!({ "L": list.iter().cloned().map(stored_value).collect::<Vec<_>>() })
        }
        ("M", Value::Object(map)) => json!({ "M": stored(map.clone()) }),
        (kind, value) => json!({ kind: value }),
    }
}
