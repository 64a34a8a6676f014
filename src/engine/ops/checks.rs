//! What a request's keys and conditions mean for a table.

use expr::{Condition, KeyRole};
use model::{Item, KeyAttribute, PrimaryKey};

use crate::{EngineError, error::key_fault, table::Table};

/// The primary key that a request names.
pub(crate) fn key(table: &Table, key: &Item) -> Result<PrimaryKey, EngineError> {
    table.key.key_of_key_map(key).map_err(key_fault)
}

/// Key attributes are scalars: no condition looks into one.
pub(crate) fn check_condition(table: &Table, condition: Option<&Condition>) -> Result<(), EngineError> {
    let Some(condition) = condition else { return Ok(()) };
    for (attribute, role) in key_attributes(table) {
        condition.refuse_nested(&attribute.name, role)?;
    }
    Ok(())
}

/// The attributes of all keys of a table, its own first.
pub(crate) fn key_attributes(table: &Table) -> impl Iterator<Item = (&KeyAttribute, KeyRole)> {
    let own = table.key.attributes().map(|attribute| (attribute, KeyRole::Table));
    let indexes = table.indexes.iter().flat_map(|index| index.key.attributes());
    own.chain(indexes.map(|attribute| (attribute, KeyRole::Index)))
}
