//! What `DescribeTable` says of a table and its indexes, as far as it is needed.

use serde::Deserialize;

use crate::{KeyAttribute, KeySchema, KeyType};

/// A table's identity, keys and indexes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableDefinition {
    /// The ARN, if the origin gives tables one.
    pub arn: Option<String>,
    /// The identity that changes when a table is deleted and made again, if the origin gives tables one.
    pub id: Option<String>,
    /// The attributes of the primary key.
    pub key_schema: KeySchema,
    /// Whether items can be read and written.
    pub is_active: bool,
    /// The local and global indexes, in the order of their names.
    pub indexes: Vec<IndexDefinition>,
    /// The stream that follows it now, by ARN.
    pub stream_arn: Option<String>,
}

/// An index of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexDefinition {
    /// Unique among the indexes of the table.
    pub name: String,
    /// Whose partitions it has.
    pub scope: IndexScope,
    /// The attributes of its key; `None` if they are of a shape that this version does not know.
    pub key_schema: Option<KeySchema>,
    /// The attributes besides those of the keys that it has; `None` if it has all.
    pub projects: Option<Vec<String>>,
    /// Whether it can be read.
    pub is_active: bool,
}

/// Whose partitions an index has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IndexScope {
    /// Its table's own: what is written shows there at once, and can be read strongly.
    Local,
    /// Partitions by attributes of its own choice, which catch up with the table's by and by.
    Global,
}

impl TableDefinition {
    /// Reads the answer to a `DescribeTable`; `None` if it is of another shape.
    pub fn from_description(body: &[u8]) -> Option<TableDefinition> {
        let Described { table } = serde_json::from_slice(body).ok()?;
        let types = &table.attribute_definitions;
        let key_schema = key_schema(&table.key_schema, types)?;
        // DynamoDB: only indexes have keys of several attributes.
        if key_schema.partition.len() != 1 || key_schema.sort.len() > 1 {
            return None;
        }
        let local =
            table.local_secondary_indexes.into_iter().flatten().map(|index| (index, IndexScope::Local));
        let global = table.global_secondary_indexes.into_iter().flatten();
        let global = global.map(|index| (index, IndexScope::Global));
        let mut indexes: Vec<_> =
            local.chain(global).map(|(index, scope)| index.defined(scope, types)).collect();
        indexes.sort_by(|one, other| one.name.cmp(&other.name));
        Some(TableDefinition {
            arn: table.table_arn,
            id: table.table_id,
            key_schema,
            is_active: is_readable(table.table_status.as_deref()),
            indexes,
            stream_arn: table.latest_stream_arn.filter(|_| {
                table.stream_specification.is_some_and(|specification| specification.stream_enabled)
            }),
        })
    }

    /// The indexes that have its own partitions.
    pub fn local_indexes(&self) -> impl Iterator<Item = &IndexDefinition> {
        self.indexes.iter().filter(|index| index.scope == IndexScope::Local)
    }

    /// Whether both are the same table with the same items, whatever became of its indexes.
    pub fn is_same_table(&self, other: &TableDefinition) -> bool {
        (&self.arn, &self.id, &self.key_schema) == (&other.arn, &other.id, &other.key_schema)
    }
}

/// DynamoDB: what is being updated can be read all the same.
fn is_readable(status: Option<&str>) -> bool {
    matches!(status, Some("ACTIVE" | "UPDATING"))
}

fn key_schema(elements: &[KeySchemaElement], types: &[AttributeDefinition]) -> Option<KeySchema> {
    let attribute = |element: &KeySchemaElement| {
        let is_it = |attribute: &&AttributeDefinition| attribute.attribute_name == element.attribute_name;
        let key_type = match types.iter().find(is_it)?.attribute_type.as_str() {
            "S" => KeyType::S,
            "N" => KeyType::N,
            "B" => KeyType::B,
            _ => return None,
        };
        Some(KeyAttribute { key_type, name: element.attribute_name.clone() })
    };
    let part = |role: &str| {
        elements.iter().filter(|element| element.key_type == role).map(attribute).collect::<Option<Vec<_>>>()
    };
    let (partition, sort) = (part("HASH")?, part("RANGE")?);
    let is_whole = !partition.is_empty() && partition.len() + sort.len() == elements.len();
    is_whole.then_some(KeySchema { partition, sort })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Described {
    table: Table,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Table {
    table_arn: Option<String>,
    table_id: Option<String>,
    table_status: Option<String>,
    key_schema: Vec<KeySchemaElement>,
    attribute_definitions: Vec<AttributeDefinition>,
    local_secondary_indexes: Option<Vec<Index>>,
    global_secondary_indexes: Option<Vec<Index>>,
    latest_stream_arn: Option<String>,
    stream_specification: Option<StreamSpecification>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StreamSpecification {
    #[serde(default)]
    stream_enabled: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Index {
    index_name: String,
    index_status: Option<String>,
    #[serde(default)]
    backfilling: Option<bool>,
    key_schema: Vec<KeySchemaElement>,
    projection: Option<Projection>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Projection {
    projection_type: Option<String>,
    non_key_attributes: Option<Vec<String>>,
}

impl Index {
    fn defined(self, scope: IndexScope, types: &[AttributeDefinition]) -> IndexDefinition {
        let projects = match self.projection {
            Some(Projection { projection_type: Some(kind), .. }) if kind == "KEYS_ONLY" => Some(vec![]),
            Some(Projection { projection_type: Some(kind), non_key_attributes }) if kind == "INCLUDE" => {
                non_key_attributes
            }
            _ => None,
        };
        // DynamoDB: a local index has no state of its own.
        let is_active = match scope {
            IndexScope::Local => true,
            IndexScope::Global => is_readable(self.index_status.as_deref()) && self.backfilling != Some(true),
        };
        IndexDefinition {
            key_schema: key_schema(&self.key_schema, types),
            name: self.index_name,
            scope,
            projects,
            is_active,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct KeySchemaElement {
    attribute_name: String,
    key_type: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttributeDefinition {
    attribute_name: String,
    attribute_type: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_yields_identity_and_keys() {
        let body = br#"{"Table":{"TableArn":"arn:aws:dynamodb:r:1:table/T01","TableId":"x","TableStatus":"ACTIVE",
            "ItemCount":3,"KeySchema":[{"AttributeName":"s","KeyType":"RANGE"},{"AttributeName":"p","KeyType":"HASH"}],
            "AttributeDefinitions":[{"AttributeName":"p","AttributeType":"S"},{"AttributeName":"s","AttributeType":"N"},
            {"AttributeName":"other","AttributeType":"B"}],"GlobalSecondaryIndexes":[{"IndexName":"long",
            "KeySchema":[{"AttributeName":"other","KeyType":"HASH"},{"AttributeName":"p","KeyType":"HASH"},
            {"AttributeName":"s","KeyType":"RANGE"}]}]}}"#;
        let table = TableDefinition::from_description(body).unwrap();
        assert_eq!(table.id.as_deref(), Some("x"));
        assert!(table.is_active);
        assert_eq!(table.key_schema.partition, [KeyAttribute { name: "p".into(), key_type: KeyType::S }]);
        assert_eq!(table.key_schema.sort, [KeyAttribute { name: "s".into(), key_type: KeyType::N }]);
        let [long] = &table.indexes[..] else { panic!("{:?}", table.indexes) };
        assert_eq!((long.name.as_str(), long.scope, long.is_active), ("long", IndexScope::Global, false));
        assert_eq!(long.key_schema.as_ref().unwrap().partition.len(), 2);
        assert_eq!(long.projects, None);
    }

    #[test]
    fn indexes_say_what_they_have_and_whether_they_can_be_read() {
        let body = |index: &str| {
            format!(
                r#"{{"Table":{{"TableStatus":"ACTIVE","KeySchema":[{{"AttributeName":"p","KeyType":"HASH"}}],
                "AttributeDefinitions":[{{"AttributeName":"p","AttributeType":"S"}}],
                "GlobalSecondaryIndexes":[{{"IndexName":"i","KeySchema":[{{"AttributeName":"p","KeyType":"HASH"}}],
                {index}}}]}}}}"#
            )
        };
        let check = |index: &str, is_active: bool, projects: Option<&[&str]>| {
            let table = TableDefinition::from_description(body(index).as_bytes()).unwrap();
            assert_eq!(table.indexes[0].is_active, is_active, "{index}");
            let projected =
                table.indexes[0].projects.as_ref().map(|names| names.iter().map(String::as_str).collect());
            assert_eq!(projected, projects.map(<[&str]>::to_vec), "{index}");
        };
        check(r#""IndexStatus":"ACTIVE","Projection":{"ProjectionType":"ALL"}"#, true, None);
        check(r#""IndexStatus":"CREATING","Projection":{"ProjectionType":"KEYS_ONLY"}"#, false, Some(&[]));
        check(r#""IndexStatus":"UPDATING","Backfilling":true"#, false, None);
        check(
            r#""IndexStatus":"ACTIVE","Projection":{"ProjectionType":"INCLUDE","NonKeyAttributes":["a"]}"#,
            true,
            Some(&["a"]),
        );
    }

    #[test]
    fn a_description_of_another_shape_yields_nothing() {
        for body in [&b"{}"[..], b"[]", br#"{"Table":{"KeySchema":[],"AttributeDefinitions":[]}}"#] {
            assert_eq!(TableDefinition::from_description(body), None);
        }
    }
}
