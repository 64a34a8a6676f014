//! What a Query, a Scan or a SELECT reads: a table, or one of its indexes.

use model::{Item, call::Select};
use store::Space;

use crate::{
    EngineError,
    capacity::{Consumed, Reading},
    error::key_fault_words,
    keys,
    page::Page,
    table::{Index, IndexKind, Projected, Table, key_item},
};

/// A table, or one of its indexes.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) table: &'a Table,
    pub(crate) index: Option<&'a Index>,
}

impl<'a> Source<'a> {
    pub(crate) fn find(
        table: &'a Table,
        index_name: Option<&str>,
        consistent_read: Option<bool>,
    ) -> Result<Source<'a>, EngineError> {
        let Some(name) = index_name else { return Ok(Source { table, index: None }) };
        let index = table.index(name).ok_or_else(|| {
            EngineError::validation(format!("The table does not have the specified index: {name}"))
        })?;
        if index.kind == IndexKind::Global && consistent_read == Some(true) {
            return Err(EngineError::validation(
                "Consistent reads are not supported on global secondary indexes",
            ));
        }
        if !index.is_filled {
            return Err(EngineError::validation(format!(
                "Cannot read from backfilling global secondary index: {name}"
            )));
        }
        Ok(Source { table, index: Some(index) })
    }

    pub(crate) fn space(&self) -> Space {
        self.index.map_or(self.table.space, |index| index.space)
    }

    pub(crate) fn key(&self) -> &'a model::KeySchema {
        self.index.map_or(&self.table.key, |index| &index.key)
    }

    /// What a page's next one begins behind: the keys of the source and of its table.
    pub(crate) fn key_item(&self, item: &Item) -> Item {
        key_item(self.key().attributes().chain(self.table.key.attributes()), item)
    }

    /// The place that an ExclusiveStartKey names.
    pub(crate) fn start(&self, start: &Item) -> Result<Vec<u8>, EngineError> {
        let invalid =
            |why: String| EngineError::validation(format!("The provided starting key is invalid{why}"));
        let because = |error| invalid(format!(": {}", key_fault_words(error)));
        let Some(index) = self.index else {
            return Ok(keys::item_key(&self.table.key.key_of_key_map(start).map_err(because)?));
        };
        let names: std::collections::BTreeSet<&str> =
            index.key.attributes().chain(self.table.key.attributes()).map(|key| key.name.as_str()).collect();
        if start.len() != names.len() {
            return Err(invalid(String::new()));
        }
        let index_key = index.key.key_of_item(start).map_err(|_| invalid(String::new()))?;
        let key = self.table.key.key_of_item(start).map_err(because)?;
        Ok(keys::entry_key(&index_key, &key))
    }

    /// Whether what is wanted has to be fetched from the table, item by item.
    ///
    /// DynamoDB: developer guide, "Fetches" under local secondary indexes; global ones have what they have.
    pub(crate) fn must_fetch<'w>(
        &self,
        select: Option<Select>,
        wanted: impl Iterator<Item = &'w str>,
    ) -> Result<bool, EngineError> {
        let Some(index) = self.index.filter(|index| index.projected != Projected::All) else {
            return Ok(false);
        };
        let wants_all = select == Some(Select::AllAttributes);
        let missing: Vec<&str> = wanted.filter(|attribute| !index.has(self.table, attribute)).collect();
        match (index.kind, wants_all, missing.is_empty()) {
            (IndexKind::Local, ..) => Ok(wants_all || !missing.is_empty()),
            (IndexKind::Global, true, _) => Err(EngineError::validation(format!(
                "One or more parameter values were invalid: Select type ALL_ATTRIBUTES is not supported for \
                 global secondary index {} because its projection type is not ALL",
                index.name
            ))),
            (IndexKind::Global, false, false) => Err(EngineError::validation(format!(
                "One or more parameter values were invalid: Global secondary index {} does not project [{}]",
                index.name,
                missing.join(", ")
            ))),
            (IndexKind::Global, false, true) => Ok(false),
        }
    }

    pub(crate) fn consumed(&self, page: &Page, reading: Reading) -> Consumed {
        let units = reading.units(page.bytes);
        let fetched = page.fetched_bytes.iter().map(|&bytes| reading.units(bytes)).sum();
        let mut consumed = Consumed::of_table(fetched);
        match self.index {
            None => consumed.table += units,
            Some(index) => consumed.add_index(index, units),
        }
        consumed
    }
}
