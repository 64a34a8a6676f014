//! Where a reply ends.

use dax_wire::{Extent, Layering, Limits, Malformed, unframed};

use crate::{methods::Method, reply::NO_CODES};

/// Larger replies than any that there are; levels as deep as an item, and what is around it.
const LIMITS: Limits = Limits { bytes: 256 << 20, levels: 128 };
/// Codes, message, facts.
const VALUES_OF_ERROR: usize = 3;

/// A whole reply.
#[derive(Debug)]
pub(crate) enum Message {
    /// What stands behind the byte that says that there is no error.
    Result(Vec<u8>),
    /// The three values of an error.
    Error(Vec<u8>),
}

/// A reply that still comes in.
#[derive(Debug)]
pub(super) struct Reading {
    layering: Layering,
    extent: Extent,
    /// How many values a success has, the one without codes included.
    values: usize,
}

impl Reading {
    pub(super) fn new(layering: Layering, method: Method) -> Reading {
        let results = match method {
            Method::BatchGetItem => 2,
            Method::BatchWriteItem => 3,
            _ => 1,
        };
        Reading { layering, extent: Extent::new(LIMITS), values: 1 + results }
    }

    /// The reply and how many bytes it took, once all of it is there.
    pub(super) fn message(&mut self, bytes: &[u8]) -> Result<Option<(Message, usize)>, Malformed> {
        match self.layering {
            Layering::Plain => {
                let Some(end) = self.end(bytes)? else { return Ok(None) };
                Ok(Some((message(&bytes[..end]), end)))
            }
            Layering::Framed => {
                let Some((payload, taken)) = unframed(bytes)? else { return Ok(None) };
                match self.end(&payload)? {
                    Some(end) if end == payload.len() => Ok(Some((message(&payload), taken))),
                    Some(_) => Err(Malformed::Trailing),
                    None => Err(Malformed::Truncated),
                }
            }
        }
    }

    fn end(&mut self, bytes: &[u8]) -> Result<Option<usize>, Malformed> {
        let values = match bytes.first() {
            None => return Ok(None),
            Some(&NO_CODES) => self.values,
            Some(_) => VALUES_OF_ERROR,
        };
        self.extent.of(values, bytes)
    }
}

fn message(bytes: &[u8]) -> Message {
    match bytes {
        [NO_CODES, result @ ..] => Message::Result(result.to_vec()),
        error => Message::Error(error.to_vec()),
    }
}
