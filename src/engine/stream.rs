//! Streams: what changed, in order.
//!
//! A stream has a row among the tables' rows, which outlives its table, and a keyspace of its own with its records:
//! under the lane and the sequence number of each (`shard.rs`), so that reading a shard is reading a range. They are
//! written in the transaction of the store that changes the item. A record holds what the stream's view shows, as
//! JSON that readers get as it stands. `iterator.rs` has the readers' positions, `trim.rs` throws old records and
//! streams away; `ops/streams.rs` answers requests.

pub(crate) mod iterator;
pub(crate) mod shard;
mod trim;

pub(crate) use trim::keep_trimming;

use std::ops::Bound;

use model::{
    Item,
    call::{KeySchemaElement, StreamSpecification, StreamViewType},
};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use store::{Direction, Space, Transaction, View};

use self::shard::{LANES, Number};
use crate::{
    EngineError,
    answer::json,
    catalog::{self, CATALOG},
    table::{Table, TableStream, key_item},
};

/// DynamoDB: "Data in DynamoDB Streams is subject to a 24-hour lifetime" (developer guide, "Change data capture for
/// DynamoDB Streams"). So are streams that were switched off, and shards that were closed.
pub(crate) const RETAINED_MILLIS: u64 = 24 * 60 * 60 * 1000;

const STREAM_ROWS: &[u8] = b"stream/";
const STREAM_ROWS_END: &[u8] = b"stream0";

/// A stream of a table that there is, or was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Stream {
    pub(crate) table: String,
    /// The moment at which it began, which tells it from the table's other streams.
    pub(crate) label: String,
    pub(crate) view: StreamViewType,
    pub(crate) key_schema: Vec<KeySchemaElement>,
    pub(crate) space: u32,
    /// Before its first record.
    pub(crate) began: Number,
    /// Behind its last record, once it is switched off.
    pub(crate) ended: Option<Number>,
}

/// What happened to an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Event {
    Insert,
    Modify,
    Remove,
}

/// Who changed an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Author {
    Client,
    /// The item's time to live was over.
    TimeToLive,
}

/// A record, as it is kept.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Change<I> {
    pub(crate) event: Event,
    pub(crate) author: Author,
    /// DynamoDB: of the key and the images that the view shows, together.
    pub(crate) bytes: usize,
    pub(crate) keys: I,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) new: Option<I>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) old: Option<I>,
}

/// A record that was read.
pub(crate) type Read = Change<Box<RawValue>>;

/// Begins the stream that a table asks for.
pub(crate) fn begin(
    tx: &mut Transaction<'_>,
    table: &str,
    key_schema: &[KeySchemaElement],
    specification: StreamSpecification,
) -> Result<Option<TableStream>, EngineError> {
    let Some(view) = specification.stream_view_type.filter(|_| specification.stream_enabled) else {
        return Ok(None);
    };
    let space = catalog::next_space(tx)?;
    tx.create_space(space);
    let label = free_label(tx, table)?;
    let stream = Stream {
        table: table.to_owned(),
        label: label.clone(),
        view,
        key_schema: key_schema.to_vec(),
        space: space.0,
        began: Number { millis: tx.commit_time(), sequence: tx.sequence(), place: 0 },
        ended: None,
    };
    tx.put(CATALOG, &row(table, &label), json(&stream));
    Ok(Some(TableStream { specification, label, space: space.0 }))
}

/// No two streams of a table have one label, however soon one follows the other.
fn free_label(tx: &Transaction<'_>, table: &str) -> Result<String, EngineError> {
    let mut moment = tx.commit_time();
    loop {
        let label = base::units::print_moment(moment);
        match tx.get(CATALOG, &row(table, &label))? {
            None => return Ok(label),
            Some(_) => moment += 1,
        }
    }
}

/// Ends a table's stream: it can still be read for a day.
pub(crate) fn end(tx: &mut Transaction<'_>, table: &str, label: &str) -> Result<(), EngineError> {
    let row = row(table, label);
    let stream = tx.get(CATALOG, &row)?.ok_or(EngineError::CorruptRecord)?;
    let ended = Number { millis: tx.commit_time(), sequence: tx.sequence(), place: 0 };
    let stream = Stream { ended: Some(ended), ..decode(&stream)? };
    tx.put(CATALOG, &row, json(&stream));
    Ok(())
}

/// Writes the record of a change, if the table has a stream.
pub(crate) fn record(
    tx: &mut Transaction<'_>,
    table: &Table,
    item_key: &[u8],
    (old, new): (Option<&Item>, Option<&Item>),
    author: Author,
) -> Result<(), EngineError> {
    let Some((space, view)) = table.changes else { return Ok(()) };
    let (event, any) = match (old, new) {
        (None, Some(new)) => (Event::Insert, new),
        (Some(_), Some(new)) => (Event::Modify, new),
        (Some(old), None) => (Event::Remove, old),
        (None, None) => return Ok(()),
    };
    let keys = key_item(table.key.attributes(), any);
    let shows_new = matches!(view, StreamViewType::NewImage | StreamViewType::NewAndOldImages);
    let shows_old = matches!(view, StreamViewType::OldImage | StreamViewType::NewAndOldImages);
    let (new, old) = (new.filter(|_| shows_new), old.filter(|_| shows_old));
    let bytes = [Some(&keys), new, old].into_iter().flatten().map(Item::size).sum();
    let change = json(&Change { event, author, bytes, keys: &keys, new, old });
    let mut number = Number { millis: tx.commit_time(), sequence: tx.sequence(), place: 0 };
    let lane = lane(item_key);
    // A transaction of the store may change many items.
    while tx.get(space, &place(lane, number))?.is_some() {
        number = number.next();
    }
    tx.put(space, &place(lane, number), change);
    Ok(())
}

impl Stream {
    pub(crate) fn is_gone(&self, now: u64) -> bool {
        self.ended.is_some_and(|ended| ended.millis + RETAINED_MILLIS <= now)
    }

    pub(crate) fn space(&self) -> Space {
        Space(self.space)
    }

    /// The records of a lane from one number on to another, which is not among them, in order.
    pub(crate) fn records(
        &self,
        view: &View,
        lane: u8,
        span: (Number, Option<Number>),
        direction: Direction,
    ) -> impl Iterator<Item = Result<(Number, Read), EngineError>> + use<> {
        let (from, to) = (place(lane, span.0), span.1.map(|to| place(lane, to)));
        let to = to.unwrap_or_else(|| vec![lane + 1]);
        let bounds = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
        view.range(self.space(), bounds, direction).map(|row| {
            let (key, value) = row?;
            let number = number_of(&key).ok_or(EngineError::CorruptRecord)?;
            Ok((number, serde_json::from_slice(&value).map_err(|_| EngineError::CorruptRecord)?))
        })
    }
}

/// The stream of a table and a label.
pub(crate) fn find(view: &View, table: &str, label: &str) -> Result<Option<Stream>, EngineError> {
    view.get(CATALOG, &row(table, label))?.map(|row| decode(&row)).transpose()
}

/// Streams in the order of tables, and of labels: of one table or of all, behind a table and a label.
pub(crate) fn list(
    view: &View,
    table: Option<&str>,
    behind: Option<(&str, &str)>,
) -> impl Iterator<Item = Result<Stream, EngineError>> + use<> {
    let (first, end) = match table {
        None => (STREAM_ROWS.to_vec(), STREAM_ROWS_END.to_vec()),
        Some(table) => (row(table, ""), [STREAM_ROWS, table.as_bytes(), b"0"].concat()),
    };
    let behind = behind.map(|(table, label)| row(table, label)).filter(|behind| *behind >= first);
    let from = behind.as_deref().map_or(Bound::Included(first.as_slice()), Bound::Excluded);
    let rows = view.range(CATALOG, (from, Bound::Excluded(end.as_slice())), Direction::Forward);
    rows.map(|row| decode(&row?.1))
}

/// DynamoDB: names of tables have no slash.
fn row(table: &str, label: &str) -> Vec<u8> {
    [STREAM_ROWS, table.as_bytes(), b"/", label.as_bytes()].concat()
}

fn decode(row: &[u8]) -> Result<Stream, EngineError> {
    serde_json::from_slice(row).map_err(|_| EngineError::CorruptRecord)
}

/// An equal share of the hashes that the keys of items begin with (see `keys.rs`).
fn lane(item_key: &[u8]) -> u8 {
    let hash = item_key.first().copied().unwrap_or_default();
    ((u16::from(hash) * u16::from(LANES)) >> u8::BITS) as u8
}

fn place(lane: u8, number: Number) -> Vec<u8> {
    [&[lane][..], &number.to_bits().to_be_bytes()].concat()
}

fn number_of(key: &[u8]) -> Option<Number> {
    let (_lane, bits) = key.split_first()?;
    bits.try_into().ok().map(|bits| Number::of_bits(u128::from_be_bytes(bits)))
}

#[cfg(test)]
mod tests;
