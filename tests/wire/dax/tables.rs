//! Tables whose keys are of every type, with indexes of every kind.

use serde_json::{Value, json};

/// A table, as the generator needs to know it.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    /// Name and type of the partition key, and of the sort key.
    pub(crate) key: &'static [(&'static str, char)],
    pub(crate) indexes: &'static [Index],
}

#[derive(Debug)]
pub(crate) struct Index {
    pub(crate) name: &'static str,
    pub(crate) key: &'static [(&'static str, char)],
    pub(crate) is_global: bool,
    projection: &'static str,
}

pub(crate) const TABLES: [Table; 4] = [
    Table {
        name: "Songs",
        key: &[("artist", 'S'), ("title", 'S')],
        indexes: &[
            Index {
                name: "ByYear",
                key: &[("artist", 'S'), ("year", 'N')],
                is_global: false,
                projection: "ALL",
            },
            Index {
                name: "ByGenre",
                key: &[("genre", 'S'), ("year", 'N')],
                is_global: true,
                projection: "ALL",
            },
            Index { name: "Labels", key: &[("label", 'B')], is_global: true, projection: "KEYS_ONLY" },
        ],
    },
    Table { name: "Points", key: &[("x", 'N'), ("y", 'N')], indexes: &[] },
    Table { name: "Blobs", key: &[("id", 'B')], indexes: &[] },
    Table {
        name: "Pages",
        key: &[("site", 'N'), ("hash", 'B')],
        indexes: &[Index {
            name: "Included",
            key: &[("genre", 'S'), ("hash", 'B')],
            is_global: true,
            projection: "INCLUDE",
        }],
    },
];

fn key_schema(key: &[(&str, char)]) -> Value {
    let roles = key.iter().zip(["HASH", "RANGE"]);
    roles.map(|((name, _), role)| json!({ "AttributeName": name, "KeyType": role })).collect()
}

impl Index {
    fn definition(&self) -> Value {
        let mut projection = json!({ "ProjectionType": self.projection });
        if self.projection == "INCLUDE" {
            projection["NonKeyAttributes"] = json!(["a", "l"]);
        }
        json!({ "IndexName": self.name, "KeySchema": key_schema(self.key), "Projection": projection })
    }
}

impl Table {
    /// The request that makes it.
    pub(crate) fn create(&self) -> Value {
        let mut definitions: Vec<(&str, char)> = self.key.to_vec();
        definitions.extend(self.indexes.iter().flat_map(|index| index.key));
        definitions.sort_unstable();
        definitions.dedup();
        let definitions: Value = definitions
            .into_iter()
            .map(|(name, of)| json!({ "AttributeName": name, "AttributeType": of.to_string() }))
            .collect();
        let mut request = json!({
            "TableName": self.name,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": key_schema(self.key),
            "AttributeDefinitions": definitions,
        });
        for (member, is_global) in [("LocalSecondaryIndexes", false), ("GlobalSecondaryIndexes", true)] {
            let indexes: Vec<Value> = self
                .indexes
                .iter()
                .filter(|index| index.is_global == is_global)
                .map(Index::definition)
                .collect();
            if !indexes.is_empty() {
                request[member] = indexes.into();
            }
        }
        request
    }
}
