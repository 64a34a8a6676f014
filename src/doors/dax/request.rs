//! Where a request ends, and which it is.

use std::ops::Range;

use minicbor::Decoder;
use model::limits::REQUEST_BODY_BYTES_MAX;

use crate::methods::{Method, SERVICE};
use dax_wire::{Extent, Limits, Malformed};

/// Service and method.
const HEAD_VALUES: usize = 2;

/// Before a byte is taken in. DynamoDB's largest request in JSON is longer than the same in CBOR; an attribute value
/// has 32 levels at most, and a few stand around it.
const LIMITS: Limits = Limits { bytes: REQUEST_BODY_BYTES_MAX, levels: 64 };

/// A request whose bytes are all there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// Where its arguments stand; it ends with them.
    pub(crate) arguments: Range<usize>,
}

/// Why nobody knows where the request ends. There is nothing to be read behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("the request is malformed: {0}")]
    Malformed(#[from] Malformed),
    #[error("there is no such service")]
    Service,
    #[error("there is no method {0}")]
    Method(i64),
}

/// How far a request is read that still comes in.
#[derive(Debug)]
pub(crate) struct Reading {
    extent: Extent,
    /// What is known once the head is there, and where the arguments begin.
    head: Option<(Method, usize)>,
}

impl Reading {
    pub(crate) fn new() -> Reading {
        Reading { extent: Extent::new(LIMITS), head: None }
    }

    /// The request, once `bytes`, which begin with it, hold the whole of it.
    pub(crate) fn request(&mut self, bytes: &[u8]) -> Result<Option<Request>, Unreadable> {
        let (method, begin) = match self.head {
            Some(head) => head,
            None => {
                let Some(head) = self.head(bytes)? else { return Ok(None) };
                *self.head.insert(head)
            }
        };
        let end = self.extent.of(HEAD_VALUES + method.arguments(), bytes)?;
        Ok(end.map(|end| Request { method, arguments: begin..end }))
    }

    /// As [`Reading::request`], for a request that nobody is to see: how many of the bytes are of it, and need not be
    /// shown again; and its method, once it ends with them.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Result<(usize, Option<Method>), Unreadable> {
        Ok(match self.request(bytes)? {
            Some(Request { method, arguments }) => (arguments.end, Some(method)),
            // The head is read from its beginning.
            None if self.head.is_none() => (0, None),
            None => (self.extent.forget(bytes.len()), None),
        })
    }

    fn head(&mut self, bytes: &[u8]) -> Result<Option<(Method, usize)>, Unreadable> {
        if !may_be_number(bytes.first()) {
            return Err(Unreadable::Service);
        }
        let Some(end) = self.extent.of(1, bytes)? else { return Ok(None) };
        let is_ours = Decoder::new(&bytes[..end]).i64().is_ok_and(|service| service == SERVICE);
        if !is_ours {
            return Err(Unreadable::Service);
        }
        if !may_be_number(bytes.get(end)) {
            return Err(Malformed::WrongType.into());
        }
        let Some(end) = self.extent.of(HEAD_VALUES, bytes)? else { return Ok(None) };
        let mut values = Decoder::new(&bytes[..end]);
        let id = values.i64().and_then(|_service| values.i64()).map_err(Malformed::from)?;
        let method = Method::of_id(id).ok_or(Unreadable::Method(id))?;
        Ok(Some((method, end)))
    }
}

/// Nobody waits for the end of a long string where a number belongs, so a head is short.
fn may_be_number(first: Option<&u8>) -> bool {
    first.is_none_or(|first| first >> 5 <= 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Request>, Unreadable> {
        Reading::new().request(bytes)
    }

    /// `getItem` of a table `T`: a key of one byte, and no options.
    const GET: [u8; 11] = [0x01, 0x1a, 0x0f, 0xb0, 0xcc, 0x6a, 0x41, b'T', 0x41, b'k', 0xf6];

    #[test]
    fn a_request_is_found_once_its_last_byte_is_there() {
        let whole = Request { method: Method::GetItem, arguments: 6..11 };
        for end in 0..GET.len() {
            assert_eq!(read(&GET[..end]), Ok(None), "{end} bytes");
        }
        assert_eq!(read(&GET), Ok(Some(whole.clone())));
        let mut reading = Reading::new();
        for end in 0..GET.len() {
            assert_eq!(reading.request(&GET[..end]), Ok(None), "{end} bytes, one by one");
        }
        let two = [GET, GET].concat();
        assert_eq!(reading.request(&two), Ok(Some(whole)), "another follows");
        let wide = [&[0x1b, 0, 0, 0, 0, 0, 0, 0, 1, 0x1b, 0, 0, 0, 0], &GET[2..]].concat();
        assert_eq!(read(&wide).unwrap().unwrap().method, Method::GetItem, "numbers as Go writes them");
    }

    #[test]
    fn what_nobody_can_find_the_end_of_is_told_at_once() {
        let check = |bytes: &[u8], expected: fn(&Unreadable) -> bool| {
            let unreadable = read(bytes).unwrap_err();
            assert!(expected(&unreadable), "{bytes:02x?}: {unreadable}");
        };
        check(&[0x02], |why| *why == Unreadable::Service);
        check(&[0x60], |why| *why == Unreadable::Service);
        check(&[0x01, 0x00], |why| *why == Unreadable::Method(0));
        check(&[0x7a, 0, 0x80, 0, 0], |why| *why == Unreadable::Service);
        check(&[0x01, 0x5a, 0, 0x80, 0, 0], |why| matches!(why, Unreadable::Malformed(Malformed::WrongType)));
        check(&[0x01, 0x60], |why| matches!(why, Unreadable::Malformed(Malformed::WrongType)));
        check(&[0xff], |why| *why == Unreadable::Service);
        check(&[0x1c], |why| matches!(why, Unreadable::Malformed(Malformed::NotCbor)));
        // A gigabyte is announced for the table's name; and levels without end.
        let claim = [&GET[..6], &[0x5a, 0x40, 0, 0, 0]].concat();
        check(&claim, |why| matches!(why, Unreadable::Malformed(Malformed::TooLarge { .. })));
        let deep = [&GET[..6], &[0x81; 100]].concat();
        check(&deep, |why| matches!(why, Unreadable::Malformed(Malformed::TooDeep { .. })));
    }

    #[test]
    fn a_request_that_is_not_kept_is_followed_to_its_end() {
        let head = [&GET[..10], &[0xbf, 0x00, 0x5a, 0, 0x10, 0, 0]].concat();
        let whole = [&head[..], &vec![7; 1 << 20], &[0xff, 0x01]].concat();
        let (mut reading, mut begin, mut kept) = (Reading::new(), 0, 0);
        for end in (0..whole.len()).step_by(1000).chain([whole.len()]) {
            let (count, found) = reading.pass(&whole[begin..end]).unwrap();
            begin += count;
            kept = kept.max(end - begin);
            assert_eq!(found, (end == whole.len()).then_some(Method::GetItem));
        }
        assert_eq!((begin, whole.len() - begin), (whole.len() - 1, 1), "the next one has begun");
        assert!(kept < 20, "{kept}");
    }

    /// Bytes that are more often a request than chance alone would have it.
    fn nearly() -> impl Strategy<Value = Vec<u8>> {
        let tail = proptest::collection::vec(any::<u8>(), 0..40);
        (0..=GET.len(), tail).prop_map(|(kept, tail)| [&GET[..kept], &tail].concat())
    }

    proptest! {
        #[test]
        fn pieces_are_read_as_the_whole_is(bytes in nearly()) {
            let whole = read(&bytes);
            let mut reading = Reading::new();
            let mut first = Ok(None);
            for end in 0..=bytes.len() {
                first = reading.request(&bytes[..end]);
                if first != Ok(None) {
                    break;
                }
            }
            prop_assert_eq!(&first, &whole);
            if let Ok(Some(request)) = whole {
                prop_assert!(request.arguments.end <= bytes.len());
            }
        }
    }
}
