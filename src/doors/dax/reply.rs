//! What the door is told to answer, and by whom.

use backend::Outcome;
use base::Instant;
use bytes::Bytes;
use dax_wire::Writer;

use crate::{error::Refusal, methods::Method};

/// One request.
#[derive(Debug, Clone, Copy)]
pub struct Asked<'a> {
    /// What is asked for: a key schema, or an operation.
    pub method: Method,
    /// As many values in CBOR as the method has arguments, one behind the other, and nothing else.
    pub arguments: &'a [u8],
    /// Under which the request is answered and logged.
    pub request_id: &'a str,
    /// When the client will not wait any longer.
    pub deadline: Instant,
}

/// The reply to a request.
#[derive(Debug)]
pub struct Reply {
    /// The whole message: the byte `80` and the result, or the three values of an error.
    pub(crate) message: Bytes,
    /// The HTTP status that the same answer has.
    pub(crate) status: u16,
    /// What the cache did, if it was asked.
    pub(crate) outcome: Option<Outcome>,
}

impl Reply {
    /// An answer: a message that begins with the byte `80`.
    pub fn answer(message: impl Into<Bytes>, outcome: Outcome) -> Reply {
        Reply { outcome: Some(outcome), ..Reply::own(message) }
    }

    /// An answer of the door's own, which asked nobody.
    pub fn own(message: impl Into<Bytes>) -> Reply {
        let message = message.into();
        debug_assert_eq!(message.first(), Some(&NO_CODES), "an answer has no codes");
        Reply { message, status: 200, outcome: None }
    }

    /// An error; `outcome` is what the cache did, if it was asked.
    pub fn refusal(refusal: &Refusal, request_id: &str, outcome: Option<Outcome>) -> Reply {
        Reply { message: refusal.encode(request_id).into(), status: refusal.status(), outcome }
    }
}

/// An empty array: what a message begins with that is no error.
pub(crate) const NO_CODES: u8 = 0x80;

/// The beginning of an answer's message: no codes of an error. There is memory for a result of so many bytes.
pub(crate) fn begin(result_bytes: usize) -> Writer {
    let mut out = Writer::with_room(1 + result_bytes);
    out.array(0);
    out
}

/// What stands behind the door.
pub trait Answers: Send + Sync + 'static {
    /// Answers a request for a key schema or an operation on data.
    fn answer(&self, asked: Asked<'_>) -> impl Future<Output = Reply> + Send;
}
