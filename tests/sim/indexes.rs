//! The indexes of the tables, what they hold of an item, and how `DescribeTable` and `UpdateTable` say it.

use serde_json::{Value, json};

use crate::keys::{Attributes, KeyAttribute, TABLES, key_names};

/// An index by its place in [`INDEXES`].
pub(crate) type IndexNumber = usize;

/// An index of a table. A global one is made in one of several designs, under the same name.
pub(crate) struct Index {
    pub(crate) table: usize,
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) designs: &'static [Design],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Local,
    Global,
}

/// By what items are found, and what of them: of an index, or of a table itself.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Design {
    pub(crate) partition: KeyAttribute,
    pub(crate) sort: Option<KeyAttribute>,
    pub(crate) projection: Projection,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Projection {
    All,
    KeysOnly,
    Include(&'static [&'static str]),
}

/// Every kind that matters to a cache: a local one; one whose keys are all part of the table's key, so that
/// its partition is known without the item; and some by other attributes, so that items move between
/// partitions, or are in none.
pub(crate) const INDEXES: [Index; 4] = [
    Index {
        table: 0,
        name: "by-label",
        kind: Kind::Global,
        designs: &[
            design(("w", "S"), None, Projection::KeysOnly),
            design(("g", "S"), None, Projection::All),
            design(("w", "S"), None, Projection::Include(&["v"])),
        ],
    },
    Index {
        table: 2,
        name: "by-version",
        kind: Kind::Local,
        designs: &[design(("p", "S"), Some(("v", "N")), Projection::All)],
    },
    Index {
        table: 2,
        name: "inverted",
        kind: Kind::Global,
        designs: &[
            design(("s", "N"), Some(("p", "S")), Projection::All),
            design(("s", "N"), Some(("p", "S")), Projection::Include(&["v", "g"])),
        ],
    },
    Index {
        table: 2,
        name: "by-label",
        kind: Kind::Global,
        designs: &[
            design(("w", "S"), Some(("v", "N")), Projection::All),
            design(("g", "S"), Some(("s", "N")), Projection::KeysOnly),
            design(("w", "S"), None, Projection::Include(&["v"])),
        ],
    },
];

const fn design(partition: KeyAttribute, sort: Option<KeyAttribute>, projection: Projection) -> Design {
    Design { partition, sort, projection }
}

/// The indexes of a table.
pub(crate) fn indexes_of(table: usize) -> impl Iterator<Item = IndexNumber> {
    (0..INDEXES.len()).filter(move |index| INDEXES[*index].table == table)
}

/// An index of a table by name.
pub(crate) fn index_named(table: usize, name: &str) -> IndexNumber {
    indexes_of(table).find(|index| INDEXES[*index].name == name).expect("clients use indexes of the world")
}

impl Design {
    /// The table itself.
    pub(crate) fn of_table(table: usize) -> Design {
        design(TABLES[table].partition, TABLES[table].sort, Projection::All)
    }

    /// What orders its rows: its own key attributes, then those of the table that are not among them.
    pub(crate) fn ordering(&self, table: usize) -> Vec<&'static str> {
        let mut names: Vec<_> =
            std::iter::once(self.partition.0).chain(self.sort.map(|sort| sort.0)).collect();
        let others: Vec<_> = key_names(table).into_iter().filter(|name| !names.contains(name)).collect();
        names.extend(others);
        names
    }

    /// Whether it holds this attribute of an item, if the item has it.
    pub(crate) fn projects(&self, table: usize, name: &str) -> bool {
        match self.projection {
            Projection::All => true,
            Projection::KeysOnly => self.ordering(table).contains(&name),
            Projection::Include(names) => names.contains(&name) || self.ordering(table).contains(&name),
        }
    }

    /// How `DescribeTable` and `UpdateTable` write its keys and what it holds.
    pub(crate) fn definition(&self, name: &str) -> Value {
        let keys = std::iter::once(self.partition).chain(self.sort).zip(["HASH", "RANGE"]);
        let keys = keys.map(|((name, _), role)| json!({ "AttributeName": name, "KeyType": role }));
        let projection = match self.projection {
            Projection::All => json!({ "ProjectionType": "ALL" }),
            Projection::KeysOnly => json!({ "ProjectionType": "KEYS_ONLY" }),
            Projection::Include(names) => {
                json!({ "ProjectionType": "INCLUDE", "NonKeyAttributes": names })
            }
        };
        json!({ "IndexName": name, "KeySchema": keys.collect::<Vec<_>>(), "Projection": projection })
    }

    /// The design that somebody asks for; the reverse of [`Design::definition`].
    pub(crate) fn defined(index: IndexNumber, definition: &Value) -> &'static Design {
        let Index { name, designs, .. } = &INDEXES[index];
        let is_it = |design: &&Design| {
            let known = design.definition(name);
            known["KeySchema"] == definition["KeySchema"] && known["Projection"] == definition["Projection"]
        };
        designs.iter().find(is_it).expect("clients use the designs of the world")
    }

    /// Its key attributes and their types.
    pub(crate) fn key_attributes(self) -> impl Iterator<Item = KeyAttribute> {
        std::iter::once(self.partition).chain(self.sort)
    }
}

/// Key attributes as `AttributeDefinitions`, each once.
pub(crate) fn attribute_definitions(attributes: impl Iterator<Item = KeyAttribute>) -> Value {
    let sorted: std::collections::BTreeSet<KeyAttribute> = attributes.collect();
    let definitions = sorted.into_iter();
    definitions.map(|(name, kind)| json!({ "AttributeName": name, "AttributeType": kind })).collect()
}

/// A part of an item: its attributes of these names.
pub(crate) fn only<'a>(item: &Attributes, names: impl Iterator<Item = &'a str>) -> Attributes {
    names.filter_map(|name| Some((name.to_owned(), item.get(name)?.clone()))).collect()
}
