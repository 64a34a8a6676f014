//! Hundreds of requests that no good client sends. Each ends in the upstream's error or a clear one of ours, the
//! process lives, its memory stays bounded, and nothing of it gets into the cache.

mod bodies;
mod streams;

use std::{collections::BTreeMap, time::Duration};

use base::Clock;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use serde_json::json;

use crate::{
    client::{self, Answer, Wire},
    dynamo::{Dynamo, get, item},
    node::Process,
    stub::{self, Ending, Received, Stub},
};

/// A request and what must come of it.
struct Case {
    name: String,
    bytes: Bytes,
    then: Then,
    expected: Expected,
}

/// What the client does once it has sent all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    Wait,
    /// Says that nothing more will come.
    Finish,
    /// Closes the connection without waiting.
    Leave,
    /// Resets the connection.
    Reset,
}

/// Who answers.
#[derive(Debug, Clone, PartialEq)]
enum Expected {
    /// The upstream, which gets the body as it came.
    Upstream { body: Bytes },
    /// The same; the bundled engine cannot make anything of it.
    Undecodable { body: Bytes },
    /// This node, with a status and the name of an error, if it is one of DynamoDB's.
    Ours { status: u16, error: &'static str },
    /// This node, with an error of HTTP, or by closing the connection.
    OursOrClosed,
    /// Nobody, since nobody waits for it.
    Nobody,
}

/// What the upstream says to everything but the good requests.
const REFUSAL: &str =
    r#"{"__type":"com.amazon.coral.validate#ValidationException","message":"the stub refuses"}"#;
/// A good request's table. All others are refused.
const GOOD_TABLE: &str = "Good";
/// The header by which a case is told from the others.
const CASE: &str = "x-test-case";

/// Cases at once.
const TOGETHER: usize = 6;
/// For a case to end: a stall of a core would take longer.
const CASE_PATIENCE: Duration = Duration::from_secs(10);
/// The node's limit for bodies that do not arrive.
const READ_TIMEOUT: &str = "4s";
/// More than the bodies under way together, decompressed, decoded and signed, in a build for tests.
const GROWTH_MAX: u64 = 500 << 20;

/// Two processes with all of this under way would keep each other from reading bodies in time.
static ALONE: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_end_in_a_clear_error_and_hurt_nobody() {
    let _alone = ALONE.lock().await;
    let dynamo = Dynamo::new();
    dynamo.write((GOOD_TABLE.into(), "a".into()), item("a", 1));
    let stub = Stub::start(move |received| std::future::ready(serve(&dynamo, &received)));
    let variables = [("LINAC__JSON__READ_TIMEOUT", READ_TIMEOUT)];
    let mut process = Process::before(&stub, &[], &variables).await;
    good_request_works(&process).await;
    let (before, _) = process.resident_bytes();

    let judge = |number: &str, answer: Option<&Answer>, expected: &Expected| {
        let received = stub.received().into_iter().find(|received| received.header(CASE) == number);
        wrong(answer, received.as_ref(), expected)
    };
    run_all(&mut process, before, &judge).await;
    let smuggled = stub.received().into_iter().find(|received| received.header(CASE) == "smuggled");
    assert!(smuggled.is_none(), "{smuggled:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn malformed_requests_get_the_errors_of_the_bundled_engine_and_hurt_nobody() {
    let _alone = ALONE.lock().await;
    let variables = [("LINAC__JSON__READ_TIMEOUT", READ_TIMEOUT)];
    let mut process = Process::start(&["--in-memory"], &variables).await;
    // The second one for requests that are wrong to be refused as such, and not for want of a table.
    for name in [GOOD_TABLE, "Bad"] {
        let table = json!({
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{ "AttributeName": "p", "AttributeType": "S" }],
            "KeySchema": [{ "AttributeName": "p", "KeyType": "HASH" }],
        });
        assert_eq!(process.post("CreateTable", table.to_string()).await.status, 200);
    }
    let put = json!({ "TableName": GOOD_TABLE, "Item": item("a", 1) });
    assert_eq!(process.post("PutItem", put.to_string()).await.status, 200);
    good_request_works(&process).await;
    let (before, _) = process.resident_bytes();
    run_all(&mut process, before, &|_, answer, expected| wrong_of_engine(answer, expected)).await;
}

/// What is wrong with the answer to a case, by its number.
type Judge<'a> = dyn Fn(&str, Option<&Answer>, &Expected) -> Option<String> + Sync + 'a;

/// Every case against a process that held `before` bytes.
async fn run_all(process: &mut Process, before: u64, judge: &Judge<'_>) {
    let cases: Vec<Case> = bodies::cases().into_iter().chain(streams::cases()).collect();
    assert!(cases.len() >= 200, "only {} cases", cases.len());
    let count = cases.len();
    let results = stream::iter(cases.into_iter().enumerate())
        .map(|(number, case)| run(process, judge, number, case))
        .buffer_unordered(TOGETHER)
        .collect::<Vec<_>>()
        .await;

    let wrong: Vec<String> = results.iter().filter_map(|ran| ran.wrong.clone()).collect();
    assert!(wrong.is_empty(), "{} of {count} went wrong:\n{}\n", wrong.len(), wrong.join("\n"));
    assert!(process.is_running(), "{}", process.log());
    good_request_works(process).await;
    assert!(!process.log().contains("panicked"), "{}", process.log());
    let (after, peak) = process.resident_bytes();
    let slowest = results.iter().max_by_key(|ran| ran.took).unwrap();
    println!(
        "{count} cases; resident {} MiB before, {} after, {} at most; slowest {:?}: {}; {:?}",
        before >> 20,
        after >> 20,
        peak >> 20,
        slowest.took,
        slowest.name,
        tally(&results),
    );
    assert!(peak < before + GROWTH_MAX, "resident memory grew from {before} to {peak} bytes");
}

/// What came of a case.
struct Ran {
    name: String,
    took: Duration,
    status: Option<u16>,
    wrong: Option<String>,
}

fn tally(results: &[Ran]) -> BTreeMap<Option<u16>, usize> {
    results.iter().fold(BTreeMap::new(), |mut tally, ran| {
        *tally.entry(ran.status).or_default() += 1;
        tally
    })
}

async fn run(process: &Process, judge: &Judge<'_>, number: usize, case: Case) -> Ran {
    let Case { name, bytes, then, expected } = case;
    let number = number.to_string();
    let clock = Clock::start();
    let began = clock.now();
    let bytes = with_number(&bytes, &number);
    let answer = tokio::time::timeout(CASE_PATIENCE, converse(process, &bytes, then)).await;
    let took = clock.now() - began;
    // Whatever it was, others are served as before.
    good_request_works(process).await;
    let wrong = match &answer {
        Err(_) => Some("took too long".to_owned()),
        Ok(answer) => judge(&number, answer.as_ref(), &expected),
    };
    let wrong = wrong.map(|wrong| format!("{name}: {wrong}"));
    Ran { name, took, status: answer.ok().flatten().map(|answer| answer.status.as_u16()), wrong }
}

/// Sends a case's bytes; what comes back.
async fn converse(process: &Process, bytes: &[u8], then: Then) -> Option<Answer> {
    let mut wire = Wire::connect(process.json).await;
    wire.write(bytes).await;
    match then {
        Then::Wait => {}
        Then::Finish => wire.finish().await,
        Then::Leave => return None,
        Then::Reset => {
            wire.reset();
            return None;
        }
    }
    wire.answer().await
}

/// What is wrong with an answer.
fn wrong(answer: Option<&Answer>, received: Option<&Received>, expected: &Expected) -> Option<String> {
    if let Some(answer) = answer
        && answer.outcome().starts_with("hit")
    {
        return Some(format!("was answered from the cache: {answer:?}"));
    }
    let is_refusal = answer.is_some_and(|answer| answer.status == 400 && answer.body == REFUSAL);
    let brief = |answer: Option<&Answer>| match answer {
        Some(answer) => format!("{} {:?}", answer.status, String::from_utf8_lossy(&answer.body)),
        None => "the connection ended".to_owned(),
    };
    match expected {
        Expected::Upstream { body } | Expected::Undecodable { body } => match received {
            None => Some(format!("did not reach the upstream: {}", brief(answer))),
            Some(received) if received.body != body => Some(format!(
                "reached the upstream as {:?}",
                received.body.slice(..received.body.len().min(200))
            )),
            Some(_) if !is_refusal => Some(format!("is not the upstream's error: {}", brief(answer))),
            Some(_) => None,
        },
        Expected::Ours { status, error } => {
            let is_ours = answer.is_some_and(|a| a.status.as_u16() == *status && a.error() == *error);
            let is_clear = is_ours && received.is_none();
            (!is_clear).then(|| format!("{} instead of {expected:?}; {received:?}", brief(answer)))
        }
        Expected::OursOrClosed => {
            let is_refused = answer.is_none_or(|a| a.status.is_client_error() || a.status == 505);
            (!is_refused || received.is_some()).then(|| format!("{}; {received:?}", brief(answer)))
        }
        Expected::Nobody => received.map(|received| format!("reached the upstream: {received:?}")),
    }
}

const DENIED: &str = "AccessDeniedException";
/// What the bundled engine finds wrong with a malformed request.
const ERRORS_OF_ENGINE: [&str; 3] =
    ["SerializationException", "UnknownOperationException", "ValidationException"];

/// What is wrong with an answer of the bundled engine's: it may find nothing wrong with a request, as DynamoDB
/// ignores what it does not know, but it never fails.
fn wrong_of_engine(answer: Option<&Answer>, expected: &Expected) -> Option<String> {
    match (expected, answer) {
        // Denied is what could not be sent upstream, and what web pages send.
        (Expected::Upstream { .. } | Expected::Ours { error: DENIED, .. }, answer) => {
            let may_deny = matches!(expected, Expected::Ours { .. });
            let is_fine = answer.is_some_and(|answer| match answer.status.as_u16() {
                200 => true,
                400 => {
                    may_deny && answer.error() == DENIED
                        || ERRORS_OF_ENGINE.contains(&answer.error().as_str())
                }
                _ => false,
            });
            (!is_fine).then(|| format!("{answer:?}"))
        }
        (Expected::Undecodable { .. }, answer) => {
            wrong(answer, None, &Expected::Ours { status: 500, error: "InternalServerError" })
        }
        // Never reaches the engine.
        _ => wrong(answer, None, expected),
    }
}

async fn good_request_works(process: &Process) {
    let answer = client::post(process.json, "GetItem", get(GOOD_TABLE, "a")).await;
    assert_eq!(answer.json()["Item"], item("a", 1), "{answer:?}");
}

/// Good requests are served, everything else is refused.
fn serve(dynamo: &Dynamo, received: &Received) -> Ending {
    let is_good = received.operation() == "GetItem" && received.header(CASE).is_empty();
    match received.operation() {
        "DescribeTable" if received.header(CASE).is_empty() => dynamo.serve(received),
        _ if is_good => dynamo.serve(received),
        _ => stub::Answer::of(400, REFUSAL).into(),
    }
}

/// Puts the number of a case where it left room for it.
fn with_number(bytes: &Bytes, number: &str) -> Vec<u8> {
    const ROOM: &[u8] = b"{case}";
    // It is in the head, if it is there at all.
    let head = &bytes[..bytes.len().min(4096)];
    match head.windows(ROOM.len()).position(|window| window == ROOM) {
        Some(place) => [&bytes[..place], number.as_bytes(), &bytes[place + ROOM.len()..]].concat(),
        None => bytes.to_vec(),
    }
}

impl Case {
    /// A whole, well-formed HTTP request with this body.
    fn of(name: impl Into<String>, target: &str, body: impl Into<Bytes>) -> Case {
        let body = body.into();
        Case {
            name: name.into(),
            bytes: http(target, "Content-Type: application/x-amz-json-1.0\r\n", &body),
            then: Then::Wait,
            expected: Expected::Upstream { body },
        }
    }

    /// Any bytes.
    fn raw(name: impl Into<String>, bytes: impl Into<Bytes>, expected: Expected) -> Case {
        Case { name: name.into(), bytes: bytes.into(), then: Then::Wait, expected }
    }

    fn then(self, then: Then) -> Case {
        Case { then, ..self }
    }

    fn ours(self, status: u16, error: &'static str) -> Case {
        self.expecting(Expected::Ours { status, error })
    }

    fn expecting(self, expected: Expected) -> Case {
        Case { expected, ..self }
    }
}

/// A request as bytes, its length declared.
fn http(target: &str, headers: &str, body: &[u8]) -> Bytes {
    let target = if target.contains('.') { target.to_owned() } else { format!("DynamoDB_20120810.{target}") };
    let head = format!(
        "POST / HTTP/1.1\r\nHost: x\r\nX-Test-Case: {{case}}\r\nX-Amz-Target: {target}\r\n{headers}\
         Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat().into()
}
