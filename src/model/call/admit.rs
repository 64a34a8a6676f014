//! The engine's reading of a request: as DynamoDB reads it, with DynamoDB's errors.
//!
//! The walk: bytes → `tree` → `shape` (is each member what it should be?) → `constraint` (does it keep to the
//! service model?) → `rules` (does the request make sense?) → the operation's own type. `shapes` has the
//! tables that the middle two read.

mod constraint;
mod echo;
mod rules;
mod shape;
mod shapes;
#[cfg(test)]
mod tests;
mod tree;
mod values;

use serde::Deserialize;

use self::shape::Structure;
use self::tree::{Tree, TreeError};
use super::{BatchExecuteStatement, Request, TransactGetItems, TransactWriteItems};
use crate::{ApiError, ErrorCode, Operation};

/// Reads the body of a request as DynamoDB does, and refuses what DynamoDB would refuse without knowing the
/// table or having parsed an expression. What nobody here reads yet is [`Request::Unread`].
///
/// # Errors
/// The first fault in DynamoDB's order, with its code and message.
pub fn admit(operation: &Operation, body: &[u8]) -> Result<Request, ApiError> {
    let mut request = Tree::parse(body)
        .filter(|tree| matches!(tree, Tree::Object(_)))
        // DynamoDB: no message.
        .ok_or_else(|| ApiError::serialization(""))?;
    let Some(reading) = READINGS.iter().find(|reading| reading.operation == operation.name) else {
        return Ok(Request::Unread);
    };
    shape::fit(&mut request, reading.structure)?;
    (reading.first)(&request)?;
    constraint::check(&request, reading.structure)?;
    (reading.rules)(&request)?;
    let request = (reading.typed)(request)
        .map_err(|error| ApiError::ours(ErrorCode::InternalServerError, error.to_string()))?;
    match &request {
        Request::PutItem(put) => put.item.check_size()?,
        Request::BatchWriteItem(batch) => batch.check_sizes()?,
        Request::CreateTable(table) => table.check()?,
        Request::UpdateTable(table) => table.check()?,
        _ => {}
    }
    Ok(request)
}

type Rules = fn(&Tree) -> Result<(), ApiError>;

/// How an operation's requests are read.
struct Reading {
    operation: &'static str,
    structure: &'static Structure,
    /// What is looked at even before the constraints.
    first: Rules,
    rules: Rules,
    typed: fn(Tree) -> Result<Request, TreeError>,
}

macro_rules! readings {
    ($($operation:ident: $structure:ident, $first:ident, $rules:ident, $typed:expr;)*) => {
        static READINGS: &[Reading] = &[$(Reading {
            operation: stringify!($operation),
            structure: &shapes::$structure,
            first: rules::$first,
            rules: rules::$rules,
            typed: |tree| $typed(tree),
        }),*];
    };
}

fn read<'de, T: Deserialize<'de>>(as_request: fn(T) -> Request, tree: Tree) -> Result<Request, TreeError> {
    T::deserialize(tree).map(as_request)
}

fn transact_get_items(mut tree: Tree) -> Result<Request, TreeError> {
    let first_fault = cut_at_fault(&mut tree, rules::transact_get_item);
    TransactGetItems::deserialize(tree)
        .map(|transaction| Request::TransactGetItems(TransactGetItems { first_fault, ..transaction }))
}

fn transact_write_items(mut tree: Tree) -> Result<Request, TreeError> {
    let first_fault = cut_at_fault(&mut tree, rules::transact_write_item);
    TransactWriteItems::deserialize(tree)
        .map(|transaction| Request::TransactWriteItems(TransactWriteItems { first_fault, ..transaction }))
}

/// Leaves of a transaction the actions before the first one that has a fault of its own.
///
/// DynamoDB: it is reported action by action, so the expressions of those before come first (conformance suite,
/// order of validation).
fn cut_at_fault(transaction: &mut Tree, check: Rules) -> Option<ApiError> {
    let Some(Tree::List(actions)) = transaction.get_mut("TransactItems") else { return None };
    let (place, fault) =
        actions.iter().enumerate().find_map(|(place, action)| Some((place, check(action).err()?)))?;
    actions.truncate(place);
    Some(fault)
}

/// DynamoDB: what is wrong with the parameters of one statement is that statement's own business.
fn batch_execute_statement(mut tree: Tree) -> Result<Request, TreeError> {
    let mut faults = Vec::new();
    if let Some(Tree::List(statements)) = tree.get_mut("Statements") {
        for statement in statements {
            let fault = values::check_parameters(statement.get("Parameters")).err();
            if fault.is_some() {
                statement.remove("Parameters");
            }
            faults.push(fault);
        }
    }
    let mut batch = BatchExecuteStatement::deserialize(tree)?;
    for (statement, fault) in batch.statements.iter_mut().zip(faults) {
        statement.parameter_fault = fault;
    }
    Ok(Request::BatchExecuteStatement(batch))
}

readings! {
    GetItem: GET_ITEM, none, get_item, |tree| read(Request::GetItem, tree);
    BatchGetItem: BATCH_GET_ITEM, none, batch_get_item, |tree| read(Request::BatchGetItem, tree);
    Query: QUERY, none, query, |tree| read(Request::Query, tree);
    Scan: SCAN, none, scan, |tree| read(Request::Scan, tree);
    TransactGetItems: TRANSACT_GET_ITEMS, none, none, transact_get_items;
    PutItem: PUT_ITEM, none, put_item, |tree| read(Request::PutItem, tree);
    UpdateItem: UPDATE_ITEM, none, update_item, |tree| read(Request::UpdateItem, tree);
    DeleteItem: DELETE_ITEM, none, delete_item, |tree| read(Request::DeleteItem, tree);
    BatchWriteItem: BATCH_WRITE_ITEM, none, batch_write_item, |tree| read(Request::BatchWriteItem, tree);
    TransactWriteItems: TRANSACT_WRITE_ITEMS, none, none, transact_write_items;
    ExecuteStatement: EXECUTE_STATEMENT, none, execute_statement,
        |tree| read(Request::ExecuteStatement, tree);
    BatchExecuteStatement: BATCH_EXECUTE_STATEMENT, none, none, batch_execute_statement;
    ExecuteTransaction: EXECUTE_TRANSACTION, none, execute_transaction,
        |tree| read(Request::ExecuteTransaction, tree);
    CreateTable: CREATE_TABLE, table_is_named, create_table,
        |tree| read(|table| Request::CreateTable(Box::new(table)), tree);
    UpdateTable: UPDATE_TABLE, table_is_named, update_table,
        |tree| read(|table| Request::UpdateTable(Box::new(table)), tree);
    DeleteTable: TABLE_ALONE, table_is_named, none, |tree| read(Request::DeleteTable, tree);
    DescribeTable: TABLE_ALONE, table_is_named, none, |tree| read(Request::DescribeTable, tree);
    ListTables: LIST_TABLES, none, none, |tree| read(Request::ListTables, tree);
    UpdateTimeToLive: UPDATE_TIME_TO_LIVE, table_is_named, none,
        |tree| read(Request::UpdateTimeToLive, tree);
    DescribeTimeToLive: TABLE_ALONE, table_is_named, none, |tree| read(Request::DescribeTimeToLive, tree);
    TagResource: TAG_RESOURCE, resource_is_named, tag_resource, |tree| read(Request::TagResource, tree);
    UntagResource: UNTAG_RESOURCE, resource_is_named, untag_resource,
        |tree| read(Request::UntagResource, tree);
    ListTagsOfResource: LIST_TAGS_OF_RESOURCE, resource_is_named, list_tags_of_resource,
        |tree| read(Request::ListTagsOfResource, tree);
    ListStreams: LIST_STREAMS, none, list_streams, |tree| read(Request::ListStreams, tree);
    DescribeStream: DESCRIBE_STREAM, none, describe_stream, |tree| read(Request::DescribeStream, tree);
    GetShardIterator: GET_SHARD_ITERATOR, none, get_shard_iterator,
        |tree| read(Request::GetShardIterator, tree);
    GetRecords: GET_RECORDS, none, none, |tree| read(Request::GetRecords, tree);
    DescribeLimits: NOTHING, none, none, |_| Ok(Request::DescribeLimits);
    DescribeEndpoints: NOTHING, none, none, |_| Ok(Request::DescribeEndpoints);
    DescribeContinuousBackups: TABLE_ALONE, table_is_named, none,
        |tree| read(Request::DescribeContinuousBackups, tree);
}
