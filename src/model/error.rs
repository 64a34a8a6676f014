//! THE table of DynamoDB's error codes, and the error that every room's own errors become at a door.

use serde::Serializer;

use self::Retry::{Never, Safe};
use self::WriteVerdict::{NotApplied, Unknown};

/// May a client send the same request again?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    Never,
    Safe,
}

/// What an error code says about the write that it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteVerdict {
    /// Refused: nothing changed.
    NotApplied,
    /// It may have been applied, or may yet be.
    Unknown,
}

/// Whose fault it was: decides how loudly it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Client,
    Upstream,
    Ours,
}

macro_rules! error_codes {
    ($($name:ident, $namespace:expr, $status:literal, $retry:expr, $verdict:expr;)*) => {
        /// Named after the shapes in the API reference; what each is lives in the table below.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($name),* }

        const ROWS: &[Row] = &[$(Row {
            code: ErrorCode::$name,
            name: stringify!($name),
            namespace: $namespace,
            status: $status,
            retry: $retry,
            verdict: $verdict,
        }),*];
    };
}

struct Row {
    code: ErrorCode,
    name: &'static str,
    namespace: &'static str,
    status: u16,
    retry: Retry,
    verdict: WriteVerdict,
}

const DYNAMODB: &str = "com.amazonaws.dynamodb.v20120810";
const CORAL: &str = "com.amazon.coral.service";
const CORAL_VALIDATE: &str = "com.amazon.coral.validate";
const CORAL_AVAILABILITY: &str = "com.amazon.coral.availability";

// DynamoDB: status and retry as in the developer guide, "Error handling with DynamoDB".
error_codes! {
    AccessDeniedException,                    CORAL,              400, Never, NotApplied;
    ConditionalCheckFailedException,          DYNAMODB,           400, Never, NotApplied;
    DuplicateItemException,                   DYNAMODB,           400, Never, NotApplied;
    ExpiredIteratorException,                 DYNAMODB,           400, Never, NotApplied;
    ExpiredTokenException,                    CORAL,              400, Never, NotApplied;
    IdempotentParameterMismatchException,     DYNAMODB,           400, Never, NotApplied;
    IncompleteSignatureException,             CORAL,              400, Never, NotApplied;
    InternalServerError,                      DYNAMODB,           500, Safe,  Unknown;
    InvalidSignatureException,                CORAL,              400, Never, NotApplied;
    ItemCollectionSizeLimitExceededException, DYNAMODB,           400, Safe,  NotApplied;
    LimitExceededException,                   DYNAMODB,           400, Safe,  NotApplied;
    MissingAuthenticationTokenException,      CORAL,              400, Never, NotApplied;
    ProvisionedThroughputExceededException,   DYNAMODB,           400, Safe,  NotApplied;
    ReplicatedWriteConflictException,         DYNAMODB,           400, Safe,  Unknown;
    RequestLimitExceeded,                     DYNAMODB,           400, Safe,  NotApplied;
    RequestTimeoutException,                  CORAL,              408, Safe,  Unknown;
    ResourceInUseException,                   DYNAMODB,           400, Never, NotApplied;
    ResourceNotFoundException,                DYNAMODB,           400, Never, NotApplied;
    SerializationException,                   CORAL,              400, Never, NotApplied;
    ServiceUnavailable,                       DYNAMODB,           503, Safe,  Unknown;
    TableNotFoundException,                   DYNAMODB,           400, Never, NotApplied;
    ThrottlingException,                      CORAL_AVAILABILITY, 400, Safe,  NotApplied;
    TransactionCanceledException,             DYNAMODB,           400, Never, NotApplied;
    TransactionConflictException,             DYNAMODB,           400, Safe,  NotApplied;
    TransactionInProgressException,           DYNAMODB,           400, Safe,  Unknown;
    TrimmedDataAccessException,               DYNAMODB,           400, Never, NotApplied;
    UnknownOperationException,                CORAL,              400, Never, NotApplied;
    UnrecognizedClientException,              CORAL,              400, Safe,  NotApplied;
    ValidationException,                      CORAL_VALIDATE,     400, Never, NotApplied;
}

impl ErrorCode {
    /// From a `__type`, with or without its namespace, which SDKs do not look at either.
    pub fn from_type(text: &str) -> Option<ErrorCode> {
        let name = text.rsplit_once('#').map_or(text, |(_namespace, name)| name);
        ROWS.iter().find(|row| row.name == name).map(|row| row.code)
    }

    /// From the body of an error; `None` if it is in no form that we know.
    pub fn in_body(body: &[u8]) -> Option<ErrorCode> {
        #[derive(serde::Deserialize)]
        struct Error<'a> {
            #[serde(rename = "__type", borrow)]
            code: std::borrow::Cow<'a, str>,
        }
        serde_json::from_slice::<Error<'_>>(body).ok().and_then(|error| ErrorCode::from_type(&error.code))
    }

    /// Whether it says that callers ask too much, and nothing of the service's health.
    pub fn is_throttling(self) -> bool {
        matches!(
            self,
            ErrorCode::ProvisionedThroughputExceededException
                | ErrorCode::RequestLimitExceeded
                | ErrorCode::ThrottlingException
        )
    }

    pub fn name(self) -> &'static str {
        self.row().name
    }

    pub fn status(self) -> u16 {
        self.row().status
    }

    pub fn retry(self) -> Retry {
        self.row().retry
    }

    pub fn verdict(self) -> WriteVerdict {
        self.row().verdict
    }

    /// The `__type` as the service sends it.
    pub fn full_type(self) -> String {
        let row = self.row();
        format!("{}#{}", row.namespace, row.name)
    }

    fn row(self) -> &'static Row {
        // The macro wrote variants and rows in one order.
        &ROWS[self as usize]
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}: {message}", code.name())]
pub struct ApiError {
    pub code: ErrorCode,
    pub message: String,
    pub side: Side,
}

impl ApiError {
    pub fn client(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), side: Side::Client }
    }

    pub fn upstream(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), side: Side::Upstream }
    }

    pub fn ours(code: ErrorCode, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), side: Side::Ours }
    }

    /// The request breaks a rule that needs no look at any data.
    pub fn validation(message: impl Into<String>) -> ApiError {
        ApiError::client(ErrorCode::ValidationException, message)
    }

    /// The request is not of the form that its operation has.
    pub fn serialization(message: impl Into<String>) -> ApiError {
        ApiError::client(ErrorCode::SerializationException, message)
    }

    /// The body of the answer.
    ///
    /// DynamoDB: an error without a message has no such member either (dynalite's tests of bodies that are
    /// no JSON).
    pub fn to_json(&self) -> Vec<u8> {
        let code = self.code.full_type();
        let message = (!self.message.is_empty()).then(|| (message_member(self.code), &self.message));
        let members = std::iter::once(("__type", &code)).chain(message);
        let mut body = Vec::new();
        serde_json::Serializer::new(&mut body).collect_map(members).expect("strings are always JSON");
        body
    }
}

/// DynamoDB: these two come with `Message`, all others with `message` (seen by dynalite's authors).
/// SDKs read either.
fn message_member(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::SerializationException | ErrorCode::AccessDeniedException => "Message",
        _ => "message",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_with_and_without_its_namespace() {
        for row in ROWS {
            assert_eq!(ErrorCode::from_type(row.name), Some(row.code));
            assert_eq!(ErrorCode::from_type(&row.code.full_type()), Some(row.code));
            assert_eq!(row.code.name(), row.name);
        }
        for unknown in ["", "#", "validationexception", "ValidationException#", "com.amazonaws#Nonsense"] {
            assert_eq!(ErrorCode::from_type(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn the_code_is_read_from_a_body() {
        let throttled = ApiError::client(ErrorCode::ThrottlingException, "slow down").to_json();
        let cases: [(&[u8], Option<ErrorCode>); 5] = [
            (&throttled, Some(ErrorCode::ThrottlingException)),
            (
                br#"{"message":"m","__type":"ResourceNotFoundException"}"#,
                Some(ErrorCode::ResourceNotFoundException),
            ),
            (br#"{"message":"ThrottlingException"}"#, None),
            (b"<html>", None),
            (b"", None),
        ];
        for (body, expected) in cases {
            assert_eq!(ErrorCode::in_body(body), expected, "{}", String::from_utf8_lossy(body));
        }
        let throttling: Vec<_> = ROWS.iter().filter(|row| row.code.is_throttling()).collect();
        assert_eq!(throttling.len(), 3);
        // DynamoDB: what is throttled was not applied.
        assert!(throttling.iter().all(|row| row.verdict == NotApplied && row.retry == Safe));
    }

    #[test]
    fn a_server_error_or_a_transaction_under_way_leaves_a_write_in_doubt() {
        let in_doubt: Vec<_> = ROWS.iter().filter(|row| row.verdict == Unknown).map(|row| row.name).collect();
        assert_eq!(
            in_doubt,
            [
                "InternalServerError",
                "ReplicatedWriteConflictException",
                "RequestTimeoutException",
                "ServiceUnavailable",
                "TransactionInProgressException",
            ]
        );
        assert!(ROWS.iter().all(|row| row.status == 400 || row.verdict == Unknown));
    }

    #[test]
    fn bodies_look_like_the_service_s() {
        let cases = [
            (
                ApiError::client(ErrorCode::ValidationException, "say \"please\""),
                r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"say \"please\""}"#,
            ),
            (
                ApiError::client(ErrorCode::SerializationException, "no"),
                r#"{"__type":"com.amazon.coral.service#SerializationException","Message":"no"}"#,
            ),
            (ApiError::serialization(""), r#"{"__type":"com.amazon.coral.service#SerializationException"}"#),
        ];
        for (error, expected) in cases {
            assert_eq!(String::from_utf8(error.to_json()).unwrap(), expected);
        }
    }
}
