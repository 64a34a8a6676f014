//! The vocabulary of DynamoDB as plain values: numbers, items, names, keys, error codes, and their JSON.
//!
//! Knows no I/O, no cache and no operation's rules. Start with `value.rs`; `json/` reads and writes it
//! strictly, `key.rs` turns the key attributes of an item into one canonical byte string.

mod error;
mod key;
mod name;
mod number;
mod operation;
mod table;
mod value;

pub mod call;
pub mod capacity;
pub mod json;
pub mod limits;

pub use error::{ApiError, ErrorCode, Retry, Side, WriteVerdict};
pub use json::UniqueMap;
pub use key::{KeyAttribute, KeyError, KeySchema, KeyType, PrimaryKey, encode_component, encode_prefix};
pub use name::{IndexName, NameError, StreamRef, TableName, TableRef, table_name_in_arn};
pub use number::{Number, NumberError};
pub use operation::{Api, CachedAs, Effect, OPERATIONS, Operation, Target};
pub use table::{IndexDefinition, IndexScope, TableDefinition};
pub use value::{AttributeValue, Item};
