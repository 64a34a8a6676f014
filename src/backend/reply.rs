//! What comes back up.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use model::{ErrorCode, WriteVerdict};

use crate::Outcome;

/// An answer to pass to the client.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The answer itself.
    pub answer: Answer,
    /// How it came about.
    pub outcome: Outcome,
}

/// Whose words an answer is in.
#[derive(Debug, Clone)]
pub enum Answer {
    /// The origin's own bytes, errors included.
    Origin(OriginAnswer),
    /// A success that this node composed or kept.
    Document(Document),
    /// A success that consists of kept ones.
    Batch(Batch),
}

/// An answer as the origin gave it.
#[derive(Debug, Clone)]
pub struct OriginAnswer {
    /// The HTTP status.
    pub status: StatusCode,
    /// The end-to-end headers, request id and checksum among them.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// A JSON 1.0 body with its ready-made checksum. Clones are one document.
#[derive(Debug, Clone)]
pub struct Document {
    /// The JSON.
    pub body: Bytes,
    /// The value of `x-amz-crc32`.
    pub crc32: u32,
    /// The same in the form of another door, once it was asked for there; only of a document that is kept.
    form: Option<Arc<OnceLock<Bytes>>>,
}

/// The answer to a `BatchGetItem` all of whose items are kept, and of which nothing else is said. It is put together only
/// for who wants it as JSON. Clones are one.
#[derive(Debug, Clone)]
pub struct Batch(Arc<Whole>);

#[derive(Debug)]
struct Whole {
    tables: Vec<OfTable>,
    compose: fn(&[OfTable]) -> Document,
    document: OnceLock<Document>,
}

/// A table's name, and the answers for its keys, in their order.
pub type OfTable = (String, Vec<Document>);

impl Reply {
    /// The origin's answer.
    pub fn origin(answer: OriginAnswer, outcome: Outcome) -> Reply {
        Reply { answer: Answer::Origin(answer), outcome }
    }

    /// A body of ours.
    pub fn document(document: Document, outcome: Outcome) -> Reply {
        Reply { answer: Answer::Document(document), outcome }
    }

    /// The same answer, come about in another way.
    #[must_use]
    pub fn with(self, outcome: Outcome) -> Reply {
        Reply { outcome, ..self }
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        match &self.answer {
            Answer::Origin(origin) => origin.status,
            Answer::Document(_) | Answer::Batch(_) => StatusCode::OK,
        }
    }

    /// The body.
    pub fn body(&self) -> &Bytes {
        self.answer.body()
    }

    /// The body of a successful answer.
    pub fn success(&self) -> Option<&Bytes> {
        self.is_success().then(|| self.body())
    }

    /// Whether it is a successful answer.
    pub fn is_success(&self) -> bool {
        self.status() == StatusCode::OK
    }

    /// What an answer that is no success says of a write: only an error that is known, with the status of its kind, says
    /// that nothing was done. Anything else may come of something between here and the origin, which passed the write on
    /// before it gave up.
    pub fn verdict(&self) -> WriteVerdict {
        let code = self.status().is_client_error().then(|| ErrorCode::in_body(self.body())).flatten();
        code.map_or(WriteVerdict::Unknown, ErrorCode::verdict)
    }
}

impl Answer {
    /// The body.
    pub fn body(&self) -> &Bytes {
        match self {
            Answer::Origin(origin) => &origin.body,
            Answer::Document(document) => &document.body,
            Answer::Batch(batch) => &batch.document().body,
        }
    }
}

impl Batch {
    /// Of these answers, from which `compose` makes the whole.
    pub fn new(tables: Vec<OfTable>, compose: fn(&[OfTable]) -> Document) -> Batch {
        Batch(Arc::new(Whole { tables, compose, document: OnceLock::new() }))
    }

    /// The answers by table.
    pub fn tables(&self) -> &[OfTable] {
        &self.0.tables
    }

    /// The whole.
    pub fn document(&self) -> &Document {
        self.0.document.get_or_init(|| (self.0.compose)(&self.0.tables))
    }
}

impl Document {
    /// Takes the checksum of a body.
    pub fn new(body: Bytes) -> Document {
        let crc32 = crc32fast::hash(&body);
        Document { body, crc32, form: None }
    }

    /// The same with room for the form that a door of other than JSON gives it, so that it need not be made for each who
    /// asks. It lasts as long as the document.
    #[must_use]
    pub fn with_form(self) -> Document {
        Document { form: Some(Arc::default()), ..self }
    }

    /// Whether it has such room.
    pub fn has_form(&self) -> bool {
        self.form.is_some()
    }

    /// The form that a door gave it.
    pub fn form(&self) -> Option<&Bytes> {
        self.form.as_ref()?.get()
    }

    /// Gives it a form, if it is kept and has none.
    pub fn give_form(&self, form: impl FnOnce() -> Bytes) {
        if let Some(kept) = &self.form {
            kept.get_or_init(form);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Bypass;

    #[test]
    fn only_a_known_error_with_the_status_of_its_kind_says_that_nothing_was_written() {
        let check = |status, body: &'static [u8], expected| {
            let status = StatusCode::from_u16(status).unwrap();
            let answer = OriginAnswer { status, headers: HeaderMap::new(), body: Bytes::from_static(body) };
            let reply = Reply::origin(answer, Outcome::Bypass(Bypass::NotCached));
            assert_eq!(reply.verdict(), expected, "{status} {}", String::from_utf8_lossy(body));
        };
        let invalid = br#"{"__type":"com.amazon.coral.validate#ValidationException","message":"no"}"#;
        check(400, invalid, WriteVerdict::NotApplied);
        check(500, invalid, WriteVerdict::Unknown);
        check(400, br#"{"__type":"TransactionInProgressException"}"#, WriteVerdict::Unknown);
        check(400, br#"{"__type":"com.amazonaws.dynamodb.v20120810#OfTheFuture"}"#, WriteVerdict::Unknown);
        for status in [400, 403, 408, 413, 499, 502] {
            check(status, b"<html>", WriteVerdict::Unknown);
        }
    }
}
