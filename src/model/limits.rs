//! The limits that DynamoDB documents ("Quotas in Amazon DynamoDB" in the developer guide, unless noted).

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// Largest body of a request; BatchWriteItem and the transactions document it, the service applies it to all.
pub const REQUEST_BODY_BYTES_MAX: usize = 16 * MIB;
/// Largest answer of BatchGetItem (API reference, BatchGetItem): what does not fit is left unprocessed.
pub const RESPONSE_BYTES_MAX: usize = 16 * MIB;
/// A page of Query or Scan ends when this much was read.
pub const PAGE_BYTES_MAX: usize = MIB;
/// Largest item, names and values together; see `Item::size`.
pub const ITEM_BYTES_MAX: usize = 400 * KIB;
/// Keys in one BatchGetItem.
pub const BATCH_GET_KEYS_MAX: usize = 100;
/// Puts and deletes in one BatchWriteItem.
pub const BATCH_WRITE_REQUESTS_MAX: usize = 25;
/// Actions in one TransactGetItems or TransactWriteItems.
pub const TRANSACT_ACTIONS_MAX: usize = 100;
/// Statements in one BatchExecuteStatement.
pub const BATCH_STATEMENTS_MAX: usize = 25;
/// Length of a PartiQL statement, in characters (service model, PartiQLStatement).
pub const STATEMENT_LENGTH_MAX: usize = 8192;
/// The items of one transaction together.
pub const TRANSACT_BYTES_MAX: usize = 4 * MIB;
/// Length of one expression.
pub const EXPRESSION_BYTES_MAX: usize = 4 * KIB;
/// Levels of lists and maps inside each other, in an item and in a document path.
pub const NESTING_LEVELS_MAX: usize = 32;
pub const PARTITION_KEY_BYTES_MAX: usize = 2048;
pub const SORT_KEY_BYTES_MAX: usize = 1024;
/// Length of a table's or index's name.
pub const NAME_BYTES: std::ops::RangeInclusive<usize> = 3..=255;
/// Length of what names a table, be it its name or its ARN (service model, TableArn).
pub const TABLE_ARN_BYTES_MAX: usize = 1024;
/// Length of the name of an attribute ("Naming rules"; the service says "less than 65536 bytes").
pub const ATTRIBUTE_NAME_BYTES_MAX: usize = 65535;
pub const LOCAL_INDEXES_MAX: usize = 5;
/// By default; it can be raised.
pub const GLOBAL_INDEXES_MAX: usize = 20;
/// Attributes that all indexes of a table together may project by name.
pub const PROJECTED_ATTRIBUTES_MAX: usize = 100;
/// Attributes in either part of a global secondary index's key (multi-attribute keys, November 2025).
pub const INDEX_KEY_ATTRIBUTES_MAX: usize = 4;
/// What a table with local indexes may hold under one partition key, those indexes included.
pub const ITEM_COLLECTION_BYTES_MAX: u64 = 10 << 30;
/// What a table or index may be provisioned with, before any quota of an account.
pub const CAPACITY_UNITS_MAX: u64 = 1_000_000_000_000;
/// Significant digits of a number.
pub const NUMBER_DIGITS_MAX: usize = 38;
/// Power of ten of a number's leading digit: positive numbers reach from 1E-130 to 9.99…E+125.
pub const NUMBER_MAGNITUDE_MIN: i64 = -130;
pub const NUMBER_MAGNITUDE_MAX: i64 = 125;
