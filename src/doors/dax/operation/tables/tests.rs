//! One client's mistake, or an origin that has no time, costs nobody else a table.

use std::sync::{
    Mutex,
    atomic::{AtomicUsize, Ordering},
};

use backend::{
    Reply,
    doubles::{Scripted, origin_reply},
};
use futures_util::{FutureExt, future::join_all};
use serde_json::json;

use super::*;

const PATIENCE: Duration = Duration::from_secs(30);

/// An origin that has one table under every name, and does as it is told.
struct Origin {
    script: Mutex<Script>,
    asked: AtomicUsize,
}

#[derive(Clone)]
enum Script {
    /// Describes a table whose key has this name.
    Key(&'static str),
    Error(u16, &'static str),
    Silence,
}

impl Origin {
    async fn answer(self: Arc<Self>) -> Result<Reply, Failure> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        // The answer is of the time when it was asked for.
        let script = self.script.lock().unwrap().clone();
        tokio::time::sleep(Duration::from_millis(20)).await;
        match script {
            Script::Key(name) => Ok(origin_reply(200, description(name))),
            Script::Error(status, code) => Ok(origin_reply(status, json!({ "__type": code }).to_string())),
            Script::Silence => std::future::pending().await,
        }
    }

    fn does(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }
}

fn description(key: &str) -> String {
    json!({ "Table": {
        "TableName": "t", "TableStatus": "ACTIVE",
        "KeySchema": [{ "AttributeName": key, "KeyType": "HASH" }],
        "AttributeDefinitions": [{ "AttributeName": key, "AttributeType": "S" }],
    } })
    .to_string()
}

struct Rig {
    origin: Arc<Origin>,
    tables: Arc<Tables>,
    clock: Clock,
}

fn rig() -> Rig {
    let origin = Arc::new(Origin { script: Mutex::new(Script::Key("a")), asked: AtomicUsize::new(0) });
    let asked = Arc::clone(&origin);
    let backend = Scripted::new(move |_| Arc::clone(&asked).answer().boxed());
    let clock = Clock::start();
    Rig { origin, tables: Arc::new(Tables::new(backend, clock.clone(), Drain::new())), clock }
}

impl Rig {
    async fn learn_within(&self, patience: Duration) -> Described {
        self.tables.learn("t", self.clock.now() + patience).await
    }

    /// The name of the key.
    async fn key(&self) -> String {
        self.learn_within(PATIENCE).await.unwrap().key_schema.partition[0].name.clone()
    }

    fn hear(&self, code: &str) {
        self.hear_all(json!({ "__type": code }));
    }

    fn hear_all(&self, body: serde_json::Value) {
        let reply = origin_reply(400, body.to_string());
        self.tables.hear(&Refused::of_origin(&reply), &["t"]);
    }
}

async fn pass(span: Duration) {
    tokio::time::sleep(span).await;
}

#[tokio::test(start_paused = true)]
async fn all_who_wait_for_a_table_wait_for_one_description() {
    let rig = rig();
    let keys = join_all((0..100).map(|_| rig.key())).await;
    assert!(keys.iter().all(|key| key == "a"));
    assert_eq!(rig.origin.asked(), 1);
    rig.origin.does(Script::Error(400, "ThrottlingException"));
    rig.tables.forget(&["t"]);
    let learnt = join_all((0..100).map(|_| rig.learn_within(PATIENCE))).await;
    assert!(learnt.iter().all(Result::is_err));
    assert_eq!(rig.origin.asked(), 2, "they share what comes of it, too");
    rig.origin.does(Script::Key("a"));
    assert_eq!(rig.key().await, "a", "and whoever comes later asks again");
}

#[tokio::test(start_paused = true)]
async fn one_who_waits_no_longer_takes_nothing_from_the_others() {
    let rig = rig();
    let (early, late) = tokio::join!(rig.learn_within(Duration::from_millis(5)), rig.learn_within(PATIENCE));
    assert!(early.is_err() && late.is_ok());
    assert_eq!(rig.origin.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_table_stays_known_while_the_origin_has_no_time_to_describe_it() {
    let rig = rig();
    assert_eq!(rig.key().await, "a");
    let endings = [
        Script::Error(400, "ThrottlingException"),
        Script::Error(500, "InternalServerError"),
        Script::Error(400, "AccessDeniedException"),
        Script::Silence,
    ];
    for ending in endings {
        let before = rig.origin.asked();
        rig.origin.does(ending);
        pass(LOOK_AGAIN_AFTER).await;
        for _ in 0..20 {
            assert_eq!(rig.learn_within(Duration::ZERO).await.unwrap().key_schema.partition[0].name, "a");
            pass(Duration::from_millis(100)).await;
        }
        assert_eq!(rig.origin.asked(), before + 1, "it is looked at again, once");
        pass(DESCRIBE_TIMEOUT).await;
    }
    rig.origin.does(Script::Key("b"));
    assert_eq!(rig.key().await, "a");
    pass(Duration::from_millis(50)).await;
    assert_eq!(rig.key().await, "b");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_is_gone_is_forgotten() {
    let rig = rig();
    assert_eq!(rig.key().await, "a");
    rig.origin.does(Script::Error(400, "ResourceNotFoundException"));
    pass(LOOK_AGAIN_AFTER).await;
    assert_eq!(rig.key().await, "a", "who finds it due does not wait");
    pass(Duration::from_millis(50)).await;
    assert!(rig.learn_within(PATIENCE).await.is_err());
    assert!(rig.tables.read().is_empty(), "what is not there takes no room");
    rig.origin.does(Script::Key("b"));
    assert_eq!(rig.key().await, "b");
    // An operation that does not find it says the same.
    rig.origin.does(Script::Key("c"));
    rig.hear("ResourceNotFoundException");
    assert_eq!(rig.key().await, "c");
}

#[tokio::test(start_paused = true)]
async fn the_mistakes_of_clients_cost_a_description_a_second_and_nobody_the_table() {
    let rig = rig();
    assert_eq!(rig.key().await, "a");
    for _ in 0..1_000 {
        rig.hear("ValidationException");
        assert!(rig.learn_within(Duration::ZERO).await.is_ok());
        pass(Duration::from_millis(10)).await;
    }
    let asked = rig.origin.asked();
    assert!((9..=12).contains(&asked), "{asked} in ten seconds");
}

#[tokio::test(start_paused = true)]
async fn a_table_that_was_made_again_with_other_keys_is_known_within_moments() {
    let rig = rig();
    assert_eq!(rig.key().await, "a");
    rig.origin.does(Script::Key("b"));
    rig.hear("ValidationException");
    // Whatever is asked next, and once it is time.
    pass(DOUBTED_LOOK_AGAIN_AFTER).await;
    assert_eq!(rig.key().await, "a");
    pass(Duration::from_millis(50)).await;
    assert_eq!(rig.key().await, "b");
    pass(2 * DOUBTED_LOOK_AGAIN_AFTER).await;
    rig.origin.does(Script::Key("c"));
    rig.hear("ValidationException");
    pass(Duration::from_millis(50)).await;
    assert_eq!(rig.key().await, "c", "long after the last look it is looked at at once");
    pass(2 * DOUBTED_LOOK_AGAIN_AFTER).await;
    rig.origin.does(Script::Key("d"));
    let reasons = |code| json!([{ "Code": "None" }, { "Code": code }]);
    let cancelled =
        |code| json!({ "__type": "TransactionCanceledException", "CancellationReasons": reasons(code) });
    rig.hear_all(cancelled("ConditionalCheckFailed"));
    pass(Duration::from_millis(50)).await;
    assert_eq!(rig.key().await, "c");
    rig.hear_all(cancelled("ValidationError"));
    pass(Duration::from_millis(50)).await;
    assert_eq!(rig.key().await, "d");
}

#[tokio::test(start_paused = true)]
async fn a_description_that_was_asked_for_before_its_table_was_dropped_does_not_stay() {
    let rig = rig();
    let early = async { rig.key().await };
    let dropped = async {
        pass(Duration::from_millis(10)).await;
        rig.origin.does(Script::Key("b"));
        rig.hear("ResourceNotFoundException");
        rig.key().await
    };
    let (early, late) = tokio::join!(early, dropped);
    assert_eq!((&*early, &*late), ("a", "b"));
    assert_eq!(rig.key().await, "b");
}
