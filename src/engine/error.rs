//! Why a call was not carried out.

use backend::FailureKind;
use bytes::Bytes;
use expr::{EvalError, ExprError, KeyFault};
use http::{HeaderMap, HeaderValue, StatusCode, header::CONTENT_TYPE};
use model::{ApiError, AttributeValue, ErrorCode, Item, KeyError, KeyType, limits};
use serde::Serialize;
use store::{Refusal, StoreError};

use crate::answer::{add_member, json};

const DUPLICATE_ITEM: &str = "Duplicate primary key exists in table";

/// What went wrong. Whatever it is, nothing was changed, unless the store says that it cannot tell.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EngineError {
    /// The request, or what it met, breaks a rule that an error code and its message say all about.
    #[error(transparent)]
    Refused(#[from] ApiError),
    /// A condition does not hold; with the item that it was held against, if the request asks for it.
    #[error("condition does not hold")]
    ConditionFailed { item: Option<Item> },
    /// An INSERT met an item of its key; with that item, if the request asks for it.
    #[error("there is an item of this key")]
    DuplicateItem { item: Option<Item> },
    /// A transaction failed, by its actions in their order.
    #[error("transaction cancelled")]
    Cancelled(Vec<Reason>),
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A record holds what this version did not write.
    #[error("a stored record cannot be read")]
    CorruptRecord,
    /// The table was changed while the call was on its way to it. Never leaves this room.
    #[error("the table is another one by now")]
    TableChanged,
}

/// Why one action of a transaction failed, or that it did not.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Reason {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) item: Option<Item>,
    pub(crate) code: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<String>,
}

impl EngineError {
    pub(crate) fn validation(message: impl Into<String>) -> EngineError {
        ApiError::client(ErrorCode::ValidationException, message).into()
    }

    /// What is wrong with the expressions of a PutItem, an UpdateItem or a DeleteItem, or with what they had before
    /// there were any.
    ///
    /// DynamoDB: it is counted, as what violates the service model is; what keys and stored items are at odds with is
    /// not (parity suite of DynamoDB, `captures/cross-region-latest.json` of 2026-09-20 and `deleteItem.test.ts`,
    /// captured on 2026-10-09).
    pub(crate) fn of_write(error: impl Into<EngineError>) -> EngineError {
        match error.into() {
            EngineError::Refused(ApiError { code: ErrorCode::ValidationException, message, .. }) => {
                EngineError::validation(format!("1 validation error detected: {message}"))
            }
            other => other,
        }
    }

    /// DynamoDB: the same words for all data operations; table operations name the table.
    pub(crate) fn no_such_table() -> EngineError {
        ApiError::client(ErrorCode::ResourceNotFoundException, "Requested resource not found").into()
    }

    pub(crate) fn no_such_table_called(name: &str) -> EngineError {
        let message = format!("Requested resource not found: Table: {name} not found");
        ApiError::client(ErrorCode::ResourceNotFoundException, message).into()
    }

    /// DynamoDB: developer guide, "Error handling with DynamoDB".
    pub(crate) fn collection_too_large() -> EngineError {
        let message = "Collection size exceeded.";
        ApiError::client(ErrorCode::ItemCollectionSizeLimitExceededException, message).into()
    }

    /// What kind of failure it is when there is no answer.
    pub(crate) fn failure_kind(&self) -> FailureKind {
        match self {
            EngineError::Store(StoreError::NotApplied(Refusal::Panicked(_))) => FailureKind::Internal,
            EngineError::Store(StoreError::NotApplied(_)) => FailureKind::Unavailable,
            _ => FailureKind::Internal,
        }
    }

    /// The answer that says so, if it is the client's business.
    pub(crate) fn answer(&self) -> Option<(StatusCode, HeaderMap, Bytes)> {
        let (error, more) = match self {
            EngineError::Refused(error) => (error.clone(), None),
            EngineError::ConditionFailed { item } => {
                let error = ApiError::client(
                    ErrorCode::ConditionalCheckFailedException,
                    "The conditional request failed",
                );
                let item = item.as_ref().map(|item| ("Item", json(item)));
                (error, item)
            }
            EngineError::DuplicateItem { item } => {
                let error = ApiError::client(ErrorCode::DuplicateItemException, DUPLICATE_ITEM);
                let item = item.as_ref().map(|item| ("Item", json(item)));
                (error, item)
            }
            EngineError::Cancelled(reasons) => {
                let codes: Vec<&str> = reasons.iter().map(|reason| reason.code).collect();
                let message = format!(
                    "Transaction cancelled, please refer cancellation reasons for specific reasons [{}]",
                    codes.join(", ")
                );
                let error = ApiError::client(ErrorCode::TransactionCanceledException, message);
                (error, Some(("CancellationReasons", json(reasons))))
            }
            EngineError::Store(_) | EngineError::CorruptRecord | EngineError::TableChanged => return None,
        };
        let mut body = error.to_json();
        if let Some((member, value)) = more {
            add_member(&mut body, member, |out| {
                out.extend(value);
                Ok(())
            })
            .expect("memory takes every write");
        }
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
        let status = StatusCode::from_u16(error.code.status()).expect("the table has real statuses");
        Some((status, headers, Bytes::from(body)))
    }

    /// What an action of a transaction is said to have failed of; `None` if that is not its own fault.
    ///
    /// DynamoDB: API reference, TransactWriteItems, has the codes.
    pub(crate) fn reason(&self) -> Option<Reason> {
        match self {
            EngineError::ConditionFailed { item } => Some(Reason {
                item: item.clone(),
                code: "ConditionalCheckFailed",
                message: Some("The conditional request failed".to_owned()),
            }),
            EngineError::DuplicateItem { item } => Some(Reason {
                item: item.clone(),
                code: "DuplicateItem",
                message: Some(DUPLICATE_ITEM.to_owned()),
            }),
            EngineError::Refused(error) => {
                let code = match error.code {
                    ErrorCode::ValidationException => "ValidationError",
                    ErrorCode::ItemCollectionSizeLimitExceededException => "ItemCollectionSizeLimitExceeded",
                    _ => return None,
                };
                Some(Reason { item: None, code, message: Some(error.message.clone()) })
            }
            _ => None,
        }
    }
}

impl Reason {
    pub(crate) fn none() -> Reason {
        Reason { item: None, code: "None", message: None }
    }
}

impl From<ExprError> for EngineError {
    fn from(error: ExprError) -> EngineError {
        EngineError::validation(error.to_string())
    }
}

impl From<KeyFault> for EngineError {
    fn from(fault: KeyFault) -> EngineError {
        EngineError::validation(fault.to_string())
    }
}

impl From<EvalError> for EngineError {
    fn from(error: EvalError) -> EngineError {
        EngineError::validation(error.to_string())
    }
}

/// What is wrong with the key of a whole item.
///
/// DynamoDB: dynalite's tests, but for empty values, which have other words since they may be elsewhere.
pub(crate) fn item_key_fault(error: KeyError) -> EngineError {
    EngineError::validation(match error {
        KeyError::Missing { name } => {
            format!("One or more parameter values were invalid: Missing the key {name} in the item")
        }
        KeyError::WrongType { name, expected, found } => format!(
            "One or more parameter values were invalid: Type mismatch for key {name} expected: {expected:?} actual: {found}"
        ),
        other => key_value_fault(other),
    })
}

/// What is wrong with a key that a request names.
pub(crate) fn key_fault(error: KeyError) -> EngineError {
    EngineError::validation(key_fault_words(error))
}

/// The same, as part of a longer message.
pub(crate) fn key_fault_words(error: KeyError) -> String {
    match error {
        KeyError::Missing { .. } | KeyError::WrongType { .. } | KeyError::OtherAttributes { .. } => {
            "The provided key element does not match the schema".to_owned()
        }
        other => key_value_fault(other),
    }
}

fn key_value_fault(error: KeyError) -> String {
    match error {
        KeyError::Empty { name, key_type } => format!(
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain \
             an empty {} value. Key: {name}",
            empty_kind(key_type)
        ),
        KeyError::TooLong { max: max @ limits::PARTITION_KEY_BYTES_MAX, .. } => format!(
            "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit \
             of{max} bytes"
        ),
        KeyError::TooLong { max, .. } => format!(
            "One or more parameter values were invalid: Aggregated size of all range keys has exceeded the size \
             limit of {max} bytes"
        ),
        other => other.to_string(),
    }
}

pub(crate) fn empty_kind(key_type: KeyType) -> &'static str {
    match key_type {
        KeyType::B => "binary",
        KeyType::S | KeyType::N => "string",
    }
}

/// Whether a key attribute holds nothing, which no key may.
pub(crate) fn is_empty_value(value: &AttributeValue) -> bool {
    match value {
        AttributeValue::S(text) => text.is_empty(),
        AttributeValue::B(bytes) => bytes.is_empty(),
        _ => false,
    }
}
