//! Content codings: which there are, which one a client asks for, and putting it on an answer.
//!
//! DynamoDB: only who names gzip or deflate is sent it, and only from 4 KB on. The checksum is that of the bytes as
//! sent. (ScyllaDB's tests of Alternator, which run against the service as well: `test_compressed_response.py` and
//! `test_crc.py`.)

use std::io::Write;

use bytes::Bytes;
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use http::{HeaderMap, HeaderValue, Response, header};
use http_body_util::BodyExt;

use crate::{Body, answer::CRC32, door::full};

/// A smaller answer is sent as it is.
const COMPRESSED_BYTES_MIN: usize = 4096;

/// So much is compressed in about half a millisecond; more, not on the threads that serve connections.
const AT_ONCE_BYTES_MAX: usize = 64 << 10;

/// A content coding that DynamoDB knows, in its order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Gzip,
    Deflate,
}

impl Coding {
    const ALL: [Coding; 2] = [Coding::Gzip, Coding::Deflate];

    /// What the client likes best of what there is; `None` for no coding.
    pub(crate) fn asked(headers: &HeaderMap) -> Option<Coding> {
        // DynamoDB: of several such headers the first one counts.
        let header = headers.get(header::ACCEPT_ENCODING)?;
        Coding::preferred(header.to_str().ok()?)
    }

    /// DynamoDB: `identity` is ignored, whatever is thought of it; of equals the first named wins, and what only `*`
    /// stands for comes last.
    fn preferred(accepted: &str) -> Option<Coding> {
        let wishes: Vec<(&str, f32)> = accepted.split(',').map(wish).collect();
        let is_named =
            |coding: Coding| wishes.iter().any(|(name, _)| name.eq_ignore_ascii_case(coding.name()));
        let named = wishes.iter().filter_map(|(name, quality)| Some((Coding::named(name)?, *quality)));
        let rest = wishes.iter().find(|(name, _)| *name == "*").map(|(_, quality)| *quality);
        let unnamed = Coding::ALL.into_iter().filter(|coding| !is_named(*coding));
        let unnamed = unnamed.filter_map(|coding| Some((coding, rest?)));
        let mut best = None;
        for (coding, quality) in named.chain(unnamed) {
            if quality > best.map_or(0.0, |(_, best)| best) {
                best = Some((coding, quality));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// By the name that HTTP has for it.
    pub(crate) fn named(name: &str) -> Option<Coding> {
        Coding::ALL.into_iter().find(|coding| name.eq_ignore_ascii_case(coding.name()))
    }

    fn name(self) -> &'static str {
        match self {
            Coding::Gzip => "gzip",
            Coding::Deflate => "deflate",
        }
    }

    /// Puts the coding on an answer, unless it is small or has one already.
    pub(crate) async fn put_on(self, response: Response<Body>) -> Response<Body> {
        let (mut head, body) = response.into_parts();
        let Ok(body) = body.collect().await;
        let plain = body.to_bytes();
        if plain.len() < COMPRESSED_BYTES_MIN || head.headers.contains_key(header::CONTENT_ENCODING) {
            return Response::from_parts(head, full(plain));
        }
        let coded = self.compress_aside(plain).await;
        head.headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(self.name()));
        head.headers.insert(CRC32, HeaderValue::from(crc32fast::hash(&coded)));
        Response::from_parts(head, full(coded))
    }

    async fn compress_aside(self, plain: Bytes) -> Bytes {
        if plain.len() <= AT_ONCE_BYTES_MAX {
            return self.compress(&plain);
        }
        match tokio::task::spawn_blocking(move || self.compress(&plain)).await {
            Ok(coded) => coded,
            Err(panic) => std::panic::resume_unwind(panic.into_panic()),
        }
    }

    /// Fast, since it is done anew for every answer.
    fn compress(self, plain: &[u8]) -> Bytes {
        let coded = match self {
            Coding::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(plain).and_then(|()| encoder.finish())
            }
            // RFC 9110, 8.4.1.2: what HTTP calls deflate has the wrapping of zlib.
            Coding::Deflate => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
                encoder.write_all(plain).and_then(|()| encoder.finish())
            }
        };
        Bytes::from(coded.expect("memory takes every write"))
    }
}

/// One element of Accept-Encoding: the name of a coding, and how much it is liked.
///
/// DynamoDB: the first `q` counts; one that is no number or has a blank behind its name is as none, and those beyond
/// the ends are at the ends. An element with any other parameter is not understood.
fn wish(element: &str) -> (&str, f32) {
    let mut parts = element.split(';');
    let name = parts.next().unwrap_or_default().trim();
    for parameter in parts {
        let (parameter, quality) = parameter.split_once('=').unwrap_or((parameter, ""));
        match parameter.trim_start() {
            "q" | "Q" => return (name, quality_of(quality)),
            other if other.trim_end().eq_ignore_ascii_case("q") => {}
            _ => return (name, 0.0),
        }
    }
    (name, 1.0)
}

fn quality_of(text: &str) -> f32 {
    let quality = text.trim().parse::<f32>().ok().filter(|quality| !quality.is_nan());
    quality.map_or(1.0, |quality| quality.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Coding::{Deflate, Gzip};

    #[test]
    fn the_coding_is_chosen_as_the_service_chooses_it() {
        let cases = [
            ("", None),
            ("identity", None),
            ("br, zstd, compress, x-gzip", None),
            ("gzip", Some(Gzip)),
            ("deflate", Some(Deflate)),
            ("GZip, identity", Some(Gzip)),
            ("gzip, deflate", Some(Gzip)),
            ("br, identity, deflate, gzip", Some(Deflate)),
            ("cat, , gzip,, dog", Some(Gzip)),
            // By quality.
            ("gzip;q=0.2, deflate;q=0.4", Some(Deflate)),
            ("gzip;q=0, deflate ; q = 0.5 , identity;q=0", Some(Deflate)),
            ("identity;q=0.9, gzip;q=0.0001", Some(Gzip)),
            ("gzip ;q=0", None),
            ("gzip;q=0, gzip, gzip;q=0", Some(Gzip)),
            // What was not named.
            ("*", Some(Gzip)),
            ("*, deflate", Some(Deflate)),
            ("*, deflate;q=0.5", Some(Gzip)),
            ("*, gzip;q=0.5", Some(Deflate)),
            ("*;q=0.5, identity", Some(Gzip)),
            ("*;q=0", None),
            ("identity;q=0", None),
            // What is no such header.
            ("\"gzip\"", None),
            ("gzip br", None),
            ("gzip:q=1", None),
            ("gzip;q=31, deflate;q=51", Some(Gzip)),
            ("deflate;q=0.5, gzip;q=1;q=0.2", Some(Gzip)),
            ("deflate;q=0.5, gzip;q=0.", Some(Deflate)),
            ("deflate;q=0.5, gzip;q=0.x", Some(Gzip)),
            ("deflate;q=-0.5, gzip;q=0.2", Some(Gzip)),
            ("deflate;q=0.5, gzip;q=nan", Some(Gzip)),
            ("gzip;nq=1;q=0 ", None),
            ("gzip;nq=0;q=1", None),
            ("gzip;q= 0;q=1", None),
            ("gzip; q=0;q=1", None),
            ("gzip;q =0;q=1", Some(Gzip)),
            ("deflate;q=0.5,gzip;q=0. x", Some(Gzip)),
        ];
        for (accepted, expected) in cases {
            assert_eq!(Coding::preferred(accepted), expected, "{accepted:?}");
        }
    }

    #[test]
    fn the_first_of_several_headers_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(Coding::asked(&headers), None);
        headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static("deflate"));
        assert_eq!(Coding::asked(&headers), Some(Gzip));
    }
}
