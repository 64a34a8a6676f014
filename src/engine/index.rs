//! What indexes hold: an item's old and new image become the list of entries to drop and to write.

use expr::Update;
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

/// By what an item got a value of an index's key, which shows in the words for one that suits it not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Item,
    Update,
}

/// Why an item can not be in an index.
enum Fault<'a> {
    WrongType { attribute: &'a KeyAttribute, found: &'static str },
    Empty(&'a KeyAttribute),
    TooLong { max: usize },
}

/// An item may lack the key of an index, but what it has of one must suit it.
///
/// # Errors
/// If it does not.
pub(crate) fn check_keys(table: &Table, item: &Item, given: Given) -> Result<(), EngineError> {
    refuse_first(table, given, |index| fault(index, item))
}

/// The same as far as an update itself says what the item will have.
///
/// # Errors
/// If that does not suit.
pub(crate) fn check_update(table: &Table, update: &Update) -> Result<(), EngineError> {
    refuse_first(table, Given::Update, |index| {
        index.key.attributes().find_map(|attribute| {
            let found = update.assigned_type(&attribute.name)?;
            (found != attribute.key_type.as_str()).then_some(Fault::WrongType { attribute, found })
        })
    })?;
    refuse_empty(table, |name| update.assigned_value(name), Given::Update)
}

/// # Errors
/// If a value of an index's key is empty.
pub(crate) fn refuse_empty<'a>(
    table: &Table,
    value: impl Fn(&str) -> Option<&'a AttributeValue>,
    given: Given,
) -> Result<(), EngineError> {
    refuse_first(table, given, |index| {
        index.key.attributes().find_map(|attribute| {
            let fault = value_fault(attribute, value(&attribute.name)?)?;
            matches!(fault, Fault::Empty(_)).then_some(fault)
        })
    })
}

/// DynamoDB: of several indexes it is the one whose name comes first (conformance suite, "index key error messages").
fn refuse_first<'a>(
    table: &'a Table,
    given: Given,
    fault: impl Fn(&'a Index) -> Option<Fault<'a>>,
) -> Result<(), EngineError> {
    let faults = table.indexes.iter().filter_map(|index| Some((index, fault(index)?)));
    match faults.min_by(|(one, _), (other, _)| one.name.cmp(&other.name)) {
        Some((index, fault)) => Err(EngineError::validation(fault.to_text(index, given))),
        None => Ok(()),
    }
}

fn fault<'a>(index: &'a Index, item: &Item) -> Option<Fault<'a>> {
    let of = |attribute: &'a KeyAttribute| value_fault(attribute, item.get(&attribute.name)?);
    index.key.attributes().find_map(of).or_else(|| match index.key.key_of_item(item) {
        // What is left can only be a value that is too long.
        Err(KeyError::TooLong { max, .. }) => Some(Fault::TooLong { max }),
        _ => None,
    })
}

fn value_fault<'a>(attribute: &'a KeyAttribute, value: &AttributeValue) -> Option<Fault<'a>> {
    let found = value.type_name();
    if found != attribute.key_type.as_str() {
        return Some(Fault::WrongType { attribute, found });
    }
    is_empty_value(value).then_some(Fault::Empty(attribute))
}

impl Fault<'_> {
    fn to_text(&self, index: &Index, given: Given) -> String {
        match (self, given) {
            (Fault::WrongType { attribute, found }, _) => format!(
                "One or more parameter values were invalid: Type mismatch for Index Key {} Expected: {:?} Actual: \
                 {found} IndexName: {}",
                attribute.name, attribute.key_type, index.name
            ),
            // DynamoDB: the table's own key has a shorter message (seen by ExtendDB's authors).
            (Fault::Empty(attribute), Given::Item) => format!(
                "One or more parameter values are not valid. A value specified for a secondary index key is not \
                 supported. The AttributeValue for a key attribute cannot contain an empty {} value. IndexName: {}, \
                 IndexKey: {}",
                empty_kind(attribute.key_type),
                index.name,
                attribute.name
            ),
            // DynamoDB: which index it is is not said then (conformance suite, "index key error messages").
            (Fault::Empty(attribute), Given::Update) => format!(
                "One or more parameter values are not valid. The update expression attempted to update a secondary \
                 index key to a value that is not supported. The AttributeValue for a key attribute cannot contain \
                 an empty {} value.",
                empty_kind(attribute.key_type)
            ),
            (Fault::TooLong { max }, _) => format!(
                "One or more parameter values were invalid: Size of hashkey has exceeded the maximum size limit \
                 of{max} bytes"
            ),
        }
    }
}
