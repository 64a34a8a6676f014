//! A service that has a stream for each of its tables, all of them one and the same.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::{Duration, UNIX_EPOCH},
};

use backend::{
    Call, Failure, FailureKind, Reply,
    doubles::{Scripted, origin_reply},
};
use base::{Clock, Instant};
use serde_json::{Value, json};

/// Iterators are good for so long: less than in life, since a follower does not count on any span.
pub(super) const ITERATORS_LAST: Duration = Duration::from_secs(300);

/// The place of an iterator that is settled when it is used.
const LATE: usize = usize::MAX;

pub(super) struct Service {
    pub(super) backend: Arc<Scripted>,
    kept: Arc<Mutex<Kept>>,
}

pub(super) struct Kept {
    clock: Clock,
    /// The label of the table's newest stream.
    label: Option<String>,
    is_enabled: bool,
    shards: BTreeMap<String, Shard>,
    written: u64,
    /// How an operation fails: with an error's code, or without an answer.
    pub(super) faults: BTreeMap<&'static str, Fault>,
    /// How long an answer takes.
    pub(super) delay: Duration,
    /// Whether it is settled only when the iterator is used what `LATEST` means.
    pub(super) is_latest_late: bool,
    /// Shards to a page of `DescribeStream`, and records to one of `GetRecords`.
    pub(super) page: usize,
    /// When shards were read, failed attempts too.
    pub(super) reads: BTreeMap<String, Vec<Instant>>,
    /// When something was described.
    pub(super) descriptions: Vec<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Error(&'static str),
    NoAnswer,
}

#[derive(Default)]
struct Shard {
    parent: Option<String>,
    is_closed: bool,
    /// A shard may exist before it is listed.
    is_hidden: bool,
    records: Vec<Value>,
    /// So many of the records are gone.
    trimmed: usize,
}

impl Service {
    /// A service without a stream.
    pub(super) fn new(clock: Clock) -> Arc<Service> {
        let kept = Kept {
            clock: clock.clone(),
            label: None,
            is_enabled: false,
            shards: BTreeMap::new(),
            written: 0,
            faults: BTreeMap::new(),
            delay: Duration::from_millis(3),
            is_latest_late: false,
            page: 100,
            reads: BTreeMap::new(),
            descriptions: Vec::new(),
        };
        let kept = Arc::new(Mutex::new(kept));
        let for_calls = Arc::clone(&kept);
        let backend = Scripted::new(move |call| {
            let (kept, clock) = (Arc::clone(&for_calls), clock.clone());
            Box::pin(async move {
                let delay = kept.lock().unwrap().delay;
                // Half of it on the way there, half of it on the way back.
                clock.sleep(delay / 2).await;
                let answer = kept.lock().unwrap().answer(&call);
                clock.sleep(delay / 2).await;
                answer
            })
        });
        Arc::new(Service { backend, kept })
    }

    pub(super) fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    /// Gives the table a new stream of these shards; the one before it is gone.
    pub(super) fn enable(&self, label: &str, shards: &[&str]) {
        let mut kept = self.kept();
        kept.label = Some(label.to_owned());
        kept.is_enabled = true;
        kept.reads.clear();
        kept.shards = shards.iter().map(|id| ((*id).to_owned(), Shard::default())).collect();
    }

    /// Switches the stream off: its shards are closed.
    pub(super) fn disable(&self) {
        let mut kept = self.kept();
        kept.is_enabled = false;
        kept.shards.values_mut().for_each(|shard| shard.is_closed = true);
    }

    /// Writes to a shard; the change's sequence number.
    pub(super) fn write(&self, shard: &str) -> String {
        self.write_aged(shard, Duration::ZERO)
    }

    /// The same, as if it had happened before.
    pub(super) fn write_aged(&self, shard: &str, age: Duration) -> String {
        let mut kept = self.kept();
        kept.written += 1;
        let number = format!("{:021}", kept.written);
        let at = kept.clock.wall().duration_since(UNIX_EPOCH).unwrap() - age;
        let record = json!({ "eventName": "MODIFY", "dynamodb": {
            "ApproximateCreationDateTime": at.as_secs(), "SequenceNumber": number,
            "Keys": { "p": { "S": shard } }, "NewImage": { "p": { "S": shard } },
        } });
        kept.open(shard).records.push(record);
        number
    }

    /// Writes a record that nobody can read.
    pub(super) fn write_unreadable(&self, shard: &str) {
        self.kept().open(shard).records.push(json!({ "eventName": "MODIFY", "dynamodb": { "Keys": 7 } }));
    }

    /// Closes a shard; it goes on as these.
    pub(super) fn split(&self, shard: &str, children: &[&str]) {
        let mut kept = self.kept();
        kept.open(shard).is_closed = true;
        for child in children {
            let child_shard = Shard { parent: Some(shard.to_owned()), ..Shard::default() };
            kept.shards.insert((*child).to_owned(), child_shard);
        }
    }

    /// Shards that exist, and whether they are listed.
    pub(super) fn hide(&self, shard: &str, is_hidden: bool) {
        self.kept().shards.get_mut(shard).unwrap().is_hidden = is_hidden;
    }

    /// Lists every shard from now on.
    pub(super) fn show_all(&self) {
        self.kept().shards.values_mut().for_each(|shard| shard.is_hidden = false);
    }

    /// Throws away what was written to a shard so far, if somebody reads it: in life a day goes by before that.
    pub(super) fn trim(&self, shard: &str) {
        let mut kept = self.kept();
        if !kept.reads.contains_key(shard) {
            return;
        }
        let shard = kept.shards.get_mut(shard).unwrap();
        shard.trimmed = shard.records.len();
    }

    pub(super) fn fail(&self, operation: &'static str, fault: Fault) {
        self.kept().faults.insert(operation, fault);
    }

    pub(super) fn recover(&self) {
        self.kept().faults.clear();
    }
}

impl Kept {
    fn open(&mut self, shard: &str) -> &mut Shard {
        let shard = self.shards.get_mut(shard).unwrap();
        assert!(!shard.is_closed, "nothing is written to a closed shard");
        shard
    }

    pub(super) fn open_shards(&self) -> Vec<String> {
        let open = self.shards.iter().filter(|(_, shard)| !shard.is_closed);
        open.map(|(id, _)| id.clone()).collect()
    }

    fn answer(&mut self, call: &Call) -> Result<Reply, Failure> {
        let operation = call.target().word();
        let body: Value = serde_json::from_slice(&call.wire().body).unwrap();
        match operation {
            "GetRecords" => {
                let (shard, ..) = iterator(&body);
                let now = self.clock.now();
                self.reads.entry(shard).or_default().push(now);
            }
            "DescribeTable" | "DescribeStream" => self.descriptions.push(self.clock.now()),
            _ => {}
        }
        match self.faults.get(operation) {
            Some(Fault::NoAnswer) => return Err(Failure::new(FailureKind::Lost, "lost")),
            Some(Fault::Error(code)) => return Ok(error(code)),
            None => {}
        }
        let answered = match operation {
            "DescribeTable" => Ok(self.describe_table()),
            "DescribeStream" => self.describe_stream(&body),
            "GetShardIterator" => self.get_shard_iterator(&body),
            "GetRecords" => self.get_records(&body),
            other => panic!("a follower does not ask for {other}"),
        };
        Ok(answered.map_or_else(error, |answer| origin_reply(200, answer.to_string())))
    }

    fn arn(&self) -> Option<String> {
        self.label.as_ref().map(|label| format!("arn:aws:dynamodb:eu-west-1:1:table/Tab/stream/{label}"))
    }

    fn describe_table(&self) -> Value {
        let mut table = json!({ "TableName": "Tab", "TableStatus": "ACTIVE" });
        if let Some(arn) = self.arn() {
            table["LatestStreamArn"] = json!(arn);
        }
        json!({ "Table": table })
    }

    fn check(&self, body: &Value) -> Result<(), &'static str> {
        let is_here = self.arn().is_some_and(|arn| body["StreamArn"] == json!(arn));
        if is_here { Ok(()) } else { Err("ResourceNotFoundException") }
    }

    fn describe_stream(&self, body: &Value) -> Result<Value, &'static str> {
        self.check(body)?;
        let start = body["ExclusiveStartShardId"].as_str().unwrap_or_default();
        let mut shards = self.shards.iter().filter(|(id, shard)| id.as_str() > start && !shard.is_hidden);
        let page: Vec<Value> =
            shards.by_ref().take(self.page).map(|(id, shard)| shard.describe(id)).collect();
        let mut description = json!({
            "StreamStatus": if self.is_enabled { "ENABLED" } else { "DISABLED" },
            "StreamViewType": "NEW_AND_OLD_IMAGES", "Shards": page, "StreamLabel": self.label,
        });
        if shards.next().is_some() {
            description["LastEvaluatedShardId"] = page.last().unwrap()["ShardId"].clone();
        }
        Ok(json!({ "StreamDescription": description }))
    }

    fn get_shard_iterator(&self, body: &Value) -> Result<Value, &'static str> {
        self.check(body)?;
        let id = body["ShardId"].as_str().unwrap();
        let shard = self.shards.get(id).ok_or("ResourceNotFoundException")?;
        let place = match body["ShardIteratorType"].as_str().unwrap() {
            "LATEST" if self.is_latest_late => LATE,
            "LATEST" => shard.records.len(),
            "TRIM_HORIZON" => shard.trimmed,
            _ => {
                let number = &body["SequenceNumber"];
                let is_it = |record: &Value| record["dynamodb"]["SequenceNumber"] == *number;
                1 + shard.records.iter().position(is_it).ok_or("ValidationException")?
            }
        };
        if place < shard.trimmed {
            return Err("TrimmedDataAccessException");
        }
        Ok(json!({ "ShardIterator": self.iterator(id, place) }))
    }

    /// Shard, place and moment of issue, and the stream.
    fn iterator(&self, id: &str, place: usize) -> String {
        format!("{id}|{place}|{}|{}", self.clock.millis_since_origin(), self.label.as_deref().unwrap_or("-"))
    }

    fn get_records(&self, body: &Value) -> Result<Value, &'static str> {
        let (id, place, issued_at, label) = iterator(body);
        if Some(label) != self.label {
            return Err("ResourceNotFoundException");
        }
        if u128::from(self.clock.millis_since_origin() - issued_at) > ITERATORS_LAST.as_millis() {
            return Err("ExpiredIteratorException");
        }
        let shard = self.shards.get(&id).ok_or("ResourceNotFoundException")?;
        let place = place.min(shard.records.len());
        if place < shard.trimmed {
            return Err("TrimmedDataAccessException");
        }
        let records: Vec<&Value> = shard.records[place..].iter().take(self.page).collect();
        let next = place + records.len();
        let is_over = shard.is_closed && next == shard.records.len();
        let next = (!is_over).then(|| self.iterator(&id, next));
        Ok(json!({ "Records": records, "NextShardIterator": next }))
    }
}

impl Shard {
    fn describe(&self, id: &str) -> Value {
        let mut range = json!({ "StartingSequenceNumber": "1" });
        if self.is_closed {
            range["EndingSequenceNumber"] = json!("2");
        }
        let mut described = json!({ "ShardId": id, "SequenceNumberRange": range });
        if let Some(parent) = &self.parent {
            described["ParentShardId"] = json!(parent);
        }
        described
    }
}

fn iterator(body: &Value) -> (String, usize, u64, String) {
    let text = body["ShardIterator"].as_str().unwrap();
    let [shard, place, issued_at, label] = text.split('|').collect::<Vec<_>>().try_into().unwrap();
    (shard.to_owned(), place.parse().unwrap(), issued_at.parse().unwrap(), label.to_owned())
}

fn error(code: &str) -> Reply {
    let status = if code == "InternalServerError" { 500 } else { 400 };
    let body = json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "no" });
    origin_reply(status, body.to_string())
}
