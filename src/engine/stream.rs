//! What changed, in order: the records that a stream is read from.
//!
//! A record lies under the sequence number of the store's transaction and the item's own key; it carries the
//! time of the commit and both images, whatever the stream's view shows of them.

use model::Item;
use serde::{Deserialize, Serialize};
use store::{Direction, Space, Transaction};

use crate::{EngineError, answer::json};

/// DynamoDB: "Data in DynamoDB Streams is subject to a 24-hour lifetime" (developer guide, "Change data capture for
/// DynamoDB Streams").
const LIFE_MILLIS: u64 = 24 * 60 * 60 * 1000;
/// Old records dropped with each new one: more than come, so that they do not pile up.
const RECORDS_DROPPED: usize = 2;

/// A change of an item.
#[derive(Debug, Serialize, Deserialize)]
struct Change<'a> {
    /// When it was committed, in milliseconds since the epoch.
    at: u64,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    old: Option<&'a Item>,
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    new: Option<&'a Item>,
}

/// Writes the record of a change.
pub(crate) fn record(
    tx: &mut Transaction<'_>,
    space: Space,
    item_key: &[u8],
    (old, new): (Option<&Item>, Option<&Item>),
) -> Result<(), EngineError> {
    let at = tx.commit_time();
    let entries = tx.range(space, .., Direction::Forward);
    let mut expired = Vec::new();
    for entry in entries.take(RECORDS_DROPPED) {
        let (key, value) = entry?;
        let change: Change<'_> = serde_json::from_slice(&value).map_err(|_| EngineError::CorruptRecord)?;
        if change.at + LIFE_MILLIS > at {
            break;
        }
        expired.push(key.to_vec());
    }
    expired.iter().for_each(|key| tx.delete(space, key));
    let key = [&tx.sequence().to_be_bytes(), item_key].concat();
    tx.put(space, &key, json(&Change { at, old, new }));
    Ok(())
}
