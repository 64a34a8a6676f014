//! Transactions, whose actions travel in parts: all kinds, then all tables, then all keys.

use dax_wire::Writer;
use expr::Expressions;
use model::{
    AttributeValue, Item, UniqueMap,
    call::{TransactGetItems, TransactWriteItem, TransactWriteItems},
};

use super::{
    CallError, Encoded, Form, Learnt, Options, Prepared, Prepares, Single, array, blob, bytes_or_null,
    key_of, on_failure, trees, whole_key,
};
use crate::methods::Method;

pub(super) fn transact_get_items(request: &TransactGetItems, learnt: &Learnt) -> Prepares {
    let mut reads = Vec::new();
    let (mut keys, mut projections) = (Vec::new(), Vec::new());
    for get in request.transact_items.iter().map(|item| &item.get) {
        let expressions =
            Expressions { projection: get.projection_expression.as_deref(), ..Expressions::default() };
        let trees = trees(expressions, get.expression_attribute_names.as_ref(), None)?;
        keys.push(whole_key(learnt.known(&get.table_name)?, &get.key)?);
        projections.push(Encoded::of(&trees).projection);
        let (table, key) = (get.table_name.clone(), get.key.clone());
        reads.push(Single { table, key, projection: trees.projection });
    }
    let mut out = Writer::new();
    array(&reads, &mut out, |read, out| out.bytes(read.table.as_bytes()));
    array(&keys, &mut out, |key, out| out.bytes(key));
    array(&projections, &mut out, |projection, out| bytes_or_null(projection.as_deref(), out));
    Options::begin(&mut out).capacity(request.return_consumed_capacity).end();
    let form = Form::Transaction(reads);
    Ok(Prepared { method: Method::TransactGetItems, arguments: out.into_bytes(), form })
}

/// The parts of an action, which travel apart.
struct Action {
    kind: i64,
    table: String,
    key: Item,
    key_bytes: Vec<u8>,
    blob: Option<Vec<u8>>,
    shows: i64,
    encoded: Encoded,
}

pub(super) fn table_of(action: &TransactWriteItem) -> &str {
    match action {
        TransactWriteItem::Put(put) => &put.table_name,
        TransactWriteItem::Update(update) => &update.table_name,
        TransactWriteItem::Delete(delete) => &delete.table_name,
        TransactWriteItem::ConditionCheck(check) => &check.table_name,
    }
}

/// Its expressions, with what stands for names and values in them.
struct Texts<'a> {
    condition: Option<&'a str>,
    update: Option<&'a str>,
    names: &'a Option<UniqueMap<String>>,
    values: &'a Option<UniqueMap<AttributeValue>>,
}

impl Action {
    fn of(action: &TransactWriteItem, learnt: &Learnt) -> Result<Action, CallError> {
        let table = table_of(action).to_owned();
        let schema = learnt.known(&table)?;
        let (kind, shows, key) = match action {
            TransactWriteItem::Put(put) => {
                (2, put.return_values_on_condition_check_failure, key_of(schema, &put.item.attributes))
            }
            TransactWriteItem::Delete(delete) => {
                (7, delete.return_values_on_condition_check_failure, delete.key.clone())
            }
            TransactWriteItem::Update(update) => {
                (9, update.return_values_on_condition_check_failure, update.key.clone())
            }
            TransactWriteItem::ConditionCheck(check) => {
                (12, check.return_values_on_condition_check_failure, check.key.clone())
            }
        };
        let Texts { condition, update, names, values } = texts_of(action);
        let expressions = Expressions { condition, update, ..Expressions::default() };
        let encoded = Encoded::of(&trees(expressions, names.as_ref(), values.as_ref())?);
        let blob = match action {
            TransactWriteItem::Put(put) => Some(blob(&table, &put.item.attributes, learnt)?),
            _ => None,
        };
        let key_bytes = whole_key(schema, &key)?;
        Ok(Action { kind, table, key, key_bytes, blob, shows: on_failure(shows), encoded })
    }
}

fn texts_of(action: &TransactWriteItem) -> Texts<'_> {
    match action {
        TransactWriteItem::Put(put) => Texts {
            condition: put.condition_expression.as_deref(),
            update: None,
            names: &put.expression_attribute_names,
            values: &put.expression_attribute_values,
        },
        TransactWriteItem::Delete(delete) => Texts {
            condition: delete.condition_expression.as_deref(),
            update: None,
            names: &delete.expression_attribute_names,
            values: &delete.expression_attribute_values,
        },
        TransactWriteItem::Update(update) => Texts {
            condition: update.condition_expression.as_deref(),
            update: Some(&update.update_expression),
            names: &update.expression_attribute_names,
            values: &update.expression_attribute_values,
        },
        TransactWriteItem::ConditionCheck(check) => Texts {
            condition: Some(&check.condition_expression),
            update: None,
            names: &check.expression_attribute_names,
            values: &check.expression_attribute_values,
        },
    }
}

pub(super) fn transact_write_items(request: &TransactWriteItems, learnt: &Learnt) -> Prepares {
    let actions = request.transact_items.iter().map(|action| Action::of(action, learnt));
    let actions = actions.collect::<Result<Vec<_>, _>>()?;
    let mut out = Writer::new();
    array(&actions, &mut out, |action, out| out.int(action.kind));
    array(&actions, &mut out, |action, out| out.bytes(action.table.as_bytes()));
    array(&actions, &mut out, |action, out| out.bytes(&action.key_bytes));
    array(&actions, &mut out, |action, out| bytes_or_null(action.blob.as_deref(), out));
    array(&actions, &mut out, |_, out| out.null());
    array(&actions, &mut out, |action, out| out.int(action.shows));
    array(&actions, &mut out, |action, out| bytes_or_null(action.encoded.condition.as_deref(), out));
    array(&actions, &mut out, |action, out| bytes_or_null(action.encoded.update.as_deref(), out));
    Options::begin(&mut out)
        .capacity(request.return_consumed_capacity)
        .metrics(request.return_item_collection_metrics)
        .token(request.client_request_token.as_deref())
        .end();
    let keys = actions.into_iter().map(|action| (action.table, action.key)).collect();
    let form = Form::TransactionWritten(keys);
    Ok(Prepared { method: Method::TransactWriteItems, arguments: out.into_bytes(), form })
}
