//! The tables that a request of any shape names, for operations whose shape is not known.

use std::{collections::BTreeSet, fmt};

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::{TableName, table_name_in_arn};

/// The bare names of all tables that a JSON request names, at any depth; `None` when it is not JSON, or names
/// none, so that any table may be meant.
///
/// A table is named by a string member whose name speaks of a table or a resource (`TableName`,
/// `SourceTableArn`, `TargetTableName`, `ResourceArn`, `BackupArn`, …), or by a member of `RequestItems`.
pub fn tables_named(body: &[u8]) -> Option<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    let mut json = serde_json::Deserializer::from_slice(body);
    Walk { found: &mut found, at: Place::Elsewhere }.deserialize(&mut json).ok()?;
    json.end().ok()?;
    (!found.is_empty()).then_some(found)
}

fn bare_table_name(text: &str) -> Option<&str> {
    table_name_in_arn(text).or_else(|| TableName::parse(text).is_ok().then_some(text))
}

#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// The value of a member that names a table.
    TableName,
    /// The value of a member whose members are named by tables.
    KeyedByTable,
    Elsewhere,
}

impl Place {
    fn of(member: &str) -> Place {
        if member == "RequestItems" {
            return Place::KeyedByTable;
        }
        match member.contains("Table") || member.ends_with("Arn") {
            true => Place::TableName,
            false => Place::Elsewhere,
        }
    }
}

struct Walk<'a> {
    found: &'a mut BTreeSet<String>,
    at: Place,
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        if self.at == Place::TableName
            && let Some(name) = bare_table_name(text)
        {
            self.found.insert(name.to_owned());
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(member) = members.next_key::<String>()? {
            if self.at == Place::KeyedByTable
                && let Some(name) = bare_table_name(&member)
            {
                self.found.insert(name.to_owned());
            }
            members.next_value_seed(Walk { found: self.found, at: Place::of(&member) })?;
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        while elements.next_element_seed(Walk { found: self.found, at: self.at })?.is_some() {}
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_at_any_depth() {
        let cases: [(&str, Option<&[&str]>); 8] = [
            (r#"{"TableName":"Users"}"#, Some(&["Users"])),
            (r#"{"TableName":"arn:aws:dynamodb:eu-west-1:1:table/Users"}"#, Some(&["Users"])),
            (
                r#"{"A":[{"SourceTableArn":"arn:aws:dynamodb:r:1:table/One"}],"TargetTableName":"Two"}"#,
                Some(&["One", "Two"]),
            ),
            (r#"{"RequestItems":{"One":[],"Two":{}}}"#, Some(&["One", "Two"])),
            (r#"{"ResourceArn":"arn:aws:dynamodb:r:1:table/One/index/i"}"#, Some(&["One"])),
            (r#"{"Item":{"name":{"S":"x"}},"n":1.5,"b":null,"t":true}"#, None),
            ("[]", None),
            (r#"{"TableName":"One"} x"#, None),
        ];
        for (body, expected) in cases {
            let expected = expected.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(tables_named(body.as_bytes()), expected, "{body}");
        }
    }

    #[test]
    fn depth_is_refused_not_followed() {
        let body = format!("{{\"TableName\":\"One\",\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert_eq!(tables_named(body.as_bytes()), None);
    }
}
