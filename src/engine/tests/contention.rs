//! Many tasks, few items, and every kind of operation that reads or writes one: what they saw has to be one
//! history.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU64, Ordering},
};

use base::Chance;
use serde_json::{Value, json};

use crate::{
    history::{Event, Fact, Key, Version, find_order},
    rig::{Refusal, Rig, Seeded},
};

const TASKS: u64 = 8;
const OPERATIONS: usize = 40;
const KEYS: usize = 3;
const SEEDS: u64 = 12;

/// Everybody's clock: what is smaller was earlier.
#[derive(Default)]
struct Times(AtomicU64);

impl Times {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst)
    }
}

/// A task that asks at random, remembers what it saw and writes down what happened.
struct Client {
    rig: Rig,
    chance: Chance,
    times: Arc<Times>,
    /// Of versions that nobody else writes.
    next_version: u64,
    /// What it last saw of each item.
    seen: [Version; KEYS],
    events: Arc<Mutex<Vec<Event>>>,
}

/// What the answer of an operation proves.
#[derive(Default)]
struct Learnt {
    facts: Vec<(Key, Fact)>,
    writes: Vec<(Key, Version)>,
}

/// An action of a transaction that writes, or a single write.
struct Action {
    key: Key,
    /// What the item has to be, if it has to be something.
    condition: Option<Version>,
    shows_item: bool,
    kind: ActionKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ActionKind {
    Put(u64),
    Update(u64),
    Delete,
    Check,
}

fn key_json(key: Key) -> Value {
    json!({ "pk": { "S": format!("key {key}") } })
}

fn version_of(item: &Value) -> Version {
    item["v"]["N"].as_str().map(|text| text.parse().unwrap())
}

impl Action {
    /// As it is asked for alone, but for what the answer shows.
    fn to_json(&self) -> Value {
        let mut values = serde_json::Map::new();
        let mut body = json!({ "TableName": "Tab" });
        match self.kind {
            ActionKind::Put(version) => {
                body["Item"] = key_json(self.key);
                body["Item"]["v"] = json!({ "N": version.to_string() });
            }
            ActionKind::Update(version) => {
                body["Key"] = key_json(self.key);
                body["UpdateExpression"] = "SET v = :new".into();
                values.insert(":new".to_owned(), json!({ "N": version.to_string() }));
            }
            ActionKind::Delete | ActionKind::Check => body["Key"] = key_json(self.key),
        }
        match self.condition {
            None => {}
            Some(None) => body["ConditionExpression"] = "attribute_not_exists(pk)".into(),
            Some(Some(version)) => {
                body["ConditionExpression"] = "v = :seen".into();
                values.insert(":seen".to_owned(), json!({ "N": version.to_string() }));
            }
        }
        if !values.is_empty() {
            body["ExpressionAttributeValues"] = values.into();
        }
        if self.shows_item {
            body["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD".into();
        }
        body
    }

    fn member(&self) -> &'static str {
        match self.kind {
            ActionKind::Put(_) => "Put",
            ActionKind::Update(_) => "Update",
            ActionKind::Delete => "Delete",
            ActionKind::Check => "ConditionCheck",
        }
    }

    fn written(&self) -> Option<(Key, Version)> {
        match self.kind {
            ActionKind::Put(version) | ActionKind::Update(version) => Some((self.key, Some(version))),
            ActionKind::Delete => Some((self.key, None)),
            ActionKind::Check => None,
        }
    }

    fn held(&self) -> Option<(Key, Fact)> {
        Some((self.key, Fact::Is(self.condition?)))
    }

    /// From a failed condition, with the item if there was one to show.
    fn failed(&self, item: &Value) -> (Key, Fact) {
        let expected = self.condition.unwrap();
        let found = if self.shows_item { Fact::Is(version_of(item)) } else { Fact::IsNot(expected) };
        assert_ne!(found, Fact::Is(expected), "a condition failed that holds");
        (self.key, found)
    }
}

impl Client {
    fn version(&mut self) -> u64 {
        self.next_version += TASKS;
        self.next_version
    }

    fn key(&self) -> Key {
        self.chance.below(KEYS as u64) as Key
    }

    /// Some of the items, each once.
    fn keys(&self) -> Vec<Key> {
        let mut keys: Vec<Key> = (0..KEYS).filter(|_| self.chance.happens(0.6)).collect();
        if keys.is_empty() {
            keys.push(self.key());
        }
        if self.chance.happens(0.5) {
            keys.reverse();
        }
        keys
    }

    fn action(&mut self, key: Key, may_check: bool) -> Action {
        let kind = match self.chance.below(if may_check { 4 } else { 3 }) {
            0 => ActionKind::Put(self.version()),
            1 => ActionKind::Update(self.version()),
            2 => ActionKind::Delete,
            _ => ActionKind::Check,
        };
        let is_conditional = kind == ActionKind::Check || self.chance.happens(0.6);
        let condition = is_conditional.then_some(self.seen[key]);
        Action { key, condition, shows_item: is_conditional && self.chance.happens(0.7), kind }
    }

    async fn work(mut self) {
        for _ in 0..OPERATIONS {
            let start = self.times.next();
            let learnt = match self.chance.below(6) {
                0 => self.get().await,
                1 => self.transact_get().await,
                2 => self.batch_write().await,
                3 => self.write().await,
                _ => self.transact_write().await,
            };
            let end = self.times.next();
            for (key, fact) in &learnt.facts {
                if let Fact::Is(version) = fact {
                    self.seen[*key] = *version;
                }
            }
            self.seen.iter_mut().enumerate().for_each(|(key, seen)| {
                let written = learnt.writes.iter().find(|(written, _)| *written == key);
                *seen = written.map_or(*seen, |(_, version)| *version);
            });
            let Learnt { facts, writes } = learnt;
            self.events.lock().unwrap().push(Event { start, end, facts, writes });
        }
    }

    async fn get(&self) -> Learnt {
        let key = self.key();
        let item = self.rig.item("Tab", key_json(key)).await.unwrap_or_default();
        Learnt { facts: vec![(key, Fact::Is(version_of(&item)))], writes: vec![] }
    }

    async fn transact_get(&self) -> Learnt {
        let keys = self.keys();
        let gets: Vec<Value> =
            keys.iter().map(|&key| json!({ "Get": { "TableName": "Tab", "Key": key_json(key) } })).collect();
        let got = self.rig.done("TransactGetItems", json!({ "TransactItems": gets })).await;
        let items = got["Responses"].as_array().unwrap();
        let facts = keys.iter().zip(items).map(|(&key, got)| (key, Fact::Is(version_of(&got["Item"]))));
        Learnt { facts: facts.collect(), writes: vec![] }
    }

    /// A batch of one: a larger one promises nothing about its writes together.
    async fn batch_write(&mut self) -> Learnt {
        let (key, version) = (self.key(), self.version());
        let mut item = key_json(key);
        item["v"] = json!({ "N": version.to_string() });
        let (request, version) = match self.chance.happens(0.5) {
            true => (json!({ "PutRequest": { "Item": item } }), Some(version)),
            false => (json!({ "DeleteRequest": { "Key": key_json(key) } }), None),
        };
        self.rig.done("BatchWriteItem", json!({ "RequestItems": { "Tab": [request] } })).await;
        Learnt { facts: vec![], writes: vec![(key, version)] }
    }

    async fn write(&mut self) -> Learnt {
        let key = self.key();
        let action = self.action(key, false);
        let mut body = action.to_json();
        body["ReturnValues"] = "ALL_OLD".into();
        let operation = format!("{}Item", action.member());
        match self.rig.ask(&operation, body).await {
            Ok(answer) => {
                let old = (key, Fact::Is(version_of(&answer["Attributes"])));
                let facts = action.held().into_iter().chain([old]).collect();
                Learnt { facts, writes: action.written().into_iter().collect() }
            }
            Err(Refusal { code, body }) => {
                assert_eq!(code, "ConditionalCheckFailedException", "{body}");
                Learnt { facts: vec![action.failed(&body["Item"])], writes: vec![] }
            }
        }
    }

    async fn transact_write(&mut self) -> Learnt {
        let keys = self.keys();
        let actions: Vec<Action> = keys.into_iter().map(|key| self.action(key, true)).collect();
        let items: Vec<Value> =
            actions.iter().map(|action| json!({ action.member(): action.to_json() })).collect();
        match self.rig.ask("TransactWriteItems", json!({ "TransactItems": items })).await {
            Ok(_) => Learnt {
                facts: actions.iter().filter_map(Action::held).collect(),
                writes: actions.iter().filter_map(Action::written).collect(),
            },
            Err(Refusal { code, body }) => {
                assert_eq!(code, "TransactionCanceledException", "{body}");
                let reasons = body["CancellationReasons"].as_array().unwrap();
                let facts = actions.iter().zip(reasons).filter_map(|(action, reason)| {
                    match reason["Code"].as_str().unwrap() {
                        "None" => action.held(),
                        "ConditionalCheckFailed" => Some(action.failed(&reason["Item"])),
                        other => panic!("{other}"),
                    }
                });
                Learnt { facts: facts.collect(), writes: vec![] }
            }
        }
    }
}

/// Has tasks ask at random, and hands out what happened.
async fn record(rig: &Rig, seed: u64) -> Vec<Event> {
    rig.create_plain_table("Tab", false).await;
    let (times, events) = (Arc::new(Times::default()), Arc::new(Mutex::new(Vec::new())));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let client = Client {
                rig: rig.clone(),
                chance: Chance::seeded(seed * TASKS + task),
                times: Arc::clone(&times),
                next_version: task,
                seen: [None; KEYS],
                events: Arc::clone(&events),
            };
            rig.drain.spawn(client.work())
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let mut events = std::mem::take(&mut *events.lock().unwrap());
    events.sort_by_key(|event| event.start);
    events
}

fn check(events: &[Event]) {
    if let Err(stuck) = find_order(events) {
        let place = stuck.longest.len();
        let tail: Vec<&Event> =
            stuck.longest[place.saturating_sub(5)..].iter().map(|&at| &events[at]).collect();
        let left = (0..events.len()).filter(|at| !stuck.longest.contains(at)).take(2 * TASKS as usize);
        let left: Vec<&Event> = left.map(|at| &events[at]).collect();
        panic!("no order explains more than {place} of {}: after {tail:#?} none of {left:#?}", events.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_concurrent_transactions_see_is_one_history() {
    for seed in 0..SEEDS {
        let _seeded = Seeded(seed);
        let events = record(&Rig::in_memory(), seed).await;
        assert_eq!(events.len(), TASKS as usize * OPERATIONS);
        check(&events);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_concurrent_transactions_see_on_disk_is_one_history() {
    for seed in 0..SEEDS / 4 {
        let _seeded = Seeded(seed);
        let directory = tempfile::tempdir().unwrap();
        check(&record(&Rig::in_directory(directory.path()), seed).await);
    }
}

/// The checker would be of no use if it only ever noticed histories that were made for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_recorded_history_with_one_lie_is_noticed() {
    let events = record(&Rig::in_memory(), 1).await;
    check(&events);
    // Whoever saw the last but one version of an item at the very end saw what was long overwritten.
    for key in 0..KEYS {
        let order = find_order(&events).unwrap();
        let writes =
            order.iter().flat_map(|&at| events[at].writes.iter().filter(|(written, _)| *written == key));
        let versions: Vec<Version> = writes.map(|(_key, version)| *version).collect();
        let (last, stale) = (versions[versions.len() - 1], versions[versions.len() / 2]);
        let now = events.iter().map(|event| event.end).max().unwrap();
        let told = |version| {
            let read =
                Event { start: now + 1, end: now + 2, facts: vec![(key, Fact::Is(version))], writes: vec![] };
            [events.clone(), vec![read]].concat()
        };
        check(&told(last));
        if stale != last {
            assert!(find_order(&told(stale)).is_err(), "a stale read of item {key} was not noticed");
        }
    }
}
