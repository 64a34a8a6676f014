//! How each kind of value is read from text. Every error is a phrase that says what is wanted.

use std::{net::SocketAddr, ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use base::{telemetry::LogFormat, units};
use http::{Uri, uri::Scheme};
use model::limits::REQUEST_BODY_BYTES_MAX;
use tracing::level_filters::LevelFilter;
use upstream::Origin;

use super::raw::LIST_SEPARATOR;

/// Longer spans are slips of the pen, and would overflow coarse clocks.
const SPAN_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

pub(super) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, such as 127.0.0.1:8000 or [::1]:8000".to_owned())
}

pub(super) fn span(text: &str) -> Result<Duration, String> {
    let span = units::parse_duration(text)?;
    if span > SPAN_MAX { Err("must be at most a year".to_owned()) } else { Ok(span) }
}

pub(super) fn timeout(text: &str) -> Result<Duration, String> {
    let span = span(text)?;
    if span.is_zero() { Err("must be more than 0".to_owned()) } else { Ok(span) }
}

/// How long something is fresh. DAX's 0 means two things, so there are words for both.
pub(super) fn ttl(text: &str) -> Result<cache::Ttl, String> {
    match text {
        "off" => Ok(cache::Ttl::Off),
        "forever" => Ok(cache::Ttl::Forever),
        _ => match span(text).map_err(|wrong| format!("must be off, forever, or a duration: {wrong}"))? {
            Duration::ZERO => {
                Err("must be more than 0: say \"off\" to keep nothing, or \"forever\" to keep \
                what is right until a write or want of room ends it"
                    .to_owned())
            }
            span => Ok(cache::Ttl::For(span)),
        },
    }
}

/// A time to live as DAX's parameter groups have it.
pub(super) fn millis(text: &str) -> Result<Duration, String> {
    number(text, 0..=SPAN_MAX.as_millis() as u64).map(Duration::from_millis)
}

/// For how long an expired entry may be shown.
pub(super) fn grace(text: &str) -> Result<Duration, String> {
    match text {
        "off" => Ok(Duration::ZERO),
        _ => timeout(text).map_err(|_| "must be a duration of more than 0, or off".to_owned()),
    }
}

/// How often streams are asked for news. DynamoDB: five `GetRecords` a second and shard, and iterators that expire
/// after a quarter of an hour.
pub(super) fn stream_poll(text: &str) -> Result<Duration, String> {
    let span = span(text)?;
    let range = Duration::from_millis(200)..=Duration::from_secs(60);
    if range.contains(&span) { Ok(span) } else { Err("must be from 200ms to 60s".to_owned()) }
}

/// Whether something is done: a cache, a breaker.
pub(super) fn switch(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be on or off".to_owned()),
    }
}

/// What ends the results of queries and scans.
pub(super) fn coherence(text: &str) -> Result<cache::Coherence, String> {
    match text {
        "write" => Ok(cache::Coherence::Write),
        "ttl" => Ok(cache::Coherence::Ttl),
        "stream" => Ok(cache::Coherence::Stream),
        _ => Err("must be write, ttl or stream".to_owned()),
    }
}

/// Whose defaults the rules have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RulesPreset {
    /// Our own.
    Default,
    /// Those of DAX.
    Dax,
}

pub(super) fn preset(text: &str) -> Result<RulesPreset, String> {
    match text {
        "default" => Ok(RulesPreset::Default),
        "dax" => Ok(RulesPreset::Dax),
        _ => Err("must be default or dax".to_owned()),
    }
}

/// DynamoDB: the attribute of a time to live has a name of 1 to 255 characters (API reference,
/// TimeToLiveSpecification).
pub(super) fn attribute(text: &str) -> Result<String, String> {
    match text.chars().count() {
        1..=255 => Ok(text.to_owned()),
        _ => Err("must be the name of an attribute, of 1 to 255 characters".to_owned()),
    }
}

pub(super) fn bytes(text: &str, least: u64) -> Result<u64, String> {
    let bytes = units::parse_bytes(text)?;
    if bytes < least {
        return Err(format!("must be at least {}", units::print_bytes(least)));
    }
    Ok(bytes)
}

/// Bytes of requests that are held at once.
pub(super) fn request_bytes(text: &str) -> Result<usize, String> {
    // The largest request must fit, or it is refused for ever.
    let bytes = bytes(text, REQUEST_BODY_BYTES_MAX as u64)?;
    usize::try_from(bytes).map_err(|_| "is more than this machine can address".to_owned())
}

pub(super) fn number<N>(text: &str, range: RangeInclusive<N>) -> Result<N, String>
where
    N: FromStr + PartialOrd + std::fmt::Display,
{
    let number = text.parse().ok().filter(|number| range.contains(number));
    number.ok_or_else(|| format!("must be a number from {} to {}", range.start(), range.end()))
}

pub(super) fn claim(text: &str) -> Result<bool, String> {
    text.parse().map_err(|_| "must be true or false".to_owned())
}

pub(super) fn file(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("must be a file".to_owned()) } else { Ok(PathBuf::from(text)) }
}

/// What a node of a cluster does.
pub(super) fn role(text: &str) -> Result<dax_door::Role, String> {
    match text {
        "leader" => Ok(dax_door::Role::Leader),
        "replica" => Ok(dax_door::Role::Replica),
        _ => Err("must be leader or replica".to_owned()),
    }
}

pub(super) fn zone(text: &str) -> Result<String, String> {
    if text.is_empty() { Err("must be the name of a zone".to_owned()) } else { Ok(text.to_owned()) }
}

/// Where a node is reached, as it is written in `dax_door`.
pub(super) fn reach(text: &str) -> Result<dax_door::Reach, String> {
    text.parse()
}

/// The other nodes of a cluster.
pub(super) fn nodes(text: &str) -> Result<Vec<dax_door::Node>, String> {
    let members = text.split(LIST_SEPARATOR).map(str::trim).filter(|member| !member.is_empty());
    members.map(|member| member.parse().map_err(|wrong| format!("{member:?}: {wrong}"))).collect()
}

pub(super) fn directory(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() { Err("must be a directory".to_owned()) } else { Ok(PathBuf::from(text)) }
}

/// When a write to the bundled engine counts as durable.
pub(super) fn sync(text: &str) -> Result<engine::SyncPolicy, String> {
    match text {
        "each-commit" => Ok(engine::SyncPolicy::EachCommit),
        "never" => Ok(engine::SyncPolicy::Never),
        _ => {
            let span = timeout(text).map_err(|_| "must be each-commit, never, or a duration".to_owned())?;
            Ok(engine::SyncPolicy::Every(span))
        }
    }
}

/// How often expired items are looked for, if at all.
pub(super) fn ttl_sweep(text: &str) -> Result<Option<Duration>, String> {
    match text {
        "off" => Ok(None),
        _ => timeout(text).map(Some).map_err(|_| "must be a duration of more than 0, or off".to_owned()),
    }
}

/// Whether slow reads are sent twice: there is one way to tell that they are slow.
pub(super) fn hedge(text: &str) -> Result<bool, String> {
    match text {
        "p95" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be off or p95".to_owned()),
    }
}

pub(super) fn mode(text: &str) -> Result<cache::Mode, String> {
    match text {
        "on" => Ok(cache::Mode::On),
        "shadow" => Ok(cache::Mode::Shadow),
        "off" => Ok(cache::Mode::Off),
        _ => Err("must be on, shadow or off".to_owned()),
    }
}

pub(super) fn level(text: &str) -> Result<LevelFilter, String> {
    match text {
        "error" => Ok(LevelFilter::ERROR),
        "warn" => Ok(LevelFilter::WARN),
        "info" => Ok(LevelFilter::INFO),
        "debug" => Ok(LevelFilter::DEBUG),
        "trace" => Ok(LevelFilter::TRACE),
        _ => Err("must be error, warn, info, debug or trace".to_owned()),
    }
}

pub(super) fn format(text: &str) -> Result<LogFormat, String> {
    match text {
        "auto" => Ok(LogFormat::Auto),
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("must be auto, json or text".to_owned()),
    }
}

pub(super) fn region(text: &str) -> Result<String, String> {
    let is_region_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || !text.bytes().all(is_region_byte) {
        return Err("must be a region such as eu-west-1".to_owned());
    }
    Ok(text.to_owned())
}

/// Which service is behind this node. A path, a query or a password in a URL would be dropped, so they are
/// refused.
pub(super) fn upstream(text: &str) -> Result<Origin, String> {
    if text == "aws" {
        return Ok(Origin::Aws);
    }
    web_origin(text)
        .map(Origin::Url)
        .ok_or_else(|| "must be \"aws\", or http:// or https:// with a host and nothing behind it".to_owned())
}

/// Whether AWS is behind a node, by whatever host name: only AWS's own credentials are good for it, and a
/// region cannot be guessed.
pub(crate) fn is_aws(origin: &Origin) -> bool {
    match origin {
        Origin::Aws => true,
        Origin::Url(url) => upstream_host(url).is_some_and(|host| {
            let suffixes =
                [".amazonaws.com", ".amazonaws.com.cn", ".api.aws", ".api.amazonwebservices.com.cn"];
            suffixes.into_iter().any(|suffix| host.ends_with(suffix))
        }),
    }
}

/// The host in an upstream's URL, lower-case.
pub(super) fn upstream_host(text: &str) -> Option<String> {
    Some(text.parse::<Uri>().ok()?.host()?.to_ascii_lowercase())
}

/// Web origins as a browser writes them in its `Origin` header: without a slash at the end.
pub(super) fn web_origins(text: &str) -> Result<Vec<String>, String> {
    let members = text.split(LIST_SEPARATOR).map(str::trim).filter(|member| !member.is_empty());
    members
        .map(|member| {
            web_origin(member).ok_or_else(|| {
                format!("{member:?} must be http:// or https:// with a host and nothing behind it")
            })
        })
        .collect()
}

fn web_origin(text: &str) -> Option<String> {
    let uri: Uri = text.parse().ok()?;
    let scheme = uri.scheme().filter(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme))?;
    let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
    let is_bare = uri.path() == "/" && uri.query().is_none() && !authority.host().is_empty();
    is_bare.then(|| format!("{scheme}://{}", authority.as_str().to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_aws_or_a_bare_url() {
        let check = |text: &str, expected: Option<Origin>| {
            assert_eq!(upstream(text).ok(), expected, "{text:?}");
        };
        let url = |url: &str| Some(Origin::Url(url.to_owned()));
        check("aws", Some(Origin::Aws));
        check("http://127.0.0.1:8001", url("http://127.0.0.1:8001"));
        check("https://DynamoDB.eu-west-1.amazonaws.com/", url("https://dynamodb.eu-west-1.amazonaws.com"));
        check("http://[::1]:8001", url("http://[::1]:8001"));
        check("127.0.0.1:8001", None);
        check("localhost", None);
        check("ftp://host", None);
        check("http://host/path", None);
        check("http://host/?query", None);
        check("http://me:secret@host", None);
        check("http://", None);
        check("", None);
        check("AWS", None);
    }

    #[test]
    fn web_origins_are_written_as_browsers_do() {
        let check = |text: &str, expected: Option<&[&str]>| {
            let expected = expected.map(|list| list.iter().map(|origin| (*origin).to_owned()).collect());
            assert_eq!(web_origins(text).ok(), expected, "{text:?}");
        };
        check("", Some(&[]));
        check("https://a.example", Some(&["https://a.example"]));
        check(
            "https://a.example/, http://localhost:3000",
            Some(&["https://a.example", "http://localhost:3000"]),
        );
        check("*", None);
        check("null", None);
        check("a.example", None);
    }

    #[test]
    fn numbers_and_spans_have_a_range() {
        let check_span = |text: &str, expected: Option<u64>| {
            let expected = expected.map(|seconds| cache::Ttl::For(Duration::from_secs(seconds)));
            assert_eq!(ttl(text).ok(), expected, "{text:?}");
        };
        check_span("5m", Some(300));
        check_span("0", None);
        check_span("0s", None);
        check_span("366d", None);
        check_span("300", None);
        assert_eq!((ttl("off"), ttl("forever")), (Ok(cache::Ttl::Off), Ok(cache::Ttl::Forever)));
        assert_eq!((grace("off"), grace("5s")), (Ok(Duration::ZERO), Ok(Duration::from_secs(5))));
        assert!(grace("0").is_err() && grace("forever").is_err());
        assert_eq!(number("3", 1..=10), Ok(3_u32));
        for text in ["0", "11", "-1", "three", "3.5", ""] {
            assert!(number(text, 1..=10_u32).is_err(), "{text:?}");
        }
        for text in ["NaN", "inf", "1.01", "-0.1"] {
            assert!(number(text, 0.0..=1.0).is_err(), "{text:?}");
        }
        assert_eq!(bytes("2 MiB", 1 << 20), Ok(2 << 20));
        assert_eq!(bytes("2", 1 << 20).unwrap_err(), "must be at least 1 MiB");
    }
}
