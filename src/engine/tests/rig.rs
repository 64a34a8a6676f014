//! An engine to ask, and what its answers say.

use std::{path::Path, sync::Arc, time::Duration};

use backend::{Backend, Call};
use base::{Chance, Clock, Drain};
use engine::{Config, Engine, Metrics, Parts, Place, StoreConfig, SyncPolicy};
use model::{Target, limits};
use prometheus::Registry;
use serde_json::{Value, json};

/// Nothing here takes as long.
const PATIENCE: Duration = Duration::from_secs(120);

/// Tests that wait for a sweep do not wait long.
const TTL_SWEEP: Duration = Duration::from_millis(20);

/// An engine of a test's own. Clones ask the same one.
#[derive(Clone)]
pub(crate) struct Rig {
    engine: Arc<Engine>,
    pub(crate) drain: Drain,
    pub(crate) clock: Clock,
}

/// An error as a client gets it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Refusal {
    /// Without the name space before it.
    pub(crate) code: String,
    pub(crate) body: Value,
}

impl Rig {
    pub(crate) fn in_memory() -> Rig {
        Rig::open(StoreConfig::new(Place::Memory), limits::ITEM_COLLECTION_BYTES_MAX)
    }

    /// With item collections of no more than so many bytes.
    pub(crate) fn with_collections_of(bytes_max: u64) -> Rig {
        Rig::open(StoreConfig::new(Place::Memory), bytes_max)
    }

    /// Leaves syncs out: these tests cut no power.
    pub(crate) fn in_directory(path: &Path) -> Rig {
        Rig::in_directory_with_collections_of(path, limits::ITEM_COLLECTION_BYTES_MAX)
    }

    pub(crate) fn in_directory_with_collections_of(path: &Path, bytes_max: u64) -> Rig {
        let place = Place::Directory(path.to_owned());
        let store = StoreConfig { sync: SyncPolicy::Never, reserve_bytes: 0, ..StoreConfig::new(place) };
        Rig::open(store, bytes_max)
    }

    fn open(store: StoreConfig, item_collection_bytes_max: u64) -> Rig {
        let (clock, drain) = (Clock::start(), Drain::new());
        let (region, account) = ("eu-central-1".to_owned(), "000000000000".to_owned());
        let ttl_sweep = Some(TTL_SWEEP);
        let config = Config { store, ttl_sweep, region, account, item_collection_bytes_max };
        let metrics = Metrics::register(&Registry::new()).unwrap();
        let parts = Parts { clock: clock.clone(), chance: Chance::seeded(1), drain: drain.clone(), metrics };
        let (engine, _opened) = Engine::open(config, parts).unwrap();
        Rig { engine: Arc::new(engine), drain, clock }
    }

    /// The engine as the layer in front of it sees it.
    pub(crate) fn backend(&self) -> &dyn Backend {
        &*self.engine
    }

    /// Ends what is under way and lets go of the store, so that it can be opened again.
    pub(crate) async fn close(self) {
        self.drain.begin();
        assert_eq!(self.drain.finished(PATIENCE).await, 0);
        assert_eq!(Arc::strong_count(&self.engine), 1, "somebody still asks");
    }

    pub(crate) async fn ask(&self, operation: &str, body: Value) -> Result<Value, Refusal> {
        let deadline = self.clock.now() + PATIENCE;
        let call = Call::internal(Target::of(operation), body.to_string().into(), deadline);
        let reply = self.engine.call(call).await.unwrap_or_else(|failure| panic!("{operation}: {failure}"));
        let answer: Value = serde_json::from_slice(reply.body()).unwrap();
        if reply.status().is_success() {
            return Ok(answer);
        }
        let code = answer["__type"].as_str().unwrap().rsplit('#').next().unwrap().to_owned();
        Err(Refusal { code, body: answer })
    }

    /// The answer to a request that nothing is wrong with.
    pub(crate) async fn done(&self, operation: &str, body: Value) -> Value {
        let shown = body.to_string();
        let shown = shown.get(..2000).unwrap_or(&shown).to_owned();
        let answer = self.ask(operation, body).await;
        answer.unwrap_or_else(|refusal| panic!("{operation} {shown}: {refusal:?}"))
    }

    /// Why a request is refused that something is wrong with.
    pub(crate) async fn refused(&self, operation: &str, body: Value) -> Refusal {
        match self.ask(operation, body).await {
            Ok(answer) => panic!("{operation} was not refused: {answer}"),
            Err(refusal) => refusal,
        }
    }

    /// A table of strings `pk`, and `sk` if it has a sort key.
    pub(crate) async fn create_plain_table(&self, name: &str, has_sort_key: bool) {
        let attributes = if has_sort_key { vec!["pk", "sk"] } else { vec!["pk"] };
        let key_schema: Vec<Value> = attributes.iter().zip(["HASH", "RANGE"]).map(key_element).collect();
        let definitions: Vec<Value> = attributes.iter().map(|name| definition(name, "S")).collect();
        let body = json!({
            "TableName": name, "KeySchema": key_schema, "AttributeDefinitions": definitions,
            "BillingMode": "PAY_PER_REQUEST",
        });
        self.done("CreateTable", body).await;
    }

    pub(crate) async fn describe(&self, table: &str) -> Value {
        self.done("DescribeTable", json!({ "TableName": table })).await["Table"].take()
    }

    /// Waits until a table and all its indexes are `ACTIVE`.
    pub(crate) async fn settled(&self, table: &str) -> Value {
        for _ in 0..PATIENCE.as_millis() {
            let description = self.describe(table).await;
            if description["TableStatus"] == "ACTIVE" {
                return description;
            }
            self.clock.sleep(Duration::from_millis(1)).await;
        }
        panic!("{table} never becomes ACTIVE");
    }

    /// Everything that a table or index shows to a Scan.
    pub(crate) async fn scan(&self, table: &str, index: Option<&str>) -> Vec<Value> {
        let mut items = Vec::new();
        let mut body = json!({ "TableName": table });
        if let Some(index) = index {
            body["IndexName"] = index.into();
        }
        loop {
            let mut page = self.done("Scan", body.clone()).await;
            items.extend(page["Items"].as_array().unwrap().iter().cloned());
            if page["LastEvaluatedKey"].is_null() {
                return items;
            }
            body["ExclusiveStartKey"] = page["LastEvaluatedKey"].take();
        }
    }

    /// What lies under a key, read strongly.
    pub(crate) async fn item(&self, table: &str, key: Value) -> Option<Value> {
        let body = json!({ "TableName": table, "Key": key, "ConsistentRead": true });
        let mut got = self.done("GetItem", body).await;
        (!got["Item"].is_null()).then(|| got["Item"].take())
    }
}

pub(crate) fn key_element((name, role): (&&str, &str)) -> Value {
    json!({ "AttributeName": name, "KeyType": role })
}

pub(crate) fn definition(name: &str, key_type: &str) -> Value {
    json!({ "AttributeName": name, "AttributeType": key_type })
}

/// Says which seed a test was at when it failed.
pub(crate) struct Seeded(pub(crate) u64);

impl Drop for Seeded {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("failed with seed {}", self.0);
        }
    }
}
