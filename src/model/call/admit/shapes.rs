//! The structure of every request: the service model, as far as an engine of tables needs it.
//!
//! DynamoDB: in which order members are checked is no order that the model shows; it is that of recorded
//! answers with several violations (dynalite's tests; newer ones in the conformance suite where they differ).

mod streams;

pub(super) use streams::{DESCRIBE_STREAM, GET_RECORDS, GET_SHARD_ITERATOR, LIST_STREAMS};

use Shape::{Anything, Boolean, Integer, List, Long, Map, String, Structure as Of, Value};

use super::constraint::Rule::{
    self, AtLeast, AtMost, KeysAreTables, KeysAreTablesSaidLast, LengthAtLeast, LengthAtMost, Name, OneOf,
    ReturnValues, Table, TableOfWrite, UnquotedAtLeast, UnquotedLengthAtLeast, UnquotedLengthAtMost,
    ValueLengths,
};
use super::echo::Style;
use super::shape::{Member, Shape, Structure, optional, required};
use crate::call::{
    AttributeAction, BillingMode, ConditionalOperator, KeyRole, ProjectionType, ReturnConsumedCapacity,
    ReturnItemCollectionMetrics, ReturnValuesOnConditionCheckFailure, Select, SseType, StreamViewType,
};
use crate::limits::{
    BATCH_GET_KEYS_MAX, BATCH_STATEMENTS_MAX, BATCH_WRITE_REQUESTS_MAX, STATEMENT_LENGTH_MAX,
    TRANSACT_ACTIONS_MAX,
};

const TEXT: Shape = String(&[]);
const TABLE: Shape = String(&[Table]);
/// DynamoDB: 3 to 255 characters, as a table's name.
const NAME: Shape = String(&[Name, LengthAtLeast(3), LengthAtMost(255)]);
const KEY_ATTRIBUTE: Shape = String(&[LengthAtLeast(1), LengthAtMost(255)]);
const ITEM: Shape = Map(&Value, &[]);
const NAMES: Shape = Map(&TEXT, &[]);
const ATTRIBUTES: Shape = List(&TEXT, &[LengthAtLeast(1)]);
const COMPARISON: Shape = String(&[OneOf(&[
    "IN",
    "NULL",
    "BETWEEN",
    "LT",
    "NOT_CONTAINS",
    "EQ",
    "GT",
    "NOT_NULL",
    "NE",
    "LE",
    "BEGINS_WITH",
    "GE",
    "CONTAINS",
])]);

const CONSUMED: Member = optional("ReturnConsumedCapacity", String(&[OneOf(ReturnConsumedCapacity::NAMES)]));
const COLLECTIONS: Member =
    optional("ReturnItemCollectionMetrics", String(&[OneOf(ReturnItemCollectionMetrics::NAMES)]));
const RETURN_VALUES: Member = optional("ReturnValues", String(&[ReturnValues { is_said_alone: false }]));
const RETURN_VALUES_ALONE: Member = optional("ReturnValues", String(&[ReturnValues { is_said_alone: true }]));
const ON_FAILURE: Member = optional(
    "ReturnValuesOnConditionCheckFailure",
    String(&[OneOf(ReturnValuesOnConditionCheckFailure::NAMES)]),
);
const JOINING: Member =
    optional("ConditionalOperator", String(&[Rule::ConditionalOperator { is_counted: true }]));
const JOINING_BARE: Member =
    optional("ConditionalOperator", String(&[Rule::ConditionalOperator { is_counted: false }]));
const JOINING_OLDER: Member = optional("ConditionalOperator", String(&[OneOf(ConditionalOperator::NAMES)]));
const SELECT: Member = optional("Select", String(&[OneOf(Select::NAMES)]));
const TABLE_NAME: Member = required("TableName", TABLE);
const WRITTEN_TABLE_NAME: Member = required("TableName", String(&[TableOfWrite]));
const KEY: Member = required("Key", ITEM);
const EXPECTED: Member = optional("Expected", Map(&Of(&EXPECTED_ATTRIBUTE_VALUE), &[]));
const CONDITION_EXPRESSION: Member = optional("ConditionExpression", TEXT);
const PROJECTION_EXPRESSION: Member = optional("ProjectionExpression", TEXT);
const EXPRESSION_VALUES: Member = optional("ExpressionAttributeValues", ITEM);
const EXPRESSION_NAMES: Member = optional("ExpressionAttributeNames", NAMES);
const ATTRIBUTES_TO_GET: Member = optional("AttributesToGet", ATTRIBUTES);
const CONSISTENT_READ: Member = optional("ConsistentRead", Boolean);

const EXPECTED_ATTRIBUTE_VALUE: Structure = Structure {
    name: "ExpectedAttributeValue",
    members: &[
        optional("AttributeValueList", List(&Value, &[])),
        optional("ComparisonOperator", COMPARISON),
        optional("Exists", Boolean),
        optional("Value", Value),
    ],
};

static CONDITION: Structure = Structure {
    name: "Condition",
    members: &[optional("AttributeValueList", List(&Value, &[])), required("ComparisonOperator", COMPARISON)],
};

pub(super) static GET_ITEM: Structure = Structure {
    name: "GetItemInput",
    members: &[
        CONSUMED,
        ATTRIBUTES_TO_GET,
        TABLE_NAME,
        KEY,
        CONSISTENT_READ,
        PROJECTION_EXPRESSION,
        EXPRESSION_NAMES,
    ],
};

pub(super) static BATCH_GET_ITEM: Structure = Structure {
    name: "BatchGetItemInput",
    members: &[
        required(
            "RequestItems",
            Map(&Of(&KEYS_AND_ATTRIBUTES), &[UnquotedLengthAtLeast(1), KeysAreTables(Style::Json)]),
        ),
        CONSUMED,
    ],
};

static KEYS_AND_ATTRIBUTES: Structure = Structure {
    name: "KeysAndAttributes",
    members: &[
        required("Keys", List(&ITEM, &[LengthAtLeast(1), UnquotedLengthAtMost(BATCH_GET_KEYS_MAX)])),
        ATTRIBUTES_TO_GET,
        CONSISTENT_READ,
        PROJECTION_EXPRESSION,
        EXPRESSION_NAMES,
    ],
};

pub(super) static PUT_ITEM: Structure = Structure {
    name: "PutItemInput",
    members: &[
        CONSUMED,
        WRITTEN_TABLE_NAME,
        required("Item", ITEM),
        JOINING,
        EXPECTED,
        RETURN_VALUES,
        COLLECTIONS,
        CONDITION_EXPRESSION,
        EXPRESSION_VALUES,
        EXPRESSION_NAMES,
        ON_FAILURE,
    ],
};

pub(super) static UPDATE_ITEM: Structure = Structure {
    name: "UpdateItemInput",
    members: &[
        CONSUMED,
        WRITTEN_TABLE_NAME,
        COLLECTIONS,
        RETURN_VALUES_ALONE,
        JOINING,
        KEY,
        EXPECTED,
        optional("AttributeUpdates", Map(&Of(&ATTRIBUTE_VALUE_UPDATE), &[])),
        CONDITION_EXPRESSION,
        optional("UpdateExpression", TEXT),
        EXPRESSION_VALUES,
        EXPRESSION_NAMES,
        ON_FAILURE,
    ],
};

static ATTRIBUTE_VALUE_UPDATE: Structure = Structure {
    name: "AttributeValueUpdate",
    members: &[optional("Action", String(&[OneOf(AttributeAction::NAMES)])), optional("Value", Value)],
};

pub(super) static DELETE_ITEM: Structure = Structure {
    name: "DeleteItemInput",
    members: &[
        CONSUMED,
        WRITTEN_TABLE_NAME,
        RETURN_VALUES,
        COLLECTIONS,
        JOINING,
        KEY,
        EXPECTED,
        CONDITION_EXPRESSION,
        EXPRESSION_VALUES,
        EXPRESSION_NAMES,
        ON_FAILURE,
    ],
};

pub(super) static BATCH_WRITE_ITEM: Structure = Structure {
    name: "BatchWriteItemInput",
    members: &[
        CONSUMED,
        COLLECTIONS,
        required(
            "RequestItems",
            Map(
                &List(&Of(&WRITE_REQUEST), &[]),
                &[
                    KeysAreTablesSaidLast(Style::Java),
                    ValueLengths { at_least: 1, at_most: BATCH_WRITE_REQUESTS_MAX },
                ],
            ),
        ),
    ],
};

static WRITE_REQUEST: Structure = Structure {
    name: "WriteRequest",
    members: &[
        optional("DeleteRequest", Of(&Structure { name: "DeleteRequest", members: &[KEY] })),
        optional("PutRequest", Of(&Structure { name: "PutRequest", members: &[required("Item", ITEM)] })),
    ],
};

/// DynamoDB: three regions of 33 had begun to leave out how many actions there were (parity suite, captures of
/// 2026-10-08); this is what the others say.
const ACTIONS: &[super::constraint::Rule] = &[LengthAtLeast(1), LengthAtMost(TRANSACT_ACTIONS_MAX)];

pub(super) static TRANSACT_GET_ITEMS: Structure = Structure {
    name: "TransactGetItemsInput",
    members: &[CONSUMED, required("TransactItems", List(&Of(&TRANSACT_GET_ITEM), ACTIONS))],
};

static TRANSACT_GET_ITEM: Structure = Structure {
    name: "TransactGetItem",
    members: &[required(
        "Get",
        Of(&Structure { name: "Get", members: &[TABLE_NAME, KEY, PROJECTION_EXPRESSION, EXPRESSION_NAMES] }),
    )],
};

pub(super) static TRANSACT_WRITE_ITEMS: Structure = Structure {
    name: "TransactWriteItemsInput",
    members: &[
        optional("ClientRequestToken", String(&[LengthAtLeast(1), LengthAtMost(36)])),
        CONSUMED,
        COLLECTIONS,
        required("TransactItems", List(&Of(&TRANSACT_WRITE_ITEM), ACTIONS)),
    ],
};

static TRANSACT_WRITE_ITEM: Structure = Structure {
    name: "TransactWriteItem",
    members: &[
        optional(
            "ConditionCheck",
            Of(&Structure {
                name: "ConditionCheck",
                members: &[
                    TABLE_NAME,
                    KEY,
                    required("ConditionExpression", TEXT),
                    EXPRESSION_VALUES,
                    EXPRESSION_NAMES,
                    ON_FAILURE,
                ],
            }),
        ),
        optional(
            "Put",
            Of(&Structure {
                name: "Put",
                members: &[
                    TABLE_NAME,
                    required("Item", ITEM),
                    CONDITION_EXPRESSION,
                    EXPRESSION_VALUES,
                    EXPRESSION_NAMES,
                    ON_FAILURE,
                ],
            }),
        ),
        optional(
            "Delete",
            Of(&Structure {
                name: "Delete",
                members: &[
                    TABLE_NAME,
                    KEY,
                    CONDITION_EXPRESSION,
                    EXPRESSION_VALUES,
                    EXPRESSION_NAMES,
                    ON_FAILURE,
                ],
            }),
        ),
        optional(
            "Update",
            Of(&Structure {
                name: "Update",
                members: &[
                    TABLE_NAME,
                    KEY,
                    required("UpdateExpression", TEXT),
                    CONDITION_EXPRESSION,
                    EXPRESSION_VALUES,
                    EXPRESSION_NAMES,
                    ON_FAILURE,
                ],
            }),
        ),
    ],
};

const STATEMENT: Member =
    required("Statement", String(&[LengthAtLeast(1), LengthAtMost(STATEMENT_LENGTH_MAX)]));
const PARAMETERS: Member = optional("Parameters", List(&Value, &[LengthAtLeast(1)]));

pub(super) static EXECUTE_STATEMENT: Structure = Structure {
    name: "ExecuteStatementInput",
    members: &[
        STATEMENT,
        PARAMETERS,
        CONSISTENT_READ,
        optional("NextToken", String(&[LengthAtLeast(1), LengthAtMost(32_768)])),
        CONSUMED,
        optional("Limit", Integer(&[AtLeast(1)])),
        ON_FAILURE,
    ],
};

pub(super) static BATCH_EXECUTE_STATEMENT: Structure = Structure {
    name: "BatchExecuteStatementInput",
    members: &[
        CONSUMED,
        required(
            "Statements",
            List(
                &Of(&Structure {
                    name: "BatchStatementRequest",
                    members: &[STATEMENT, PARAMETERS, CONSISTENT_READ, ON_FAILURE],
                }),
                &[LengthAtLeast(1), LengthAtMost(BATCH_STATEMENTS_MAX)],
            ),
        ),
    ],
};

pub(super) static EXECUTE_TRANSACTION: Structure = Structure {
    name: "ExecuteTransactionInput",
    members: &[
        optional("ClientRequestToken", String(&[LengthAtLeast(1), LengthAtMost(36)])),
        CONSUMED,
        required(
            "TransactStatements",
            List(
                &Of(&Structure {
                    name: "ParameterizedStatement",
                    members: &[STATEMENT, PARAMETERS, ON_FAILURE],
                }),
                &[LengthAtLeast(1), LengthAtMost(TRANSACT_ACTIONS_MAX)],
            ),
        ),
    ],
};

pub(super) static QUERY: Structure = Structure {
    name: "QueryInput",
    members: &[
        SELECT,
        optional("IndexName", NAME),
        CONSUMED,
        optional("QueryFilter", Map(&Of(&CONDITION), &[])),
        TABLE_NAME,
        JOINING_BARE,
        ATTRIBUTES_TO_GET,
        optional("Limit", Integer(&[UnquotedAtLeast(1)])),
        optional("KeyConditions", Map(&Of(&CONDITION), &[])),
        optional("ExclusiveStartKey", ITEM),
        CONSISTENT_READ,
        optional("ScanIndexForward", Boolean),
        optional("KeyConditionExpression", TEXT),
        optional("FilterExpression", TEXT),
        PROJECTION_EXPRESSION,
        EXPRESSION_VALUES,
        EXPRESSION_NAMES,
    ],
};

pub(super) static SCAN: Structure = Structure {
    name: "ScanInput",
    members: &[
        SELECT,
        optional("IndexName", NAME),
        optional("TotalSegments", Integer(&[AtLeast(1), AtMost(1_000_000)])),
        CONSUMED,
        TABLE_NAME,
        JOINING_OLDER,
        optional("ScanFilter", Map(&Of(&CONDITION), &[])),
        optional("Segment", Integer(&[AtLeast(0), AtMost(999_999)])),
        optional("Limit", Integer(&[AtLeast(1)])),
        ATTRIBUTES_TO_GET,
        optional("ExclusiveStartKey", ITEM),
        optional("FilterExpression", TEXT),
        PROJECTION_EXPRESSION,
        EXPRESSION_VALUES,
        EXPRESSION_NAMES,
        CONSISTENT_READ,
    ],
};

/// DynamoDB: two attributes at most (conformance suite), which the model does not say.
const KEY_SCHEMA: Shape = List(&Of(&KEY_SCHEMA_ELEMENT), &[LengthAtLeast(1), LengthAtMost(2)]);
/// Up to four attributes in either part.
const LONG_KEY_SCHEMA: Shape = List(&Of(&KEY_SCHEMA_ELEMENT), &[LengthAtLeast(1)]);
const ATTRIBUTE_DEFINITIONS: Shape = List(&Of(&ATTRIBUTE_DEFINITION), &[]);
const BILLING_MODE: Member = optional("BillingMode", String(&[OneOf(BillingMode::NAMES)]));
const THROUGHPUT: Member = optional("ProvisionedThroughput", Of(&PROVISIONED_THROUGHPUT));
const ON_DEMAND: Member = optional("OnDemandThroughput", Of(&ON_DEMAND_THROUGHPUT));
const WARM: Member = optional("WarmThroughput", Of(&WARM_THROUGHPUT));
const STREAM: Member = optional("StreamSpecification", Of(&STREAM_SPECIFICATION));
const SSE: Member = optional("SSESpecification", Of(&SSE_SPECIFICATION));
const TABLE_CLASS: Member = optional("TableClass", TEXT);
const DELETION_PROTECTION: Member = optional("DeletionProtectionEnabled", Boolean);
const REPLICATION_MODE: Member = optional("GlobalTableSettingsReplicationMode", Anything);
const INDEX_NAME: Member = required("IndexName", NAME);
/// What its members must be is said in words of its own; likewise for classes of tables.
const TAGS: Shape = List(&Of(&TAG), &[]);

static KEY_SCHEMA_ELEMENT: Structure = Structure {
    name: "KeySchemaElement",
    members: &[
        required("AttributeName", KEY_ATTRIBUTE),
        required("KeyType", String(&[OneOf(KeyRole::NAMES)])),
    ],
};

static ATTRIBUTE_DEFINITION: Structure = Structure {
    name: "AttributeDefinition",
    members: &[
        required("AttributeName", KEY_ATTRIBUTE),
        required("AttributeType", String(&[OneOf(&["B", "N", "S"])])),
    ],
};

static PROVISIONED_THROUGHPUT: Structure = Structure {
    name: "ProvisionedThroughput",
    members: &[
        required("WriteCapacityUnits", Long(&[AtLeast(1)])),
        required("ReadCapacityUnits", Long(&[AtLeast(1)])),
    ],
};

static ON_DEMAND_THROUGHPUT: Structure = Structure {
    name: "OnDemandThroughput",
    members: &[optional("MaxReadRequestUnits", Long(&[])), optional("MaxWriteRequestUnits", Long(&[]))],
};

static WARM_THROUGHPUT: Structure = Structure {
    name: "WarmThroughput",
    members: &[optional("ReadUnitsPerSecond", Long(&[])), optional("WriteUnitsPerSecond", Long(&[]))],
};

static STREAM_SPECIFICATION: Structure = Structure {
    name: "StreamSpecification",
    members: &[
        required("StreamEnabled", Boolean),
        optional("StreamViewType", String(&[OneOf(StreamViewType::NAMES)])),
    ],
};

static SSE_SPECIFICATION: Structure = Structure {
    name: "SSESpecification",
    members: &[
        optional("Enabled", Boolean),
        optional("SSEType", String(&[OneOf(SseType::NAMES)])),
        optional("KMSMasterKeyId", TEXT),
    ],
};

static PROJECTION: Structure = Structure {
    name: "Projection",
    members: &[
        optional("ProjectionType", String(&[OneOf(ProjectionType::NAMES)])),
        optional("NonKeyAttributes", List(&KEY_ATTRIBUTE, &[LengthAtLeast(1), LengthAtMost(20)])),
    ],
};

static TAG: Structure = Structure { name: "Tag", members: &[optional("Key", TEXT), optional("Value", TEXT)] };

static LOCAL_SECONDARY_INDEX: Structure = Structure {
    name: "LocalSecondaryIndex",
    members: &[INDEX_NAME, required("KeySchema", KEY_SCHEMA), required("Projection", Of(&PROJECTION))],
};

static GLOBAL_SECONDARY_INDEX: Structure = Structure {
    name: "GlobalSecondaryIndex",
    members: &[
        INDEX_NAME,
        required("KeySchema", LONG_KEY_SCHEMA),
        required("Projection", Of(&PROJECTION)),
        THROUGHPUT,
        ON_DEMAND,
        WARM,
    ],
};

/// AttributeDefinitions and KeySchema: optional in the model for the sake of replicas of other accounts'
/// tables, which are not made here.
///
/// DynamoDB: violations of global indexes come before those of local ones, whatever the request's order
/// (conformance suite).
pub(super) static CREATE_TABLE: Structure = Structure {
    name: "CreateTableInput",
    members: &[
        required("AttributeDefinitions", ATTRIBUTE_DEFINITIONS),
        TABLE_NAME,
        BILLING_MODE,
        THROUGHPUT,
        required("KeySchema", KEY_SCHEMA),
        optional("GlobalSecondaryIndexes", List(&Of(&GLOBAL_SECONDARY_INDEX), &[])),
        optional("LocalSecondaryIndexes", List(&Of(&LOCAL_SECONDARY_INDEX), &[])),
        STREAM,
        SSE,
        optional("Tags", TAGS),
        TABLE_CLASS,
        DELETION_PROTECTION,
        WARM,
        optional("ResourcePolicy", TEXT),
        ON_DEMAND,
        optional("GlobalTableSourceArn", Anything),
        REPLICATION_MODE,
        optional("VectorIndexes", Anything),
    ],
};

pub(super) static UPDATE_TABLE: Structure = Structure {
    name: "UpdateTableInput",
    members: &[
        TABLE_NAME,
        THROUGHPUT,
        BILLING_MODE,
        optional("AttributeDefinitions", ATTRIBUTE_DEFINITIONS),
        optional("GlobalSecondaryIndexUpdates", List(&Of(&GLOBAL_SECONDARY_INDEX_UPDATE), &[])),
        STREAM,
        SSE,
        TABLE_CLASS,
        DELETION_PROTECTION,
        WARM,
        ON_DEMAND,
        optional("ReplicaUpdates", Anything),
        optional("MultiRegionConsistency", Anything),
        optional("GlobalTableWitnessUpdates", Anything),
        REPLICATION_MODE,
        optional("DisassociationProtectionEnabled", Anything),
        optional("VectorIndexUpdates", Anything),
    ],
};

static GLOBAL_SECONDARY_INDEX_UPDATE: Structure = Structure {
    name: "GlobalSecondaryIndexUpdate",
    members: &[
        optional(
            "Update",
            Of(&Structure {
                name: "UpdateGlobalSecondaryIndexAction",
                members: &[INDEX_NAME, THROUGHPUT, ON_DEMAND, WARM],
            }),
        ),
        optional(
            "Create",
            Of(&Structure {
                name: "CreateGlobalSecondaryIndexAction",
                members: &[
                    required("Projection", Of(&PROJECTION)),
                    INDEX_NAME,
                    THROUGHPUT,
                    required("KeySchema", LONG_KEY_SCHEMA),
                    ON_DEMAND,
                    WARM,
                ],
            }),
        ),
        optional(
            "Delete",
            Of(&Structure { name: "DeleteGlobalSecondaryIndexAction", members: &[INDEX_NAME] }),
        ),
    ],
};

/// DeleteTable, DescribeTable, DescribeTimeToLive and DescribeContinuousBackups.
pub(super) static TABLE_ALONE: Structure = Structure { name: "TableInput", members: &[TABLE_NAME] };

pub(super) static LIST_TABLES: Structure = Structure {
    name: "ListTablesInput",
    members: &[
        optional("Limit", Integer(&[AtLeast(1), AtMost(100)])),
        optional("ExclusiveStartTableName", NAME),
    ],
};

pub(super) static UPDATE_TIME_TO_LIVE: Structure = Structure {
    name: "UpdateTimeToLiveInput",
    members: &[TABLE_NAME, required("TimeToLiveSpecification", Of(&TIME_TO_LIVE_SPECIFICATION))],
};

static TIME_TO_LIVE_SPECIFICATION: Structure = Structure {
    name: "TimeToLiveSpecification",
    members: &[required("AttributeName", KEY_ATTRIBUTE), required("Enabled", Boolean)],
};

/// The ARN is looked at after the constraints.
const RESOURCE: Member = optional("ResourceArn", TEXT);

pub(super) static TAG_RESOURCE: Structure =
    Structure { name: "TagResourceInput", members: &[RESOURCE, required("Tags", TAGS)] };

pub(super) static UNTAG_RESOURCE: Structure =
    Structure { name: "UntagResourceInput", members: &[RESOURCE, required("TagKeys", List(&TEXT, &[]))] };

pub(super) static LIST_TAGS_OF_RESOURCE: Structure =
    Structure { name: "ListTagsOfResourceInput", members: &[RESOURCE, optional("NextToken", TEXT)] };

/// DescribeLimits and DescribeEndpoints.
pub(super) static NOTHING: Structure = Structure { name: "EmptyInput", members: &[] };
