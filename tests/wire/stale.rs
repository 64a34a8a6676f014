//! What expired stands in for an origin in trouble: within its grace, for reads that may be old, and never for whom the
//! origin refuses.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use tokio::net::TcpSocket;

use crate::{
    client::{Answer, PATIENCE},
    dynamo::{Dynamo, get, item, key, query},
    faults::arrived,
    node::Node,
    stub::{self, Ending, Stub},
    time::pass,
};

const TABLE: &str = "Albums";
const READS: [&str; 3] = ["GetItem", "BatchGetItem", "Query"];

const TTL: Duration = Duration::from_secs(60);
const GRACE: Duration = Duration::from_secs(600);
/// Less than a client waits.
const TIMEOUT: Duration = Duration::from_secs(10);
const SETTINGS: [(&str, &str); 4] =
    [("cache.ttl", "60s"), ("cache.jitter", "0"), ("cache.stale_grace", "600s"), ("upstream.timeout", "10s")];
/// How long ago everything has expired when the trouble begins.
const AGE: Duration = Duration::from_secs(9);

/// A DynamoDB that can fall ill, and a node before it.
struct Rig {
    stub: Stub,
    node: Node,
    /// How every exchange ends while it is ill, but that of a question about a table.
    illness: Arc<Mutex<Option<Ending>>>,
}

impl Rig {
    /// One whose node has an entry for each of [`READS`], all of them expired.
    async fn new(settings: &[(&str, &str)]) -> Rig {
        let dynamo = Dynamo::new();
        dynamo.write((TABLE.into(), "a/1".into()), item("a/1", 1));
        let illness = Arc::<Mutex<Option<Ending>>>::default();
        let state = Arc::clone(&illness);
        let stub = Stub::start(move |received| {
            let illness = state.lock().unwrap().clone().filter(|_| received.operation() != "DescribeTable");
            std::future::ready(illness.unwrap_or_else(|| dynamo.serve(&received)))
        });
        let node = Node::with(&stub, &[&SETTINGS[..], settings].concat()).await;
        let rig = Rig { stub, node, illness };
        for operation in READS {
            let answer = rig.read(operation).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, shown(operation)));
            assert_eq!(rig.read(operation).await.outcome(), "hit", "{operation}");
        }
        pass(TTL + AGE).await;
        rig
    }

    fn fall_ill(&self, how: impl Into<Ending>) {
        *self.illness.lock().unwrap() = Some(how.into());
    }

    async fn read(&self, operation: &str) -> Answer {
        self.ask(operation, &request(operation)).await
    }

    async fn read_strongly(&self, operation: &str) -> Answer {
        let mut request = request(operation);
        match operation {
            "BatchGetItem" => request["RequestItems"][TABLE]["ConsistentRead"] = json!(true),
            _ => request["ConsistentRead"] = json!(true),
        }
        self.ask(operation, &request).await
    }

    async fn ask(&self, operation: &str, request: &Value) -> Answer {
        let answer = self.node.post(operation, request.to_string());
        if !matches!(*self.illness.lock().unwrap(), Some(Ending::Silence)) {
            return answer.await;
        }
        let asked = self.stub.count(operation);
        let too_late = async {
            arrived(&self.stub, operation, asked + 1).await;
            pass(TIMEOUT).await;
        };
        tokio::join!(answer, too_late).0
    }

    /// How many calls that an item answers, and how many that a result does, were answered with what had expired.
    async fn stale_hits(&self) -> [f64; 2] {
        let of = async |cache: &str| {
            let cache = format!("cache=\"{cache}\"");
            let labels = ["table=\"Albums\"", &*cache, "outcome=\"stale-hit\""];
            self.node.metric("linac_cache_outcomes_total", &labels).await
        };
        [of("item").await, of("query").await]
    }

    /// Within the grace every read is answered but the strong ones; after it none is.
    async fn check(&self, trouble: &str) {
        for operation in READS {
            let what = format!("{operation}, {trouble}");
            let answer = self.read(operation).await;
            assert_eq!((answer.status.as_u16(), answer.json()), (200, shown(operation)), "{what}");
            check_is_marked(&answer, &what);
            let strong = self.read_strongly(operation).await;
            assert!(is_failure(&strong), "{what}: {strong:?}");
        }
        assert_eq!(self.stale_hits().await, [2.0, 1.0], "{trouble}");
        pass(GRACE).await;
        for operation in READS {
            let answer = self.read(operation).await;
            assert!(is_failure(&answer), "{operation}, {trouble}: {answer:?}");
        }
        assert_eq!(self.stale_hits().await, [2.0, 1.0], "{trouble}");
    }
}

fn request(operation: &str) -> Value {
    let body = match operation {
        "GetItem" => get(TABLE, "a/1"),
        "Query" => query(TABLE, "a"),
        _ => json!({ "RequestItems": { TABLE: { "Keys": [key("a/1")] } } }).to_string(),
    };
    serde_json::from_str(&body).unwrap()
}

/// What is answered as long as nobody writes.
fn shown(operation: &str) -> Value {
    let item = item("a/1", 1);
    match operation {
        "GetItem" => json!({ "Item": item }),
        "Query" => json!({ "Items": [item], "Count": 1, "ScannedCount": 1 }),
        _ => json!({ "Responses": { TABLE: [item] }, "UnprocessedKeys": {} }),
    }
}

/// As RFC 9211 has it: what is left of its life is less than nothing.
fn check_is_marked(answer: &Answer, what: &str) {
    assert_eq!(answer.outcome(), "hit; detail=stale", "{what}");
    let age = answer.cache().split("; ").find_map(|part| part.strip_prefix("ttl=-")?.parse::<u64>().ok());
    assert!(age.is_some_and(|age| (AGE.as_secs()..GRACE.as_secs()).contains(&age)), "{what}: {age:?}");
}

fn is_failure(answer: &Answer) -> bool {
    answer.status != 200 && !answer.outcome().starts_with("hit")
}

#[tokio::test]
async fn whoever_the_origin_fails_or_throttles_is_shown_what_expired_within_its_grace() {
    let troubles: [(&str, Ending); 9] = [
        ("closed", Ending::Close),
        ("reset", Ending::Reset),
        ("broken off", Ending::HalfThenReset(stub::Answer::ok("{\"Item\":{}}"))),
        ("internal error", stub::Answer::error(500, "InternalServerError", "").into()),
        ("busy", stub::Answer::of(503, "busy").into()),
        ("too late for a gateway", stub::Answer::of(504, "").into()),
        ("above what is provisioned", throttled("ProvisionedThroughputExceededException")),
        ("throttled", throttled("ThrottlingException")),
        ("above the account's limit", throttled("RequestLimitExceeded")),
    ];
    for (trouble, ending) in troubles {
        let rig = Rig::new(&[]).await;
        rig.fall_ill(ending);
        rig.check(trouble).await;
    }
}

fn throttled(code: &str) -> Ending {
    stub::Answer::error(400, code, "").into()
}

#[tokio::test]
async fn whoever_waits_for_the_origin_in_vain_is_shown_it_too() {
    let rig = Rig::new(&[]).await;
    rig.fall_ill(Ending::Silence);
    rig.check("silence").await;
}

#[tokio::test]
async fn whoever_finds_no_origin_is_shown_it_too() {
    let rig = Rig::new(&[]).await;
    rig.stub.stop();
    // Nobody else takes the port meanwhile, and nobody listens there.
    let taken = async {
        loop {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseaddr(true).unwrap();
            if socket.bind(rig.stub.address).is_ok() {
                return socket;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let _taken = tokio::time::timeout(PATIENCE, taken).await.expect("the stub leaves its port");
    rig.check("down").await;
}

#[tokio::test]
async fn whoever_the_open_breaker_turns_away_is_shown_it_too() {
    let rig = Rig::new(&[("upstream.breaker_cool_down", "1h")]).await;
    rig.fall_ill(Ending::Reset);
    let state = async || rig.node.metric("linac_upstream_breaker_state", &[]).await;
    while state().await < 2.0 {
        check_is_marked(&rig.read("GetItem").await, "the breaker is closed");
    }
    rig.stub.forget();
    for operation in READS {
        check_is_marked(&rig.read(operation).await, operation);
        assert_eq!(rig.read_strongly(operation).await.error(), "ServiceUnavailable", "{operation}");
        assert_eq!(rig.stub.count(operation), 0, "{operation}");
    }
}

#[tokio::test]
async fn whoever_the_origin_refuses_is_shown_the_refusal() {
    for (status, code) in [
        (400, "AccessDeniedException"),
        (400, "UnrecognizedClientException"),
        (400, "ExpiredTokenException"),
        (400, "MissingAuthenticationTokenException"),
        (403, "AccessDeniedException"),
        (403, "InvalidSignatureException"),
    ] {
        let rig = Rig::new(&[]).await;
        let refusal = stub::Answer::error(status, code, "words of theirs");
        rig.fall_ill(refusal.clone());
        for operation in READS {
            let answer = rig.read(operation).await;
            assert_eq!((answer.status, &answer.body), (refusal.status, &refusal.body), "{operation} {code}");
            assert_eq!(answer.outcome(), "fwd=miss", "{operation} {code}");
        }
        assert_eq!(rig.stale_hits().await, [0.0, 0.0], "{code}");
        // There was something to show.
        rig.fall_ill(Ending::Reset);
        for operation in READS {
            check_is_marked(&rig.read(operation).await, &format!("{operation} after {code}"));
        }
    }
}

#[tokio::test]
async fn nothing_stands_in_by_default_or_after_a_write() {
    let by_default = Rig::new(&[("cache.stale_grace", "off")]).await;
    let after_a_write = Rig::new(&[]).await;
    let update = json!({
        "TableName": TABLE,
        "Key": key("a/1"),
        "UpdateExpression": "SET v = :v",
        "ExpressionAttributeValues": { ":v": { "N": "2" } },
    });
    assert_eq!(after_a_write.node.post("UpdateItem", update.to_string()).await.status, 200);
    for rig in [by_default, after_a_write] {
        rig.fall_ill(Ending::Reset);
        for operation in READS {
            let answer = rig.read(operation).await;
            assert!(is_failure(&answer), "{operation}: {answer:?}");
        }
        assert_eq!(rig.stale_hits().await, [0.0, 0.0]);
    }
}
