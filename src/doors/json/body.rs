//! Reading a request's body within its limits, and taking a content coding off.

use std::io::Read;

use base::{Clock, Instant, Permit, Permits};
use bytes::{Bytes, BytesMut};
use flate2::bufread::{GzDecoder, ZlibDecoder};
use http::{HeaderMap, header};
use http_body_util::BodyExt;
use hyper::body::{Body as _, Incoming};
use model::limits::REQUEST_BODY_BYTES_MAX;

use crate::coding::Coding;

/// Of a body that is too large, so much is taken before the connection is closed all the same.
const DISCARDED_BYTES_MAX: usize = 4 * REQUEST_BODY_BYTES_MAX;

/// Clients write one member. Each costs as much as kilobytes of data, also if nothing is in it.
const GZIP_MEMBERS_MAX: usize = 100;

/// Why there is no body to work with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BodyError {
    /// More than DynamoDB takes, before or after decompression.
    TooLarge,
    /// The node holds as many bytes of requests as it may.
    NoRoom,
    /// It did not arrive in time.
    TooSlow,
    /// The client stopped sending.
    Broken,
    /// It is not in the coding that it says it is in.
    Undecodable,
}

/// Reads the whole body, if it arrives by the deadline; a coding that we know is taken off, together with the header that
/// names it.
pub(crate) async fn read(
    mut incoming: Incoming,
    headers: &mut HeaderMap,
    room: &Permits,
    (clock, deadline): (&Clock, Instant),
) -> Result<(Bytes, Permit), BodyError> {
    let read = clock.timeout_at(deadline, read_within_limits(&mut incoming, headers, room)).await;
    let read = read.unwrap_or(Err(BodyError::TooSlow));
    if matches!(read, Err(BodyError::TooLarge | BodyError::NoRoom)) {
        clock.timeout_at(deadline, discard(incoming, headers)).await;
    }
    read
}

/// Takes what a client sends and throws it away: it might lose the answer if the connection were closed in its
/// face. One that waits for permission to send gets the answer instead.
pub(crate) async fn discard(mut incoming: Incoming, headers: &HeaderMap) {
    if headers.contains_key(header::EXPECT) {
        return;
    }
    let mut discarded = 0;
    while let Some(Ok(frame)) = incoming.frame().await
        && discarded < DISCARDED_BYTES_MAX
    {
        discarded += frame.data_ref().map_or(0, Bytes::len);
    }
}

async fn read_within_limits(
    incoming: &mut Incoming,
    headers: &mut HeaderMap,
    room: &Permits,
) -> Result<(Bytes, Permit), BodyError> {
    let declared = incoming.size_hint().exact().unwrap_or(0);
    let declared = usize::try_from(declared).ok().filter(|bytes| *bytes <= REQUEST_BODY_BYTES_MAX);
    let mut permit = room.take(declared.ok_or(BodyError::TooLarge)?).ok_or(BodyError::NoRoom)?;
    let mut held = declared.unwrap_or(0);
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        let length = first.len() + rest.len() + data.len();
        if length > REQUEST_BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        if length > held {
            permit.absorb(room.take(length - held).ok_or(BodyError::NoRoom)?);
            held = length;
        }
        // Most bodies are one frame, which needs no copy.
        if first.is_empty() && rest.is_empty() {
            first = data;
        } else {
            if rest.is_empty() {
                rest.reserve(held);
                rest.extend_from_slice(&first);
                first = Bytes::from_static(b"");
            }
            rest.extend_from_slice(&data);
        }
    }
    let body = if rest.is_empty() { first } else { rest.freeze() };
    let coding = headers.get(header::CONTENT_ENCODING).and_then(|name| Coding::named(name.to_str().ok()?));
    let plain = match coding {
        None => return Ok((body, permit)),
        Some(Coding::Gzip) => gunzip(&body)?,
        Some(Coding::Deflate) => inflate(&body)?,
    };
    if plain.len() > held {
        permit.absorb(room.take(plain.len() - held).ok_or(BodyError::NoRoom)?);
    }
    headers.remove(header::CONTENT_ENCODING);
    Ok((plain, permit))
}

/// Decompresses, never past the limit, however much the input would grow to.
fn gunzip(body: &[u8]) -> Result<Bytes, BodyError> {
    let (mut rest, mut plain) = (body, Vec::new());
    for _ in 0..GZIP_MEMBERS_MAX {
        let room = REQUEST_BODY_BYTES_MAX + 1 - plain.len();
        let member = GzDecoder::new(&mut rest).take(room as u64).read_to_end(&mut plain);
        member.map_err(|_| BodyError::Undecodable)?;
        if plain.len() > REQUEST_BODY_BYTES_MAX {
            return Err(BodyError::TooLarge);
        }
        if rest.is_empty() {
            return Ok(plain.into());
        }
    }
    Err(BodyError::Undecodable)
}

/// The same for deflate, which is one stream and nothing else.
fn inflate(body: &[u8]) -> Result<Bytes, BodyError> {
    let (mut rest, mut plain) = (body, Vec::new());
    let stream = ZlibDecoder::new(&mut rest).take(REQUEST_BODY_BYTES_MAX as u64 + 1).read_to_end(&mut plain);
    stream.map_err(|_| BodyError::Undecodable)?;
    match plain.len() {
        0..=REQUEST_BODY_BYTES_MAX if rest.is_empty() => Ok(plain.into()),
        0..=REQUEST_BODY_BYTES_MAX => Err(BodyError::Undecodable),
        _ => Err(BodyError::TooLarge),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{
        Compression,
        write::{GzEncoder, ZlibEncoder},
    };

    use super::*;

    fn gzip(plain: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    fn deflate(plain: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(plain).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn deflate_is_taken_off_within_the_limit() {
        let whole = deflate(b"{}");
        assert_eq!(inflate(&whole).unwrap(), "{}");
        for broken in [b"{}", &b""[..], &whole[..whole.len() - 1], &gzip(b"{}"), &whole.repeat(2)] {
            assert_eq!(inflate(broken), Err(BodyError::Undecodable), "{broken:?}");
        }
        let bomb = deflate(&vec![b' '; REQUEST_BODY_BYTES_MAX + 1]);
        assert!(bomb.len() < 20_000);
        assert_eq!(inflate(&bomb), Err(BodyError::TooLarge));
    }

    #[test]
    fn gzip_is_taken_off_within_the_limit() {
        assert_eq!(gunzip(&gzip(b"{}")).unwrap(), "{}");
        assert_eq!(gunzip(b"{}"), Err(BodyError::Undecodable));
        let whole = gzip(b"{}");
        assert_eq!(gunzip(&whole[..whole.len() - 4]), Err(BodyError::Undecodable));
        assert_eq!(gunzip(&gzip(b"{}").repeat(2)).unwrap(), "{}{}");
        assert_eq!(gunzip(&gzip(b"").repeat(1_000)), Err(BodyError::Undecodable));
        let bomb = gzip(&vec![b' '; REQUEST_BODY_BYTES_MAX + 1]);
        assert!(bomb.len() < 20_000);
        assert_eq!(gunzip(&bomb), Err(BodyError::TooLarge));
    }
}
