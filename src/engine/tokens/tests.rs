//! What tokens are remembered, and for how long. Time cannot be turned forward here; what was remembered is
//! made older instead.

use backend::Call;
use base::{Chance, Clock, Drain};
use bytes::Bytes;
use model::Target;
use serde_json::{Value, json};
use store::{Direction, Place, Store};

use super::*;
use crate::{Config, Engine, Parts};

const MINUTE: u64 = 60 * 1000;

fn store() -> Store {
    Store::open(store::Config::new(Place::Memory), Clock::start()).unwrap().0
}

/// In a transaction of the store's own.
fn turn<T: Send + 'static>(
    store: &Store,
    change: impl FnOnce(&mut Transaction<'_>) -> Result<T, EngineError> + Send + 'static,
) -> T {
    store.write_blocking(change).unwrap().unwrap()
}

fn remembered(at: u64) -> Remembered {
    Remembered { digest: String::new(), at, read_units: BTreeMap::new() }
}

/// Makes what is remembered under a token older, as time would.
fn age(store: &Store, token: &'static str, by: u64) {
    turn(store, move |tx| {
        let row = [ROWS, token.as_bytes()].concat();
        let mut old: Remembered = serde_json::from_slice(&tx.get(CATALOG, &row)?.unwrap()).unwrap();
        old.at -= by;
        tx.put(CATALOG, &row, json(&old));
        Ok(())
    });
}

#[test]
fn a_token_is_valid_for_10_minutes() {
    let store = store();
    for (age, is_valid) in [(0, true), (9 * MINUTE, true), (10 * MINUTE, false), (60 * MINUTE, false)] {
        let found = turn(&store, move |tx| {
            let at = tx.commit_time() - age;
            remember(tx, "token", &remembered(at))?;
            recall(tx, "token")
        });
        assert_eq!(found.is_some(), is_valid, "{age} ms");
    }
}

#[test]
fn old_tokens_do_not_pile_up() {
    let store = store();
    let rows = |tx: &Transaction<'_>, from: &[u8], to: &[u8]| {
        tx.range(
            CATALOG,
            (std::ops::Bound::Included(from), std::ops::Bound::Excluded(to)),
            Direction::Forward,
        )
        .count()
    };
    turn(&store, |tx| {
        for number in 0..100 {
            let at = tx.commit_time() - 20 * MINUTE + number;
            remember(tx, &format!("old {number}"), &remembered(at))?;
        }
        Ok(())
    });
    for number in 0..50 {
        turn(&store, move |tx| {
            let at = tx.commit_time();
            remember(tx, &format!("new {number}"), &remembered(at))
        });
    }
    let left = turn(&store, move |tx| Ok((rows(tx, ROWS, b"token0"), rows(tx, TIME_ROWS, b"token-time0"))));
    assert_eq!(left, (50, 50));
}

#[test]
fn a_token_used_again_is_not_forgotten_with_its_first_use() {
    let store = store();
    let use_it = |age: u64| {
        turn(&store, move |tx| {
            let at = tx.commit_time() - age;
            remember(tx, "token", &remembered(at))
        });
    };
    use_it(15 * MINUTE);
    use_it(MINUTE);
    for number in 0..10 {
        turn(&store, move |tx| {
            let at = tx.commit_time();
            remember(tx, &format!("other {number}"), &remembered(at))
        });
    }
    assert!(turn(&store, |tx| recall(tx, "token")).is_some());
}

#[tokio::test]
async fn a_transaction_is_carried_out_again_after_10_minutes() {
    let metrics = crate::Metrics::register(&prometheus::Registry::new()).unwrap();
    let parts = Parts { clock: Clock::start(), chance: Chance::seeded(1), drain: Drain::new(), metrics };
    let config = Config {
        item_collection_bytes_max: model::limits::ITEM_COLLECTION_BYTES_MAX,
        store: store::Config::new(Place::Memory),
        ttl_sweep: None,
        region: "eu-central-1".to_owned(),
        account: "000000000000".to_owned(),
    };
    let (engine, _opened) = Engine::open(config, parts).unwrap();
    let now = engine.core.clock.now();
    let ask = async |operation: &str, body: Value| -> Value {
        let body = Bytes::from(body.to_string());
        let answer = engine.core.carry_out(&Call::internal(Target::of(operation), body, now)).await.unwrap();
        serde_json::from_slice(&answer).unwrap()
    };
    ask(
        "CreateTable",
        json!({
            "TableName": "Things", "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{ "AttributeName": "pk", "KeyType": "HASH" }],
            "AttributeDefinitions": [{ "AttributeName": "pk", "AttributeType": "S" }],
        }),
    )
    .await;
    let key = json!({ "pk": { "S": "a" } });
    let transaction = json!({
        "TransactItems": [{ "Update": {
            "TableName": "Things", "Key": key, "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": { ":one": { "N": "1" } },
        } }],
        "ClientRequestToken": "token",
    });
    for (age_before, expected) in [(0, "1"), (9 * MINUTE, "1"), (MINUTE, "2"), (9 * MINUTE, "2")] {
        if age_before > 0 {
            age(&engine.core.store, "token", age_before);
        }
        ask("TransactWriteItems", transaction.clone()).await;
        let got = ask("GetItem", json!({ "TableName": "Things", "Key": key, "ConsistentRead": true })).await;
        assert_eq!(got["Item"]["n"]["N"], expected);
    }
}
