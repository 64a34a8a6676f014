//! A model of DynamoDB with everything that goes wrong between it and the node: replicas that lag, answers
//! that are late, broken or lost, and writes that are applied although nobody was told, even long afterwards.

mod effects;
mod queries;
mod streams;
mod tables;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backend::{Backend, Call, Failure, FailureKind, Reply, doubles::origin_reply};
use base::{Chance, Clock, Drain, Instant};
use futures_util::{FutureExt, future::BoxFuture};
use model::{Api, ErrorCode, Target};
use serde_json::{Value, json};

pub(crate) use self::streams::StreamWeather;
use self::{
    effects::{Effect, batch_effect, effects, stored},
    streams::Told,
};
use crate::{
    indexes::{Design, IndexNumber},
    keys::{Attributes, KeyNumber, key_in, table_named},
    lags::Lags,
    truth::{Content, Truth, Writer},
    view::View,
};

/// How bad things get.
#[derive(Debug, Clone)]
pub(crate) struct Weather {
    /// The longest usual way between node and origin, one way.
    pub(crate) way_millis: u64,
    /// The share of ways that take up to [`Weather::slow_millis`].
    pub(crate) slow: f64,
    pub(crate) slow_millis: u64,
    /// The share of writes that get no definite answer.
    pub(crate) breaks: f64,
    /// The share of calls that are refused for good.
    pub(crate) refusals: f64,
    /// How far replicas lag, at most; less than the cache's `settle`.
    pub(crate) lag: Duration,
    /// How far global indexes lag, at most; the cache does not know it.
    pub(crate) index_lag: Duration,
    /// How long it takes to make a global index, at most.
    pub(crate) index_making: Duration,
    /// How long after the node gave up the origin may still begin to apply a write; less than the cache's
    /// `doubt` by as much as a batch may take.
    pub(crate) late: Duration,
    /// Whether a table that is made again has another `TableId`, and tables have ids and ARNs at all.
    pub(crate) identities: bool,
    pub(crate) streams: StreamWeather,
    /// How long nobody is answered who reads, or asks about streams, when that happens.
    pub(crate) outage: Duration,
}

/// The origin.
#[derive(Clone)]
pub(crate) struct Origin {
    truth: Arc<Mutex<Truth>>,
    weather: Arc<Weather>,
    clock: Clock,
    chance: Chance,
    drain: Drain,
    /// What the node says of how far behind it is.
    lags: Lags,
}

/// What becomes of a write.
enum Fate {
    Answered,
    Refused,
    /// No definite answer, and the write is applied now, later or never.
    Broken(Applied),
}

enum Applied {
    Now,
    Later,
    Never,
}

impl Backend for Origin {
    fn call(&self, call: Call) -> BoxFuture<'_, Result<Reply, Failure>> {
        let origin = self.clone();
        let deadline = call.deadline;
        let number = (!call.target().only_reads()).then(|| self.truth().begin_write(self.clock.now()));
        let heard = Heard { origin: self.clone(), number };
        async move {
            let _heard = heard;
            // Whoever waits no longer stops nothing: the write goes on.
            let answer = self.drain.spawn(async move {
                match call.target().api() {
                    Api::Streams => origin.answer_of_stream(call).await,
                    _ => origin.answer(call).await,
                }
            });
            let answer = self.clock.timeout_at(deadline, answer).await;
            let Some(answer) = answer else { return Err(Failure::deadline()) };
            let (answer, told) = answer.expect("the origin does not panic");
            self.tell(told);
            answer
        }
        .boxed()
    }
}

/// Ends a write when the node has heard of it, or does not listen any more.
struct Heard {
    origin: Origin,
    number: Option<u64>,
}

impl Drop for Heard {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.origin.truth().end_write(number);
        }
    }
}

impl Origin {
    pub(crate) fn new(
        truth: Arc<Mutex<Truth>>,
        weather: Weather,
        (clock, chance, drain): (Clock, Chance, Drain),
        lags: Lags,
    ) -> Origin {
        Origin { truth, weather: Arc::new(weather), clock, chance, drain, lags }
    }

    /// Writes an item without the node.
    pub(crate) fn write_beside(&self, key: KeyNumber, item: Option<Attributes>) {
        let mut truth = self.truth();
        if *truth.newest(key) != Content::NoTable {
            let content = item.map_or(Content::Absent, |item| Content::Item(Arc::new(stored(item))));
            truth.write(key, content, self.clock.now(), Writer::Beside);
        }
    }

    /// How an index is made now, if it is.
    pub(crate) fn design_of(&self, index: IndexNumber) -> Option<&'static Design> {
        self.truth().newest_index(index).design
    }

    /// Answers no reads for a while.
    pub(crate) fn falter(&self) {
        self.truth().reads_out_until = self.clock.now() + self.weather.outage.mul_f64(self.chance.fraction());
    }

    async fn answer(self, call: Call) -> (Result<Reply, Failure>, Told) {
        self.way().await;
        let request: Value = serde_json::from_slice(&call.wire().body).expect("clients and node send JSON");
        let answer = match call.target().word() {
            "DescribeTable" | "GetItem" | "BatchGetItem" | "TransactGetItems" | "Query" | "Scan" => {
                let out_until = self.truth().reads_out_until;
                let is_out = self.clock.now() < out_until;
                if is_out && self.chance.happens(0.25) {
                    // Nobody waits for that.
                    self.clock.sleep_until(call.deadline.max(out_until)).await;
                }
                self.read(&call, &request, is_out)
            }
            _ => self.write(&call, &request).await,
        };
        let is_description = call.target().word() == "DescribeTable";
        let told = match &answer {
            Ok(reply) if is_description && reply.success().is_some() => self.told_of_indexes(&request),
            _ => Told::Nothing,
        };
        self.way().await;
        (answer, told)
    }

    async fn way(&self) {
        let weather = &self.weather;
        let is_slow = self.chance.happens(weather.slow);
        let millis = self.chance.below(1 + if is_slow { weather.slow_millis } else { weather.way_millis });
        self.clock.sleep(Duration::from_millis(millis)).await;
    }

    fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // Reads.

    fn read(&self, call: &Call, request: &Value, is_out: bool) -> Result<Reply, Failure> {
        if is_out || self.chance.happens(self.weather.refusals) {
            return match self.chance.below(3) {
                0 => Err(Failure::new(FailureKind::Lost, "simulated")),
                1 => Ok(error(ErrorCode::InternalServerError)),
                _ => Ok(error(ErrorCode::ProvisionedThroughputExceededException)),
            };
        }
        let answer = match call.target().word() {
            "DescribeTable" => self.describe(request),
            "GetItem" => self.get_item(request),
            "BatchGetItem" => self.batch_get_item(request),
            "Query" | "Scan" => self.query(request),
            _ => self.transact_get_items(request),
        };
        Ok(answer.map_or_else(error, |body| origin_reply(200, body.to_string())))
    }

    fn get_item(&self, request: &Value) -> Result<Value, ErrorCode> {
        let key = key_in(table_of(request), attributes(&request["Key"]));
        let mut body = json!({});
        if let Some(item) = self.show(key, request)? {
            body["Item"] = Value::Object(item);
        }
        if request["ReturnConsumedCapacity"] == "TOTAL" {
            body["ConsumedCapacity"] = json!({ "TableName": request["TableName"], "CapacityUnits": 0.5 });
        }
        Ok(body)
    }

    fn batch_get_item(&self, request: &Value) -> Result<Value, ErrorCode> {
        let (mut responses, mut unprocessed) = (json!({}), json!({}));
        for (name, wanted) in attributes(&request["RequestItems"]) {
            let mut items = Vec::new();
            let mut left = Vec::new();
            for key in wanted["Keys"].as_array().expect("a batch has keys") {
                if self.chance.happens(self.weather.refusals) {
                    left.push(key.clone());
                    continue;
                }
                let key = key_in(table_named(name), attributes(key));
                items.extend(self.show(key, wanted)?.map(Value::Object));
            }
            responses[name] = json!(items);
            if !left.is_empty() {
                unprocessed[name] = wanted.clone();
                unprocessed[name]["Keys"] = json!(left);
            }
        }
        Ok(json!({ "Responses": responses, "UnprocessedKeys": unprocessed }))
    }

    fn transact_get_items(&self, request: &Value) -> Result<Value, ErrorCode> {
        let gets = request["TransactItems"].as_array().expect("a transaction has actions");
        let items = gets.iter().map(|get| {
            let get = &get["Get"];
            let key = key_in(table_of(get), attributes(&get["Key"]));
            match self.truth().newest(key) {
                Content::NoTable => Err(ErrorCode::ResourceNotFoundException),
                Content::Absent => Ok(json!({})),
                Content::Item(item) => Ok(json!({ "Item": **item })),
            }
        });
        Ok(json!({ "Responses": items.collect::<Result<Vec<_>, _>>()? }))
    }

    /// What a read of a key shows: of the leader if it is strong, else of one of the replicas.
    fn show(&self, key: KeyNumber, request: &Value) -> Result<Option<Attributes>, ErrorCode> {
        let truth = self.truth();
        let life = &truth.lives[key];
        let place = match request["ConsistentRead"] == true {
            true => life.states.len() - 1,
            false => life.seen_by_replica(self.lagging(self.weather.lag)),
        };
        match &life.states[place].content {
            Content::NoTable => Err(ErrorCode::ResourceNotFoundException),
            Content::Absent => Ok(None),
            Content::Item(item) => {
                let view = View::asked(request).expect("clients and node project as in `view.rs`");
                Ok(Some(view.show(item)))
            }
        }
    }

    /// Up to when a replica has seen everything that lags so far at most.
    fn lagging(&self, lag: Duration) -> Instant {
        // Half of the replicas lag as far as they ever do.
        let share = if self.chance.happens(0.5) { 1.0 } else { self.chance.fraction() };
        let now = self.clock.now();
        now.checked_sub(lag.mul_f64(share)).unwrap_or(now)
    }

    // Writes.

    async fn write(&self, call: &Call, request: &Value) -> Result<Reply, Failure> {
        let target = call.target();
        match self.fate() {
            Fate::Answered => Ok(self.apply(target, request).await),
            Fate::Refused => Ok(error(self.refusal(request))),
            Fate::Broken(applied) => {
                let broken = self.broken(target).await;
                match applied {
                    Applied::Never => {}
                    Applied::Now => {
                        self.apply(target, request).await;
                    }
                    Applied::Later => {
                        let given_up_at = self.clock.now().min(call.deadline);
                        let late = given_up_at + self.weather.late.mul_f64(self.chance.fraction());
                        let (origin, target, request) = (self.clone(), target.clone(), request.clone());
                        self.drain.spawn(async move {
                            origin.clock.sleep_until(late).await;
                            origin.apply(&target, &request).await;
                        });
                    }
                }
                broken
            }
        }
    }

    fn fate(&self) -> Fate {
        let Weather { breaks, refusals, .. } = *self.weather;
        match self.chance.fraction() {
            share if share < refusals => Fate::Refused,
            share if share < refusals + breaks => Fate::Broken(match self.chance.below(3) {
                0 => Applied::Now,
                1 => Applied::Later,
                _ => Applied::Never,
            }),
            _ => Fate::Answered,
        }
    }

    fn refusal(&self, request: &Value) -> ErrorCode {
        match request.get("ConditionExpression") {
            Some(_) => ErrorCode::ConditionalCheckFailedException,
            None => ErrorCode::ProvisionedThroughputExceededException,
        }
    }

    /// An answer that leaves open whether the write was applied.
    async fn broken(&self, target: &Target) -> Result<Reply, Failure> {
        match self.chance.below(5) {
            0 if target.word() == "TransactWriteItems" => {
                Ok(error(ErrorCode::TransactionInProgressException))
            }
            0 | 1 => Ok(error(ErrorCode::InternalServerError)),
            2 => Ok(origin_reply(503, "<html>busy</html>")),
            3 => Err(Failure::new(FailureKind::Lost, "simulated")),
            _ => Err(Failure::deadline()),
        }
    }

    /// Carries out a write, now.
    async fn apply(&self, target: &Target, request: &Value) -> Reply {
        let answer = match target.word() {
            "BatchWriteItem" => Ok(self.batch_write_item(request).await),
            "TransactWriteItems" => self.transact_write_items(request),
            word => {
                let effects = match word {
                    "UpdateTable" => self.index_effects(request),
                    _ => effects(word, request),
                };
                self.carry_out(&effects).map(|()| self.answer_to(word, request))
            }
        };
        answer.map_or_else(error, |body| origin_reply(200, body.to_string()))
    }

    /// Each write of a batch for itself, and not all of them.
    async fn batch_write_item(&self, request: &Value) -> Value {
        let mut unprocessed = json!({});
        for (table, writes) in attributes(&request["RequestItems"]) {
            for write in writes.as_array().expect("a batch has writes") {
                self.clock.sleep(Duration::from_millis(self.chance.below(3))).await;
                let effects = vec![batch_effect(table, write)];
                let is_done = !self.chance.happens(self.weather.refusals) && self.carry_out(&effects).is_ok();
                if !is_done {
                    let mut left = unprocessed[table].take();
                    match &mut left {
                        Value::Array(left) => left.push(write.clone()),
                        _ => left = json!([write]),
                    }
                    unprocessed[table] = left;
                }
            }
        }
        json!({ "UnprocessedItems": unprocessed })
    }

    /// A token that was used before is answered with success, and nothing is written.
    fn transact_write_items(&self, request: &Value) -> Result<Value, ErrorCode> {
        let token =
            request["ClientRequestToken"].as_str().expect("SDKs send tokens by themselves").to_owned();
        if !self.truth().tokens.contains(&token) {
            self.carry_out(&effects("TransactWriteItems", request))?;
            self.truth().tokens.insert(token);
        }
        Ok(json!({}))
    }

    /// All effects or none.
    fn carry_out(&self, effects: &[Effect]) -> Result<(), ErrorCode> {
        let now = self.clock.now();
        let mut truth = self.truth();
        effects.iter().try_for_each(|effect| effect.check(&truth))?;
        effects.iter().for_each(|effect| effect.carry_out(&mut truth, now));
        Ok(())
    }

    /// The answer to a write that was carried out just now.
    fn answer_to(&self, word: &str, request: &Value) -> Value {
        let truth = self.truth();
        let image = match (word, request["ReturnValues"].as_str()) {
            ("UpdateItem", Some("ALL_NEW")) => {
                truth.newest(key_in(table_of(request), attributes(&request["Key"])))
            }
            ("PutItem", Some("ALL_OLD")) => {
                truth.newest_but_one(key_in(table_of(request), attributes(&request["Item"])))
            }
            ("DeleteItem", Some("ALL_OLD")) => {
                truth.newest_but_one(key_in(table_of(request), attributes(&request["Key"])))
            }
            _ => return json!({}),
        };
        match image {
            Content::Item(item) => json!({ "Attributes": **item }),
            Content::NoTable | Content::Absent => json!({}),
        }
    }
}

fn attributes(value: &Value) -> &Attributes {
    value.as_object().expect("clients write objects where objects belong")
}

fn table_of(request: &Value) -> usize {
    table_named(request["TableName"].as_str().expect("clients name tables"))
}

fn error(code: ErrorCode) -> Reply {
    let body = json!({ "__type": code.full_type(), "message": "simulated" });
    origin_reply(code.status(), body.to_string())
}
