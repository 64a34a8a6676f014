//! Why there is no answer of the origin's to pass on.

use model::{ApiError, ErrorCode, WriteVerdict};

/// A call that got no answer from the origin.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{kind}: {detail}")]
pub struct Failure {
    /// What went wrong.
    pub kind: FailureKind,
    /// For the log, never for the client.
    pub detail: String,
}

/// What went wrong, and with it whether a write may have been applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FailureKind {
    /// No connection could be made: nothing was sent.
    #[error("origin unreachable")]
    Unreachable,
    /// The request could not be signed: nothing was sent.
    #[error("no credentials")]
    NoCredentials,
    /// This node refuses to pass it on.
    #[error("refused")]
    Refused,
    /// The origin cannot take it now, and said so before it did anything.
    #[error("unavailable")]
    Unavailable,
    /// This node has too much under way.
    #[error("overloaded")]
    Overloaded,
    /// The connection broke before the answer was whole.
    #[error("connection lost")]
    Lost,
    /// No answer in time.
    #[error("timed out")]
    TimedOut,
    /// A fault of this node's own.
    #[error("internal")]
    Internal,
}

impl Failure {
    /// A failure with words for the log.
    pub fn new(kind: FailureKind, detail: impl Into<String>) -> Failure {
        Failure { kind, detail: detail.into() }
    }

    /// The caller's deadline passed.
    pub fn deadline() -> Failure {
        Failure::new(FailureKind::TimedOut, "the call's deadline passed")
    }

    /// Whether a write may have been applied, or may yet be.
    pub fn verdict(&self) -> WriteVerdict {
        match self.kind {
            FailureKind::Unreachable
            | FailureKind::NoCredentials
            | FailureKind::Refused
            | FailureKind::Unavailable
            | FailureKind::Overloaded => WriteVerdict::NotApplied,
            FailureKind::Lost | FailureKind::TimedOut | FailureKind::Internal => WriteVerdict::Unknown,
        }
    }
}

impl From<&Failure> for ApiError {
    /// What the client sees: an error that its SDK retries, unless asking again is no use.
    fn from(failure: &Failure) -> ApiError {
        match failure.kind {
            FailureKind::Unreachable => {
                ApiError::upstream(ErrorCode::ServiceUnavailable, "The origin cannot be reached.")
            }
            FailureKind::NoCredentials => ApiError::ours(
                ErrorCode::ServiceUnavailable,
                "This node has no credentials with which to sign requests to the origin.",
            ),
            FailureKind::Refused => ApiError::client(ErrorCode::AccessDeniedException, &failure.detail),
            FailureKind::Unavailable => {
                ApiError::ours(ErrorCode::ServiceUnavailable, "The storage of this node cannot take it now.")
            }
            FailureKind::Overloaded => {
                ApiError::ours(ErrorCode::ServiceUnavailable, "This node has too many requests under way.")
            }
            FailureKind::Lost => ApiError::upstream(
                ErrorCode::InternalServerError,
                "The connection to the origin was lost before it answered.",
            ),
            FailureKind::TimedOut => {
                ApiError::upstream(ErrorCode::InternalServerError, "The origin did not answer in time.")
            }
            FailureKind::Internal => {
                ApiError::ours(ErrorCode::InternalServerError, "Internal error of this node.")
            }
        }
    }
}
