//! What is thrown away, seen from inside.

use std::time::Duration;

use backend::{Backend, Call};
use base::{Chance, Clock, Drain};
use model::Target;
use serde_json::{Value, json};
use store::{Direction, Place};

use super::*;
use crate::{Config, Engine, Metrics, Parts};

const HOUR: Duration = Duration::from_secs(60 * 60);

fn engine() -> (Engine, Clock) {
    let clock = Clock::start();
    let store = store::Config::new(Place::Memory);
    let (region, account) = ("eu-central-1".to_owned(), "000000000000".to_owned());
    let metrics = Metrics::register(&prometheus::Registry::new()).unwrap();
    let parts = Parts { clock: clock.clone(), chance: Chance::seeded(1), drain: Drain::new(), metrics };
    let item_collection_bytes_max = model::limits::ITEM_COLLECTION_BYTES_MAX;
    let config = Config { store, ttl_sweep: None, region, account, item_collection_bytes_max };
    let (engine, _) = Engine::open(config, parts).unwrap();
    (engine, clock)
}

async fn done(engine: &Engine, operation: &str, body: Value) {
    let deadline = engine.core.clock.now() + HOUR;
    let call = Call::internal(Target::of(operation), body.to_string().into(), deadline);
    let reply = engine.call(call).await.unwrap();
    assert!(reply.status().is_success(), "{operation}: {:?}", reply.body());
}

async fn put(engine: &Engine, n: usize) {
    let item = json!({ "pk": { "S": n.to_string() } });
    done(engine, "PutItem", json!({ "TableName": "Tab", "Item": item })).await;
}

/// How many records are kept, whether they can be read or not; `None` without a stream.
fn kept(engine: &Engine, space: Space) -> Option<usize> {
    let view = engine.core.store.view();
    view.has(space).then(|| view.range(space, .., Direction::Forward).count())
}

#[tokio::test]
async fn what_nobody_can_read_any_more_is_thrown_away() {
    let (engine, clock) = engine();
    let body = json!({
        "TableName": "Tab", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
        "StreamSpecification": { "StreamEnabled": true, "StreamViewType": "KEYS_ONLY" },
    });
    done(&engine, "CreateTable", body).await;
    let space = list(&engine.core.store.view(), None, None).next().unwrap().unwrap().space();
    for n in 0..600 {
        put(&engine, n).await;
    }
    clock.turn_calendar(12 * HOUR);
    put(&engine, 600).await;
    let trimmed_after = async |span: Duration| {
        clock.turn_calendar(span);
        engine.core.trim_streams().await.unwrap();
        kept(&engine, space)
    };
    assert_eq!(trimmed_after(12 * HOUR).await, Some(601), "iterators may still point at them");
    assert_eq!(trimmed_after(HOUR / 2).await, Some(1));
    done(&engine, "DeleteTable", json!({ "TableName": "Tab" })).await;
    assert_eq!(trimmed_after(HOUR).await, Some(1));
    assert_eq!(trimmed_after(23 * HOUR).await, None);
    assert!(list(&engine.core.store.view(), None, None).next().is_none());
}
