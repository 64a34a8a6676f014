//! Errors as the protocol has them: a tuple of codes, a message, and a few facts.

use std::borrow::Cow;

use backend::Failure;
use model::{ApiError, ErrorCode, WriteVerdict};

use dax_wire::Writer;

/// What a client that misreads an error could lose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stakes {
    /// Nothing: the call reads.
    Read,
    /// A write, which may have been applied or not.
    Write,
}

/// An error reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    codes: &'static [u8],
    message: String,
    /// DynamoDB's name of the error. Clients tell errors by it that they have no class for.
    name: Option<Cow<'static, str>>,
    status: u16,
    /// Only of cancelled transactions.
    reasons: Option<Vec<Reason>>,
}

/// Why one action of a transaction cancelled it; all absent but the code, `None` in words, where it did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Such as `ConditionalCheckFailed`.
    pub code: Option<String>,
    /// The same in words.
    pub message: Option<String>,
    /// The item that the condition was held against, if the request asks for it: the value blob.
    pub item: Option<Vec<u8>>,
}

/// DAX: a client takes this for a write that may have been applied: JavaScript's and Go's do not send it again, and
/// Java's says so by an exception of its own.
const IN_DOUBT: &[u8] = &[4, 37, 38, 39, 47];
/// A write that was applied, and must not be sent again. DAX: in doubt like the one above, by the other numbers; but
/// Python sends again whatever begins with another one than 3, and 408, 429, 500 and 503 (`is_retryable` in its
/// `DaxError.py`). Only Java sends this one again.
const APPLIED: &[u8] = &[3, 37, 38, 39, 47];
const APPLIED_STATUS: u16 = 502;
/// Nothing happened, and asking again may help. The protocol's tuples for faults of a server all leave a write in
/// doubt, so this is one that clients have no class for: they repeat it for its first number or its status 503, and
/// show its name.
const UNAVAILABLE: &[u8] = &[1, 37, 38, 39, 62];
const DENIED: &[u8] = &[4, 37, 38, 42];
/// Errors of operations that the protocol has not: clients show the name.
const NAMED_ONLY: &[u8] = &[4, 37, 38, 39, 63];

/// The codes of DynamoDB's errors, as long as it is known what came of the call.
fn codes(code: ErrorCode) -> &'static [u8] {
    match code {
        ErrorCode::ProvisionedThroughputExceededException => &[4, 37, 38, 39, 40],
        ErrorCode::ResourceNotFoundException | ErrorCode::TableNotFoundException => &[4, 37, 38, 39, 41],
        ErrorCode::ConditionalCheckFailedException => &[4, 37, 38, 39, 43],
        ErrorCode::ResourceInUseException => &[4, 37, 38, 39, 45],
        ErrorCode::ValidationException | ErrorCode::SerializationException => &[4, 37, 38, 39, 46],
        ErrorCode::InternalServerError => IN_DOUBT,
        ErrorCode::ItemCollectionSizeLimitExceededException => &[4, 37, 38, 39, 48],
        ErrorCode::LimitExceededException => &[4, 37, 38, 39, 49],
        ErrorCode::ThrottlingException => &[4, 37, 38, 39, 50],
        ErrorCode::TransactionConflictException => &[4, 37, 38, 39, 57],
        ErrorCode::TransactionCanceledException => &[4, 37, 38, 39, 58],
        ErrorCode::TransactionInProgressException => &[4, 37, 38, 39, 59],
        ErrorCode::IdempotentParameterMismatchException => &[4, 37, 38, 39, 60],
        ErrorCode::RequestLimitExceeded => &[4, 37, 38, 39, 61],
        ErrorCode::RequestTimeoutException | ErrorCode::ServiceUnavailable => UNAVAILABLE,
        // The origin refuses this node's signature. The codes by which a client signs anew would have it do so in vain.
        ErrorCode::AccessDeniedException
        | ErrorCode::ExpiredTokenException
        | ErrorCode::IncompleteSignatureException
        | ErrorCode::InvalidSignatureException
        | ErrorCode::MissingAuthenticationTokenException
        | ErrorCode::UnrecognizedClientException => DENIED,
        ErrorCode::DuplicateItemException
        | ErrorCode::ExpiredIteratorException
        | ErrorCode::ReplicatedWriteConflictException
        | ErrorCode::TrimmedDataAccessException
        | ErrorCode::UnknownOperationException => NAMED_ONLY,
    }
}

/// The codes for a write. `verdict` overrules the error's own meaning: a client must not take for possible what is
/// certain, nor the reverse.
fn codes_of_write(code: ErrorCode, verdict: WriteVerdict) -> &'static [u8] {
    match (verdict, codes(code)) {
        (WriteVerdict::NotApplied, codes) if codes == IN_DOUBT => UNAVAILABLE,
        (WriteVerdict::NotApplied, codes) => codes,
        // It tells a client to wait for the same transaction, whose token sees to it that it is applied once.
        (WriteVerdict::Unknown, codes) if code == ErrorCode::TransactionInProgressException => codes,
        (WriteVerdict::Unknown, _) => IN_DOUBT,
    }
}

impl Refusal {
    /// An error that the origin, the cache or this door answers with.
    pub fn of_error(error: &ApiError, stakes: Stakes) -> Refusal {
        Refusal::new(error, stakes, error.code.verdict())
    }

    /// The want of an answer.
    pub fn of_failure(failure: &Failure, stakes: Stakes) -> Refusal {
        Refusal::new(&ApiError::from(failure), stakes, failure.verdict())
    }

    /// Why the answer to a write cannot be given that was applied: nobody may take it for one that failed, and whoever
    /// repeats it writes twice.
    pub(crate) fn of_applied(why: &ApiError) -> Refusal {
        let message =
            format!("The origin took the write, but what it answered cannot be given: {}", why.message);
        let name = Some(ErrorCode::InternalServerError.name().into());
        Refusal { codes: APPLIED, message, name, status: APPLIED_STATUS, reasons: None }
    }

    /// An error of which something else than its code tells what came of a write.
    pub(crate) fn new(error: &ApiError, stakes: Stakes, verdict: WriteVerdict) -> Refusal {
        let code = match (stakes, verdict, error.code.verdict()) {
            // The name and the status of an error that denies the write would contradict the codes.
            (Stakes::Write, WriteVerdict::Unknown, WriteVerdict::NotApplied) => {
                ErrorCode::InternalServerError
            }
            _ => error.code,
        };
        let codes = match stakes {
            Stakes::Read => codes(code),
            Stakes::Write => codes_of_write(code, verdict),
        };
        Refusal {
            codes,
            message: error.message.clone(),
            name: Some(Cow::Borrowed(code.name())),
            status: code.status(),
            reasons: None,
        }
    }

    /// The same under the name that the origin has for it.
    #[must_use]
    pub(crate) fn named(self, name: String) -> Refusal {
        Refusal { name: Some(Cow::Owned(name)), ..self }
    }

    /// For a cancelled transaction: a reason for each of its actions, in their order.
    #[must_use]
    pub fn with_reasons(self, reasons: Vec<Reason>) -> Refusal {
        Refusal { reasons: Some(reasons), ..self }
    }

    /// One of the protocol's own errors, which are none of DynamoDB; named after the one of DynamoDB that is nearest, for
    /// clients that show names.
    pub fn of_protocol(
        codes: &'static [u8],
        message: &str,
        nearest: Option<ErrorCode>,
        status: u16,
    ) -> Refusal {
        let name = nearest.map(|nearest| Cow::Borrowed(nearest.name()));
        Refusal { codes, message: message.to_owned(), name, status, reasons: None }
    }

    /// The HTTP status that DynamoDB answers the same error with.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// What it says.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The message of the protocol: three values, the third of which names the request.
    pub fn encode(&self, request_id: &str) -> Vec<u8> {
        let mut out = Writer::new();
        out.array(self.codes.len());
        for code in self.codes {
            out.int((*code).into());
        }
        out.text(&self.message);
        out.array(if self.reasons.is_some() { 4 } else { 3 });
        out.text(request_id);
        write_text(self.name.as_deref(), &mut out);
        out.int(self.status.into());
        if let Some(reasons) = &self.reasons {
            out.array(3 * reasons.len());
            reasons.iter().for_each(|reason| reason.write(&mut out));
        }
        out.into_bytes()
    }
}

impl Reason {
    fn write(&self, out: &mut Writer) {
        write_text(self.code.as_deref(), out);
        write_text(self.message.as_deref(), out);
        match &self.item {
            Some(item) => out.bytes(item),
            None => out.null(),
        }
    }
}

fn write_text(text: Option<&str>, out: &mut Writer) {
    match text {
        Some(text) => out.text(text),
        None => out.null(),
    }
}

#[cfg(test)]
mod tests {
    use backend::FailureKind;
    use dax_wire::testing::hex;

    use super::*;

    const REQUEST_ID: &str = "REQID0001";

    fn error(code: ErrorCode) -> ApiError {
        ApiError::client(code, "example message")
    }

    #[test]
    fn errors_look_as_live_clients_took_them() {
        let check = |code, stakes, expected: &str| {
            assert_eq!(hex(&Refusal::of_error(&error(code), stakes).encode(REQUEST_ID)), expected);
        };
        let captured = [
            (
                ErrorCode::ProvisionedThroughputExceededException,
                "850418251826182718286f6578616d706c65206d6573736167658369524551494430303031782650726f766973696f6e65645468726f75676870757445\
                 78636565646564457863657074696f6e190190",
            ),
            (
                ErrorCode::ResourceNotFoundException,
                "850418251826182718296f6578616d706c65206d657373616765836952455149443030303178195265736f757263654e6f74466f756e644578636570\
                 74696f6e190190",
            ),
            (
                ErrorCode::ConditionalCheckFailedException,
                "8504182518261827182b6f6578616d706c65206d6573736167658369524551494430303031781f436f6e646974696f6e616c436865636b4661696c65\
                 64457863657074696f6e190190",
            ),
            (
                ErrorCode::ValidationException,
                "8504182518261827182e6f6578616d706c65206d65737361676583695245514944303030317356616c69646174696f6e457863657074696f6e190190",
            ),
            (
                ErrorCode::ThrottlingException,
                "850418251826182718326f6578616d706c65206d6573736167658369524551494430303031735468726f74746c696e67457863657074696f6e190190",
            ),
            (
                ErrorCode::AccessDeniedException,
                "840418251826182a6f6578616d706c65206d65737361676583695245514944303030317541636365737344656e696564457863657074696f6e190190",
            ),
        ];
        for (code, expected) in captured {
            check(code, Stakes::Read, expected);
            check(code, Stakes::Write, expected);
        }
        let unauthorized = Refusal::of_protocol(&[4, 23, 31, 33], "example message", None, 401);
        let expected = "840417181f18216f6578616d706c65206d6573736167658369524551494430303031f6190191";
        assert_eq!(hex(&unauthorized.encode(REQUEST_ID)), expected);
    }

    /// The tuples that some client takes for a write in doubt.
    fn leaves_doubt(codes: &[u8]) -> bool {
        let is_internal = codes.len() == 5 && codes[1] == 37 && codes[3..] == [39, 47];
        is_internal || matches!(codes, [1, 37, 38, 53 | 55, ..] | [3, 37, 54, ..])
    }

    #[test]
    fn a_write_that_certainly_failed_leaves_no_doubt_and_one_in_doubt_does() {
        let kinds = [
            (FailureKind::Unreachable, false),
            (FailureKind::NoCredentials, false),
            (FailureKind::Refused, false),
            (FailureKind::Unavailable, false),
            (FailureKind::Overloaded, false),
            (FailureKind::Lost, true),
            (FailureKind::TimedOut, true),
            (FailureKind::Internal, true),
        ];
        for (kind, is_in_doubt) in kinds {
            let refusal = Refusal::of_failure(&Failure::new(kind, "x"), Stakes::Write);
            assert_eq!(leaves_doubt(refusal.codes), is_in_doubt, "{kind:?}: {:?}", refusal.codes);
        }
        let in_doubt = [ErrorCode::InternalServerError, ErrorCode::ServiceUnavailable];
        for code in in_doubt.into_iter().chain([ErrorCode::RequestTimeoutException]) {
            let refusal = Refusal::of_error(&error(code), Stakes::Write);
            assert!(leaves_doubt(refusal.codes), "the origin's {code:?} says nothing of the write");
        }
        for code in [ErrorCode::ConditionalCheckFailedException, ErrorCode::TransactionInProgressException] {
            assert!(!leaves_doubt(Refusal::of_error(&error(code), Stakes::Write).codes), "{code:?}");
        }
        // What is certain overrules the name of the error.
        assert!(!leaves_doubt(codes_of_write(ErrorCode::InternalServerError, WriteVerdict::NotApplied)));
        assert!(!leaves_doubt(UNAVAILABLE));
        assert!(leaves_doubt(APPLIED));
    }

    #[test]
    fn only_reads_that_may_be_asked_again_are_repeated_for_their_first_number() {
        let first = |code| Refusal::of_error(&error(code), Stakes::Read).codes[0];
        assert_eq!(first(ErrorCode::ServiceUnavailable), 1);
        assert_eq!(first(ErrorCode::ValidationException), 4);
    }

    #[test]
    fn a_cancelled_transaction_has_three_values_for_each_of_its_actions() {
        let none = Reason { code: Some("None".into()), message: None, item: None };
        let failed = Reason {
            code: Some("ConditionalCheckFailed".into()),
            message: Some("no".into()),
            item: Some(vec![1]),
        };
        let cancelled = Refusal::of_error(&error(ErrorCode::TransactionCanceledException), Stakes::Write);
        let message = cancelled.with_reasons(vec![none, failed]).encode("R");
        let expected = concat!(
            "8504182518261827183a",
            "6f6578616d706c65206d657373616765",
            "84",
            "6152",
            "781c5472616e73616374696f6e43616e63656c6564457863657074696f6e",
            "190190",
            "86",
            "644e6f6e65f6f6",
            "76436f6e646974696f6e616c436865636b4661696c6564",
            "626e6f",
            "4101",
        );
        assert_eq!(hex(&message), expected);
    }
}
