//! The tables by name. Each has a row in the store, which decides; and all are in memory, for everybody who has
//! to look one up.

use std::{
    collections::BTreeMap,
    ops::Bound,
    sync::{Arc, PoisonError, RwLock},
};

use model::TableRef;
use store::{Space, Transaction, View};

use crate::{EngineError, table::Table};

/// The keyspace of everything that is neither an item nor an index entry.
pub(crate) const CATALOG: Space = Space(0);

const TABLE_ROWS: &[u8] = b"table/";
const TABLE_ROWS_END: &[u8] = b"table0";
/// The number of the next keyspace.
const NEXT_SPACE_ROW: &[u8] = b"next-space";
const VERSION_BYTES: usize = 8;

/// The tables that can be read and written.
#[derive(Default)]
pub(crate) struct Catalog {
    tables: RwLock<Arc<Tables>>,
}

pub(crate) type Tables = BTreeMap<String, Arc<Table>>;

impl Catalog {
    /// All tables that the store has.
    pub(crate) fn load(view: &View, origin: &Origin) -> Result<Catalog, EngineError> {
        let mut tables = Tables::new();
        for row in view.range(
            CATALOG,
            (Bound::Included(TABLE_ROWS), Bound::Excluded(TABLE_ROWS_END)),
            store::Direction::Forward,
        ) {
            let (key, value) = row?;
            let name =
                std::str::from_utf8(&key[TABLE_ROWS.len()..]).map_err(|_| EngineError::CorruptRecord)?;
            tables.insert(name.to_owned(), Arc::new(decode(&value, origin)?));
        }
        Ok(Catalog { tables: RwLock::new(Arc::new(tables)) })
    }

    /// All tables at this moment.
    pub(crate) fn tables(&self) -> Arc<Tables> {
        Arc::clone(&self.tables.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The table of this name or ARN.
    pub(crate) fn find(&self, name_or_arn: &str) -> Option<Arc<Table>> {
        let reference = TableRef::parse(name_or_arn)?;
        self.tables().get(reference.bare_name()).cloned()
    }

    /// Shows everybody what was written of a table: its present state, or that it is gone.
    pub(crate) fn publish(&self, name: &str, table: Option<Arc<Table>>) {
        let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
        let changed = Arc::make_mut(&mut tables);
        match table {
            Some(table) => changed.insert(name.to_owned(), table),
            None => changed.remove(name),
        };
    }
}

/// Where the tables of this engine are said to be, and what holds for all of them there.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) item_collection_bytes_max: u64,
}

impl Origin {
    pub(crate) fn table_arn(&self, name: &str) -> String {
        let Origin { region, account, .. } = self;
        format!("arn:aws:dynamodb:{region}:{account}:table/{name}")
    }
}

fn row(name: &str) -> Vec<u8> {
    [TABLE_ROWS, name.as_bytes()].concat()
}

/// Writes a table's row.
pub(crate) fn write(tx: &mut Transaction<'_>, table: &Table) {
    let mut value = table.version.to_be_bytes().to_vec();
    serde_json::to_writer(&mut value, &table.definition).expect("memory takes every write");
    tx.put(CATALOG, &row(&table.definition.name), value);
}

/// Removes a table's row.
pub(crate) fn remove(tx: &mut Transaction<'_>, table: &Table) {
    tx.delete(CATALOG, &row(&table.definition.name));
}

/// A table as it is at this moment of the writer.
pub(crate) fn read(tx: &Transaction<'_>, name: &str, origin: &Origin) -> Result<Option<Table>, EngineError> {
    tx.get(CATALOG, &row(name))?.map(|row| decode(&row, origin)).transpose()
}

/// # Errors
/// [`EngineError::TableChanged`] if it is another one by now, or gone.
///
/// Race: a write was checked against a table that is dropped, made again or given an index before the write's
/// turn comes. It would leave an item of no table, or one that an index lacks.
pub(crate) fn check_current(tx: &Transaction<'_>, table: &Table) -> Result<(), EngineError> {
    let row = tx.get(CATALOG, &row(&table.definition.name))?;
    let is_current = row.is_some_and(|row| row.starts_with(&table.version.to_be_bytes()));
    if is_current { Ok(()) } else { Err(EngineError::TableChanged) }
}

/// A number for a new keyspace, which none ever had.
pub(crate) fn next_space(tx: &mut Transaction<'_>) -> Result<Space, EngineError> {
    let next = match tx.get(CATALOG, NEXT_SPACE_ROW)? {
        None => CATALOG.0 + 1,
        Some(row) => u32::from_be_bytes(row.as_ref().try_into().map_err(|_| EngineError::CorruptRecord)?),
    };
    tx.put(CATALOG, NEXT_SPACE_ROW, (next + 1).to_be_bytes().to_vec());
    Ok(Space(next))
}

fn decode(row: &[u8], origin: &Origin) -> Result<Table, EngineError> {
    let (version, definition) = row.split_at_checked(VERSION_BYTES).ok_or(EngineError::CorruptRecord)?;
    let version = u64::from_be_bytes(version.try_into().expect("split there"));
    let definition = serde_json::from_slice(definition).map_err(|_| EngineError::CorruptRecord)?;
    Table::new(definition, version, origin).ok_or(EngineError::CorruptRecord)
}
