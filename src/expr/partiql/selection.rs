//! The columns of a SELECT.

use std::collections::HashSet;

use model::Item;

use super::StatementFault;
use crate::path::{DocumentPath, Step};

/// What a SELECT wants of each item, and under which names.
///
/// DynamoDB: unlike a projection, which keeps the structure around what it selects, a column is what its path
/// leads to, under the last part of the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selection {
    columns: Vec<(String, DocumentPath)>,
}

impl Selection {
    pub(super) fn of(paths: Vec<DocumentPath>) -> Result<Selection, StatementFault> {
        let columns: Vec<_> = paths.into_iter().map(|path| (column_name(&path), path)).collect();
        let mut seen = HashSet::new();
        match columns.iter().find(|(name, _path)| !seen.insert(name)) {
            Some((name, _path)) => Err(StatementFault::DuplicateColumn(name.clone())),
            None => Ok(Selection { columns }),
        }
    }

    /// What there is of them in an item.
    pub fn apply(&self, item: &Item) -> Item {
        let found =
            self.columns.iter().filter_map(|(name, path)| Some((name.clone(), path.find(item)?.clone())));
        found.collect()
    }

    /// The attributes of which it wants something.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|(_name, path)| path.attribute())
    }
}

/// DynamoDB: `k[1]` for `m.k[1]` (recorded from DynamoDB local for dbimp's driver).
fn column_name(path: &DocumentPath) -> String {
    let mut name = path.attribute().to_owned();
    for step in path.inside() {
        match step {
            Step::Member(member) => name.clone_from(member),
            Step::Index(index) => name.push_str(&format!("[{index}]")),
        }
    }
    name
}
