//! How the origin answers who follows a stream, and what goes wrong with streams.

use std::time::Duration;

use backend::{Call, Failure, FailureKind, Reply, doubles::origin_reply};
use model::ErrorCode;
use serde_json::{Value, json};

use super::{Origin, error};
use crate::{
    indexes::IndexNumber,
    keys::{KEYS, KeyNumber, TABLES, arn_of, table_named},
    streams::{Record, Shard, Stream},
    truth::{Content, Described, Truth},
};

/// What may be wrong with streams.
#[derive(Debug, Clone)]
pub(crate) struct StreamWeather {
    /// What records show.
    pub(crate) view: &'static str,
    /// How long after a write its record can be read.
    pub(crate) lag: Duration,
    /// The share of records that cannot be understood.
    pub(crate) spoiled: f64,
    /// How long iterators are good for.
    pub(crate) iterators_live: Duration,
}

/// What the node knows once it has an answer.
#[derive(Debug, Default)]
pub(super) enum Told {
    #[default]
    Nothing,
    /// That these keys came into these states.
    Changes(Vec<(KeyNumber, usize)>),
    /// How indexes are.
    Indexes(Vec<(IndexNumber, Described)>),
    /// That it has lost the stream of this table, if it followed that.
    Lost(usize),
}

/// Shards on a page of `DescribeStream`.
const SHARDS_PER_PAGE: usize = 3;

/// A place in a shard, as an iterator says it.
struct Iterator {
    table: usize,
    stream: usize,
    shard: usize,
    place: usize,
    issued_at: Duration,
}

impl Origin {
    pub(super) async fn answer_of_stream(self, call: Call) -> (Result<Reply, Failure>, Told) {
        self.way().await;
        let request: Value = serde_json::from_slice(&call.wire().body).expect("the node sends JSON");
        let is_out = self.clock.now() < self.truth().streams_out_until;
        let answer = match self.chance.below(3) {
            _ if !is_out && !self.chance.happens(self.weather.refusals) => {
                let (answer, told) = match call.target().word() {
                    "DescribeStream" => self.describe_stream(&request),
                    "GetShardIterator" => self.shard_iterator(&request),
                    _ => self.records(&request),
                };
                (Ok(answer.map_or_else(error, |body| origin_reply(200, body.to_string()))), told)
            }
            0 => (Err(Failure::new(FailureKind::Lost, "simulated")), Told::Nothing),
            1 => (Ok(error(ErrorCode::InternalServerError)), Told::Nothing),
            _ => (Ok(error(ErrorCode::LimitExceededException)), Told::Nothing),
        };
        self.way().await;
        answer
    }

    /// The node has heard an answer; from now on it must act upon it.
    pub(super) fn tell(&self, told: Told) {
        match told {
            Told::Nothing => {}
            Told::Changes(changes) => {
                let mut truth = self.truth();
                changes.into_iter().for_each(|(key, place)| truth.tell(key, place));
            }
            Told::Indexes(indexes) => {
                let mut truth = self.truth();
                indexes.into_iter().for_each(|(index, told)| truth.describe(index, told));
            }
            Told::Lost(table) => {
                if self.lags.of_table(table).is_some() {
                    self.truth().tell_all(table);
                }
            }
        }
    }

    /// Something happens to the stream of a table.
    pub(crate) fn trouble_stream(&self, table: usize) {
        let mut truth = self.truth();
        let exists = truth.tables[table].is_some();
        let streams = &mut truth.streams[table];
        match self.chance.below(10) {
            0 => streams.trim(),
            1 => truth.streams_out_until = self.clock.now() + self.weather.outage,
            2 if streams.is_enabled() => streams.disable(),
            // Nobody lives without a stream for long.
            _ if !streams.is_enabled() && exists => streams.enable(),
            _ => streams.go_on(&self.chance),
        }
    }

    fn describe_stream(&self, request: &Value) -> (Result<Value, ErrorCode>, Told) {
        let (table, number) = stream_named(request["StreamArn"].as_str().expect("a stream is named"));
        let truth = self.truth();
        let Some(stream) = truth.streams[table].stream(number) else {
            return (Err(ErrorCode::ResourceNotFoundException), Told::Lost(table));
        };
        let after = request["ExclusiveStartShardId"].as_str().map_or(0, |last| shard_named(last) + 1);
        let page: Vec<(usize, &Shard)> =
            stream.shards.iter().enumerate().skip(after).take(SHARDS_PER_PAGE).collect();
        let mut described = json!({
            "StreamArn": request["StreamArn"],
            "StreamStatus": if stream.is_enabled { "ENABLED" } else { "DISABLED" },
            "StreamViewType": self.weather.streams.view,
            "Shards": page.iter().map(|(number, shard)| described_shard(*number, shard)).collect::<Vec<_>>(),
        });
        if let Some((last, _)) = page.last().filter(|(last, _)| last + 1 < stream.shards.len()) {
            described["LastEvaluatedShardId"] = json!(shard_name(*last));
        }
        let told = if stream.is_enabled { Told::Nothing } else { Told::Lost(table) };
        (Ok(json!({ "StreamDescription": described })), told)
    }

    fn shard_iterator(&self, request: &Value) -> (Result<Value, ErrorCode>, Told) {
        let (table, stream) = stream_named(request["StreamArn"].as_str().expect("a stream is named"));
        let shard = shard_named(request["ShardId"].as_str().expect("a shard is named"));
        let truth = self.truth();
        let known = self.shard_of(&truth, table, stream, shard).expect("the node asks for what was listed");
        let place = match (request["ShardIteratorType"].as_str(), request["SequenceNumber"].as_str()) {
            (Some("LATEST"), _) => known.visible(self.clock.now(), self.weather.streams.lag),
            (Some("TRIM_HORIZON"), _) => known.horizon,
            (_, Some(number)) => 1 + number.parse::<usize>().expect("a number that it was told"),
            other => unreachable!("the node does not ask for {other:?}"),
        };
        // DynamoDB: an iterator behind the trim horizon is refused (API reference, `GetShardIterator`).
        if place < known.horizon {
            return (Err(ErrorCode::TrimmedDataAccessException), Told::Lost(table));
        }
        let iterator = Iterator { table, stream, shard, place, issued_at: self.since_start() };
        (Ok(json!({ "ShardIterator": iterator.to_text() })), Told::Nothing)
    }

    fn records(&self, request: &Value) -> (Result<Value, ErrorCode>, Told) {
        let text = request["ShardIterator"].as_str().expect("records are asked for with an iterator");
        let iterator = Iterator::read(text);
        let Iterator { table, stream, shard, place, issued_at } = iterator;
        if self.since_start() > issued_at + self.weather.streams.iterators_live {
            return (Err(ErrorCode::ExpiredIteratorException), Told::Nothing);
        }
        let truth = self.truth();
        let known = self.shard_of(&truth, table, stream, shard).expect("iterators are of shards");
        if place < known.horizon {
            return (Err(ErrorCode::TrimmedDataAccessException), Told::Lost(table));
        }
        let visible = known.visible(self.clock.now(), self.weather.streams.lag).max(place);
        // DynamoDB: a page may end before what can be read does. It may even be empty then; whoever follows cannot
        // tell that from the end, and says so of its lag.
        let taken = if self.chance.happens(0.1) { 1 + self.chance.below(3) as usize } else { usize::MAX };
        let end = place.saturating_add(taken).min(visible);
        let found = &known.records[place..end];
        let records = (place..).zip(found).map(|(number, record)| self.shown(&truth, number, record));
        let mut body = json!({ "Records": records.collect::<Vec<_>>() });
        if known.is_open || end < known.records.len() {
            let next = Iterator { place: end, issued_at: self.since_start(), ..iterator };
            body["NextShardIterator"] = json!(next.to_text());
        }
        let changes = found.iter().map(|record| (record.key, record.place)).collect();
        (Ok(body), Told::Changes(changes))
    }

    /// A record as its stream's view shows it, or in a way that nobody understands.
    fn shown(&self, truth: &Truth, number: usize, record: &Record) -> Value {
        let states = &truth.lives[record.key].states;
        let [old, new] = [record.place - 1, record.place].map(|place| match &states[place].content {
            Content::Item(item) => Some(&**item),
            Content::NoTable | Content::Absent => None,
        });
        let event = match (old, new) {
            (None, _) => "INSERT",
            (Some(_), Some(_)) => "MODIFY",
            (Some(_), None) => "REMOVE",
        };
        let view = self.weather.streams.view;
        let mut shown = json!({ "SequenceNumber": format!("{number:021}"), "StreamViewType": view });
        if !self.chance.happens(self.weather.streams.spoiled) {
            shown["Keys"] = key_of(record.key);
        }
        let images = [("OldImage", "OLD_IMAGE", old), ("NewImage", "NEW_IMAGE", new)];
        for (name, its_view, image) in images {
            if let Some(item) = image.filter(|_| view == its_view || view == "NEW_AND_OLD_IMAGES") {
                shown[name] = json!(item);
            }
        }
        json!({ "eventName": event, "dynamodb": shown })
    }

    fn shard_of<'a>(&self, truth: &'a Truth, table: usize, stream: usize, shard: usize) -> Option<&'a Shard> {
        let stream: &Stream = truth.streams[table].stream(stream)?;
        stream.shards.get(shard)
    }

    fn since_start(&self) -> Duration {
        Duration::from_millis(self.clock.millis_since_origin())
    }
}

impl Iterator {
    fn to_text(&self) -> String {
        let Iterator { table, stream, shard, place, issued_at } = self;
        format!("{table} {stream} {shard} {place} {}", issued_at.as_millis())
    }

    fn read(text: &str) -> Iterator {
        let numbers: Vec<usize> =
            text.split(' ').map(|number| number.parse().expect("iterators are numbers")).collect();
        let [table, stream, shard, place, millis] = numbers[..] else { unreachable!("{text}") };
        Iterator { table, stream, shard, place, issued_at: Duration::from_millis(millis as u64) }
    }
}

fn described_shard(number: usize, shard: &Shard) -> Value {
    let mut range = json!({ "StartingSequenceNumber": format!("{:021}", 0) });
    if !shard.is_open {
        range["EndingSequenceNumber"] = json!(format!("{:021}", shard.records.len()));
    }
    let mut described = json!({ "ShardId": shard_name(number), "SequenceNumberRange": range });
    if let Some(parent) = shard.parent {
        described["ParentShardId"] = json!(shard_name(parent));
    }
    described
}

/// The ARN of a stream of a table.
pub(super) fn stream_arn(table: usize, stream: usize) -> String {
    format!("{}/stream/{stream}", arn_of(table))
}

fn stream_named(arn: &str) -> (usize, usize) {
    let (table, stream) = arn.split_once("/stream/").expect("streams have ARNs");
    (table_named(table), stream.parse().expect("streams are numbered"))
}

fn shard_name(number: usize) -> String {
    format!("shard-{number}")
}

fn shard_named(name: &str) -> usize {
    name.rsplit('-').next().and_then(|number| number.parse().ok()).expect("shards are numbered")
}

/// The key attributes as the origin gives them back.
fn key_of(key: KeyNumber) -> Value {
    let (table, partition, sort) = KEYS[key];
    let attributes = std::iter::once(TABLES[table].partition).chain(TABLES[table].sort);
    let values = [partition.first(), sort.first()].into_iter().flatten();
    attributes.zip(values).map(|((name, kind), value)| (name.to_owned(), json!({ kind: value }))).collect()
}
