//! Fills new indexes, and the order of expiry where time to live is new, with the items that were there before them, a few at a time between the writes of clients,
//! which keep the index up to date from its first moment on.

use std::{ops::Bound, sync::Arc};

use store::{Direction, Space, Transaction};

use crate::{Core, EngineError, catalog, index, record::Record, statistics, table::Table, ttl};

/// Items filled in one turn of the writer: more make clients wait longer.
const ITEMS_AT_ONCE: usize = 100;

impl Core {
    /// Goes on with what was under way when the store was closed or killed, from the beginning.
    pub(crate) fn go_on_filling(self: &Arc<Self>) {
        self.catalog.tables().values().for_each(|table| self.go_on_filling_table(table));
    }

    /// Fills what of a table is not filled yet.
    pub(crate) fn go_on_filling_table(self: &Arc<Self>, table: &Arc<Table>) {
        let indexes = table.indexes.iter().filter(|index| !index.is_filled).map(|index| index.space);
        let expiries = table.definition.expiries.filter(|expiries| !expiries.is_filled);
        for space in indexes.chain(expiries.map(|expiries| Space(expiries.space))) {
            let (core, table) = (Arc::clone(self), Arc::clone(table));
            self.drain.spawn(async move {
                if let Err(error) = core.fill(&table, space).await {
                    tracing::warn!(table = table.name(), %error, "an index is not filled; a restart begins again");
                }
            });
        }
    }

    async fn fill(self: &Arc<Self>, table: &Table, space: Space) -> Result<(), EngineError> {
        let mut cursor = Bound::Unbounded;
        // An index that is half filled when the process ends is filled again from the beginning.
        while !self.drain.has_begun() {
            let (name, id, origin) =
                (table.name().to_owned(), table.definition.id.clone(), self.origin.clone());
            let from = cursor.clone();
            let fill = move |tx: &mut Transaction<'_>| match catalog::read(tx, &name, &origin)? {
                Some(table) if table.definition.id == id => fill_some(tx, &table, space, from),
                // The table is gone.
                _ => Ok(None),
            };
            match self.commit(fill).await? {
                Some(last) => cursor = Bound::Excluded(last),
                None => return self.finish(table, space).await,
            }
        }
        Ok(())
    }

    async fn finish(self: &Arc<Self>, table: &Table, space: Space) -> Result<(), EngineError> {
        let id = table.definition.id.clone();
        let finished = self.change_table(table.name().to_owned(), move |definition, _tx| {
            let is_same = definition.id == id;
            let indexes = definition.indexes.iter_mut().filter(|index| is_same && index.space == space.0);
            indexes.for_each(|index| index.is_filled = true);
            let expiries = definition.expiries.as_mut().filter(|of| is_same && of.space == space.0);
            expiries.into_iter().for_each(|expiries| expiries.is_filled = true);
            Ok(())
        });
        match finished.await {
            Ok(_) => Ok(()),
            // It was dropped meanwhile.
            Err(EngineError::Refused(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Fills the next items; the place of the last of them, `None` if there are no more.
fn fill_some(
    tx: &mut Transaction<'_>,
    table: &Table,
    space: Space,
    from: Bound<Vec<u8>>,
) -> Result<Option<Vec<u8>>, EngineError> {
    let index = table.indexes.iter().find(|index| index.space == space);
    if index.is_none() && table.expiries().is_none_or(|expiries| expiries.0 != space) {
        return Ok(None);
    }
    let items = tx
        .range(table.space, (from.as_ref().map(Vec::as_slice), Bound::Unbounded), Direction::Forward)
        .take(ITEMS_AT_ONCE);
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let (mut entries, mut bytes) = (0, 0);
    for (key, value) in &items {
        let item = Record::decode(value.clone())?.item()?;
        match index {
            Some(index) => {
                let filled = index::fill(tx, table, index, &item)?;
                entries += filled.0;
                bytes += filled.1;
            }
            None => ttl::fill(tx, table, space, key, &item),
        }
    }
    statistics::add(tx, space, entries, bytes)?;
    Ok(items.last().map(|(key, _value)| key.to_vec()))
}
