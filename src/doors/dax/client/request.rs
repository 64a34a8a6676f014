//! From a request of DynamoDB JSON to the arguments of a method, and what of it its result will be read with.

mod transaction;

use dax_wire::{Writer, expression, item::Values, key};
use expr::{Expressions, Tree, Trees};
use model::{
    AttributeValue, Item, KeySchema, Target, UniqueMap,
    call::{
        BatchGetItem, BatchWriteItem, DeleteItem, GetItem, PutItem, Query, Request, ReturnValues, Scan,
        Select, TransactWriteItem, UpdateItem, WriteRequest,
    },
};
use serde_json::Value;

use crate::methods::Method;

use self::transaction::{table_of, transact_get_items, transact_write_items};
use super::{
    CallError,
    learnt::Learnt,
    options::{Options, on_failure},
};

/// A request as it is sent.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) method: Method,
    pub(super) arguments: Vec<u8>,
    pub(super) form: Form,
}

/// What is known of the result beforehand, as replies have neither keys nor paths.
#[derive(Debug)]
pub(super) enum Form {
    Item(Single),
    Written {
        table: String,
        key: Item,
        values: Option<ReturnValues>,
    },
    Page {
        table: String,
        projection: Option<Tree>,
        is_of_index: bool,
        counts_only: bool,
    },
    /// By table: what its items are projected to.
    Batch(Vec<(String, Option<Tree>)>),
    BatchWritten,
    Transaction(Vec<Single>),
    /// Tables and keys, in the order of the actions.
    TransactionWritten(Vec<(String, Item)>),
}

/// A read of one item.
#[derive(Debug)]
pub(super) struct Single {
    pub(super) table: String,
    pub(super) key: Item,
    pub(super) projection: Option<Tree>,
}

type Prepares = Result<Prepared, CallError>;

/// Reads a request as a proxy does.
pub(super) fn parse(operation: &str, body: &Value) -> Result<Request, CallError> {
    let body = body.to_string();
    let unsendable = |why: String| CallError::Unsendable(format!("{operation}: {why}"));
    if operation == "TransactGetItems" {
        let request = serde_json::from_str(&body).map_err(|error| unsendable(error.to_string()))?;
        return Ok(Request::TransactGetItems(request));
    }
    let target = Target::of(operation);
    let known = target.known().ok_or_else(|| unsendable("no operation".to_owned()))?;
    Request::decode(known, body.as_bytes()).map_err(|error| unsendable(error.to_string()))
}

/// The tables that a request names.
pub(super) fn tables(request: &Request) -> Vec<&str> {
    match request {
        Request::GetItem(GetItem { table_name, .. })
        | Request::PutItem(PutItem { table_name, .. })
        | Request::UpdateItem(UpdateItem { table_name, .. })
        | Request::DeleteItem(DeleteItem { table_name, .. })
        | Request::Query(Query { table_name, .. })
        | Request::Scan(Scan { table_name, .. }) => vec![table_name],
        Request::BatchGetItem(batch) => batch.request_items.iter().map(|(table, _)| table.as_str()).collect(),
        Request::BatchWriteItem(batch) => {
            batch.request_items.iter().map(|(table, _)| table.as_str()).collect()
        }
        Request::TransactGetItems(reads) => {
            reads.transact_items.iter().map(|item| item.get.table_name.as_str()).collect()
        }
        Request::TransactWriteItems(writes) => writes.transact_items.iter().map(table_of).collect(),
        _ => Vec::new(),
    }
}

/// The items that it puts, each with its table.
pub(super) fn items(request: &Request) -> Vec<(&str, &Item)> {
    match request {
        Request::PutItem(put) => vec![(&put.table_name, &put.item.attributes)],
        Request::BatchWriteItem(batch) => {
            let writes = batch.request_items.iter().flat_map(|(table, writes)| {
                writes.iter().filter_map(move |write| match write {
                    WriteRequest::Put(put) => Some((table.as_str(), &put.item.attributes)),
                    WriteRequest::Delete(_) => None,
                })
            });
            writes.collect()
        }
        Request::TransactWriteItems(writes) => {
            let puts = writes.transact_items.iter().filter_map(|action| match action {
                TransactWriteItem::Put(put) => Some((put.table_name.as_str(), &put.item.attributes)),
                _ => None,
            });
            puts.collect()
        }
        _ => Vec::new(),
    }
}

/// Once what it needs is learnt.
pub(super) fn prepare(request: &Request, learnt: &Learnt) -> Prepares {
    match request {
        Request::GetItem(request) => get_item(request, learnt),
        Request::PutItem(request) => put_item(request, learnt),
        Request::UpdateItem(request) => update_item(request, learnt),
        Request::DeleteItem(request) => delete_item(request, learnt),
        Request::Query(request) => query(request, learnt),
        Request::Scan(request) => scan(request, learnt),
        Request::BatchGetItem(request) => batch_get_item(request, learnt),
        Request::BatchWriteItem(request) => batch_write_item(request, learnt),
        Request::TransactGetItems(request) => transact_get_items(request, learnt),
        Request::TransactWriteItems(request) => transact_write_items(request, learnt),
        _ => Err(CallError::Unsendable("DAX has no such operation".to_owned())),
    }
}

/// DAX: clients make expressions of the older parameters; this one does not.
fn only_expressions(legacy: &[bool]) -> Result<(), CallError> {
    match legacy.contains(&true) {
        true => Err(CallError::Unsendable("the older parameters are not supported".to_owned())),
        false => Ok(()),
    }
}

fn trees(
    expressions: Expressions<'_>,
    names: Option<&UniqueMap<String>>,
    values: Option<&UniqueMap<AttributeValue>>,
) -> Result<Trees, CallError> {
    let (names, values) = (names.map(UniqueMap::as_slice), values.map(UniqueMap::as_slice));
    let trees = Expressions { names, values, ..expressions }.trees();
    trees.map_err(|error| CallError::Unsendable(error.to_string()))
}

/// The trees of a request, as bytes.
#[derive(Default)]
struct Encoded {
    condition: Option<Vec<u8>>,
    filter: Option<Vec<u8>>,
    projection: Option<Vec<u8>>,
    update: Option<Vec<u8>>,
}

impl Encoded {
    fn of(trees: &Trees) -> Encoded {
        Encoded {
            condition: trees.condition.as_ref().map(expression::encode_condition),
            filter: trees.filter.as_ref().map(expression::encode_condition),
            projection: trees.projection.as_ref().map(expression::encode_projection),
            update: trees.update.as_ref().map(expression::encode_update),
        }
    }
}

fn key_bytes(schema: &KeySchema, item: &Item) -> Result<Vec<u8>, CallError> {
    key::encode(schema, item).map_err(|error| CallError::Unsendable(error.to_string()))
}

/// A key and nothing else: clients check that themselves.
fn whole_key(schema: &KeySchema, given: &Item) -> Result<Vec<u8>, CallError> {
    match given.len() == schema.attributes().count() {
        true => key_bytes(schema, given),
        false => Err(CallError::Unsendable("the key does not match the schema".to_owned())),
    }
}

fn key_of(schema: &KeySchema, item: &Item) -> Item {
    let attributes =
        schema.attributes().filter_map(|key| Some((key.name.clone(), item.get(&key.name)?.clone())));
    attributes.collect()
}

fn blob(table: &str, item: &Item, learnt: &Learnt) -> Result<Vec<u8>, CallError> {
    let names = learnt.names_of_item(table, item)?;
    let number = learnt.number(&names);
    let number = number.ok_or_else(|| CallError::Unsendable("an attribute list has no number".to_owned()))?;
    Ok(Values::of(item, learnt.known(table)?).numbered(number))
}

fn get_item(request: &GetItem, learnt: &Learnt) -> Prepares {
    let GetItem { table_name, key, expression_attribute_names: names, .. } = request;
    only_expressions(&[request.attributes_to_get.is_some()])?;
    let projection = request.projection_expression.as_deref();
    let trees = trees(Expressions { projection, ..Expressions::default() }, names.as_ref(), None)?;
    let encoded = Encoded::of(&trees);
    let mut out = Writer::new();
    out.bytes(table_name.as_bytes());
    out.bytes(&whole_key(learnt.known(table_name)?, key)?);
    Options::begin(&mut out)
        .projection(encoded.projection.as_deref())
        .strong(request.consistent_read)
        .capacity(request.return_consumed_capacity)
        .end();
    let single = Single { table: table_name.clone(), key: key.clone(), projection: trees.projection };
    Ok(Prepared { method: Method::GetItem, arguments: out.into_bytes(), form: Form::Item(single) })
}

fn put_item(request: &PutItem, learnt: &Learnt) -> Prepares {
    let (table, item) = (&request.table_name, &request.item.attributes);
    only_expressions(&[request.expected.is_some()])?;
    let condition = request.condition_expression.as_deref();
    let (names, values) = (&request.expression_attribute_names, &request.expression_attribute_values);
    let expressions = Expressions { condition, ..Expressions::default() };
    let encoded = Encoded::of(&trees(expressions, names.as_ref(), values.as_ref())?);
    let schema = learnt.known(table)?;
    let mut out = Writer::new();
    out.bytes(table.as_bytes());
    out.bytes(&key_bytes(schema, item)?);
    out.bytes(&blob(table, item, learnt)?);
    Options::begin(&mut out)
        .capacity(request.return_consumed_capacity)
        .condition(encoded.condition.as_deref())
        .metrics(request.return_item_collection_metrics)
        .values(request.return_values)
        .end();
    let (key, values) = (key_of(schema, item), request.return_values);
    let form = Form::Written { table: table.clone(), key, values };
    Ok(Prepared { method: Method::PutItem, arguments: out.into_bytes(), form })
}

fn update_item(request: &UpdateItem, learnt: &Learnt) -> Prepares {
    let (table, key) = (&request.table_name, &request.key);
    only_expressions(&[request.expected.is_some(), request.attribute_updates.is_some()])?;
    let (condition, update) = (request.condition_expression.as_deref(), request.update_expression.as_deref());
    let (names, values) = (&request.expression_attribute_names, &request.expression_attribute_values);
    let expressions = Expressions { condition, update, ..Expressions::default() };
    let encoded = Encoded::of(&trees(expressions, names.as_ref(), values.as_ref())?);
    let mut out = Writer::new();
    out.bytes(table.as_bytes());
    out.bytes(&whole_key(learnt.known(table)?, key)?);
    Options::begin(&mut out)
        .capacity(request.return_consumed_capacity)
        .condition(encoded.condition.as_deref())
        .metrics(request.return_item_collection_metrics)
        .values(request.return_values)
        .update(encoded.update.as_deref())
        .end();
    let form = Form::Written { table: table.clone(), key: key.clone(), values: request.return_values };
    Ok(Prepared { method: Method::UpdateItem, arguments: out.into_bytes(), form })
}

fn delete_item(request: &DeleteItem, learnt: &Learnt) -> Prepares {
    let (table, key) = (&request.table_name, &request.key);
    only_expressions(&[request.expected.is_some()])?;
    let condition = request.condition_expression.as_deref();
    let (names, values) = (&request.expression_attribute_names, &request.expression_attribute_values);
    let expressions = Expressions { condition, ..Expressions::default() };
    let encoded = Encoded::of(&trees(expressions, names.as_ref(), values.as_ref())?);
    let mut out = Writer::new();
    out.bytes(table.as_bytes());
    out.bytes(&whole_key(learnt.known(table)?, key)?);
    Options::begin(&mut out)
        .capacity(request.return_consumed_capacity)
        .condition(encoded.condition.as_deref())
        .metrics(request.return_item_collection_metrics)
        .values(request.return_values)
        .end();
    let form = Form::Written { table: table.clone(), key: key.clone(), values: request.return_values };
    Ok(Prepared { method: Method::DeleteItem, arguments: out.into_bytes(), form })
}

/// Where a page begins.
fn start(schema: &KeySchema, key: Option<&Item>, is_of_index: bool) -> Result<Option<Vec<u8>>, CallError> {
    match key {
        None => Ok(None),
        Some(key) if is_of_index => Ok(Some(key::encode_compound(key))),
        Some(key) => whole_key(schema, key).map(Some),
    }
}

fn query(request: &Query, learnt: &Learnt) -> Prepares {
    let table = &request.table_name;
    only_expressions(&[
        request.attributes_to_get.is_some(),
        request.key_conditions.is_some(),
        request.query_filter.is_some(),
    ])?;
    let expressions = Expressions {
        key_condition: request.key_condition_expression.as_deref(),
        filter: request.filter_expression.as_deref(),
        projection: request.projection_expression.as_deref(),
        ..Expressions::default()
    };
    let (names, values) = (&request.expression_attribute_names, &request.expression_attribute_values);
    let trees = trees(expressions, names.as_ref(), values.as_ref())?;
    let no_condition = || CallError::Unsendable("a query without a key condition".to_owned());
    let key_condition = expression::encode_condition(trees.key_condition.as_ref().ok_or_else(no_condition)?);
    let encoded = Encoded::of(&trees);
    let is_of_index = request.index_name.is_some();
    let start = start(learnt.known(table)?, request.exclusive_start_key.as_ref(), is_of_index)?;
    let mut out = Writer::new();
    out.bytes(table.as_bytes());
    out.bytes(&key_condition);
    Options::begin(&mut out)
        .projection(encoded.projection.as_deref())
        .page_strong(request.consistent_read)
        .capacity(request.return_consumed_capacity)
        .start(start.as_deref())
        .filter(encoded.filter.as_deref())
        .index(request.index_name.as_deref())
        .limit(request.limit)
        .forward(request.scan_index_forward)
        .select(request.select)
        .end();
    let form = page(table, trees, is_of_index, request.select);
    Ok(Prepared { method: Method::Query, arguments: out.into_bytes(), form })
}

fn scan(request: &Scan, learnt: &Learnt) -> Prepares {
    let table = &request.table_name;
    only_expressions(&[request.attributes_to_get.is_some(), request.scan_filter.is_some()])?;
    let expressions = Expressions {
        filter: request.filter_expression.as_deref(),
        projection: request.projection_expression.as_deref(),
        ..Expressions::default()
    };
    let (names, values) = (&request.expression_attribute_names, &request.expression_attribute_values);
    let trees = trees(expressions, names.as_ref(), values.as_ref())?;
    let encoded = Encoded::of(&trees);
    let is_of_index = request.index_name.is_some();
    let start = start(learnt.known(table)?, request.exclusive_start_key.as_ref(), is_of_index)?;
    let mut out = Writer::new();
    out.bytes(table.as_bytes());
    Options::begin(&mut out)
        .projection(encoded.projection.as_deref())
        .page_strong(request.consistent_read)
        .capacity(request.return_consumed_capacity)
        .start(start.as_deref())
        .filter(encoded.filter.as_deref())
        .index(request.index_name.as_deref())
        .limit(request.limit)
        .select(request.select)
        .segment(request.segment, request.total_segments)
        .end();
    let form = page(table, trees, is_of_index, request.select);
    Ok(Prepared { method: Method::Scan, arguments: out.into_bytes(), form })
}

fn page(table: &str, trees: Trees, is_of_index: bool, select: Option<Select>) -> Form {
    let (table, counts_only) = (table.to_owned(), select == Some(Select::Count));
    Form::Page { table, projection: trees.projection, is_of_index, counts_only }
}

fn batch_get_item(request: &BatchGetItem, learnt: &Learnt) -> Prepares {
    let mut out = Writer::new();
    let mut tables = Vec::new();
    out.map(request.request_items.len());
    for (table, wanted) in &request.request_items {
        only_expressions(&[wanted.attributes_to_get.is_some()])?;
        let expressions =
            Expressions { projection: wanted.projection_expression.as_deref(), ..Expressions::default() };
        let trees = trees(expressions, wanted.expression_attribute_names.as_ref(), None)?;
        out.text(table);
        out.array(3);
        out.bool(wanted.is_strong());
        bytes_or_null(Encoded::of(&trees).projection.as_deref(), &mut out);
        out.array(wanted.keys.len());
        for key in &wanted.keys {
            out.bytes(&whole_key(learnt.known(table)?, key)?);
        }
        tables.push((table.clone(), trees.projection));
    }
    Options::begin(&mut out).capacity(request.return_consumed_capacity).end();
    Ok(Prepared { method: Method::BatchGetItem, arguments: out.into_bytes(), form: Form::Batch(tables) })
}

fn batch_write_item(request: &BatchWriteItem, learnt: &Learnt) -> Prepares {
    let mut out = Writer::new();
    out.map(request.request_items.len());
    for (table, writes) in &request.request_items {
        let schema = learnt.known(table)?;
        out.text(table);
        out.array(2 * writes.len());
        for write in writes {
            match write {
                WriteRequest::Put(put) => {
                    out.bytes(&key_bytes(schema, &put.item.attributes)?);
                    out.bytes(&blob(table, &put.item.attributes, learnt)?);
                }
                WriteRequest::Delete(delete) => {
                    out.bytes(&whole_key(schema, &delete.key)?);
                    out.null();
                }
            }
        }
    }
    Options::begin(&mut out)
        .capacity(request.return_consumed_capacity)
        .metrics(request.return_item_collection_metrics)
        .end();
    Ok(Prepared { method: Method::BatchWriteItem, arguments: out.into_bytes(), form: Form::BatchWritten })
}

fn array<T>(all: &[T], out: &mut Writer, write: impl Fn(&T, &mut Writer)) {
    out.array(all.len());
    all.iter().for_each(|one| write(one, out));
}

fn bytes_or_null(bytes: Option<&[u8]>, out: &mut Writer) {
    match bytes {
        Some(bytes) => out.bytes(bytes),
        None => out.null(),
    }
}
