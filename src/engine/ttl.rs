//! Time to live: items that expired are deleted in the background.
//!
//! A table with time to live keeps a row for every item that has a moment of expiry, in the order of these moments;
//! the write of an item moves its row. So a sweep reads what is due and nothing else, however large the table is; a
//! scan, even a slow one, would read every item over and over for the sake of few. The price is a small row for each
//! item that expires. What was there before time to live was switched on gets its rows as a new index does
//! (`filling.rs`).
//!
//! A sweep deletes a few items in a turn of the writer, so that clients wait for no more than these, and looks again
//! at each item in that turn: whoever refreshed it in time keeps it. It writes as a client's DeleteItem does, but for
//! the author in the stream's record, and nobody is charged for it. Layers in front hear of it through the seam.

use std::{
    ops::Bound,
    sync::{Arc, Weak},
    time::Duration,
};

use backend::{Ending, OwnChange};
use bytes::Bytes;
use model::{AttributeValue, Item};
use store::{Direction, Space, StoreError, Transaction, View};

use crate::{
    Core, EngineError,
    record::Record,
    table::{Table, key_item},
    write::{Action, Write},
};

/// Items deleted in one turn of the writer: more make clients wait longer.
const ITEMS_AT_ONCE: usize = 50;
/// DynamoDB: what expired more than five years ago is not deleted, since it was likely no moment at all (developer
/// guide, "Using time to live (TTL) in DynamoDB").
const FIVE_YEARS_SECONDS: u64 = 5 * 365 * 24 * 60 * 60;
const MOMENT_BYTES: usize = 8;

/// Moves an item's row, if its table has time to live.
pub(crate) fn maintain(
    tx: &mut Transaction<'_>,
    table: &Table,
    place: &[u8],
    (old, new): (Option<&Item>, Option<&Item>),
) {
    let Some((space, attribute)) = table.expiries() else { return };
    let moment = |item: Option<&Item>| item.and_then(|item| expires_at(item, attribute));
    let (old, new) = (moment(old), moment(new));
    if old == new {
        return;
    }
    if let Some(old) = old {
        tx.delete(space, &row(old, place));
    }
    if let Some(new) = new {
        tx.put(space, &row(new, place), Bytes::new());
    }
}

/// Goes on for as long as there is an engine.
pub(crate) async fn keep_sweeping(swept: Weak<Core>, every: Duration) {
    while let Some(core) = swept.upgrade() {
        let (clock, drain) = (core.clock.clone(), core.drain.clone());
        core.sweep().await;
        drop(core);
        tokio::select! {
            () = clock.sleep(every) => {}
            () = drain.begun() => return,
        }
    }
}

impl Core {
    /// Deletes what is due: a little of each table in turn, until nothing is left.
    async fn sweep(&self) {
        let tables = self.catalog.tables();
        let mut due: Vec<&Arc<Table>> = tables.values().filter(|table| table.expiries().is_some()).collect();
        while !due.is_empty() {
            let mut still_due = Vec::new();
            for table in due {
                match self.sweep_some(table).await {
                    Ok(Swept::Some) => still_due.push(table),
                    // Whoever changed the table has shown it to everybody by the next sweep.
                    Ok(Swept::Enough) | Err(EngineError::TableChanged) => {}
                    Err(error) => {
                        let table = table.name();
                        tracing::warn!(table, %error, "a sweep of expired items stopped; the next goes on");
                    }
                }
            }
            due = still_due;
        }
    }

    async fn sweep_some(&self, table: &Arc<Table>) -> Result<Swept, EngineError> {
        let now = self.now_millis() / 1000;
        let due = due(&self.store.view(), table, now)?;
        if due.is_empty() || self.drain.has_begun() {
            return Ok(Swept::Enough);
        }
        let changes = due.iter().filter_map(|due| {
            let key = due.key.clone()?;
            Some(OwnChange { table: table.name().to_owned(), key })
        });
        let Ok(announced) = self.feed.begin(&changes.collect::<Vec<_>>()) else {
            // Somebody has too much under way at once; the next sweep finds the same items.
            return Ok(Swept::Enough);
        };
        let expired = Arc::clone(table);
        let outcome = self.commit(move |tx| expire(tx, &expired, &due, now)).await;
        announced.end(match &outcome {
            Err(EngineError::Store(StoreError::Unknown { .. })) => Ending::Unknown,
            _ => Ending::Known,
        });
        self.metrics.expired_items.inc_by(outcome?);
        Ok(Swept::Some)
    }
}

/// What became of a table's turn.
enum Swept {
    /// There may be more.
    Some,
    /// It is the next sweep's.
    Enough,
}

/// An item that is due, as a view shows it.
struct Due {
    row: Bytes,
    /// `None` if there is no such item.
    key: Option<Item>,
}

fn due(view: &View, table: &Table, now: u64) -> Result<Vec<Due>, EngineError> {
    let Some((space, _)) = table.expiries() else { return Ok(Vec::new()) };
    let (from, to) = (row(now.saturating_sub(FIVE_YEARS_SECONDS), b""), row(now, b""));
    let bounds = (Bound::Included(from.as_slice()), Bound::Excluded(to.as_slice()));
    let rows = view.range(space, bounds, Direction::Forward).take(ITEMS_AT_ONCE);
    let due = rows.map(|found| {
        let row = found?.0;
        let record = view.get(table.space, &row[MOMENT_BYTES..])?.map(Record::decode).transpose()?;
        let item = record.map(|record| record.item()).transpose()?;
        let key = item.map(|item| key_item(table.key.attributes(), &item));
        Ok(Due { row, key })
    });
    due.collect()
}

/// Deletes those of the items that are still due; how many these are.
fn expire(tx: &mut Transaction<'_>, table: &Arc<Table>, due: &[Due], now: u64) -> Result<u64, EngineError> {
    crate::catalog::check_current(tx, table)?;
    let Some((space, attribute)) = table.expiries() else { return Ok(0) };
    let mut deleted = 0;
    for Due { row: found, key } in due {
        let place = &found[MOMENT_BYTES..];
        let record = tx.get(table.space, place)?.map(Record::decode).transpose()?;
        let item = record.map(|record| record.item()).transpose()?;
        // Race: a client wrote the item since it was found to be due. Its new moment counts, and has a row.
        let moment = item.as_ref().and_then(|item| expires_at(item, attribute));
        match (moment, key) {
            (Some(moment), Some(key)) if row(moment, place)[..] == found[..] && moment < now => {
                let key = table.key.key_of_key_map(key).map_err(|_| EngineError::CorruptRecord)?;
                let table = Arc::clone(table);
                let expiry = Write { table, key, condition: None, shows_item: false, action: Action::Expire };
                expiry.apply(tx)?;
                deleted += 1;
            }
            // It was made since, so that nobody was told of it. The next turn finds it.
            (Some(moment), None) if row(moment, place)[..] == found[..] => {}
            _ => tx.delete(space, found),
        }
    }
    Ok(deleted)
}

/// Gives rows to items that had none; they count as nothing.
pub(crate) fn fill(tx: &mut Transaction<'_>, table: &Table, space: Space, place: &[u8], item: &Item) {
    let Some((_, attribute)) = table.expiries() else { return };
    if let Some(moment) = expires_at(item, attribute) {
        tx.put(space, &row(moment, place), Bytes::new());
    }
}

/// In seconds since the epoch. DynamoDB: numbers alone are moments.
fn expires_at(item: &Item, attribute: &str) -> Option<u64> {
    let Some(AttributeValue::N(number)) = item.get(attribute) else { return None };
    let text = number.to_text();
    let seconds = text.split_once('.').map_or(text.as_str(), |(seconds, _fraction)| seconds);
    seconds.parse().ok()
}

fn row(moment: u64, place: &[u8]) -> Vec<u8> {
    [&moment.to_be_bytes()[..], place].concat()
}

#[cfg(test)]
mod tests {
    use model::Number;

    use super::*;

    #[test]
    fn numbers_are_moments_and_nothing_else_is() {
        let number = |text: &str| AttributeValue::N(Number::parse(text).unwrap());
        let cases = [
            (number("1700000000"), Some(1_700_000_000)),
            (number("1700000000.9"), Some(1_700_000_000)),
            (number("1.7E9"), Some(1_700_000_000)),
            (number("0"), Some(0)),
            (number("-1"), None),
            (number("-0.5"), None),
            (number("1E30"), None),
            (AttributeValue::S("1700000000".to_owned()), None),
            (AttributeValue::Null, None),
            (AttributeValue::L(vec![number("1700000000")]), None),
        ];
        for (value, expected) in cases {
            let mut item = Item::new();
            item.insert("ends", value.clone());
            assert_eq!(expires_at(&item, "ends"), expected, "{value:?}");
            assert_eq!(expires_at(&item, "other"), None);
        }
    }
}
