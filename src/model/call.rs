//! Requests, one file per operation, and the two ways to read them.
//!
//! A proxy decodes ([`Request::decode`]), which is strict: a member that this version does not know, a member
//! given twice, a value of the wrong type make the request [`NotUnderstood`]. That is no error: such a request
//! is forwarded as it came, and the origin says what is wrong with it, if anything is.
//!
//! The engine admits ([`admit`]): it reads as DynamoDB itself does, which forgives some of this, and refuses
//! the rest with DynamoDB's errors.

mod admit;
mod batch_get_item;
mod batch_write_item;
mod closed;
mod create_table;
mod delete_item;
mod delete_table;
mod describe_continuous_backups;
mod describe_stream;
mod describe_table;
mod describe_time_to_live;
mod get_item;
mod get_records;
mod get_shard_iterator;
mod item_to_put;
mod legacy;
mod list_streams;
mod list_tables;
mod put_item;
mod query;
mod scan;
mod select;
mod statement;
mod table_rules;
mod table_spec;
mod tables_named;
mod tags;
mod transact_get_items;
mod transact_write_items;
mod update_item;
mod update_table;
mod update_time_to_live;

use serde::{Deserialize, Deserializer, de::IgnoredAny};

pub use admit::admit;
pub use batch_get_item::{BatchGetItem, KeysAndAttributes};
pub use batch_write_item::{BatchWriteItem, DeleteRequest, PutRequest, WriteRequest};
pub use closed::{
    AttributeAction, BillingMode, ConditionalOperator, KeyRole, ProjectionType, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, ReturnValues, ReturnValuesOnConditionCheckFailure, Select,
    ShardIteratorType, SseType, StreamViewType, TableClass,
};
pub use create_table::CreateTable;
pub use delete_item::DeleteItem;
pub use delete_table::DeleteTable;
pub use describe_continuous_backups::DescribeContinuousBackups;
pub use describe_stream::{DescribeStream, ShardFilter, ShardFilterType};
pub use describe_table::DescribeTable;
pub use describe_time_to_live::DescribeTimeToLive;
pub use get_item::GetItem;
pub use get_records::GetRecords;
pub use get_shard_iterator::GetShardIterator;
pub use item_to_put::ItemToPut;
pub use legacy::{AttributeValueUpdate, Condition, ExpectedAttributeValue};
pub use list_streams::ListStreams;
pub use list_tables::ListTables;
pub use put_item::PutItem;
pub use query::Query;
pub use scan::Scan;
pub use statement::{BatchExecuteStatement, ExecuteTransaction, Statement, StatementEffect};
pub use table_rules::check_projected;
pub use table_spec::{
    AttributeDefinition, GlobalSecondaryIndex, KeySchemaElement, LocalSecondaryIndex, OnDemandThroughput,
    Projection, ProvisionedThroughput, SseSpecification, StreamSpecification, Tag, WarmThroughput,
};
pub use tables_named::tables_named;
pub use tags::{ListTagsOfResource, TagResource, UntagResource};
pub use transact_get_items::{TransactGet, TransactGetItem, TransactGetItems};
pub use transact_write_items::{
    TransactConditionCheck, TransactDelete, TransactPut, TransactUpdate, TransactWriteItem,
    TransactWriteItems,
};
pub use update_item::UpdateItem;
pub use update_table::{
    DeleteGlobalSecondaryIndex, GlobalSecondaryIndexUpdate, UpdateGlobalSecondaryIndex, UpdateTable,
};
pub use update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLive};

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
    /// `ExecuteStatement`.
    ExecuteStatement(Statement),
    /// `BatchExecuteStatement`.
    BatchExecuteStatement(BatchExecuteStatement),
    /// `ExecuteTransaction`.
    ExecuteTransaction(ExecuteTransaction),
    /// `Query`.
    Query(Query),
    /// `Scan`.
    Scan(Scan),
    /// `TransactGetItems`.
    TransactGetItems(TransactGetItems),
    /// `CreateTable`.
    CreateTable(Box<CreateTable>),
    /// `UpdateTable`.
    UpdateTable(Box<UpdateTable>),
    /// `DeleteTable`.
    DeleteTable(DeleteTable),
    /// `DescribeTable`.
    DescribeTable(DescribeTable),
    /// `ListTables`.
    ListTables(ListTables),
    /// `UpdateTimeToLive`.
    UpdateTimeToLive(UpdateTimeToLive),
    /// `DescribeTimeToLive`.
    DescribeTimeToLive(DescribeTimeToLive),
    /// `TagResource`.
    TagResource(TagResource),
    /// `UntagResource`.
    UntagResource(UntagResource),
    /// `ListTagsOfResource`.
    ListTagsOfResource(ListTagsOfResource),
    /// `DescribeLimits`, which has no members.
    DescribeLimits,
    /// `DescribeEndpoints`, which has no members.
    DescribeEndpoints,
    /// `DescribeContinuousBackups`.
    DescribeContinuousBackups(DescribeContinuousBackups),
    /// `ListStreams`.
    ListStreams(ListStreams),
    /// `DescribeStream`.
    DescribeStream(DescribeStream),
    /// `GetShardIterator`.
    GetShardIterator(GetShardIterator),
    /// `GetRecords`.
    GetRecords(GetRecords),
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
    /// Not a word of it.
    pub fn as_a_whole() -> NotUnderstood {
        NotUnderstood { line: 0, column: 0 }
    }

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
            "Query" => Request::Query(read(body)?),
            "Scan" => Request::Scan(read(body)?),
            "PutItem" => Request::PutItem(read(body)?),
            "UpdateItem" => Request::UpdateItem(read(body)?),
            "DeleteItem" => Request::DeleteItem(read(body)?),
            "BatchWriteItem" => Request::BatchWriteItem(read(body)?),
            "TransactWriteItems" => Request::TransactWriteItems(read(body)?),
            "ExecuteStatement" => Request::ExecuteStatement(read(body)?),
            "BatchExecuteStatement" => Request::BatchExecuteStatement(read(body)?),
            "ExecuteTransaction" => Request::ExecuteTransaction(read(body)?),
            _ => Request::Unread,
        })
    }

    /// The body that decodes to this request; `None` for those that nobody makes but clients.
    pub fn to_json(&self) -> Option<Vec<u8>> {
        let written = match self {
            Request::GetItem(request) => serde_json::to_vec(request),
            Request::BatchGetItem(request) => serde_json::to_vec(request),
            Request::Query(request) => serde_json::to_vec(request),
            Request::Scan(request) => serde_json::to_vec(request),
            Request::PutItem(request) => serde_json::to_vec(request),
            Request::UpdateItem(request) => serde_json::to_vec(request),
            Request::DeleteItem(request) => serde_json::to_vec(request),
            Request::BatchWriteItem(request) => serde_json::to_vec(request),
            Request::TransactGetItems(request) => serde_json::to_vec(request),
            Request::TransactWriteItems(request) => serde_json::to_vec(request),
            _ => return None,
        };
        Some(written.expect("memory takes every write, and all names are strings"))
    }

    /// The statements of any of the three PartiQL operations.
    pub fn statements(&self) -> Option<&[Statement]> {
        match self {
            Request::ExecuteStatement(statement) => Some(std::slice::from_ref(statement)),
            Request::BatchExecuteStatement(batch) => Some(&batch.statements),
            Request::ExecuteTransaction(transaction) => Some(&transaction.transact_statements),
            _ => None,
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

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_request_is_written_as_it_was_read() {
        let bodies = [
            (
                "GetItem",
                r#"{"TableName":"T","Key":{"p":{"S":"x"}},"ConsistentRead":true,"ProjectionExpression":"a",
                "ExpressionAttributeNames":{"n":"b"},"ReturnConsumedCapacity":"TOTAL"}"#,
            ),
            (
                "BatchGetItem",
                r#"{"RequestItems":{"T":{"Keys":[{"p":{"N":"1"}}],"AttributesToGet":["a"]},
                "U":{"Keys":[],"ConsistentRead":false}}}"#,
            ),
            (
                "Query",
                r#"{"TableName":"T","IndexName":"i","KeyConditionExpression":"p = :p","Limit":3,
                "ScanIndexForward":false,"Select":"COUNT","ExclusiveStartKey":{"p":{"B":"AA=="}},
                "ExpressionAttributeValues":{":p":{"NS":["1","2"]}}}"#,
            ),
            (
                "Query",
                r#"{"TableName":"T","KeyConditions":{"p":{"ComparisonOperator":"EQ","AttributeValueList":[{"S":"x"}]}}}"#,
            ),
            (
                "Scan",
                r#"{"TableName":"T","Segment":0,"TotalSegments":2,"FilterExpression":"a > :a",
                "ExpressionAttributeValues":{":a":{"N":"1"}}}"#,
            ),
            (
                "PutItem",
                r#"{"TableName":"T","Item":{"p":{"S":"x"},"l":{"L":[{"NULL":true},{"BOOL":false}]}},
                "Expected":{"a":{"Exists":false}},"ReturnValues":"ALL_OLD","ReturnItemCollectionMetrics":"SIZE"}"#,
            ),
            (
                "UpdateItem",
                r#"{"TableName":"T","Key":{"p":{"S":"x"}},"UpdateExpression":"SET a = :a",
                "ConditionExpression":"attribute_exists(p)","ExpressionAttributeValues":{":a":{"M":{}}},
                "ReturnValues":"UPDATED_NEW","ReturnValuesOnConditionCheckFailure":"ALL_OLD"}"#,
            ),
            ("UpdateItem", r#"{"TableName":"T","Key":{},"AttributeUpdates":{"a":{"Action":"DELETE"}}}"#),
            ("DeleteItem", r#"{"TableName":"T","Key":{"p":{"S":"x"}},"ConditionalOperator":"OR"}"#),
            (
                "BatchWriteItem",
                r#"{"RequestItems":{"T":[{"PutRequest":{"Item":{"p":{"S":"x"}}}},
                {"DeleteRequest":{"Key":{"p":{"S":"y"}}}}]}}"#,
            ),
            ("TransactGetItems", r#"{"TransactItems":[{"Get":{"TableName":"T","Key":{"p":{"S":"x"}}}}]}"#),
            (
                "TransactWriteItems",
                r#"{"TransactItems":[{"Put":{"TableName":"T","Item":{"p":{"S":"x"}}}},
                {"Update":{"TableName":"T","Key":{"p":{"S":"x"}},"UpdateExpression":"REMOVE a"}},
                {"Delete":{"TableName":"T","Key":{"p":{"S":"x"}}}},
                {"ConditionCheck":{"TableName":"T","Key":{"p":{"S":"x"}},"ConditionExpression":"a = b"}}],
                "ClientRequestToken":"t"}"#,
            ),
        ];
        for (operation, body) in bodies {
            let operation = crate::Target::of(operation);
            let operation = operation.known().unwrap();
            let decode = |body: &[u8]| match operation.name {
                "TransactGetItems" => Request::TransactGetItems(serde_json::from_slice(body).unwrap()),
                _ => Request::decode(operation, body).unwrap(),
            };
            let written = decode(body.as_bytes()).to_json().unwrap();
            let json = |body: &[u8]| serde_json::from_slice::<Value>(body).unwrap();
            assert_eq!(json(&written), json(body.as_bytes()));
        }
    }
}
