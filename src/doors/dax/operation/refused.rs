//! Why a request has no result.

use backend::{Failure, Outcome};
use model::{ApiError, ErrorCode, Item, WriteVerdict};
use serde::Deserialize;

use crate::{
    error::{Reason, Refusal, Stakes},
    metadata,
};
use dax_wire::Malformed;

/// Why a request has no result.
#[derive(Debug, Clone)]
pub(super) enum Refused {
    /// It is wrong or cannot be asked for: whatever the error says, nothing was sent.
    Invalid(ApiError),
    /// The stack answered an error.
    Error(Box<ErrorAnswer>),
    /// There is no answer.
    Failure(Failure),
    /// There is an answer, a success, and it cannot be given.
    Unanswerable(Unanswerable),
    /// A cancelled transaction, with a reason for each of its actions.
    Cancelled(Box<ErrorAnswer>, Vec<Reason>),
}

/// Why what the stack answered cannot be given: whatever makes an answer of a success fails with this, and with nothing
/// else where the success is that of a write, since what was written then is written.
#[derive(Debug, Clone)]
pub(super) struct Unanswerable(ApiError);

/// An error as the stack answered it.
#[derive(Debug, Clone)]
pub(super) struct ErrorAnswer {
    pub(super) error: ApiError,
    /// The origin's name of the error, which may be none that is known here.
    name: Option<String>,
    /// What it says of a write.
    verdict: WriteVerdict,
    pub(super) reasons: Vec<CancellationReason>,
    pub(super) outcome: Outcome,
}

/// Why one action cancelled its transaction.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct CancellationReason {
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
    pub(super) item: Option<Item>,
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "__type")]
    code: String,
    #[serde(default, alias = "Message")]
    message: String,
    #[serde(default, rename = "CancellationReasons")]
    reasons: Vec<CancellationReason>,
}

impl Refused {
    /// From an answer that is no success.
    pub(super) fn of_origin(reply: &backend::Reply) -> Refused {
        let status = reply.status();
        let (name, message, reasons) = match serde_json::from_slice::<Body>(reply.body()) {
            Ok(Body { code, message, reasons }) => {
                let name = code.rsplit_once('#').map_or(&*code, |(_namespace, name)| name);
                (Some(name.to_owned()).filter(|name| !name.is_empty()), message, reasons)
            }
            Err(_) => (None, format!("the origin answered {status}"), Vec::new()),
        };
        let code = name.as_deref().and_then(ErrorCode::from_type);
        let code = code.unwrap_or(match status.as_u16() {
            503 => ErrorCode::ServiceUnavailable,
            500.. => ErrorCode::InternalServerError,
            _ => ErrorCode::ValidationException,
        });
        let error = ApiError::upstream(code, message);
        let verdict = reply.verdict();
        Refused::Error(Box::new(ErrorAnswer { error, name, verdict, reasons, outcome: reply.outcome }))
    }

    /// Whether the origin says that a table is not there.
    pub(super) fn is_of_no_table(&self) -> bool {
        matches!(self, Refused::Error(answer) if answer.error.code == ErrorCode::ResourceNotFoundException)
    }

    /// Whether it may come of a key that the table has no more.
    pub(super) fn may_be_of_other_keys(&self) -> bool {
        let Refused::Error(answer) = self else { return false };
        // DynamoDB: what is wrong with an action of a transaction is among the reasons that cancelled it.
        let is_wrong = |reason: &CancellationReason| reason.code.as_deref() == Some("ValidationError");
        answer.error.code == ErrorCode::ValidationException || answer.reasons.iter().any(is_wrong)
    }

    /// Why nothing was sent, if this came of what is asked for first.
    pub(super) fn before_asking(self) -> Refused {
        match self {
            Refused::Error(answer) => {
                Refused::Error(Box::new(ErrorAnswer { verdict: WriteVerdict::NotApplied, ..*answer }))
            }
            Refused::Failure(failure) => Refused::Invalid(ApiError::from(&failure)),
            other => other,
        }
    }

    pub(super) fn refusal(self, stakes: Stakes) -> (Refusal, Option<Outcome>) {
        match self {
            Refused::Invalid(error) => (Refusal::new(&error, stakes, WriteVerdict::NotApplied), None),
            Refused::Error(answer) => answer.refusal(stakes),
            Refused::Failure(failure) => (Refusal::of_failure(&failure, stakes), None),
            Refused::Unanswerable(Unanswerable(why)) => match stakes {
                Stakes::Read => (Refusal::of_error(&why, stakes), None),
                Stakes::Write => (Refusal::of_applied(&why), None),
            },
            Refused::Cancelled(answer, reasons) => {
                let (refusal, outcome) = answer.refusal(stakes);
                (refusal.with_reasons(reasons), outcome)
            }
        }
    }
}

impl ErrorAnswer {
    fn refusal(self, stakes: Stakes) -> (Refusal, Option<Outcome>) {
        let refusal = Refusal::new(&self.error, stakes, self.verdict);
        let refusal = match self.name {
            Some(name) => refusal.named(name),
            None => refusal,
        };
        (refusal, Some(self.outcome))
    }
}

impl From<Malformed> for Refused {
    fn from(why: Malformed) -> Refused {
        Refused::Invalid(metadata::malformed(why))
    }
}

impl From<minicbor::decode::Error> for Refused {
    fn from(error: minicbor::decode::Error) -> Refused {
        Malformed::from(error).into()
    }
}

impl From<ApiError> for Refused {
    fn from(error: ApiError) -> Refused {
        Refused::Invalid(error)
    }
}

impl From<Unanswerable> for Refused {
    fn from(why: Unanswerable) -> Refused {
        Refused::Unanswerable(why)
    }
}

impl From<ApiError> for Unanswerable {
    fn from(error: ApiError) -> Unanswerable {
        Unanswerable(error)
    }
}
