//! Answers as JSON. Stored items go into them as they lie in the store.

use expr::Projection;
use model::json::item_to_json;
use serde::Serialize;

use crate::{EngineError, record::Record};

/// An answer's members that are not items.
pub(crate) fn json(members: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(members).expect("memory takes every write, and the names are strings")
}

/// Adds a member to an object.
pub(crate) fn add_member(
    object: &mut Vec<u8>,
    name: &str,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    assert_eq!(object.pop(), Some(b'}'), "an answer is an object");
    if object.last() != Some(&b'{') {
        object.push(b',');
    }
    serde_json::to_writer(&mut *object, name).expect("memory takes every write");
    object.push(b':');
    write(object)?;
    object.push(b'}');
    Ok(())
}

/// Writes what a reader gets to see of a record.
pub(crate) fn write_shown(
    out: &mut Vec<u8>,
    record: &Record,
    projection: Option<&Projection>,
) -> Result<(), EngineError> {
    match projection {
        None => out.extend_from_slice(record.json()),
        Some(projection) => item_to_json(&projection.apply(&record.item()?), out),
    }
    Ok(())
}

/// Writes a list of what a reader gets to see.
pub(crate) fn write_list<'a>(
    out: &mut Vec<u8>,
    records: impl IntoIterator<Item = &'a Record>,
    projection: Option<&Projection>,
) -> Result<(), EngineError> {
    out.push(b'[');
    for (place, record) in records.into_iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        write_shown(out, record, projection)?;
    }
    out.push(b']');
    Ok(())
}
