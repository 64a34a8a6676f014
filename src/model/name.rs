//! Names of tables and indexes, and the ways in which a request may name a table.

use std::fmt;

use crate::limits::NAME_BYTES;

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a name has 3 to 255 characters out of a-z, A-Z, 0-9, '_', '-' and '.'")]
pub struct NameError;

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName(Box<str>);

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IndexName(Box<str>);

/// How a request named a table.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TableRef {
    Name(TableName),
    Arn { arn: Box<str>, table: TableName },
}

impl TableName {
    pub fn parse(text: &str) -> Result<TableName, NameError> {
        checked(text).map(TableName)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl IndexName {
    pub fn parse(text: &str) -> Result<IndexName, NameError> {
        checked(text).map(IndexName)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for IndexName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TableRef {
    /// A plain name, or the ARN of a table and nothing below it.
    pub fn parse(text: &str) -> Option<TableRef> {
        let Some(resource) = table_resource(text) else {
            return TableName::parse(text).ok().map(TableRef::Name);
        };
        Some(TableRef::Arn { arn: text.into(), table: TableName::parse(resource).ok()? })
    }

    pub fn table_name(&self) -> &TableName {
        match self {
            TableRef::Name(table) | TableRef::Arn { table, .. } => table,
        }
    }

    pub fn bare_name(&self) -> &str {
        self.table_name().as_str()
    }

    pub fn arn(&self) -> Option<&str> {
        match self {
            TableRef::Name(_) => None,
            TableRef::Arn { arn, .. } => Some(arn),
        }
    }
}

/// A stream, as its ARN names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StreamRef {
    /// The ARN of its table.
    pub table_arn: Box<str>,
    pub table: TableName,
    /// The moment at which it began.
    pub label: Box<str>,
}

impl StreamRef {
    pub fn parse(arn: &str) -> Option<StreamRef> {
        let (table_arn, label) = arn.split_once("/stream/")?;
        let table = TableName::parse(table_resource(table_arn)?).ok()?;
        let is_label = !label.is_empty() && !label.contains('/');
        is_label.then(|| StreamRef { table_arn: table_arn.into(), table, label: label.into() })
    }
}

/// The table's name in its ARN, or in the ARN of one of its streams, indexes, backups, imports or exports.
pub fn table_name_in_arn(arn: &str) -> Option<&str> {
    let name = table_resource(arn)?.split('/').next()?;
    TableName::parse(name).is_ok().then_some(name)
}

/// What stands behind `:table/`. The fields before it differ between vendors, so they are not looked at.
fn table_resource(arn: &str) -> Option<&str> {
    let (_fields, resource) = arn.strip_prefix("arn:")?.split_once(":table/")?;
    Some(resource)
}

fn checked(text: &str) -> Result<Box<str>, NameError> {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    (NAME_BYTES.contains(&text.len()) && text.bytes().all(is_name_byte)).then(|| text.into()).ok_or(NameError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked() {
        let cases =
            [("abc", true), ("a_.-9", true), ("ab", false), ("", false), ("a b", false), ("täble", false)];
        for (text, expected) in cases {
            assert_eq!(TableName::parse(text).is_ok(), expected, "{text}");
            assert_eq!(IndexName::parse(text).is_ok(), expected, "{text}");
        }
        assert!(TableName::parse(&"x".repeat(255)).is_ok());
        assert!(TableName::parse(&"x".repeat(256)).is_err());
    }

    #[test]
    fn a_table_is_named_plainly_or_by_its_arn() {
        let arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Music";
        let alternator = "arn:scylla:alternator:alternator_Music:scylla:table/Music";
        let cases = [
            ("Music", Some(("Music", None))),
            (arn, Some(("Music", Some(arn)))),
            (alternator, Some(("Music", Some(alternator)))),
            ("arn:aws:dynamodb:eu-west-1:123456789012:table/Music/index/Genre", None),
            ("arn:aws:dynamodb:eu-west-1:123456789012:table/", None),
            ("arn:aws:dynamodb:eu-west-1:123456789012:global-table/Music", None),
            ("arn:Music", None),
            ("x:table/Music", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let table = TableRef::parse(text);
            assert_eq!(table.as_ref().map(|table| (table.bare_name(), table.arn())), expected, "{text}");
        }
    }

    #[test]
    fn a_stream_is_named_by_its_arn() {
        let table_arn = "arn:aws:dynamodb:eu-west-1:123456789012:table/Music";
        let label = "2024-01-01T00:00:00.000";
        let stream = StreamRef::parse(&format!("{table_arn}/stream/{label}")).unwrap();
        assert_eq!((&*stream.table_arn, stream.table.as_str(), &*stream.label), (table_arn, "Music", label));
        for wrong in ["/stream/", "/stream/a/b", "/index/a", "", "/index/i/stream/a"] {
            assert_eq!(StreamRef::parse(&format!("{table_arn}{wrong}")), None, "{wrong}");
        }
        assert_eq!(StreamRef::parse("fake-stream"), None);
    }

    #[test]
    fn arns_below_a_table_still_name_it() {
        let cases = [
            ("", Some("Music")),
            ("/index/Genre", Some("Music")),
            ("/stream/2024-01-01T00:00:00.000", Some("Music")),
            ("/backup/01234-abc", Some("Music")),
            (" /index/Genre", None),
        ];
        for (suffix, expected) in cases {
            let arn = format!("arn:aws:dynamodb:eu-west-1:123456789012:table/Music{suffix}");
            assert_eq!(table_name_in_arn(&arn), expected, "{arn}");
        }
        assert_eq!(table_name_in_arn("Music"), None);
    }
}
