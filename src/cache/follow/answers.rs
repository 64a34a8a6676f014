//! What the origin answers to a follower, read as far as it is needed. Members that are not known are passed over.

use std::{
    collections::BTreeMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::StatusCode;
use model::{ErrorCode, Item, Retry, call::StreamViewType};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Change, Event, Image, Loss, lineage::Listed};

/// Why an answer is none to go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Too much was asked for: to be asked again after a while.
    Throttled,
    /// There was no answer, or the origin is ill: to be asked again after a while.
    Failed,
    /// The iterator is too old.
    Expired,
    /// Asking again is of no use.
    Lost(Loss),
}

/// What `DescribeTable` says of a table's stream: the newest one's ARN, if it ever had one.
#[derive(Debug, Deserialize)]
struct TableDescribed {
    #[serde(rename = "Table")]
    table: TableStream,
}

#[derive(Debug, Deserialize)]
struct TableStream {
    #[serde(rename = "LatestStreamArn")]
    latest_stream_arn: Option<String>,
}

/// A page of `DescribeStream`.
#[derive(Debug)]
pub(super) struct StreamPage {
    pub(super) view: StreamViewType,
    pub(super) shards: Vec<Listed>,
    pub(super) last: Option<String>,
}

#[derive(Deserialize)]
struct StreamDescribed {
    #[serde(rename = "StreamDescription")]
    stream: StreamDescription,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamDescription {
    stream_status: String,
    stream_view_type: StreamViewType,
    #[serde(default)]
    shards: Vec<ShardDescription>,
    last_evaluated_shard_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ShardDescription {
    shard_id: String,
    parent_shard_id: Option<String>,
    sequence_number_range: Option<SequenceNumberRange>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SequenceNumberRange {
    ending_sequence_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Iterating {
    shard_iterator: String,
}

/// A page of `GetRecords`; a record that cannot be read is `None`.
#[derive(Debug)]
pub(super) struct RecordsPage {
    pub(super) changes: Vec<Option<Change>>,
    /// Where to go on. DynamoDB: not there, or null, once a closed shard was read to its end.
    pub(super) next: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Got<'a> {
    #[serde(borrow)]
    records: Vec<&'a RawValue>,
    next_shard_iterator: Option<String>,
}

#[derive(Deserialize)]
struct Record {
    #[serde(rename = "eventName")]
    event: Event,
    dynamodb: StreamRecord,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamRecord {
    keys: Item,
    old_image: Option<Item>,
    new_image: Option<Item>,
    sequence_number: String,
    approximate_creation_date_time: Option<f64>,
}

/// What an answer that is no success means.
pub(super) fn trouble(status: StatusCode, body: &[u8]) -> Trouble {
    match ErrorCode::in_body(body) {
        Some(ErrorCode::ExpiredIteratorException) => Trouble::Expired,
        Some(ErrorCode::TrimmedDataAccessException) => Trouble::Lost(Loss::Trimmed),
        Some(ErrorCode::ResourceNotFoundException | ErrorCode::TableNotFoundException) => {
            Trouble::Lost(Loss::Gone)
        }
        Some(
            ErrorCode::LimitExceededException
            | ErrorCode::ProvisionedThroughputExceededException
            | ErrorCode::RequestLimitExceeded
            | ErrorCode::ThrottlingException,
        ) => Trouble::Throttled,
        // Credentials are renewed by themselves.
        Some(ErrorCode::ExpiredTokenException) => Trouble::Failed,
        Some(code) if code.retry() == Retry::Safe => Trouble::Failed,
        _ if status == StatusCode::TOO_MANY_REQUESTS => Trouble::Throttled,
        _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => Trouble::Failed,
        _ => Trouble::Lost(Loss::Refused),
    }
}

/// The ARN of a table's newest stream, from `DescribeTable`.
pub(super) fn latest_stream(body: &[u8]) -> Result<String, Loss> {
    let described: TableDescribed = serde_json::from_slice(body).map_err(|_| Loss::Unreadable)?;
    described.table.latest_stream_arn.ok_or(Loss::NoStream)
}

/// A page of shards, from `DescribeStream`; none of a stream that takes no more records.
pub(super) fn stream_page(body: &[u8]) -> Result<StreamPage, Loss> {
    let StreamDescribed { stream } = serde_json::from_slice(body).map_err(|_| Loss::Unreadable)?;
    if !matches!(stream.stream_status.as_str(), "ENABLED" | "ENABLING") {
        return Err(Loss::Disabled);
    }
    let listed = |shard: ShardDescription| Listed {
        is_open: shard.sequence_number_range.is_none_or(|range| range.ending_sequence_number.is_none()),
        id: shard.shard_id.into(),
        parent: shard.parent_shard_id.map(Into::into),
    };
    Ok(StreamPage {
        view: stream.stream_view_type,
        shards: stream.shards.into_iter().map(listed).collect(),
        last: stream.last_evaluated_shard_id,
    })
}

/// From `GetShardIterator`.
pub(super) fn iterator(body: &[u8]) -> Result<String, Loss> {
    let iterating: Iterating = serde_json::from_slice(body).map_err(|_| Loss::Unreadable)?;
    Ok(iterating.shard_iterator)
}

/// A page of records, from `GetRecords` of a stream with this view.
pub(super) fn records_page(body: &[u8], view: StreamViewType) -> Result<RecordsPage, Loss> {
    let got: Got<'_> = serde_json::from_slice(body).map_err(|_| Loss::Unreadable)?;
    let changes = got.records.iter().map(|record| change(record.get(), view)).collect();
    Ok(RecordsPage { changes, next: got.next_shard_iterator })
}

fn change(record: &str, view: StreamViewType) -> Option<Change> {
    let Record { event, dynamodb } = serde_json::from_str(record).ok()?;
    let (shows_old, shows_new) = match view {
        StreamViewType::KeysOnly => (false, false),
        StreamViewType::OldImage => (true, false),
        StreamViewType::NewImage => (false, true),
        StreamViewType::NewAndOldImages => (true, true),
    };
    Some(Change {
        event,
        old: image(event != Event::Insert, shows_old, dynamodb.old_image),
        new: image(event != Event::Remove, shows_new, dynamodb.new_image),
        key: dynamodb.keys,
        sequence_number: dynamodb.sequence_number,
        created_at: dynamodb.approximate_creation_date_time.and_then(moment),
    })
}

/// One side of a change. An image that should be there and is not says nothing (Alternator leaves some out).
fn image(is_item: bool, is_shown: bool, image: Option<Item>) -> Image {
    match (is_item, image) {
        (false, _) => Image::Absent,
        (true, Some(item)) if is_shown => Image::Item(item),
        (true, _) => Image::Hidden,
    }
}

fn moment(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}

/// The body of a request whose members are texts.
pub(super) fn request(members: &[(&str, &str)]) -> Vec<u8> {
    let members: BTreeMap<&str, &str> = members.iter().copied().collect();
    serde_json::to_vec(&members).expect("texts are always JSON")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn body(value: &Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    #[test]
    fn errors_say_whether_to_ask_again() {
        let error =
            |code: &str| body(&json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}") }));
        let cases = [
            (400, "ProvisionedThroughputExceededException", Trouble::Throttled),
            (400, "LimitExceededException", Trouble::Throttled),
            (400, "ThrottlingException", Trouble::Throttled),
            (500, "InternalServerError", Trouble::Failed),
            (503, "ServiceUnavailable", Trouble::Failed),
            (400, "ExpiredTokenException", Trouble::Failed),
            (400, "UnrecognizedClientException", Trouble::Failed),
            (400, "ExpiredIteratorException", Trouble::Expired),
            (400, "TrimmedDataAccessException", Trouble::Lost(Loss::Trimmed)),
            (400, "ResourceNotFoundException", Trouble::Lost(Loss::Gone)),
            (400, "AccessDeniedException", Trouble::Lost(Loss::Refused)),
            (400, "ValidationException", Trouble::Lost(Loss::Refused)),
            (400, "UnknownOperationException", Trouble::Lost(Loss::Refused)),
            (400, "SomethingNewException", Trouble::Lost(Loss::Refused)),
            (500, "SomethingNewException", Trouble::Failed),
            (429, "SomethingNewException", Trouble::Throttled),
        ];
        for (status, code, expected) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            assert_eq!(trouble(status, &error(code)), expected, "{code}");
        }
        assert_eq!(trouble(StatusCode::BAD_GATEWAY, b"<html>"), Trouble::Failed);
        assert_eq!(trouble(StatusCode::NOT_FOUND, b"<html>"), Trouble::Lost(Loss::Refused));
    }

    #[test]
    fn a_table_names_its_stream() {
        let cases = [
            (json!({ "Table": { "LatestStreamArn": "arn", "TableName": "Tab" } }), Ok("arn".to_owned())),
            (json!({ "Table": { "TableName": "Tab" } }), Err(Loss::NoStream)),
            (json!({ "Other": 1 }), Err(Loss::Unreadable)),
        ];
        for (described, expected) in cases {
            assert_eq!(latest_stream(&body(&described)), expected, "{described}");
        }
    }

    fn described(status: &str) -> Value {
        json!({ "StreamDescription": {
            "StreamArn": "arn", "StreamStatus": status, "StreamViewType": "KEYS_ONLY", "KeySchema": [],
            "LastEvaluatedShardId": "shard-2",
            "Shards": [
                { "ShardId": "shard-1", "SequenceNumberRange":
                    { "StartingSequenceNumber": "1", "EndingSequenceNumber": "2" } },
                { "ShardId": "shard-2", "ParentShardId": "shard-1", "SequenceNumberRange":
                    { "StartingSequenceNumber": "3" } },
            ],
        } })
    }

    #[test]
    fn shards_are_open_until_they_have_an_end() {
        let page = stream_page(&body(&described("ENABLED"))).unwrap();
        let expected = [
            Listed { id: "shard-1".into(), parent: None, is_open: false },
            Listed { id: "shard-2".into(), parent: Some("shard-1".into()), is_open: true },
        ];
        assert_eq!((page.shards.as_slice(), page.last.as_deref()), (&expected[..], Some("shard-2")));
        assert_eq!(page.view, StreamViewType::KeysOnly);
        for status in ["DISABLED", "DISABLING"] {
            assert_eq!(stream_page(&body(&described(status))).err(), Some(Loss::Disabled));
        }
        assert_eq!(stream_page(b"{}").err(), Some(Loss::Unreadable));
    }

    fn record(event: &str, old: Option<&Value>, new: Option<&Value>) -> Value {
        let mut dynamodb = json!({
            "ApproximateCreationDateTime": 1.464_806_46E9, "Keys": { "p": { "S": "k" } },
            "SequenceNumber": "300000000000000499659", "SizeBytes": 41, "StreamViewType": "KEYS_ONLY",
        });
        for (name, image) in [("OldImage", old), ("NewImage", new)] {
            if let Some(image) = image {
                dynamodb[name] = image.clone();
            }
        }
        json!({ "eventID": "e", "eventName": event, "eventVersion": "1.1", "awsRegion": "eu-west-1",
            "eventSource": "aws:dynamodb", "dynamodb": dynamodb })
    }

    #[test]
    fn a_record_shows_what_its_view_shows() {
        use StreamViewType::{KeysOnly, NewAndOldImages, NewImage, OldImage};
        let image = |version: u32| json!({ "p": { "S": "k" }, "v": { "N": version.to_string() } });
        let item = |version| Image::Item(serde_json::from_value(image(version)).unwrap());
        let (old, new) = (image(1), image(2));
        let cases = [
            (NewAndOldImages, record("MODIFY", Some(&old), Some(&new)), item(1), item(2)),
            (NewAndOldImages, record("INSERT", None, Some(&new)), Image::Absent, item(2)),
            (NewAndOldImages, record("REMOVE", Some(&old), None), item(1), Image::Absent),
            (NewAndOldImages, record("MODIFY", None, Some(&new)), Image::Hidden, item(2)),
            (OldImage, record("MODIFY", Some(&old), None), item(1), Image::Hidden),
            (NewImage, record("MODIFY", None, Some(&new)), Image::Hidden, item(2)),
            (NewImage, record("REMOVE", None, None), Image::Hidden, Image::Absent),
            (KeysOnly, record("INSERT", None, None), Image::Absent, Image::Hidden),
            (KeysOnly, record("MODIFY", None, None), Image::Hidden, Image::Hidden),
        ];
        for (view, record, old, new) in cases {
            let page = records_page(&body(&json!({ "Records": [record], "NextShardIterator": null })), view);
            let page = page.unwrap();
            let [Some(change)] = page.changes.as_slice() else { panic!("{record} is not read") };
            assert_eq!((&change.old, &change.new), (&old, &new), "{view:?} {record}");
            assert_eq!(change.sequence_number, "300000000000000499659");
            assert_eq!(change.created_at, moment(1_464_806_460.0));
            assert_eq!(page.next, None);
        }
    }

    #[test]
    fn one_record_that_is_not_read_does_not_hide_the_others() {
        let good = record("MODIFY", None, None);
        let mut bad = good.clone();
        bad["dynamodb"]["Keys"] = json!({ "p": { "QUANTUM": "k" } });
        let mut nameless = good.clone();
        nameless["eventName"] = json!("TRANSMUTE");
        let got = json!({ "Records": [bad, good, nameless], "NextShardIterator": "it" });
        let page = records_page(&body(&got), StreamViewType::KeysOnly).unwrap();
        let read: Vec<bool> = page.changes.iter().map(Option::is_some).collect();
        assert_eq!((read, page.next.as_deref()), (vec![false, true, false], Some("it")));
        assert_eq!(records_page(b"[]", StreamViewType::KeysOnly).err(), Some(Loss::Unreadable));
    }

    #[test]
    fn requests_are_json() {
        let made: Value = serde_json::from_slice(&request(&[("StreamArn", "a\"b")])).unwrap();
        assert_eq!(made, json!({ "StreamArn": "a\"b" }));
    }
}
