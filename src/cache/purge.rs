//! What an operator can ask of the cache.

use std::sync::Arc;

use base::Action;
use model::{Item, TableRef};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Core, coherence::Slot};

/// Drops entries: of a key, a table, or all.
pub(crate) struct Purge(pub(crate) Arc<Core>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    table: Option<String>,
    key: Option<Item>,
    #[serde(default)]
    all: bool,
}

impl Action for Purge {
    fn name(&self) -> &'static str {
        "purge"
    }

    fn run(&self, request: &Value) -> Result<Value, String> {
        let core = &self.0;
        let request = Request::deserialize(request).map_err(|_| {
            r#"expected {"all":true}, {"table":"NAME"} or {"table":"NAME","key":{…}}"#.to_owned()
        })?;
        let purged = match (request.all, request.table, request.key) {
            (true, None, None) => {
                self.begin_generation(core.stamps.every_table(), &|_| true);
                json!({ "purged": "all" })
            }
            (false, Some(name), key) => {
                let table = TableRef::parse(&name).ok_or_else(|| format!("{name} is no table name"))?;
                match key {
                    None => {
                        let slot = core.stamps.table_slot(table.bare_name());
                        self.begin_generation([slot], &|name| name == table.bare_name());
                    }
                    Some(key) => self.purge_key(&table, &key)?,
                }
                json!({ "purged": name })
            }
            _ => return Err("name either a table, with or without a key, or all".to_owned()),
        };
        Ok(purged)
    }
}

impl Purge {
    /// Tables begin a new life: what was stored no longer counts, and what was known is learnt again.
    fn begin_generation(&self, slots: impl IntoIterator<Item = Slot>, is_meant: &dyn Fn(&str) -> bool) {
        self.0.stamps.touch(slots);
        self.0.catalog.forget(is_meant);
    }

    fn purge_key(&self, table: &TableRef, key: &Item) -> Result<(), String> {
        let core = &self.0;
        let name = table.bare_name();
        // A table that is known by no name has no entries.
        let Some(table) = core.catalog.known_otherwise(name) else { return Ok(()) };
        let located = table
            .locate_key(key, &core.stamps, core.rules)
            .map_err(|error| format!("not a primary key of {name}: {error}"))?;
        core.stamps.touch([located.place.own]);
        Ok(())
    }
}
