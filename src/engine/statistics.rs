//! How many items there are and how large they are together, by keyspace: exact, since it is written with every
//! change. (DynamoDB's own figures are some six hours old.)

use store::{Space, Transaction, View};

use crate::{EngineError, catalog::CATALOG, table::Collections};

/// Of a table or an index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Statistics {
    pub(crate) items: i64,
    pub(crate) bytes: i64,
}

fn row(space: Space) -> Vec<u8> {
    [b"statistics/".as_slice(), &space.0.to_be_bytes()].concat()
}

/// Adds to the statistics of a keyspace.
pub(crate) fn add(tx: &mut Transaction<'_>, space: Space, items: i64, bytes: i64) -> Result<(), EngineError> {
    if items == 0 && bytes == 0 {
        return Ok(());
    }
    let row = row(space);
    let Statistics { items: old_items, bytes: old_bytes } = decode(tx.get(CATALOG, &row)?.as_deref())?;
    let sum = [(old_items + items).to_be_bytes(), (old_bytes + bytes).to_be_bytes()].concat();
    tx.put(CATALOG, &row, sum);
    Ok(())
}

/// The statistics of a keyspace.
pub(crate) fn of(view: &View, space: Space) -> Result<Statistics, EngineError> {
    decode(view.get(CATALOG, &row(space))?.as_deref())
}

/// Adds to the size of an item collection: everything that a table with local indexes has of one partition key.
/// How large it is then, in bytes.
///
/// # Errors
/// If it would be too large then, and larger than before: what makes a collection smaller is never refused.
pub(crate) fn grow_collection(
    tx: &mut Transaction<'_>,
    Collections { space, bytes_max }: Collections,
    partition: &[u8],
    bytes: i64,
) -> Result<u64, EngineError> {
    let old = tx.get(space, partition)?.map_or(Ok(0), |row| number(&row))?;
    let new = old + bytes;
    if bytes > 0 && u64::try_from(new).is_ok_and(|new| new > bytes_max) {
        return Err(EngineError::collection_too_large());
    }
    match new {
        _ if bytes == 0 => {}
        0 => tx.delete(space, partition),
        _ => tx.put(space, partition, new.to_be_bytes().to_vec()),
    }
    Ok(u64::try_from(new).unwrap_or_default())
}

/// Forgets a keyspace that is dropped.
pub(crate) fn forget(tx: &mut Transaction<'_>, space: Space) {
    tx.delete(CATALOG, &row(space));
}

fn decode(row: Option<&[u8]>) -> Result<Statistics, EngineError> {
    let Some(row) = row else { return Ok(Statistics::default()) };
    let (items, bytes) = row.split_at_checked(8).ok_or(EngineError::CorruptRecord)?;
    Ok(Statistics { items: number(items)?, bytes: number(bytes)? })
}

fn number(row: &[u8]) -> Result<i64, EngineError> {
    row.try_into().map(i64::from_be_bytes).map_err(|_| EngineError::CorruptRecord)
}
