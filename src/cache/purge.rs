//! What an operator can have the cache forget.

use std::sync::Arc;

use base::Action;
use model::{Item, TableRef};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Core,
    coherence::Slot,
    schema::{Keeping, Table},
};

/// Drops entries: of a key, an index, a table, or all.
pub(crate) struct Purge(pub(crate) Arc<Core>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    table: Option<String>,
    key: Option<Item>,
    index: Option<String>,
    #[serde(default)]
    all: bool,
}

impl Action for Purge {
    fn name(&self) -> &'static str {
        "purge"
    }

    fn run(&self, request: &Value) -> Result<Value, String> {
        let request = Request::deserialize(request).map_err(|_| {
            r#"expected {"all":true}, {"table":"NAME"}, {"table":"NAME","key":{…}} or {"table":"NAME","index":"NAME"}"#
                .to_owned()
        })?;
        let (purged, entries) = match request {
            Request { all: true, table: None, key: None, index: None } => ("all".to_owned(), self.all()),
            Request { all: false, table: Some(name), key, index } => {
                let table = TableRef::parse(&name).ok_or_else(|| format!("{name} is no table name"))?;
                let entries = match (key, index) {
                    (None, None) => self.table(table.bare_name()),
                    (Some(key), None) => self.key(table.bare_name(), &key)?,
                    (None, Some(index)) => self.index(table.bare_name(), &index)?,
                    (Some(_), Some(_)) => return Err("name either a key or an index".to_owned()),
                };
                (name, entries)
            }
            _ => return Err("name either a table, with or without a key or an index, or all".to_owned()),
        };
        self.0.metrics.entries.set(self.0.shelves.count() as i64);
        self.0.metrics.bytes.set(self.0.shelves.bytes() as i64);
        Ok(json!({ "purged": purged, "entries": entries }))
    }
}

/// Slots are moved before entries are removed: what was on its way then does not count, and what comes later and is
/// removed all the same is only asked for again.
impl Purge {
    fn all(&self) -> usize {
        self.begin_generation(self.0.stamps.every_table(), &|_| true);
        self.0.shelves.clear()
    }

    fn table(&self, name: &str) -> usize {
        let tables = self.tables(name);
        self.begin_generation([self.0.stamps.table_slot(name)], &|known| known == name);
        let entries = tables.iter().map(|table| {
            let kinds = [Keeping::Items, Keeping::Queries, Keeping::Scans];
            table.shelf.remove_all(&kinds.map(|kind| table.cache_key(kind)))
        });
        entries.sum()
    }

    /// Tables begin a new life: what was stored no longer counts, and what was known is learnt again.
    fn begin_generation(&self, slots: impl IntoIterator<Item = Slot>, is_meant: &dyn Fn(&str) -> bool) {
        self.0.stamps.touch(slots);
        self.0.catalog.forget(is_meant);
    }

    /// An index begins a new life, whatever was on its way.
    fn index(&self, name: &str, index: &str) -> Result<usize, String> {
        let Core { stamps, catalog, .. } = &*self.0;
        let tables = self.tables(name);
        let known: Vec<(&Arc<Table>, u32)> =
            tables.iter().filter_map(|table| Some((table, table.index(index)?.number))).collect();
        if known.is_empty() && !tables.is_empty() {
            return Err(format!("{name} has no index {index}"));
        }
        stamps.touch([stamps.index_slot(name, index)]);
        catalog.retire_indexes(&|known| known == name, &|known| known == index);
        catalog.learn_again(&|known| known == name);
        let entries = known.into_iter().map(|(table, number)| {
            let of_index = |kind| [&*table.cache_key(kind), &number.to_le_bytes()].concat();
            table.shelf.remove_all(&[Keeping::Queries, Keeping::Scans].map(of_index))
        });
        Ok(entries.sum())
    }

    /// The item alone: results that show it stay.
    fn key(&self, name: &str, key: &Item) -> Result<usize, String> {
        let core = &self.0;
        let mut entries = 0;
        for table in self.tables(name) {
            let located = table
                .locate_key(key, &core.stamps, core.rules)
                .map_err(|error| format!("not a primary key of {name}: {error}"))?;
            core.stamps.touch([located.place.own]);
            entries += usize::from(table.shelf.remove(&located.cache_key));
        }
        Ok(entries)
    }

    /// The tables of this name; there may be several in other accounts and regions.
    fn tables(&self, name: &str) -> Vec<Arc<Table>> {
        self.0.catalog.ever_known(name)
    }
}
