//! Streams of bytes that are no HTTP, or HTTP as it should not be.

use bytes::Bytes;

use super::{
    Case, Expected,
    Expected::{Nobody, OursOrClosed},
    Then, http,
};
use crate::manners::call;

const GOOD: &str = r#"{"TableName":"Bad"}"#;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = targets();
    cases.extend(headers());
    cases.extend(methods());
    cases.extend(lengths());
    cases.extend(chunks());
    cases.extend(smuggling());
    cases.extend(no_http());
    cases.extend(http2());
    cases.extend(cut_off());
    cases
}

/// A request with these header lines, and as its body what follows.
fn with_head(lines: &str, body: &str) -> Bytes {
    format!("POST / HTTP/1.1\r\nHost: x\r\nX-Test-Case: {{case}}\r\n{lines}\r\n{body}").into()
}

/// A `Query` with these header lines instead of a declared length.
fn query(lines: &str, body: &str) -> Bytes {
    with_head(&format!("X-Amz-Target: DynamoDB_20120810.Query\r\n{lines}"), body)
}

fn ours(status: u16, error: &'static str) -> Expected {
    Expected::Ours { status, error }
}

fn as_it_came(body: &str) -> Expected {
    Expected::Upstream { body: body.to_owned().into() }
}

fn targets() -> Vec<Case> {
    let json = "Content-Type: application/x-amz-json-1.0\r\n";
    let length = format!("Content-Length: {}\r\n", GOOD.len());
    let none = with_head(&format!("{json}{length}"), GOOD);
    let of = |name: &str, target: &str, expected: Expected| {
        Case::raw(name, with_head(&format!("X-Amz-Target: {target}\r\n{json}{length}"), GOOD), expected)
    };
    let typed = |name: &str, content_type: &str, expected: Expected| {
        Case::raw(name, with_head(&format!("Content-Type: {content_type}\r\n{length}"), GOOD), expected)
    };
    let unknown = || ours(400, "UnknownOperationException");
    let long = format!("DynamoDB_20120810.{}", "x".repeat(60_000));
    let mut not_text = http("Query", json, GOOD.as_bytes()).to_vec();
    let place = not_text.windows(5).position(|window| window == b"Query").unwrap();
    not_text[place] = 0xff;
    vec![
        Case::raw("no target", none, unknown()),
        of("an empty target", "", unknown()),
        of("a target without a service", "GetItem", unknown()),
        of("a target of another service", "AmazonSSM.GetParameter", unknown()),
        of("a target of an old version", "DynamoDB_20111205.GetItem", unknown()),
        of("a target in lower case", "dynamodb_20120810.getitem", unknown()),
        of("a target without a name", "DynamoDB_20120810.", as_it_came(GOOD)),
        of("a target with two dots", "DynamoDB_20120810.Get.Item", as_it_came(GOOD)),
        of("a target with spaces", "DynamoDB_20120810.Get Item ", as_it_came(GOOD)),
        of("a target with quotes", "DynamoDB_20120810.\"GetItem\"", as_it_came(GOOD)),
        of("a long target", &long, as_it_came(GOOD)),
        of("a known name in the wrong service", "DynamoDBStreams_20120810.GetItem", as_it_came(GOOD)),
        of(
            "two targets",
            "DynamoDB_20120810.Query\r\nX-Amz-Target: DynamoDB_20120810.Scan",
            as_it_came(GOOD),
        ),
        Case::raw("a target that is no text", not_text, unknown()),
        typed("no target, text", "text/plain", ours(404, "")),
        typed("no target, an odd type", ";;;", ours(404, "")),
        typed("no target, another version", "application/x-amz-json-1.1", ours(404, "")),
        typed("no target, with a character set", "application/json; charset=x", unknown()),
        typed("no target, a type that is no text", "\u{fffd}", ours(404, "")),
        Case::raw("a target, no type", query(&length, GOOD), as_it_came(GOOD)),
        Case::raw(
            "a target, an odd type",
            query(&format!("Content-Type: a/b/c\r\n{length}"), GOOD),
            as_it_came(GOOD),
        ),
        Case::raw(
            "a target, two types",
            query(&format!("Content-Type: text/plain\r\nContent-Type: image/png\r\n{length}"), GOOD),
            as_it_came(GOOD),
        ),
        Case::raw(
            "a target, a type that is no text",
            query(&format!("Content-Type: \u{fffd}\r\n{length}"), GOOD),
            ours(400, "AccessDeniedException"),
        ),
    ]
}

fn headers() -> Vec<Case> {
    let length = format!("Content-Length: {}\r\n", GOOD.len());
    let of = |name: &str, lines: &str, expected: Expected| {
        Case::raw(name, query(&format!("{lines}{length}"), GOOD), expected)
    };
    let many: String = (0..90).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let too_many: String = (0..500).map(|n| format!("X-{n}: {n}\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "x".repeat(100_000));
    let too_long = format!("X-Long: {}\r\n", "x".repeat(1 << 20));
    vec![
        of("a header that is no text", "X-Odd: \u{fffd}\r\n", as_it_came(GOOD)),
        of("a signed header that is no text", "X-Amz-Odd: \u{fffd}\r\n", ours(400, "AccessDeniedException")),
        of("many headers", &many, as_it_came(GOOD)),
        of("too many headers", &too_many, OursOrClosed),
        of("a long header", &long, as_it_came(GOOD)),
        of("too long a header", &too_long, OursOrClosed),
        of("a header without a colon", "X-Odd\r\n", OursOrClosed),
        of("a header without a name", ": odd\r\n", OursOrClosed),
        of("a header with a space in its name", "X Odd: 1\r\n", OursOrClosed),
        of("a space before a colon", "X-Odd : 1\r\n", OursOrClosed),
        of("a zero in a header", "X-Odd: a\0b\r\n", OursOrClosed),
        of("a folded header", "X-Odd: a\r\n b\r\n", OursOrClosed),
        of("a bare line feed in a header", "X-Odd: a\n b: c\r\n", OursOrClosed),
        of("a header that is empty", "X-Odd:\r\n", as_it_came(GOOD)),
        of("an expectation nobody knows", "Expect: miracles\r\n", as_it_came(GOOD)),
        of("a connection that lists odd things", "Connection: ,,; \u{fffd}, x\r\n", as_it_came(GOOD)),
        of("a connection that lists what matters", "Connection: x-amz-target, host\r\n", as_it_came(GOOD)),
        of("an upgrade", "Connection: upgrade\r\nUpgrade: websocket\r\n", as_it_came(GOOD)),
        of("a range", "Range: bytes=0-1\r\nIf-Match: *\r\n", as_it_came(GOOD)),
        of("two hosts", "Host: y\r\n", as_it_came(GOOD)),
        of("a web page", "Origin: https://page.example\r\n", ours(400, "AccessDeniedException")),
        of("an empty web page", "Origin:\r\n", ours(400, "AccessDeniedException")),
    ]
}

fn methods() -> Vec<Case> {
    let of = |method: &str, target: &str, version: &str| -> Bytes {
        let length = GOOD.len();
        format!(
            "{method} {target} {version}\r\nHost: x\r\nX-Test-Case: {{case}}\r\n\
             X-Amz-Target: DynamoDB_20120810.Query\r\nContent-Length: {length}\r\n\r\n{GOOD}"
        )
        .into()
    };
    let mut cases: Vec<Case> =
        ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "post", "FROBNICATE", "P\u{fffd}ST"]
            .map(|method| Case::raw(format!("method {method}"), of(method, "/", "HTTP/1.1"), OursOrClosed))
            .into();
    for (name, method, target, version, expected) in [
        ("CONNECT", "CONNECT", "elsewhere.example:443", "HTTP/1.1", OursOrClosed),
        ("no method", "", "/", "HTTP/1.1", OursOrClosed),
        ("no target", "POST", "", "HTTP/1.1", OursOrClosed),
        ("no version", "POST", "/", "", OursOrClosed),
        ("another version", "POST", "/", "HTTP/3.0", OursOrClosed),
        ("an odd version", "POST", "/", "HTTP/1.1.1", OursOrClosed),
        ("another protocol", "POST", "/", "RTSP/1.0", OursOrClosed),
        ("an absolute target", "POST", "http://elsewhere.example/x", "HTTP/1.1", as_it_came(GOOD)),
        ("a path", "POST", "/../../etc/passwd?x=y", "HTTP/1.1", as_it_came(GOOD)),
        ("an asterisk", "POST", "*", "HTTP/1.1", as_it_came(GOOD)),
        ("a target that is none", "POST", "http://", "HTTP/1.1", OursOrClosed),
    ] {
        cases.push(Case::raw(format!("line with {name}"), of(method, target, version), expected));
    }
    let long = format!("/{}", "x".repeat(100_000));
    cases.push(Case::raw("a long path", of("POST", &long, "HTTP/1.1"), OursOrClosed));
    cases
}

fn lengths() -> Vec<Case> {
    let of = |length: &str, expected: Expected| {
        let bytes = query(&format!("Content-Length: {length}\r\n"), GOOD);
        Case::raw(format!("length {length:?}"), bytes, expected)
    };
    let right = GOOD.len();
    vec![
        of("-1", OursOrClosed),
        of("+19", OursOrClosed),
        of("x", OursOrClosed),
        of("", OursOrClosed),
        of("0x13", OursOrClosed),
        of("19.0", OursOrClosed),
        of("1 9", OursOrClosed),
        of("19, 19", OursOrClosed),
        of("19\r\nContent-Length: 20", OursOrClosed),
        of(&format!("{right}\r\nContent-Length: {right}"), as_it_came(GOOD)),
        of("18446744073709551615", OursOrClosed),
        of("18446744073709551614", OursOrClosed),
        of("18446744073709551616", OursOrClosed),
        of("99999999999999999999999999", OursOrClosed),
        // The node knows at once, and waits for the rest all the same.
        of("9223372036854775807", ours(413, "")),
        of("17000000", ours(413, "")),
        of("10000", ours(408, "RequestTimeoutException")),
        of("10000", ours(400, "SerializationException")).then(Then::Finish),
        Case::raw("no length", query("", GOOD), as_it_came("")),
        Case::raw("a length of nothing", query("Content-Length: 0\r\n", GOOD), as_it_came("")),
        Case::raw(
            "too large, waiting to be told to continue",
            query("Content-Length: 20971520\r\nExpect: 100-continue\r\n", ""),
            ours(413, ""),
        ),
    ]
}

fn chunks() -> Vec<Case> {
    let of = |name: &str, body: &str, expected: Expected| {
        Case::raw(format!("chunks: {name}"), query("Transfer-Encoding: chunked\r\n", body), expected)
    };
    let coded = |coding: &str, expected: Expected| {
        let bytes = query(&format!("Transfer-Encoding: {coding}\r\n"), "2\r\n{}\r\n0\r\n\r\n");
        Case::raw(format!("transfer coding {coding:?}"), bytes, expected)
    };
    let broken = || ours(400, "SerializationException");
    let bytewise: String = "1\r\n \r\n".repeat(20_000) + "0\r\n\r\n";
    let trailers: String = (0..2_000).map(|n| format!("X-{n}: {n}\r\n")).collect();
    vec![
        of("none", "0\r\n\r\n", as_it_came("")),
        of("good", "2\r\n{}\r\n0\r\n\r\n", as_it_came("{}")),
        of("a size that is none", "x\r\n{}\r\n0\r\n\r\n", broken()),
        of("a negative size", "-2\r\n{}\r\n0\r\n\r\n", broken()),
        of("an empty size", "\r\n{}\r\n0\r\n\r\n", broken()),
        of("a size with 0x", "0x2\r\n{}\r\n0\r\n\r\n", broken()),
        of("an overflowing size", "10000000000000002\r\n{}\r\n0\r\n\r\n", broken()),
        of("the largest size", "ffffffffffffffff\r\n{}", ours(408, "RequestTimeoutException")),
        of("a size too small", "1\r\n{}\r\n0\r\n\r\n", broken()),
        of("a bare line feed", "2\n{}\n0\n\n", broken()),
        of("an endless extension", &format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(1 << 20)), broken()),
        of("endless trailers", &format!("2\r\n{{}}\r\n0\r\n{trailers}\r\n"), broken()),
        of("byte by byte", &bytewise, as_it_came(&" ".repeat(20_000))),
        of("no end", "2\r\n{}\r\n", broken()).then(Then::Finish),
        of("half a chunk", "10\r\n{}", broken()).then(Then::Finish),
        of("no end, and no goodbye", "2\r\n{}\r\n", ours(408, "RequestTimeoutException")),
        coded("gzip", OursOrClosed),
        coded("identity", OursOrClosed),
        coded("chunked, gzip", OursOrClosed),
        coded("chunkedx", OursOrClosed),
        coded("", OursOrClosed),
        coded("\u{fffd}", OursOrClosed),
        coded("gzip, chunked", as_it_came("{}")),
        coded("CHUNKED", as_it_came("{}")),
        Case::raw(
            "chunks in HTTP/1.0",
            String::from_utf8(query("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n").to_vec())
                .unwrap()
                .replace("HTTP/1.1", "HTTP/1.0"),
            OursOrClosed,
        ),
    ]
}

/// Requests within requests, for servers that disagree on where one ends.
fn smuggling() -> Vec<Case> {
    let smuggled = "POST / HTTP/1.1\r\nHost: x\r\nX-Test-Case: smuggled\r\n\
        X-Amz-Target: DynamoDB_20120810.DeleteTable\r\nContent-Length: 0\r\n\r\n";
    let chunked = format!("0\r\n\r\n{smuggled}");
    let of = |name: &str, lines: &str, body: &str, expected: Expected| {
        Case::raw(format!("smuggling: {name}"), query(lines, body), expected)
    };
    let length = chunked.len();
    let size = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
    let te = "Transfer-Encoding: chunked\r\n";
    vec![
        of("CL.TE", &format!("Content-Length: {length}\r\n{te}"), &chunked, as_it_came("")),
        of("TE.CL", &format!("{te}Content-Length: 4\r\n"), &size, as_it_came(smuggled)),
        of("TE.CL, the length first", &format!("Content-Length: 4\r\n{te}"), &size, as_it_came(smuggled)),
        of(
            "TE.TE",
            &format!("{te}Transfer-Encoding: x\r\nContent-Length: {length}\r\n"),
            &chunked,
            OursOrClosed,
        ),
        of("CL.CL", &format!("Content-Length: 0\r\nContent-Length: {length}\r\n"), &chunked, OursOrClosed),
        of(
            "a tab before chunked",
            &format!("Transfer-Encoding:\tchunked\r\nContent-Length: {length}\r\n"),
            &chunked,
            as_it_came(""),
        ),
        of(
            "a space before the colon",
            &format!("Transfer-Encoding : chunked\r\nContent-Length: {length}\r\n"),
            &chunked,
            OursOrClosed,
        ),
        of(
            "an unknown coding",
            &format!("Transfer-Encoding: xchunked\r\nContent-Length: {length}\r\n"),
            &chunked,
            OursOrClosed,
        ),
        of(
            "a folded length",
            &format!("X: y\r\n Content-Length: 0\r\nContent-Length: {length}\r\n"),
            &chunked,
            OursOrClosed,
        ),
        of(
            "a length hidden by a line feed",
            &format!("X: y\nContent-Length: 0\r\nContent-Length: {length}\r\n"),
            &chunked,
            OursOrClosed,
        ),
        // A body with a GET has no place to go; what is in it must not be taken for a request.
        Case::raw(
            "smuggling: in a GET",
            format!("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n{smuggled}", smuggled.len()),
            ours(200, ""),
        ),
        Case::raw(
            "smuggling: in a refused request",
            format!(
                "POST / HTTP/1.1\r\nHost: x\r\nOrigin: https://page.example\r\nContent-Length: {}\r\n\r\n{smuggled}",
                smuggled.len()
            ),
            ours(400, "AccessDeniedException"),
        ),
        Case::raw(
            "smuggling: behind a body that is too large",
            {
                let body = vec![b' '; (16 << 20) + 1];
                let head = query(&format!("Content-Length: {}\r\n", body.len()), "");
                [&head[..], &body, smuggled.as_bytes()].concat()
            },
            ours(413, ""),
        ),
    ]
}

fn no_http() -> Vec<Case> {
    let hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec();
    let all: Vec<u8> = (0..=255).cycle().take(100_000).collect();
    let of = |name: &str, bytes: Vec<u8>| Case::raw(name, bytes, OursOrClosed).then(Then::Finish);
    vec![
        of("nothing", Vec::new()),
        of("an empty line", b"\r\n\r\n\r\n".to_vec()),
        of("HTTP/0.9", b"GET /\r\n".to_vec()),
        of("HTTP/0.9 with POST", b"POST /\r\n{}\r\n".to_vec()),
        of("TLS", hello),
        of("SSH", b"SSH-2.0-OpenSSH_9.6\r\n".to_vec()),
        of("Redis", b"*1\r\n$4\r\nPING\r\n".to_vec()),
        of(
            "a proxy's announcement",
            b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\nPOST / HTTP/1.1\r\n\r\n".to_vec(),
        ),
        of("zeros", vec![0; 100_000]),
        of("letters without end", vec![b'a'; 1 << 20]),
        of("bytes of all kinds", all),
        of("line feeds alone", b"POST / HTTP/1.1\nHost: x\n\n".to_vec()),
        of("an answer", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()),
        of("JSON", GOOD.as_bytes().to_vec()),
    ]
}

fn http2() -> Vec<Case> {
    const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    // Whatever the node says is in frames, which no client of HTTP/1 reads: so nobody waits for it.
    let of = |name: &str, frames: &[u8]| {
        let bytes = [PREFACE, frames].concat();
        Case::raw(format!("HTTP/2: {name}"), bytes, Nobody).then(Then::Leave)
    };
    let settings = |frames: &[u8]| [SETTINGS, frames].concat();
    vec![
        of("nothing", b""),
        of("no settings", b"\0\0\0\0\0\0\0\0\x01"),
        of("letters", &[b'a'; 10_000]),
        of("HTTP/1", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"),
        of("a huge frame", &settings(b"\xff\xff\xff\0\0\0\0\0\x01")),
        of("headers that are none", &settings(b"\0\0\x05\x01\x05\0\0\0\x01\xff\xff\xff\xff\xff")),
        of("data of no stream", &settings(b"\0\0\x01\0\x01\0\0\0\x07x")),
        of("a stream of the server", &settings(b"\0\0\x01\x01\x05\0\0\0\x02\x82")),
        of("an endless header", &settings(&b"\0\0\x01\x09\0\0\0\0\x01\x82".repeat(10_000))),
        of(
            "resets without end",
            &settings(&b"\0\0\x01\x01\x05\0\0\0\x01\x82\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08".repeat(5_000)),
        ),
        of("pings without end", &settings(&b"\0\0\x08\x06\0\0\0\0\0abcdefgh".repeat(10_000))),
        of("settings without end", &SETTINGS.repeat(10_000)),
        Case::raw("HTTP/2: half a preface", &PREFACE[..10], Nobody).then(Then::Leave),
        Case::raw("HTTP/2: a preface that turns", &b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n"[..], OursOrClosed)
            .then(Then::Finish),
    ]
}

/// Connections that end where they should not.
fn cut_off() -> Vec<Case> {
    let whole = String::from_utf8(call(GOOD, "X-Test-Case: {case}\r\n")).unwrap();
    let body_at = whole.len() - GOOD.len();
    let mut cases = Vec::new();
    for (name, at) in [
        ("in the method", 2),
        ("behind the first line", whole.find("\r\n").unwrap() + 2),
        ("in a header", whole.find("Host").unwrap() + 2),
        ("in a header's value", whole.find("DynamoDB").unwrap() + 4),
        ("before the last line feed", body_at - 1),
        ("before the body", body_at),
        ("in the body", body_at + 5),
        ("before the last byte", whole.len() - 1),
    ] {
        for then in [Then::Leave, Then::Reset] {
            let bytes = whole.as_bytes()[..at].to_vec();
            cases.push(Case::raw(format!("cut off {name}: {then:?}"), bytes, Nobody).then(then));
        }
        let bytes = whole.as_bytes()[..at].to_vec();
        let expected = if at < body_at { OursOrClosed } else { ours(400, "SerializationException") };
        cases.push(Case::raw(format!("ends {name}"), bytes, expected).then(Then::Finish));
    }
    cases
}
