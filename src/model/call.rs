//! Requests, one file per operation, decoded as far as a proxy needs to understand them.
//!
//! Decoding is strict: a member that this version does not know, a member given twice, a value of the wrong
//! type make the request [`NotUnderstood`]. That is no error: such a request is forwarded as it came, and
//! the origin says what is wrong with it, if anything is.

mod batch_get_item;
mod batch_write_item;
mod delete_item;
mod get_item;
mod put_item;
mod statement;
mod tables_named;
mod transact_write_items;
mod update_item;

use serde::{Deserialize, Deserializer, de::IgnoredAny};

pub use batch_get_item::{BatchGetItem, KeysAndAttributes};
pub use batch_write_item::{BatchWriteItem, DeleteRequest, PutRequest, WriteRequest};
pub use delete_item::DeleteItem;
pub use get_item::GetItem;
pub use put_item::PutItem;
pub use statement::{BatchExecuteStatement, ExecuteTransaction, Statement, StatementEffect};
pub use tables_named::tables_named;
pub use transact_write_items::{TransactKeyed, TransactPut, TransactWriteItem, TransactWriteItems};
pub use update_item::UpdateItem;

use crate::{Operation, UniqueMap};

/// A decoded request.
#[derive(Debug)]
pub enum Request {
    /// `GetItem`.
    GetItem(GetItem),
    /// `BatchGetItem`.
    BatchGetItem(BatchGetItem),
    /// `PutItem`.
    PutItem(PutItem),
    /// `UpdateItem`.
    UpdateItem(UpdateItem),
    /// `DeleteItem`.
    DeleteItem(DeleteItem),
    /// `BatchWriteItem`.
    BatchWriteItem(BatchWriteItem),
    /// `TransactWriteItems`.
    TransactWriteItems(TransactWriteItems),
    /// The statements of any of the three PartiQL operations.
    Statements(Vec<Statement>),
    /// An operation whose request nobody here needs to read.
    Unread,
}

/// That a request was not understood, and where; not what stood there, since that may be an item's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("request not understood at line {line}, column {column}")]
pub struct NotUnderstood {
    line: usize,
    column: usize,
}

impl NotUnderstood {
    fn at(error: &serde_json::Error) -> NotUnderstood {
        NotUnderstood { line: error.line(), column: error.column() }
    }
}

impl Request {
    /// Decodes the body of a known operation.
    ///
    /// # Errors
    /// [`NotUnderstood`], which is a reason to forward the request as it came.
    pub fn decode(operation: &Operation, body: &[u8]) -> Result<Request, NotUnderstood> {
        fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, NotUnderstood> {
            serde_json::from_slice(body).map_err(|error| NotUnderstood::at(&error))
        }
        Ok(match operation.name {
            "GetItem" => Request::GetItem(read(body)?),
            "BatchGetItem" => Request::BatchGetItem(read(body)?),
            "PutItem" => Request::PutItem(read(body)?),
            "UpdateItem" => Request::UpdateItem(read(body)?),
            "DeleteItem" => Request::DeleteItem(read(body)?),
            "BatchWriteItem" => Request::BatchWriteItem(read(body)?),
            "TransactWriteItems" => Request::TransactWriteItems(read(body)?),
            "ExecuteStatement" => Request::Statements(vec![read(body)?]),
            "BatchExecuteStatement" => Request::Statements(read::<BatchExecuteStatement>(body)?.statements),
            "ExecuteTransaction" => {
                Request::Statements(read::<ExecuteTransaction>(body)?.transact_statements)
            }
            _ => Request::Unread,
        })
    }
}

/// `ReturnConsumedCapacity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ReturnConsumedCapacity {
    /// Not at all.
    None,
    /// In sum.
    Total,
    /// By table and index.
    Indexes,
}

impl ReturnConsumedCapacity {
    /// As it is written in a request.
    pub fn as_str(self) -> &'static str {
        match self {
            ReturnConsumedCapacity::None => "NONE",
            ReturnConsumedCapacity::Total => "TOTAL",
            ReturnConsumedCapacity::Indexes => "INDEXES",
        }
    }
}

/// A member that is known, but that nobody here needs to read; JSON `null` counts as absent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Present(pub bool);

impl<'de> Deserialize<'de> for Present {
    fn deserialize<D: Deserializer<'de>>(json: D) -> Result<Present, D::Error> {
        Option::<IgnoredAny>::deserialize(json).map(|value| Present(value.is_some()))
    }
}

/// What a read wants of an item, as written.
#[derive(Debug, Clone, Copy)]
pub struct Projecting<'a> {
    /// `ProjectionExpression`.
    pub expression: Option<&'a str>,
    /// `ExpressionAttributeNames`.
    pub names: Option<&'a UniqueMap<String>>,
    /// `AttributesToGet`.
    pub attributes: Option<&'a [String]>,
}
