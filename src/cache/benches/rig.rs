//! A cache in front of an origin that answers at once.

#![allow(dead_code, reason = "not all benches ask for all of it")]

use std::{sync::Arc, time::Duration};

use backend::{Backend, Call, Failure, Reply, Wire, doubles::origin_reply};
use base::{Chance, Clock, Drain};
use bytes::Bytes;
use cache::{Caching, Config, Metrics, Mode, Parts, Rule, RuleBook, TableRule, Ttl};
use futures_util::{FutureExt, future::BoxFuture};
use model::Target;
use prometheus::Registry;

/// A cache of so many bytes; what it keeps ends by eviction alone.
pub(crate) struct Node {
    caching: Arc<Caching>,
    clock: Clock,
    registry: Registry,
}

/// Unlike the scripted double it forgets what it was asked, which would count as memory of the cache.
struct Origin {
    answer: Box<dyn Fn(&Call) -> Bytes + Send + Sync>,
}

/// A table with the partition key `p`, and an index over the attribute `g`.
const DESCRIPTION: &str = r#"{"Table":{"TableName":"Tab","TableId":"1","TableStatus":"ACTIVE",
    "TableArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/Tab",
    "KeySchema":[{"AttributeName":"p","KeyType":"HASH"}],
    "GlobalSecondaryIndexes":[{"IndexName":"ByG","IndexStatus":"ACTIVE",
        "KeySchema":[{"AttributeName":"g","KeyType":"HASH"}],"Projection":{"ProjectionType":"ALL"}}],
    "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},
        {"AttributeName":"g","AttributeType":"S"}]}}"#;

impl Backend for Origin {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        let body = match call.target().word() {
            "DescribeTable" => Bytes::from_static(DESCRIPTION.as_bytes()),
            _ => (self.answer)(&call),
        };
        std::future::ready(Ok(origin_reply(200, body))).boxed()
    }
}

impl Node {
    pub(crate) fn new(bytes_max: u64, answer: impl Fn(&Call) -> Bytes + Send + Sync + 'static) -> Node {
        Node::of_mode(Mode::On, bytes_max, answer)
    }

    pub(crate) fn of_mode(
        mode: Mode,
        bytes_max: u64,
        answer: impl Fn(&Call) -> Bytes + Send + Sync + 'static,
    ) -> Node {
        let rule = Rule::new(Ttl::Forever, Ttl::Forever);
        let config = Config {
            mode,
            bytes_max,
            rules: RuleBook { default: TableRule::new(rule), tables: [].into() },
            jitter: 0.0,
            settle: Duration::ZERO,
            doubt: Duration::from_secs(30),
            fill_timeout: Duration::from_secs(5),
            stream_poll: Duration::from_millis(250),
        };
        let (clock, registry) = (Clock::start(), Registry::new());
        let parts = Parts {
            clock: clock.clone(),
            chance: Chance::seeded(1),
            drain: Drain::new(),
            metrics: Metrics::register(&registry).unwrap(),
        };
        let caching = Caching::new(config, Arc::new(Origin { answer: Box::new(answer) }), parts);
        Node { caching, clock, registry }
    }

    /// A client's call, not decoded yet.
    pub(crate) fn call(&self, operation: &str, body: impl Into<Bytes>) -> Call {
        let target = Target::parse(&format!("DynamoDB_20120810.{operation}")).unwrap();
        let wire = Wire { body: body.into(), ..Wire::default() };
        Call::from_client(target, wire, String::new(), self.clock.now() + Duration::from_secs(60))
    }

    /// Answers from memory alone.
    pub(crate) fn ready(&self, call: &Call) -> Option<Reply> {
        self.caching.ready(call)
    }

    /// Asks as a door does; whether memory had the answer.
    pub(crate) async fn is_hit(&self, call: Call) -> bool {
        match self.ready(&call) {
            Some(_) => true,
            None => {
                self.caching.call(call).await.unwrap();
                false
            }
        }
    }

    /// A number that the cache tells its operators.
    pub(crate) fn gauge(&self, name: &str) -> f64 {
        let families = self.registry.gather();
        families.iter().find(|family| family.name() == name).unwrap().get_metric()[0].get_gauge().get_value()
    }
}

/// What a client sends that reads the item of a key, or queries its partition.
pub(crate) fn body_of(operation: &str, key: u64) -> String {
    let asks = match operation {
        "Query" => {
            format!(
                r#""KeyConditionExpression":"p = :p","ExpressionAttributeValues":{{":p":{{"S":"{key:08}"}}}}"#
            )
        }
        _ => format!(r#""Key":{{"p":{{"S":"{key:08}"}}}}"#),
    };
    format!(r#"{{"TableName":"Tab",{asks}}}"#)
}

/// The key that a read is about: no other digits are in it.
pub(crate) fn key_of(call: &Call) -> u64 {
    let digits = call.wire().body.iter().filter(|byte| byte.is_ascii_digit());
    digits.fold(0, |key, digit| key * 10 + u64::from(digit - b'0'))
}
