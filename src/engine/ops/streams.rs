//! `ListStreams`, `DescribeStream`, `GetShardIterator`, `GetRecords`.

use std::sync::Arc;

use model::{
    ApiError, ErrorCode, StreamRef,
    call::{
        DescribeStream, GetRecords, GetShardIterator, KeySchemaElement, ListStreams, ShardIteratorType,
        StreamViewType,
    },
};
use serde::Serialize;
use serde_json::value::RawValue;
use store::{Direction, Transaction, View};
use xxhash_rust::xxh3::xxh3_128;

use crate::{
    Core, EngineError,
    answer::json,
    aside,
    catalog::CATALOG,
    description::seconds,
    stream::{
        self, Author, Event, RETAINED_MILLIS, Read, Stream,
        iterator::{ITERATOR_MILLIS, Iterator as ShardIterator, Position},
        shard::{Number, Shard},
    },
};

/// DynamoDB: the page size of ListStreams and DescribeStream, if none is asked for.
const PAGE: usize = 100;
/// DynamoDB: "GetRecords can retrieve a maximum of 1 MB of data or 1000 stream records, whichever comes first" (API
/// reference).
const RECORDS_MAX: usize = 1000;
const RECORDS_BYTES_MAX: usize = 1 << 20;
/// Written where a shard is due to be closed and nobody else writes.
const PRESENT_ROW: &[u8] = b"stream-present";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    streams: Vec<Summary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_stream_arn: Option<String>,
}

/// `Stream`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Summary {
    stream_arn: String,
    table_name: String,
    stream_label: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Described<'a> {
    stream_description: StreamDescription<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescription<'a> {
    stream_arn: &'a str,
    stream_label: &'a str,
    stream_status: Status,
    stream_view_type: StreamViewType,
    creation_request_date_time: f64,
    table_name: &'a str,
    key_schema: &'a [KeySchemaElement],
    shards: Vec<ShardDescription>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_evaluated_shard_id: Option<String>,
}

/// `StreamStatus`; a stream takes no time here to be switched on or off.
#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Status {
    Enabled,
    Disabled,
}

/// `Shard`.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ShardDescription {
    shard_id: String,
    sequence_number_range: SequenceNumberRange,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent_shard_id: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    starting_sequence_number: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ending_sequence_number: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Iterating {
    shard_iterator: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Got<'a> {
    records: Vec<Record<'a>>,
    /// DynamoDB: not there once a closed shard was read to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_shard_iterator: Option<String>,
}

/// `Record`.
#[derive(Serialize)]
struct Record<'a> {
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "eventName")]
    event_name: Event,
    #[serde(rename = "eventVersion")]
    event_version: &'static str,
    #[serde(rename = "eventSource")]
    event_source: &'static str,
    #[serde(rename = "awsRegion")]
    aws_region: &'a str,
    dynamodb: StreamRecord,
    #[serde(rename = "userIdentity", skip_serializing_if = "Option::is_none")]
    user_identity: Option<Identity>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRecord {
    /// DynamoDB: in whole seconds.
    approximate_creation_date_time: u64,
    keys: Box<RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    new_image: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_image: Option<Box<RawValue>>,
    sequence_number: String,
    size_bytes: usize,
    stream_view_type: StreamViewType,
}

/// `Identity`. DynamoDB: of what the service does by itself (developer guide, "DynamoDB Streams and Time to Live").
/// Members begin with capitals here, other than in what triggers are handed.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Identity {
    principal_id: &'static str,
    #[serde(rename = "Type")]
    kind: &'static str,
}

/// A stream, and the view in which it is read.
struct Seen {
    stream: Stream,
    view: View,
    /// In milliseconds since the epoch; not before the view.
    now: u64,
}

impl Core {
    pub(crate) fn list_streams(&self, asked: &ListStreams) -> Result<Vec<u8>, EngineError> {
        let view = self.store.view();
        let start = asked.exclusive_start_stream_arn.as_deref().and_then(StreamRef::parse);
        let behind = start.as_ref().map(|start| (start.table.as_str(), &*start.label));
        let limit = asked.limit.map_or(PAGE, |limit| limit as usize);
        let now = self.now_millis();
        let mut streams = stream::list(&view, asked.table_name.as_deref(), behind)
            .filter(|found| found.as_ref().map_or(true, |stream| !stream.is_gone(now)))
            .map(|found| found.map(|stream| self.summary(stream)));
        let page: Vec<Summary> = streams.by_ref().take(limit).collect::<Result<_, _>>()?;
        let last = page.last().map(|last| last.stream_arn.clone());
        Ok(json(&Listed { last_evaluated_stream_arn: streams.next().and(last), streams: page }))
    }

    fn summary(&self, stream: Stream) -> Summary {
        Summary { stream_arn: self.stream_arn(&stream), table_name: stream.table, stream_label: stream.label }
    }

    fn stream_arn(&self, stream: &Stream) -> String {
        format!("{}/stream/{}", self.origin.table_arn(&stream.table), stream.label)
    }

    pub(crate) async fn describe_stream(&self, asked: &DescribeStream) -> Result<Vec<u8>, EngineError> {
        let seen = self.stream(&asked.stream_arn).await?;
        let stream = &seen.stream;
        let limit = asked.limit.map_or(PAGE, |limit| limit as usize);
        // DynamoDB: nothing needs to be of these ids (Alternator's tests, which also run against the service).
        let start = asked.exclusive_start_shard_id.as_deref().unwrap_or_default();
        let parent = asked.shard_filter.as_ref().map(|filter| stream.shard_of_id(&filter.shard_id));
        let mut shards = seen
            .shards()
            .into_iter()
            .filter(|shard| parent.is_none_or(|parent| parent.is_some() && shard.parent() == parent))
            .map(|shard| seen.describe(shard))
            .filter(|shard| shard.shard_id.as_str() > start);
        let page: Vec<ShardDescription> = shards.by_ref().take(limit).collect();
        let last = page.last().map(|last| last.shard_id.clone());
        Ok(json(&Described {
            stream_description: StreamDescription {
                stream_arn: &asked.stream_arn,
                stream_label: &stream.label,
                stream_status: if stream.ended.is_none() { Status::Enabled } else { Status::Disabled },
                stream_view_type: stream.view,
                creation_request_date_time: seconds(stream.began.millis),
                table_name: &stream.table,
                key_schema: &stream.key_schema,
                last_evaluated_shard_id: shards.next().and(last),
                shards: page,
            },
        }))
    }

    pub(crate) async fn get_shard_iterator(&self, asked: &GetShardIterator) -> Result<Vec<u8>, EngineError> {
        let seen = self.stream(&asked.stream_arn).await?;
        let shard = seen.stream.shard_of_id(&asked.shard_id).filter(|shard| seen.shards().contains(shard));
        let shard = shard.ok_or_else(no_such_shard)?;
        let number = asked.sequence_number.as_deref();
        let position = seen.position(shard, asked.shard_iterator_type, number)?;
        let iterator =
            ShardIterator { stream_arn: asked.stream_arn.clone(), shard, position, issued_at: seen.now };
        Ok(json(&Iterating { shard_iterator: iterator.to_text() }))
    }

    pub(crate) async fn get_records(self: &Arc<Self>, asked: &GetRecords) -> Result<Vec<u8>, EngineError> {
        let iterator = ShardIterator::parse(&asked.shard_iterator)
            .ok_or_else(|| EngineError::validation("Invalid ShardIterator"))?;
        let seen = self.stream(&iterator.stream_arn).await?;
        if iterator.issued_at + ITERATOR_MILLIS < seen.now {
            // DynamoDB: the words of the API reference.
            let message = "The provided iterator exceeds the maximum age allowed";
            return Err(ApiError::client(ErrorCode::ExpiredIteratorException, message).into());
        }
        let limit = asked.limit.map_or(RECORDS_MAX, |limit| limit as usize);
        let core = Arc::clone(self);
        aside(move || {
            let page = seen.page(&iterator, limit)?;
            let records =
                page.records.into_iter().map(|(number, read)| core.record(&seen.stream, number, read));
            let next = page.next.map(|position| ShardIterator { position, issued_at: seen.now, ..iterator });
            let next_shard_iterator = next.map(|next| next.to_text());
            Ok(json(&Got { records: records.collect(), next_shard_iterator }))
        })
        .await
    }

    fn record(&self, stream: &Stream, number: Number, read: Read) -> Record<'_> {
        let identity = Identity { principal_id: "dynamodb.amazonaws.com", kind: "Service" };
        let id = [stream.label.as_bytes(), stream.table.as_bytes(), &number.to_bits().to_be_bytes()].concat();
        Record {
            event_id: format!("{:032x}", xxh3_128(&id)),
            event_name: read.event,
            event_version: "1.1",
            event_source: "aws:dynamodb",
            aws_region: &self.origin.region,
            dynamodb: StreamRecord {
                approximate_creation_date_time: number.millis / 1000,
                keys: read.keys,
                new_image: read.new,
                old_image: read.old,
                sequence_number: number.to_text(),
                size_bytes: read.bytes,
                stream_view_type: stream.view,
            },
            user_identity: (read.author == Author::TimeToLive).then_some(identity),
        }
    }

    /// The stream of an ARN, its shards closed as far as they are due to be.
    async fn stream(&self, arn: &str) -> Result<Seen, EngineError> {
        let missing = || {
            let message = format!("Requested resource not found: Stream: {arn} not found");
            EngineError::from(ApiError::client(ErrorCode::ResourceNotFoundException, message))
        };
        let reference = StreamRef::parse(arn).ok_or_else(missing)?;
        let StreamRef { table, label, table_arn } = reference;
        if self.origin.table_arn(table.as_str()) != *table_arn {
            return Err(missing());
        }
        let mut view = self.store.view();
        let find = |view: &View| stream::find(view, table.as_str(), &label);
        let mut stream = find(&view)?.ok_or_else(missing)?;
        let now = self.now_millis();
        if stream.ended.is_none() && stream.generation(view.commit_time()) < stream.generation(now) {
            self.move_present().await;
            view = self.store.view();
            stream = find(&view)?.ok_or_else(missing)?;
        }
        let now = now.max(view.commit_time());
        if stream.is_gone(now) { Err(missing()) } else { Ok(Seen { stream, view, now }) }
    }

    /// Has a transaction happen, since it is such a one that closes a shard. If it fails, shards just stay open.
    async fn move_present(&self) {
        let moved = self.commit(|tx: &mut Transaction<'_>| {
            tx.put(CATALOG, PRESENT_ROW, tx.commit_time().to_be_bytes().to_vec());
            Ok::<_, EngineError>(())
        });
        if let Err(error) = moved.await {
            tracing::warn!(%error, "shards of streams that are due to be closed stay open");
        }
    }
}

/// What one `GetRecords` reads.
struct Page {
    records: Vec<(Number, Read)>,
    /// Where to go on, unless there never will be more.
    next: Option<Position>,
}

impl Seen {
    fn shards(&self) -> Vec<Shard> {
        self.stream.shards(self.view.commit_time(), self.now)
    }

    fn end(&self, shard: Shard) -> Option<Number> {
        self.stream.end(shard, self.view.commit_time())
    }

    /// What was before cannot be read any more.
    fn horizon(&self) -> Number {
        Number::at(self.now.saturating_sub(RETAINED_MILLIS))
    }

    fn oldest(&self, shard: Shard) -> Number {
        self.stream.start(shard).max(self.horizon())
    }

    fn describe(&self, shard: Shard) -> ShardDescription {
        let stream = &self.stream;
        ShardDescription {
            shard_id: stream.shard_id(shard),
            sequence_number_range: SequenceNumberRange {
                starting_sequence_number: stream.start(shard).to_text(),
                ending_sequence_number: self.end(shard).map(|end| end.previous().to_text()),
            },
            parent_shard_id: shard.parent().map(|parent| stream.shard_id(parent)),
        }
    }

    fn position(
        &self,
        shard: Shard,
        kind: ShardIteratorType,
        number: Option<&str>,
    ) -> Result<Position, EngineError> {
        match kind {
            ShardIteratorType::TrimHorizon => Ok(Position::Oldest),
            ShardIteratorType::Latest => self.latest(shard),
            ShardIteratorType::AtSequenceNumber => Ok(Position::From(self.number(shard, number)?)),
            ShardIteratorType::AfterSequenceNumber => Ok(Position::From(self.number(shard, number)?.next())),
        }
    }

    /// Behind the newest record.
    fn latest(&self, shard: Shard) -> Result<Position, EngineError> {
        let (start, end) = (self.oldest(shard), self.end(shard));
        let newest = self.stream.records(&self.view, shard.lane, (start, end), Direction::Backward).next();
        let newest = newest.transpose()?.map(|(number, _)| number.next());
        Ok(Position::From(newest.unwrap_or(start)))
    }

    /// A sequence number that a record of the shard can have.
    fn number(&self, shard: Shard, text: Option<&str>) -> Result<Number, EngineError> {
        let number = text.and_then(Number::parse);
        let number = number.ok_or_else(|| EngineError::validation("Invalid SequenceNumber"))?;
        let present = Number::at(self.view.commit_time() + 1);
        let (start, end) = (self.stream.start(shard), self.end(shard).unwrap_or(present));
        if !(start..end).contains(&number) {
            return Err(EngineError::validation("Invalid SequenceNumber"));
        }
        // DynamoDB: a number older than the trim point is refused at once (API reference,
        // `TrimmedDataAccessException`).
        if number < self.horizon() { Err(trimmed()) } else { Ok(number) }
    }

    fn page(&self, iterator: &ShardIterator, limit: usize) -> Result<Page, EngineError> {
        let ShardIterator { shard, position, .. } = *iterator;
        if !self.shards().contains(&shard) {
            return Err(trimmed());
        }
        let (end, oldest) = (self.end(shard), self.oldest(shard));
        let from = match position {
            Position::Oldest => oldest,
            Position::From(number) => {
                self.refuse_trimmed(shard, number)?;
                number.max(oldest)
            }
        };
        let mut page = Page { records: Vec::new(), next: Some(position) };
        let mut bytes = 0;
        for found in self.stream.records(&self.view, shard.lane, (from, end), Direction::Forward) {
            let (number, read) = found?;
            bytes += read.bytes;
            let is_full = page.records.len() == limit || bytes > RECORDS_BYTES_MAX;
            if is_full && !page.records.is_empty() {
                return Ok(page);
            }
            page.next = Some(Position::From(number.next()));
            page.records.push((number, read));
        }
        if end.is_some() {
            page.next = None;
        }
        Ok(page)
    }

    /// Old records are kept for longer than any iterator is good for: so whether one was trimmed before it was read
    /// shows from its being there.
    fn refuse_trimmed(&self, shard: Shard, from: Number) -> Result<(), EngineError> {
        let horizon = self.end(shard).map_or(self.horizon(), |end| end.min(self.horizon()));
        if from >= horizon {
            return Ok(());
        }
        let mut missed =
            self.stream.records(&self.view, shard.lane, (from, Some(horizon)), Direction::Forward);
        match missed.next() {
            None => Ok(()),
            Some(_) => Err(trimmed()),
        }
    }
}

/// DynamoDB: these words (seen by users of consumers).
fn trimmed() -> EngineError {
    let message = "The data you are trying to access has been trimmed";
    ApiError::client(ErrorCode::TrimmedDataAccessException, message).into()
}

/// DynamoDB: these words (seen by users of consumers).
fn no_such_shard() -> EngineError {
    let message = "Requested resource not found: Shard does not exist";
    ApiError::client(ErrorCode::ResourceNotFoundException, message).into()
}
