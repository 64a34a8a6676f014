//! What indexes hold: an item's old and new image become the list of entries to drop and to write.

use model::{AttributeValue, Item, KeyAttribute, KeyError};
use store::Transaction;

use crate::{
    EngineError,
    capacity::write_units,
    error::{empty_kind, is_empty_value},
    keys,
    record::Record,
    table::{Index, Projected, Table},
};

/// An item in an index.
struct Entry {
    key: Vec<u8>,
    item: Item,
}

/// What a write did to one index.
pub(crate) struct IndexWrite<'a> {
    pub(crate) index: &'a Index,
    pub(crate) units: f64,
    /// By how much the number of its entries and their bytes changed.
    pub(crate) entries: i64,
    pub(crate) bytes: i64,
}

/// Brings every index of a table from an item's old image to its new one; what that took.
pub(crate) fn maintain<'a>(
    tx: &mut Transaction<'_>,
    table: &'a Table,
    old: Option<&Item>,
    new: Option<&Item>,
) -> Result<Vec<IndexWrite<'a>>, EngineError> {
    let mut writes = Vec::new();
    for index in &table.indexes {
        let (mut old, new) = (entry(table, index, old), entry(table, index, new));
        // Until the index is filled, what was there before it may be missing in it.
        if let Some(entry) = &old
            && !index.is_filled
            && tx.get(index.space, &entry.key)?.is_none()
        {
            old = None;
        }
        writes.extend(replace(tx, index, old, new)?);
    }
    Ok(writes)
}

/// Writes the entry of an item that was there before its index.
pub(crate) fn fill(
    tx: &mut Transaction<'_>,
    table: &Table,
    index: &Index,
    item: &Item,
) -> Result<(i64, i64), EngineError> {
    let Some(Entry { key, item }) = entry(table, index, Some(item)) else { return Ok((0, 0)) };
    if tx.get(index.space, &key)?.is_some() {
        return Ok((0, 0));
    }
    let bytes = item.size() as i64;
    tx.put(index.space, &key, Record::encode(&item));
    Ok((1, bytes))
}

/// DynamoDB: developer guide, "Provisioned throughput considerations for global secondary indexes". A new or a
/// dropped entry is one write; an entry that moves is two; one of which nothing changed is none.
fn replace<'a>(
    tx: &mut Transaction<'_>,
    index: &'a Index,
    old: Option<Entry>,
    new: Option<Entry>,
) -> Result<Option<IndexWrite<'a>>, EngineError> {
    let size = |entry: &Option<Entry>| entry.as_ref().map_or(0, |entry| entry.item.size());
    let (old_bytes, new_bytes) = (size(&old), size(&new));
    let units = match (&old, &new) {
        (None, None) => return Ok(None),
        (Some(old), Some(new)) if old.key == new.key && old.item == new.item => return Ok(None),
        (Some(old), Some(new)) if old.key != new.key => write_units(old_bytes) + write_units(new_bytes),
        _ => write_units(old_bytes.max(new_bytes)),
    };
    let entries = i64::from(new.is_some()) - i64::from(old.is_some());
    if let Some(old) = old
        && new.as_ref().is_none_or(|new| new.key != old.key)
    {
        tx.delete(index.space, &old.key);
    }
    if let Some(new) = new {
        tx.put(index.space, &new.key, Record::encode(&new.item));
    }
    Ok(Some(IndexWrite { index, units, entries, bytes: new_bytes as i64 - old_bytes as i64 }))
}

/// An item without an index's key is not in the index. (One with a value of another type never gets that far;
/// but it may have been there before the index was.)
fn entry(table: &Table, index: &Index, item: Option<&Item>) -> Option<Entry> {
    let item = item?;
    let index_key = index.key.key_of_item(item).ok()?;
    let key = table.key.key_of_item(item).expect("stored items have a key");
    Some(Entry { key: keys::entry_key(&index_key, &key), item: projected(table, index, item) })
}

/// What an index has of an item.
pub(crate) fn projected(table: &Table, index: &Index, item: &Item) -> Item {
    let included: &[String] = match &index.projected {
        Projected::All => return item.clone(),
        Projected::Keys => &[],
        Projected::Included(names) => names,
    };
    let keys = table.key.attributes().chain(index.key.attributes()).map(|attribute| &attribute.name);
    keys.chain(included).filter_map(|name| Some((name.clone(), item.get(name)?.clone()))).collect()
}

/// An item may lack the key of an index, but what it has of one must suit it.
///
/// # Errors
/// In the order of the indexes.
pub(crate) fn check_keys(table: &Table, item: &Item) -> Result<(), EngineError> {
    for index in &table.indexes {
        for attribute in index.key.attributes() {
            let Some(value) = item.get(&attribute.name) else { continue };
            check_key(index, attribute, value)?;
        }
        // What is left can only be a value that is too long.
        if let Err(KeyError::TooLong { max, .. }) = index.key.key_of_item(item) {
            return Err(EngineError::validation(format!(
                "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit \
                 of{max} bytes"
            )));
        }
    }
    Ok(())
}

/// That an attribute is, or would be, of another type than an index's key.
pub(crate) fn type_mismatch(index: &Index, attribute: &KeyAttribute, found: &str) -> EngineError {
    EngineError::validation(format!(
        "One or more parameter values were invalid: Type mismatch for Index Key {} Expected: {:?} Actual: {found} \
         IndexName: {}",
        attribute.name, attribute.key_type, index.name
    ))
}

fn check_key(index: &Index, attribute: &KeyAttribute, value: &AttributeValue) -> Result<(), EngineError> {
    let found = value.type_name();
    if found != attribute.key_type.as_str() {
        return Err(type_mismatch(index, attribute, found));
    }
    if is_empty_value(value) {
        // DynamoDB: the table's own key has a shorter message (seen by ExtendDB's authors).
        return Err(EngineError::validation(format!(
            "One or more parameter values are not valid. A value specified for a secondary index key is not \
             supported. The AttributeValue for a key attribute cannot contain an empty {} value. IndexName: {}, \
             IndexKey: {}",
            empty_kind(attribute.key_type),
            index.name,
            attribute.name
        )));
    }
    Ok(())
}
