//! What `DescribeTable` says of a table, as far as it is needed.

use serde::Deserialize;

use crate::{KeyAttribute, KeySchema, KeyType};

/// A table's identity and keys.
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
}

impl TableDefinition {
    /// Reads the answer to a `DescribeTable`; `None` if it is of another shape.
    pub fn from_description(body: &[u8]) -> Option<TableDefinition> {
        let Described { table } = serde_json::from_slice(body).ok()?;
        let key_type = |name: &str| {
            let defined =
                table.attribute_definitions.iter().find(|attribute| attribute.attribute_name == name)?;
            match defined.attribute_type.as_str() {
                "S" => Some(KeyType::S),
                "N" => Some(KeyType::N),
                "B" => Some(KeyType::B),
                _ => None,
            }
        };
        let attribute = |role: &str| {
            let element = table.key_schema.iter().find(|element| element.key_type == role)?;
            let name = element.attribute_name.clone();
            Some(KeyAttribute { key_type: key_type(&name)?, name })
        };
        let key_schema = match table.key_schema.len() {
            1 => KeySchema { partition: vec![attribute("HASH")?], sort: vec![] },
            2 => KeySchema { partition: vec![attribute("HASH")?], sort: vec![attribute("RANGE")?] },
            _ => return None,
        };
        let is_active = matches!(table.table_status.as_deref(), Some("ACTIVE" | "UPDATING"));
        Some(TableDefinition { arn: table.table_arn, id: table.table_id, key_schema, is_active })
    }
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
    }

    #[test]
    fn a_description_of_another_shape_yields_nothing() {
        for body in [&b"{}"[..], b"[]", br#"{"Table":{"KeySchema":[],"AttributeDefinitions":[]}}"#] {
            assert_eq!(TableDefinition::from_description(body), None);
        }
    }
}
